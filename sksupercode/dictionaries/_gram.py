r"""Inner products of the codewords of an array with each other and with samples.

Let f_i be the codewords. Once the scores :math:`s_i = \langle f_i, r \rangle / \lVert f_i \rVert`
of a residual are known, subtracting a multiple of codeword j changes all of them by a multiple of

.. math::
    G_{ij} = \frac{\langle f_i, f_j \rangle}{\lVert f_i \rVert \, \lVert f_j \rVert} ,

the row of j in the Gram matrix of the normalised codewords: N numbers instead of N d products.
Sums are in float32, and each comes with a bound on its error. With codewords and a vector of norm 1
and machine precision :math:`\epsilon = 2^{-24}`, n products in any order of summation are off by at
most :math:`n \epsilon` by Cauchy and Schwarz. Parts of the d products are therefore summed by
themselves, and the sums of these added: n is then their length plus their number. Rounding f, r and
the norms costs a few :math:`\epsilon` more.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import weakref
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import block_length
from sksupercode._utils._shared_lock import LockOfProcess
from sksupercode._utils._threads import in_threads, single_blas_thread
from sksupercode.dictionaries._gram_store import GramStore
from sksupercode.dictionaries._packed_signs import compilation_is_enabled

# Codewords of norms in between can be multiplied in float32 as they are.
_SMALLEST_NORM, _LARGEST_NORM = 2.0**-60, 2.0**60
# Products summed by themselves, codewords and vectors multiplied at a time.
_PART, _CODEWORDS, _VECTORS = 512, 1024, 1024
# Products that are worth a thread of their own.
_WORTH_A_THREAD = 2**22

_stores, _stores_lock = weakref.WeakValueDictionary(), LockOfProcess()


class GramRows:
    """The Gram matrix of N normalised codewords in R^d, of which rows are computed when needed.

    Dictionaries of equal codewords share the rows, which are kept within ``gram_memory``: see
    :func:`sksupercode.set_config`.

    Parameters
    ----------
    array : ndarray of shape (N, d)
        The codewords, in any float format. It is kept, not copied.

    squared_norms : float64 ndarray of shape (N,)
        Their squared norms, neither over- nor underflowed.

    hashes : int64 ndarray of shape (N,)
        A hash of each codeword.

    Attributes
    ----------
    norms : float64 ndarray of shape (N,)
        Norms of the codewords. Those of norm 0 have inner products of 0.

    error : float
        Bound on the error of :meth:`correlate` for samples of norm 1.
    """

    def __init__(self, array, squared_norms, hashes):
        self._array = array
        self.norms = np.sqrt(squared_norms)
        self._divisors = np.where(self.norms == 0, 1.0, self.norms)
        low, high = self._divisors.min(), self._divisors.max()
        is_moderate = low > _SMALLEST_NORM and high < _LARGEST_NORM
        # Else codewords are normalised before they are multiplied.
        self._is_divided_after = is_moderate and array.dtype.itemsize <= 4
        n_parts = -(-array.shape[1] // _PART)
        bounds = np.linspace(0, array.shape[1], n_parts + 1).astype(int)
        self._parts = [slice(*pair) for pair in pairwise(bounds)]
        self.error = (max(np.diff(bounds)) + n_parts + 8) * 2.0**-24
        self._store = _shared_store(array, hashes)

    @property
    def shape(self):
        """N and d."""
        return self._array.shape

    @cached_property
    def codewords(self):
        """The codewords as compiled code reads them, whatever their format: a tuple of arrays.

        The first three have shape (N, d), and all but one of them are empty: the bits of numbers
        of half precision as uint16, float32, and float64. The last one, float32 of shape (2**16,),
        is what 16 bits stand for. So code is compiled once, and not for each format.
        """
        array, table = self._array, np.zeros(0, dtype=np.float32)
        if array.dtype.itemsize == 2:
            table = np.arange(2**16, dtype=np.uint16).view(array.dtype).astype(np.float32)
            array = array.view(np.uint16)
        formats = (np.dtype(name) for name in ("u2", "f4", "f8"))
        stored = [array[:] if array.dtype == f else np.zeros((0, 0), dtype=f) for f in formats]
        # It is also compiled for arrays that can be written to, and for those that cannot.
        for view in stored:
            view.flags.writeable = False
        return *stored, table

    @property
    def capacity(self):
        """How many rows a call of :meth:`rows` can have."""
        return self._store.capacity

    @property
    def nbytes(self):
        """Bytes of the rows that are kept."""
        return self._store.nbytes

    def rows(self, indices):
        """Compute rows unless they are there, and keep them there for a block of code.

        Parameters
        ----------
        indices : array-like of int of shape (m,)
            Codewords, repetitions allowed. Those that are too many for the budget are left out,
            the last first: ``slots`` says which are there.

        Returns
        -------
        rows : context manager
            Gives the :class:`Rows`, to be read inside of the block only. Others may read meanwhile,
            and add rows. A block in another of the same thread may wait for ever.
        """
        indices = np.asarray(indices, dtype=np.intp).ravel()
        return self._store.rows(indices, self._compute, self.error)

    def correlate(self, V):
        """Return the inner products of samples with the normalised codewords.

        Parameters
        ----------
        V : ndarray of shape (n_samples, d)
            Points in code space, of norms between 1e-18 and 1e18, or 0.

        Returns
        -------
        scores : float32 ndarray of shape (n_samples, N)
            Inner products, 0 with codewords of norm 0.

        error : float
            Bound on their error, for samples of norm 1.
        """
        scores = np.empty((len(V), len(self._array)), dtype=np.float32)
        self._multiply(V.astype(np.float32, copy=False), scores)
        return scores, self.error

    def units(self, indices):
        """Return normalised codewords in float64, of shape (m, d); those of norm 0 are 0."""
        return self._array[indices].astype(np.float64) / self._divisors[indices, np.newaxis]

    def _compute(self, indices, columns, out):
        vectors = np.empty((len(indices), self._array.shape[1]), dtype=np.float32)
        for rows in gen_batches(len(indices), block_length(16 * vectors.shape[1], share=0.125)):
            vectors[rows] = self.units(indices[rows])
        self._multiply(vectors, out, columns)

    def _multiply(self, vectors, out, columns=None):
        """Write inner products of vectors in float32 with all normalised codewords, or some."""
        n_features, d = out.shape[1], self._array.shape[1]
        least = max(1, _WORTH_A_THREAD // max(1, len(vectors) * d))
        # Threads of BLAS wait for each other at every block, for long where a processor is busy.
        with single_blas_thread():
            multiply = partial(self._multiply_some, vectors, out, columns)
            in_threads(multiply, n_features, least=least)

    def _multiply_some(self, vectors, out, codewords, start, stop):
        length = min(_CODEWORDS, block_length(16 * self._array.shape[1], share=0.125))
        sums = np.empty((min(_VECTORS, len(vectors)), min(length, stop - start)), np.float32)
        for first in range(start, stop, length):
            columns = slice(first, min(first + length, stop))
            rows = columns if codewords is None else codewords[columns]
            block, divisors = self._in_float32(rows).T, self._divisors[rows]
            for some in gen_batches(len(vectors), _VECTORS):
                target = out[some, columns]
                part = sums[: target.shape[0], : target.shape[1]]
                np.matmul(vectors[some, self._parts[0]], block[self._parts[0]], out=target)
                for products in self._parts[1:]:
                    target += np.matmul(vectors[some, products], block[products], out=part)
                if self._is_divided_after:
                    target /= divisors.astype(np.float32)

    def _in_float32(self, rows):
        """Return a block of codewords for float32, normalised unless scores are divided later."""
        block = self._array[rows]
        if not self._is_divided_after:
            block = block.astype(np.float64) / self._divisors[rows, np.newaxis]
        elif block.dtype == np.float16 and compilation_is_enabled():
            from sksupercode.dictionaries._half_kernels import widen

            return widen(block)
        return block.astype(np.float32, copy=False)


def _shared_store(array, hashes):
    """Return the store of this array, which other arrays of the same numbers have as well."""
    key = (array.shape, array.dtype.name, hash(hashes.tobytes()))
    with _stores_lock.get().updating:
        store = _stores.get(key)
        # Who wrote to an array must not spoil the rows of others.
        if store is None or not all(_are_equal(other, array) for other in store.arrays.values()):
            store = _stores[key] = GramStore(*array.shape)
        store.arrays[id(array)] = array
    return store


def _are_equal(array, other):
    return array.ctypes.data == other.ctypes.data or np.array_equal(array, other)
