"""Finite-size guarantees for decoding in one step (Proposition 5)."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._validation import check_bool, check_probability, check_sizes

__all__ = ["threshold_guarantee_dimension", "topk_guarantee_dimension"]


def threshold_guarantee_dimension(
    n_features, n_nonzero_coefs, failure_probability, *, return_threshold=False
):
    r"""Dimension that guarantees threshold decoding at finite N (Proposition 5 of the manuscript).

    .. math:: d = 2 k (A + B)^2, \quad A = \sqrt{\ln(2 (N-k)/p)}, \quad B = \sqrt{\ln(2k/p)},
              \quad \tau = \frac{A}{A + B}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    failure_probability : float or array-like of float
        The probability p of failure, in (0, 1).
    return_threshold : bool, default=False
        Whether to return the threshold tau as well.

    Returns
    -------
    n_components : float or ndarray of float
        The sufficient dimension d, a real number to be rounded up.
    threshold : float or ndarray of float
        The threshold on the scores of unit-norm codewords, in [0, 1). Only if ``return_threshold``.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    topk_guarantee_dimension : The same for the k largest scores.

    Notes
    -----
    Rigorous for every N and k, a Rademacher dictionary and no noise: by Hoeffding's inequality
    false alarms and misses have probability at most p/2 each. For k = N, A is 0.

    References
    ----------
    .. [1] W. Hoeffding, "Probability Inequalities for Sums of Bounded Random Variables", J. Amer.
       Statist. Assoc. 58, 1963.

    Examples
    --------
    >>> from sksupercode.theory import threshold_guarantee_dimension
    >>> threshold_guarantee_dimension(2**20, 2**8, 0.1).round(1)
    np.float64(25291.9)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    p = check_probability(failure_probability, "failure_probability")
    alarm = np.log(2 * np.maximum(n - k, 1)) - np.log(p)
    a, b = np.sqrt(np.where(n == k, 0.0, alarm)), np.sqrt(np.log(2 * k) - np.log(p))
    d = (2 * k * (a + b) ** 2)[()]
    return (d, (a / (a + b))[()]) if check_bool(return_threshold, "return_threshold") else d


def topk_guarantee_dimension(n_features, n_nonzero_coefs, failure_probability):
    r"""Dimension that guarantees decoding by top-k at finite N (Proposition 5 of the manuscript).

    .. math:: d = 4 k \ln(k (N - k)/p)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    failure_probability : float or array-like of float
        The probability p of failure, in (0, 1).

    Returns
    -------
    n_components : float or ndarray of float
        The sufficient dimension d, a real number to be rounded up; 0 for k = N, where the decoder
        cannot fail.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    rule_of_thumb_dimension : The rule of thumb of the same form.

    Notes
    -----
    Rigorous for every N and k, a Rademacher dictionary and no noise. An active score exceeds an
    inactive one by :math:`1 - \rho` plus an inner product of their difference with the other
    active codewords, which is sub-Gaussian given their coherence rho; averaged over rho, the
    difference is negative with probability at most :math:`e^{-d/(4k)}`. The rest is a union bound
    over the k(N-k) pairs.

    Examples
    --------
    >>> from sksupercode.theory import topk_guarantee_dimension
    >>> topk_guarantee_dimension(2**20, 2**8, 0.1).round(1)
    np.float64(22231.5)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    p = check_probability(failure_probability, "failure_probability")
    log_pairs = np.log(k) + np.log(np.maximum(n - k, 1)) - np.log(p)
    return np.where(n == k, 0.0, 4 * k * log_pairs)[()]
