"""The curve ``Phi(b (ln d - ln d_p) + Phi^-1(p))`` of a transition from failure to success."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import log_ndtr, ndtri
from scipy.stats import chi2

# Slopes b in ln d: those of codes are between 3, for few codewords, and 100.
_LOG_SLOPES = (np.log(1.0), np.log(1000.0))
_USUAL_LOG_SLOPE = (np.log(12.0), 1.0)


class _Likelihood:
    """Of the ln d at which the rate is p, and of ln b, for binomial counts."""

    def __init__(self, dimensions, n_successes, n_trials, p):
        self.x = np.log(dimensions)
        self._successes = np.asarray(n_successes)
        self._failures = np.asarray(n_trials) - self._successes
        self._shift = ndtri(p)

    def log(self, center, log_slope):
        z = self._shift + np.exp(log_slope) * (self.x - center)
        return log_ndtr(z) @ self._successes + log_ndtr(-z) @ self._failures

    def log_profile(self, center):
        """The largest value for a center, over all slopes; concave in the slope."""
        found = minimize_scalar(
            lambda log_slope: -self.log(center, log_slope), bounds=_LOG_SLOPES, method="bounded"
        )
        return -found.fun


def guess_transition(points, n_trials, p):
    """Return (ln d_p, b) from few trials, which leave the slope to what slopes usually are.

    ``points`` are pairs of a dimension and how many of ``n_trials`` succeeded there.
    """
    dimensions, n_successes = np.array(points).T
    likelihood = _Likelihood(dimensions, n_successes, np.full(len(points), n_trials), p)
    usual, deviation = _USUAL_LOG_SLOPE
    rates = (n_successes + 0.5) / (n_trials + 1)
    nearest = np.argmin(np.abs(rates - 0.5))
    found = minimize(
        lambda v: ((v[1] - usual) / deviation) ** 2 / 2 - likelihood.log(*v),
        (likelihood.x[nearest] + ndtri(p) / np.exp(usual), usual),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-3},
    )
    return float(found.x[0]), float(np.exp(found.x[1]))


def fit_transition(dimensions, n_successes, n_trials, p, confidence):
    """Return d_p by maximum likelihood, and its interval by the profile of the likelihood.

    An end of the interval that the counts say nothing about is 0 or infinite.
    """
    likelihood = _Likelihood(dimensions, n_successes, n_trials, p)
    span = likelihood.x[[0, -1]] + np.array([-1.0, 1.0])
    # There is one maximum, as the likelihood is log-concave in (b ln d_p, b): a grid finds it.
    centers, log_slopes = np.linspace(*span, 100), np.linspace(*_LOG_SLOPES, 50)
    values = likelihood.log(centers[:, None, None], log_slopes[:, None])
    best = int(np.argmax(values.max(axis=1)))
    found = minimize_scalar(
        lambda center: -likelihood.log_profile(center),
        bounds=centers[[max(best - 1, 0), min(best + 1, len(centers) - 1)]],
        method="bounded",
        options={"xatol": 1e-5},
    )
    floor = -found.fun - chi2.ppf(confidence, 1) / 2

    def above(center):
        return likelihood.log_profile(center) - floor

    low, high = 0.0, np.inf
    if above(span[0]) < 0:
        low = np.exp(brentq(above, span[0], found.x, xtol=1e-5))
    if above(span[1]) < 0:
        high = np.exp(brentq(above, found.x, span[1], xtol=1e-5))
    return float(np.exp(found.x)), float(low), float(high)
