"""Limits with noise: the all-or-nothing threshold, and the rates of sectioned codes."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq

from sksupercode.theory._numerics import map_scalars
from sksupercode.theory._validation import (
    check_noise_variance,
    check_option,
    check_real,
    check_sizes,
    from_nats,
)

__all__ = ["all_or_nothing_dimension", "sparc_rate"]


def all_or_nothing_dimension(
    n_features, n_nonzero_coefs, noise_variance=None, *, squared_noise_norm=None
):
    r"""All-or-nothing threshold of the noisy code.

    .. math:: d \ln\Big(1 + \frac{k}{\Delta}\Big) = 2 k \ln(N/k), \quad \Delta = d \sigma^2

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    noise_variance : float, array-like of float or None, default=None
        Variance :math:`\sigma^2` of the Gaussian noise per coordinate of the code, at least 0.
    squared_noise_norm : float, array-like of float or None, default=None
        In its place, the expected squared norm :math:`\Delta` of the noise in any dimension;
        positive. It is the noise variance of the regression model with entries of unit variance.

    Returns
    -------
    n_components : float or ndarray of float
        The critical dimension d, a real number. With ``noise_variance`` it is infinite for at least
        :math:`1/(2 \ln(N/k))`, and 0 without noise.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or not one of the two kinds of noise is given.

    See Also
    --------
    counting_dimension : The limit without noise.

    Notes
    -----
    Asymptotic, for k = o(N) and Gaussian dictionaries: above the threshold maximum likelihood
    recovers all but a vanishing fraction of the support, below it no decoder recovers any fixed
    fraction. Exact recovery of every entry may need more. The threshold tends to 0 with the noise,
    as Gaussian codewords tell codes apart in one dimension. Codewords of signs do not: for small
    noise :func:`counting_dimension` is larger, which holds with noise, too, and is then the limit.

    References
    ----------
    .. [1] G. Reeves, J. Xu and I. Zadik, "The All-or-Nothing Phenomenon in Sparse Linear
       Regression", COLT 2019.

    Examples
    --------
    >>> from sksupercode.theory import all_or_nothing_dimension
    >>> all_or_nothing_dimension(2**20, 2**8, [0.01, 0.1]).round(1)
    array([1458.,   inf])
    >>> all_or_nothing_dimension(2**20, 2**8, squared_noise_norm=25.6).round(1)
    np.float64(1776.0)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    if (noise_variance is None) == (squared_noise_norm is None):
        raise ValueError("Either noise_variance or squared_noise_norm must be given.")
    if noise_variance is not None:
        return map_scalars(_all_or_nothing, n, k, check_noise_variance(noise_variance))[()]
    delta = check_real(squared_noise_norm, "squared_noise_norm", 0, np.inf, closed="neither")
    rate = np.logaddexp(0.0, np.log(k) - np.log(delta))
    return (2 * k * np.log1p((n - k) / k) / rate)[()]


def _all_or_nothing(n, k, noise_variance):
    """With y = k/(d sigma**2) the equation reads ln(1 + y)/y = 2 sigma**2 ln(N/k)."""
    level = 2 * noise_variance * np.log1p((n - k) / k)
    if level == 0:
        return 0.0
    if level >= 1:
        return np.inf

    def excess(log_y):
        return np.log(np.logaddexp(0.0, log_y)) - log_y - np.log(level)

    log_y = brentq(excess, -40.0, 2000.0, xtol=1e-14, rtol=1e-14)
    return np.exp(np.log(k) - np.log(noise_variance) - log_y)


def sparc_rate(signal_to_noise_ratio, *, allocation="flat", unit="bits"):
    """Rate of sparse regression codes that approximate message passing decodes.

    .. math:: R = \\frac{\\mathrm{snr}}{2 (1 + \\mathrm{snr})} \\text{ (flat)}, \\quad
              R = \\tfrac12 \\ln(1 + \\mathrm{snr}) \\text{ (exponential), in nats}

    Parameters
    ----------
    signal_to_noise_ratio : float or array-like of float
        Signal variance over noise variance per coordinate, at least 0.
    allocation : {"flat", "exponential"}, default="flat"
        How the power is spread over the sections: evenly, as in a superposition code, or
        decaying exponentially, which with optimal constants reaches the capacity, as do flat
        power with maximum-likelihood decoding, and spatial coupling.
    unit : {"bits", "nats"}, default="bits"
        The unit of the information.

    Returns
    -------
    rate : float or ndarray of float
        The largest rate, in that unit per dimension.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    one_step_capacity : The rate of decoding a superposition code in one step.
    channel_capacity : The exponential rate, by noise variance.

    Notes
    -----
    Asymptotic, for L sections of M codewords with one active codeword each, and M and L large.
    The entropy is L ln M, not that of an arbitrary k-subset. As the signal-to-noise ratio grows,
    the flat rate tends to 1/2 nat, the rate of one-step decoding at k = 1.

    Short sections do better with flat power: at a signal-to-noise ratio of 15 state evolution stops
    at 1.46 bits for M = 64 and 1.30 for M = 4096, not at 0.68.

    References
    ----------
    .. [1] A. Joseph and A. R. Barron, "Fast Sparse Superposition Codes Have Near Exponential Error
       Probability for R < C", IEEE Trans. Inf. Theory 60(2), 2014.
    .. [2] C. Rush, A. Greig and R. Venkataramanan, "Capacity-Achieving Sparse Superposition Codes
       via Approximate Message Passing Decoding", IEEE Trans. Inf. Theory 63(3), 2017.

    Examples
    --------
    >>> from sksupercode.theory import sparc_rate
    >>> sparc_rate([1, 16], unit="nats").round(3)
    array([0.25 , 0.471])
    >>> sparc_rate([1, 16], allocation="exponential").round(3)
    array([0.5  , 2.044])
    """
    snr = check_real(signal_to_noise_ratio, "signal_to_noise_ratio", 0, np.inf, closed="left")
    check_option(allocation, "allocation", ("flat", "exponential"))
    nats = snr / (2 * (1 + snr)) if allocation == "flat" else 0.5 * np.log1p(snr)
    return from_nats(nats, unit)[()]
