"""How sparse a code is, and how many bits each of its dimensions carries."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._entropy import entropy
from sksupercode.theory._validation import check_real, check_sizes

__all__ = ["bits_per_dimension", "dimensions_per_bit", "sparsity_exponent"]


def bits_per_dimension(n_features, n_nonzero_coefs, n_components):
    r"""Rate of a superposition code.

    .. math:: \log_2 \binom{N}{k} / d

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : float or array-like of float
        Dimension d of the code, any positive number.

    Returns
    -------
    rate : float or ndarray of float
        The rate in bits per dimension; higher is better.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    dimensions_per_bit : The inverse, a cost.

    Notes
    -----
    A code with one active codeword in each of k sections holds :math:`k \log_2(N/k)` bits.

    Examples
    --------
    >>> from sksupercode.theory import bits_per_dimension
    >>> bits_per_dimension(2**20, 2**8, 4096).round(3)
    np.float64(0.839)
    """
    d = check_real(n_components, "n_components", 0, np.inf, closed="right")
    return entropy(n_features, n_nonzero_coefs) / d


def dimensions_per_bit(n_features, n_nonzero_coefs, n_components):
    r"""Cost of a superposition code.

    .. math:: d / \log_2 \binom{N}{k}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : float or array-like of float
        Dimension d of the code, any positive number.

    Returns
    -------
    cost : float or ndarray of float
        The cost in dimensions per bit, lower is better; infinite for k = N, which holds no bit.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    bits_per_dimension : The inverse, a rate.

    Examples
    --------
    >>> from sksupercode.theory import dimensions_per_bit
    >>> dimensions_per_bit(2**20, 2**8, 4096).round(3)
    np.float64(1.192)
    """
    d = check_real(n_components, "n_components", 0, np.inf, closed="right")
    with np.errstate(divide="ignore"):
        return d / np.float64(entropy(n_features, n_nonzero_coefs))


def sparsity_exponent(n_features, n_nonzero_coefs):
    r"""Exponent of the sparsity.

    .. math:: \eta = \ln k / \ln N

    It is 0 for a single active codeword and 1 if all are active.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 2 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    exponent : float or ndarray of float
        The exponent, in [0, 1], without a unit.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    one_step_constant : A function of the exponent.

    Examples
    --------
    >>> from sksupercode.theory import sparsity_exponent
    >>> sparsity_exponent(2**20, 2**8).round(3)
    np.float64(0.4)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs, low=2)
    return (np.log(k) / np.log(n))[()]
