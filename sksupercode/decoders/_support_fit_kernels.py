"""Compiled least squares on the support of one sample, by the inverse of a Gram matrix.

A correction by the residual, in d dimensions, makes up for what normal equations lose.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from collections import namedtuple
from functools import partial

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled, copy

# Compile sums so that their terms may be added in any order, and multiplied and added at once.
fast = partial(compiled, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")

# Diagonal entries of the inverse, those of squared distances of codewords from all others, are at
# most this.
MOST_INVERSE = 1e6

# The first m rows, of codewords of norm 1, count: the codewords (k, d), their Gram matrix and its
# inverse (k, k), their inner products with x (k,), the coefficients (k,) and the residual (d,).
Fit = namedtuple("Fit", "codewords gram inverse targets coefs residual")


@fast
def dot(a, b):
    """Return the inner product of two vectors."""
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@compiled
def descending(keys):
    """Return the indices of numbers from the largest one down; those of equals ascend.

    NumPy's sorting takes seconds to compile.
    """
    n = len(keys)
    order, merged = np.arange(n), np.empty(n, dtype=np.int64)
    width = 1
    while width < n:
        for start in range(0, n, 2 * width):
            middle, stop = min(start + width, n), min(start + 2 * width, n)
            first, second = start, middle
            for p in range(start, stop):
                if second >= stop or (first < middle and keys[order[first]] >= keys[order[second]]):
                    merged[p] = order[first]
                    first += 1
                else:
                    merged[p] = order[second]
                    second += 1
        order, merged = merged, order
        width *= 2
    return order


@fast
def gram_matrix(codewords, m, gram):
    """Write the inner products of the first m codewords."""
    for a in range(m):
        first = codewords[a]
        for b in range(0, a - 3, 4):
            f0, f1, f2, f3 = codewords[b], codewords[b + 1], codewords[b + 2], codewords[b + 3]
            s0 = s1 = s2 = s3 = 0.0
            for j in range(len(first)):
                s0 += first[j] * f0[j]
                s1 += first[j] * f1[j]
                s2 += first[j] * f2[j]
                s3 += first[j] * f3[j]
            gram[a, b], gram[a, b + 1], gram[a, b + 2], gram[a, b + 3] = s0, s1, s2, s3
        for b in range(a - a % 4, a + 1):
            gram[a, b] = dot(first, codewords[b])
        for b in range(a):
            gram[b, a] = gram[a, b]


@fast
def invert(gram, m, inverse):
    """Write the inverse of a Gram matrix; return False if it depends on rounding."""
    M = np.zeros((m, m))
    if not invert_factor(gram, m, M):
        return False
    inverse[:m, :m] = 0
    for c in range(m):
        for a in range(c + 1):
            factor = M[c, a]
            for b in range(c + 1):
                inverse[a, b] += factor * M[c, b]
    return True


@fast
def invert_factor(gram, m, M):
    """Write the inverse of the Cholesky factor of a Gram matrix; return False if it is none."""
    L = np.zeros((m, m))
    for a in range(m):
        for b in range(a + 1):
            total = gram[a, b]
            for c in range(b):
                total -= L[a, c] * L[b, c]
            if a > b:
                L[a, b] = total * L[b, b]
            elif total * MOST_INVERSE <= gram[a, a]:
                return False
            else:
                # The inverse of the diagonal.
                L[a, a] = 1 / math.sqrt(total)
    for a in range(m):
        row = M[a]
        row[:] = 0
        for c in range(a):
            factor = L[a, c]
            for b in range(c + 1):
                row[b] -= factor * M[c, b]
        for b in range(a):
            row[b] *= L[a, a]
        row[a] = L[a, a]
    return True


@fast
def is_tame(inverse, m):
    """Return whether the inverse is precise enough."""
    for a in range(m):
        if not inverse[a, a] <= MOST_INVERSE:
            return False
    return True


@fast
def solve(fit, x, S, m, is_signed):
    """Fit coefficients; return how many codewords are left, -1 if they depend on each other.

    Those whose coefficients would not be positive leave S, if ``is_signed``.
    """
    codewords, gram, inverse, targets, coefs, residual = fit
    for a in range(m):
        coefs[a] = dot(inverse[a, :m], targets[:m])
    if is_signed and (coefs[:m] <= 0).any():
        if not nonnegative(gram, targets, m, coefs):
            return -1
        kept = 0
        for a in range(m):
            if coefs[a] > 0:
                S[kept], coefs[kept], targets[kept] = S[a], coefs[a], targets[a]
                copy(codewords[a], codewords[kept])
                copy(gram[a, :m], gram[kept])
                copy(gram[:m, a], gram[:, kept])
                kept += 1
        m = kept
        if not invert(gram, m, inverse):
            return -1
    subtract(x, codewords, m, coefs, residual)
    for a in range(m):
        product = dot(codewords[a], residual)
        for b in range(m):
            coefs[b] += inverse[a, b] * product
    subtract(x, codewords, m, coefs, residual)
    return m


@fast
def subtract(x, codewords, m, coefs, out):
    """Write what the first m codewords leave of x."""
    copy(x, out)
    for a in range(m):
        coef, codeword = coefs[a], codewords[a]
        for j in range(len(out)):
            out[j] -= coef * codeword[j]


@fast
def nonnegative(gram, targets, m, coefs):
    """Minimise over coefficients >= 0, by active sets that begin with the positive ones.

    Returns False if an active set depends on rounding.
    """
    y = np.zeros(m)
    used = np.empty(m, dtype=np.int64)
    is_used = np.zeros(m, dtype=np.bool_)
    for a in range(m):
        is_used[a] = coefs[a] > 0
        y[a] = max(coefs[a], 0.0)
    part, inverse = np.empty((m, m)), np.empty((m, m))
    solution = np.zeros(m)
    entered, refused = -1, np.zeros(m, dtype=np.bool_)
    for _ in range(10 * m):
        while True:
            n_used = 0
            for a in range(m):
                if is_used[a]:
                    used[n_used] = a
                    n_used += 1
            for p in range(n_used):
                for q in range(n_used):
                    part[p, q] = gram[used[p], used[q]]
            if not invert(part, n_used, inverse):
                return False
            solution[:] = 0
            for p in range(n_used):
                for q in range(n_used):
                    solution[used[p]] += inverse[p, q] * targets[used[q]]
            if entered >= 0 and solution[entered] <= 0:
                # Its gradient was rounding.
                is_used[entered], refused[entered] = False, True
                break
            step, entered = 1.0, -1
            for p in range(n_used):
                a = used[p]
                if solution[a] <= 0:
                    step = min(step, y[a] / (y[a] - solution[a]) if y[a] > 0 else 0.0)
            if not (solution[used[:n_used]] <= 0).any():
                copy(solution, y)
                refused[:] = False
                break
            for p in range(n_used):
                a = used[p]
                blocks = solution[a] <= 0
                if blocks and (y[a] <= 0 or y[a] / (y[a] - solution[a]) <= step * (1 + 1e-12)):
                    is_used[a] = False
                    y[a] = 0
                else:
                    y[a] += step * (solution[a] - y[a])
        best, largest = -1, 1e-13
        for a in range(m):
            if not (is_used[a] or refused[a]):
                gradient = targets[a]
                for b in range(m):
                    gradient -= gram[a, b] * y[b]
                if gradient > largest:
                    best, largest = a, gradient
        if best < 0:
            break
        is_used[best] = True
        entered = best
    copy(y, coefs)
    return True
