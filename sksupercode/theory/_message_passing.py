"""Approximate message passing with the Bernoulli denoiser: state evolution and its threshold.

In the proportional limit N, k, d -> infinity, each step of approximate message passing sees every
coefficient in Gaussian noise of one effective variance, and state evolution follows it.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_expit

from sksupercode.theory._numerics import log_gaussian_expectation, map_blocks, map_scalars
from sksupercode.theory._validation import (
    check_bool,
    check_density,
    check_n_iter,
    check_real,
    check_sizes,
    check_state,
)

__all__ = [
    "amp_dimension",
    "amp_fixed_point",
    "amp_phase_transition",
    "amp_state_evolution",
    "bernoulli_mmse",
]


def bernoulli_mmse(density, effective_noise_variance):
    r"""Minimum mean squared error of a 0/1 variable in Gaussian noise.

    .. math:: \mathrm{mmse}(t) = \epsilon\, E\,
              \sigma\Big(\ln\frac{1 - \epsilon}{\epsilon} - \frac{1}{2t}
              - \frac{z}{\sqrt t}\Big), \quad z \sim N(0, 1)

    with the logistic function sigma.

    Parameters
    ----------
    density : float or array-like of float
        The probability epsilon = k/N of a 1, in (0, 1].
    effective_noise_variance : float or array-like of float
        The variance t of the noise, positive.

    Returns
    -------
    error : float or ndarray of float
        The mean squared error per coefficient.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    amp_state_evolution : The recursion in which it appears.

    Notes
    -----
    The posterior mean of B given B + sqrt(t) z is logistic in the observation, and
    :math:`E(B - E[B | \cdot])^2 = E[B] - E[B\, E[B | \cdot]]` leaves one integral. The form is
    exact, symmetric in epsilon and 1 - epsilon, and underflows only below 1e-308.

    References
    ----------
    .. [1] J. Barbier, F. Krzakala, N. Macris, L. Miolane and L. Zdeborova, "Optimal Errors and
       Phase Transitions in High-Dimensional Generalized Linear Models", PNAS 116(12), 2019.

    Examples
    --------
    >>> from sksupercode.theory import bernoulli_mmse
    >>> bernoulli_mmse(0.1, [0.05, 0.2, 1.0]).round(5)
    array([0.00529, 0.04573, 0.08065])
    """
    density = check_density(density)
    t = check_real(
        effective_noise_variance, "effective_noise_variance", 0, np.inf, closed="neither"
    )
    return _mmse(density, _log_odds(density, 1 - density), t)[()]


def _log_odds(density, complement):
    """ln((1 - density)/density), +-inf at the ends."""
    with np.errstate(divide="ignore"):
        return np.log(complement) - np.log(density)


def _mmse(density, log_odds, t):
    return density * np.exp(map_blocks(_log_mean, log_odds, t, 0.0))


def _log_mean(log_odds, t, power):
    """ln E[q (p q)**power], with q the posterior probability of a 0 under a 1, and p = 1 - q."""
    certain = ~np.isfinite(log_odds)
    t = np.maximum(t, 1e-300)
    shift = (np.where(certain, 0.0, log_odds) - 0.5 / t)[:, None]
    root, power = np.sqrt(t)[:, None], power[:, None]

    def log_weight(z):
        x = shift - z / root
        return (1 + power) * log_expit(x) + power * log_expit(-x)

    # Of numbers up to 1, whatever the rounding.
    return np.where(certain, -np.inf, np.minimum(log_gaussian_expectation(log_weight), 0.0))


def amp_phase_transition(density, *, return_variance=False):
    r"""Critical undersampling ratio of approximate message passing without noise.

    .. math:: \delta(\epsilon) = \max_a a^2\, \mathrm{mmse}(1/a^2)

    Parameters
    ----------
    density : float or array-like of float
        The fraction epsilon = k/N of active codewords, in (0, 1].
    return_variance : bool, default=False
        Whether to return the variance 1/a**2 at the maximum as well.

    Returns
    -------
    undersampling : float or ndarray of float
        The critical ratio d/N.
    effective_noise_variance : float or ndarray of float
        The variance at which state evolution gets stuck just below the threshold; 0 for a density
        of 1. Only if ``return_variance``.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    amp_dimension : The critical dimension for given N and k.
    bernoulli_mmse : The function mmse.

    Notes
    -----
    Above the ratio state evolution has no other fixed point than 0, and the posterior-mean denoiser
    recovers the support. Asymptotic at a fixed density; for k below about 8 it is only an
    indication. In the sparse limit it tends to :math:`2 \epsilon \ln(1/\epsilon)`, but very
    slowly.

    References
    ----------
    .. [1] D. L. Donoho, A. Maleki and A. Montanari, "Message-Passing Algorithms for Compressed
       Sensing", PNAS 106(45), 2009.
    .. [2] M. Bayati and A. Montanari, "The Dynamics of Message Passing on Dense Graphs, with
       Applications to Compressed Sensing", IEEE Trans. Inf. Theory 57(2), 2011.

    Examples
    --------
    >>> from sksupercode.theory import amp_phase_transition
    >>> amp_phase_transition([0.001, 0.01, 0.1]).round(5)
    array([0.00712, 0.04599, 0.23847])
    """
    density = check_density(density)

    def at_maximum(i):
        return map_scalars(lambda e: _critical(e, 1 - e)[i], density)[()]

    if check_bool(return_variance, "return_variance"):
        return at_maximum(1), at_maximum(0) ** -2
    return at_maximum(1)


def amp_dimension(n_features, n_nonzero_coefs):
    r"""Dimension at the threshold of approximate message passing without noise.

    .. math:: d = N \delta(k/N)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The critical dimension d, a real number; 0 for k = N.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    amp_phase_transition : The function delta, with notes and sources.

    Examples
    --------
    >>> from sksupercode.theory import amp_dimension
    >>> amp_dimension(2**20, 2**8).round(1)
    np.float64(2245.9)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return map_scalars(lambda n, k: n * _critical(k / n, (n - k) / n)[1], n, k)[()]


def _critical(density, complement):
    """Maximiser and maximum of a**2 mmse(1/a**2)."""
    # The problem is symmetric in density and complement.
    density, complement = min(density, complement), max(density, complement)
    if density == 0:
        return np.inf, 0.0
    log_odds = _log_odds(density, complement)

    def log_means(a, power):
        a = np.atleast_1d(a)
        return _log_mean(np.full_like(a, log_odds), 1 / a**2, np.full_like(a, power))

    grid = np.linspace(1.0, np.sqrt(2 * log_odds) + 5, 150)
    best = np.argmax(2 * np.log(grid) + log_means(grid, 0.0))

    def stationarity(a):
        return (2 * np.log(a) + log_means(a, 1.0) - log_means(a, 0.0)).item()

    a = brentq(stationarity, grid[best - 1], grid[best + 1], xtol=1e-14, rtol=1e-14)
    return a, density * np.exp(2 * np.log(a) + log_means(a, 0.0).item())


def amp_state_evolution(density, undersampling, noise_variance=0.0, *, n_iter=50):
    r"""State evolution of approximate message passing.

    .. math:: t_{s+1} = \sigma^2 + \mathrm{mmse}(t_s)/\delta, \quad
              t_0 = \sigma^2 + \epsilon/\delta

    Parameters
    ----------
    density : float or array-like of float
        The fraction epsilon = k/N of active codewords, in (0, 1].
    undersampling : float or array-like of float
        The ratio delta = d/N, positive.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    n_iter : int, default=50
        Number of iterations.

    Returns
    -------
    effective_noise_variance : ndarray of float of shape (..., n_iter + 1)
        The effective variance t before each iteration and after the last.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    amp_fixed_point : The limit.

    Notes
    -----
    Exact in the proportional limit. The sequence decreases; the mean squared error per coefficient
    after iteration s is :math:`\delta (t_s - \sigma^2)`.

    References
    ----------
    .. [1] M. Bayati and A. Montanari, "The Dynamics of Message Passing on Dense Graphs, with
       Applications to Compressed Sensing", IEEE Trans. Inf. Theory 57(2), 2011.

    Examples
    --------
    >>> from sksupercode.theory import amp_state_evolution
    >>> amp_state_evolution(0.01, 0.06, n_iter=4).round(4)
    array([0.1667, 0.117 , 0.0896, 0.0662, 0.0408])
    """
    density, undersampling, noise_variance = check_state(density, undersampling, noise_variance)
    n_iter = check_n_iter(n_iter)
    log_odds = _log_odds(density, 1 - density)
    states = [noise_variance + density / undersampling]
    for _ in range(n_iter):
        states.append(noise_variance + _mmse(density, log_odds, states[-1]) / undersampling)
    return np.stack(states, axis=-1)


def amp_fixed_point(density, undersampling, noise_variance=0.0):
    r"""Effective noise variance at which approximate message passing ends.

    .. math:: t = \sigma^2 + \mathrm{mmse}(t)/\delta

    Parameters
    ----------
    density : float or array-like of float
        The fraction epsilon = k/N of active codewords, in (0, 1].
    undersampling : float or array-like of float
        The ratio delta = d/N, positive.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.

    Returns
    -------
    effective_noise_variance : float or ndarray of float
        The limit of :func:`amp_state_evolution`, its largest fixed point; 0 where recovery is
        perfect.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    amp_state_evolution : The iterations.
    amp_phase_transition : The ratio above which the limit is 0 without noise.

    References
    ----------
    .. [1] M. Bayati and A. Montanari, "The Dynamics of Message Passing on Dense Graphs, with
       Applications to Compressed Sensing", IEEE Trans. Inf. Theory 57(2), 2011.

    Examples
    --------
    >>> from sksupercode.theory import amp_fixed_point
    >>> amp_fixed_point(0.01, [0.0368, 0.0552], 0.01).round(5)
    array([0.23164, 0.01   ])
    """
    density, undersampling, noise_variance = check_state(density, undersampling, noise_variance)
    return map_scalars(_fixed_point, density, undersampling, noise_variance)[()]


def _fixed_point(density, undersampling, noise_variance):
    """Largest zero of the growth rate of state evolution, as a function of ln t."""
    log_odds = _log_odds(np.float64(density), 1 - density)
    start = noise_variance + density / undersampling

    def growth(log_t):
        t = np.exp(np.atleast_1d(log_t))
        with np.errstate(divide="ignore"):
            step = noise_variance + _mmse(density, np.full_like(t, log_odds), t) / undersampling
            return np.log(step) - log_t

    # Without noise mmse(t)/t is negligible below t = 1e-4, and state evolution runs to 0.
    lowest = noise_variance if noise_variance > 0 else min(1e-4, start)
    grid = np.linspace(np.log(start), np.log(lowest), 600)
    values = growth(grid)
    # A narrow bump between two points may reach 0 as well.
    inner = values[1:-1]
    bumps = 1 + np.flatnonzero((inner > -0.05) & (inner > values[:-2]) & (inner > values[2:]))
    for i in bumps[values[bumps] < 0]:
        top = minimize_scalar(
            lambda x: -growth(x).item(), bounds=(grid[i + 1], grid[i - 1]), method="bounded"
        )
        if top.fun <= 0:
            grid[i], values[i] = top.x, -top.fun
    stuck = np.flatnonzero(values >= 0)
    if stuck.size == 0:
        return noise_variance
    i = stuck[0]
    if i == 0:
        return start
    root = brentq(lambda x: growth(x).item(), grid[i], grid[i - 1], xtol=1e-14, rtol=1e-14)
    return np.exp(root)
