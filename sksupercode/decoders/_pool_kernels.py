r"""Compiled matching pursuit on a pool of codewords, and the bound that says for how long.

Plain binary matching pursuit correlates its residual r with all N codewords s_i before each
selection. Here one full pass serves many. It leaves the scores ``<s_i, r>`` of all codewords, and
the *pool* is of those that score more than tau. Codewords are then selected from the pool alone,
whose scores are kept up by one XOR and popcount each, until one outside might have become the best:
the next pass adds the correlations of Delta, the sum of what was selected meanwhile, which has
fewer bit planes than the residual.

Why the pool is safe
    Let r_0 be the residual of the last pass, ``r = r_0 - Delta`` that of now, and b the best score
    in the pool. A codeword outside scored ``<s_i, r_0> <= tau``, so for any lambda in [0, 1]

    .. math::
        \langle s_i, r \rangle \le \lambda \tau + \langle s_i, r - \lambda r_0 \rangle ,

    and Hoeffding's inequality bounds the last term, for signs that are independent of the vector:

    .. math::
        P\left(\langle s_i, v \rangle \ge \sqrt{2 L} \lVert v \rVert\right) \le e^{-L} .

    The pool is safe while ``b > lambda tau + sqrt(2 L) ||r - lambda r_0||`` for some lambda. The
    vector does depend on the codewords, and there are two ways to deal with that.

    *A recovered sample.* Suppose that the residual ends as zero, so that the codewords selected are
    those S of x (that others have the same sum is far less probable than p wherever the bound can
    be met), and that matching pursuit of x among S alone selects them in the very same order,
    which :func:`is_greedy` finds out exactly. Then all residuals, b, tau and lambda were functions
    of the codewords in S. The others are independent of them, where S was chosen without looking at
    them, and ``L = ln(N k (k + 1) / 2 p)`` makes the probability less than p that any of the N, at
    any of k steps after any pass, broke its bound. If none did, none was ever the best, and plain
    matching pursuit has done the same.

    *Any other sample*: not recovered, noisy, or no superposition at all. With
    ``lambda = 1`` the vector is Delta alone, a sum of t codewords other than s_i. The bound is made
    to hold for all sums at once: with the number of multisets,

    .. math::
        L_t = \ln N + \ln \binom{N + t - 1}{t} + t \ln 2 + \ln (1 / p)

    the probability that there is any codeword, any t and any sum of t others that breaks it is less
    than ``sum_t 2^-t p = p``. This is a property of the dictionary, for all samples.

    p is 10^-9 for each sample in the first case and for each dictionary in the second.

What the limit is
    In the second case L_t grows by ln(2 e N / t) with each step, and the bound is met for about
    ``(b - tau) / sqrt(2 d ln N)`` steps after a pass. In the first L does not grow, and the vector
    is shortest at both ends: from m codewords to go, t of them selected and ``lambda = 1 - t / m``
    its squared norm is about ``d t (m - t) / m``, so that soon one pass serves to the end.
    Near the 3/4 bit per dimension at which matching pursuit succeeds 64 selections of
    2^16 take some 5 passes in the first case, and 18 in the second.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.dictionaries._sign_kernels import LANES, compiled, reassociated, weighted_popcounts

# Scores that are compared at once.
_STRIDE = 16
_LAMBDA_STEPS = 16


@compiled
def collect(scores, tau, capacity):
    """Return the indices of the scores above tau, in increasing order, and tau.

    If there are more than ``capacity`` or none, it is the best alone, and tau is infinite, so that
    nothing else can be selected.
    """
    pool = np.empty(capacity, dtype=np.int64)
    size = 0
    for first in range(0, len(scores), _STRIDE):
        block = scores[first : first + _STRIDE]
        n_above = 0
        for score in block:
            n_above += score > tau
        if n_above == 0:
            continue
        if size + n_above > capacity:
            size = 0
            break
        for i in range(len(block)):
            if block[i] > tau:
                pool[size] = first + i
                size += 1
    if size == 0:
        pool[0], size, tau = scores.argmax(), 1, np.inf
    return pool[:size], tau


@compiled
def pursue(
    groups,
    pool,
    scores,
    tau,
    slack,
    least_lambda,
    enough,
    least_gain,
    residual,
    found,
    n_found,
    delta,
):
    """Select codewords from the pool for as long as it is safe.

    Returns how many codewords are selected now, and whether the sample has ended; otherwise a full
    pass is due. It ends at a residual of norm ``enough``, or when the best codeword scores no more
    than d / 2 plus ``least_gain``.

    Parameters
    ----------
    groups : uint64 ndarray of shape (ceil(m / 32), W, 32)
        The codewords of the pool.
    pool : int64 ndarray of shape (m,)
        Their indices in the dictionary, increasing.
    scores : float64 ndarray of shape (N,)
        ``<s_i, residual>`` for all codewords; outside the pool they are not above ``tau``.
    slack : float64 ndarray of shape (T + 1,)
        2 L after t = 0, ..., T selections; the bound is minimised over lambda from
        ``least_lambda`` to 1.
    residual, delta : float64 ndarray of shape (d,)
        What is left of the sample, updated; set to what it has gained here.
    found : int64 ndarray of shape (n_iter,)
        The selected codewords, of which ``n_found`` were before.
    """
    n_components = len(residual)
    in_pool = np.full(LANES * len(groups), -np.inf)
    for m in range(len(pool)):
        in_pool[m] = scores[pool[m]]
    delta[:] = 0
    best = in_pool.argmax()
    plane = np.empty((1, groups.shape[1], 2), dtype=np.uint64)
    counts = np.empty(LANES, dtype=np.int64)
    for t in range(len(slack)):
        if n_found == len(found) or math.sqrt(_dot(residual, residual)) <= enough:
            return n_found, True
        if t > 0 and in_pool[best] <= _bound(tau, slack[t], least_lambda, residual, delta):
            return n_found, False
        if in_pool[best] - n_components / 2 <= least_gain:
            return n_found, True
        found[n_found] = pool[best]
        n_found += 1
        _as_plane(groups, best, plane)
        for r in range(n_components):
            sign = 1.0 - 2.0 * ((plane[0, r >> 6, 1] >> np.uint64(r & 63)) & np.uint64(1))
            residual[r] -= sign
            delta[r] -= sign
        for g in range(len(groups)):
            weighted_popcounts(groups, g, plane, 1, counts)
            for lane in range(LANES):
                in_pool[LANES * g + lane] -= n_components - 2 * counts[lane]
        best = in_pool.argmax()
    return n_found, False


@compiled
def _bound(tau, slack, least_lambda, residual, delta):
    """Return the least bound on the scores outside the pool."""
    rest, gained, both = _dot(residual, residual), _dot(delta, delta), _dot(residual, delta)
    bound = np.inf
    for step in range(int(_LAMBDA_STEPS * least_lambda), _LAMBDA_STEPS + 1):
        part = step / _LAMBDA_STEPS
        # The last residual is residual - delta, whence r - lambda r_0 is
        # (1 - lambda) residual + lambda delta.
        squared = (1 - part) ** 2 * rest + 2 * part * (1 - part) * both + part**2 * gained
        bound = min(bound, part * tau + math.sqrt(slack * max(squared, 0.0)))
    return bound


@reassociated
def _dot(a, b):
    total = 0.0
    for r in range(len(a)):
        total += a[r] * b[r]
    return total


@compiled
def _as_plane(groups, index, plane):
    """Write a codeword as a plane. Bits past d are 0 in each codeword, and may be in the mask."""
    for w in range(groups.shape[1]):
        plane[0, w, 0] = np.uint64(2**64 - 1)
        plane[0, w, 1] = groups[index // LANES, w, index % LANES]


@compiled
def is_greedy(groups, n_components, found):
    """Return whether matching pursuit of the sum of these codewords, among them, selects them so.

    They have to differ, and each to be the best among them when it was selected, or the first of
    the best. ``groups`` is of shape (ceil(m / 32), W, 32), ``found`` has their indices in the
    dictionary in the order of selection.
    """
    size = len(found)
    products = np.empty((size, size), dtype=np.int64)
    scores = np.zeros(size, dtype=np.int64)
    plane = np.empty((1, groups.shape[1], 2), dtype=np.uint64)
    counts = np.empty(LANES, dtype=np.int64)
    for m in range(size):
        _as_plane(groups, m, plane)
        for g in range(len(groups)):
            weighted_popcounts(groups, g, plane, 1, counts)
            for lane in range(min(LANES, size - LANES * g)):
                product = n_components - 2 * counts[lane]
                products[m, LANES * g + lane] = product
                scores[LANES * g + lane] += product
    for m in range(size):
        for other in range(size):
            if scores[other] > scores[m]:
                return False
            if scores[other] == scores[m] and found[other] < found[m]:
                return False
            if other != m and found[other] == found[m]:
                return False
        for other in range(size):
            scores[other] -= products[m, other]
    return True
