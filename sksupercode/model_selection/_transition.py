"""The curve ``L(b (ln d - ln d_p) + L^-1(p))`` of a transition from failure to success."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_expit, log_ndtr, logit, ndtri
from scipy.stats import chi2

# Slopes b in ln d: those of codes are between 3, for few codewords, and 100.
_LOG_SLOPES = (np.log(1.0), np.log(1000.0))
_USUAL_LOG_SLOPE = (np.log(20.0), 1.2)
# How far d_p is looked for beyond the dimensions that were measured, in ln d.
_REACH = 3.0


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
    centers = np.linspace(likelihood.x[0] - 0.5, likelihood.x[-1] + 0.5, 400)
    log_slopes = np.linspace(*_LOG_SLOPES, 50)
    values = likelihood.log(centers[:, None, None], log_slopes[:, None])
    usual, deviation = _USUAL_LOG_SLOPE
    values -= ((log_slopes - usual) / deviation) ** 2 / 2
    weights = np.exp(values - values.max())
    weights /= weights.sum()
    mean = centers @ weights.sum(axis=1)
    variance = (centers - mean) ** 2 @ weights.sum(axis=1)
    return float(mean), float(np.sqrt(variance)), float(np.exp(weights.sum(axis=0) @ log_slopes))


def fit_transition(dimensions, n_successes, n_trials, p, confidence, link="probit"):
    """Return d_p by maximum likelihood, and its interval by the profile of the likelihood.

    An end of the interval that the counts do not bound is 0 or infinite.
    """
    likelihood = _Likelihood(dimensions, n_successes, n_trials, p, link)
    span = likelihood.x[[0, -1]] + np.array([-_REACH, _REACH])
    # The profile has one maximum, as the likelihood is log-concave in (b ln d_p, b).
    centers = np.linspace(*span, 50)
    best = int(np.argmax([likelihood.log_profile(center) for center in centers]))
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
