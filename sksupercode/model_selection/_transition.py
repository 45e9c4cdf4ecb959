"""The curve ``L(b (ln d - ln d_p) + L^-1(p))`` of a transition from failure to success."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_expit, log_ndtr, logit, ndtri, xlogy
from scipy.stats import chi2

# Slopes b in ln d: those of binary codes are between 3, for few codewords, and 100. Strengths that
# differ and noise make them less than 1.
_LOG_SLOPES = (np.log(0.1), np.log(1000.0))
_USUAL_LOG_SLOPE = (np.log(20.0), 1.2)
# How far d_p is looked for beyond the dimensions that were measured, in ln d.
_REACH = 3.0
# Grids of a guess, in ln b, and how far beyond the measured dimensions in ln d: the second for
# curves that are less steep by the first than this.
_STEEP = (np.linspace(np.log(1.0), np.log(1000.0), 50), 0.5)
_SHALLOW = (np.linspace(np.log(0.1), np.log(1000.0), 67), 1.5)
_LEAST_STEEP = 2.0
# Where chance makes rates as different from the law with less than the first probability, far
# dimensions are left out; with less than the second, rates are not of the law.
_DOUBT, _DISBELIEF = 0.05, 1e-3
# Dimensions that a fit has at least, where some are left out.
_FEWEST_DIMENSIONS = 4


# Each law L by its logarithm and its inverse.
LAWS = {"logit": (log_expit, logit), "probit": (log_ndtr, ndtri)}


class _Likelihood:
    """Of the ln d at which the rate is p, and of ln b, for binomial counts."""

    def __init__(self, dimensions, n_successes, n_trials, p, link):
        self.x = np.log(dimensions)
        self._successes = np.asarray(n_successes)
        self._failures = np.asarray(n_trials) - self._successes
        # Where there are none, their probability does not matter, and takes as long to compute.
        self._won, self._lost = self._successes > 0, self._failures > 0
        self._log_cdf, quantile = LAWS[link]
        self._shift = quantile(p)

    def log(self, center, log_slope):
        z = self._shift + np.exp(log_slope) * (self.x - center)
        won, lost = z[..., self._won], -z[..., self._lost]
        successes, failures = self._successes[self._won], self._failures[self._lost]
        return self._log_cdf(won) @ successes + self._log_cdf(lost) @ failures

    def log_profile(self, center):
        """The largest value for a center, over all slopes; concave in the slope."""
        found = minimize_scalar(
            lambda log_slope: -self.log(center, log_slope), bounds=_LOG_SLOPES, method="bounded"
        )
        return -found.fun

    def chance(self, center):
        """The probability, by the chi-squared law, of rates that are as far from the curve."""
        n_trials = self._successes + self._failures
        counts = np.array([self._successes, self._failures])
        largest = xlogy(counts, counts / n_trials).sum()
        return chi2.sf(2 * (largest - self.log_profile(center)), max(len(self.x) - 2, 1))


def guess_transition(points, p):
    """Return the mean and the deviation of ln d_p, and a slope, given few trials.

    ``points`` are triples: a dimension, the number of trials that succeeded there, and the number
    of trials. The result is a mean over the posterior, with a prior of usual slopes: where failure
    and success are far apart, d_p may be anywhere in between.
    """
    dimensions, *counts = np.array(points).T
    dimensions, where = np.unique(dimensions, return_inverse=True)
    n_successes, n_trials = (np.bincount(where, weights=count) for count in counts)
    likelihood = _Likelihood(dimensions, n_successes, n_trials, p, "probit")
    guess = _posterior(likelihood, *_STEEP)
    return guess if guess[2] > _LEAST_STEEP else _posterior(likelihood, *_SHALLOW)


def _posterior(likelihood, log_slopes, reach):
    centers = np.linspace(likelihood.x[0] - reach, likelihood.x[-1] + reach, 400)
    values = likelihood.log(centers[:, None, None], log_slopes[:, None])
    usual, deviation = _USUAL_LOG_SLOPE
    values -= ((log_slopes - usual) / deviation) ** 2 / 2
    weights = np.exp(values - values.max())
    weights /= weights.sum()
    mean = centers @ weights.sum(axis=1)
    variance = (centers - mean) ** 2 @ weights.sum(axis=1)
    return float(mean), float(np.sqrt(variance)), float(np.exp(weights.sum(axis=0) @ log_slopes))


def fit_transition(dimensions, n_successes, n_trials, p, confidence, link="probit"):
    """Return d_p by maximum likelihood, its interval, and whether the law has these rates.

    The interval is by the profile of the likelihood. Where the rates are not of the law, the
    dimensions farthest from d_p are left out. What the counts do not bound is 0 or infinite.
    """
    counts = np.array([dimensions, n_successes, n_trials], dtype=float)
    while True:
        likelihood = _Likelihood(*counts, p, link)
        span = likelihood.x[[0, -1]] + np.array([-_REACH, _REACH])
        best = _best_center(likelihood, span)
        chance = likelihood.chance(best)
        if chance > _DOUBT or counts.shape[1] <= _FEWEST_DIMENSIONS:
            return (*_interval(likelihood, best, span, confidence), chance > _DISBELIEF)
        farthest = np.argmax(np.abs(likelihood.x - best))
        counts = np.delete(counts, farthest, axis=1)


def _best_center(likelihood, span):
    # The profile has one maximum, as the likelihood is log-concave in (b ln d_p, b).
    centers = np.linspace(*span, 50)
    best = int(np.argmax([likelihood.log_profile(center) for center in centers]))
    return minimize_scalar(
        lambda center: -likelihood.log_profile(center),
        bounds=centers[[max(best - 1, 0), min(best + 1, len(centers) - 1)]],
        method="bounded",
        options={"xatol": 1e-5},
    ).x


def _interval(likelihood, best, span, confidence):
    """Return d_p and the ends of its interval, 0 or infinite beyond the span."""
    floor = likelihood.log_profile(best) - chi2.ppf(confidence, 1) / 2

    def above(center):
        return likelihood.log_profile(center) - floor

    low, high = 0.0, np.inf
    if above(span[0]) < 0:
        low = np.exp(brentq(above, span[0], best, xtol=1e-5))
    if above(span[1]) < 0:
        high = np.exp(brentq(above, best, span[1], xtol=1e-5))
    # There is no maximum within the span where the best is at an end of it.
    d = np.exp(best)
    if best > span[1] - 1e-3:
        d = np.inf
    elif best < span[0] + 1e-3:
        d = 0.0
    return float(d), float(low), float(high)
