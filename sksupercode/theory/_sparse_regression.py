r"""Sparse regression codes at finite size: power allocations, and their state evolution.

A superposition of k sections has one active codeword out of the M of each section l, of squared
norm p_l. The p_l have mean 1, so that the superposition has the variance k/d per coordinate, as
without an allocation; the noise has the variance :math:`\sigma^2 = (k/d)/\mathrm{snr}`, and the
rate :math:`R = k \ln M / d` nats per dimension is below :math:`C = \ln(1 + \mathrm{snr})/2`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import log_ndtr

from sksupercode.theory._numerics import log_normal_pdf
from sksupercode.theory._validation import check_integer, check_n_iter, check_real

__all__ = ["exponential_power_allocation", "iterative_power_allocation", "sparc_state_evolution"]

_MAX_SECTIONS = 2**24
_MAX_SECTION_SIZE = 2**60
# Values of the normal variable, and the spacing of values of a normal plus a Gumbel variable.
_NORMAL = np.linspace(-9, 9, 145)
_SPACING = 0.15
# Sections so many standard deviations above the largest score of a wrong codeword are certain.
_CERTAIN = 8.0
_N_KNOTS = 120


def exponential_power_allocation(
    n_sections, signal_to_noise_ratio, *, decay=1.0, decaying_fraction=1.0
):
    r"""Power that decays exponentially over the sections, down to a plateau.

    .. math:: p_l \propto e^{-2 a C \min(l/L, f)}, \quad l = 1, \dots, L

    with the capacity :math:`C = \ln(1 + \mathrm{snr})/2`.

    Parameters
    ----------
    n_sections : int
        Number L of sections, from 1 to 2**24.
    signal_to_noise_ratio : float
        Signal variance over noise variance per coordinate, at least 0.
    decay : float, default=1.0
        The factor a, at least 0; 0 is the flat allocation.
    decaying_fraction : float, default=1.0
        The fraction f of the sections, in [0, 1], from which on the power is constant.

    Returns
    -------
    power_allocation : ndarray of float of shape (n_sections,)
        The squared norm of the codewords of each section, of mean 1 and not increasing.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    iterative_power_allocation : An allocation without constants to choose.
    sparc_state_evolution : What an allocation leads to.

    Notes
    -----
    With a = f = 1 message passing reaches the capacity as M and L grow. At practical sizes that
    allocation gives the last sections too little: rates well below C want a smaller a, or a
    plateau, on which the last sections are decoded together. With 1,024 sections of 512 codewords
    at snr = 15 and R = 0.7 C, the section error rate is 0.65 for a = 0, 0.015 for a = 1, 5e-4 for
    a = 0.7, and none of 8,192 sections is wrong for a = 0.7 and f = 0.6.

    References
    ----------
    .. [1] A. Greig and R. Venkataramanan, "Techniques for Improving the Finite Length Performance
       of Sparse Superposition Codes", IEEE Transactions on Communications 66(3), 2018.

    Examples
    --------
    >>> from sksupercode.theory import exponential_power_allocation
    >>> exponential_power_allocation(4, 15).round(3)
    array([2.133, 1.067, 0.533, 0.267])
    >>> exponential_power_allocation(4, 15, decay=0.8, decaying_fraction=0.5).round(3)
    array([1.469, 0.844, 0.844, 0.844])
    """
    n_sections = check_integer(n_sections, "n_sections", 1, _MAX_SECTIONS, scalar=True)
    snr = check_real(
        signal_to_noise_ratio, "signal_to_noise_ratio", 0, np.inf, closed="left", scalar=True
    )
    decay = check_real(decay, "decay", 0, np.inf, closed="left", scalar=True)
    fraction = check_real(decaying_fraction, "decaying_fraction", 0, 1, scalar=True)
    position = np.minimum(np.arange(1, n_sections + 1) / n_sections, fraction)
    # Measured from the first section on, where it is largest.
    power = np.exp(-decay * np.log1p(snr) * (position - position[0]))
    return power / power.mean()


def iterative_power_allocation(n_sections, signal_to_noise_ratio, rate_nats, *, n_blocks=None):
    r"""Power that is, section after section, the least with which decoding goes on.

    .. math:: p_l = \max\Big(2 R \Big(\frac1{\mathrm{snr}} + \frac1L \sum_{j \ge l} p_j\Big),\;
              \frac{1}{L - l + 1} \sum_{j \ge l} p_j\Big)

    Parameters
    ----------
    n_sections : int
        Number L of sections, from 1 to 2**24.
    signal_to_noise_ratio : float
        Signal variance over noise variance per coordinate, positive.
    rate_nats : float
        The rate R in nats per dimension that the allocation is designed for, positive and at most
        the capacity. With one somewhat above that of the code more power goes to the first
        sections, which makes up for their finite number.
    n_blocks : int or None, default=None
        Number of blocks of sections of one power; None gives every section a power of its own.

    Returns
    -------
    power_allocation : ndarray of float of shape (n_sections,)
        The squared norm of the codewords of each section, of mean 1 and not increasing.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    exponential_power_allocation : What this is at R = C, for many sections.
    sparc_state_evolution : What an allocation leads to.

    Notes
    -----
    When all sections before l are decoded, the effective noise of a coordinate is :math:`\tau^2 =
    \sigma^2 + d^{-1} \sum_{j \ge l} p_j`. The right codeword of section l stands out from the M - 1
    others as M grows if :math:`p_l / \tau^2 > 2 \ln M`. With :math:`\sigma^2 = (k/d)/\mathrm{snr}`
    and :math:`\ln M = R d/k` this is the first term above. As soon as power is left to give all
    remaining sections more than that, they share it evenly: the second term. So do they where,
    close to the capacity, power runs out early because of the finite number of blocks.

    At rates below :math:`\mathrm{snr}/(2 (1 + \mathrm{snr}))` this is the case from the outset, and
    the allocation is flat.

    References
    ----------
    .. [1] A. Greig and R. Venkataramanan, "Techniques for Improving the Finite Length Performance
       of Sparse Superposition Codes", IEEE Transactions on Communications 66(3), 2018.

    Examples
    --------
    >>> from sksupercode.theory import iterative_power_allocation
    >>> iterative_power_allocation(8, 15, 1.0).round(3)
    array([2.133, 1.6  , 1.2  , 0.9  , 0.675, 0.506, 0.493, 0.493])
    """
    n_sections = check_integer(n_sections, "n_sections", 1, _MAX_SECTIONS, scalar=True)
    snr = check_real(
        signal_to_noise_ratio, "signal_to_noise_ratio", 0, np.inf, closed="neither", scalar=True
    )
    capacity = 0.5 * np.log1p(snr)
    rate = check_real(rate_nats, "rate_nats", 0, capacity, closed="right", scalar=True)
    if n_blocks is None:
        n_blocks = n_sections
    n_blocks = check_integer(n_blocks, "n_blocks", 1, n_sections, scalar=True)
    bounds = np.arange(n_blocks + 1) * n_sections // n_blocks
    power, left = np.empty(n_sections), float(n_sections)
    for start, stop in pairwise(bounds):
        least = 2 * rate * (1 / snr + left / n_sections)
        # A coarse division into blocks near the capacity may ask for more than there is.
        if left >= least * (n_sections - start) or left <= least * (stop - start):
            power[start:] = left / (n_sections - start)
            break
        power[start:stop] = least
        left -= least * (stop - start)
    return power / power.mean()


def sparc_state_evolution(
    section_size, power_allocation, signal_to_noise_ratio, rate_nats, *, n_iter=50
):
    r"""State evolution of message passing on a sparse regression code, for sections of M codewords.

    .. math::
        t_{s+1} = \sigma^2 + \frac1d \sum_l p_l \Big(1 - x\Big(\frac{p_l}{t_s}\Big)\Big), \quad
        x(\nu) = E\,\frac{e^{\nu + \sqrt\nu z_1}}
        {e^{\nu + \sqrt\nu z_1} + \sum_{j=2}^M e^{\sqrt\nu z_j}}

    with independent standard normal z.

    Parameters
    ----------
    section_size : int
        Number M of codewords in a section, from 2 to 2**60.
    power_allocation : array-like of float of shape (n_sections,)
        The squared norm of the codewords of each section, up to a factor that makes their mean 1;
        positive.
    signal_to_noise_ratio : float or array-like of float
        Signal variance over noise variance per coordinate, positive.
    rate_nats : float or array-like of float
        The rate :math:`R = k \ln M / d` in nats per dimension, positive.
    n_iter : int, default=50
        Number of iterations.

    Returns
    -------
    effective_noise_variance : ndarray of float of shape (..., n_iter + 1)
        The effective variance t per coordinate, for a superposition of variance
        :math:`k/d = R/\ln M`, before each iteration and after the last.
    section_error_rate : float or ndarray of float
        Mean probability over the sections that, after the last iteration, another codeword than
        the right one is the most probable.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    amp_state_evolution : The same without sections.
    exponential_power_allocation, iterative_power_allocation : Allocations.
    sparc_rate : The rates that are reached as M grows.

    Notes
    -----
    Exact as the number of sections grows with M and R fixed; of d and k only the ratio matters.
    With fewer sections t varies from sample to sample, and samples in which it gets stuck add to
    the error rate. Near the limit these are most of the errors: an allocation that is predicted to
    be best may then be the worst, and should be measured.

    Without noise take a signal-to-noise ratio of 1e9. All L sections are right with probability
    about :math:`(1 - e)^L`, where e is the section error rate.

    The function x is not a Monte Carlo average. A softmax weight is the probability that a term is
    the largest once independent Gumbel variables are added to the logarithms, hence

    .. math:: x(\nu) = \int G'(y - \nu)\, G(y)^{M - 1}\, dy

    where G is the distribution function of a Gumbel variable plus :math:`\sqrt\nu` times a normal
    one. It is tabulated and interpolated, to an error of less than 1e-4.

    References
    ----------
    .. [1] C. Rush, A. Greig and R. Venkataramanan, "Capacity-Achieving Sparse Superposition Codes
       via Approximate Message Passing Decoding", IEEE Trans. Inf. Theory 63(3), 2017.

    Examples
    --------
    >>> from sksupercode.theory import exponential_power_allocation, sparc_state_evolution
    >>> for decay in (0, 0.5):
    ...     power = exponential_power_allocation(1024, 15, decay=decay)
    ...     t, error_rate = sparc_state_evolution(512, power, 15, 0.97, n_iter=20)
    ...     print(t[[0, 1, 20]].round(3), error_rate.round(3))
    [0.166 0.142 0.118] 0.548
    [0.166 0.131 0.01 ] 0.0
    """
    size = check_integer(section_size, "section_size", 2, _MAX_SECTION_SIZE, scalar=True)
    power = check_real(power_allocation, "power_allocation", 0, np.inf, closed="neither")
    if power.ndim != 1 or not power.size:
        raise ValueError(f"power_allocation must be one row of numbers, got shape {power.shape}.")
    snr = check_real(signal_to_noise_ratio, "signal_to_noise_ratio", 0, np.inf, closed="neither")
    rate = check_real(rate_nats, "rate_nats", 0, np.inf, closed="neither")
    n_iter = check_n_iter(n_iter)
    power, counts = np.unique(power / power.mean(), return_counts=True)
    share = counts / counts.sum()
    signal, snr = np.broadcast_arrays(rate / np.log(size), snr)
    uncertainty = _uncertainty_table(size)
    states = [signal * (1 + 1 / snr)]
    for _ in range(n_iter):
        left = uncertainty(power / states[-1][..., np.newaxis]) @ (share * power)
        states.append(signal * (1 / snr + left))
    deviation = np.sqrt(power / states[-1][..., np.newaxis])
    return np.stack(states, axis=-1), (_error_rate(size, deviation) @ share)[()]


# Building a table takes most of the time of a call.
@lru_cache(maxsize=32)
def _uncertainty_table(size):
    """Return the function ``nu -> 1 - x(nu)``, interpolated in sqrt(nu)."""
    last = np.sqrt(2 * np.log(size)) + _CERTAIN
    knots = np.linspace(0, last, _N_KNOTS)
    logarithms = np.log([_uncertainty(size, knot) for knot in knots])
    # An interpolant without overshoot: 1 - x decreases.
    interpolant = PchipInterpolator(knots, logarithms)

    def uncertainty(nu):
        root = np.sqrt(nu)
        return np.where(root < last, np.exp(interpolant(np.minimum(root, last))), 0.0)

    return uncertainty


def _uncertainty(size, root):
    """Return ``1 - x(root**2)``."""
    nu = root * root
    weights = np.exp(log_normal_pdf(_NORMAL)) * (_NORMAL[1] - _NORMAL[0])
    y = np.arange(-5 - 9 * root, nu + 9 * root + np.log(size) + 30, _SPACING)[:, np.newaxis]
    shifted = y - root * _NORMAL
    above = -np.expm1(-np.exp(-np.maximum(shifted, -700))) @ weights
    own = np.maximum(shifted - nu, -700)
    density = np.exp(-own - np.exp(-own)) @ weights
    with np.errstate(divide="ignore"):
        beaten = -np.expm1((size - 1) * np.log1p(-np.minimum(above, 1.0)))
    return density @ beaten * _SPACING


def _error_rate(size, root):
    """Return the probability that one of M - 1 normal variables exceeds another of mean root."""
    weights = np.exp(log_normal_pdf(_NORMAL)) * (_NORMAL[1] - _NORMAL[0])
    rates = np.zeros(root.shape)
    for z, weight in zip(_NORMAL, weights, strict=True):
        rates -= weight * np.expm1((size - 1) * log_ndtr(z + root))
    return rates
