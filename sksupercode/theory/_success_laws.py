"""Probabilities of exact recovery of the one-step decoders, as logarithms.

Every function here takes flat float arrays that have been checked, and returns ln P(success), or
ln P(failure) if ``failure`` is true. Both are integrated directly, so that neither loses digits
where the other is near 1.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import erfcx, gammaln, log_ndtr, xlog1py

from sksupercode.theory._numerics import (
    log1mexp,
    log_gaussian_expectation,
    log_neg_log_ndtr,
    log_normal_pdf,
    log_sum,
    map_blocks,
    peak_grid,
    times,
)

_Z, _WEIGHT = np.polynomial.hermite_e.hermegauss(61)
_LOG_WEIGHT = np.log(_WEIGHT / _WEIGHT.sum())


def threshold_gaussian(inactive, k, v1, v0, threshold, *, failure=False):
    """Level 1: k active scores N(1, v1) and N - k inactive scores N(0, v0), all independent."""
    gap = 1 - threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        one_hit = np.where(v1 > 0, log_ndtr(gap / np.sqrt(v1)), np.where(gap >= 0, 0.0, -np.inf))
        log_p = times(k, one_hit) + times(inactive, log_ndtr(threshold / np.sqrt(v0)))
        return np.log(-np.expm1(log_p)) if failure else log_p


def topk_gaussian(inactive, k, v1, v0, *, failure=False):
    """Level 1: the smallest of k scores N(1, v1) exceeds the largest of N - k scores N(0, v0)."""

    def block(inactive, k, s1, s0):
        inactive, k, s1, s0 = (a[:, None] for a in (inactive, k, s1, s0))

        def tail(u):
            return log_neg_log_ndtr((1 + s1 * u) / s0)

        return _average_over_minimum(tail, inactive, k, failure)

    return map_blocks(block, inactive, k, np.sqrt(v1), np.sqrt(v0))


def threshold_refined(inactive, k, d, noise_variance, threshold, *, failure=False):
    """Level 3: as level 1, given the norm of the code, and with the kurtosis of the scores."""

    def block(inactive, k, d, noise_variance, threshold):
        law = _ConditionalLaw(k, d, noise_variance)
        u = law.minimum_inverse(threshold[:, None])
        # ln(-ln P(no false alarm)), and then both kinds of error together.
        log_p = times(k[:, None], log_ndtr(-u)) - times(
            inactive[:, None], np.exp(law.log_neg_log_below(threshold[:, None]))
        )
        with np.errstate(divide="ignore"):
            values = np.log(-np.expm1(log_p)) if failure else log_p
        return log_sum(values + _LOG_WEIGHT)

    return map_blocks(block, inactive, k, d, noise_variance, threshold)


def topk_refined(inactive, k, d, noise_variance, *, failure=False):
    """Level 3: as level 1, given the norm of the code, and with the kurtosis of the scores."""

    def block(inactive, k, d, noise_variance):
        law = _ConditionalLaw(k, d, noise_variance).flat()

        def tail(u):
            return law.log_neg_log_below(law.minimum(u))

        values = _average_over_minimum(
            tail, np.repeat(inactive, _Z.size)[:, None], np.repeat(k, _Z.size)[:, None], failure
        )
        return log_sum(values.reshape(-1, _Z.size) + _LOG_WEIGHT)

    return map_blocks(block, inactive, k, d, noise_variance, block=32)


def topk_exact(inactive, k, d, *, failure=False):
    """Exact law for one or two active Rademacher codewords without noise, ties being failures."""

    def one(inactive, k, d):
        if inactive == 0:
            return -np.inf if failure else 0.0
        if k == 1:
            equal = -d * np.log(2) if d > 54 else np.log(-np.log1p(-np.exp2(-d)))
            log_log = np.log(inactive) + equal
        elif d > 4000:
            log_log = np.log(inactive) + d * np.log(0.75)
        else:
            m = np.arange(d + 1)
            log_pmf = gammaln(d + 1) - gammaln(m + 1) - gammaln(d - m + 1) - d * np.log(2)
            with np.errstate(divide="ignore"):
                log_p = xlog1py(inactive, -np.exp2(-m))
                return log_sum(log_pmf + (np.log(-np.expm1(log_p)) if failure else log_p))
        return log1mexp(log_log) if failure else -np.exp(log_log)

    return map_blocks(np.vectorize(one, otypes=[float]), inactive, k, d)


def _average_over_minimum(tail, inactive, k, failure):
    """Average over the minimum u of k normals, for ``tail(u) = ln(-ln P(one inactive is below))``.

    All arguments broadcast with a trailing axis for the points.
    """
    with np.errstate(divide="ignore"):
        log_inactive = np.log(inactive)

    def log_weight(u):
        spread = np.log(k) + (k - 1) * log_ndtr(-u)
        log_log = log_inactive + tail(u)
        return spread + (log1mexp(log_log) if failure else -np.exp(log_log))

    with np.errstate(over="ignore", invalid="ignore"):
        value = log_gaussian_expectation(log_weight)
    certain = np.broadcast_to(inactive == 0, (*value.shape, 1))[..., 0]
    return np.where(certain, -np.inf if failure else 0.0, np.minimum(value, 0.0))


class _ConditionalLaw:
    """Scores given the normalised squared norm of the code, at the nodes of a quadrature.

    With ``|x|**2 = k + S``, the active scores have mean ``1 + S/k`` and the inactive ones variance
    ``(k + S)/d + noise_variance``. Arrays have shape (n, nodes), or (n * nodes, 1) when flat.
    """

    def __init__(self, k, d, noise_variance):
        k, d, noise_variance = (a[:, None] for a in (k, d, noise_variance))
        excess = np.maximum(_Z * np.sqrt(2 * k * (k - 1) / d), -0.999 * k)
        residual = (k - 2) / d + noise_variance
        mean, variance = _moments_of_minimum(k[:, 0])
        shrink = np.sqrt(1 - (k - 2) / d / (k * residual * variance))
        self.center = 1 + excess / k
        self.scale = np.sqrt(residual) + 0 * excess
        self.offset = mean * (1 - shrink) + 0 * excess
        self.shrink = shrink + 0 * excess
        self.s0 = np.sqrt((k + excess) / d + noise_variance)
        signal = k / d / (k / d + noise_variance)
        self.kurtosis = -((6 - 4 / k) / d) * signal**2 + 0 * excess

    def flat(self):
        for name, value in vars(self).items():
            setattr(self, name, value.reshape(-1, 1))
        return self

    def minimum(self, u):
        """Smallest active score, for a standardised minimum u."""
        return self.center + self.scale * (self.offset + u * self.shrink)

    def minimum_inverse(self, score):
        return ((score - self.center) / self.scale - self.offset) / self.shrink

    def log_neg_log_below(self, score):
        """ln(-ln P(an inactive score is below ``score``)), with the kurtosis in the upper tail."""
        t = score / self.s0
        high = np.maximum(t, np.sqrt(3))
        hazard = np.sqrt(2 / np.pi) / erfcx(high / np.sqrt(2))
        log_tail = log_ndtr(-high) + self.kurtosis / 24 * (high**3 - 3 * high) * hazard
        with np.errstate(divide="ignore"):
            exact = np.log(-np.log1p(-np.exp(log_tail)))
        upper = np.where(log_tail < -36, log_tail, exact)
        return np.where(t > np.sqrt(3), upper, log_neg_log_ndtr(np.minimum(t, 9)))


def _moments_of_minimum(k):
    """Mean and variance of the minimum of k standard normals, of shape (n, 1) each."""
    k = k[:, None]

    def log_density(u):
        return np.log(k) + log_normal_pdf(u) + (k - 1) * log_ndtr(-u)

    low, high = np.full(k.shape[0], -12.0), np.full(k.shape[0], 10.0)
    u, log_mass = peak_grid(log_density, low, high)
    mass = np.exp(log_mass)
    mean = (mass * u).sum(axis=-1, keepdims=True)
    return mean, (mass * (u - mean) ** 2).sum(axis=-1, keepdims=True)
