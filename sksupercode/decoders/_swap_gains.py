r"""Compiled gains of exchanges in float64, of the codewords that bounds have left.

The notation is that of :mod:`sksupercode.decoders._swap_kernels`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.decoders._support_fit_kernels import (
    descending,
    dot,
    nonnegative,
    subtract,
)
from sksupercode.dictionaries._sign_kernels import copy, inlined

# A codeword at a smaller distance from the span of others depends on them.
_DEPENDENT = 1e-10
# Squared distances below this are computed from what is left of the codeword itself.
_CANCELLED = 1e-3


@inlined
def largest_gain(fit, x, m, f, losses, has_free, is_signed, least):
    """Return the codeword that is best exchanged for f, and what that gains.

    It is -1 for a free place, and for none; then the gain is -1, too. ``losses`` are the zeta.
    Gains that are not larger than ``least`` may be others.
    """
    codewords, _, inverse, _, _, residual = fit
    g, h = np.empty(m), np.zeros(m)
    for a in range(m):
        g[a] = dot(codewords[a], f)
    for b in range(m):
        for a in range(m):
            h[a] += inverse[b, a] * g[b]
    score, distance = dot(f, residual), dot(f, f) - dot(g, h)
    if distance < _CANCELLED:
        rest = np.empty_like(f)
        subtract(f, codewords, m, h, rest)
        for a in range(m):
            product = dot(codewords[a], rest)
            for b in range(m):
                h[b] += inverse[a, b] * product
        subtract(f, codewords, m, h, rest)
        distance, score = dot(rest, rest), dot(rest, residual)
    if distance <= _DEPENDENT**2:
        distance = score = 0.0
    gains = np.full(m + 1, -1.0)
    for a in range(m):
        t = h[a] / math.sqrt(inverse[a, a])
        product, squared = score + losses[a] * t, distance + t * t
        if squared > _DEPENDENT**2 and (product > 0 or not is_signed):
            gains[a] = product * product / squared - losses[a] * losses[a]
    if has_free and distance > 0 and (score > 0 or not is_signed):
        gains[m] = score * score / distance
    best, place = -1.0, -1
    if not is_signed:
        place = gains.argmax()
        best = gains[place]
    else:
        for a in descending(gains):
            if gains[a] <= max(best, least):
                break
            gain = _signed_gain(fit, x, m, a, f, h, score, distance, gains[a], max(best, least))
            if gain > best:
                best, place = gain, a
    return (place if place < m else -1), best


@inlined
def _signed_gain(fit, x, m, a, f, h, score, distance, gain, least):
    """Return what an exchange gains with nonnegative coefficients, or -1 if not more than least.

    It gains at most ``gain``, and exactly this where all coefficients after it are positive.
    """
    codewords, gram, inverse, targets, coefs, _ = fit
    removed = pivot = 0.0
    if a < m:
        pivot = inverse[a, a]
        removed = coefs[a] / pivot
        score, distance = score + removed * h[a], distance + h[a] * h[a] / pivot
    raised = np.inf
    for b in range(m):
        if b == a:
            continue
        y, weight, diagonal = coefs[b], h[b], inverse[b, b]
        if a < m:
            y -= removed * inverse[b, a]
            weight -= inverse[b, a] * h[a] / pivot
            diagonal -= inverse[b, a] ** 2 / pivot
        y -= score / distance * weight
        diagonal += weight * weight / distance
        if y <= 0:
            # The coefficient of one of these has to be 0.
            raised = min(raised, y * y / diagonal)
    if raised == np.inf:
        return gain
    if gain - raised <= least:
        return -1.0
    size, place = (m, a) if a < m else (m + 1, m)
    products, inner, new = np.empty((size, size)), np.empty(size), np.zeros(size)
    copy(targets[:m], inner)
    copy(coefs[:m], new)
    for b in range(m):
        copy(gram[b, :m], products[b])
        products[b, place] = products[place, b] = dot(codewords[b], f)
    products[place, place], inner[place], new[place] = 1.0, dot(f, x), 0.0
    if not nonnegative(products, inner, size, new):
        return gain
    # The squared error is that of x less <y, b> at the minimum.
    return dot(new, inner) - dot(coefs[:m], targets[:m])
