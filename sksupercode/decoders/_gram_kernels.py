r"""Compiled arithmetic on the scores of one sample, by rows of the Gram matrix.

Let s_i be the inner product of the residual r with the normalised codeword of index i. When the
coefficient of codeword j changes by w, all scores change by ``-w G_j``, which takes N operations
instead of the N d of another correlation. Scores are kept in float32, and rows of G in 8 or 16
bits, so that what limits a step, the reading of a row, is short; what this loses is bounded, and
what could be the best within the bound is computed in float64.

Scores come with the maximum of every ``BLOCK`` of them, so that the best are found without reading
all of them once more.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.decoders._score_vectors import LANES, extremes, subtract_vectors
from sksupercode.dictionaries._sign_kernels import compiled, reassociated

# Scores that share a maximum, scores that stay in the first cache, rows that are taken at once.
BLOCK, _PART, _ROWS = 128, 2048, 4
# The relative error of one operation in float32.
ROUNDING = 2.0**-24


@reassociated
def inner(a, b):
    """Return the inner product of two vectors, in float64."""
    total = 0.0
    for r in range(len(a)):
        total += a[r] * b[r]
    return total


@reassociated
def dot(codewords, index, vector):
    """Return the inner product of a codeword with a float64 vector."""
    halves, singles, doubles, table = codewords
    total = 0.0
    if len(halves):
        for r in range(len(vector)):
            total += table[halves[index, r]] * vector[r]
    elif len(singles):
        for r in range(len(vector)):
            total += singles[index, r] * vector[r]
    else:
        for r in range(len(vector)):
            total += doubles[index, r] * vector[r]
    return total


@compiled
def read(codewords, index, factor, out):
    """Write a codeword times a factor, in float64."""
    halves, singles, doubles, table = codewords
    if len(halves):
        for r in range(len(out)):
            out[r] = factor * table[halves[index, r]]
    elif len(singles):
        for r in range(len(out)):
            out[r] = factor * singles[index, r]
    else:
        for r in range(len(out)):
            out[r] = factor * doubles[index, r]


@compiled
def subtract_codeword(codewords, index, factor, vector):
    """Subtract a codeword times a factor from a float64 vector."""
    halves, singles, doubles, table = codewords
    if len(halves):
        for r in range(len(vector)):
            vector[r] -= factor * table[halves[index, r]]
    elif len(singles):
        for r in range(len(vector)):
            vector[r] -= factor * singles[index, r]
    else:
        for r in range(len(vector)):
            vector[r] -= factor * doubles[index, r]


@compiled
def _find_maxima(scores, maxima, is_signed, first, last):
    for block in range(first // BLOCK, (last + BLOCK - 1) // BLOCK):
        start, stop = block * BLOCK, min((block + 1) * BLOCK, last)
        n_vectors = (stop - start) // LANES
        largest, opposite = extremes(scores, start, n_vectors)
        for i in range(start + n_vectors * LANES, stop):
            largest, opposite = max(largest, scores[i]), max(opposite, -scores[i])
        maxima[block] = largest if is_signed else max(largest, opposite)


@compiled
def find_maxima(scores, maxima, is_signed):
    """Set the maxima of all blocks, of magnitudes unless ``is_signed``."""
    _find_maxima(scores, maxima, is_signed, 0, len(scores))


@compiled
def subtract_rows(scores, maxima, is_signed, gram, codewords, weights, n_rows, length):
    """Subtract rows of G times weights from scores, and return how large the error of that may be.

    ``codewords`` and ``weights`` name the rows, the first ``n_rows`` of them; ``length`` is that of
    the residual, before or after, and bounds all scores.
    """
    slots, numbers, scales, errors = gram
    n_features = len(scores)
    flat = numbers.reshape(-1)
    starts, factors = np.empty(n_rows, dtype=np.int64), np.empty(n_rows, dtype=np.float32)
    lost, total = 0.0, 0.0
    for a in range(n_rows):
        slot = slots[codewords[a]]
        starts[a], factors[a] = np.int64(slot) * n_features, weights[a] * scales[slot]
        # The diagonal of G is not in the rows.
        scores[codewords[a]] -= np.float32(weights[a])
        total += abs(weights[a])
        lost += abs(weights[a]) * (errors[slot] + 2 * ROUNDING)
    for first in range(0, n_features, _PART):
        last = min(first + _PART, n_features)
        n_vectors = (last - first) // LANES
        for a in range(0, n_rows, _ROWS):
            some = min(_ROWS, n_rows - a)
            subtract_vectors(scores, first, n_vectors, flat, starts, factors, a, some)
        for a in range(n_rows):
            for i in range(first + n_vectors * LANES, last):
                scores[i] -= factors[a] * np.float32(flat[starts[a] + i - first])
            starts[a] += last - first
        _find_maxima(scores, maxima, is_signed, first, last)
    return lost + (n_rows + 1) * ROUNDING * (length + total)


@compiled
def collect(scores, maxima, is_signed, threshold, out):
    """Write the indices of scores that reach a threshold, and return how many there are.

    No more than ``out`` holds are written.
    """
    n_found = 0
    for block in range(len(maxima)):
        if maxima[block] < threshold:
            continue
        for i in range(block * BLOCK, min((block + 1) * BLOCK, len(scores))):
            score = scores[i] if is_signed else abs(scores[i])
            if score >= threshold:
                if n_found < len(out):
                    out[n_found] = i
                n_found += 1
    return n_found


@compiled
def gram_entry(gram, row, column):
    """Return one entry of a row of G that is held, but not of its diagonal."""
    slots, numbers, scales, _ = gram
    slot = slots[row]
    return scales[slot] * numbers[slot, column]


@compiled
def best_of(candidates, n_candidates, codewords, norms, residual, is_signed, taken, n_taken):
    """Return the best of some candidates in float64, and what it gains; -1 where there is none.

    Of equals the first is best; codewords that are taken or 0 are none.
    """
    best, largest = -1, -np.inf
    for c in range(n_candidates):
        index = candidates[c]
        if norms[index] == 0:
            continue
        is_taken = False
        for a in range(n_taken):
            is_taken |= taken[a] == index
        if is_taken:
            continue
        gain = dot(codewords, index, residual) / norms[index]
        if not is_signed:
            gain = abs(gain)
        if gain > largest:
            best, largest = index, gain
    return best, largest
