"""Compiled correlations and superpositions of products of packed signs.

A sample is written in planes of bits as in :mod:`sksupercode.dictionaries._sign_kernels`. Bound to
a key it has the same masks, and signs that differ by one XOR. Its correlations with the symbols are
those with the section of that key.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import (
    CACHE_BYTES,
    LANES,
    MOST_PLANES,
    add_signed,
    all_planes,
    compiled,
    weighted_popcounts,
)


@compiled
def add_bound_correlations(symbols, keys, bounds, vectors, rows, scores):
    """Add ``<k_s * w_v, v>`` to the columns of ``scores`` that stand for some sections.

    Section s has the columns from ``bounds[s]`` to ``bounds[s + 1]``, of which those count that
    there are. ``symbols`` are in lanes, ``keys`` of shape (S, W) in rows.
    """
    n_groups, n_words = symbols.shape[:2]
    planes, n_planes, sums, units = all_planes(vectors, n_words)
    bound = np.empty((MOST_PLANES, n_words, 2), dtype=np.uint64)
    counts = np.empty(LANES, dtype=np.int64)
    step = max(1, CACHE_BYTES // (8 * LANES * n_words))
    for group in range(0, n_groups, step):
        last_group = min(group + step, n_groups)
        for s in range(len(keys)):
            start = bounds[s] + LANES * group
            stop = min(bounds[s] + LANES * last_group, bounds[s + 1], scores.shape[1])
            if stop <= max(start, 0):
                continue
            for m in range(len(rows)):
                row, unit, total = scores[rows[m]], units[m], sums[m]
                for p in range(n_planes[m]):
                    for w in range(n_words):
                        bound[p, w, 0] = planes[m, p, w, 0]
                        bound[p, w, 1] = planes[m, p, w, 1] ^ keys[s, w]
                for g in range(group, last_group):
                    first = bounds[s] + LANES * g
                    if first + LANES <= 0 or first >= stop:
                        continue
                    weighted_popcounts(symbols, g, bound, n_planes[m], counts)
                    if first >= 0 and first + LANES <= stop:
                        block = row[first : first + LANES]
                        for lane in range(LANES):
                            block[lane] += unit * (total - 2 * counts[lane])
                    else:
                        for lane in range(max(0, -first), min(LANES, stop - first)):
                            row[first + lane] += unit * (total - 2 * counts[lane])


@compiled
def superpose_bound(symbols, keys, bounds, words, indices_of_rows, indices, data, out):
    """Add ``data[j] * k_s * w_v`` over the entries of each row of CSR to ``out``.

    Entry j stands for the codeword v of section s if ``indices[j] = bounds[s] + v``. Indices of a
    row ascend. ``words`` is the range of words of ``out``, of shape (n_samples, 64 W).
    """
    sums = np.empty(64)
    for row in range(len(out)):
        head, last = indices_of_rows[row], indices_of_rows[row + 1]
        for s in range(len(keys)):
            start = head
            while head < last and indices[head] < bounds[s + 1]:
                head += 1
            if start == head:
                continue
            for w in range(words[0], words[1]):
                sums[:] = 0
                add_signed(symbols, w, indices, bounds[s], data, start, head, sums)
                key = keys[s, w]
                for r in range(64):
                    sign = 1.0 - 2.0 * ((key >> np.uint64(r)) & np.uint64(1))
                    out[row, 64 * w + r] += sign * sums[r]
