"""Approximate message passing at finite size: the width of its phase transition."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, log_ndtr, ndtr, ndtri_exp

from sksupercode.theory._numerics import log_normal_pdf, map_scalars
from sksupercode.theory._validation import check_n_components, check_noise_variance, check_sizes

__all__ = ["amp_success_probability"]

_NORMAL = np.linspace(-14, 14, 1121)
_WEIGHTS = np.exp(log_normal_pdf(_NORMAL)) * (_NORMAL[1] - _NORMAL[0])
_GUMBEL = np.linspace(-5, 40, 901)
_N_POINTS = 300
_LEAST_NOISE = 1e-100
# Of ln s, where f is differentiated.
_STEP = 0.02


def amp_success_probability(n_features, n_nonzero_coefs, n_components, noise_variance=0.0):
    r"""Approximate the probability of exact recovery by approximate message passing.

    .. math::
        P &\approx q(s^+)\, \Phi\Big(\frac{m}{w} \ln\frac{d}{m}\Big), \quad m = f(s^*) + b \\
        b &= \frac{\operatorname{Var} D'(s^*)}{2\, |f''(s^*)|}, \quad
        w^2 = \operatorname{Var} D(s^*) - 2 m

    with, for posterior means :math:`\eta` of the coefficients y_i in noise of variance 1/s,

    .. math::
        D(s) = \frac{s}{1 - s \sigma^2} \sum_{i=1}^N
        \Big(\eta\big(y_i + g_i / \sqrt s\big) - y_i\Big)^2, \quad f(s) = E\, D(s), \quad
        g_i \sim N(0, 1) .

    The first maximum of f is at s^*, where state evolution gets stuck if d is too small; otherwise
    it goes on to s^+, the solution of f(s) = d beyond, infinite without noise. The probability
    that the scores of the k active codewords are the largest in noise of variance 1/s is q(s).

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : float or array-like of float
        Dimension d of the code, from 1 to 10**9.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.

    Returns
    -------
    probability : float or ndarray of float
        The probability of success.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    amp_dimension : The maximum of f without noise, the centre of the transition for large N.
    basis_pursuit_success_probability : The same for basis pursuit.

    Notes
    -----
    State evolution passes the effective variance 1/s if f(s) < d. A code of finite size has D in
    place of f, and passes if the maximum of D is below d; b is how far the mean of that maximum is
    above the maximum of the mean. A residual is, moreover, a vector of d coordinates, whose squared
    norm fluctuates by 2 d about its mean. That this counteracts the fluctuation of D and makes it
    smaller by as much is taken over from the conic kinematic formula, which shows it for convex
    decoders; for message passing it is not a theorem, and rests on simulations.

    Nothing is fitted. Measured rates, on 200 to 1,000 samples a point, were within 0.08 of it
    throughout the transition without noise and within 0.1 with it, for N from 256 to 65,536 and k
    from 4 to 64, and the dimension for a rate of 1/2 within 3 percent. For k = 1 and 2 it is too
    pessimistic, by up to 0.3.

    References
    ----------
    .. [1] M. Bayati and A. Montanari, "The Dynamics of Message Passing on Dense Graphs, with
       Applications to Compressed Sensing", IEEE Trans. Inf. Theory 57(2), 2011.
    .. [2] L. Goldstein, I. Nourdin and G. Peccati, "Gaussian Phase Transitions and Conic Intrinsic
       Volumes: Steining the Steiner Formula", Ann. Appl. Probab. 27(1), 2017.

    Examples
    --------
    >>> from sksupercode.theory import amp_success_probability
    >>> amp_success_probability(1024, 8, [35, 43, 52]).round(2)
    array([0.13, 0.6 , 0.93])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    d = check_n_components(n_components)
    noise_variance = check_noise_variance(noise_variance)
    return map_scalars(_success, n, k, d, noise_variance)[()]


def _success(n, k, d, noise_variance):
    if k == n:
        return 1.0
    if noise_variance < _LEAST_NOISE:
        noise_variance = 0.0
    critical, beyond = _transition(n, min(k, n - k), noise_variance)
    passes = 1.0
    if critical is not None:
        middle, width = critical
        passes = ndtr(middle / width * np.log(d / middle))
    if noise_variance == 0:
        return float(passes)

    def excess(u):
        return _mean(n, min(k, n - k), noise_variance, np.array([u])).item() / d - 1

    low, high = beyond, np.log(1 / noise_variance) - 1e-9
    if excess(low) >= 0:
        # Even the least f is above d: there is no solution, and hardly a chance.
        high = low
    elif excess(high) > 0:
        high = brentq(excess, low, high)
    return float(passes * _recovery(n, k, np.exp(high)))


def _evidence(n, k, u):
    """Return s = exp(u) and the log-odds of y = 1, over the noise of an active coefficient."""
    s = np.exp(u)[:, np.newaxis]
    return s, s / 2 + np.sqrt(s) * _NORMAL - np.log((n - k) / k)


def _mean(n, k, noise_variance, u):
    """Return f."""
    s, evidence = _evidence(n, k, u)
    return (k * s / (1 - noise_variance * s))[:, 0] * (expit(-evidence) @ _WEIGHTS)


@lru_cache(maxsize=64)
def _transition(n, k, noise_variance):
    """Return the middle and the width of the transition, and ln s from which on f increases.

    The first is None, and the other the least ln s, if there is so much noise that f has no
    maximum.
    """
    high = np.log(16 * np.log(n / k) + 40)
    if noise_variance:
        high = min(high, np.log(1 / noise_variance) - 1e-9)
    grid = np.linspace(min(-3.0, high - 10), high, _N_POINTS)
    values = _mean(n, k, noise_variance, grid)
    tops = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    if not tops.size:
        return None, grid[0]
    # The top of the parabola through three points.
    before, top, after = values[tops[0] - 1 : tops[0] + 2]
    offset = (before - after) / (before - 2 * top + after) / 2
    u = grid[tops[0]] + offset * (grid[1] - grid[0])
    before, top, after = _mean(n, k, noise_variance, u + _STEP * np.array([-1.0, 0.0, 1.0]))
    variance, of_slope = _variances(n, k, noise_variance, u)
    curvature = max((2 * top - before - after) / _STEP**2, 1e-300)
    # The bound holds where f hardly has a maximum.
    middle = top + min(of_slope / (2 * curvature), np.sqrt(variance))
    width = np.sqrt(max(variance - 2 * middle, 0.1 * variance))
    return (middle, width), grid[tops[0] + np.argmin(values[tops[0] :])]


def _variances(n, k, noise_variance, u):
    """Return the variances of D and of its derivative by ln s.

    The inactive coefficients' moments become those of active ones through the likelihood ratio,
    which is q/p times k / (n - k).
    """
    s, evidence = _evidence(n, k, np.array([u]))
    p, q = expit(evidence), expit(-evidence)
    gain = 1 / (1 - noise_variance * s)
    slope = np.sqrt(s) * _NORMAL / 2
    active, inactive = gain * q**2 - 2 * p * q**2 * (slope + s / 2), p**2 * (gain + 2 * q * slope)

    def variance(of_active, of_inactive):
        total = k * (of_active**2 @ _WEIGHTS - (of_active @ _WEIGHTS) ** 2)
        ratio = q / p
        total += k * (of_inactive**2 * ratio) @ _WEIGHTS
        total -= (k * (of_inactive * ratio) @ _WEIGHTS) ** 2 / (n - k)
        return ((s * gain) ** 2 * total).item()

    return variance(q**2, p**2), variance(active, inactive)


def _recovery(n, k, s):
    """Return the probability that k normal variables of mean sqrt(s) exceed n - k of mean 0."""
    # The largest of the latter has the survival function 1 - exp(-exp(-g)) at a Gumbel variable g.
    tail = np.log(-np.expm1(-np.exp(-_GUMBEL) / (n - k)))
    largest = -ndtri_exp(tail)
    log_weights = -_GUMBEL - np.exp(-_GUMBEL) + np.log(_GUMBEL[1] - _GUMBEL[0])
    return min(np.exp(log_weights + k * log_ndtr(np.sqrt(s) - largest)).sum(), 1.0)
