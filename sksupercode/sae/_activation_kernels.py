r"""Compiled activations: one pass over ``x W_enc`` makes magnitudes, a second one collects latents.

All architectures have one formula. With z an entry of ``x W_enc``, latent j is active with

.. math::
    a_j = (z_j g_j + b_j)\, s_j \quad\text{where}\quad z_j > t_j
    \quad\text{and}\quad a_j > c_j \ge 0,

and TopK keeps the k largest of them. Each row is divided into groups of entries. The k-th largest
maximum of a group is not above the k-th largest entry, and few entries are above it. These are
candidates. Whenever there are twice as many as needed, the k largest are kept, and later ones have
to exceed the least of these.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled, reassociated

# Entries of a row from which candidates are taken at once, also the number of groups; and those
# that are compared at once.
_STRIP = 256
_STRIDE = 32
# Latents of a row, in the mean, for which there is room at first.
_ROOM = 64


@compiled
def activate(Z, gain, bias, scale, least_input, least, k, bits):
    """Return the active latents of each row, in increasing order.

    Parameters
    ----------
    Z : ndarray of shape (n, N)
        ``x W_enc``, C-contiguous.
    gain, bias, scale : ndarray of shape (N,) and the dtype of Z
        Magnitudes are ``(z * gain + bias) * scale``.
    least_input, least : ndarray of shape (N,) and the dtype of Z
        What z and the magnitude have to exceed, the second not negative.
    k : int
        At most so many of the largest are kept in a row, of equal ones the first.
    bits : ndarray of shape (0,)
        Of the signed integers as wide as the dtype of Z.

    Returns
    -------
    counts : int64 ndarray of shape (n,)
        Number of active latents of each row.
    latents : int32 ndarray of shape (sum(counts),)
        Their indices.
    values : ndarray of shape (sum(counts),)
        Their magnitudes.
    is_finite : bool
        Whether all of Z is finite; otherwise the rest is of no use.
    """
    n_samples, n_latents = Z.shape
    counts = np.empty(n_samples, np.int64)
    latents = np.empty(n_samples * min(k, _ROOM) + _STRIP, np.int32)
    values = np.empty(len(latents), Z.dtype)
    # Of one row, which stays in the cache.
    magnitudes = np.empty(n_latents, Z.dtype)
    end, is_finite = 0, True
    for i in range(n_samples):
        is_finite &= _make_magnitudes(Z[i], gain, bias, scale, least_input, least, magnitudes)
        start, threshold = end, _threshold(magnitudes, bits, k)
        for first in range(0, n_latents, _STRIP):
            strip = magnitudes[first : first + _STRIP]
            if end + _STRIP > len(values):
                latents = np.concatenate((latents, np.empty_like(latents)))
                values = np.concatenate((values, np.empty_like(values)))
            end = _append(strip, first, threshold, latents, values, end)
            is_last = first + len(strip) == n_latents
            if end - start > (k if is_last else 2 * k + _STRIDE):
                threshold = _keep_largest(latents[start:end], values[start:end], bits, k)
                end = start + k
        counts[i] = end - start
    return counts, latents[:end], values[:end], is_finite


@reassociated
def _make_magnitudes(z, gain, bias, scale, least_input, least, magnitudes):
    """Write magnitudes, 0 where not active, and return whether all inputs are finite."""
    zero = z.dtype.type(0)
    total = zero
    for j in range(len(z)):
        value = (z[j] * gain[j] + bias[j]) * scale[j]
        value = value if z[j] > least_input[j] else zero
        magnitudes[j] = value if value > least[j] else zero
        total += z[j] * zero
    return total == zero


@compiled
def _threshold(magnitudes, bits, k):
    """Return what the k largest entries exceed, as far as they are positive."""
    if 2 * k > _STRIP:
        return magnitudes.dtype.type(0)
    maxima = np.zeros(_STRIP, magnitudes.dtype)
    for first in range(0, len(magnitudes), _STRIP):
        strip = magnitudes[first : first + _STRIP]
        for j in range(len(strip)):
            maxima[j] = strip[j] if strip[j] > maxima[j] else maxima[j]
    keys = maxima.view(bits.dtype)
    least, _ = _separate(keys, k)
    keys[0] = max(0, least - 1)
    return maxima[0]


@compiled
def _append(strip, first, threshold, latents, values, end):
    """Append the magnitudes above the threshold, and return where they end."""
    for begin in range(0, len(strip), _STRIDE):
        block = strip[begin : begin + _STRIDE]
        # By indices and integers of this width, or the loop is not vectorised.
        is_above = np.uint32(0)
        for j in range(len(block)):
            is_above = np.uint32(is_above | np.uint32(block[j] > threshold))
        if not is_above:
            continue
        for j in range(len(block)):
            latents[end] = first + begin + j
            values[end] = block[j]
            end += block[j] > threshold
    return end


@compiled
def _keep_largest(latents, values, bits, k):
    """Move the k largest of more candidates to the front, and return the least of them.

    They stay in order; of equal ones the first are kept.
    """
    keys = values.view(bits.dtype)
    least, n_above = _separate(keys, k)
    # Too many are left only where several are equal to the k-th largest.
    n_equal = len(keys)
    if n_above > k:
        n_equal = k
        for j in range(len(keys)):
            n_equal -= keys[j] > least
    kept = 0
    for j in range(len(keys)):
        if keys[j] < least:
            continue
        if keys[j] == least:
            if n_equal == 0:
                continue
            n_equal -= 1
        latents[kept], values[kept] = latents[j], values[j]
        kept += 1
    return values[:k].min()


@compiled
def _separate(keys, k):
    """Return a key that at least k keys reach, only k unless there are ties, and how many do.

    Floats that are not negative are in the order of the integers with the same bits.
    """
    low, high, n_above = keys.min(), keys.max() + 1, len(keys)
    while n_above > k and high - low > 1:
        middle = low + (high - low) // 2
        n_middle = 0
        for j in range(len(keys)):
            n_middle += keys[j] >= middle
        if n_middle >= k:
            low, n_above = middle, n_middle
        else:
            high = middle
    return low, n_above
