r"""Compiled bounds, in float32, on what exchanges of codewords gain.

The notation is that of :mod:`sksupercode.decoders._swap_kernels`. Rows of G come with bounds on
their errors, and sums of them have others; every bound here takes them in.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.decoders._support_fit_kernels import fast, invert_factor
from sksupercode.dictionaries._sign_kernels import copy

# Codewords whose gains are computed at once, and numbers of a row that stay in the first cache.
LANES, _BLOCK = 64, 1024
EPS_32 = 2.0**-23
# What no gain exceeds, samples being of norm 1.
_NO_BOUND = 4.0


@fast
def largest_error(S, m, gram):
    """Return a bound on the error of any number of some rows of G."""
    slots, _, _, errors = gram
    largest = 0.0
    for a in range(m):
        largest = max(largest, errors[slots[S[a]]])
    return largest


@fast
def sum_scores(scores, S, m, z, gram, rest):
    """Write the scores of the residual ``x - F_S^T z``, float32 of shape (N,).

    ``scores`` are those of x, and S has m codewords of coefficients z, in units of normalised ones.
    Diagonals of the Gram matrix are not in its rows: entries of S themselves are not right.
    """
    slots, numbers, scales, _ = gram
    copy(scores, rest)
    for first in range(0, len(scores), _BLOCK):
        some = rest[first : first + _BLOCK]
        for a in range(m):
            slot = slots[S[a]]
            factor = np.float32(z[a] * scales[slot])
            entries = numbers[slot, first : first + _BLOCK]
            for i in range(len(some)):
                some[i] -= factor * np.float32(entries[i])


@fast
def measure_distances(products, S, m, gram, distances):
    """Write the squared distances of all codewords from the span of S; return the largest error."""
    slots, numbers, scales, _ = gram
    row_error, M = largest_error(S, m, gram), np.empty((m, m))
    invert_factor(products, m, M)
    weights = np.empty((m, m), dtype=np.float32)
    squares = 0.0
    for a in range(m):
        total = 0.0
        for b in range(m):
            weights[a, b] = M[a, b] * scales[slots[S[b]]]
            total += abs(M[a, b])
        squares += total * total
    distances[:] = np.float32(1)
    block = np.zeros((m, LANES), dtype=np.float32)
    pair = np.empty((2, LANES), dtype=np.float32)
    for first in range(0, len(distances), LANES):
        some = distances[first : first + LANES]
        for a in range(m):
            slot, row = slots[S[a]], block[a]
            entries = numbers[slot, first : first + LANES]
            for i in range(len(some)):
                row[i] = np.float32(entries[i])
        for a in range(0, m, 2):
            _combine(weights, block, m, a, min(a + 2, m), pair)
            first_row, second_row = pair[0], pair[1]
            if a + 1 == m:
                second_row[:] = np.float32(0)
            for i in range(len(some)):
                some[i] -= first_row[i] * first_row[i] + second_row[i] * second_row[i]
    error = (row_error + (m + 8) * EPS_32) * math.sqrt(squares)
    return error * (2 + error) + (m + 2) * EPS_32


@fast
def _combine(weights, block, m, a, n_rows, out):
    """Write two sums of the first rows of a block, times ``weights[a]`` and ``weights[a + 1]``."""
    first, second = out[0], out[1]
    out[:] = np.float32(0)
    u, v = weights[a], weights[min(a + 1, m - 1)]
    for b in range(0, n_rows - 3, 4):
        u0, u1, u2, u3 = u[b], u[b + 1], u[b + 2], u[b + 3]
        v0, v1, v2, v3 = v[b], v[b + 1], v[b + 2], v[b + 3]
        g0, g1, g2, g3 = block[b], block[b + 1], block[b + 2], block[b + 3]
        for lane in range(LANES):
            first[lane] += (u0 * g0[lane] + u1 * g1[lane]) + (u2 * g2[lane] + u3 * g3[lane])
            second[lane] += (v0 * g0[lane] + v1 * g1[lane]) + (v2 * g2[lane] + v3 * g3[lane])
    for b in range(n_rows - n_rows % 4, n_rows):
        u0, v0, g0 = u[b], v[b], block[b]
        for lane in range(LANES):
            first[lane] += u0 * g0[lane]
            second[lane] += v0 * g0[lane]


@fast
def update(scores, S, m, leaves, sums, gram, rest, distances):
    """Write scores and distances after an exchange; return what may be lost of distances.

    ``sums`` are the coefficients z, t and u of the codewords, the last row those of what leaves.
    """
    slots, numbers, scales, errors = gram
    row_error = largest_error(S, m, gram)
    if leaves >= 0:
        row_error = max(row_error, errors[slots[leaves]])
    copy(scores, rest)
    t, u = np.empty((2, _BLOCK), dtype=np.float32)
    for first in range(0, len(scores), _BLOCK):
        some, near = rest[first : first + _BLOCK], distances[first : first + _BLOCK]
        t[:] = np.float32(0)
        u[:] = np.float32(0)
        for a in range(m + (leaves >= 0)):
            slot, of_a = slots[S[a] if a < m else leaves], sums[a if a < m else len(sums) - 1]
            in_rest, in_t, in_u = (
                np.float32(of_a[0] * scales[slot]),
                np.float32(of_a[1] * scales[slot]),
                np.float32(of_a[2] * scales[slot]),
            )
            entries = numbers[slot, first : first + _BLOCK]
            for i in range(len(some)):
                entry = np.float32(entries[i])
                some[i] -= in_rest * entry
                t[i] += in_t * entry
                u[i] += in_u * entry
        for i in range(len(some)):
            near[i] += t[i] * t[i] - u[i] * u[i]
    rounding = row_error + (m + 8) * EPS_32
    lost_t, lost_u = rounding * np.abs(sums[:, 1]).sum(), rounding * np.abs(sums[:, 2]).sum()
    return lost_t * (2 + lost_t) + lost_u * (2 + lost_u) + 4 * EPS_32


@fast
def find_candidates(rest, distances, is_signed, lost, lost_of_distance, error, least, keys):
    """Write bounds on what an exchange for each codeword gains, -1 where it gains nothing."""
    one, none, zero, tiny = np.float32(1), np.float32(-1), np.float32(0), np.float32(1e-6)
    for i in range(len(rest)):
        score = rest[i] if is_signed else abs(rest[i])
        upper, under = max(score + lost, zero), max(score - lost, zero)
        distance = max(distances[i] - lost_of_distance, under * under / error)
        is_near = distance <= tiny
        distance = min(max(distance, tiny), one)
        reach = upper * (one + math.sqrt(one - distance))
        possible = upper > zero and (reach > least * distance or is_near)
        bound = np.float32(_NO_BOUND) if is_near else upper * upper / distance
        keys[i] = bound if possible else none


@fast
def bound_gains(
    products, lanes, weights, zetas, roots, lost, lost_t, lost_g, rounding, is_signed, has_free
):
    """Write bounds on the largest gains of some codewords: upper ones, and lower ones.

    ``lanes[0]`` are scores, ``lanes[1]`` and ``lanes[2]`` become the bounds. ``products`` are
    numbers of Gram rows, (m, LANES).
    """
    one, zero, tiny = np.float32(1), np.float32(0), np.float32(1e-7)
    more, less = np.float32(1.000002), np.float32(0.999998)
    m = len(zetas)
    scores, uppers, lowers, distances, totals = lanes[0], lanes[1], lanes[2], lanes[3], lanes[4]
    t = np.empty((m, LANES), dtype=np.float32)
    distances[:] = one
    totals[:] = zero
    pair = np.empty((2, LANES), dtype=np.float32)
    for a in range(m):
        row, of_a, root = t[a], products[a], roots[a]
        if a % 2 == 0:
            _combine(weights, products, m, a, m, pair)
        copy(pair[a % 2], row)
        for lane in range(LANES):
            h = row[lane] * root
            distances[lane] -= h * of_a[lane]
            totals[lane] += abs(h)
    for lane in range(LANES):
        # From here on the most that may be lost of the distance.
        totals[lane] = lost_g * totals[lane] + rounding
        product = max((scores[lane] if is_signed else abs(scores[lane])) + lost, zero)
        below = max(distances[lane] - totals[lane], tiny)
        upper = product * product / below if below > tiny else np.float32(_NO_BOUND)
        uppers[lane] = upper if has_free else -one
        lowers[lane] = -one
    for a in range(m):
        row, zeta = t[a], zetas[a]
        square, lost_all = zeta * zeta, lost + abs(zeta) * lost_t
        for lane in range(LANES):
            product = scores[lane] + zeta * row[lane]
            product = product if is_signed else abs(product)
            size = abs(row[lane])
            upper, lower = max(product + lost_all, zero), max(product - lost_all, zero)
            near = max(size - lost_t, zero)
            below = max(distances[lane] - totals[lane] + near * near, tiny)
            above = max(distances[lane] + totals[lane] + (size + lost_t) * (size + lost_t), tiny)
            upper = upper * upper / below * more - square * less
            uppers[lane] = max(uppers[lane], upper if below > tiny else np.float32(_NO_BOUND))
            lowers[lane] = max(lowers[lane], lower * lower / above * less - square * more)
