"""The scores of a matched filter: their moments, thresholds and error rates.

The score of codeword i is its inner product with the received vector. Over the draw of a
Rademacher dictionary, an active score has mean 1 and an inactive one mean 0; everything else here
follows from their variances.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._numerics import find_root, log_hazard
from sksupercode.theory._validation import (
    check_bool,
    check_n_components,
    check_n_nonzero_coefs,
    check_noise_variance,
    check_real,
    check_sizes,
)

__all__ = ["log_odds", "map_threshold", "optimal_threshold", "score_variance"]


def score_variances(k, d, noise_variance):
    """Variances of an active and an inactive score; ``d`` may be infinite."""
    return (k - 1) / d + noise_variance, k / d + noise_variance


def log_prior_odds(n, k):
    """Return ln((N - k)/k), which is -inf for k = N."""
    with np.errstate(divide="ignore"):
        return np.log((n - k) / np.float64(k))


def optimal_threshold_from_variances(inactive, k, v1, v0):
    """Threshold that maximises the level-1 probability of exact recovery."""
    s1, s0 = np.sqrt(v1), np.sqrt(v0)
    s1, s0, inactive, k = np.broadcast_arrays(s1, s0, inactive, k)
    regular = (s1 > 0) & (inactive > 0)
    sd1 = np.where(s1 > 0, s1, 1.0)[..., None]
    sd0 = s0[..., None]
    log_ratio = np.log(k / np.maximum(inactive, 1))[..., None] - np.log(sd1 / sd0)

    def slope(tau):
        return log_ratio + log_hazard((1 - tau) / sd1) - log_hazard(tau / sd0)

    root = find_root(slope, -50 * s0, 1 + 50 * (s0 + s1))
    return np.where(regular, root, np.where(inactive == 0, -np.inf, 1.0))


def score_variance(n_nonzero_coefs, n_components, noise_variance=0.0, *, active=True):
    r"""Variance of the score of a codeword.

    .. math:: v_1 = (k - 1)/d + \sigma^2 \text{ (active)}, \quad
              v_0 = k/d + \sigma^2 \text{ (inactive)}

    Exact for a Rademacher dictionary; the mean is 1 and 0, respectively.

    Parameters
    ----------
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to 2**60.
    n_components : float or array-like of float
        Dimension d of the code, from 1 to 10**9.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    active : bool, default=True
        Whether the codeword is one of the k in the code.

    Returns
    -------
    variance : float or ndarray of float
        The variance, in units of the squared norm of a codeword.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    log_odds : What a score says about its codeword.

    Examples
    --------
    >>> from sksupercode.theory import score_variance
    >>> score_variance(9, 400), score_variance(8, 400, active=False)
    (np.float64(0.02), np.float64(0.02))
    """
    k = check_n_nonzero_coefs(n_nonzero_coefs)
    d = check_n_components(n_components)
    v1, v0 = score_variances(k, d, check_noise_variance(noise_variance))
    return (v1 if check_bool(active, "active") else v0)[()]


def log_odds(n_features, n_nonzero_coefs, n_components, score, noise_variance=0.0):
    r"""Posterior log-odds that a codeword is active, given its score.

    .. math:: \ln \frac{P(1 | s)}{P(0 | s)} = \frac{s - 1/2}{v_0} + \ln \frac{k}{N - k},
              \quad v_0 = k/d + \sigma^2

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : float or array-like of float
        Dimension d of the code, from 1 to 10**9.
    score : float or array-like of float
        Inner product of the codeword and the received vector.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.

    Returns
    -------
    log_odds : float or ndarray of float
        The log-odds in nats; infinite for k = N.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    map_threshold : The score at which the log-odds vanish.

    Notes
    -----
    The other active codewords and the noise are modelled as white Gaussian interference of
    variance v0 per coordinate, so that 1/v0 is the signal-to-noise ratio of the filter.

    References
    ----------
    .. [1] S. M. Kay, "Fundamentals of Statistical Signal Processing: Detection Theory", 1998.

    Examples
    --------
    >>> from sksupercode.theory import log_odds
    >>> log_odds(4096, 16, 512, score=[0.5, 1.0]).round(2)
    array([-5.54, 10.46])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    d = check_n_components(n_components)
    score = check_real(score, "score", -np.inf, np.inf, closed="neither")
    v0 = score_variances(k, d, check_noise_variance(noise_variance))[1]
    return ((score - 0.5) / v0 - log_prior_odds(n, k))[()]


def map_threshold(
    n_features, n_nonzero_coefs, n_components, noise_variance=0.0, *, equal_variance=True
):
    r"""Score above which a codeword is more likely active than not.

    .. math:: \tau = \tfrac12 + v_0 \ln \frac{N - k}{k}, \quad v_0 = k/d + \sigma^2

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
    equal_variance : bool, default=True
        Whether to give both kinds of score the variance v0, as in :func:`log_odds`. Otherwise an
        active score has its own, slightly smaller one.

    Returns
    -------
    threshold : float or ndarray of float
        The threshold, in units of the score; -inf for k = N, where all are active.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    optimal_threshold : The threshold that maximises the probability of exact recovery.

    Notes
    -----
    The threshold may exceed 1 at a small dimension: the decision is then "inactive" for typical
    active scores. With unequal variances v1 < v0 the log-odds are a concave parabola, "active"
    means between its two roots, and the lower one is returned; it is +inf where there is none,
    and 1 where v1 = 0. The threshold of the equal-variance model also minimises the union bound
    :math:`(N-k) Q(\tau/\sqrt{v_0}) + k Q((1-\tau)/\sqrt{v_0})` on the failure of exact
    recovery.

    References
    ----------
    .. [1] S. M. Kay, "Fundamentals of Statistical Signal Processing: Detection Theory", 1998.

    Examples
    --------
    >>> from sksupercode.theory import map_threshold
    >>> map_threshold(2**20, 2**8, [2**14, 2**15]).round(3)
    array([0.63 , 0.565])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    d = check_n_components(n_components)
    v1, v0 = score_variances(k, d, check_noise_variance(noise_variance))
    log_prior = log_prior_odds(n, k)
    if check_bool(equal_variance, "equal_variance"):
        return (0.5 + v0 * log_prior)[()]
    positive = np.where(v1 > 0, v1, 1.0)
    log_ratio = np.log1p(1 / (d * positive))
    finite = np.where(np.isfinite(log_prior), log_prior, 0.0)
    discriminant = (v1 / v0) * (1 + (log_ratio - 2 * finite) / d)
    numerator = 1 + v1 * (2 * finite - log_ratio)
    root = numerator / (1 + np.sqrt(np.maximum(discriminant, 0)))
    root = np.where(discriminant < 0, np.inf, root)
    return np.where(np.isfinite(log_prior), np.where(v1 > 0, root, 1.0), -np.inf)[()]


def optimal_threshold(n_features, n_nonzero_coefs, n_components, noise_variance=0.0):
    r"""Threshold that maximises the probability of exact recovery.

    .. math:: \tau = \arg\max_t\; k \ln \Phi\Big(\frac{1 - t}{\sqrt{v_1}}\Big)
              + (N - k) \ln \Phi\Big(\frac{t}{\sqrt{v_0}}\Big)

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
    threshold : float or ndarray of float
        The threshold, in units of the score; -inf for k = N, where all are active, and 1 where
        an active score has no variance.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    map_threshold : The threshold that minimises the errors per codeword.
    threshold_success_probability : The probability that is maximised.

    Notes
    -----
    The scores are modelled as independent Gaussians of the variances
    :func:`score_variance`. The objective is concave,
    and its stationary point unique.

    Examples
    --------
    >>> from sksupercode.theory import optimal_threshold
    >>> optimal_threshold(1024, 8, 266).round(6)
    np.float64(0.651859)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    d = check_n_components(n_components)
    v1, v0 = score_variances(k, d, check_noise_variance(noise_variance))
    return optimal_threshold_from_variances((n - k).astype(np.float64), k, v1, v0)[()]
