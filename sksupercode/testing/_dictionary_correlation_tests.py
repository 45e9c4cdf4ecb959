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

    # What it is

    def test_is_a_linear_operator(self):
        """It is one of ours and one of SciPy's."""
        dictionary, _ = self.make()
        assert isinstance(dictionary, Dictionary) and isinstance(dictionary, LinearOperator)

    def test_shape(self):
        """Its shape is (N, d), of plain integers."""
        dictionary, twin = self.make()
        assert_equal(dictionary.shape, twin.shape)
        assert_equal(dictionary.T.shape, twin.T.shape)

    def test_dtype(self):
        """Its codewords are float32 or float64."""
        dictionary, _ = self.make()
        assert dictionary.dtype in (np.float32, np.float64)
        assert_equal(dictionary.T.dtype, dictionary.dtype)

    def test_nbytes(self):
        """It says what it stores, which is no more than the twin in float64, or a page."""
        dictionary, twin = self.make()
        assert isinstance(dictionary.nbytes, int)
        assert 0 <= dictionary.nbytes <= max(8 * twin.size, 4096)

    def test_asarray(self):
        """``numpy.asarray`` gives the twin."""
        dictionary, twin = self.make()
        array = np.asarray(dictionary)
        assert_equal(array.dtype, dictionary.dtype)
        self._assert_product(array, twin, np.eye(twin.shape[1]))

    def test_asarray_of_a_dtype(self):
        """``numpy.asarray`` converts."""
        dictionary, twin = self.make()
        for dtype in (np.float32, np.float64):
            for array, expected in (
                (np.asarray(dictionary, dtype=dtype), twin),
                (np.asarray(dictionary.T, dtype=dtype), twin.T),
            ):
                assert_equal(array.dtype, dtype)
                np.testing.assert_allclose(array, expected, rtol=1e-6)

    def test_asarray_of_the_transpose(self):
        """``numpy.asarray(F.T)`` gives the twin's transpose."""
        dictionary, _ = self.make()
        assert_array_equal(np.asarray(dictionary.T), np.asarray(dictionary).T)

    def test_array_is_a_copy(self):
        """What ``numpy.array`` gives can be written to, and the dictionary stays."""
        dictionary, _ = self.make()
        for operator in (dictionary, dictionary.T):
            before = np.asarray(operator).tolist()
            array = np.array(operator)
            assert array.flags.writeable
            array += 1
            assert_array_equal(np.asarray(operator), before)

    def test_array_without_a_copy(self):
        """``numpy.array(F, copy=False)`` never copies."""
        dictionary, _ = self.make()
        for operator in (dictionary, dictionary.T):
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
        """Rows in any order."""
        n_features = self.make()[0].shape[0]
        self._check_codewords(np.random.default_rng(0).permutation(n_features))

    def test_repeated_codewords(self):
        """A row may be asked for again."""
        n_features = self.make()[0].shape[0]
        self._check_codewords(np.array([n_features - 1, 0, 0, n_features // 2, 0]))

    def test_codewords_of_a_list(self):
        """Indices may be a list, and count from the end."""
        self._check_codewords([0, -1])

    def test_codewords_of_narrow_integers(self):
        """Indices may be of any integer type."""
        for dtype in (np.int8, np.uint8, np.int32, np.uint64):
            self._check_codewords(np.zeros(3, dtype=dtype))

    def test_no_codewords(self):
        """No indices give no rows, in d columns."""
        self._check_codewords(np.array([], dtype=np.intp))
        self._check_codewords([])

    def test_codewords_of_one_index(self):
        """An array of one index gives one row, an array without axes the row itself."""
        self._check_codewords(np.array([0]))
        self._check_codewords(np.array(0))

    def test_codewords_out_of_range(self):
        """An index that names no codeword is an IndexError."""
        dictionary, _ = self.make()
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
        """Many samples."""
        self._check_correlate(self._samples(self.make()[0]))

    def test_correlate_one_sample(self):
        """One sample."""
        self._check_correlate(self._samples(self.make()[0], 1))

    def test_correlate_no_sample(self):
        """No samples give no scores, in N columns."""
        self._check_correlate(self._samples(self.make()[0], 0))

    def test_correlate_float32(self):
        """Single precision."""
        self._check_correlate(self._samples(self.make()[0]).astype(np.float32))

    def test_correlate_integers(self):
        """Integers, and bools."""
        X = self._integer_samples(self.make()[0])
        for dtype in (np.int64, np.int8, bool):
            self._check_correlate(X.astype(dtype))

    def test_correlate_zeros(self):
        """A zero sample has scores of exactly 0, beside others."""
        dictionary, _ = self.make()
        X = self._samples(dictionary)
        X[::2] = 0
        self._check_correlate(X)
        assert_array_equal(dictionary.correlate(X)[::2], 0)

    def test_correlate_memory_layouts(self):
        """Fortran order, steps over rows and columns, negative strides, read-only."""
        dictionary, _ = self.make()
        X = self._samples(dictionary)
        read_only = X.copy()
        read_only.flags.writeable = False
        layouts = (
            np.asfortranarray(X),
            np.repeat(X, 3, axis=1)[:, ::3],
            X[::2],
            X[::-1, ::-1],
            read_only,
        )
        for layout in layouts:
            self._check_correlate(layout)

    def test_correlate_is_linear(self):
        """``(2 X - X') F^T = 2 X F^T - X' F^T``."""
        dictionary, twin = self.make()
        X = self._samples(dictionary, 8)
        scores = dictionary.correlate(X)
        stacked = np.hstack([2 * X[:4], -X[4:]])
        self._assert_product(2 * scores[:4] - scores[4:], stacked, np.vstack([twin.T, twin.T]))
        self._assert_product(dictionary.correlate(2 * X[:4] - X[4:]), 2 * X[:4] - X[4:], twin.T)

    def test_correlate_refuses_other_dimensions(self):
        """Samples of other than d dimensions are a ValueError."""
        dictionary, _ = self.make()
        X = self._samples(dictionary)
        assert_raises(ValueError, dictionary.correlate, np.hstack([X, X]))
        assert_raises(ValueError, dictionary.correlate, X[:, 1:])
