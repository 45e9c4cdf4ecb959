"""Orthogonal matching pursuit: a sufficient dimension from the literature."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._validation import check_sizes

__all__ = ["omp_dimension"]


def omp_dimension(n_features, n_nonzero_coefs):
    r"""Dimension that suffices for orthogonal matching pursuit.

    .. math:: d = 2 k \ln(N - k)

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
    basis_pursuit_dimension : The phase transition of basis pursuit.

    Notes
    -----
    Asymptotic, for Gaussian dictionaries and arbitrary real coefficients, as for the lasso.
    Coefficients of 0 and 1 need less. An earlier result [2]_ is 4 k ln N.

    References
    ----------
    .. [1] A. K. Fletcher and S. Rangan, "Orthogonal Matching Pursuit: A Brownian Motion Analysis",
       IEEE Trans. Signal Process. 60(3), 2012.
    .. [2] J. A. Tropp and A. C. Gilbert, "Signal Recovery From Random Measurements Via Orthogonal
       Matching Pursuit", IEEE Trans. Inf. Theory 53(12), 2007.

    Examples
    --------
    >>> from sksupercode.theory import omp_dimension
    >>> omp_dimension(2**20, 2**8).round(1)
    np.float64(7097.7)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (2 * k * np.log(np.maximum(n - k, 1)))[()]
