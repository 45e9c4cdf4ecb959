"""Proposition 5: what decoding in one step achieves for large codes."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._validation import check_noise_variance, check_real, check_sizes, from_nats

__all__ = ["one_step_capacity", "one_step_constant", "one_step_dimension"]


def one_step_constant(exponent):
    r"""Constant of the achievability of one-step decoding (Proposition 5 of the manuscript).

    .. math:: \kappa(\eta) = 2 (1 + \sqrt{\eta})^2

    Parameters
    ----------
    exponent : float or array-like of float
        The exponent :math:`\eta = \ln k/\ln N` of :func:`sparsity_exponent`, in [0, 1].

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
    At most :math:`4 (1 + \eta)`, the constant of the rule 4 k ln(kN), and at most 8.

    Examples
    --------
    >>> from sksupercode.theory import one_step_constant
    >>> one_step_constant([0, 0.25, 1])
    array([2. , 4.5, 8. ])
    """
    eta = check_real(exponent, "exponent", 0, 1)
    return (2 * (1 + np.sqrt(eta)) ** 2)[()]


def one_step_dimension(n_features, n_nonzero_coefs, noise_variance=0.0):
    r"""Dimension that suffices for one-step decoding (Proposition 5 of the manuscript).

    .. math:: d = \kappa(\eta) k \ln N = 2 k (\sqrt{\ln N} + \sqrt{\ln k})^2

    and, with Gaussian noise of variance :math:`\sigma^2` per coordinate,

    .. math:: d = k \Big/ \Big(\frac{1}{2 (\sqrt{\ln N} + \sqrt{\ln k})^2} - \sigma^2\Big).

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
    grows, with :math:`\ln k \le \eta \ln N` and eta < 1, both for the k largest scores and for
    the threshold :math:`\tau = 1/(1 + \sqrt{\eta})`, which balances false alarms and misses. By
    Hoeffding's inequality the failure is at most
    :math:`(N-k) e^{-\tau^2 d/(2k)} + k e^{-(1-\tau)^2 d/(2(k-1))}`.

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


def one_step_capacity(exponent, *, unit="bits"):
    r"""Rate that one-step decoding achieves (Proposition 5 of the manuscript).

    .. math:: C(\eta) = \frac{1 - \eta}{\kappa(\eta)}
              = \frac{1 - \sqrt{\eta}}{2 (1 + \sqrt{\eta})} \text{ nats}

    Parameters
    ----------
    exponent : float or array-like of float
        The exponent :math:`\eta = \ln k/\ln N` of :func:`sparsity_exponent`, in [0, 1].
    unit : {"bits", "nats"}, default="bits"
        The unit of the information.

    Returns
    -------
    capacity : float or ndarray of float
        The rate, in that unit per dimension: from 1/2 nat or 0.72 bits at 0 down to 0 at 1.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    one_step_constant : The constant kappa.

    Notes
    -----
    Asymptotic: it uses :math:`H = (1 - \eta) k \ln N (1 + o(1))`. At finite size,
    :func:`entropy` over :func:`one_step_dimension` is more accurate.

    Examples
    --------
    >>> from sksupercode.theory import one_step_capacity
    >>> one_step_capacity(0.4).round(4)
    np.float64(0.1624)
    >>> one_step_capacity([0, 0.25, 1], unit="nats").round(4)
    array([0.5   , 0.1667, 0.    ])
    """
    root = np.sqrt(check_real(exponent, "exponent", 0, 1))
    return from_nats((1 - root) / (2 * (1 + root)), unit)[()]
