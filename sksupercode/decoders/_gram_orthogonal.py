r"""Compiled orthogonal matching pursuit by rows of the Gram matrix, one sample after the other.

The support S of a sample has its Gram matrix in float64, from inner products of d terms, and the
factor L of its positive coefficients, :math:`G_{SS} = L L^T`. Least squares are then two triangular
systems. What they lose where codewords nearly depend on each other is regained by iterative
refinement, with residuals of d terms; beyond that a sample is *fragile*, and left to the bases of
Gram and Schmidt.

A new codeword changes all coefficients, most of them by little. Scores take up the new one's row at
once and the others only when it pays. Until then they are those of other coefficients
:math:`\tilde y` and no score is wrong by more than
:math:`\lVert F_S^T (y - \tilde y) \rVert`, which the Gram matrix of the support tells.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.decoders._gram_kernels import dot, inner, read, subtract_codeword
from sksupercode.decoders._gram_selection import choose, find_residual, take_up
from sksupercode.decoders._gram_state import ENDED, FRAGILE, FULL, STALE, WAITS
from sksupercode.dictionaries._sign_kernels import compiled

# A codeword whose squared distance from the span of the others is less makes a sample fragile, and
# one of less than the second asks for refinement.
_FRAGILE, _DELICATE = 1e-7, 1e-2
# So small a part of the squared norm of x is not had by subtraction from it.
_SMALL = 1e-5
# A gradient of this part of the norm of x is rounding.
_ROUNDING = 1e-13


@compiled
def orthogonal(rows, samples, gram, words, is_signed, is_nonnegative, n_iter, fresh_error):
    """Let samples take steps until they end or need what only the caller has."""
    n_features, n_components = samples.scores.shape[1], samples.residuals.shape[1]
    capacity = samples.supports.shape[1]
    codeword = np.empty(n_components)
    weights = np.empty(capacity)
    buffers = (np.empty(n_features, dtype=np.int64), np.empty(capacity, dtype=np.int64), weights)
    for row in rows:
        while True:
            if samples.wanted[row] < 0:
                if samples.sizes[row] == n_iter:
                    samples.status[row] = _end(row, samples, words)
                    break
                if _is_explained(row, samples, words):
                    samples.status[row] = ENDED
                    break
                length = math.sqrt(_squared_length(row, samples))
                size = samples.sizes[row]
                chosen = choose(
                    row, samples, gram, words, is_signed, size, length, fresh_error, buffers
                )
                if chosen < 0:
                    samples.status[row] = STALE if chosen == -2 else _end(row, samples, words)
                    break
                samples.wanted[row] = chosen
            if samples.sizes[row] == capacity:
                samples.status[row] = FULL
                break
            is_last = samples.sizes[row] == n_iter - 1
            if gram[0][samples.wanted[row]] < 0 and not is_last:
                samples.status[row] = WAITS
                break
            if not _add(row, samples, words, is_nonnegative, codeword, weights):
                samples.status[row] = FRAGILE
                break
            samples.wanted[row] = -1
            if is_last:
                continue
            size = samples.sizes[row]
            length = math.sqrt(_squared_length(row, samples))
            take_up(row, samples, gram, is_signed, size - 1, length, buffers)


@compiled
def _squared_length(row, samples):
    """Return the squared norm of the residual, by the orthogonality of least squares."""
    if samples.is_fresh[row]:
        return inner(samples.residuals[row], samples.residuals[row])
    squared = samples.norms[row] ** 2
    for a in range(samples.sizes[row]):
        squared -= samples.targets[row, a] * samples.coefs[row, a]
    return max(squared, 0.0)


@compiled
def _is_explained(row, samples, words):
    enough = samples.enough[row]
    if _squared_length(row, samples) > max(_SMALL * samples.norms[row] ** 2, 1.000001 * enough**2):
        return False
    # Coefficients that changed whenever scores are computed again would ask for it without end.
    if not samples.is_fresh[row]:
        find_residual(row, samples, words)
        _refine(row, samples, words)
    residual = samples.residuals[row]
    return math.sqrt(inner(residual, residual)) <= enough


@compiled
def _end(row, samples, words):
    """Make the coefficients as precise as they can be."""
    if samples.least_pivot[row] < _DELICATE:
        find_residual(row, samples, words)
        _refine(row, samples, words)
    return ENDED


@compiled
def _refine(row, samples, words):
    """Take the residual's part in the span of the support into the coefficients."""
    codewords, norms = words
    residual, passive = samples.residuals[row], samples.passive[row]
    n_passive = samples.n_passive[row]
    steps = np.empty(n_passive)
    for _ in range(3):
        largest = 0.0
        for m in range(n_passive):
            index = samples.supports[row, passive[m]]
            steps[m] = dot(codewords, index, residual) / norms[index]
            largest = max(largest, abs(steps[m]))
        if largest <= 1e-16 * samples.norms[row]:
            break
        _solve(samples.factors[row], n_passive, steps)
        for m in range(n_passive):
            index = samples.supports[row, passive[m]]
            samples.coefs[row, passive[m]] += steps[m]
            subtract_codeword(codewords, index, steps[m] / norms[index], residual)


@compiled
def _add(row, samples, words, is_nonnegative, codeword, work):
    """Select the codeword that is wanted, and fit; return whether that is well-conditioned."""
    codewords, norms = words
    size, index = samples.sizes[row], samples.wanted[row]
    support, products = samples.supports[row], samples.products[row]
    read(codewords, index, 1 / norms[index], codeword)
    for a in range(size):
        other = support[a]
        product = dot(codewords, other, codeword) / norms[other]
        products[size, a] = products[a, size] = product
    products[size, size] = 1.0
    support[size] = index
    samples.targets[row, size] = inner(codeword, samples.samples[row])
    samples.coefs[row, size] = 0.0
    samples.sizes[row] = size + 1
    samples.is_fresh[row] = False
    if not _append(row, samples, size):
        return False
    n_passive = samples.n_passive[row]
    passive, coefs, targets = samples.passive[row], samples.coefs[row], samples.targets[row]
    if is_nonnegative:
        return _fit_nonnegative(row, samples, work)
    for m in range(n_passive):
        work[m] = targets[passive[m]]
    _solve(samples.factors[row], n_passive, work)
    for m in range(n_passive):
        coefs[passive[m]] = work[m]
    return True


@compiled
def _append(row, samples, position):
    """Let a coefficient be free, the last of a longer factor; return False if that is fragile."""
    factor, n_passive = samples.factors[row], samples.n_passive[row]
    samples.passive[row, n_passive] = position
    if not _factorize(row, samples, n_passive):
        return False
    samples.n_passive[row] = n_passive + 1
    samples.least_pivot[row] = min(samples.least_pivot[row], factor[n_passive, n_passive] ** 2)
    return True


@compiled
def _factorize(row, samples, m):
    """Compute row m of the factor from those before it."""
    factor, passive = samples.factors[row], samples.passive[row]
    products, new = samples.products[row, passive[m]], factor[m]
    rest = 1.0
    for n in range(m):
        new[n] = (products[passive[n]] - inner(factor[n, :n], new[:n])) / factor[n, n]
        rest -= new[n] ** 2
    if not rest > _FRAGILE:
        return False
    new[m] = math.sqrt(rest)
    return True


@compiled
def _solve(factor, size, vector):
    """Solve ``L L^T y = b`` in place."""
    for m in range(size):
        vector[m] = (vector[m] - inner(factor[m, :m], vector[:m])) / factor[m, m]
    for m in range(size - 1, -1, -1):
        vector[m] /= factor[m, m]
        for n in range(m):
            vector[n] -= vector[m] * factor[m, n]


@compiled
def _fit_nonnegative(row, samples, work):
    """Fit by the active sets of Lawson and Hanson, from the solution without the last codeword."""
    factor, passive = samples.factors[row], samples.passive[row]
    coefs, targets, size = samples.coefs[row], samples.targets[row], samples.sizes[row]
    products = samples.products[row]
    for _ in range(10 * size):
        entered = True
        while True:
            n_passive = samples.n_passive[row]
            for m in range(n_passive):
                work[m] = targets[passive[m]]
            _solve(factor, n_passive, work)
            if entered and work[n_passive - 1] <= 0:
                # The gradient was rounding.
                return False
            step = np.inf
            for m in range(n_passive):
                if work[m] <= 0:
                    coef = coefs[passive[m]]
                    step = min(step, coef / (coef - work[m]))
            if step == np.inf:
                break
            entered = False
            first, kept = n_passive, 0
            for m in range(n_passive):
                coef = coefs[passive[m]]
                is_blocking = work[m] <= 0 and coef / (coef - work[m]) == step
                coefs[passive[m]] = 0.0 if is_blocking else coef + step * (work[m] - coef)
                if is_blocking:
                    first = min(first, m)
                else:
                    passive[kept] = passive[m]
                    kept += 1
            samples.n_passive[row] = kept
            for m in range(first, kept):
                if not _factorize(row, samples, m):
                    return False
        for m in range(n_passive):
            coefs[passive[m]] = work[m]
        best, largest = -1, _ROUNDING * samples.norms[row]
        for a in range(size):
            if coefs[a] > 0:
                continue
            gradient = targets[a] - inner(products[a, :size], coefs[:size])
            if gradient > largest:
                best, largest = a, gradient
        if best < 0:
            return True
        if not _append(row, samples, best):
            return False
    return False
