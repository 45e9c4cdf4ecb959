"""The path of LASSO solutions: its working set, its linear algebra, and what can go wrong."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.linalg import LinAlgError
from scipy.optimize import linprog
from sklearn.linear_model import lars_path

from sksupercode import RademacherEncoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _homotopy
from sksupercode.decoders._gram_inverse import GramInverse
from sksupercode.decoders._homotopy import follow_path
from sksupercode.decoders._pricing import Columns
from sksupercode.dictionaries import DenseDictionary


def superpositions(n_samples, n_features, k, n_components, storage="dense"):
    Y = make_sparse_codes(n_samples, n_features, n_nonzero_coefs=k, random_state=0)
    encoder = RademacherEncoder(n_components, storage=storage, random_state=0)
    X = encoder.fit_transform(Y)
    return Y, encoder.dictionary_.to_units(X), encoder.dictionary_.unnormalized


@pytest.fixture
def tests_passed(monkeypatch):
    """Record of every test against all columns: the penalty, and how many columns violated."""
    record = []
    find_violations = _homotopy.find_violations

    def recorded(columns, point, *args):
        prices, violations = find_violations(columns, point, *args)
        record.append((point.penalty, len(violations)))
        return prices, violations

    monkeypatch.setattr(_homotopy, "find_violations", recorded)
    return record


@pytest.mark.parametrize("storage", ["dense", "packed", "seed"])
@pytest.mark.parametrize("signed", [False, True])
def test_working_set_far_smaller_than_the_dictionary(storage, signed, tests_passed):
    Y, V, dictionary = superpositions(4, 5000, 6, 110, storage)
    for row, v in enumerate(V):
        chosen, z, status = follow_path(Columns(dictionary, signed), v)
        assert status == "optimal"
        used = z > 1e-7
        np.testing.assert_array_equal(np.sort(chosen[used]), Y[[row]].indices)
        np.testing.assert_allclose(z[used], 1, atol=1e-10)
    assert 4 <= len(tests_passed) < 40


def test_goes_back_when_a_column_outside_the_pool_violates(tests_passed, monkeypatch):
    """Pools of a few columns: the path is wrong now and then, the end is not."""
    monkeypatch.setattr(Columns, "best", small_best)
    _, V, dictionary = superpositions(4, 400, 4, 20)
    A = np.asarray(dictionary, dtype=np.float64)
    for v in V:
        chosen, z, status = follow_path(Columns(dictionary, False), v)
        assert status == "optimal"
        np.testing.assert_allclose(z @ A[chosen], v, atol=1e-9)
        wanted = linprog(np.ones(400), A_eq=A.T, b_eq=v).fun
        assert z.sum() == pytest.approx(wanted, rel=1e-6)
    assert sum(n_violations > 0 for _, n_violations in tests_passed) > 8


def small_best(self, prices, count, among=None, best=Columns.best):
    return best(self, prices, 7, among)


def test_points_of_the_path_are_those_of_lars(tests_passed, monkeypatch):
    rng = np.random.default_rng(0)
    F, x = rng.standard_normal((30, 12)), rng.standard_normal(12)
    penalties, _, path = lars_path(F.T, x, method="lasso", positive=True, alpha_min=1e-9)
    # Scikit-learn divides the squared error by the number of dimensions.
    for penalty, z in zip(12 * penalties[1:-1], path.T[1:-1], strict=True):
        tol = np.linalg.norm(x - z @ F)
        chosen, found, status = follow_path(Columns(DenseDictionary(F), False), x, tol)
        assert status == "optimal"
        assert tests_passed[-1][0] == pytest.approx(penalty)
        np.testing.assert_allclose(np.bincount(chosen, found, minlength=30), z, atol=1e-9)


def test_residual_has_the_norm_of_the_noise():
    rng = np.random.default_rng(0)
    F, x = rng.standard_normal((60, 20)), rng.standard_normal(20)
    A = np.vstack([F, -F])
    for tol in (1e-11, 1e-9, 1e-4, 0.3, 2.0):
        chosen, z, status = follow_path(Columns(DenseDictionary(F), True), x, tol)
        assert status == "optimal"
        assert tol * (1 - 1e-2) <= np.linalg.norm(x - z @ A[chosen]) <= tol


def test_first_of_equal_columns():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((6, 4))[[3, 0, 3, 1, 2, 1, 0, 4, 5, 5]]
    for signed in (False, True):
        for x in rng.standard_normal((20, 4)):
            chosen, z, _ = follow_path(Columns(DenseDictionary(F), signed), x)
            assert not set(chosen[z > 0] % 10) & {2, 5, 6, 9}


def test_nothing_to_be_found():
    dictionary = DenseDictionary(np.array([[1.0, 1.0], [0.0, 0.0], [2.0, 1.0]]))
    chosen, z, status = follow_path(Columns(dictionary, False), np.array([-1.0, -1.0]))
    assert status == "infeasible" and len(chosen) == len(z) == 0
    chosen, z, status = follow_path(Columns(dictionary, True), np.array([-1.0, -1.0]))
    assert status == "optimal" and chosen.tolist() == [3] and z == pytest.approx([1.0])
    for x, tol in ([0.0, 0.0], 0.0), ([1.0, 2.0], 3.0):
        chosen, _, status = follow_path(Columns(dictionary, True), np.array(x), tol)
        assert status == "optimal" and len(chosen) == 0
    nothing = Columns(DenseDictionary(np.zeros((3, 2))), True)
    assert follow_path(nothing, np.ones(2))[2] == "infeasible"


def test_equal_correlations_are_parted_by_longer_columns(monkeypatch):
    """Where the plain path fails, the perturbed one has the optimum to a ten-millionth."""
    _, V, dictionary = superpositions(4, 200, 5, 24)
    sizes = []

    def perturbed(self, size, perturbed=Columns.perturbed):
        sizes.append(size)
        return perturbed(self, size)

    def plain_fails(columns, x, tol, follow=_homotopy._follow_path):
        point, pool = follow(columns, x, tol)
        if set(columns.weights) <= {-1, 1}:
            point.columns, point.coefficients = point.columns[:3], point.coefficients[:3]
        return point, pool

    monkeypatch.setattr(Columns, "perturbed", perturbed)
    wanted = [follow_path(Columns(dictionary, False), v) for v in V]
    assert not sizes
    monkeypatch.setattr(_homotopy, "_follow_path", plain_fails)
    for v, (_, best, _) in zip(V, wanted, strict=True):
        chosen, z, status = follow_path(Columns(dictionary, False), v)
        assert status == "optimal"
        assert best.sum() * (1 - 1e-9) <= z.sum() <= best.sum() * (1 + sizes[0])
        np.testing.assert_allclose(z @ dictionary.codewords(chosen), v, atol=1e-8)
    assert sizes == [1e-7] * 4


def test_rounding_spoils_the_path_but_not_the_code():
    """Columns that agree to a millionth: the path gets lost, and its support is solved exactly."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        F = 1e-6 * rng.standard_normal((200, 40)) + rng.standard_normal(40)
        x = F[:10].sum(axis=0)
        chosen, z, status = follow_path(Columns(DenseDictionary(F), False), x)
        assert (z >= 0).all() and np.linalg.norm(x - z @ F[chosen]) <= 1e-7 * np.linalg.norm(x)
        assert status == "failed" or z.sum() == pytest.approx(10, rel=1e-4)


def test_inverse_of_a_gram_matrix():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((40, 20))
    G = A @ A.T
    active = [3, 1, 4]
    inverse = GramInverse(G[np.ix_(active, active)], 20)
    for _ in range(200):
        if rng.random() < 0.6 and len(active) < 20:
            new = int(rng.choice(np.setdiff1d(np.arange(40), active)))
            assert inverse.append(G[active, new], G[new, new])
            active.append(new)
        elif active:
            i = int(rng.integers(len(active)))
            inverse.remove(i)
            active[i] = active[-1]
            active.pop()
        b = rng.standard_normal(len(active))
        np.testing.assert_allclose(G[np.ix_(active, active)] @ inverse.solve(b), b, atol=1e-8)
    combination = rng.standard_normal(len(active)) @ A[active]
    assert not inverse.append(A[active] @ combination, combination @ combination)
    with pytest.raises(LinAlgError):
        GramInverse(np.ones((2, 2)), 2)
