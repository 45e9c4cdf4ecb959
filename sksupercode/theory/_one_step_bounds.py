"""Proposition 5: what decoding in one step achieves for large codes."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._validation import (
    check_noise_variance,
    check_real,
    check_sizes,
)

__all__ = [
    "one_step_capacity_bits",
    "one_step_capacity_nats",
    "one_step_constant",
    "one_step_dimension",
    "one_step_dimensions_per_nat",
    "one_step_threshold",
]


def one_step_constant(exponent):
    """Constant of the achievability of one-step decoding (Proposition 5).

    .. math:: \\kappa(\\eta) = 2 (1 + \\sqrt{\\eta})^2

    Parameters
    ----------
    exponent : float or array-like of float
        The exponent :math:`\\eta = \\ln k/\\ln N` of :func:`sparsity_exponent`, in [0, 1].

    Returns
    -------
    constant : float or ndarray of float
        The constant, in dimensions per active codeword and nat.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    one_step_dimension : The dimension with this constant.

    Notes
    -----
    At most :math:`4 (1 + \\eta)`, the constant of the rule 4 k ln(kN), and at most 8.

    Examples
    --------
    >>> from sksupercode.theory import one_step_constant
    >>> one_step_constant([0, 0.25, 1])
    array([2. , 4.5, 8. ])
    """
    eta = check_real(exponent, "exponent", 0, 1)
    return (2 * (1 + np.sqrt(eta)) ** 2)[()]


def one_step_dimension(n_features, n_nonzero_coefs, noise_variance=0.0):
    """Dimension that suffices for one-step decoding (Proposition 5).

    .. math:: d = \\kappa(\\eta) k \\ln N = 2 k (\\sqrt{\\ln N} + \\sqrt{\\ln k})^2

    and, with Gaussian noise of variance :math:`\\sigma^2` per coordinate,

    .. math:: d = k \\Big/ \\Big(\\frac{1}{2 (\\sqrt{\\ln N} + \\sqrt{\\ln k})^2} - \\sigma^2\\Big).

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number; infinite where the noise is too large for any dimension.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    threshold_guarantee_dimension : A guarantee at finite size.
    topk_dimension : The dimension for a given probability at finite size.

    Notes
    -----
    Asymptotic: in any larger multiple of d the probability of exact recovery tends to 1 as N
    grows, with :math:`\\ln k \\le \\eta \\ln N` and eta < 1, both for the threshold
    :func:`one_step_threshold` and for the k largest scores. By Hoeffding's inequality the failure
    is at most :math:`(N-k) e^{-\\tau^2 d/(2k)} + k e^{-(1-\\tau)^2 d/(2(k-1))}`.

    Examples
    --------
    >>> from sksupercode.theory import one_step_dimension
    >>> one_step_dimension(2**20, 2**8).round(1)
    np.float64(18915.1)
    >>> one_step_dimension(2**20, 2**8, [0.001, 0.01, 0.1]).round(0)
    array([20424., 72436.,    inf])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    noise_variance = check_noise_variance(noise_variance)
    cost = 2 * (np.sqrt(np.log(n)) + np.sqrt(np.log(k))) ** 2
    slack = 1 - cost * noise_variance
    return np.where(slack > 0, k * cost / np.where(slack > 0, slack, 1.0), np.inf)[()]


def one_step_threshold(n_features, n_nonzero_coefs):
    """Threshold of the achievability of one-step decoding (Proposition 5).

    .. math:: \\tau = \\frac{1}{1 + \\sqrt{\\eta}} = \\frac{\\sqrt{\\ln N}}{\\sqrt{\\ln N}
              + \\sqrt{\\ln k}}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 2 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    threshold : float or ndarray of float
        The threshold on the scores of unit-norm codewords, from 1/2 to 1.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    one_step_dimension : The dimension that goes with it.
    map_threshold : The threshold for a given dimension.

    Notes
    -----
    It balances false alarms and misses asymptotically. At the dimension
    :func:`one_step_dimension` it agrees with :func:`map_threshold` but for ln N in the place of
    ln(N - k).

    Examples
    --------
    >>> from sksupercode.theory import one_step_threshold
    >>> one_step_threshold(2**20, 2**8).round(4)
    np.float64(0.6126)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs, low=2)
    return (1 / (1 + np.sqrt(np.log(k) / np.log(n))))[()]


def one_step_capacity_nats(exponent):
    """Rate that one-step decoding achieves, in nats per dimension (Proposition 5).

    .. math:: C(\\eta) = \\frac{1 - \\eta}{\\kappa(\\eta)}
              = \\frac{1 - \\sqrt{\\eta}}{2 (1 + \\sqrt{\\eta})}

    Parameters
    ----------
    exponent : float or array-like of float
        The exponent :math:`\\eta = \\ln k/\\ln N` of :func:`sparsity_exponent`, in [0, 1].

    Returns
    -------
    capacity : float or ndarray of float
        The rate in nats per dimension, from 1/2 at 0 down to 0 at 1.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    one_step_capacity_bits : The same in bits.
    one_step_dimensions_per_nat : Its inverse, a cost.

    Notes
    -----
    Asymptotic: it uses :math:`H = (1 - \\eta) k \\ln N (1 + o(1))`. At finite size,
    :func:`one_step_dimension` over :func:`entropy` is more accurate.

    Examples
    --------
    >>> from sksupercode.theory import one_step_capacity_nats
    >>> one_step_capacity_nats([0, 0.25, 1]).round(4)
    array([0.5   , 0.1667, 0.    ])
    """
    root = np.sqrt(check_real(exponent, "exponent", 0, 1))
    return ((1 - root) / (2 * (1 + root)))[()]


def one_step_capacity_bits(exponent):
    """Rate that one-step decoding achieves, in bits per dimension (Proposition 5).

    .. math:: C(\\eta) = \\frac{1 - \\sqrt{\\eta}}{2 \\ln 2\\, (1 + \\sqrt{\\eta})}

    Parameters
    ----------
    exponent : float or array-like of float
        The exponent :math:`\\eta = \\ln k/\\ln N` of :func:`sparsity_exponent`, in [0, 1].

    Returns
    -------
    capacity : float or ndarray of float
        The rate in bits per dimension, from 0.72 at 0 down to 0 at 1.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    one_step_capacity_nats : The same in nats, with notes.

    Examples
    --------
    >>> from sksupercode.theory import one_step_capacity_bits
    >>> one_step_capacity_bits(0.4).round(4)
    np.float64(0.1624)
    """
    return one_step_capacity_nats(exponent) / np.log(2)


def one_step_dimensions_per_nat(exponent):
    """Cost of one-step decoding, in dimensions per nat (Proposition 5).

    .. math:: 1/C(\\eta) = \\frac{2 (1 + \\sqrt{\\eta})}{1 - \\sqrt{\\eta}}

    Parameters
    ----------
    exponent : float or array-like of float
        The exponent :math:`\\eta = \\ln k/\\ln N` of :func:`sparsity_exponent`, in [0, 1].

    Returns
    -------
    cost : float or ndarray of float
        The cost in dimensions per nat, from 2 at 0 up to infinity at 1.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    one_step_capacity_nats : The inverse, a rate.

    Examples
    --------
    >>> from sksupercode.theory import one_step_dimensions_per_nat
    >>> one_step_dimensions_per_nat([0, 0.25, 1])
    array([ 2.,  6., inf])
    """
    root = np.sqrt(check_real(exponent, "exponent", 0, 1))
    with np.errstate(divide="ignore"):
        return (2 * (1 + root) / (1 - root))[()]
