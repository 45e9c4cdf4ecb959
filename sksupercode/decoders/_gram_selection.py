"""Which codeword a sample selects next, by scores that are as precise as they have to be."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.decoders._gram_kernels import (
    best_of,
    collect,
    gram_entry,
    inner,
    subtract_codeword,
    subtract_rows,
)
from sksupercode.dictionaries._sign_kernels import compiled, copy

# Above this number, or part, of all codewords that could be the best, scores are made more precise.
_MOST_CANDIDATES, _CANDIDATE_SHARE = 4, 1 / 192
# What may be pending of changes, as a part of the size of most scores.
_PENDING = 0.5


@compiled
def find_residual(row, samples, words):
    """Compute the residual of the present coefficients, unless it is known."""
    if samples.is_fresh[row]:
        return
    codewords, norms = words
    residual = samples.residuals[row]
    copy(samples.samples[row], residual)
    for a in range(samples.sizes[row]):
        coef = samples.coefs[row, a]
        if coef != 0:
            index = samples.supports[row, a]
            subtract_codeword(codewords, index, coef / norms[index], residual)
    samples.is_fresh[row] = True


@compiled
def choose(row, samples, gram, words, is_signed, n_taken, length, fresh_error, buffers):
    """Return the codeword to select next; -1 where nothing is gained, -2 where scores are stale.

    The first ``n_taken`` codewords of the support are not to be selected. ``length`` is that of the
    residual; scores that are correlated again would be wrong by ``fresh_error`` times that.
    """
    candidates, changed, weights = buffers
    codewords, norms = words
    scores, maxima = samples.scores[row], samples.maxima[row]
    size, norm = samples.sizes[row], samples.norms[row]
    limit = max(_MOST_CANDIDATES, int(_CANDIDATE_SHARE * len(scores)))
    n_changed, pending = _changes(row, samples, changed, weights)
    error = samples.noise[row] + pending
    threshold = maxima.max() - 2 * error
    n_candidates = collect(scores, maxima, is_signed, threshold, candidates)
    if n_candidates > limit and n_changed > 0:
        for c in range(n_changed):
            if gram[0][changed[c]] < 0:
                find_residual(row, samples, words)
                return -2
        samples.noise[row] += subtract_rows(
            scores, maxima, is_signed, gram, changed, weights, n_changed, norm
        )
        copy(samples.coefs[row, :size], samples.applied[row])
        n_changed, error = 0, samples.noise[row]
        threshold = maxima.max() - 2 * error
        n_candidates = collect(scores, maxima, is_signed, threshold, candidates)
    if n_candidates > limit and error > 4 * fresh_error * length:
        find_residual(row, samples, words)
        return -2
    if n_candidates > 1 and n_changed > 0:
        n_candidates = _correct(
            row, samples, gram, is_signed, candidates, n_candidates, changed, weights, n_changed
        )
    if n_candidates == 1 and maxima.max() > 2 * error + samples.least[row]:
        index = candidates[0]
        is_taken = False
        for a in range(n_taken):
            is_taken |= samples.supports[row, a] == index
        if not is_taken:
            return index
    find_residual(row, samples, words)
    best, gain = best_of(
        candidates,
        n_candidates,
        codewords,
        norms,
        samples.residuals[row],
        is_signed,
        samples.supports[row],
        n_taken,
    )
    return best if gain > samples.least[row] else -1


@compiled
def take_up(row, samples, gram, is_signed, place, length, buffers):
    """Let scores take up the coefficient at a place, and all others that have changed by much."""
    _, changed, weights = buffers
    size, n_changed = samples.sizes[row], 0
    # Scores of other codewords are about length / sqrt(d): a part of that may be pending.
    least = _PENDING * length / math.sqrt(samples.residuals.shape[1] * size)
    for a in range(size):
        weight = samples.coefs[row, a] - samples.applied[row, a]
        index = samples.supports[row, a]
        if a == place or (abs(weight) > least and gram[0][index] >= 0):
            changed[n_changed], weights[n_changed] = index, weight
            samples.applied[row, a] = samples.coefs[row, a]
            n_changed += 1
    samples.noise[row] += subtract_rows(
        samples.scores[row],
        samples.maxima[row],
        is_signed,
        gram,
        changed,
        weights,
        n_changed,
        samples.norms[row],
    )


@compiled
def _changes(row, samples, changed, weights):
    """List the coefficients that scores have not taken up; return how many, and their norm."""
    n_changed, size, squared = 0, samples.sizes[row], 0.0
    some = weights[:size]
    for a in range(size):
        some[a] = samples.coefs[row, a] - samples.applied[row, a]
    if len(samples.products):
        for a in range(size):
            squared += some[a] * inner(samples.products[row, a, :size], some)
    for a in range(size):
        if some[a] != 0:
            changed[n_changed], weights[n_changed] = samples.supports[row, a], some[a]
            n_changed += 1
    return n_changed, 1.000001 * math.sqrt(max(squared, 0.0))


@compiled
def _correct(row, samples, gram, is_signed, candidates, n_candidates, changed, weights, n_changed):
    """Keep the candidates that may be the best by scores that take up all coefficients."""
    slots, _, _, errors = gram
    error = samples.noise[row]
    for c in range(n_changed):
        if slots[changed[c]] < 0:
            return n_candidates
        error += abs(weights[c]) * errors[slots[changed[c]]]
    scores, largest = np.empty(n_candidates), -np.inf
    for m in range(n_candidates):
        index = candidates[m]
        score = np.float64(samples.scores[row, index])
        for c in range(n_changed):
            if changed[c] == index:
                score -= weights[c]
            else:
                score -= weights[c] * gram_entry(gram, changed[c], index)
        scores[m] = score if is_signed else abs(score)
        largest = max(largest, scores[m])
    n_kept = 0
    for m in range(n_candidates):
        if scores[m] >= largest - 2 * error:
            candidates[n_kept] = candidates[m]
            n_kept += 1
    return n_kept
