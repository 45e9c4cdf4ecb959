"""Active-only simulation of the one-step decoders.

Given the code of the active codewords, the scores of the inactive ones are independent, each a sum
of independent signs times the coordinates of the code. It is enough to draw the active codewords;
N enters as an exponent, and N = 2**40 costs no more than N = 2**10.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx

from sksupercode.theory._numerics import log_normal_pdf, times
from sksupercode.theory._success import resolve_threshold
from sksupercode.theory._validation import as_generator, check_simulation

__all__ = ["threshold_active_only", "topk_active_only"]

# Tails of so few signs, 2 to this power, are counted: there the saddlepoint knows no single signs.
_FEW = 12
_ROUNDING = 1e-12


def threshold_active_only(
    n_features,
    n_nonzero_coefs,
    n_components,
    threshold=0.5,
    noise_variance=0.0,
    *,
    n_samples=200,
    random_state=None,
):
    r"""Simulate the probability of exact recovery by thresholding the scores.

    .. math:: P = E\big[1\{\min_i a_i \ge \tau\}\, (1 - p(x, \tau))^{N-k}\big]

    over the draw of the k active codewords and of the noise, with :math:`a_i` the active scores
    and :math:`p(x, \tau)` the probability that an inactive score reaches the threshold.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : int or array-like of int
        Dimension d of the code, a whole number from 1 to 10**9; k d may not exceed 2**30.
    threshold : float or array-like of float or {"map", "optimal"}, default=0.5
        The threshold, that of :func:`map_threshold` or that of :func:`optimal_threshold`.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    n_samples : int, default=200
        Number of draws of the active codewords, at least 2.
    random_state : int, RandomState, Generator or None, default=None
        The source of randomness; an integer makes the result reproducible.

    Returns
    -------
    probability : float or ndarray of float
        The estimated probability of success.
    standard_error : float or ndarray of float
        Its standard error over the draws.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    topk_active_only : The same for the k largest scores.
    threshold_success_probability : Closed-form approximations.

    Notes
    -----
    Unbiased but for the saddlepoint approximation of p, whose relative error is of the order of a
    percent or less. The cost per draw is proportional to k d and does not depend on N.

    References
    ----------
    .. [1] R. Lugannani and S. Rice, "Saddle Point Approximation for the Distribution of the Sum of
       Independent Random Variables", Adv. Appl. Probab. 12(2), 1980.

    Examples
    --------
    >>> from sksupercode.theory import threshold_active_only
    >>> probability, error = threshold_active_only(2**20, 8, 749, random_state=0)
    >>> bool(abs(probability - 0.544) < 4 * error)
    True
    """
    n, k, d, noise_variance, n_samples = check_simulation(
        n_features, n_nonzero_coefs, n_components, noise_variance, n_samples
    )
    threshold = resolve_threshold(threshold, n, k, d, noise_variance)
    rng = as_generator(random_state)

    def draw(n, k, d, noise_variance, threshold):
        scores, values, counts, span = _draw_code(k, d, noise_variance, rng)
        if scores.min() < threshold * d - 1e-9 * d:
            return 0.0
        if n == k:
            return 1.0
        target = threshold * d
        if span:
            top = (values * counts).sum()
            target = top - span * np.floor((top - target) / span + 1e-9)
        return _none_of(n - k, _tail(values, counts, target, span))

    return _estimate(draw, n_samples, n, k, d, noise_variance, threshold)


def topk_active_only(
    n_features,
    n_nonzero_coefs,
    n_components,
    noise_variance=0.0,
    *,
    n_samples=200,
    random_state=None,
):
    r"""Simulate the probability of exact recovery by the k largest scores.

    .. math:: P = E\big[(1 - p(x, \min_i a_i))^{N-k}\big]

    over the draw of the k active codewords and of the noise, with :math:`a_i` the active scores
    and :math:`p(x, t)` the probability that an inactive score exceeds t.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : int or array-like of int
        Dimension d of the code, a whole number from 1 to 10**9; k d may not exceed 2**30.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    n_samples : int, default=200
        Number of draws of the active codewords, at least 2.
    random_state : int, RandomState, Generator or None, default=None
        The source of randomness; an integer makes the result reproducible.

    Returns
    -------
    probability : float or ndarray of float
        The estimated probability of success.
    standard_error : float or ndarray of float
        Its standard error over the draws.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    threshold_active_only : The same for a threshold.
    topk_success_probability : Closed-form approximations.

    Notes
    -----
    Unbiased but for the saddlepoint approximation of p, whose relative error is of the order of a
    percent or less. The cost per draw is proportional to k d and does not depend on N. Equal
    scores, which are frequent without noise, are given to the lowest index, as the decoders do; the
    active codewords have random indices.

    References
    ----------
    .. [1] R. Lugannani and S. Rice, "Saddle Point Approximation for the Distribution of the Sum of
       Independent Random Variables", Adv. Appl. Probab. 12(2), 1980.

    Examples
    --------
    >>> from sksupercode.theory import topk_active_only
    >>> probability, error = topk_active_only(2**40, 8, 500, random_state=0)
    >>> print(f"{probability:.2f} +- {error:.2f}")
    0.34 +- 0.03
    """
    n, k, d, noise_variance, n_samples = check_simulation(
        n_features, n_nonzero_coefs, n_components, noise_variance, n_samples
    )
    rng = as_generator(random_state)

    def draw(n, k, d, noise_variance):
        scores, values, counts, span = _draw_code(k, d, noise_variance, rng)
        if n == k:
            return 1.0
        lowest = scores.min()
        at_least = _tail(values, counts, lowest, span)
        position = np.sort(rng.random(k))[np.flatnonzero(scores == lowest)[-1]]
        if not span:
            # Of inactive codewords, only an equal one ties.
            return _none_of(n - k, at_least - (1 - position) * min(at_least, 0.5**d))
        # A tie is lost if the inactive index is below that of the last of the tied active ones.
        above = _tail(values, counts, lowest + span, span)
        return _none_of(n - k, above + position * max(at_least - above, 0.0))

    return _estimate(draw, n_samples, n, k, d, noise_variance)


def random_signs(n_rows, n_columns, rng, dtype=np.float32):
    """Independent signs of shape (n_rows, n_columns), from one random bit each."""
    packed = rng.integers(0, 256, size=(n_rows, -(-n_columns // 8)), dtype=np.uint8)
    signs = np.unpackbits(packed, axis=1, count=n_columns).astype(dtype)
    signs *= 2
    signs -= 1
    return signs


def _draw_code(k, d, noise_variance, rng):
    """Draw active codewords: their scores, and the law of the inactive scores given the code.

    Scores are in units of 1/d. An inactive one is a sum over ``values`` with random signs, each
    occurring ``counts`` times, and takes values ``span`` apart; ``span`` is 0 with noise.
    """
    scores, histogram, noisy = np.zeros(k), np.zeros(k + 1), []
    block = max(2**22 // k, 1)
    for start in range(0, d, block):
        signs = random_signs(k, min(block, d - start), rng)
        code = signs.sum(axis=0)
        if noise_variance > 0:
            code = code + np.sqrt(d * noise_variance) * rng.standard_normal(code.size)
            noisy.append(np.abs(code))
        else:
            histogram += np.bincount(np.abs(code).astype(np.intp), minlength=k + 1)
        exact = code.astype(np.float64) if noise_variance > 0 or k * block >= 2**24 else code
        scores += signs @ exact
    if noise_variance > 0:
        return scores, np.concatenate(noisy), 1.0, 0
    values = np.flatnonzero(histogram[1:]) + 1
    return scores, values, histogram[values], 2 if k % 2 else 4


def _tail(values, counts, target, span):
    """P(sum >= target) for a sum of signed values, by Lugannani and Rice.

    ``target`` is a point of the lattice of the sums, if these have a positive ``span``.
    """
    top = (values * counts).sum() if np.ndim(counts) else values.sum()
    if target > top * (1 if span else 1 + _ROUNDING):
        return 0.0
    if span and target == top:
        return 0.5 ** counts.sum()
    if not span:
        n_flips = _count_subsets(values, (top - target) / 2 + _ROUNDING * top)
        if n_flips is not None:
            return n_flips * 0.5 ** len(values)
    shifted = target - span / 2
    t = abs(shifted)

    def slope(tilt):
        return (counts * values * np.tanh(tilt * values)).sum() - t

    variance = (counts * values**2).sum()
    if t >= top * (1 - _ROUNDING):
        return 0.0 if shifted > 0 else 1.0
    high = t / variance + 1e-300
    while slope(high) < 0:
        high *= 2
    tilt = brentq(slope, 0.0, high, xtol=1e-300, rtol=1e-12)
    x = tilt * values
    log_cosh = x + np.log1p(np.exp(-2 * x)) - np.log(2)
    w = np.sqrt(max(2 * (tilt * t - (counts * log_cosh).sum()), 0.0))
    curvature = (counts * (values / np.cosh(np.minimum(x, 300))) ** 2).sum()
    factor = 2 * np.sinh(tilt * span / 2) / span if span else tilt
    u = factor * np.sqrt(curvature)
    mills = np.sqrt(np.pi / 2) * erfcx(w / np.sqrt(2))
    correction = 1 / u - 1 / w if w > 1e-4 else 0.0
    tail = np.exp(log_normal_pdf(w)) * max(mills + correction, 0.0)
    return min(tail, 1.0) if shifted > 0 else max(1.0 - tail, 0.0)


def _count_subsets(values, largest):
    """Count subsets of positive values with at most that sum; None if there are many."""
    sums = np.zeros(1)
    # The smallest come first, so that many subsets are noticed early.
    for value in np.sort(values):
        more = sums[sums <= largest - value] + value
        if len(more) == 0:
            break
        sums = np.concatenate([sums, more])
        if len(sums) > 2**_FEW:
            return None
    return len(sums)


def _none_of(count, probability):
    """Probability that none of ``count`` independent events happens."""
    return float(np.exp(times(count, np.log1p(-min(probability, 1 - 1e-16)))))


def _estimate(draw, n_samples, *arrays):
    return estimate_means(lambda *args: [draw(*args) for _ in range(n_samples)], *arrays)


def estimate_means(sample, *arrays):
    """Mean and standard error of ``sample`` over broadcast arrays of its scalar arguments."""
    arrays = np.broadcast_arrays(*arrays)
    mean, error = np.empty(arrays[0].shape), np.empty(arrays[0].shape)
    for index in np.ndindex(mean.shape):
        values = np.asarray(sample(*(array[index].item() for array in arrays)))
        mean[index] = values.mean()
        error[index] = values.std(ddof=1) / np.sqrt(values.size)
    return mean[()], error[()]
