"""Rules of thumb for the dimension that each decoder needs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._entropy import entropy_bound
from sksupercode.theory._validation import check_sizes

__all__ = [
    "basis_pursuit_rule_dimension",
    "matching_pursuit_rule_dimension",
    "threshold_rule_dimension",
    "topk_rule_dimension",
]


def threshold_rule_dimension(n_features, n_nonzero_coefs):
    """Rule of thumb for decoding by a threshold of 1/2.

    .. math:: d = 8 k \\ln N

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    threshold_dimension : The dimension for a given probability of success.

    Notes
    -----
    8 is the sharp constant, 2 / threshold**2, for a fixed threshold of 1/2. The probability of
    success at the rule is about :math:`\\exp(-1/\\sqrt{4 \\pi \\ln N})`, i.e. 0.90 to 0.93 for
    N = 2**10 to 2**20, almost whatever k.

    Examples
    --------
    >>> from sksupercode.theory import threshold_rule_dimension
    >>> threshold_rule_dimension(2**20, 2**8).round(1)
    np.float64(28391.3)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (8.0 * k * np.log(n))[()]


def topk_rule_dimension(n_features, n_nonzero_coefs):
    """Rule of thumb for decoding by the k largest scores.

    .. math:: d = 4 k \\ln(k N)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    topk_guarantee_dimension : The same with a guarantee.
    topk_dimension : The dimension for a given probability of success.

    Notes
    -----
    An active score exceeds an inactive one by 1 on average, with variance near 2k/d, so that the
    expected number of wrong pairs among k(N-k) is about :math:`kN e^{-d/(4k)}`; the rule puts
    that to 1, before the factor of the Gaussian tail. It delivers a success probability of 0.96
    to 1.

    Examples
    --------
    >>> from sksupercode.theory import topk_rule_dimension
    >>> topk_rule_dimension(2**20, 2**8).round(1)
    np.float64(19873.9)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (4.0 * k * (np.log(k) + np.log(n)))[()]


def matching_pursuit_rule_dimension(n_features, n_nonzero_coefs):
    """Rule of thumb for decoding by matching pursuit.

    .. math:: d = 1.3\\, k \\log_2(eN/k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    matching_pursuit_active_only : The probability of success by simulation.

    Notes
    -----
    An empirical rule, 1.3 dimensions per bit of :func:`entropy_bound`. It delivers a success
    probability of 0.95 at (N, k) = (2**20, 2**8), 0.99 at (10**6, 100) and 0.82 at (2**16, 2**8).

    Examples
    --------
    >>> from sksupercode.theory import matching_pursuit_rule_dimension
    >>> matching_pursuit_rule_dimension(2**20, 2**8).round(1)
    np.float64(4473.7)
    """
    return 1.3 * entropy_bound(n_features, n_nonzero_coefs)


def basis_pursuit_rule_dimension(n_features, n_nonzero_coefs):
    """Rule of thumb for decoding by basis pursuit.

    .. math:: d = 0.8\\, k \\log_2(eN/k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    basis_pursuit_dimension : The phase transition that the rule approximates.

    Notes
    -----
    An empirical rule, 0.8 dimensions per bit of :func:`entropy_bound`. Near
    (N, k) = (2**20, 2**8) it is the phase transition of nonnegative basis pursuit, where the
    success probability is about 1/2.

    Examples
    --------
    >>> from sksupercode.theory import basis_pursuit_rule_dimension
    >>> basis_pursuit_rule_dimension(2**20, 2**8).round(1)
    np.float64(2753.1)
    """
    return 0.8 * entropy_bound(n_features, n_nonzero_coefs)
