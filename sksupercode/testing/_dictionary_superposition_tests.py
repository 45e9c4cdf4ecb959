"""Inherited tests: superpositions and the products of a linear operator."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from unittest import SkipTest

import numpy as np
from numpy.testing import assert_array_equal, assert_equal, assert_raises
from scipy.sparse import coo_array, coo_matrix, csr_array
from scipy.sparse.linalg import lsqr, svds

from sksupercode.testing._dictionary_twin import DictionaryTwin

_FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
_N_SAMPLES = 6


class SuperpositionTests(DictionaryTwin):
    """Superpositions, and the dictionary as a SciPy linear operator."""

    # Superpose: X = Y F

    def _check_superpose(self, Y, expected_codes):
        dictionary, twin = self.make()
        X = dictionary.superpose(Y)
        assert_equal(X.dtype, np.float64)
        assert X.flags.writeable
        self._assert_product(X, expected_codes, twin)

    def test_superpose_dense(self):
        """An array of integers, of either float, in either order."""
        Y = self._codes(self.make()[0])
        for dtype in (np.int64, np.int8, np.float32, np.float64):
            self._check_superpose(Y.astype(dtype), Y)
        self._check_superpose(np.asfortranarray(Y), Y)
        self._check_superpose(np.repeat(Y, 2, axis=0)[::2], Y)

    def test_superpose_bool(self):
        """Indicators, dense and sparse."""
        Y = self._codes(self.make()[0]) != 0
        for codes in (Y, csr_array(Y), coo_matrix(Y)):
            self._check_superpose(codes, Y)

    def test_superpose_sparse(self):
        """Every sparse format, as array and as matrix, of integers and floats."""
        Y = self._codes(self.make()[0])
        for dtype in (np.int64, np.float32, np.float64):
            for cls in (coo_array, coo_matrix):
                for name in _FORMATS:
                    self._check_superpose(cls(Y.astype(dtype)).asformat(name), Y)

    def test_superpose_real_codes(self):
        """Any real coefficients, sparse or not sparse at all."""
        shape = _N_SAMPLES, self.make()[0].shape[0]
        Y = np.random.default_rng(3).standard_normal(shape)
        self._check_superpose(Y, Y)
        self._check_superpose(csr_array(Y), Y)

    def test_superpose_wide_indices(self):
        """Sparse codes with indices of 64 bits."""
        Y = self._codes(self.make()[0])
        for name in ("csr", "csc"):
            codes = coo_array(Y).asformat(name)
            codes.indices = codes.indices.astype(np.int64)
            codes.indptr = codes.indptr.astype(np.int64)
            self._check_superpose(codes, Y)

    def test_superpose_duplicates(self):
        """Entries that are stored in parts, in any order, count with their sum."""
        last = self.make()[0].shape[0] - 1
        rows, columns = np.array([1, 1, 1, 2, 2]), np.array([last, 0, last, 0, 0])
        values = np.array([1.0, 2.0, 4.0, 1.0, -1.0])
        Y = np.zeros((_N_SAMPLES, last + 1))
        np.add.at(Y, (rows, columns), values)
        self._check_superpose(coo_array((values, (rows, columns)), shape=Y.shape), Y)
        indptr = np.searchsorted(rows, np.arange(_N_SAMPLES + 1))
        self._check_superpose(csr_array((values, columns, indptr), shape=Y.shape), Y)

    def test_superpose_explicit_zeros(self):
        """Zeros may be stored."""
        Y = self._codes(self.make()[0])
        rows, columns = np.indices(Y.shape).reshape(2, -1)
        codes = coo_array((Y.ravel(), (rows, columns)), shape=Y.shape)
        for name in ("csr", "csc", "coo"):
            self._check_superpose(codes.asformat(name), Y)
            assert_equal(codes.asformat(name).nnz, Y.size)

    def test_superpose_nothing(self):
        """Empty codes give the zero vector, no codes give no vectors."""
        dictionary, _ = self.make()
        for n_samples in (_N_SAMPLES, 1, 0):
            Y = np.zeros((n_samples, dictionary.shape[0]))
            for codes in (Y, csr_array(Y)):
                assert_array_equal(
                    dictionary.superpose(codes), np.zeros((n_samples, dictionary.shape[1]))
                )

    def test_superpose_one_codeword(self):
        """The codes of single codewords give the codewords."""
        dictionary, _ = self.make()
        indices = np.array([0, dictionary.shape[0] - 1])
        Y = np.zeros((2, dictionary.shape[0]))
        Y[[0, 1], indices] = 1
        self._assert_same(dictionary.superpose(Y), dictionary.codewords(indices))

    def test_superpose_refuses_other_features(self):
        """Codes of other than N columns are a ValueError, dense or sparse, used or not."""
        dictionary, _ = self.make()
        for width in (dictionary.shape[0] + 1, dictionary.shape[0] - 1):
            full, empty = np.ones((2, width)), np.zeros((2, width))
            for codes in (full, csr_array(full), empty):
                assert_raises(ValueError, dictionary.superpose, codes)

    # Identities

    def test_adjoint(self):
        """``<Y F, X> = <Y, X F^T>``."""
        dictionary, twin = self.make()
        X, Y = self._samples(dictionary), self._codes(dictionary)
        left = np.vdot(dictionary.superpose(Y), X)
        right = np.vdot(Y, dictionary.correlate(X))
        magnitude = np.vdot(np.abs(Y) @ np.abs(twin), np.abs(X))
        assert abs(left - right) <= 2 * self.rtol * magnitude

    def test_gram(self):
        """Correlating codewords gives their inner products."""
        dictionary, twin = self.make()
        indices = np.unique([0, dictionary.shape[0] // 2, dictionary.shape[0] - 1])
        gram = dictionary.correlate(dictionary.codewords(indices))
        self._assert_product(gram, twin[indices], twin.T)

    def test_squared_norms(self):
        """Squared norms are those of the twin, in float64, and cannot be spoilt."""
        dictionary, twin = self.make()
        for _ in range(2):
            norms = dictionary.squared_norms
            assert_equal(norms.dtype, np.float64)
            expected = np.sum(np.asarray(twin, dtype=np.float64) ** 2, axis=1)
            np.testing.assert_allclose(norms, expected, rtol=self.rtol)
            if norms.flags.writeable:
                norms += 1

    # Operators

    def test_matmul_from_the_left(self):
        """``F @ x`` and ``F @ X``."""
        dictionary, twin = self.make()
        X = self._samples(dictionary).T
        self._assert_product(dictionary @ X, twin, X)
        self._assert_product(dictionary @ X[:, 0], twin, X[:, 0])
        self._assert_product(dictionary.dot(X), twin, X)

    def test_matmul_from_the_right(self):
        """``y @ F`` and ``Y @ F``, dense and sparse."""
        dictionary, twin = self.make()
        Y = self._codes(dictionary)
        for codes in (Y, Y[-1], csr_array(Y), coo_matrix(Y)):
            dense = codes.toarray() if hasattr(codes, "toarray") else codes
            self._assert_product(codes @ dictionary, dense, twin)

    def test_matmul_with_the_transpose(self):
        """``F.T @ y``, ``F.T @ Y`` and ``X @ F.T``."""
        dictionary, twin = self.make()
        X, Y = self._samples(dictionary), self._codes(dictionary)
        self._assert_product(dictionary.T @ Y[-1], twin.T, Y[-1])
        self._assert_product(dictionary.T @ Y.T, twin.T, Y.T)
        self._assert_product(X @ dictionary.T, X, twin.T)
        self._assert_product(X[0] @ dictionary.T, X[0], twin.T)

    def test_matvec(self):
        """``matvec`` takes vectors and columns."""
        dictionary, twin = self.make()
        x = self._samples(dictionary, 1).T
        self._assert_product(dictionary.matvec(x), twin, x)
        self._assert_product(dictionary.matvec(x[:, 0]), twin, x[:, 0])

    def test_rmatvec(self):
        """``rmatvec`` takes vectors and columns."""
        dictionary, twin = self.make()
        y = self._codes(dictionary)[-1:].T
        self._assert_product(dictionary.rmatvec(y), twin.T, y)
        self._assert_product(dictionary.rmatvec(y[:, 0]), twin.T, y[:, 0])

    def test_matmat(self):
        """``matmat`` and ``rmatmat``."""
        dictionary, twin = self.make()
        X, Y = self._samples(dictionary).T, self._codes(dictionary).T
        self._assert_product(dictionary.matmat(X), twin, X)
        self._assert_product(dictionary.rmatmat(Y), twin.T, Y)

    def test_products_of_the_transpose(self):
        """The transpose has the same four products."""
        dictionary, twin = self.make()
        X, Y = self._samples(dictionary).T, self._codes(dictionary).T
        for transpose in (dictionary.T, dictionary.H):
            self._assert_product(transpose.matvec(Y[:, -1]), twin.T, Y[:, -1])
            self._assert_product(transpose.rmatvec(X[:, 0]), twin, X[:, 0])
            self._assert_product(transpose.matmat(Y), twin.T, Y)
            self._assert_product(transpose.rmatmat(X), twin, X)

    def test_transpose_of_the_transpose(self):
        """``F.T.T``, ``F.H.H`` and ``F.T.H`` are F itself."""
        dictionary, _ = self.make()
        for operator in (dictionary.T.T, dictionary.H.H, dictionary.T.H):
            assert operator is dictionary

    def test_composition(self):
        """SciPy's sums, multiples and products of operators."""
        dictionary, twin = self.make()
        X = self._samples(dictionary).T
        self._assert_product((2 * dictionary) @ X, 2 * twin, X)
        self._assert_product((dictionary + dictionary) @ X, 2 * twin, X)
        normal = np.abs(twin.T) @ np.abs(twin) @ np.abs(X)
        error = np.abs((dictionary.T @ dictionary) @ X - twin.T @ (twin @ X))
        assert np.all(error <= 3 * self.rtol * normal)

    def test_lsqr(self):
        """``scipy.sparse.linalg.lsqr`` solves the normal equations."""
        dictionary, twin = self.make()
        b = np.random.default_rng(4).standard_normal(twin.shape[0])
        z = lsqr(dictionary, b, atol=1e-14, btol=1e-14, iter_lim=10 * max(twin.shape))[0]
        gradient = twin.T @ (b - twin @ z)
        bound = np.sqrt(self.rtol) * np.linalg.norm(twin) * np.linalg.norm(b)
        assert np.linalg.norm(gradient) <= bound

    def test_svds(self):
        """``scipy.sparse.linalg.svds`` finds the largest singular values."""
        dictionary, twin = self.make()
        rank = min(twin.shape)
        if rank < 2:
            raise SkipTest("svds wants fewer singular values than there are")
        v0 = np.random.default_rng(5).standard_normal(rank)
        found = svds(dictionary, k=min(3, rank - 1), v0=v0, return_singular_vectors=False)
        expected = np.linalg.svd(twin, compute_uv=False)[: len(found)]
        tolerance = np.sqrt(self.rtol)
        np.testing.assert_allclose(
            np.sort(found)[::-1], expected, rtol=tolerance, atol=tolerance * expected[0]
        )
