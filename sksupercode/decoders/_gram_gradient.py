"""Compiled matching pursuit and gradient pursuit by rows of the Gram matrix."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.decoders._gram_kernels import dot, inner, read, subtract_codeword, subtract_rows
from sksupercode.decoders._gram_selection import choose, find_residual, take_up
from sksupercode.decoders._gram_state import ENDED, FULL, STALE, WAITS
from sksupercode.dictionaries._sign_kernels import compiled, inlined

# So small a part of the squared norm of x is not had by subtraction from it.
_SMALL = 1e-5
# A step of this part of the norm of the residual is rounding.
_NO_STEP = 1e-14
# Integers of NumPy: for each literal, numba compiles once more what is called with it.
_NONE, _ONE = np.int64(0), np.int64(1)


@compiled
def matching(rows, samples, gram, words, is_signed, n_iter, fresh_error):
    """Let samples take steps, each along one codeword, until they end or wait for the caller."""
    codewords, norms = words
    capacity = samples.supports.shape[1]
    changed, weights = np.empty(capacity, dtype=np.int64), np.empty(capacity)
    buffers = (np.empty(samples.scores.shape[1], dtype=np.int64), changed, weights)
    for row in rows:
        residual = samples.residuals[row]
        while True:
            size = samples.sizes[row]
            length = math.sqrt(inner(residual, residual))
            if samples.wanted[row] < 0:
                if size == n_iter or length <= samples.enough[row]:
                    samples.status[row] = ENDED
                    break
                chosen = choose(
                    row, samples, gram, words, is_signed, _NONE, length, fresh_error, buffers
                )
                if chosen < 0:
                    samples.status[row] = STALE if chosen == -2 else ENDED
                    break
                samples.wanted[row] = chosen
            index = samples.wanted[row]
            if size == capacity:
                samples.status[row] = FULL
                break
            is_last = size == n_iter - 1
            if gram[0][index] < 0 and not is_last:
                samples.status[row] = WAITS
                break
            coef = dot(codewords, index, residual) / norms[index]
            subtract_codeword(codewords, index, coef / norms[index], residual)
            samples.supports[row, size] = index
            samples.coefs[row, size] = samples.applied[row, size] = coef
            samples.sizes[row] = size + 1
            samples.wanted[row] = -1
            if not is_last:
                changed[0], weights[0] = index, coef
                samples.noise[row] += subtract_rows(
                    samples.scores[row],
                    samples.maxima[row],
                    is_signed,
                    gram,
                    changed,
                    weights,
                    _ONE,
                    length,
                )


@compiled
def gradient(rows, samples, gram, words, is_signed, n_iter, fresh_error):
    """Let samples take steps, each down the gradient, until they end or wait for the caller.

    Negative coefficients are set to 0 if ``is_signed``.
    """
    capacity, n_components = samples.supports.shape[1], samples.residuals.shape[1]
    codeword, slope = np.empty(n_components), np.empty(capacity)
    changed, weights = np.empty(capacity, dtype=np.int64), np.empty(capacity)
    buffers = (np.empty(samples.scores.shape[1], dtype=np.int64), changed, weights)
    for row in rows:
        while True:
            if samples.wanted[row] < 0:
                length, _ = _length(row, samples, words)
                if samples.n_steps[row] == n_iter or length <= samples.enough[row]:
                    samples.status[row] = ENDED
                    break
                chosen = choose(
                    row, samples, gram, words, is_signed, _NONE, length, fresh_error, buffers
                )
                if chosen == -2:
                    samples.status[row] = STALE
                    break
                samples.wanted[row] = chosen
            place, index = _place(row, samples), samples.wanted[row]
            if place == capacity:
                samples.status[row] = FULL
                break
            is_last = samples.n_steps[row] == n_iter - 1
            if index >= 0 and gram[0][index] < 0 and not is_last:
                samples.status[row] = WAITS
                break
            if index >= 0 and place == samples.sizes[row]:
                _append(row, samples, words, codeword)
            samples.wanted[row] = -1
            length, is_short = _length(row, samples, words)
            if not _step(row, samples, words, is_signed, length, is_short, slope):
                samples.status[row] = ENDED
                break
            samples.n_steps[row] += 1
            if index >= 0 and not is_last:
                take_up(row, samples, gram, is_signed, place, length, buffers)


@inlined
def _place(row, samples):
    """Return where in the support the wanted codeword is, or is to be."""
    size = samples.sizes[row]
    if samples.wanted[row] < 0:
        return -1
    for a in range(size):
        if samples.supports[row, a] == samples.wanted[row]:
            return a
    return size


@compiled
def _length(row, samples, words):
    """Return the norm of the residual, and whether it is so short that the residual is known.

    A residual that is known for another reason makes no difference, not even by rounding.
    """
    size = samples.sizes[row]
    coefs = samples.coefs[row, :size]
    squared = samples.norms[row] ** 2 - 2 * inner(coefs, samples.targets[row, :size])
    for a in range(size):
        squared += coefs[a] * inner(samples.products[row, a, :size], coefs)
    if squared > max(_SMALL * samples.norms[row] ** 2, 1.000001 * samples.enough[row] ** 2):
        return math.sqrt(squared), False
    find_residual(row, samples, words)
    return math.sqrt(inner(samples.residuals[row], samples.residuals[row])), True


@inlined
def _append(row, samples, words, codeword):
    """Let the support grow by the codeword that is wanted."""
    codewords, norms = words
    size, index = samples.sizes[row], samples.wanted[row]
    support, products = samples.supports[row], samples.products[row]
    read(codewords, index, 1 / norms[index], codeword)
    for a in range(size):
        product = dot(codewords, support[a], codeword) / norms[support[a]]
        products[size, a] = products[a, size] = product
    products[size, size] = 1.0
    support[size] = index
    samples.targets[row, size] = inner(codeword, samples.samples[row])
    samples.coefs[row, size] = samples.applied[row, size] = 0.0
    samples.sizes[row] = size + 1


@inlined
def _step(row, samples, words, is_clipped, length, is_short, slope):
    """Take the step down the gradient that shortens the residual most; False if there is none."""
    codewords, norms = words
    size = samples.sizes[row]
    support, coefs, products = samples.supports[row], samples.coefs[row], samples.products[row]
    slope = slope[:size]
    for a in range(size):
        if is_short:
            index = support[a]
            slope[a] = dot(codewords, index, samples.residuals[row]) / norms[index]
        else:
            slope[a] = samples.targets[row, a] - inner(products[a, :size], coefs[:size])
        slope[a] /= length
    squared = 0.0
    for a in range(size):
        squared += slope[a] * inner(products[a, :size], slope)
    if squared <= _NO_STEP**2:
        return False
    step = length * inner(slope, slope) / squared
    for a in range(size):
        coefs[a] += step * slope[a]
        if is_clipped:
            coefs[a] = max(coefs[a], 0.0)
    samples.is_fresh[row] = False
    return True
