"""Codewords that are zero outside a window of dimensions: the dictionary of a coupled code."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_array

from sksupercode._utils._threads import thread_count
from sksupercode.dictionaries._base import Dictionary, as_codes, as_indices
from sksupercode.dictionaries._packed_signs import (
    PackedSignDictionary,
    compilation_is_enabled,
    csr_entries,
)
from sksupercode.dictionaries._signs import SignDictionary

# Signs times samples that are worth threads.
_WORTH_THREADS = 2**23


class BandedDictionary(Dictionary):
    r"""Blocks of signs, each in a window of the dimensions of its own, and zeros elsewhere.

    .. math::
        F_{ij} = \mathrm{scale} \cdot S^{(c)}_{i - n_c,\, j - s_c}
        \ \text{for codewords } i \text{ of block } c
        \text{ and dimensions } s_c \le j < s_c + w_c

    The codewords of the parts :math:`S^{(c)} \in \{-1, +1\}^{N_c \times w_c}` follow each other,
    and only they are stored. If each window starts within the window before it, F is a band.

    Parameters
    ----------
    parts : list of SignDictionary of shapes (N_c, w_c)
        The codewords in their windows, of which only the signs matter.

    starts : list of int
        The first dimension s_c of each window.

    n_components : int
        Number d of dimensions.

    scale : float or None, default=None
        Magnitude of the entries of F that are not 0. None gives codewords a mean squared norm of 1:
        each has the norm 1 if all windows have the same width.

    Raises
    ------
    ValueError
        If there are no parts, not as many as ``starts``, or if a window leaves the d dimensions.

    Notes
    -----
    :meth:`superpose` and :meth:`correlate` work part by part. Their time and memory are those of
    the whole matrix times the fraction of it that is not 0. They are as exact as the parts, which
    do all arithmetic of a :class:`SignDictionary`.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import BandedDictionary, SignDictionary
    >>> parts = [SignDictionary(np.array([[1, 1], [1, -1]])), SignDictionary(np.array([[-1, 1]]))]
    >>> dictionary = BandedDictionary(parts, [0, 1], 3)
    >>> np.asarray(dictionary.unnormalized)
    array([[ 1.,  1.,  0.],
           [ 1., -1.,  0.],
           [ 0., -1.,  1.]])
    >>> dictionary.superpose(np.array([[1, 0, 1]])) / dictionary.scale
    array([[1., 0., 1.]])
    """

    has_exact_sums = True
    prefers_integers = True

    def __init__(self, parts, starts, n_components, *, scale=None):
        if not parts or len(parts) != len(starts):
            raise ValueError(
                f"parts must be a list of dictionaries, each with its own of starts; got "
                f"{len(parts)} parts and {len(starts)} starts."
            )
        self._parts = [part.unnormalized for part in parts]
        counts, widths = np.array([part.shape for part in parts]).T
        first = np.array([0, *np.cumsum(counts)]).tolist()
        self._blocks = [
            (slice(*codewords), slice(start, start + width))
            for *codewords, start, width in zip(
                first[:-1], first[1:], map(int, starts), widths.tolist(), strict=True
            )
        ]
        for _, window in self._blocks:
            if window.start < 0 or window.stop > n_components:
                raise ValueError(
                    f"starts must keep every window within {n_components} dimensions, got one from "
                    f"{window.start} to {window.stop}."
                )
        super().__init__((first[-1], n_components), np.float64)
        self.scale = 1 / math.sqrt(np.average(widths, weights=counts)) if scale is None else scale

    @property
    def blocks(self):
        return list(self._blocks)

    @property
    def nbytes(self):
        return sum(part.nbytes for part in self._parts)

    @property
    def squared_norms(self):
        return np.concatenate([part.squared_norms for part in self._parts]) * self.scale**2

    @property
    def unnormalized(self):
        """The same codewords with entries 0 and +-1."""
        starts = [window.start for _, window in self._blocks]
        return BandedDictionary(self._parts, starts, self.shape[1], scale=1.0)

    to_units = SignDictionary.to_units

    def codewords(self, indices):
        indices = np.arange(self.shape[0])[as_indices(indices)]
        rows = indices.ravel()
        codewords = np.zeros((len(rows), self.shape[1]))
        firsts = [block.start for block, _ in self._blocks]
        owners = np.searchsorted(firsts, rows, side="right") - 1
        for c in np.unique(owners).tolist():
            block, window = self._blocks[c]
            found = np.flatnonzero(owners == c)
            codewords[found, window] = self._parts[c].codewords(rows[found] - block.start)
        codewords *= self.scale
        return codewords.reshape(*indices.shape, self.shape[1])

    def correlate(self, X):
        V = self._check_samples(X)
        scores = np.empty((len(V), self.shape[0]))

        def correlate_part(part, block, window):
            scores[:, block] = part.correlate(V[:, window])

        list(self._map(correlate_part, len(V) * self._n_signs))
        if self.scale != 1.0:
            scores *= self.scale**2
        return scores

    def correlate_blocks(self, X):
        V = self._check_samples(X)
        for part, (block, window) in zip(self._parts, self._blocks, strict=True):
            for first, scores in part.correlate_blocks(V[:, window]):
                yield block.start + first, scores * self.scale**2

    def superpose(self, Y):
        Y = csr_array(as_codes(Y))
        self._check_codes(Y)
        if self._are_packed and compilation_is_enabled():
            entries = csr_entries(Y)

            def superpose_part(part, block, window):
                return part._superpose_entries(*entries, first=block.start)
        else:

            def superpose_part(part, block, window):
                return part.superpose(Y[:, block])

        X = np.zeros((Y.shape[0], self.shape[1]))
        density = Y.nnz / max(1, Y.shape[0] * Y.shape[1])
        sums = self._map(superpose_part, len(X) * self._n_signs * density)
        for (_, window), part_of_X in zip(self._blocks, sums, strict=True):
            X[:, window] += part_of_X
        X *= self.scale
        return X

    @property
    def _are_packed(self):
        return all(type(part) is PackedSignDictionary for part in self._parts)

    @property
    def _n_signs(self):
        return sum(math.prod(part.shape) for part in self._parts)

    def _map(self, function, work):
        """Call a function of a part, its codewords and its window for each of them, in threads."""
        parts, blocks = self._parts, zip(*self._blocks, strict=True)
        # BLAS, which works with signs that are not packed, has threads itself.
        n_threads = thread_count() if work >= _WORTH_THREADS and self._are_packed else 1
        if n_threads == 1:
            yield from map(function, parts, *blocks)
        else:
            # A thread takes the next part when it is done with one, on which it works alone.
            with ThreadPoolExecutor(n_threads) as pool:
                yield from pool.map(function, parts, *blocks)
