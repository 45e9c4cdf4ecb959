"""The tests that every dictionary inherits: it is the linear map that its dense twin is."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.testing import assert_array_equal, assert_equal
from scipy.sparse import coo_array, csr_array
from sklearn import config_context
from sklearn.base import clone

from sksupercode.testing._dictionary_correlation_tests import CorrelationTests
from sksupercode.testing._dictionary_superposition_tests import SuperpositionTests


class DictionaryTestCase(CorrelationTests, SuperpositionTests):
    """Tests of a dictionary F of shape (N, d) against an array of the same numbers.

    A test module derives a class whose name starts with ``Test`` and implements :meth:`make`;
    pytest then collects all the methods below. A product ``A B`` counts as right if it is off by
    at most ``rtol |A| |B|``, where the bars take the magnitude of every entry. What the dictionary
    declares (``has_exact_sums`` and the like) is held against it.

    Attributes
    ----------
    rtol : float
        Relative rounding error that is allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import DenseDictionary
    >>> from sksupercode.testing import DictionaryTestCase
    >>> class TestIdentity(DictionaryTestCase):
    ...     def make(self):
    ...         return DenseDictionary(np.eye(3)), np.eye(3)
    >>> TestIdentity().test_correlate()
    """

    # Units

    def test_unnormalized(self):
        """``F = scale * unnormalized``, which is its own unnormalised dictionary."""
        other = self.F.unnormalized
        assert_equal(other.shape, self.F.shape)
        assert_equal(other.scale, 1.0)
        assert_equal(other.unnormalized.scale, 1.0)
        F = self.F.scale * np.asarray(other)
        self._assert_product(F, self.twin, np.eye(self.F.shape[1]))
        norms = self.F.scale**2 * other.squared_norms
        np.testing.assert_allclose(norms, self.F.squared_norms, rtol=self.rtol)

    def test_to_units(self):
        """``to_units`` divides by the scale, in float64; ``V S^T`` is ``X F^T`` in other units."""
        for dtype in (np.float64, np.float32):
            X = self._samples().astype(dtype)
            before = X.copy()
            V = self.F.to_units(X)
            assert_equal(V.dtype, np.float64)
            np.testing.assert_allclose(V * self.F.scale, X, rtol=1e-14)
            assert_array_equal(X, before)
            scores = self.F.unnormalized.correlate(V) * self.F.scale**2
            self._assert_product(scores, X, self.twin.T)

    def test_superpose_in_units(self):
        """A superposition in units is that of the unnormalised codewords, rounded or not."""
        Y = self._codes()
        expected = Y @ self._integer_twin()
        self._assert_same(self.F.unnormalized.superpose(Y), expected)
        X = self.F.superpose(Y)
        self._assert_same(self.F.to_units(X), expected)
        if self.F.has_exact_sums:
            assert_array_equal(self.F.to_units(X.astype(np.float32)), expected)

    def test_integer_correlations(self):
        """Samples of integers have exact correlations with the unnormalised codewords."""
        V = self._integer_samples()
        scores = self.F.unnormalized.correlate(V.astype(np.float64))
        self._assert_same(scores, V @ self._integer_twin().T)

    # Independence of everything else

    def _assert_rows_are_independent(self, function, A):
        together = function(A)
        self._assert_same(np.vstack([function(A[i : i + 1]) for i in range(A.shape[0])]), together)
        self._assert_same(function(A[::-1]), together[::-1])
        self._assert_same(function(A[1:3]), together[1:3])
        many = np.tile(np.arange(A.shape[0]), 30)
        self._assert_same(function(A[many]), together[many])

    def test_row_by_row(self):
        """Neither scores nor superpositions depend on the batch: bit by bit if exact."""
        X, Y = self._samples(), self._codes()
        X[3:] = self.F.superpose(Y)[3:]
        self._assert_rows_are_independent(self.F.correlate, X)
        self._assert_rows_are_independent(self.F.superpose, Y)
        self._assert_rows_are_independent(self.F.superpose, csr_array(Y))

    def test_working_memory(self):
        """Results are the same however little memory blocks may take."""
        X, Y = self._samples(), self._codes()
        scores, superpositions = self.F.correlate(X), self.F.superpose(Y)
        with config_context(working_memory=1e-3):
            self._assert_same(self.F.correlate(X), scores)
            self._assert_same(self.F.superpose(Y), superpositions)

    def test_inputs_may_be_read_only(self):
        """Codes are only read: dense, or each array of a sparse matrix."""
        Y = self._codes()
        dense = Y.astype(np.float64)
        dense.flags.writeable = False
        for name in ("csr", "csc", "coo"):
            codes = coo_array(dense).asformat(name)
            index_arrays = codes.coords if name == "coo" else (codes.indices, codes.indptr)
            parts = [codes.data, *index_arrays]
            for part in parts:
                part.flags.writeable = False
            before = [part.tolist() for part in parts]
            self._assert_product(self.F.superpose(codes), Y, self.twin)
            assert_equal([part.tolist() for part in parts], before)
        self._assert_product(self.F.superpose(dense), Y, self.twin)
        assert_array_equal(dense, Y)

    def test_results_may_be_written_to(self):
        """Writing to a result changes neither the dictionary nor its next result."""
        X, Y = self._samples(), self._codes()
        results = [
            self.F.codewords(np.arange(self.F.shape[0])),
            self.F.correlate(X),
            self.F.superpose(Y),
            self.F @ X[0],
            self.F.T @ Y[-1],
        ]
        for result in results:
            result[...] = np.nan
        self._assert_product(np.asarray(self.F), self.twin, np.eye(self.twin.shape[1]))
        self._assert_product(self.F.correlate(X), X, self.twin.T)
        self._assert_product(self.F.superpose(Y), Y, self.twin)

    def test_pickle(self):
        """A pickle is no larger than the storage, and gives the same results."""
        pickled = pickle.dumps(self.F)
        assert len(pickled) <= self.F.nbytes + 4096
        other = pickle.loads(pickled)
        assert_equal(type(other), type(self.F))
        for attribute in ("shape", "dtype", "scale", "nbytes"):
            assert_equal(getattr(other, attribute), getattr(self.F, attribute))
        X, Y = self._samples(), self._codes()
        assert_array_equal(np.asarray(other), np.asarray(self.F))
        self._assert_same(other.correlate(X), self.F.correlate(X))
        assert_array_equal(other.superpose(Y), self.F.superpose(Y))
        assert_array_equal(other.squared_norms, self.F.squared_norms)

    def test_copies_share(self):
        """Copies, deep or not, and clones are the dictionary itself."""
        assert copy.copy(self.F) is self.F
        assert copy.deepcopy({"dictionary": self.F})["dictionary"] is self.F
        assert clone(self.F, safe=False) is self.F

    def test_threads(self):
        """Threads may use one dictionary at the same time."""
        X, Y = self._samples(), csr_array(self._codes())

        def use(_):
            fresh = self.F.unnormalized
            norms = fresh.squared_norms
            return norms, self.F.correlate(X), self.F.superpose(Y), np.array(self.F)

        expected = use(None)
        with ThreadPoolExecutor(4) as pool:
            for results in pool.map(use, range(8)):
                for result, value in zip(results, expected, strict=True):
                    self._assert_same(result, value)
