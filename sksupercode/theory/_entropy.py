"""How many bits a k-sparse subset of N holds, and how that is bounded."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import gammaln

from sksupercode.theory._validation import check_sizes, from_nats

__all__ = ["entropy", "entropy_bound"]


def stirling_remainder(n):
    """ln n! - (n ln n - n + ln(2 pi n) / 2) for real n > 0."""
    n = np.asarray(n, dtype=np.float64)
    small = np.minimum(n, 16.0)
    exact = gammaln(small + 1) - (small * np.log(small) - small + 0.5 * np.log(2 * np.pi * small))
    m = np.maximum(n, 16.0)
    r = 1 / (m * m)
    series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / m
    return np.where(n < 16, exact, series)


def log_binomial(n, k, rest):
    """ln C(n, k) with ``rest = n - k`` given apart, so that no digits are lost for large n."""
    n, k, rest = (np.asarray(a, dtype=np.float64) for a in (n, k, rest))
    m, big = np.minimum(k, rest), np.maximum(k, rest)
    j = np.where(m == 0, 1.0, m)
    value = (
        j * np.log(n / j)
        - big * np.log1p(-m / n)
        - 0.5 * np.log(2 * np.pi * j * (big / n))
        + stirling_remainder(n)
        - stirling_remainder(j)
        - stirling_remainder(big)
    )
    return np.where(m == 0, 0.0, np.maximum(value, 0.0))


def entropy(n_features, n_nonzero_coefs, *, unit="bits"):
    r"""Entropy of a uniform k-subset of N.

    .. math:: H = \log_2 \binom{N}{k} \text{ bits} = \ln \binom{N}{k} \text{ nats}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    unit : {"bits", "nats"}, default="bits"
        The unit of the entropy.

    Returns
    -------
    entropy : float or ndarray of float
        The entropy in that unit.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    entropy_bound : A simple upper bound.

    Notes
    -----
    Evaluated as :math:`N h(k/N) - \tfrac12 \ln(2\pi k(1-k/N))`, with the binary entropy h in nats,
    plus the remainders of Stirling's series, all of whose terms are accurate. A difference of
    log-gamma functions would lose every digit near N = 2**60.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy
    >>> entropy([2**10, 2**20], [1, 2**8]).round(2)
    array([  10.  , 3435.96])
    >>> entropy(2**20, 2**8, unit="nats").round(3)
    np.float64(2381.625)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return from_nats(log_binomial(n, k, n - k), unit)[()]


def entropy_bound(n_features, n_nonzero_coefs, *, unit="bits"):
    r"""Upper bound on the entropy of a k-subset of N.

    .. math:: \log_2 \binom{N}{k} \le k \log_2(eN/k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    unit : {"bits", "nats"}, default="bits"
        The unit of the bound.

    Returns
    -------
    bound : float or ndarray of float
        The bound in that unit.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    entropy : The exact value.

    Notes
    -----
    It holds for all k, by :math:`\binom{N}{k} \le N^k/k!` and :math:`k! \ge (k/e)^k`, and is
    tight for 1 << k << N, where it exceeds the entropy by about
    :math:`\tfrac12 \ln(2\pi k) + k^2/(2N)` nats.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy_bound
    >>> entropy_bound(2**20, 2**8).round(2)
    np.float64(3441.33)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return from_nats(k * (1 + np.log(n / k)), unit)[()]
