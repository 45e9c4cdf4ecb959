"""Inherited tests: superpositions and the products of a linear operator."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

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
        X = self.F.superpose(Y)
        assert_equal(X.dtype, np.float64)
        assert X.flags.writeable
        self._assert_product(X, expected_codes, self.twin)

    def test_superpose_dense(self):
        """An array of bools, integers, either float, in either order, strided."""
        Y = self._codes()
        for dtype in (np.int64, np.int8, np.float32, np.float64):
            self._check_superpose(Y.astype(dtype), Y)
        self._check_superpose(Y != 0, Y != 0)
        self._check_superpose(np.asfortranarray(Y), Y)
        self._check_superpose(np.repeat(Y, 2, axis=0)[::2], Y)

    def test_superpose_sparse(self):
        """Every sparse format, as array and as matrix, of bools, integers and floats."""
        Y = self._codes()
        for cls in (coo_array, coo_matrix):
            self._check_superpose(cls(Y != 0), Y != 0)
            for dtype in (np.int64, np.float32, np.float64):
                for name in _FORMATS:
                    self._check_superpose(cls(Y.astype(dtype)).asformat(name), Y)

    def test_superpose_real_codes(self):
        """Any real coefficients, sparse or not sparse at all."""
        shape = _N_SAMPLES, self.F.shape[0]
        Y = np.random.default_rng(3).standard_normal(shape)
        self._check_superpose(Y, Y)
        self._check_superpose(csr_array(Y), Y)

    def test_superpose_wide_indices(self):
        """Sparse codes with indices of 64 bits."""
        Y = self._codes()
        for name in ("csr", "csc"):
            codes = coo_array(Y).asformat(name)
            codes.indices = codes.indices.astype(np.int64)
            codes.indptr = codes.indptr.astype(np.int64)
            self._check_superpose(codes, Y)

    def test_superpose_what_is_stored(self):
        """Entries stored in parts, in any order, count with their sum; zeros may be stored."""
        last = self.F.shape[0] - 1
        rows, columns = np.array([1, 1, 1, 2, 2]), np.array([last, 0, last, 0, 0])
        values = np.array([1.0, 2.0, 4.0, 1.0, -1.0])
        Y = np.zeros((_N_SAMPLES, last + 1))
        np.add.at(Y, (rows, columns), values)
        self._check_superpose(coo_array((values, (rows, columns)), shape=Y.shape), Y)
        indptr = np.searchsorted(rows, np.arange(_N_SAMPLES + 1))
        self._check_superpose(csr_array((values, columns, indptr), shape=Y.shape), Y)
        rows, columns = np.indices(Y.shape).reshape(2, -1)
        codes = coo_array((Y.ravel(), (rows, columns)), shape=Y.shape)
        for name in ("csr", "csc", "coo"):
            self._check_superpose(codes.asformat(name), Y)

    def test_superpose_nothing(self):
        """Empty codes give the zero vector, no codes give no vectors."""
        for n_samples in (_N_SAMPLES, 1, 0):
            Y = np.zeros((n_samples, self.F.shape[0]))
            for codes in (Y, csr_array(Y)):
                expected = np.zeros((n_samples, self.F.shape[1]))
                assert_array_equal(self.F.superpose(codes), expected)

    def test_superpose_one_codeword(self):
        """The codes of single codewords give the codewords."""
        indices = np.array([0, self.F.shape[0] - 1])
        Y = np.zeros((2, self.F.shape[0]))
        Y[[0, 1], indices] = 1
        self._assert_same(self.F.superpose(Y), self.F.codewords(indices))

    def test_superpose_refuses_other_features(self):
        """Codes of other than N columns are a ValueError, dense or sparse, used or not."""
        for width in (self.F.shape[0] + 1, self.F.shape[0] - 1):
            full, empty = np.ones((2, width)), np.zeros((2, width))
            for codes in (full, csr_array(full), empty):
                assert_raises(ValueError, self.F.superpose, codes)

    def test_squared_norms(self):
        """Squared norms are those of the twin, in float64, and cannot be spoilt."""
        for _ in range(2):
            norms = self.F.squared_norms
            assert_equal(norms.dtype, np.float64)
            expected = np.sum(np.asarray(self.twin, dtype=np.float64) ** 2, axis=1)
            np.testing.assert_allclose(norms, expected, rtol=self.rtol)
            if norms.flags.writeable:
                norms += 1

    # Operators

    def test_products_by_sign(self):
        """``F @ X``, ``Y @ F`` dense and sparse, and both of the transpose."""
        X, Y = self._samples(), self._codes()
        for columns in (X.T, X[0]):
            self._assert_product(self.F @ columns, self.twin, columns)
            self._assert_product(self.F.dot(columns), self.twin, columns)
            self._assert_product(columns.T @ self.F.T, columns.T, self.twin.T)
        for codes in (Y, Y[-1]):
            self._assert_product(codes @ self.F, codes, self.twin)
            self._assert_product(self.F.T @ codes.T, self.twin.T, codes.T)
        for codes in (csr_array(Y), coo_matrix(Y)):
            self._assert_product(codes @ self.F, Y, self.twin)

    def test_products_by_name(self):
        """``matvec``, ``rmatvec``, ``matmat`` and ``rmatmat``, of the transpose too."""
        X, Y = self._samples().T, self._codes().T
        operators = ((self.F, self.twin, X, Y), (self.F.T, self.twin.T, Y, X))
        for operator, array, right, left in (*operators, (self.F.H, self.twin.T, Y, X)):
            self._assert_product(operator.matmat(right), array, right)
            self._assert_product(operator.rmatmat(left), array.T, left)
            self._assert_product(operator.matvec(right[:, -1]), array, right[:, -1])
            self._assert_product(operator.rmatvec(left[:, -1]), array.T, left[:, -1])

    def test_composition(self):
        """SciPy's sums, multiples and products of operators; two transposes are none."""
        for operator in (self.F.T.T, self.F.H.H, self.F.T.H):
            assert operator is self.F
        X = self._samples().T
        self._assert_product((2 * self.F) @ X, 2 * self.twin, X)
        self._assert_product((self.F + self.F) @ X, 2 * self.twin, X)
        normal = np.abs(self.twin.T) @ np.abs(self.twin) @ np.abs(X)
        error = np.abs((self.F.T @ self.F) @ X - self.twin.T @ (self.twin @ X))
        assert np.all(error <= 3 * self.rtol * normal)

    def test_solvers(self):
        """SciPy's ``lsqr`` solves the normal equations, ``svds`` finds the singular values."""
        b = np.random.default_rng(4).standard_normal(self.twin.shape[0])
        z = lsqr(self.F, b, atol=1e-14, btol=1e-14, iter_lim=10 * max(self.twin.shape))[0]
        gradient = self.twin.T @ (b - self.twin @ z)
        tolerance = np.sqrt(self.rtol)
        assert np.linalg.norm(gradient) <= tolerance * np.linalg.norm(self.twin) * np.linalg.norm(b)
        rank = min(self.twin.shape)
        # It wants fewer singular values than there are.
        if rank > 1:
            v0 = np.random.default_rng(5).standard_normal(rank)
            found = svds(self.F, k=min(3, rank - 1), v0=v0, return_singular_vectors=False)
            expected = np.linalg.svd(self.twin, compute_uv=False)[: len(found)]
            np.testing.assert_allclose(
                np.sort(found)[::-1], expected, rtol=tolerance, atol=tolerance * expected[0]
            )
