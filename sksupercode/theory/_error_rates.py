"""How often a matched filter with a threshold is wrong, per codeword."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import betainc, ndtr

from sksupercode.theory._matched_filter import score_variances
from sksupercode.theory._validation import (
    check_bool,
    check_n_components,
    check_n_nonzero_coefs,
    check_noise_variance,
    check_real,
    require_noiseless,
)

__all__ = ["false_negative_rate", "false_positive_rate"]


def false_negative_rate(
    n_nonzero_coefs, n_components, threshold, noise_variance=0.0, *, exact=False
):
    r"""Probability that an active codeword scores below a threshold.

    .. math:: P(s < \tau) = \Phi\Big(\frac{\tau - 1}{\sqrt{(k-1)/d + \sigma^2}}\Big)

    Parameters
    ----------
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to 2**60.
    n_components : float or array-like of float
        Dimension d of the code, from 1 to 10**9; a whole number if ``exact``.
    threshold : float or array-like of float
        The threshold; a score that equals it counts as active.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0; 0 if ``exact``.
    exact : bool, default=False
        Whether to use the exact law of a Rademacher dictionary,
        :math:`s = 1 + (2 B - n)/d` with B binomial of n = (k-1)d trials at 1/2, in place of the
        Gaussian.

    Returns
    -------
    rate : float or ndarray of float
        The probability of a miss, per active codeword.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or ``exact`` is asked for with noise.

    See Also
    --------
    false_positive_rate : The other kind of error.

    Examples
    --------
    >>> from sksupercode.theory import false_negative_rate
    >>> false_negative_rate(8, 130, 0.5).round(5)
    np.float64(0.01559)
    >>> false_negative_rate(8, 130, 0.5, exact=True).round(5)
    np.float64(0.01556)
    """
    k = check_n_nonzero_coefs(n_nonzero_coefs)
    d = check_n_components(n_components, whole=check_bool(exact, "exact"))
    threshold = check_real(threshold, "threshold", -np.inf, np.inf)
    noise_variance = check_noise_variance(noise_variance)
    if exact:
        require_noiseless(noise_variance, "exact=True")
        n_trials = (k - 1.0) * d
        count = _lattice_ceil(((threshold - 1) * d + n_trials) / 2)
        return _binomial_tail(n_trials, n_trials - count + 1, (1 - threshold) * d)[()]
    v1 = score_variances(k, d, noise_variance)[0]
    gap = threshold - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = ndtr(gap / np.sqrt(v1))
    return np.where(v1 > 0, rate, np.where(gap > 0, 1.0, 0.0))[()]


def false_positive_rate(
    n_nonzero_coefs, n_components, threshold, noise_variance=0.0, *, exact=False
):
    r"""Probability that an inactive codeword reaches a threshold.

    .. math:: P(s \ge \tau) = \Phi\Big(\frac{-\tau}{\sqrt{k/d + \sigma^2}}\Big)

    Parameters
    ----------
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to 2**60.
    n_components : float or array-like of float
        Dimension d of the code, from 1 to 10**9; a whole number if ``exact``.
    threshold : float or array-like of float
        The threshold; a score that equals it counts as active.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0; 0 if ``exact``.
    exact : bool, default=False
        Whether to use the exact law of a Rademacher dictionary,
        :math:`s = (2 B - n)/d` with B binomial of n = kd trials at 1/2, in place of the Gaussian.

    Returns
    -------
    rate : float or ndarray of float
        The probability of a false alarm, per inactive codeword.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or ``exact`` is asked for with noise.

    See Also
    --------
    false_negative_rate : The other kind of error.

    Examples
    --------
    >>> from sksupercode.theory import false_positive_rate
    >>> false_positive_rate(8, 130, 0.5).round(5)
    np.float64(0.02192)
    >>> false_positive_rate(8, 130, 0.5, exact=True).round(5)
    np.float64(0.0219)
    """
    k = check_n_nonzero_coefs(n_nonzero_coefs)
    d = check_n_components(n_components, whole=check_bool(exact, "exact"))
    threshold = check_real(threshold, "threshold", -np.inf, np.inf)
    noise_variance = check_noise_variance(noise_variance)
    if exact:
        require_noiseless(noise_variance, "exact=True")
        n_trials = k * d.astype(np.float64)
        count = _lattice_ceil((n_trials + threshold * d) / 2)
        return _binomial_tail(n_trials, count, threshold * d)[()]
    v0 = score_variances(k, d, noise_variance)[1]
    return ndtr(-threshold / np.sqrt(v0))[()]


def _binomial_tail(n_trials, count, excess):
    """P(B >= count) for B binomial of n_trials at 1/2; ``excess`` is 2 count - n_trials, roughly.

    Beyond 10**7 trials the saddlepoint approximation with continuity correction is exact to
    double precision, unlike the incomplete beta function; and beyond 2**53, where a single count
    is no longer a float, only the excess matters.
    """
    inside = (count >= 1) & (count <= n_trials)
    a = np.where(inside, count, 1.0)
    few = n_trials <= 1e7
    tail = betainc(np.where(few, a, 1.0), np.where(few & inside, n_trials - a + 1, 1.0), 0.5)
    x = np.where(n_trials < 2**53, 2 * a - n_trials - 1, excess) / np.maximum(n_trials, 1)
    tail = np.where(few, tail, _saddlepoint_tail(n_trials, np.clip(x, -0.1, 0.1)))
    return np.where(inside, tail, np.where(count < 1, 1.0, 0.0))


def _saddlepoint_tail(n_trials, x):
    """Lugannani-Rice tail of the mean of signs at x, for small x and many signs."""
    y = x * x
    # The deviance (1+x) ln(1+x) + (1-x) ln(1-x) is y (1 + y series).
    series = 1 / 6 + y * (1 / 15 + y * (1 / 28 + y * (1 / 45 + y / 66)))
    ratio = np.sqrt(1 + y * series)
    root_n = np.sqrt(np.maximum(n_trials, 1.0))
    w = root_n * x * ratio
    correction = x * series / ((1 + ratio) * ratio * root_n)
    return ndtr(-w) + np.exp(-0.5 * w * w) / np.sqrt(2 * np.pi) * correction


def _lattice_ceil(x):
    """Ceiling that forgives the rounding of a threshold such as 0.6."""
    x = np.clip(x, -1e300, 1e300)
    nearest = np.round(x)
    close = np.abs(x - nearest) <= 1e-12 * np.maximum(np.abs(x), 1)
    return np.where(close, nearest, np.ceil(x))
