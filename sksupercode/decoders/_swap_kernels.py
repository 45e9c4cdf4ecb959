r"""Compiled exchanges of single codewords, and the bounds that say which need not be tried.

Let S be the support of a sample, all codewords of norm 1, G their inner products,
:math:`P = G_{SS}^{-1}`, z the coefficients and r the residual. For any codeword i,

.. math::
    s_i = \langle f_i, r \rangle, \qquad h_i = P G_{Si}, \qquad e_i = 1 - G_{Si}^T h_i

are its score, its coefficients in the span of S, and its squared distance from that. Without
codeword a of S, the residual grows by :math:`z_a / P_{aa}` times what is orthogonal to the others,
so that with :math:`\zeta_a = z_a / \sqrt{P_{aa}}` and :math:`t_{ai} = h_{ai} / \sqrt{P_{aa}}`

.. math::
    s_i(S \setminus a) = s_i + \zeta_a t_{ai}, \qquad e_i(S \setminus a) = e_i + t_{ai}^2

and the exchange of a for i lowers the squared error by the gain of i less the loss of a,

.. math::
    \Delta_{ai} = \frac{(s_i + \zeta_a t_{ai})^2}{e_i + t_{ai}^2} - \zeta_a^2 .

What need not be tried
    The square of a product of vectors :math:`(s_i / \sqrt{e_i}, \zeta_a)` and
    :math:`(\sqrt{e_i}, t_{ai})` is at most that of their norms, hence :math:`\Delta_{ai} \le
    s_i^2 / e_i`: an exchange gains at most what one codeword more would. And
    :math:`t_{ai}^2 \le 1 - e_i`, whence :math:`\Delta_{ai} > 0` only if

    .. math::
        |\zeta_a| < \frac{|s_i|}{e_i} \left(1 + \sqrt{1 - e_i}\right) .

    Both need but two numbers of a codeword. They leave some codewords in a hundred, for which h_i
    is computed. Sums of Gram rows keep the two up: the exchange of a for j changes e_i to

    .. math::
        e_i + t_{ai}^2 - u_{ji}^2 ,

    where u is the t of the new support.

Nonnegative values
    All coefficients of S are positive. An exchange for a codeword with :math:`s_i(S \setminus a)
    \le 0` cannot lower the error, since the residual of S without a is then a dual solution. Others
    gain at most :math:`\Delta_{ai}`, and this much if all coefficients after it are positive.
    Otherwise active sets find them, and what becomes 0 leaves a free place, which a codeword takes
    for no loss.

Rounding
    Gram rows are of 16 bits, sums of them in float32. Bounds on their errors go into the bounds
    above. What is left is computed from codewords in float64, and the best of that is exchanged.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from functools import partial

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled

# Compile sums so that their terms may be added in any order, and multiplied and added at once.
_fast = partial(compiled, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")

# What becomes of a sample.
DONE, WAITS, ILL_CONDITIONED, CAPPED = 0, 1, 2, 3
# Diagonal entries of P, inverse squared distances of codewords from all others, are at most this.
_MOST_INVERSE = 1e6
# A codeword at a smaller distance from the span of others depends on them.
_DEPENDENT = 1e-10
# Squared distances below this are computed from what is left of the codeword itself.
_CANCELLED = 1e-3
# A difference of squared errors of this part of them is rounding.
_ROUNDING = 1e-12
_EPS_32 = 2.0**-23
_BLOCK = 256
# Codewords whose gains are computed at once.
_LANES = 64


@compiled
def exchange(
    order, rows, samples, scores, score_error, units, unit_slots, planes, is_signed, state, status,
    wanted,
):  # fmt: skip
    """Exchange codewords of some samples until no exchange lowers the error.

    Parameters
    ----------
    order, rows : int64 ndarray
        Which of the samples; ``order`` are positions in ``rows``, and these rows of ``samples``.
    samples : float64 ndarray of shape (n_samples, d)
        Of norm 1.
    scores : float32 ndarray of shape (n_rows, N)
        Inner products of ``samples[rows]`` with all normalised codewords, of error ``score_error``.
    units : float64 ndarray of shape (m, d)
        Normalised codewords; that of codeword i is in row ``unit_slots[i]``, or missing if -1.
    planes : tuple of slots, numbers, scales and a bound on their errors
        Gram rows, as of :class:`~sksupercode.dictionaries._gram_store.Rows`.
    state : tuple of arrays
        supports (n_samples, k), sizes, places, coefs (n_samples, k), n_swaps and the largest
        numbers of these, of all samples. They are updated.
    status : int64 ndarray of shape (n_rows,)
        What becomes of the samples.
    wanted : int64 ndarray of shape (n_rows, w)
        Codewords that a sample waits for since they are not at hand, filled up with -1.
    """
    supports, sizes, places, coefs, n_swaps, most = state
    k, n_features = supports.shape[1], scores.shape[1]
    keys, rest, distances = np.empty((3, n_features), dtype=np.float32)
    codewords = np.empty((k, units.shape[1]))
    gram, inverse, target = np.empty((k, k)), np.empty((k, k)), np.empty(k)
    sums = np.empty((k + 1, 3))
    z, r = np.empty(k), np.empty(units.shape[1])
    for p in order:
        n = rows[p]
        S, x = supports[n], samples[n]
        m = sizes[n]
        wanted[p] = -1
        for b in range(m):
            codewords[b] = units[unit_slots[S[b]]]
            target[b] = _dot(codewords[b], x)
        _gram_matrix(codewords, m, gram)
        status[p] = DONE
        if not _invert(gram, m, inverse):
            status[p] = ILL_CONDITIONED
            continue
        m = _fit(x, codewords, S, gram, inverse, target, m, is_signed, z, r)
        error = _dot(r, r)
        lost = -1.0
        while error > _ROUNDING**2:
            if not _is_tame(inverse, m):
                status[p] = ILL_CONDITIONED
                break
            if lost < 0:
                _sum_scores(scores[p], S, m, z, planes, rest)
                lost = _measure_distances(gram, S, m, planes, distances)
            a, i = _search(
                S,
                m,
                places[n] - m,
                z,
                r,
                error,
                score_error,
                lost,
                inverse,
                codewords,
                units,
                unit_slots,
                planes,
                is_signed,
                gram,
                target,
                x,
                rest,
                distances,
                keys,
                wanted[p],
            )
            if i < 0:
                status[p] = DONE if i == -1 else WAITS
                break
            if n_swaps[n] >= most[n]:
                status[p] = CAPPED
                break
            old_size, old_support, old_z = m, S.copy(), z.copy()
            place = a if a >= 0 else m
            leaves = S[a] if a >= 0 else -1
            sums[:] = 0
            if a >= 0:
                pivot = inverse[a, a]
                for b in range(m):
                    sums[b, 1] = inverse[a, b] / math.sqrt(pivot)
                sums[k, 1], sums[a, 1] = sums[a, 1], 0
            m = max(m, place + 1)
            S[place] = i
            codewords[place] = units[unit_slots[i]]
            target[place] = _dot(codewords[place], x)
            for b in range(m):
                gram[place, b] = gram[b, place] = _dot(codewords[b], codewords[place])
            new_error, new_size = np.inf, m
            if _invert(gram, m, inverse):
                for b in range(m):
                    sums[b, 2] = inverse[place, b] / math.sqrt(inverse[place, place])
                new_size = _fit(x, codewords, S, gram, inverse, target, m, is_signed, z, r)
                new_error = _dot(r, r)
            else:
                status[p] = ILL_CONDITIONED
            if not new_error < error:
                m, S[:], z[:] = old_size, old_support, old_z
                break
            n_swaps[n] += 1
            error = new_error
            if new_size < m:
                m, lost = new_size, -1.0
                continue
            sums[:m, 0] = z[:m]
            lost += _update(scores[p], S, m, leaves, sums, planes, rest, distances)
            if leaves >= 0:
                u = 0.0
                slots, numbers, scales, _ = planes
                for b in range(m):
                    slot = slots[S[b]]
                    u += sums[b, 2] * scales[slot] * numbers[slot, leaves]
                distances[leaves] = 1 / pivot - u * u
        sizes[n] = m
        coefs[n, :m] = z[:m]


@_fast
def _dot(a, b):
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@_fast
def _gram_matrix(codewords, m, gram):
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
            gram[a, b] = _dot(first, codewords[b])
        for b in range(a):
            gram[b, a] = gram[a, b]


@_fast
def _invert(gram, m, inverse):
    """Write the inverse of a Gram matrix; return False if it depends on rounding."""
    M = np.zeros((m, m))
    if not _invert_factor(gram, m, M):
        return False
    inverse[:m, :m] = 0
    for c in range(m):
        for a in range(c + 1):
            factor = M[c, a]
            for b in range(c + 1):
                inverse[a, b] += factor * M[c, b]
    return True


@_fast
def _invert_factor(gram, m, M):
    """Write the inverse of the Cholesky factor of a Gram matrix; return False if it is none."""
    L = np.zeros((m, m))
    for a in range(m):
        for b in range(a + 1):
            total = gram[a, b]
            for c in range(b):
                total -= L[a, c] * L[b, c]
            if a > b:
                L[a, b] = total * L[b, b]
            elif total * _MOST_INVERSE <= gram[a, a]:
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


@compiled
def _is_tame(inverse, m):
    for a in range(m):
        if not inverse[a, a] <= _MOST_INVERSE:
            return False
    return True


@_fast
def _fit(x, codewords, S, gram, inverse, target, m, is_signed, z, r):
    """Fit coefficients z and the residual r; return how many codewords are left.

    Those of coefficients that would not be positive leave, if ``is_signed``.
    """
    for a in range(m):
        total = 0.0
        for b in range(m):
            total += inverse[a, b] * target[b]
        z[a] = total
    if is_signed and (z[:m] <= 0).any():
        _nonnegative(gram, target, m, z)
        kept = 0
        for a in range(m):
            if z[a] > 0:
                S[kept], z[kept], target[kept] = S[a], z[a], target[a]
                codewords[kept] = codewords[a]
                for b in range(m):
                    gram[kept, b] = gram[a, b]
                for b in range(m):
                    gram[b, kept] = gram[b, a]
                kept += 1
        m = kept
        _invert(gram, m, inverse)
    _leave(x, codewords, m, z, r)
    # What was lost to rounding is fitted again.
    for a in range(m):
        product = _dot(codewords[a], r)
        for b in range(m):
            z[b] += inverse[b, a] * product
    _leave(x, codewords, m, z, r)
    return m


@_fast
def _leave(x, codewords, m, z, r):
    r[:] = x
    for a in range(m):
        factor, row = z[a], codewords[a]
        for j in range(len(r)):
            r[j] -= factor * row[j]


@_fast
def _nonnegative(gram, target, m, z):
    """Minimise over z >= 0, by active sets that begin with the positive entries of z."""
    y = np.zeros(m)
    used = np.empty(m, dtype=np.int64)
    is_used = np.zeros(m, dtype=np.bool_)
    for a in range(m):
        is_used[a] = z[a] > 0
        y[a] = max(z[a], 0.0)
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
            _invert(part, n_used, inverse)
            solution[:] = 0
            for p in range(n_used):
                for q in range(n_used):
                    solution[used[p]] += inverse[p, q] * target[used[q]]
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
                y[:] = solution
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
                gradient = target[a]
                for b in range(m):
                    gradient -= gram[a, b] * y[b]
                if gradient > largest:
                    best, largest = a, gradient
        if best < 0:
            break
        is_used[best] = True
        entered = best
    z[:m] = y


@_fast
def _sum_scores(scores, S, m, z, planes, rest):
    """Write the scores of the residual."""
    slots, numbers, scales, _ = planes
    rest[:] = scores
    for first in range(0, len(scores), _BLOCK):
        some = rest[first : first + _BLOCK]
        for a in range(m):
            slot = slots[S[a]]
            factor = np.float32(z[a] * scales[slot])
            entries = numbers[slot, first : first + _BLOCK]
            for i in range(len(some)):
                some[i] -= factor * np.float32(entries[i])


@_fast
def _measure_distances(gram, S, m, planes, distances):
    """Write the squared distances of all codewords from the span of S; return the largest error."""
    slots, numbers, scales, row_error = planes
    M = np.empty((m, m))
    _invert_factor(gram, m, M)
    weights = np.empty((m, m), dtype=np.float32)
    squares = 0.0
    for a in range(m):
        total = 0.0
        for b in range(m):
            weights[a, b] = M[a, b] * scales[slots[S[b]]]
            total += abs(M[a, b])
        squares += total * total
    distances[:] = np.float32(1)
    block = np.zeros((m, _LANES), dtype=np.float32)
    coordinates = np.empty(_LANES, dtype=np.float32)
    for first in range(0, len(distances), _LANES):
        some = distances[first : first + _LANES]
        for a in range(m):
            slot, row = slots[S[a]], block[a]
            entries = numbers[slot, first : first + _LANES]
            for i in range(len(some)):
                row[i] = np.float32(entries[i])
        for a in range(m):
            _combine(weights[a], block, a + 1, coordinates)
            for i in range(len(some)):
                some[i] -= coordinates[i] * coordinates[i]
    error = (row_error + (m + 8) * _EPS_32) * math.sqrt(squares)
    return error * (2 + error) + (m + 2) * _EPS_32


@_fast
def _combine(weights, block, m, row):
    """Write the sum of the first m rows of a block, each times its weight."""
    row[:] = np.float32(0)
    for a in range(0, m - 3, 4):
        w0, w1, w2, w3 = weights[a], weights[a + 1], weights[a + 2], weights[a + 3]
        g0, g1, g2, g3 = block[a], block[a + 1], block[a + 2], block[a + 3]
        for lane in range(_LANES):
            row[lane] += (w0 * g0[lane] + w1 * g1[lane]) + (w2 * g2[lane] + w3 * g3[lane])
    for a in range(m - m % 4, m):
        w0, g0 = weights[a], block[a]
        for lane in range(_LANES):
            row[lane] += w0 * g0[lane]


@_fast
def _update(scores, S, m, leaves, sums, planes, rest, distances):
    """Write scores and distances after an exchange; return what may be lost of distances.

    ``sums`` are the coefficients z, t and u of the codewords, the last row those of what leaves.
    """
    slots, numbers, scales, row_error = planes
    rest[:] = scores
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
    rounding = row_error + (m + 8) * _EPS_32
    lost_t, lost_u = rounding * np.abs(sums[:, 1]).sum(), rounding * np.abs(sums[:, 2]).sum()
    return lost_t * (2 + lost_t) + lost_u * (2 + lost_u) + 4 * _EPS_32


@_fast
def _find_candidates(rest, distances, is_signed, lost, lost_of_distance, error, least, keys):
    """Write bounds on what an exchange for each codeword gains, -1 where it gains nothing."""
    one, none, zero, tiny = np.float32(1), np.float32(-1), np.float32(0), np.float32(1e-6)
    for i in range(len(rest)):
        score = rest[i] if is_signed else abs(rest[i])
        upper, under = max(score + lost, zero), max(score - lost, zero)
        distance = max(distances[i] - lost_of_distance, under * under / error)
        is_far = distance > tiny
        distance = min(max(distance, tiny), one)
        reach = upper * (one + math.sqrt(one - distance))
        possible = reach > least * distance or not is_far
        keys[i] = upper * upper / distance if possible and upper > zero else none


@_fast
def _search(
    S,
    m,
    n_free,
    z,
    r,
    error,
    score_error,
    lost_of_distance,
    inverse,
    codewords,
    units,
    unit_slots,
    planes,
    is_signed,
    gram,
    target,
    x,
    rest,
    distances,
    keys,
    wanted,
):
    """Return the best exchange (a, i); (-1, i) fills a free place.

    (-1, -1) if there is none, and (-1, -2) if it may be one of codewords that are not at hand.
    """
    slots, numbers, scales, row_error = planes
    roots, zetas = np.empty(m), np.empty(m)
    total_z = widest = 0.0
    least = np.inf if n_free == 0 else 0.0
    for a in range(m):
        roots[a] = math.sqrt(inverse[a, a])
        zetas[a] = z[a] / roots[a]
        least = min(least, abs(zetas[a]))
        total_z += abs(z[a])
        total = 0.0
        for b in range(m):
            total += abs(inverse[a, b])
        widest = max(widest, total / roots[a])
    # Bounds on the errors of scores, of t, and of distances.
    rounding = (m + 8) * _EPS_32
    lost = score_error + row_error * total_z + rounding * (1 + total_z)
    lost_t = (row_error + rounding) * widest
    _find_candidates(
        rest,
        distances,
        is_signed,
        np.float32(lost),
        np.float32(lost_of_distance),
        np.float32(error * (1 + 1e-6)),
        np.float32(least * (1 - 1e-6)),
        keys,
    )
    for a in range(m):
        keys[S[a]] = np.float32(-1)

    # Gains in float32: upper bounds of those that may be the best, and a lower bound of the best.
    weights = np.empty((m, m), dtype=np.float32)
    zetas_32, roots_32 = np.empty(m, dtype=np.float32), np.empty(m, dtype=np.float32)
    for a in range(m):
        zetas_32[a], roots_32[a] = zetas[a], roots[a]
        for b in range(m):
            weights[a, b] = inverse[a, b] / roots[a]
    places = np.empty(m, dtype=np.int64)
    for a in range(m):
        places[a] = slots[S[a]]
    products = np.zeros((m, _LANES), dtype=np.float32)
    lanes = np.zeros((5, _LANES), dtype=np.float32)
    columns, lane_columns = np.empty(64, dtype=np.int64), np.zeros(_LANES, dtype=np.int64)
    uppers = np.empty(64, dtype=np.float32)
    n_found = filled = 0
    sure = np.float32(_ROUNDING * error)
    for i in range(len(keys)):
        if keys[i] > sure:
            lane_columns[filled] = i
            filled += 1
        if filled == 0 or (filled < _LANES and i + 1 < len(keys)):
            continue
        for a in range(m):
            scale = np.float32(scales[places[a]])
            row, entries = products[a], numbers[places[a]]
            for lane in range(filled):
                row[lane] = scale * np.float32(entries[lane_columns[lane]])
        for lane in range(filled):
            lanes[0, lane] = rest[lane_columns[lane]]
        _gains(
            products,
            lanes,
            weights,
            zetas_32,
            roots_32,
            np.float32(lost),
            np.float32(lost_t),
            np.float32(2 * row_error + rounding),
            np.float32(rounding),
            is_signed,
            n_free > 0,
        )
        for lane in range(filled):
            upper = lanes[1, lane]
            if upper <= sure:
                continue
            if not is_signed:
                sure = max(sure, lanes[2, lane])
            if n_found == len(columns):
                kept = 0
                for f in range(n_found):
                    if uppers[f] > sure:
                        columns[kept], uppers[kept] = columns[f], uppers[f]
                        kept += 1
                n_found = kept
            if n_found == len(columns):
                columns = np.append(columns, np.empty_like(columns))
                uppers = np.append(uppers, np.empty_like(uppers))
            columns[n_found], uppers[n_found] = lane_columns[lane], upper
            n_found += 1
        filled = 0

    # The best of these in float64.
    best, best_a, best_i, n_wanted = _ROUNDING * error, -1, -1, 0
    order = np.argsort(-uppers[:n_found], kind="mergesort")
    for f in order:
        i = columns[f]
        if uppers[f] <= best or (uppers[f] <= sure and not is_signed):
            break
        if unit_slots[i] < 0 or slots[i] < 0:
            if n_wanted < len(wanted):
                wanted[n_wanted] = i
                n_wanted += 1
            continue
        if n_wanted:
            continue
        a, gain = _exact_gain(
            units[unit_slots[i]],
            codewords,
            m,
            n_free,
            z,
            zetas,
            roots,
            r,
            inverse,
            is_signed,
            best,
            gram,
            target,
            x,
        )
        if gain > best or (gain == best and i < best_i):
            best, best_a, best_i = gain, a, i
    if n_wanted:
        return -1, -2
    return best_a, best_i


@_fast
def _gains(
    products, lanes, weights, zetas, roots, lost, lost_t, lost_g, rounding, is_signed, has_free
):
    """Write bounds on the largest gains of some codewords: upper ones, and lower ones.

    ``lanes[0]`` are scores, ``lanes[1]`` and ``lanes[2]`` become the bounds. ``products`` are
    numbers of Gram rows, (m, _LANES).
    """
    one, zero, tiny = np.float32(1), np.float32(0), np.float32(1e-7)
    more, less = np.float32(1.000002), np.float32(0.999998)
    m = len(zetas)
    scores, uppers, lowers, distances, totals = lanes[0], lanes[1], lanes[2], lanes[3], lanes[4]
    t = np.zeros((m, _LANES), dtype=np.float32)
    distances[:] = one
    totals[:] = zero
    for a in range(m):
        row, of_a, root = t[a], products[a], roots[a]
        _combine(weights[a], products, m, row)
        for lane in range(_LANES):
            h = row[lane] * root
            distances[lane] -= h * of_a[lane]
            totals[lane] += abs(h)
    for lane in range(_LANES):
        # From here on the most that may be lost of the distance.
        totals[lane] = lost_g * totals[lane] + rounding
        product = max((scores[lane] if is_signed else abs(scores[lane])) + lost, zero)
        below = max(distances[lane] - totals[lane], tiny)
        uppers[lane] = product * product / below if has_free else -one
        lowers[lane] = -one
    for a in range(m):
        row, zeta = t[a], zetas[a]
        square, lost_all = zeta * zeta, lost + abs(zeta) * lost_t
        for lane in range(_LANES):
            product = scores[lane] + zeta * row[lane]
            product = product if is_signed else abs(product)
            size = abs(row[lane])
            upper, lower = max(product + lost_all, zero), max(product - lost_all, zero)
            near = max(size - lost_t, zero)
            below = max(distances[lane] - totals[lane] + near * near, tiny)
            above = max(distances[lane] + totals[lane] + (size + lost_t) * (size + lost_t), tiny)
            uppers[lane] = max(uppers[lane], upper * upper / below * more - square * less)
            lowers[lane] = max(lowers[lane], lower * lower / above * less - square * more)


@_fast
def _exact_gain(
    f, codewords, m, n_free, z, zetas, roots, r, inverse, is_signed, best, gram, target, x
):
    """Return the codeword that is best exchanged for f, -1 for none, and what that gains."""
    g, h = np.empty(m), np.zeros(m)
    for a in range(m):
        g[a] = _dot(codewords[a], f)
    for b in range(m):
        for a in range(m):
            h[a] += inverse[b, a] * g[b]
    score, distance = _dot(f, r), _dot(f, f) - _dot(g, h)
    if distance < _CANCELLED:
        rest = np.empty_like(f)
        for again in range(2):
            _leave(f, codewords, m, h, rest)
            for a in range(m):
                product = 0.0 if again else _dot(codewords[a], rest)
                for b in range(m):
                    h[b] += inverse[a, b] * product
        distance, score = _dot(rest, rest), _dot(rest, r)
    if distance <= _DEPENDENT**2:
        distance = score = 0.0
    gains = np.empty(m + 1)
    for a in range(m):
        t = h[a] / roots[a]
        product, squared = score + zetas[a] * t, distance + t * t
        gains[a] = -1.0
        if squared > _DEPENDENT**2 and (product > 0 or not is_signed):
            gains[a] = product * product / squared - zetas[a] * zetas[a]
    gains[m] = -1.0
    if n_free > 0 and distance > 0 and (score > 0 or not is_signed):
        gains[m] = score * score / distance
    if not is_signed:
        a = gains.argmax()
        return (a if a < m else -1), gains[a]
    best_a, order = -1, np.argsort(-gains, kind="mergesort")
    for a in order:
        if gains[a] <= best:
            break
        gain = _signed_gain(
            f, a, gains[a], best, codewords, m, z, h, score, distance, inverse, gram, target, x
        )
        if gain > best:
            best, best_a = gain, a
    return (best_a if best_a < m else -1), (best if best_a >= 0 else -1.0)


@_fast
def _signed_gain(f, a, gain, best, codewords, m, z, h, score, distance, inverse, gram, target, x):
    """Return what an exchange gains with nonnegative coefficients, or a bound below ``best``."""
    if a < m:
        pivot, removed = inverse[a, a], z[a] / inverse[a, a]
        score, distance = score + removed * h[a], distance + h[a] * h[a] / pivot
    new = score / distance
    least = np.inf
    for b in range(m):
        if b == a:
            continue
        y, weight, diagonal = z[b], h[b], inverse[b, b]
        if a < m:
            y -= removed * inverse[b, a]
            weight -= inverse[b, a] * h[a] / pivot
            diagonal -= inverse[b, a] ** 2 / pivot
        y -= new * weight
        diagonal += weight * weight / distance
        if y <= 0:
            # One of these has to be 0.
            least = min(least, y * y / diagonal)
    if least == np.inf:
        return gain
    if gain - least <= best:
        return -1.0
    size = m if a < m else m + 1
    G, b_, y_ = np.empty((size, size)), np.empty(size), np.ones(size)
    place = a if a < m else m
    G[:m, :m] = gram[:m, :m]
    b_[:m] = target[:m]
    for b in range(m):
        G[b, place] = G[place, b] = _dot(codewords[b], f)
    G[place, place] = 1.0
    b_[place] = _dot(f, x)
    before = 0.0
    for b in range(m):
        before += z[b] * target[b]
    for b in range(m):
        y_[b] = z[b]
    y_[place] = 0.0
    _nonnegative(G, b_, size, y_)
    after = 0.0
    for b in range(size):
        after += y_[b] * b_[b]
    # The squared error is that of x less <y, b> at the minimum.
    return after - before
