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
        dictionary, twin = self.make()
        other = dictionary.unnormalized
        assert_equal(other.shape, dictionary.shape)
        assert_equal(other.scale, 1.0)
        assert_equal(other.unnormalized.scale, 1.0)
        self._assert_product(dictionary.scale * np.asarray(other), twin, np.eye(twin.shape[1]))
        np.testing.assert_allclose(
            dictionary.scale**2 * other.squared_norms, dictionary.squared_norms, rtol=self.rtol
        )

    def test_to_units(self):
        """``to_units`` divides by the scale, in float64; ``V S^T`` is ``X F^T`` in other units."""
        dictionary, twin = self.make()
        for dtype in (np.float64, np.float32):
            X = self._samples(dictionary).astype(dtype)
            before = X.copy()
            V = dictionary.to_units(X)
            assert_equal(V.dtype, np.float64)
            np.testing.assert_allclose(V * dictionary.scale, X, rtol=1e-14)
            assert_array_equal(X, before)
            scores = dictionary.unnormalized.correlate(V) * dictionary.scale**2
            self._assert_product(scores, X, twin.T)

    def test_superpose_in_units(self):
        """A superposition in units is that of the unnormalised codewords, rounded or not."""
        dictionary, twin = self.make()
        Y = self._codes(dictionary)
        expected = Y @ self._integer_twin(dictionary, twin)
        self._assert_same(dictionary.unnormalized.superpose(Y), expected)
        X = dictionary.superpose(Y)
        self._assert_same(dictionary.to_units(X), expected)
        if self.exact:
            assert_array_equal(dictionary.to_units(X.astype(np.float32)), expected)

    def test_integer_correlations(self):
        """Samples of integers have exact correlations with the unnormalised codewords."""
        dictionary, twin = self.make()
        V = self._integer_samples(dictionary)
        scores = dictionary.unnormalized.correlate(V.astype(np.float64))
        self._assert_same(scores, V @ self._integer_twin(dictionary, twin).T)

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
        dictionary, _ = self.make()
        X, Y = self._samples(dictionary), self._codes(dictionary)
        X[3:] = dictionary.superpose(Y)[3:]
        self._assert_rows_are_independent(dictionary.correlate, X)
        self._assert_rows_are_independent(dictionary.superpose, Y)
        self._assert_rows_are_independent(dictionary.superpose, csr_array(Y))

    def test_working_memory(self):
        """Results are the same however little memory blocks may take."""
        dictionary, _ = self.make()
        X, Y = self._samples(dictionary), self._codes(dictionary)
        scores, superpositions = dictionary.correlate(X), dictionary.superpose(Y)
        with config_context(working_memory=1e-3):
            self._assert_same(dictionary.correlate(X), scores)
            self._assert_same(dictionary.superpose(Y), superpositions)

    def test_inputs_may_be_read_only(self):
        """Codes are only read: dense, or each array of a sparse matrix."""
        dictionary, twin = self.make()
        Y = self._codes(dictionary)
        dense = Y.astype(np.float64)
        dense.flags.writeable = False
        for name in ("csr", "csc", "coo"):
            codes = coo_array(dense).asformat(name)
            index_arrays = codes.coords if name == "coo" else (codes.indices, codes.indptr)
            parts = [codes.data, *index_arrays]
            for part in parts:
                part.flags.writeable = False
            before = [part.tolist() for part in parts]
            self._assert_product(dictionary.superpose(codes), Y, twin)
            assert_equal([part.tolist() for part in parts], before)
        self._assert_product(dictionary.superpose(dense), Y, twin)
        assert_array_equal(dense, Y)

    def test_results_may_be_written_to(self):
        """Writing to a result changes neither the dictionary nor its next result."""
        dictionary, twin = self.make()
        X, Y = self._samples(dictionary), self._codes(dictionary)
        results = [
            dictionary.codewords(np.arange(dictionary.shape[0])),
            dictionary.correlate(X),
            dictionary.superpose(Y),
            dictionary @ X[0],
            dictionary.T @ Y[-1],
        ]
        for result in results:
            result[...] = np.nan
        self._assert_product(np.asarray(dictionary), twin, np.eye(twin.shape[1]))
        self._assert_product(dictionary.correlate(X), X, twin.T)
        self._assert_product(dictionary.superpose(Y), Y, twin)

    def test_pickle(self):
        """A pickle is no larger than the storage, and gives the same results."""
        dictionary, _ = self.make()
        pickled = pickle.dumps(dictionary)
        assert len(pickled) <= dictionary.nbytes + 4096
        other = pickle.loads(pickled)
        assert_equal(type(other), type(dictionary))
        for attribute in ("shape", "dtype", "scale", "nbytes"):
            assert_equal(getattr(other, attribute), getattr(dictionary, attribute))
        X, Y = self._samples(dictionary), self._codes(dictionary)
        assert_array_equal(np.asarray(other), np.asarray(dictionary))
        self._assert_same(other.correlate(X), dictionary.correlate(X))
        assert_array_equal(other.superpose(Y), dictionary.superpose(Y))
        assert_array_equal(other.squared_norms, dictionary.squared_norms)

    def test_copies_share(self):
        """Copies, deep or not, and clones are the dictionary itself."""
        dictionary, _ = self.make()
        assert copy.copy(dictionary) is dictionary
        assert copy.deepcopy({"dictionary": dictionary})["dictionary"] is dictionary
        assert clone(dictionary, safe=False) is dictionary

    def test_threads(self):
        """Threads may use one dictionary at the same time."""
        dictionary, _ = self.make()
        X, Y = self._samples(dictionary), csr_array(self._codes(dictionary))

        def use(_):
            fresh = dictionary.unnormalized
            norms = fresh.squared_norms
            return norms, dictionary.correlate(X), dictionary.superpose(Y), np.array(dictionary)

        expected = use(None)
        with ThreadPoolExecutor(4) as pool:
            for results in pool.map(use, range(8)):
                for result, value in zip(results, expected, strict=True):
                    self._assert_same(result, value)
