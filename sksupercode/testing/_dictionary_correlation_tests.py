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
        dictionary, twin = self.make()
        assert isinstance(dictionary, Dictionary) and isinstance(dictionary, LinearOperator)
        assert_equal((dictionary.shape, dictionary.T.shape), (twin.shape, twin.T.shape))
        assert dictionary.dtype == dictionary.T.dtype
        assert dictionary.dtype in (np.float32, np.float64)

    def test_nbytes(self):
        """It says what it stores, which is no more than the twin in float64, or a page."""
        dictionary, twin = self.make()
        assert isinstance(dictionary.nbytes, int)
        assert 0 <= dictionary.nbytes <= max(8 * twin.size, 4096)

    def test_capabilities(self):
        """What it declares that it can do, it can."""
        dictionary, _ = self.make()
        if dictionary.has_signs:
            assert_array_equal(np.abs(np.asarray(dictionary.unnormalized)), 1)
        if dictionary.has_array:
            assert dictionary.nbytes >= 4 * np.prod(dictionary.shape)
        if dictionary.has_random_signs or dictionary.has_packed_signs:
            assert dictionary.has_signs and dictionary.has_exact_sums
        if dictionary.has_packed_signs:
            V = self._integer_samples(dictionary).astype(np.float64)
            scores = np.ones((len(V), dictionary.shape[0]))
            dictionary.add_correlations(V, np.arange(len(V)), scores)
            assert_array_equal(scores, 1 + V @ np.asarray(dictionary.unnormalized).T)

    # As an array

    def test_asarray(self):
        """``numpy.asarray`` gives the twin, the transpose its transpose, in any dtype."""
        dictionary, twin = self.make()
        array = np.asarray(dictionary)
        assert_equal(array.dtype, dictionary.dtype)
        self._assert_product(array, twin, np.eye(twin.shape[1]))
        assert_array_equal(np.asarray(dictionary.T), array.T)
        for dtype in (np.float32, np.float64):
            for operator, expected in ((dictionary, array), (dictionary.T, array.T)):
                assert_array_equal(np.asarray(operator, dtype=dtype), expected.astype(dtype))
                assert_equal(np.asarray(operator, dtype=dtype).dtype, dtype)

    def test_array_is_a_copy(self):
        """What ``numpy.array`` gives can be written to, and the dictionary stays.

        With ``copy=False`` nothing is copied, or it is refused.
        """
        dictionary, _ = self.make()
        for operator in (dictionary, dictionary.T):
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
        dictionary, _ = self.make()
        codewords = dictionary.codewords(indices)
        assert_equal(codewords.dtype, dictionary.dtype)
        assert_array_equal(codewords, np.asarray(dictionary)[np.asarray(indices, dtype=int)])
        assert codewords.flags.writeable
        assert not np.shares_memory(codewords, np.asarray(dictionary))

    def test_codewords(self):
        """Rows in any order, again and again, by a list, from the end, one, none."""
        n_features = self.make()[0].shape[0]
        self._check_codewords(np.random.default_rng(0).permutation(n_features))
        self._check_codewords(np.array([n_features - 1, 0, 0, n_features // 2, 0]))
        for indices in ([0, -1], [], np.array([], dtype=np.intp), np.array([0]), np.array(0)):
            self._check_codewords(indices)

    def test_codewords_of_any_integers(self):
        """Indices may be of any integer type; one that names no codeword is an IndexError."""
        dictionary, _ = self.make()
        for dtype in (np.int8, np.uint8, np.int32, np.uint64):
            self._check_codewords(np.zeros(3, dtype=dtype))
        for index in (dictionary.shape[0], -dictionary.shape[0] - 1):
            assert_raises(IndexError, dictionary.codewords, np.array([index]))

    # Correlate: S = X F^T

    def _check_correlate(self, X):
        dictionary, twin = self.make()
        before = X.copy()
        scores = dictionary.correlate(X)
        self._assert_product(scores, X, twin.T)
        assert scores.dtype in (np.float32, np.float64)
        assert scores.flags.writeable and not np.shares_memory(scores, X)
        assert_array_equal(X, before)

    def test_correlate(self):
        """Many samples, one, none."""
        for n_samples in (6, 1, 0):
            self._check_correlate(self._samples(self.make()[0], n_samples))

    def test_correlate_any_numbers(self):
        """Single precision, integers, and bools."""
        self._check_correlate(self._samples(self.make()[0]).astype(np.float32))
        for dtype in (np.int64, np.int8, bool):
            self._check_correlate(self._integer_samples(self.make()[0]).astype(dtype))

    def test_correlate_zeros(self):
        """A zero sample has scores of exactly 0, beside others."""
        dictionary, _ = self.make()
        X = self._samples(dictionary)
        X[::2] = 0
        self._check_correlate(X)
        assert_array_equal(dictionary.correlate(X)[::2], 0)

    def test_correlate_memory_layouts(self):
        """Fortran order, steps over rows and columns, negative strides, read-only."""
        X = self._samples(self.make()[0])
        read_only = X.copy()
        read_only.flags.writeable = False
        strided = np.repeat(X, 3, axis=1)[:, ::3]
        for layout in (np.asfortranarray(X), strided, X[::2], X[::-1, ::-1], read_only):
            self._check_correlate(layout)

    def test_correlate_blocks(self):
        """One block after the other has the scores of all."""
        dictionary, _ = self.make()
        for X in (self._samples(dictionary), self._samples(dictionary, 0)):
            blocks, n_scores = [], 0
            for first, scores in dictionary.correlate_blocks(X):
                assert_equal(first, n_scores)
                n_scores += scores.shape[1]
                blocks.append(scores)
            self._assert_same(np.hstack(blocks), dictionary.correlate(X))

    def test_correlate_refuses_other_dimensions(self):
        """Samples of other than d dimensions are a ValueError."""
        dictionary, _ = self.make()
        X = self._samples(dictionary)
        assert_raises(ValueError, dictionary.correlate, np.hstack([X, X]))
        assert_raises(ValueError, dictionary.correlate, X[:, 1:])
