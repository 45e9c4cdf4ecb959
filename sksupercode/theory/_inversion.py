"""The dimension at which a one-step decoder reaches a given probability of exact recovery."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq

from sksupercode.theory import _success_laws as laws
from sksupercode.theory._matched_filter import (
    log_prior_odds,
    optimal_threshold_from_variances,
    score_variances,
)
from sksupercode.theory._numerics import map_scalars
from sksupercode.theory._validation import (
    check_approximation,
    check_noise_variance,
    check_option,
    check_probability,
    check_real,
    check_sizes,
)

__all__ = ["threshold_dimension", "topk_dimension"]

_LOWEST = -700.0


def threshold_dimension(
    n_features,
    n_nonzero_coefs,
    probability,
    threshold=0.5,
    noise_variance=0.0,
    *,
    approximation="gaussian",
):
    r"""Dimension at which thresholding the scores recovers with a given probability.

    .. math:: \min \{ d \ge 1 : P(d) \ge p \}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    probability : float or array-like of float
        The probability p of success, in (0, 1).
    threshold : float or array-like of float or {"map", "optimal"}, default=0.5
        The threshold, in (0, 1), that of :func:`map_threshold` or that of
        :func:`optimal_threshold`; these two follow the dimension.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    approximation : {"gaussian", "refined"}, default="gaussian"
        The law of the scores, as in :func:`threshold_success_probability`.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number to be rounded up; infinite where the noise keeps the
        probability below p in any dimension.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    threshold_success_probability : The function that is inverted.
    rule_of_thumb_dimension : A rule of thumb.

    Notes
    -----
    With noise, a threshold of 1/2 needs about :math:`\sigma^2 < 1/(8 \ln N)`, and the optimal
    one :math:`\sigma^2 < 1/(2 (\sqrt{\ln N} + \sqrt{\ln k})^2)`. For k = 1 without noise the
    probability of the MAP threshold jumps from 0 when the threshold falls below 1, and the
    dimension of the jump is returned for all smaller p.

    Examples
    --------
    >>> from sksupercode.theory import threshold_dimension
    >>> threshold_dimension(2**20, 2**8, [0.5, 0.9]).round(0)
    array([23952., 27672.])
    >>> threshold_dimension(2**20, 2**8, 0.5, "optimal").round(0)
    np.float64(16191.0)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    p, noise_variance = check_probability(probability), check_noise_variance(noise_variance)
    check_approximation(approximation, k, ("gaussian", "refined"))
    rule = None
    if isinstance(threshold, str):
        rule = check_option(threshold, "threshold", ("map", "optimal"))
        threshold = 0.5
    threshold = check_real(threshold, "threshold", 0, 1, closed="neither")

    def solve(n, k, p, noise_variance, threshold):
        def law(d, failure):
            v1, v0 = score_variances(k, d, noise_variance)
            if rule == "map":
                tau = 0.5 + v0 * log_prior_odds(n, k)
            elif rule == "optimal":
                tau = optimal_threshold_from_variances(n - k, k, v1, v0)
            else:
                tau = np.array([threshold])
            if approximation == "refined" and np.isfinite(d):
                return laws.threshold_refined(n - k, k, d, noise_variance, tau, failure=failure)
            return laws.threshold_gaussian(n - k, k, v1, v0, tau, failure=failure)

        return _smallest_dimension(law, n, k, p, noise_variance)

    return map_scalars(solve, n, k, p, noise_variance, threshold)[()]


def topk_dimension(
    n_features, n_nonzero_coefs, probability, noise_variance=0.0, *, approximation="gaussian"
):
    r"""Dimension at which the k largest scores recover with a given probability.

    .. math:: \min \{ d \ge 1 : P(d) \ge p \}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    probability : float or array-like of float
        The probability p of success, in (0, 1).
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    approximation : {"gaussian", "refined"}, default="gaussian"
        The law of the scores, as in :func:`topk_success_probability`.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number to be rounded up; infinite where the noise keeps the
        probability below p in any dimension.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    topk_success_probability : The function that is inverted.
    rule_of_thumb_dimension : A rule of thumb.

    Notes
    -----
    With noise, recovery needs about :math:`\sigma^2 < 1/(2 (\sqrt{\ln N} + \sqrt{\ln k})^2)`.

    Examples
    --------
    >>> from sksupercode.theory import topk_dimension
    >>> topk_dimension(2**20, 2**8, [0.5, 0.9]).round(0)
    array([14982., 17656.])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    p, noise_variance = check_probability(probability), check_noise_variance(noise_variance)
    check_approximation(approximation, k, ("gaussian", "refined"))

    def solve(n, k, p, noise_variance):
        def law(d, failure):
            if approximation == "refined" and np.isfinite(d):
                return laws.topk_refined([n - k], k, d, noise_variance, failure=failure)
            v1, v0 = score_variances(k, d, noise_variance)
            return laws.topk_gaussian([n - k], k, v1, v0, failure=failure)

        return _smallest_dimension(law, n, k, p, noise_variance)

    return map_scalars(solve, n, k, p, noise_variance)[()]


def _smallest_dimension(law, n, k, p, noise_variance):
    """Solve P(d) = p for one set of scalars, on the scale ln(-ln P), nearly linear in d."""
    target = np.log(-np.log(p))

    def excess(log_d):
        return _log_neg_log(law, np.exp(log_d)) - target

    if n == k or excess(0.0) <= 0:
        return 1.0
    if noise_variance > 0 and _log_neg_log(law, np.inf) >= target:
        return np.inf
    guess = np.log(2 * k * (np.sqrt(np.log(n)) + np.sqrt(np.log(k))) ** 2)
    low, high = 0.0, max(guess, 1.0)
    while excess(high) > 0:
        low, high = high, high + 1.0
    if low == 0.0:
        while excess(max(high - 1.0, 0.0)) <= 0:
            high -= 1.0
        low = max(high - 1.0, 0.0)
    root = brentq(excess, low, high, xtol=1e-15, rtol=1e-14)
    # Where P jumps, the root may fall on the lower side.
    return np.exp(root if excess(root) < 1e-3 else root + 1e-13)


def _log_neg_log(law, d):
    log_p = law(d, False).item()
    if log_p > -0.5:
        with np.errstate(divide="ignore"):
            return max(np.log(-np.log1p(-np.exp(law(d, True).item()))), _LOWEST)
    return min(np.log(-log_p), -_LOWEST)
