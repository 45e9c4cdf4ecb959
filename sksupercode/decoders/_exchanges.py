"""Exchanges of codewords for blocks of samples: by Gram rows, or by QR decompositions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import qr, solve_triangular

from sksupercode._utils._blocks import block_length
from sksupercode._utils._threads import in_threads, single_blas_thread
from sksupercode.decoders._orthogonal_bases import DEPENDENT
from sksupercode.decoders._support_fit import least_squares
from sksupercode.dictionaries._dense import DenseDictionary

# A residual of this part of x, and a decrease of this part of the squared error, are rounding.
_ROUNDING = 1e-12
# Codewords that a sample asks for at once.
_MOST_WANTED = 8
# Numbers of a dictionary that is no array, up to which it is made one.
_LARGEST_ARRAY = 2**25
# Samples that are worth a thread.
_FEWEST = 4


def exchange_codewords(dictionary, Z, V, most, *, is_signed):
    """Exchange single codewords of the supports of Z until no exchange lowers the error.

    Samples are in units of the dictionary; each may have ``most`` exchanges. Returns ``indices,
    values``, how many exchanges there were, and where more would lower the error.
    """
    state = _State(Z, V, most, np.sqrt(dictionary.squared_norms), is_signed)
    rows = np.flatnonzero((state.sizes > 0) & (state.lengths > 0))
    state.is_left[rows] = True
    gram = _gram_of(dictionary)
    if gram is not None:
        for part in _parts(rows, block_length(4 * dictionary.shape[0], share=0.25)):
            _exchange_by_rows(gram, state, part)
    with single_blas_thread():
        for row in np.flatnonzero(state.is_left):
            _exchange_by_bases(dictionary, state, row)
    return state.codes()


def _gram_of(dictionary):
    """Return the Gram matrix of a dictionary that is an array, or can be made one."""
    if not dictionary.has_array:
        if np.prod(dictionary.shape, dtype=float) > _LARGEST_ARRAY:
            return None
        dictionary = DenseDictionary(np.asarray(dictionary))
    return dictionary.gram


def _parts(rows, length):
    return (rows[start : start + length] for start in range(0, len(rows), length))


class _State:
    """The supports of samples of norm 1 of codewords of norm 1, and how far they have come."""

    def __init__(self, Z, V, most, norms, is_signed):
        self.sizes = np.diff(Z.indptr).astype(np.int64)
        self.supports = np.zeros((len(V), self.sizes.max(initial=0)), dtype=np.int64)
        self.supports[np.arange(self.supports.shape[1]) < self.sizes[:, np.newaxis]] = Z.indices
        self.places = self.sizes.copy()
        self.coefs = np.zeros(self.supports.shape)
        self.n_swaps = np.zeros(len(V), dtype=np.int64)
        self.most = most
        self.norms = np.where(norms == 0, 1.0, norms)
        self.is_signed = is_signed
        self.lengths = np.linalg.norm(V, axis=1)
        self.samples = V / np.where(self.lengths == 0, 1.0, self.lengths)[:, np.newaxis]
        # Samples that are not at an end yet, and those that were ended by ``most``.
        self.is_left, self.is_capped = np.zeros((2, len(V)), dtype=bool)

    def codes(self):
        used = np.arange(self.supports.shape[1]) < self.sizes[:, np.newaxis]
        values = self.coefs * self.lengths[:, np.newaxis] / self.norms[self.supports]
        return self.supports, np.where(used, values, 0.0), self.n_swaps, self.is_capped


def _exchange_by_rows(gram, state, rows):
    """Exchange codewords of some samples by compiled code on Gram rows.

    Those for which it is not precise enough are left.
    """
    from sksupercode.decoders._swap_kernels import CAPPED, DONE, WAITS

    scores = gram.correlate(state.samples[rows])
    status = np.full(len(rows), WAITS)
    wanted = np.full((len(rows), _MOST_WANTED), -1, dtype=np.int64)
    parts = [np.arange(len(rows))]
    while parts:
        part = parts.pop()
        used = np.arange(state.supports.shape[1]) < state.sizes[rows[part], np.newaxis]
        known = np.unique(state.supports[rows[part]][used])
        while len(part) and _run(gram, state, rows, scores, part, known, status, wanted):
            part = part[status[part] == WAITS]
            known = np.union1d(known, wanted[part][wanted[part] >= 0])
        if len(part) > 1:
            parts += np.array_split(part, 2)
    state.is_left[rows] = (status != DONE) & (status != CAPPED)
    state.is_capped[rows] = status == CAPPED


def _run(gram, state, rows, scores, part, known, status, wanted):
    """Exchange codewords as far as the known ones allow; return False if they find no room."""
    from sksupercode.decoders._swap_kernels import exchange

    words = gram.codewords, gram.norms
    arrays = state.supports, state.sizes, state.places, state.coefs, state.n_swaps, state.most
    with gram.rows(known) as held:
        if (held.slots[known] < 0).any():
            return False
        of_rows = held.slots, held.numbers, held.scales, held.errors

        def run(start, stop):
            some = part[start:stop], rows, state.samples, *scores
            exchange(*some, words, of_rows, state.is_signed, arrays, status, wanted)

        in_threads(run, len(part), least=_FEWEST)
    return True


def _exchange_by_bases(dictionary, state, row):
    """Exchange codewords of a sample by orthonormal bases of its support."""
    x, n_places = state.samples[row], state.places[row]
    support = state.supports[row, : state.sizes[row]]
    support, coefs, error = _fit(dictionary, state, x, support)
    while error > _ROUNDING**2:
        best = _best_exchange(dictionary, state, x, support, coefs, error, n_places)
        if best is None:
            break
        if state.n_swaps[row] >= state.most[row]:
            state.is_capped[row] = True
            break
        support, coefs, error = best
        state.n_swaps[row] += 1
    state.sizes[row] = len(support)
    state.supports[row, : len(support)] = support
    state.coefs[row, : len(support)] = coefs


def _units(dictionary, state, indices):
    codewords = dictionary.codewords(indices).astype(np.float64)
    return codewords / state.norms[indices, np.newaxis]


def _fit(dictionary, state, x, support):
    """Return the independent codewords of a support, their coefficients and the squared error."""
    units = _units(dictionary, state, support)
    if not state.is_signed and len(support):
        # Of equal codewords the first is the longest, which is taken in before the others.
        lengths = np.linspace(1, 0.99, len(support))
        _, R, order = qr(units.T * lengths, mode="economic", pivoting=True)
        diagonal = np.abs(np.diag(R))
        kept = np.sort(order[: len(diagonal)][diagonal > DEPENDENT])
        support, units = support[kept], units[kept]
    values = "nonnegative" if state.is_signed else "real"
    coefs = np.zeros(0)
    if len(support):
        coefs = least_squares(units[np.newaxis], x[np.newaxis], values)[0]
    kept = coefs != 0
    support, coefs, units = support[kept], coefs[kept], units[kept]
    return support, coefs, np.sum((x - coefs @ units) ** 2)


def _best_exchange(dictionary, state, x, support, coefs, error, n_places):
    """Return the support after the best exchange, its coefficients and error, or None."""
    units = _units(dictionary, state, support)
    Q, R = np.linalg.qr(units.T)
    residual = x - coefs @ units
    # Row a is orthogonal to all other codewords of the support.
    # SciPy before 1.14 solves no system of size 0.
    duals = solve_triangular(R, Q.T) if len(support) else Q.T
    lengths = np.linalg.norm(duals, axis=1)
    duals /= lengths[:, np.newaxis]
    losses = coefs / lengths
    n_free = n_places - len(support)
    # Gains of equal codewords differ by rounding; the lowest index is to come first.
    quantum = _ROUNDING * error
    candidates = []
    length = block_length(8 * (4 * units.shape[1] + 4 * len(units)), share=0.125)
    for indices in _parts(np.arange(dictionary.shape[0]), length):
        some = _units(dictionary, state, indices)
        gains = _gains(some, Q, duals, losses, residual, n_free, state.is_signed)
        gains[:, np.isin(indices, support)] = 0
        places, columns = np.nonzero(gains > quantum)
        counts = np.rint(gains[places, columns] / quantum)
        candidates += zip(-counts, indices[columns], places, strict=True)
    best = None
    for count, i, a in sorted(candidates):
        if best is not None and error + count * quantum >= best[2]:
            break
        changed = np.append(np.delete(support, a) if a < len(support) else support, i)
        found = _fit(dictionary, state, x, changed)
        if found[2] < (error if best is None else best[2]) - quantum:
            best = found
        if best is not None and not state.is_signed:
            break
    return best


def _gains(units, Q, duals, losses, residual, n_free, is_signed):
    """Return how much exchanges lower the squared error, the last row for free places.

    With nonnegative values they may lower it less. 0 where there is nothing to be gained.
    """
    rest = units - (units @ Q) @ Q.T
    rest -= (rest @ Q) @ Q.T
    distances = np.sum(rest**2, axis=1)
    rest[distances <= DEPENDENT**2] = 0
    distances[distances <= DEPENDENT**2] = 0
    t, scores = duals @ units.T, rest @ residual
    products = np.vstack([scores + losses[:, np.newaxis] * t, scores])
    squares = np.vstack([distances + t**2, distances])
    possible = squares > DEPENDENT**2
    if is_signed:
        possible &= products > 0
    possible[-1] &= n_free > 0
    gains = np.where(possible, products**2, 0.0) / np.where(possible, squares, 1.0)
    gains[:-1] -= losses[:, np.newaxis] ** 2
    return np.where(possible, gains, 0.0)
