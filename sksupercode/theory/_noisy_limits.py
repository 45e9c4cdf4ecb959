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
)

__all__ = [
    "all_or_nothing_dimension",
    "all_or_nothing_dimension_fixed_energy",
    "sparc_rate_nats",
]


def all_or_nothing_dimension(n_features, n_nonzero_coefs, noise_variance):
    """All-or-nothing threshold of the noisy code, for fixed noise per coordinate.

    .. math:: d \\ln\\Big(1 + \\frac{k}{d \\sigma^2}\\Big) = 2 k \\ln(N/k)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    noise_variance : float or array-like of float
        Variance of the Gaussian noise per coordinate of the code, at least 0.

    Returns
    -------
    n_components : float or ndarray of float
        The critical dimension d, a real number; infinite for a noise variance of at least
        :math:`1/(2 \\ln(N/k))`, and 0 without noise.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    all_or_nothing_dimension_fixed_energy : The same for a fixed total noise energy.
    counting_dimension : The limit without noise.

    Notes
    -----
    Asymptotic, for k = o(N) and Gaussian dictionaries: above the threshold maximum likelihood
    recovers all but a vanishing fraction of the support, below it no decoder recovers any fixed
    fraction. Exact recovery of every entry may need more.

    References
    ----------
    .. [1] G. Reeves, J. Xu and I. Zadik, "The All-or-Nothing Phenomenon in Sparse Linear
       Regression", COLT 2019.

    Examples
    --------
    >>> from sksupercode.theory import all_or_nothing_dimension
    >>> all_or_nothing_dimension(2**20, 2**8, [0.01, 0.1]).round(1)
    array([1458.,   inf])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    noise_variance = check_noise_variance(noise_variance)
    return map_scalars(_all_or_nothing, n, k, noise_variance)[()]


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


def all_or_nothing_dimension_fixed_energy(n_features, n_nonzero_coefs, noise_energy):
    """All-or-nothing threshold of the noisy code, for fixed total noise energy.

    .. math:: d = \\frac{2 k \\ln(N/k)}{\\ln(1 + k/\\Delta)}, \\quad \\Delta = d \\sigma^2

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    noise_energy : float or array-like of float
        Expected squared norm Delta of the noise, whatever the dimension; positive. It is the
        noise variance of the regression model with entries of unit variance.

    Returns
    -------
    n_components : float or ndarray of float
        The critical dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    all_or_nothing_dimension : The same for fixed noise per coordinate, with notes.

    References
    ----------
    .. [1] G. Reeves, J. Xu and I. Zadik, "The All-or-Nothing Phenomenon in Sparse Linear
       Regression", COLT 2019.

    Examples
    --------
    >>> from sksupercode.theory import all_or_nothing_dimension_fixed_energy
    >>> all_or_nothing_dimension_fixed_energy(2**20, 2**8, 25.6).round(1)
    np.float64(1776.0)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    noise_energy = check_real(noise_energy, "noise_energy", 0, np.inf, closed="neither")
    rate = np.logaddexp(0.0, np.log(k) - np.log(noise_energy))
    return (2 * k * np.log1p((n - k) / k) / rate)[()]


def sparc_rate_nats(signal_to_noise_ratio, *, allocation="flat"):
    """Rate of sparse regression codes that approximate message passing decodes.

    .. math:: R = \\frac{\\mathrm{snr}}{2 (1 + \\mathrm{snr})} \\text{ (flat)}, \\quad
              R = \\tfrac12 \\ln(1 + \\mathrm{snr}) \\text{ (exponential)}

    Parameters
    ----------
    signal_to_noise_ratio : float or array-like of float
        Signal variance over noise variance per coordinate, at least 0.
    allocation : {"flat", "exponential"}, default="flat"
        How the power is spread over the sections: evenly, as in a superposition code, or
        decaying exponentially, which with optimal constants reaches the capacity, as do flat
        power with maximum-likelihood decoding, and spatial coupling.

    Returns
    -------
    rate : float or ndarray of float
        The largest rate in nats per dimension.

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

    References
    ----------
    .. [1] A. Joseph and A. R. Barron, "Fast Sparse Superposition Codes Have Near Exponential Error
       Probability for R < C", IEEE Trans. Inf. Theory 60(2), 2014.
    .. [2] C. Rush, A. Greig and R. Venkataramanan, "Capacity-Achieving Sparse Superposition Codes
       via Approximate Message Passing Decoding", IEEE Trans. Inf. Theory 63(3), 2017.

    Examples
    --------
    >>> from sksupercode.theory import sparc_rate_nats
    >>> sparc_rate_nats([1, 16]).round(3)
    array([0.25 , 0.471])
    >>> sparc_rate_nats([1, 16], allocation="exponential").round(3)
    array([0.347, 1.417])
    """
    snr = check_real(signal_to_noise_ratio, "signal_to_noise_ratio", 0, np.inf, closed="left")
    check_option(allocation, "allocation", ("flat", "exponential"))
    return (snr / (2 * (1 + snr)) if allocation == "flat" else 0.5 * np.log1p(snr))[()]
