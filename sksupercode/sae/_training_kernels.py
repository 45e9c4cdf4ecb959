r"""Compiled products with few active latents, forward and backward, so that a step costs k, not N.

A row i of active latents has entries p from ``starts[i]`` to ``starts[i + 1]``, with latents
``latents[p]`` and values ``values[p]``. With F the codewords, of shape (N, d), and gradients g of
shape (n, d),

.. math::
    \hat x_i = \sum_p a_p f_p, \qquad
    \frac{\partial L}{\partial a_p} = \langle g_i, f_p \rangle, \qquad
    \frac{\partial L}{\partial f_j} = \sum_{p\,:\,j} a_p\, g_i .
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled, reassociated

# Bits of a float that the histogram does not tell apart.
_BLURRED = 15


@compiled
def combine(starts, latents, values, codewords, sums):
    """Write the sum of the codewords of each row, multiplied by its values."""
    for i in range(len(sums)):
        row = sums[i]
        row[:] = 0
        for p in range(starts[i], starts[i + 1]):
            codeword, value = codewords[latents[p]], values[p]
            for c in range(len(row)):
                row[c] += value * codeword[c]


@reassociated
def correlate(starts, latents, gradients, codewords, products):
    """Write the inner product of the gradient of each row with each of its codewords."""
    first = starts[0]
    for i in range(len(gradients)):
        row = gradients[i]
        for p in range(starts[i], starts[i + 1]):
            codeword, total = codewords[latents[p]], row.dtype.type(0)
            for c in range(len(row)):
                total += row[c] * codeword[c]
            products[p - first] = total


@compiled
def sort_by_latent(starts, latents, n_latents):
    """Return where the entries of each latent start, their order, and their rows."""
    firsts = np.zeros(n_latents + 1, np.int64)
    for latent in latents:
        firsts[latent + 1] += 1
    for j in range(n_latents):
        firsts[j + 1] += firsts[j]
    places = firsts[:-1].copy()
    order, rows = np.empty(len(latents), np.int64), np.empty(len(latents), np.int64)
    for i in range(len(starts) - 1):
        for p in range(starts[i], starts[i + 1]):
            place = places[latents[p]]
            order[place], rows[place] = p, i
            places[latents[p]] += 1
    return firsts, order, rows


@compiled
def add_outer(firsts, order, rows, values, gradients, start, stop, sums):
    """Add to the row of each latent its values times the gradients of their rows.

    Of the latents whose first entry is one from ``start`` to ``stop``.
    """
    begin, end = np.searchsorted(firsts, start), np.searchsorted(firsts, stop)
    for j in range(begin, min(end, len(sums))):
        total = sums[j]
        for p in range(firsts[j], firsts[j + 1]):
            gradient, value = gradients[rows[p]], values[order[p]]
            for c in range(len(total)):
                total[c] += value * gradient[c]


@compiled
def count_bits(Z, bias, bits):
    """Return how many positive entries of ``Z + bias`` have each of the upper halves of bits."""
    counts = np.zeros(1 << (31 - _BLURRED), np.int64)
    row = np.empty(Z.shape[1], Z.dtype)
    keys = row.view(bits.dtype)
    for i in range(len(Z)):
        for j in range(len(row)):
            row[j] = max(Z[i, j] + bias[j], Z.dtype.type(0))
        for j in range(len(row)):
            if keys[j] > 0:
                counts[keys[j] >> _BLURRED] += 1
    return counts


def least_of_bits(counts, n):
    """Return a float32 that at least n entries exceed, and little more, or 0 if there are fewer."""
    at_least = np.cumsum(counts[::-1])[::-1]
    key = np.flatnonzero(at_least >= n)[-1:] << _BLURRED
    return key.astype(np.int32).view(np.float32)[0] if len(key) and key[0] > 0 else np.float32(0)
