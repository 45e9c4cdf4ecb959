"""Basis pursuit against linear programming, duality and least squares."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import cvxpy
import numpy as np
import pytest
from scipy.optimize import linprog, nnls
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import BasisPursuitDecoder, GaussianChannel, RademacherEncoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.theory import basis_pursuit_phase_transition


def make_problem(n_samples=6, n_features=60, n_components=20, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((n_features, n_components)),
        rng.standard_normal((n_samples, n_components)),
    )


def least_l1_norm(F, x, *, nonnegative):
    A = F.T if nonnegative else np.hstack([F.T, -F.T])
    solution = linprog(np.ones(A.shape[1]), A_eq=A, b_eq=x, bounds=(0, None), method="highs-ipm")
    assert solution.success
    return solution.fun


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("cvxpy_solver", [None, "CLARABEL", "SCIPY"])
def test_optimum(values, cvxpy_solver):
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, values=values, cvxpy_solver=cvxpy_solver).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = decoder.transform(X).toarray()
    np.testing.assert_allclose(codes @ F, X, atol=1e-6)
    assert values == "real" or (codes >= 0).all()
    # A vertex: no more nonzero coefficients than dimensions.
    assert ((codes != 0).sum(axis=1) <= 20).all() or cvxpy_solver == "CLARABEL"
    for code, x in zip(codes, X, strict=True):
        wanted = least_l1_norm(F, x, nonnegative=values == "nonnegative")
        assert np.abs(code).sum() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("kind", ["float", "signs"])
@pytest.mark.parametrize("noise_tol", [1.0, 2.0])
def test_optimum_with_noise(values, kind, noise_tol):
    """The dual point u = r / max(F r) proves the optimum: sum(y) >= <x, u> - noise_tol ||u||."""
    F, X = make_problem()
    source = F
    if kind == "signs":
        source = RademacherEncoder(n_components=20, n_features=60, random_state=0)
        F = np.asarray(source.codebook(60, 20))
    decoder = BasisPursuitDecoder(source, values=values, noise_tol=noise_tol).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = decoder.transform(X).toarray()
    assert values == "real" or (codes >= 0).all()
    for code, x in zip(codes, X, strict=True):
        residual = x - code @ F
        assert np.linalg.norm(residual) <= noise_tol * (1 + 1e-5)
        correlations = F @ residual
        dual = residual / (correlations if values == "nonnegative" else np.abs(correlations)).max()
        bound = x @ dual - noise_tol * np.linalg.norm(dual)
        assert np.abs(code).sum() == pytest.approx(bound, rel=1e-3)


def test_noise_tol_that_covers_the_sample():
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, noise_tol=1e3).fit(X)
    np.testing.assert_allclose(decoder.transform(X).toarray(), 0, atol=1e-4)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_infeasible_gives_least_squares(values):
    F, X = make_problem(n_features=8)
    decoder = BasisPursuitDecoder(F, values=values).fit(X)
    with pytest.warns(ConvergenceWarning, match="6 of 6 samples"):
        codes = decoder.transform(X).toarray()
    if values == "real":
        wanted = np.linalg.lstsq(F.T, X.T, rcond=None)[0].T
    else:
        wanted = np.array([nnls(F.T, x)[0] for x in X])
    np.testing.assert_allclose(codes, wanted, atol=1e-6)
    mixed = np.vstack([X[:2], np.abs(codes[:3]) @ F])
    with pytest.warns(ConvergenceWarning, match="2 of 5 samples"):
        found = decoder.transform(mixed).toarray()
    np.testing.assert_allclose(found[2:], np.abs(codes[:3]), atol=1e-6)
    np.testing.assert_allclose(found[:2], wanted[:2], atol=1e-6)


def test_binary_is_the_support_of_predict():
    Y = make_sparse_codes(10, 60, n_nonzero_coefs=4, random_state=0)
    encoder = RademacherEncoder(n_components=12, random_state=0)
    X = encoder.fit_transform(Y)
    binary = BasisPursuitDecoder(encoder).fit(X, Y)
    optimum = BasisPursuitDecoder(encoder, values="nonnegative").fit(X, Y)
    codes = optimum.transform(X).toarray()
    assert ((codes > 0).sum(axis=1) > 4).any(), "only easy samples: the case is not tested"
    largest = np.argsort(np.argsort(-codes, axis=1, kind="stable"), axis=1) < 4
    wanted = largest & (codes > 0)
    for support in (binary.transform(X), binary.predict(X), optimum.predict(X)):
        np.testing.assert_array_equal(support.toarray(), wanted)
    assert binary.n_nonzero_coefs_ == 4


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_predict_with_unknown_k_goes_by_one_half(values):
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, values=values).fit(X)
    assert decoder.n_nonzero_coefs_ is None
    magnitudes = np.abs(decoder.transform(X).toarray())
    assert ((magnitudes > 0.5) != (magnitudes > 0)).any()
    np.testing.assert_array_equal(decoder.predict(X).toarray(), magnitudes > 0.5)
    for k in (0, 3, 200):
        support = decoder.set_params(n_nonzero_coefs=k).fit(X).predict(X).toarray()
        ranks = np.argsort(np.argsort(-magnitudes, axis=1, kind="stable"), axis=1)
        np.testing.assert_array_equal(support, (ranks < k) & (magnitudes > 0))


def test_rows_of_different_lengths_leave_k_open():
    Y = np.zeros((4, 60))
    for row in range(4):
        Y[row, : row + 1] = 1
    encoder = RademacherEncoder(n_components=40, random_state=0)
    X = encoder.fit_transform(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoder = BasisPursuitDecoder(encoder).fit(X, Y)
        assert decoder.n_nonzero_coefs_ is None
        assert decoder.score(X, Y) == 1.0


def test_no_program_is_kept():
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F).fit(X)
    before = set(vars(decoder))
    decoder.transform(X)
    assert set(vars(decoder)) == before
    assert not any(type(value).__module__.startswith("cvxpy") for value in vars(decoder).values())


@pytest.mark.parametrize("fraction, least, most", [(0.85, 0.0, 0.6), (1.15, 0.75, 1.0)])
def test_recovery_around_the_weak_threshold(fraction, least, most):
    """N = 400, k = 10: a quarter of all samples at 0.85 of Donoho and Tanner's d, 96 % at 1.15.

    Of 24 samples, 15 or more at p = 0.25 have probability 1e-4, 17 or fewer at 0.96 have 1e-5.
    """
    n_components = round(fraction * 400 * basis_pursuit_phase_transition(10 / 400))
    found = []
    for seed in range(6):
        Y = make_sparse_codes(4, 400, n_nonzero_coefs=10, random_state=seed)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        found.append(BasisPursuitDecoder(encoder).fit(X, Y).score(X, Y))
    assert least <= np.mean(found) <= most


@pytest.mark.parametrize(
    "params, message",
    [
        ({"solver": "simplex"}, r"\bsolver\b.*'simplex'"),
        ({"solver": None}, r"\bsolver\b"),
        ({"cvxpy_solver": "NOPE"}, r"cvxpy_solver.*'NOPE'"),
        ({"cvxpy_solver": 1}, "cvxpy_solver"),
        ({"cvxpy_solver": "SCIPY", "noise_tol": 0.1}, "cvxpy_solver"),
        ({"noise_tol": -0.1}, "noise_tol"),
        ({"noise_tol": np.nan}, "noise_tol"),
        ({"noise_tol": "1"}, "noise_tol"),
        ({"noise_tol": True}, "noise_tol"),
    ],
)
def test_bad_parameters(params, message):
    F, X = make_problem()
    with pytest.raises(ValueError, match=message):
        BasisPursuitDecoder(F, **params).fit(X)


# A first-order solver may stop short of the optimum, and say so.
@pytest.mark.filterwarnings("ignore")
def test_every_installed_solver_is_refused_or_works():
    F, X = make_problem(n_samples=2, n_features=30, n_components=8)
    wanted = [least_l1_norm(F, x, nonnegative=False) for x in X]
    n_working = 0
    for cvxpy_solver in cvxpy.installed_solvers():
        decoder = BasisPursuitDecoder(F, cvxpy_solver=cvxpy_solver)
        try:
            decoder.fit(X)
        except ValueError as error:
            assert cvxpy_solver in str(error)
            continue
        n_working += 1
        codes = decoder.transform(X).toarray()
        np.testing.assert_allclose(np.abs(codes).sum(axis=1), wanted, rtol=1e-2)
    assert n_working >= 2


def test_infeasible_samples_never_raise_nor_borrow_from_their_neighbours():
    # With N little above d the noise leaves the cone of the codewords, and solvers give up.
    Y = make_sparse_codes(6, 120, n_nonzero_coefs=4, random_state=0)
    encoder = RademacherEncoder(100, random_state=0)
    clean = encoder.fit_transform(Y)
    noisy = clean + np.random.default_rng(0).standard_normal(clean.shape) / 10
    X = np.vstack([clean[:3], noisy[3:], clean[:1] * 1e100])
    decoder = BasisPursuitDecoder(encoder, n_nonzero_coefs=4, values="nonnegative").fit(X[:6], Y)
    with pytest.warns(ConvergenceWarning, match="of 7 samples have no solution") as caught:
        together = decoder.transform(X).toarray()
    assert len(caught) == 1
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together[:3], Y[:3].toarray(), atol=1e-6)
    for row, x in zip(together, X, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            alone = decoder.transform(x[np.newaxis]).toarray()[0]
        np.testing.assert_array_equal(alone, row)


def test_a_noisy_grid_has_no_nan():
    Y = make_sparse_codes(12, 60, n_nonzero_coefs=2, random_state=0)
    encoder = RademacherEncoder(random_state=0)
    channel = GaussianChannel(0.01, random_state=0)
    pipeline = make_pipeline(encoder, channel, BasisPursuitDecoder(encoder))
    grid = {"rademacherencoder__n_components": [1, 20, 50, 60, 80]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(Y, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
