"""How many bits a k-sparse subset of N holds, and how that is bounded."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import gammaln

from sksupercode.theory._validation import check_sizes

__all__ = [
    "entropy_approximation_nats",
    "entropy_bits",
    "entropy_bound_bits",
    "entropy_bound_excess",
    "entropy_bound_nats",
    "entropy_nats",
]

_LN2 = np.log(2.0)


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


def entropy_nats(n_features, n_nonzero_coefs):
    """Entropy of a uniform k-subset of N, in nats.

    .. math:: H = \\ln \\binom{N}{k}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    entropy : float or ndarray of float
        The entropy in nats.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    entropy_bits : The same in bits.

    Notes
    -----
    Evaluated as :math:`N h(k/N) - \\tfrac12 \\ln(2\\pi k(1-k/N))` plus the remainders of
    Stirling's series, all of whose terms are accurate; a difference of log-gamma functions
    would lose every digit near N = 2**60.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy_nats
    >>> entropy_nats(2**20, 2**8).round(3)
    np.float64(2381.625)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return log_binomial(n, k, n - k)[()]


def entropy_bits(n_features, n_nonzero_coefs):
    """Entropy of a uniform k-subset of N, in bits.

    .. math:: H = \\log_2 \\binom{N}{k}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    entropy : float or ndarray of float
        The entropy in bits.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    entropy_nats : The same in nats, with the method of evaluation.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy_bits
    >>> entropy_bits([2**10, 2**20], [1, 2**8]).round(2)
    array([  10.  , 3435.96])
    """
    return entropy_nats(n_features, n_nonzero_coefs) / _LN2


def entropy_bound_nats(n_features, n_nonzero_coefs):
    """Upper bound on the entropy of a k-subset of N, in nats.

    .. math:: \\ln \\binom{N}{k} \\le k \\ln(eN/k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    bound : float or ndarray of float
        The bound in nats.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    entropy_bound_excess : How far the bound lies above the entropy.

    Notes
    -----
    It holds for all k, by :math:`\\binom{N}{k} \\le N^k/k!` and :math:`k! \\ge (k/e)^k`, and is
    tight for 1 << k << N, where it exceeds the entropy by about
    :math:`\\tfrac12 \\ln(2\\pi k) + k^2/(2N)`.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy_bound_nats
    >>> entropy_bound_nats(2**20, 2**8).round(3)
    np.float64(2385.348)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (k * (1 + np.log(n / k)))[()]


def entropy_bound_bits(n_features, n_nonzero_coefs):
    """Upper bound on the entropy of a k-subset of N, in bits.

    .. math:: \\log_2 \\binom{N}{k} \\le k \\log_2(eN/k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    bound : float or ndarray of float
        The bound in bits.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    entropy_bound_nats : The same in nats, with its proof.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy_bound_bits
    >>> entropy_bound_bits(2**20, 2**8).round(2)
    np.float64(3441.33)
    """
    return entropy_bound_nats(n_features, n_nonzero_coefs) / _LN2


def entropy_approximation_nats(n_features, n_nonzero_coefs):
    """Stirling approximation of the entropy of a k-subset of N, in nats.

    .. math:: H \\approx N h(k/N) - \\tfrac12 \\ln(2 \\pi k (1 - k/N)),

    with the binary entropy h in nats.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    entropy : float or ndarray of float
        The approximate entropy in nats.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    entropy_nats : The exact value.

    Notes
    -----
    The error is O(1/k + 1/(N-k)). For k = N the expression diverges, and 0, the exact value, is
    returned.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, ch. 11.

    Examples
    --------
    >>> from sksupercode.theory import entropy_approximation_nats
    >>> entropy_approximation_nats(2**20, 2**8).round(4)
    np.float64(2381.6255)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    rest = (n - k).astype(np.float64)
    small, big = np.minimum(k, np.maximum(rest, 1)), np.maximum(k, rest)
    value = (
        small * np.log(n / small)
        - big * np.log1p(-np.minimum(small / n, 0.5))
        - 0.5 * np.log(2 * np.pi * k * (np.maximum(rest, 1) / n))
    )
    return np.where(rest == 0, 0.0, value)[()]


def entropy_bound_excess(n_features, n_nonzero_coefs):
    """Relative excess of the entropy bound over the entropy.

    .. math:: k \\ln(eN/k) / \\ln \\binom{N}{k} - 1

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    excess : float or ndarray of float
        The relative excess, without a unit; infinite for k = N, where the entropy is 0.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    entropy_bound_nats : The bound.

    Notes
    -----
    Evaluated from the difference itself, so that it stays accurate where the bound is tight.

    Examples
    --------
    >>> from sksupercode.theory import entropy_bound_excess
    >>> entropy_bound_excess(2**20, 2**8).round(5)
    np.float64(0.00156)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    rest = (n - k).astype(np.float64)
    filled = np.maximum(rest, 1)
    x = k / n
    gap = (
        n * _x_plus_xlog1p(x, np.minimum(filled / n, 1))
        + 0.5 * np.log(2 * np.pi * k * (filled / n))
        + stirling_remainder(k)
        + stirling_remainder(filled)
        - stirling_remainder(n)
    )
    with np.errstate(divide="ignore"):
        excess = gap / np.where(rest == 0, 1.0, log_binomial(n, k, rest))
    return np.where(rest == 0, np.inf, excess)[()]


def _x_plus_xlog1p(x, complement):
    """x + (1 - x) ln(1 - x), given 1 - x as well."""
    j = np.arange(22, 1, -1)
    series = np.polyval(np.append(1 / (j * (j - 1)), [0, 0]), np.minimum(x, 0.15))
    return np.where(x < 0.15, series, x + complement * np.log(complement))
