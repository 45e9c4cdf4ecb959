"""Dictionaries of signs at one bit an entry, or at none: drawn again whenever they are needed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array

from sksupercode._utils._blocks import batches
from sksupercode._utils._threads import in_threads
from sksupercode.dictionaries._base import as_codes
from sksupercode.dictionaries._signs import (
    SignDictionary,
    n_words,
    pack_signs,
    random_sign_rows,
    random_sign_words,
    unpack_signs,
)

_LANES = 32
# Operations on words that are worth a thread of their own.
_WORTH_A_THREAD = 2**20
# Scores of a block, and the fewest groups of codewords in one.
_BLOCK_SCORES = 2**22
_FEWEST_GROUPS = 2**9


def compilation_is_enabled():
    """Return whether the compiled kernels can be used."""
    import numba

    return not numba.config.DISABLE_JIT


class PackedSignDictionary(SignDictionary):
    """Signs packed to one bit an entry, in 1/32 of the memory of float32, correlated as they are.

    The same numbers as :class:`SignDictionary`, by XOR, AND and popcount on the ternary digits of
    the samples: about 4 digits for a superposition, 30 for a sample of real numbers. The first use
    in a process imports numba, the first on a machine compiles. ``NUMBA_NUM_THREADS`` and
    ``OMP_NUM_THREADS`` limit the threads, and with ``NUMBA_DISABLE_JIT=1`` blocks of codewords are
    expanded for BLAS instead.

    Parameters
    ----------
    signs : ndarray of shape (N, d)
        Nonzero numbers, of which only the sign is kept.

    scale : float, default=1 / sqrt(d)
        Magnitude of the entries of F; the default makes codewords of unit norm.
    """

    @property
    def has_packed_signs(self):
        """Whether kernels for them can be compiled."""
        return compilation_is_enabled()

    def _store(self, signs):
        self._allocate(*signs.shape)
        for rows in batches(len(signs), self._block_length(signs.shape[1])):
            self._store_words(pack_signs(signs[rows]), rows.start, signs.shape[1])

    def _allocate(self, n_features, n_components):
        # Word w of codeword 32 g + l is lanes[g, w, l].
        shape = (-(-n_features // _LANES), n_words(n_components), _LANES)
        self._lanes = np.zeros(shape, dtype=np.uint64)

    def _store_words(self, words, first, n_components):
        _interleave(words, self._lanes[first // _LANES :])

    def _set_shape(self, shape, scale):
        super()._set_shape(shape, scale)
        # As in the workers of joblib, which get a map of read-only memory.
        self._lanes.flags.writeable = False

    def _words(self, rows):
        """Return rows of packed signs, given as a slice or an array of indices."""
        indices = np.arange(self.shape[0])[rows]
        return self._lanes[indices // _LANES, :, indices % _LANES]

    def _signs(self, rows):
        return unpack_signs(self._words(rows), self.shape[1])

    @property
    def nbytes(self):
        return self._lanes.nbytes

    def correlate(self, X):
        if not compilation_is_enabled():
            return super().correlate(X)
        return self._scores(self._finite_samples(X)[0], slice(0, self.shape[0]))

    def correlate_blocks(self, X):
        if not compilation_is_enabled():
            yield from super().correlate_blocks(X)
            return
        V, _ = self._finite_samples(X)
        length = _LANES * max(_FEWEST_GROUPS, _BLOCK_SCORES // (_LANES * max(1, len(V))))
        for block in batches(self.shape[0], min(length, _BLOCK_SCORES // 16)):
            yield block.start, self._scores(V, block)

    def _scores(self, V, block):
        scores = np.zeros((len(V), block.stop - block.start))
        self.add_correlations(V, np.arange(len(V)), scores, first=block.start)
        if self.scale != 1.0:
            scores *= self.scale**2
        return scores

    def add_correlations(self, vectors, rows, scores, *, first=0):
        """Add ``V S^T`` for vectors in units of S to some rows of scores, in place.

        Parameters
        ----------
        vectors : float64 ndarray of shape (m, d)
            In C order.

        rows : int64 ndarray of shape (m,)
            The row of ``scores`` that belongs to each vector.

        scores : float64 ndarray of shape (n_samples, m)
            In C order.

        first : int, default=0
            The codeword that column 0 belongs to, a multiple of 32.
        """
        from sksupercode.dictionaries._sign_kernels import add_correlations

        last = -(-(first + scores.shape[1]) // _LANES)
        lanes = self._lanes[first // _LANES : last]
        work_of_a_group = _LANES * self._lanes.shape[1] * max(1, len(rows))

        def add_part(start, stop):
            add_correlations(lanes, 0, vectors, rows, scores, start, stop)

        in_threads(add_part, len(lanes), least=1 + _WORTH_A_THREAD // work_of_a_group)

    def lanes(self, indices):
        """Return codewords packed like the dictionary itself.

        Parameters
        ----------
        indices : int64 ndarray of shape (m,)
            Rows of F.

        Returns
        -------
        lanes : uint64 ndarray of shape (ceil(m / 32), ceil(d / 64), 32)
            Word w of the codeword of ``indices[32 * g + l]`` at ``[g, w, l]``.
        """
        from sksupercode.dictionaries._sign_kernels import gather

        lanes = gather(self._lanes, indices)
        lanes.flags.writeable = False
        return lanes

    def superpose(self, Y):
        if self.scale != 1.0 or not compilation_is_enabled():
            return super().superpose(Y)
        Y = csr_array(as_codes(Y))
        entries = csr_entries(Y)
        self._check_codes(Y)
        return self._superpose_entries(*entries)

    def _superpose_entries(self, indptr, indices, data, *, first=0):
        """Superpose codes, in units of S; codeword 0 is that of column ``first``."""
        from sksupercode.dictionaries._sign_kernels import superpose

        n_words = self._lanes.shape[1]
        X = np.zeros((len(indptr) - 1, 64 * n_words))

        def add_part(*words):
            codewords = first, first + self.shape[0]
            superpose(self._lanes, words, indptr, indices, data, codewords, X)

        in_threads(add_part, n_words, least=1 + _WORTH_A_THREAD // (1 + 8 * len(data)))
        return np.ascontiguousarray(X[:, : self.shape[1]])


def checked_csr(Y):
    """Return codes as a float64 CSR array that compiled code, which checks no bounds, may read."""
    Y = csr_array(as_codes(Y)).astype(np.float64, copy=False)
    if Y.ndim != 2:
        raise ValueError(f"Y must be a matrix, got an array of shape {Y.shape}.")
    Y.check_format(full_check=True)
    return Y


def csr_entries(Y):
    """Return indptr, indices and data of a matrix with the types that kernels are compiled for."""
    Y = checked_csr(Y).sorted_indices()
    return Y.indptr.astype(np.int64), Y.indices.astype(np.int64), Y.data


class SeededSignDictionary(PackedSignDictionary):
    """Random signs that are not stored at all: codewords are drawn again from their seed.

    They are the codewords that every other storage has. Drawing one takes longer than correlating
    it with a sample, but all samples of a batch share it.

    Parameters
    ----------
    n_features, n_components : int
        Shape (N, d).

    seed : numpy.random.SeedSequence
        Names the codebook.
    """

    has_random_signs = True

    def __init__(self, n_features, n_components, seed):
        self._seed = seed
        self._set_shape((n_features, n_components), None)

    def _set_shape(self, shape, scale):
        SignDictionary._set_shape(self, shape, scale)

    @classmethod
    def random(cls, n_features, n_components, seed):
        return cls(n_features, n_components, seed)

    def _draw(self, start, stop):
        return random_sign_words(*self.shape, self._seed, start=start, stop=stop)

    def _words(self, rows):
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.shape[0])
            return self._draw(start, stop)
        indices = np.arange(self.shape[0])[rows]
        words = random_sign_rows(indices.ravel(), self.shape[1], self._seed)
        return words.reshape(*indices.shape, words.shape[1])

    def lanes(self, indices):
        return interleaved(self._words(indices))

    @property
    def nbytes(self):
        return 0

    def add_correlations(self, vectors, rows, scores, *, first=0):
        from sksupercode.dictionaries._sign_kernels import add_correlations

        n_features, n_components = self.shape

        def add_part(start, stop):
            for block in batches(stop - start, self._block_length(n_components) // _LANES):
                low, high = start + block.start, start + block.stop
                words = self._draw(first + _LANES * low, min(first + _LANES * high, n_features))
                add_correlations(interleaved(words), low, vectors, rows, scores, low, high)

        in_threads(add_part, -(-scores.shape[1] // _LANES))

    def superpose(self, Y):
        return super(PackedSignDictionary, self).superpose(Y)


def interleaved(words):
    """Return rows of packed signs in the layout of a dictionary's lanes."""
    lanes = np.zeros((-(-len(words) // _LANES), words.shape[1], _LANES), dtype=np.uint64)
    _interleave(words, lanes)
    lanes.flags.writeable = False
    return lanes


def _interleave(words, lanes):
    """Store rows of words as the first codewords of ``lanes``."""
    if compilation_is_enabled():
        from sksupercode.dictionaries._sign_kernels import interleave

        interleave(words, lanes)
    else:
        for lane in range(_LANES):
            part = words[lane::_LANES]
            lanes[: len(part), :, lane] = part
