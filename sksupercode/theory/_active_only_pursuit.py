"""Active-only simulation of matching pursuit."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import expit, log_ndtr

from sksupercode.theory._active_only import estimate_means, random_signs
from sksupercode.theory._numerics import log_sum, times
from sksupercode.theory._validation import as_generator, check_integer, check_simulation

__all__ = ["matching_pursuit_active_only"]


def matching_pursuit_active_only(
    n_features,
    n_nonzero_coefs,
    n_components,
    noise_variance=0.0,
    *,
    n_samples=200,
    n_draws=256,
    random_state=None,
):
    r"""Simulate the probability of exact recovery by binary matching pursuit.

    .. math:: P = E\big[1\{\text{no index is selected twice}\}\, (1 - p)^{N-k}\big], \quad
              p = P\big(\exists t: \langle f, r_t \rangle \ge b_t\big)

    over the draw of the k active codewords and of the noise, where matching pursuit among the
    active codewords leaves the residuals :math:`r_t` with winning scores :math:`b_t`, and f is a
    new codeword.

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
    n_draws : int, default=256
        Number of draws of f for each, at least 2.
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
    topk_active_only : The same for decoding in one step.
    rule_of_thumb_dimension : A rule of thumb.

    Notes
    -----
    The decoder makes k steps, each of which adds 1 to the coefficient of the codeword with the
    largest inner product with the residual; selecting an index twice is a failure. Given the
    active codewords, an inactive one changes the course only if its score reaches a winning one,
    and does so independently of the others. N enters as an exponent alone, and N = 2**40 costs no
    more than N = 2**10: a draw costs of the order of d k (k + n_draws).

    The first step alone succeeds, heuristically, from
    :math:`d = 2 k (\sqrt{\ln N} - \sqrt{\ln k})^2` on. Later steps are harder: at
    (N, k) = (2**20, 2**8) half of the runs succeed in 4 times that dimension.

    The probability p is estimated by importance sampling. A step t is drawn with probability
    proportional to the Gaussian tail at :math:`b_t`, and the signs of f are tilted so that its
    score at this step is :math:`b_t` on average; the weight is the likelihood ratio to the mixture
    over t. What is left of the bias of :math:`(1 - p)^{N-k}`, of the order of 1/n_draws, is
    corrected to the first order. Equal scores are given to the lowest index, as the decoder does.

    References
    ----------
    .. [1] S. Mallat and Z. Zhang, "Matching Pursuits With Time-Frequency Dictionaries", IEEE
       Trans. Signal Process. 41(12), 1993.
    .. [2] J. A. Bucklew, "Introduction to Rare Event Simulation", Springer, 2004.

    Examples
    --------
    >>> from sksupercode.theory import matching_pursuit_active_only
    >>> probability, error = matching_pursuit_active_only(2**20, 8, 120, random_state=0)
    >>> print(f"{probability:.2f} +- {error:.2f}")
    0.48 +- 0.02
    """
    n, k, d, noise_variance, n_samples = check_simulation(
        n_features, n_nonzero_coefs, n_components, noise_variance, n_samples
    )
    n_draws = check_integer(n_draws, "n_draws", 2, 10**9, scalar=True)
    rng = as_generator(random_state)

    def sample(n, k, d, noise_variance):
        return [_draw(n - k, k, d, noise_variance, n_draws, rng) for _ in range(n_samples)]

    return estimate_means(sample, n, k, d, noise_variance)


def _draw(inactive, k, d, noise_variance, n_draws, rng):
    """Success given one draw of the active codewords, in units of 1/d for the scores."""
    exact = noise_variance == 0 and k * d < 2**24
    signs = random_signs(k, d, rng, np.float32 if exact else np.float64)
    noise = np.sqrt(d * noise_variance) * rng.standard_normal(d) if noise_variance > 0 else 0.0
    order, winning = _pursue(signs, noise)
    if order is None:
        return 0.0
    if inactive == 0:
        return 1.0
    residuals = np.cumsum(signs[order[::-1]], axis=0)[::-1] + noise
    position = np.sort(rng.random(k))[order]
    crossing = _crossing_weights(residuals.astype(signs.dtype), winning, position, n_draws, rng)
    # A codeword that equals the last of them, at least, is taken for it.
    p = min(max(crossing.mean(), position.max() * 0.5**d), 1 - 1e-16)
    variance = crossing.var(ddof=1) / n_draws
    # E exp(-n p) exceeds its value at the mean of p by the factor exp(n**2 variance / 2).
    return float(np.exp(times(inactive, np.log1p(-p)) - 0.5 * inactive**2 * variance))


def _pursue(signs, noise):
    """Matching pursuit among the active codewords; order is None if one is selected twice."""
    gram = signs @ signs.T
    scores = gram.sum(axis=1) + (signs @ noise if np.ndim(noise) else 0.0)
    order, winning = np.empty(len(signs), dtype=np.intp), np.empty(len(signs))
    free = np.ones(len(signs), dtype=bool)
    for t in range(len(signs)):
        best = np.argmax(scores)
        if not free[best]:
            return None, None
        order[t], winning[t], free[best] = best, scores[best], False
        scores = scores - gram[best]
    return order, winning


def _crossing_weights(residuals, winning, position, n_draws, rng):
    """Weighted indicators that a random codeword outscores the winner of some step."""
    tilt, cumulant = _saddlepoints(residuals, winning)
    norm = np.sqrt(np.einsum("td,td->t", residuals, residuals, dtype=np.float64))
    log_share = log_ndtr(-winning / np.maximum(norm, 1e-300))
    log_share -= log_sum(log_share)
    quantiles = (np.arange(n_draws) + rng.random()) / n_draws
    steps = np.searchsorted(np.cumsum(np.exp(log_share)), quantiles)
    steps = np.minimum(steps, len(winning) - 1)
    scores = np.concatenate(
        [
            _tilted_codewords(residuals, tilt, block, rng) @ residuals.T
            for block in np.array_split(steps, -(-n_draws * residuals.shape[1] // 2**23))
        ]
    )
    log_mixture = log_sum(log_share + tilt * scores - cumulant)
    beaten = np.where(scores > winning, 1.0, np.where(scores == winning, position, 0.0))
    return beaten.max(axis=1) * np.exp(-log_mixture)


def _tilted_codewords(residuals, tilt, steps, rng):
    """Random signs whose scores at the given steps are the winning ones on average."""
    distinct, which = np.unique(steps, return_inverse=True)
    tilted = (2 * tilt[distinct, None]).astype(residuals.dtype) * residuals[distinct]
    shape = len(steps), residuals.shape[1]
    positive = rng.random(shape, dtype=np.float32) < expit(tilted)[which]
    codewords = positive.astype(residuals.dtype)
    codewords *= 2
    codewords -= 1
    return codewords


def _saddlepoints(residuals, winning):
    """Tilts under which the mean score of each step is the winning one, and their cumulants.

    The weights are exact for any tilt, so that a few Newton steps are enough.
    """
    values, counts = _multiplicities(residuals)
    weights = counts * values
    squares = weights * values
    square = squares.sum(axis=1)
    tilt = winning / np.maximum(square, 1e-300)
    for _ in range(2):
        x = np.tanh(tilt[:, None] * values)
        slope = (weights * x).sum(axis=1) - winning
        curvature = square - (squares * x * x).sum(axis=1)
        tilt = np.clip(tilt - slope / np.maximum(curvature, 1e-3 * square + 1e-300), 0.0, 5.0)
    x = tilt[:, None] * values
    return tilt, (counts * (x + np.log1p(np.exp(-2 * x)) - np.log(2))).sum(axis=1)


def _multiplicities(residuals):
    """Absolute values of each residual, with their counts where they are small integers."""
    n_steps = len(residuals)
    size = np.abs(residuals)
    whole = size.astype(np.intp)
    if residuals.dtype != np.float32:
        return size, 1.0
    offset = (n_steps + 1) * np.arange(n_steps)[:, None]
    counts = np.bincount((whole + offset).ravel(), minlength=n_steps * (n_steps + 1))
    return np.arange(n_steps + 1.0), counts.reshape(n_steps, n_steps + 1)
