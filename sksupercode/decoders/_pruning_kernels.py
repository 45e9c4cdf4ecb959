r"""Compiled backward elimination: drop the codeword of a support that is missed least, and repeat.

Let z be the coefficients on the support S of a sample, of codewords of norm 1 with inner products
G, and :math:`P = G_{SS}^{-1}`. Without codeword a the squared error grows by
:math:`z_a^2 / P_{aa}`, its cost, and the coefficients and the inverse of the others are

.. math::
    z - \frac{z_a}{P_{aa}} P_{:a} , \qquad P - \frac{P_{:a} P_{a:}}{P_{aa}} .

With nonnegative values that is so where all of these coefficients are positive. Otherwise the cost
is larger, and found by active sets.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.decoders._support_fit_kernels import (
    Fit,
    descending,
    dot,
    fast,
    gram_matrix,
    invert,
    is_tame,
    nonnegative,
    solve,
)
from sksupercode.dictionaries._sign_kernels import copy, inlined


@fast
def eliminate(words, samples, places, sizes, coefs, n_most, least, is_signed, is_done):
    """Prune the supports of some samples, in place.

    Parameters
    ----------
    words : float64 ndarray of shape (n_samples, k, d)
        The codewords of the supports, of norm 1.
    samples : float64 ndarray of shape (n_samples, d)
        Of norm 1.
    places, sizes, coefs : ndarrays of shape (n_samples, k), (n_samples,) and (n_samples, k)
        Which words of a sample stay, how many there are, and their coefficients. They are updated.
    n_most : int
        A sample with more codewords loses one whatever it costs.
    least : float64 ndarray of shape (n_samples,)
        What a codeword that stays has to cost more than.
    is_signed : bool
        Whether coefficients are nonnegative.
    is_done : bool ndarray of shape (n_samples,)
        False where codewords depend on each other so much that nothing was done.
    """
    k, d = words.shape[1:]
    gram, inverse = np.empty((k, k)), np.empty((k, k))
    for n in range(len(samples)):
        m, S = sizes[n], places[n].copy()
        fit = Fit(words[n], gram, inverse, np.empty(k), np.empty(k), np.empty(d))
        for a in range(m):
            fit.targets[a] = dot(fit.codewords[a], samples[n])
        gram_matrix(fit.codewords, m, gram)
        m = solve(fit, samples[n], S, m, is_signed) if invert(gram, m, inverse) else -1
        if m >= 0 and is_tame(inverse, m):
            m = _eliminate_all(fit, S, m, n_most, least[n], is_signed)
        else:
            m = -1
        # Once more, since errors of the updates add up.
        if m >= 0 and m < sizes[n] and m > 0:
            gram_matrix(fit.codewords, m, gram)
            m = solve(fit, samples[n], S, m, is_signed) if invert(gram, m, inverse) else -1
        is_done[n] = m >= 0
        if m >= 0:
            sizes[n] = m
            copy(S, places[n])
            copy(fit.coefs[:m], coefs[n])


@inlined
def _eliminate_all(fit, S, m, n_most, least, is_signed):
    """Drop codewords one after the other; return how many are left, or -1."""
    bounds, trial = np.empty(m), np.empty(m)
    while m > 0:
        for a in range(m):
            bounds[a] = fit.coefs[a] ** 2 / fit.inverse[a, a]
        # What a codeword that leaves may cost.
        limit = np.inf if m > n_most else least
        best, lowest = -1, np.inf
        for a in descending(-bounds[:m]):
            if bounds[a] >= lowest or bounds[a] > limit:
                break
            cost = _cost(fit, m, a, bounds[a], is_signed, trial)
            if cost < lowest:
                best, lowest = a, cost
        if best < 0 or lowest > limit:
            break
        m = _drop(fit, S, m, best, is_signed)
    return m


@inlined
def _cost(fit, m, a, bound, is_signed, trial):
    """Return by how much the squared error grows without codeword a; it does by at least bound."""
    _without(fit, m, a, trial)
    if not is_signed or not (trial[:m] < 0).any():
        return bound
    products, targets = fit.gram[:m, :m].copy(), fit.targets[:m].copy()
    # So its coefficient stays 0.
    targets[a] = -np.inf
    trial[a] = 0
    if not nonnegative(products, targets, m, trial):
        return bound
    cost = 0.0
    for b in range(m):
        cost += fit.targets[b] * (fit.coefs[b] - trial[b])
    return cost


@fast
def _without(fit, m, a, out):
    """Write the coefficients of all others once codeword a is gone."""
    factor = fit.coefs[a] / fit.inverse[a, a]
    for b in range(m):
        out[b] = fit.coefs[b] - factor * fit.inverse[b, a]
    out[a] = 0.0


@inlined
def _drop(fit, S, m, a, is_signed):
    """Take codeword a out, and those that then have no positive coefficient; return the size."""
    codewords, gram, inverse, targets, coefs, _ = fit
    _without(fit, m, a, coefs)
    column, pivot = inverse[:m, a].copy(), inverse[a, a]
    for b in range(m):
        factor = column[b] / pivot
        for c in range(m):
            inverse[b, c] -= factor * column[c]
    m -= 1
    for b in range(a, m):
        S[b], coefs[b], targets[b] = S[b + 1], coefs[b + 1], targets[b + 1]
        copy(codewords[b + 1], codewords[b])
    for b in range(a, m):
        copy(gram[b + 1], gram[b])
        copy(inverse[b + 1], inverse[b])
    for b in range(m):
        for c in range(a, m):
            gram[b, c], inverse[b, c] = gram[b, c + 1], inverse[b, c + 1]
    if not is_signed or not (coefs[:m] <= 0).any():
        return m
    if not nonnegative(gram, targets, m, coefs):
        return -1
    kept = 0
    for b in range(m):
        if coefs[b] > 0:
            S[kept], coefs[kept], targets[kept] = S[b], coefs[b], targets[b]
            copy(codewords[b], codewords[kept])
            copy(gram[b, :m], gram[kept])
            copy(gram[:m, b], gram[:, kept])
            kept += 1
    return kept if invert(gram, kept, inverse) else -1
