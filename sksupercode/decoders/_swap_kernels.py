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

import numpy as np

from sksupercode.decoders._gram_kernels import gram_entry, read
from sksupercode.decoders._support_fit_kernels import (
    Fit,
    descending,
    dot,
    fast,
    gram_matrix,
    invert,
    is_tame,
    solve,
)
from sksupercode.decoders._swap_bounds import (
    EPS_32,
    LANES,
    bound_gains,
    find_candidates,
    largest_error,
    measure_distances,
    sum_scores,
    update,
)
from sksupercode.decoders._swap_gains import largest_gain
from sksupercode.dictionaries._sign_kernels import copy, inlined

# What becomes of a sample.
DONE, WAITS, ILL_CONDITIONED, CAPPED = 0, 1, 2, 3
# A residual of this part of x, and a difference of this part of the squared error, are rounding.
_ROUNDING = 1e-12


@fast
def exchange(
    order, rows, samples, scores, score_error, words, gram, is_signed, state, status, wanted
):
    """Exchange codewords of some samples until no exchange lowers the error.

    Parameters
    ----------
    order, rows : int64 ndarray
        Which of the samples; ``order`` are positions in ``rows``, and these rows of ``samples``.
    samples : float64 ndarray of shape (n_samples, d)
        Of norm 1.
    scores : float32 ndarray of shape (n_rows, N)
        Inner products of ``samples[rows]`` with all normalised codewords, of error ``score_error``.
    words : tuple of arrays
        The codewords and the norms of a
        :class:`~sksupercode.dictionaries._gram.GramRows`.
    gram : tuple of arrays
        Slots, numbers, scales and errors of its rows; that of each codeword of a support is there.
    state : tuple of arrays
        supports (n_samples, k), sizes, places, coefs (n_samples, k), n_swaps and the largest
        numbers of these, of all samples. They are updated.
    status : int64 ndarray of shape (n_rows,)
        What becomes of the samples.
    wanted : int64 ndarray of shape (n_rows, w)
        Codewords whose rows a sample waits for, filled up with -1.
    """
    supports, sizes, places, coefs, n_swaps, most = state
    k, d = supports.shape[1], samples.shape[1]
    fit = Fit(
        np.empty((k, d)), np.empty((k, k)), np.empty((k, k)), np.empty(k), np.empty(k), np.empty(d)
    )
    bounds = np.empty((3, scores.shape[1]), dtype=np.float32)
    for p in order:
        n = rows[p]
        S, x, m = supports[n], samples[n], sizes[n]
        wanted[p] = -1
        for a in range(m):
            _read_unit(words, S[a], fit.codewords[a])
            fit.targets[a] = dot(fit.codewords[a], x)
        gram_matrix(fit.codewords, m, fit.gram)
        size = solve(fit, x, S, m, is_signed) if invert(fit.gram, m, fit.inverse) else -1
        if size < 0:
            status[p] = ILL_CONDITIONED
            continue
        size, status[p], done = _exchange_all(
            fit, x, S, size, places[n], most[n] - n_swaps[n], scores[p], score_error, words, gram,
            is_signed, bounds, wanted[p],
        )  # fmt: skip
        sizes[n] = size
        n_swaps[n] += done
        copy(fit.coefs[:size], coefs[n])


@fast
def _read_unit(words, i, out):
    """Write a codeword divided by its norm."""
    codewords, norms = words
    read(codewords, i, 1 / norms[i] if norms[i] > 0 else 0.0, out)


@inlined
def _exchange_all(
    fit, x, S, m, n_places, most, scores, score_error, words, gram, is_signed, bounds, wanted
):
    """Exchange codewords of one sample; return its size and status, and how many exchanges."""
    rest, distances, _ = bounds
    error, lost, done = dot(fit.residual, fit.residual), -1.0, 0
    sums, f = np.empty((len(S) + 1, 3)), np.empty_like(x)
    while error > _ROUNDING**2:
        if not is_tame(fit.inverse, m):
            return m, ILL_CONDITIONED, done
        if lost < 0:
            sum_scores(scores, S, m, fit.coefs, gram, rest)
            lost = measure_distances(fit.gram, S, m, gram, distances)
        a, i = _best_exchange(
            fit, x, S, m, n_places > m, error, score_error, lost, words, gram, is_signed, bounds, f,
            wanted,
        )  # fmt: skip
        if i < 0:
            return m, DONE, done
        if done >= most:
            return m, CAPPED, done
        if gram[0][i] < 0:
            return m, WAITS, done
        old_size, old_support, old_coefs = m, S.copy(), fit.coefs.copy()
        place = a if a >= 0 else m
        leaves, pivot = (S[a], fit.inverse[a, a]) if a >= 0 else (-1, 1.0)
        sums[:] = 0
        if a >= 0:
            copy(fit.inverse[a, :m] / math.sqrt(pivot), sums[:, 1])
            sums[-1, 1], sums[a, 1] = sums[a, 1], 0
        m = max(m, place + 1)
        S[place] = i
        _read_unit(words, i, fit.codewords[place])
        fit.targets[place] = dot(fit.codewords[place], x)
        for b in range(m):
            product = dot(fit.codewords[b], fit.codewords[place])
            fit.gram[place, b] = fit.gram[b, place] = product
        size = -1
        if invert(fit.gram, m, fit.inverse):
            copy(fit.inverse[place, :m] / math.sqrt(fit.inverse[place, place]), sums[:, 2])
            size = solve(fit, x, S, m, is_signed)
        new_error = dot(fit.residual, fit.residual)
        if size < 0 or not new_error < error:
            copy(old_support, S)
            copy(old_coefs, fit.coefs)
            return old_size, (ILL_CONDITIONED if size < 0 else DONE), done
        error, done = new_error, done + 1
        if size < m:
            m, lost = size, -1.0
            continue
        copy(fit.coefs[:m], sums[:, 0])
        lost += update(scores, S, m, leaves, sums, gram, rest, distances)
        if leaves >= 0:
            u = 0.0
            for b in range(m):
                u += sums[b, 2] * gram_entry(gram, S[b], leaves)
            distances[leaves] = 1 / pivot - u * u
    return m, DONE, done


@inlined
def _best_exchange(
    fit, x, S, m, has_free, error, score_error, lost_of_distance, words, gram, is_signed, bounds, f,
    wanted,
):  # fmt: skip
    """Return the best exchange (a, i); (-1, i) fills a free place, and (-1, -1) is none.

    Where the row of i is not there, it and others that may be next are ``wanted``.
    """
    losses = np.empty(m)
    for a in range(m):
        losses[a] = fit.coefs[a] / math.sqrt(fit.inverse[a, a])
    columns, uppers = _bound_exchanges(
        fit, S, m, losses, has_free, error, score_error, lost_of_distance, gram, is_signed, bounds
    )
    best, best_a, best_i, n_wanted = _ROUNDING * error, -1, -1, 1
    for c in descending(uppers):
        i = columns[c]
        if gram[0][i] < 0 and n_wanted < len(wanted):
            wanted[n_wanted] = i
            n_wanted += 1
        if uppers[c] <= best:
            continue
        _read_unit(words, i, f)
        a, gain = largest_gain(fit, x, m, f, losses, has_free, is_signed, best)
        if gain > best or (gain == best and i < best_i):
            best, best_a, best_i = gain, a, i
    wanted[0] = best_i
    return best_a, best_i


@inlined
def _bound_exchanges(
    fit, S, m, losses, has_free, error, score_error, lost_of_distance, gram, is_signed, bounds
):
    """Return the codewords that may be best exchanged, and bounds on what they gain."""
    slots, numbers, scales, _ = gram
    rest, distances, keys = bounds
    total = widest = 0.0
    least = 0.0 if has_free else np.inf
    weights = np.empty((m, m), dtype=np.float32)
    vectors = np.empty((2, m), dtype=np.float32)
    for a in range(m):
        root = math.sqrt(fit.inverse[a, a])
        vectors[0, a], vectors[1, a] = losses[a], root
        least = min(least, abs(losses[a]))
        total += abs(fit.coefs[a])
        width = 0.0
        for b in range(m):
            weights[a, b] = fit.inverse[a, b] / root
            width += abs(fit.inverse[a, b])
        widest = max(widest, width / root)
    # Bounds on the errors of scores, of t, and of numbers of rows.
    row_error, rounding = largest_error(S, m, gram), (m + 8) * EPS_32
    lost = np.float32(score_error + row_error * total + rounding * (1 + total))
    lost_t, lost_g = (
        np.float32((row_error + rounding) * widest),
        np.float32(2 * row_error + rounding),
    )
    find_candidates(
        rest, distances, is_signed, lost, np.float32(lost_of_distance),
        np.float32(error * (1 + 1e-6)), np.float32(least * (1 - 1e-6)), keys,
    )  # fmt: skip
    for a in range(m):
        keys[S[a]] = np.float32(-1)
    products, lanes = np.zeros((m, LANES), dtype=np.float32), np.zeros((5, LANES), dtype=np.float32)
    columns, uppers = np.empty(len(keys), dtype=np.int64), np.empty(len(keys), dtype=np.float32)
    in_lanes = np.zeros(LANES, dtype=np.int64)
    n_found = filled = 0
    sure = np.float32(_ROUNDING * error)
    for i in range(len(keys)):
        if keys[i] > sure:
            in_lanes[filled] = i
            filled += 1
        if filled == 0 or (filled < LANES and i + 1 < len(keys)):
            continue
        for a in range(m):
            slot = slots[S[a]]
            scale, row, entries = np.float32(scales[slot]), products[a], numbers[slot]
            for lane in range(filled):
                row[lane] = scale * np.float32(entries[in_lanes[lane]])
        for lane in range(filled):
            lanes[0, lane] = rest[in_lanes[lane]]
        bound_gains(
            products, lanes, weights, vectors[0], vectors[1], lost, lost_t, lost_g,
            np.float32(rounding), is_signed, has_free,
        )  # fmt: skip
        for lane in range(filled):
            if lanes[1, lane] > sure:
                columns[n_found], uppers[n_found] = in_lanes[lane], lanes[1, lane]
                n_found += 1
                # With nonnegative values an exchange may gain less.
                sure = sure if is_signed else max(sure, lanes[2, lane])
        filled = 0
    kept = uppers[:n_found] > sure
    return columns[:n_found][kept], uppers[:n_found][kept]
