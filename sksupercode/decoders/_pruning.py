"""Backward elimination for blocks of samples: compiled, or by QR decompositions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import qr, solve_triangular

from sksupercode._utils._blocks import block_length
from sksupercode._utils._threads import in_threads, single_blas_thread
from sksupercode.decoders._orthogonal_bases import DEPENDENT
from sksupercode.decoders._support_fit import least_squares

# Samples that are worth a thread.
_FEWEST = 16


def eliminate_codewords(dictionary, indices, values, V, *, n_most, least, is_signed):
    """Drop codewords, the one that is missed least first, and fit the others again.

    One leaves if a sample has more than ``n_most``, or if the squared error grows by at most the
    square of ``least``, of shape (n_samples,) and negative for none. This, samples V and their
    codes ``indices, values`` are in units of the dictionary. Returns such codes again.
    """
    sizes = np.count_nonzero(values, axis=1)
    # Entries that count come first, in their order.
    order = np.argsort(values == 0, axis=1, kind="stable")[:, : sizes.max(initial=0)]
    indices, values = (np.take_along_axis(array, order, axis=1) for array in (indices, values))
    lengths = np.linalg.norm(V, axis=1)
    norms = np.sqrt(dictionary.squared_norms[indices])
    rows = np.flatnonzero((lengths > 0) & ((sizes > n_most) | ((sizes > 0) & (least >= 0))))
    length = block_length(40 * indices.shape[1] * V.shape[1], share=0.25)
    for start in range(0, len(rows), length):
        some = rows[start : start + length]
        size = sizes[some].max()
        supports, scales = indices[some, :size], norms[some, :size]
        words = dictionary.codewords(supports.ravel()).astype(np.float64)
        words = words.reshape(*supports.shape, -1)
        words /= np.where(scales > 0, scales, 1)[..., np.newaxis]
        samples = V[some] / lengths[some, np.newaxis]
        places, coefs = _eliminate(
            words, samples, sizes[some], n_most, least[some] / lengths[some], is_signed
        )
        indices[some, :size] = np.take_along_axis(supports, places, axis=1)
        values[some] = 0
        values[some, :size] = coefs * lengths[some, np.newaxis]
        values[some, :size] /= np.take_along_axis(scales, places, axis=1)
    return indices, values


def _eliminate(words, samples, sizes, n_most, least, is_signed):
    """Return which of the words of each sample stay, filled up with 0, and their coefficients."""
    from sksupercode.decoders._pruning_kernels import eliminate

    places = np.tile(np.arange(words.shape[1]), (len(words), 1))
    coefs, left = np.zeros(places.shape), sizes.copy()
    is_done = np.zeros(len(words), dtype=bool)
    # Nothing costs less than nothing, or more than all of a sample of norm 1.
    least = np.where(least < 0, -1.0, np.minimum(least, 2.0) ** 2)

    def run(start, stop):
        part = slice(start, stop)
        eliminate(
            words[part].copy(), samples[part], places[part], left[part], coefs[part], n_most,
            least[part], is_signed, is_done[part],
        )  # fmt: skip

    in_threads(run, len(words), least=_FEWEST)
    with single_blas_thread():
        for row in np.flatnonzero(~is_done):
            units = words[row, : sizes[row]]
            kept, found = _eliminate_by_bases(units, samples[row], n_most, least[row], is_signed)
            left[row] = len(kept)
            places[row, : len(kept)], coefs[row, : len(kept)] = kept, found
    is_gone = np.arange(places.shape[1]) >= left[:, np.newaxis]
    places[is_gone], coefs[is_gone] = 0, 0
    return places, coefs


def _eliminate_by_bases(units, x, n_most, least, is_signed):
    """Return which codewords stay, and their coefficients, from QR decompositions in each step."""
    # Nonnegative least squares have left independent codewords alone.
    kept = np.arange(len(units)) if is_signed else _independent(units)
    kept, coefs, error = _fit(units, x, kept, is_signed)
    while len(kept):
        Q, R = np.linalg.qr(units[kept].T)
        bounds = (coefs / np.linalg.norm(solve_triangular(R, Q.T), axis=1)) ** 2
        limit = np.inf if len(kept) > n_most else least
        best, lowest = None, np.inf
        for a in np.argsort(bounds, kind="stable"):
            if bounds[a] >= lowest or bounds[a] > limit:
                break
            found = _fit(units, x, np.delete(kept, a), is_signed)
            cost = max(bounds[a], found[2] - error) if is_signed else bounds[a]
            if cost < lowest:
                best, lowest = found, cost
        if best is None or lowest > limit:
            break
        kept, coefs, error = best
    return kept, coefs


def _independent(units):
    """Return the positions of codewords that do not depend on others, in order."""
    _, R, order = qr(units.T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    return np.sort(order[: len(diagonal)][diagonal > DEPENDENT])


def _fit(units, x, kept, is_signed):
    """Return positions of nonzero coefficients, these, and the squared error."""
    if not len(kept):
        return kept, np.zeros(0), x @ x
    values = "nonnegative" if is_signed else "real"
    coefs = least_squares(units[np.newaxis, kept], x[np.newaxis], values)[0]
    kept, coefs = kept[coefs != 0], coefs[coefs != 0]
    return kept, coefs, np.sum((x - coefs @ units[kept]) ** 2)
