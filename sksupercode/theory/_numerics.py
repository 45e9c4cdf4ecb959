"""Numerical helpers that keep the formulas finite and accurate over their whole domain."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import erfcx, log_ndtr

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


def log_normal_pdf(x):
    """Logarithm of the standard normal density."""
    return -0.5 * x * x - LOG_SQRT_2PI


def log_hazard(x):
    """ln(phi(x) / Phi(x)), without cancellation in either tail."""
    x = np.asarray(x, dtype=np.float64)
    left = 0.5 * np.log(2 / np.pi) - np.log(erfcx(np.maximum(-x, 0) / np.sqrt(2)))
    right = log_normal_pdf(np.maximum(x, 0)) - log_ndtr(np.maximum(x, 0))
    return np.where(x < 0, left, right)


def log_neg_log_ndtr(x):
    """ln(-ln Phi(x)), where ln Phi(x) itself may underflow."""
    # For x > 9, -ln Phi(x) equals 1 - Phi(x) to double precision.
    middle = np.log(-log_ndtr(np.minimum(x, 9)))
    return np.where(x > 9, log_ndtr(-x), middle)


def log1mexp(log_x):
    """Return ln(1 - exp(-x)), given ln x, for x > 0."""
    x = np.exp(np.minimum(log_x, 700))
    with np.errstate(divide="ignore"):
        large = np.log(-np.expm1(-x))
    return np.where(log_x < -20, log_x - 0.5 * x, large)


def times(count, log_probability):
    """``count * log_probability`` with the convention 0 * (-inf) = 0."""
    with np.errstate(invalid="ignore"):
        return np.where(count == 0, 0.0, count * log_probability)


def log_sum(log_values):
    """Logarithm of a sum along the last axis, -inf for a sum of zeros."""
    # That of SciPy takes many times as long for a few hundred numbers.
    top = log_values.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(log_values - top).sum(axis=-1)) + top[..., 0]


def find_peak(log_density, low, high, n_iter=24, drop=0.1):
    """Where a concave function on [low, high] is near its maximum, elementwise.

    ``log_density`` maps an array of shape (..., m) to one of that shape; ``low`` and ``high`` have
    shape (...). Each of the iterations evaluates 33 points and keeps the neighbours of the best,
    until these are lower by less than ``drop`` for all; the maximum is then not higher by more.
    """
    fraction = np.linspace(0, 1, 33)
    for _ in range(n_iter):
        grid = low[..., None] + (high - low)[..., None] * fraction
        values = log_density(grid)
        best = np.argmax(values, axis=-1)[..., None]
        sides = np.maximum(best - 1, 0), np.minimum(best + 1, 32)
        low, high = (np.take_along_axis(grid, side, axis=-1)[..., 0] for side in sides)
        level = np.take_along_axis(values, best, axis=-1) - drop
        beside = np.take_along_axis(values, np.concatenate(sides, axis=-1), axis=-1)
        # At an end, which is its own neighbour, the function may rise in between.
        if np.all((beside > level) & (sides[1] - sides[0] == 2)):
            return np.take_along_axis(grid, best, axis=-1)[..., 0]
    return 0.5 * (low + high)


def find_root(function, low, high, n_iter=16):
    """Root of an increasing function on [low, high], elementwise; shapes as in `find_peak`."""
    fraction = np.linspace(0, 1, 33)
    for _ in range(n_iter):
        grid = low[..., None] + (high - low)[..., None] * fraction
        index = np.clip((function(grid) < 0).sum(axis=-1, keepdims=True), 1, 32)
        low = np.take_along_axis(grid, index - 1, axis=-1)[..., 0]
        high = np.take_along_axis(grid, index, axis=-1)[..., 0]
    return 0.5 * (low + high)


def peak_grid(log_density, low, high, *, n_points=400, drop=50.0):
    """Equidistant points over the part of a log-concave function that matters.

    The points span, around the peak, all that is larger than exp(-drop) of it. Returns the points,
    of shape (..., n_points), and the logarithm of the function there plus that of the spacing, so
    that sums over the last axis are trapezoidal integrals. Both ends being negligible, these
    converge geometrically.
    """
    peak = find_peak(log_density, low, high)[..., None]
    top = log_density(peak)
    step = np.geomspace(1e-13, 1.0, 120) * np.maximum(high - low, 1.0)[..., None]
    left = _first_below(log_density(peak - step), top - drop, step)
    right = _first_below(log_density(peak + step), top - drop, step)
    fraction = np.linspace(0, 1, n_points)
    grid = peak - left + (left + right) * fraction
    spacing = (left + right) / (n_points - 1)
    return grid, log_density(grid) + np.log(spacing)


def _first_below(values, level, step):
    below = values < level
    index = np.where(below.any(axis=-1), below.argmax(axis=-1), step.shape[-1] - 1)
    return np.take_along_axis(step, index[..., None], axis=-1)


def log_gaussian_expectation(log_weight):
    """ln E exp(log_weight(g)) for a standard normal g and a log-concave weight, elementwise.

    ``log_weight`` maps an array of shape (..., m) to one of that shape; its leading shape is that
    of its value at ``[0]``.
    """

    def log_density(g):
        return log_normal_pdf(g) + log_weight(g)

    reach = gaussian_reach(log_weight)
    return log_sum(peak_grid(log_density, -reach, reach)[1])


def gaussian_reach(log_weight):
    """A bound on |g| at the peak of phi(g) exp(log_weight(g)), from its value at 0."""
    return 12 + np.sqrt(2 * np.maximum(-log_weight(np.zeros(1))[..., 0], 0))


def map_blocks(function, *arrays, block=1024):
    """Apply ``function`` to broadcast float arrays in flat blocks, to bound the memory it takes."""
    arrays = np.broadcast_arrays(*arrays)
    flat = [np.asarray(array, dtype=np.float64).ravel() for array in arrays]
    out = np.empty(flat[0].size)
    for start in range(0, out.size, block):
        out[start : start + block] = function(*(a[start : start + block] for a in flat))
    return out.reshape(arrays[0].shape)


def map_scalars(function, *arrays):
    """Apply a function of Python scalars to broadcast arrays, keeping each array's own type."""
    arrays = np.broadcast_arrays(*arrays)
    out = np.empty(arrays[0].shape)
    for index in np.ndindex(out.shape):
        out[index] = function(*(array[index].item() for array in arrays))
    return out
