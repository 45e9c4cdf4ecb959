"""Inherited tests: shape, codewords and correlations."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.testing import assert_array_equal, assert_equal, assert_raises
from scipy.sparse.linalg import LinearOperator

from sksupercode.dictionaries import Dictionary
from sksupercode.testing._dictionary_twin import DictionaryTwin


class CorrelationTests(DictionaryTwin):
    """The dictionary as an array, and its correlations."""

    def test_what_it_is(self):
        """It is a linear operator of shape (N, d), of float32 or float64."""
        assert isinstance(self.F, Dictionary) and isinstance(self.F, LinearOperator)
        assert_equal((self.F.shape, self.F.T.shape), (self.twin.shape, self.twin.T.shape))
        assert self.F.dtype == self.F.T.dtype
        assert self.F.dtype in (np.float32, np.float64)

    def test_nbytes(self):
        """It says what it stores, which is no more than the twin in float64, or a page."""
        assert isinstance(self.F.nbytes, int)
        assert 0 <= self.F.nbytes <= max(8 * self.twin.size, 4096)

    def test_capabilities(self):
        """What it declares that it can do, it can."""
        if self.F.has_signs:
            assert_array_equal(np.abs(np.asarray(self.F.unnormalized)), 1)
        if self.F.has_array:
            assert self.F.nbytes >= 2 * np.prod(self.F.shape)
        if self.F.has_random_signs or self.F.has_packed_signs:
            assert self.F.has_signs and self.F.has_exact_sums
        if self.F.has_packed_signs:
            V = self._integer_samples().astype(np.float64)
            scores = np.ones((len(V), self.F.shape[0]))
            self.F.add_correlations(V, np.arange(len(V)), scores)
            assert_array_equal(scores, 1 + V @ np.asarray(self.F.unnormalized).T)

    # As an array

    def test_asarray(self):
        """``numpy.asarray`` gives the twin, the transpose its transpose, in any dtype."""
        array = np.asarray(self.F)
        assert_equal(array.dtype, self.F.dtype)
        self._assert_product(array, self.twin, np.eye(self.twin.shape[1]))
        assert_array_equal(np.asarray(self.F.T), array.T)
        for dtype in (np.float32, np.float64):
            for operator, expected in ((self.F, array), (self.F.T, array.T)):
                assert_array_equal(np.asarray(operator, dtype=dtype), expected.astype(dtype))
                assert_equal(np.asarray(operator, dtype=dtype).dtype, dtype)

    def test_array_is_a_copy(self):
        """What ``numpy.array`` gives can be written to, and the dictionary stays.

        With ``copy=False`` nothing is copied, or it is refused.
        """
        for operator in (self.F, self.F.T):
            before = np.asarray(operator).tolist()
            array = np.array(operator)
            array += 1
            assert_array_equal(np.asarray(operator), before)
            try:
                array = np.array(operator, copy=False)
            except ValueError:
                continue
            assert np.shares_memory(array, np.array(operator, copy=False))

    # Codewords

    def _check_codewords(self, indices):
        codewords = self.F.codewords(indices)
        assert_equal(codewords.dtype, self.F.dtype)
        assert_array_equal(codewords, np.asarray(self.F)[np.asarray(indices, dtype=int)])
        assert codewords.flags.writeable
        assert not np.shares_memory(codewords, np.asarray(self.F))

    def test_codewords(self):
        """Rows in any order, again and again, by a list, from the end, one, none."""
        n_features = self.F.shape[0]
        self._check_codewords(np.random.default_rng(0).permutation(n_features))
        self._check_codewords(np.array([n_features - 1, 0, 0, n_features // 2, 0]))
        for indices in ([0, -1], [], np.array([], dtype=np.intp), np.array([0]), np.array(0)):
            self._check_codewords(indices)

    def test_codewords_of_any_integers(self):
        """Indices may be of any integer type; one that names no codeword is an IndexError."""
        for dtype in (np.int8, np.uint8, np.int32, np.uint64):
            self._check_codewords(np.zeros(3, dtype=dtype))
        for index in (self.F.shape[0], -self.F.shape[0] - 1):
            assert_raises(IndexError, self.F.codewords, np.array([index]))

    # Correlate: S = X F^T

    def _check_correlate(self, X):
        before = X.copy()
        scores = self.F.correlate(X)
        self._assert_product(scores, X, self.twin.T)
        assert scores.dtype in (np.float32, np.float64)
        assert scores.flags.writeable and not np.shares_memory(scores, X)
        assert_array_equal(X, before)

    def test_correlate(self):
        """Many samples, one, none."""
        for n_samples in (6, 1, 0):
            self._check_correlate(self._samples(n_samples))

    def test_correlate_any_numbers(self):
        """Single precision, integers, and bools."""
        self._check_correlate(self._samples().astype(np.float32))
        for dtype in (np.int64, np.int8, bool):
            self._check_correlate(self._integer_samples().astype(dtype))

    def test_correlate_zeros(self):
        """A zero sample has scores of exactly 0, beside others."""
        X = self._samples()
        X[::2] = 0
        self._check_correlate(X)
        assert_array_equal(self.F.correlate(X)[::2], 0)

    def test_correlate_memory_layouts(self):
        """Fortran order, steps over rows and columns, negative strides, read-only."""
        X = self._samples()
        read_only = X.copy()
        read_only.flags.writeable = False
        strided = np.repeat(X, 3, axis=1)[:, ::3]
        for layout in (np.asfortranarray(X), strided, X[::2], X[::-1, ::-1], read_only):
            self._check_correlate(layout)

    def test_correlate_blocks(self):
        """One block after the other has the scores of all."""
        for X in (self._samples(), self._samples(0)):
            blocks, n_scores = [], 0
            for first, scores in self.F.correlate_blocks(X):
                assert_equal(first, n_scores)
                n_scores += scores.shape[1]
                blocks.append(scores)
            self._assert_same(np.hstack(blocks), self.F.correlate(X))

    def test_correlate_refuses_other_dimensions(self):
        """Samples of other than d dimensions are a ValueError."""
        X = self._samples()
        assert_raises(ValueError, self.F.correlate, np.hstack([X, X]))
        assert_raises(ValueError, self.F.correlate, X[:, 1:])
