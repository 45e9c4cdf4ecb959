"""Closed forms around pursuits: sufficient dimensions of the field, and a heuristic."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._validation import check_sizes

__all__ = [
    "matching_pursuit_first_step_dimension",
    "omp_dimension",
    "omp_tropp_gilbert_dimension",
]


def matching_pursuit_first_step_dimension(n_features, n_nonzero_coefs):
    """Dimension at which the first step of matching pursuit succeeds, heuristically.

    .. math:: d = 2 k (\\sqrt{\\ln N} - \\sqrt{\\ln k})^2

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    matching_pursuit_active_only : A prediction of the success of all steps.

    Notes
    -----
    The largest active score, about :math:`1 + \\sqrt{2 \\ln k\\, k/d}`, beats the largest inactive
    one, about :math:`\\sqrt{2 \\ln N\\, k/d}`. It is no prediction: later steps are harder, and at
    (N, k) = (2**20, 2**8) half of the runs succeed only in 4 times the dimension.

    Examples
    --------
    >>> from sksupercode.theory import matching_pursuit_first_step_dimension
    >>> matching_pursuit_first_step_dimension(2**20, 2**8).round(1)
    np.float64(958.8)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    # sqrt(a) - sqrt(b) = (a - b)/(sqrt(a) + sqrt(b)), which does not cancel for k near N.
    log_ratio = np.log1p((n - k) / k)
    total = np.sqrt(np.log(n)) + np.sqrt(np.log(k))
    return (2 * k * (log_ratio / np.where(total > 0, total, 1.0)) ** 2)[()]


def omp_dimension(n_features, n_nonzero_coefs):
    """Dimension that suffices for orthogonal matching pursuit.

    .. math:: d = 2 k \\ln(N - k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number; 0 for k = N.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    omp_tropp_gilbert_dimension : An earlier, larger one.

    Notes
    -----
    Asymptotic, for Gaussian dictionaries and arbitrary real coefficients, as for the lasso.
    Coefficients of 0 and 1 need less.

    References
    ----------
    .. [1] A. K. Fletcher and S. Rangan, "Orthogonal Matching Pursuit: A Brownian Motion Analysis",
       IEEE Trans. Signal Process. 60(3), 2012.

    Examples
    --------
    >>> from sksupercode.theory import omp_dimension
    >>> omp_dimension(2**20, 2**8).round(1)
    np.float64(7097.7)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (2 * k * np.log(np.maximum(n - k, 1)))[()]


def omp_tropp_gilbert_dimension(n_features, n_nonzero_coefs):
    """Dimension that suffices for orthogonal matching pursuit, after Tropp and Gilbert.

    .. math:: d = 4 k \\ln N

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    omp_dimension : A later, smaller one.

    Notes
    -----
    Asymptotic, for Gaussian dictionaries and arbitrary real coefficients.

    References
    ----------
    .. [1] J. A. Tropp and A. C. Gilbert, "Signal Recovery From Random Measurements Via Orthogonal
       Matching Pursuit", IEEE Trans. Inf. Theory 53(12), 2007.

    Examples
    --------
    >>> from sksupercode.theory import omp_tropp_gilbert_dimension
    >>> omp_tropp_gilbert_dimension(2**20, 2**8).round(1)
    np.float64(14195.7)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (4 * k * np.log(n))[()]
