"""The dictionary as a linear operator.

A dictionary F has shape (N, d): its N rows are codewords in d dimensions. Encoders *superpose*
(``X = Y F``), decoders *correlate* (``S = X F^T``), and neither knows how the codewords are stored.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import LinearOperator

from sksupercode._utils._blocks import block_length
from sksupercode._utils._validation import as_array, transpose_hint


def as_codes(Y):
    """Return codes, perhaps of PyTorch, in a dtype that sparse arrays have."""
    Y = as_array(Y, "Y")
    return Y.astype(np.float32) if getattr(Y, "dtype", None) == np.float16 else Y


def as_indices(indices):
    """Return an array to index rows with; of an empty list, an array of integers."""
    indices = np.asarray(indices)
    return indices if indices.size else indices.astype(np.intp)


class Dictionary(LinearOperator, ABC):
    """N codewords in R^d: the matrix F of shape (N, d), never assumed to be stored as one.

    A subclass supplies :meth:`codewords`, :meth:`correlate` and :attr:`nbytes`. A dictionary is
    immutable, so that copies (``copy.deepcopy``, :func:`sklearn.base.clone`) share it.

    Parameters
    ----------
    shape : tuple of (int, int)
        The number of codewords N and of dimensions d.

    dtype : dtype
        Floating type of the codewords.

    Attributes
    ----------
    scale : float
        ``F = scale * unnormalized``.

    has_exact_sums : bool
        Whether sums are exact: superpositions of integer codes, and correlations of samples that
        are integers in the units of :attr:`unnormalized`. They then depend neither on the order of
        summation nor on the batch.

    has_signs : bool
        Whether all entries of :attr:`unnormalized` are +1 or -1.

    has_random_signs : bool
        Whether these signs are known to be random: independent, with equal odds.

    has_packed_signs : bool
        Whether these signs come packed to bits, by the methods ``lanes`` and ``add_correlations``
        of :class:`PackedSignDictionary`, which numba compiles.

    has_array : bool
        Whether F is kept as an array of floats, and not as anything smaller.

    prefers_integers : bool
        Whether samples of small integers are correlated faster than others.

    Notes
    -----
    A dictionary declares by these attributes what it can do. Decoders ask for them, never for a
    class, so that they use what a new dictionary can do. Each is False unless a subclass says
    otherwise.
    """

    scale = 1.0
    has_exact_sums = False
    has_signs = False
    has_random_signs = False
    has_packed_signs = False
    has_array = False
    prefers_integers = False

    def __init__(self, shape, dtype):
        super().__init__(dtype=np.dtype(dtype), shape=shape)

    @abstractmethod
    def codewords(self, indices):
        """Return the codewords of the given indices.

        Parameters
        ----------
        indices : array-like of int of shape (m,)
            Rows of F, repetitions allowed.

        Returns
        -------
        codewords : ndarray of shape (m, d)
            The rows, in the dictionary's dtype.
        """

    @abstractmethod
    def correlate(self, X):
        """Return the inner products ``X F^T`` of every sample with every codeword.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        scores : ndarray of shape (n_samples, N)
            Inner products.
        """

    def correlate_blocks(self, X):
        """Correlate with one block of codewords after the other.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Points in code space.

        Yields
        ------
        first : int
            Index of the first codeword of the block.

        scores : ndarray of shape (n_samples, m)
            The columns of :meth:`correlate` from ``first`` on.
        """
        yield 0, self.correlate(X)

    @property
    @abstractmethod
    def nbytes(self):
        """Bytes that the stored codewords occupy."""

    @property
    @abstractmethod
    def squared_norms(self):
        """Squared Euclidean norm of each codeword, float64 array of shape (N,)."""

    @property
    def blocks(self):
        """Where F is not zero: a list of pairs of slices, of codewords and of their dimensions.

        The codewords of the pairs follow each other; those of one pair have their power spread
        evenly over its dimensions.
        """
        return [(slice(0, self.shape[0]), slice(0, self.shape[1]))]

    @property
    def unnormalized(self):
        """The dictionary ``F / scale``, whose entries are simple numbers: +-1 for signs."""
        return self

    def to_units(self, X):
        """Return ``X / scale``, the samples in the units of :attr:`unnormalized`.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        V : float64 ndarray of shape (n_samples, d)
            A superposition ``y F`` becomes ``y (F / scale)``: the codes y stay the same.
        """
        return np.asarray(as_array(X), dtype=np.float64)

    def superpose(self, Y):
        """Return the superpositions ``X = Y F``: for each row y, the sum of its codewords.

        Parameters
        ----------
        Y : {ndarray, sparse matrix or array} of shape (n_samples, N)
            Sparse codes.

        Returns
        -------
        X : float64 ndarray of shape (n_samples, d)
            Points in code space.

        Raises
        ------
        ValueError
            If Y has not N columns.

        Notes
        -----
        Use this method for sparse codes: ``Y @ F`` makes SciPy expand the whole dictionary.
        """
        Y = csc_array(as_codes(Y), dtype=np.float64)
        self._check_codes(Y)
        X = np.zeros((Y.shape[0], self.shape[1]))
        used, rows = np.flatnonzero(np.diff(Y.indptr)), np.arange(len(X))
        # Only rows in use are ever expanded, a bounded number of them at a time.
        step = block_length(16 * self.shape[1], share=0.25)
        for start in range(0, len(used), step):
            indices = used[start : start + step]
            bounds = np.append(Y.indptr[indices], Y.indptr[indices[-1] + 1])
            entries = slice(bounds[0], bounds[-1])
            # Each sum goes on where it was, as a column of its own, so that blocks of any length
            # round alike.
            sums = rows if start else rows[:0]
            data = np.append(np.ones(len(sums)), Y.data[entries])
            row_indices = np.append(sums, Y.indices[entries])
            indptr = np.append(sums, bounds - bounds[0] + len(sums))
            codes = csc_array((data, row_indices, indptr), (len(X), len(sums) + len(indices)))
            X = codes @ np.vstack([X[sums], self.codewords(indices)])
        return X

    def _check_codes(self, Y):
        if Y.shape[1] != self.shape[0]:
            raise ValueError(
                f"Y has {Y.shape[1]} columns, but the dictionary has {self.shape[0]} codewords."
            )

    def _check_samples(self, X):
        """Return samples in the units of :attr:`unnormalized`; refuse those of another d."""
        X = np.asarray(as_array(X), dtype=np.float64)
        self._check_shape(X)
        return X if self.scale == 1.0 else self.to_units(X)

    def _check_shape(self, X):
        if X.ndim != 2 or X.shape[1] != self.shape[1]:
            is_turned = self.has_array and X.ndim == 2
            raise ValueError(
                f"X must have shape (n_samples, {self.shape[1]}), got an array of shape {X.shape}"
                + (transpose_hint(self.shape, X.shape[1], "the array") if is_turned else ".")
            )

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("A dictionary can be converted to an array only by making a copy.")
        return self.codewords(np.arange(self.shape[0])).astype(dtype or self.dtype, copy=False)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def _matmat(self, X):
        return self.correlate(X.T).T

    def _rmatmat(self, Y):
        return self.superpose(Y.T).T

    def _adjoint(self):
        return _TransposedDictionary(self)

    _transpose = _adjoint


class _TransposedDictionary(LinearOperator):
    """The matrix F^T of shape (d, N), a real operator whose transpose is the dictionary itself."""

    def __init__(self, dictionary):
        super().__init__(dtype=dictionary.dtype, shape=dictionary.shape[::-1])
        self._dictionary = dictionary

    def _matmat(self, Y):
        return self._dictionary._rmatmat(Y)

    def _adjoint(self):
        return self._dictionary

    _transpose = _adjoint

    def __array__(self, dtype=None, copy=None):
        return np.array(self._dictionary, dtype=dtype, copy=copy).T
