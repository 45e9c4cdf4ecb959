"""Basis pursuit against linear programming, duality and least squares."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
import re
import subprocess
import sys
import warnings
from functools import partial

import cvxpy
import numpy as np
import pytest
from joblib import parallel_config
from scipy.optimize import linprog, nnls
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import BasisPursuitDecoder, GaussianChannel, RademacherEncoder, SphericalEncoder
from sksupercode._utils import _memory
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _basis_pursuit
from sksupercode.theory import basis_pursuit_phase_transition
from tests.marks import long

NO_CODE = ".* samples have no code"
# Of the samples of make_problem, on purpose.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Every sample takes as many codewords:sklearn.exceptions.ConvergenceWarning"
)


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
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "homotopy"},
        {"solver": "cvxpy"},
        {"solver": "CLARABEL"},
        {"solver": "HIGHS"},
    ],
)
def test_optimum(values, params):
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, values=values, **params).fit(X)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", NO_CODE)
        codes = decoder.transform(X).toarray()
    np.testing.assert_allclose(codes @ F, X, atol=1e-12)
    assert values == "real" or (codes >= 0).all()
    # A vertex: no more nonzero coefficients than dimensions.
    assert ((codes != 0).sum(axis=1) <= 20).all()
    for code, x in zip(codes, X, strict=True):
        wanted = least_l1_norm(F, x, nonnegative=values == "nonnegative")
        assert np.abs(code).sum() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("kind", ["float", "signs"])
@pytest.mark.parametrize("tol", [1.0, 2.0])
@pytest.mark.parametrize("solver", ["homotopy", "cvxpy"])
def test_optimum_with_noise(values, kind, tol, solver):
    """The dual point u = r / max(F r) proves the optimum: sum(y) >= <x, u> - tol ||u||."""
    F, X = make_problem()
    source = F
    if kind == "signs":
        source = RademacherEncoder(n_components=20, n_features=60, random_state=0)
        F = np.asarray(source.codebook(60, 20))
    params = {"values": values, "tol": tol, "solver": solver}
    decoder = BasisPursuitDecoder(source, **params).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = decoder.transform(X).toarray()
    assert values == "real" or (codes >= 0).all()
    for code, x in zip(codes, X, strict=True):
        residual = x - code @ F
        assert np.linalg.norm(residual) <= tol
        correlations = F @ residual
        dual = residual / (correlations if values == "nonnegative" else np.abs(correlations)).max()
        bound = x @ dual - tol * np.linalg.norm(dual)
        assert np.abs(code).sum() == pytest.approx(bound, rel=1e-3)


@pytest.mark.parametrize("solver", ["homotopy", "cvxpy"])
def test_tol_that_covers_the_sample(solver):
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, tol=1e3, solver=solver).fit(X)
    assert decoder.transform(X).nnz == 0


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("solver", ["homotopy", "cvxpy"])
def test_infeasible_gives_least_squares(values, solver):
    F, X = make_problem(n_features=8)
    decoder = BasisPursuitDecoder(F, values=values, solver=solver).fit(X)
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
def test_predict_with_unknown_k_is_the_support_of_the_code_in_any_unit(values):
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, values=values).fit(X)
    assert decoder.n_nonzero_coefs_ is None
    magnitudes = np.abs(decoder.transform(X).toarray())
    assert ((magnitudes > 0.5) != (magnitudes > 0)).any()
    for scale in (1, 0.01, 100, 2.0**-200):
        np.testing.assert_array_equal(decoder.predict(scale * X).toarray(), magnitudes > 0)
    for k in (0, 3, 200):
        support = decoder.set_params(n_nonzero_coefs=k).fit(X).predict(X).toarray()
        ranks = np.argsort(np.argsort(-magnitudes, axis=1, kind="stable"), axis=1)
        np.testing.assert_array_equal(support, (ranks < k) & (magnitudes > 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_strengths_of_any_unit_are_found_without_k(dtype):
    Y = make_sparse_codes(20, 128, n_nonzero_coefs=4, values="gaussian", random_state=0)
    encoder = RademacherEncoder(60, n_features=128, random_state=0)
    for scale in (0.01, 1, 100):
        X = (scale * encoder.fit_transform(Y)).astype(dtype)
        decoder = BasisPursuitDecoder(encoder, values="real").fit(X)
        assert decoder.n_nonzero_coefs_ is None and decoder.score(X, Y) == 1


def test_binary_codes_in_another_unit_come_with_a_warning():
    Y = make_sparse_codes(5, 60, support="bernoulli", n_nonzero_coefs=3, random_state=0)
    encoder = RademacherEncoder(40, n_features=60, random_state=0)
    X = encoder.fit_transform(Y)
    decoder = BasisPursuitDecoder(encoder).fit(X)
    for small in (0.4 * X, 1e-30 * X):
        with pytest.warns(UserWarning, match="^No coefficient of any sample is above 1/2"):
            assert decoder.predict(small).nnz == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decoder.predict(0.6 * X).nnz == decoder.transform(100 * X).nnz == Y.nnz
        assert decoder.predict(0 * X).nnz == 0
        BasisPursuitDecoder(encoder, 3).fit(X).predict(0.01 * X)


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


def test_solvers_agree():
    """N = 1000: both solvers see but a part of it at a time."""
    Y = make_sparse_codes(6, 1000, n_nonzero_coefs=5, random_state=0)
    for n_components in (20, 60):
        # Signs in few dimensions have several optima.
        encoder = SphericalEncoder(n_components, random_state=0)
        X = encoder.fit_transform(Y)
        for values in ("binary", "nonnegative", "real"):
            codes = [
                BasisPursuitDecoder(encoder, solver=solver, values=values).fit(X, Y).transform(X)
                for solver in ("homotopy", "cvxpy")
            ]
            np.testing.assert_allclose(codes[0].toarray(), codes[1].toarray(), atol=1e-6)
        assert (codes[0].count_nonzero() > Y.nnz) == (n_components == 20)


@pytest.mark.filterwarnings(f"ignore:{NO_CODE}:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["homotopy", "cvxpy"])
@pytest.mark.parametrize("tol", [None, 1e-30])
def test_scale_of_dictionary_and_samples(solver, tol):
    F, X = make_problem(n_samples=3)
    wanted = BasisPursuitDecoder(F, solver=solver).fit(X).transform(X).toarray()
    decoder = BasisPursuitDecoder(1e-80 * F, solver=solver, tol=tol).fit(X)
    for scale in (1e-20, 1e100):
        codes = decoder.transform(scale * X).toarray()
        np.testing.assert_allclose(codes / scale / 1e80, wanted, atol=1e-5)


def test_storages_agree():
    Y = make_sparse_codes(4, 3000, n_nonzero_coefs=5, random_state=0)
    codes = []
    for storage in ("dense", "packed", "seed"):
        encoder = RademacherEncoder(70, storage=storage, random_state=0)
        X = encoder.fit_transform(Y)
        decoder = BasisPursuitDecoder(encoder, values="nonnegative").fit(X, Y)
        codes.append(decoder.transform(X).toarray())
        np.testing.assert_allclose(codes[-1], Y.toarray(), atol=1e-10)
        np.testing.assert_array_equal(codes[-1] != 0, codes[0] != 0)


def test_cvxpy_where_rounding_stops_the_homotopy(monkeypatch):
    F, X = make_problem()
    wanted = BasisPursuitDecoder(F).fit(X).transform(X).toarray()

    def get_lost(columns, x, tol=0.0):
        return np.array([0]), np.array([1.0]), "failed"

    monkeypatch.setattr(_basis_pursuit, "follow_path", get_lost)
    decoder = BasisPursuitDecoder(F).fit(X)
    np.testing.assert_allclose(decoder.transform(X).toarray(), wanted, atol=1e-6)
    decoder.set_params(solver="homotopy").fit(X)
    with pytest.warns(ConvergenceWarning, match="6 of 6 samples"):
        decoder.transform(X)


@pytest.mark.parametrize("solver", ["homotopy", "cvxpy"])
def test_request_that_cannot_fit_in_memory(solver, monkeypatch):
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, solver=solver)
    monkeypatch.setattr(_memory, "available_memory", lambda: 470_000)
    if solver == "homotopy":
        decoder.fit(X)
        monkeypatch.setattr(_memory, "available_memory", lambda: 30_000)
    with pytest.raises(
        MemoryError, match=rf"Basis pursuit by {solver} on 120 x 20 .* needs .*bytes"
    ):
        decoder.fit(X)


def test_no_program_is_kept():
    F, X = make_problem()
    decoder = BasisPursuitDecoder(F, solver="cvxpy").fit(X)
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
        ({"solver": None}, r"\bsolver\b"),
        ({"solver": "NOPE"}, r"solver.*'homotopy'.*'CLARABEL'.*'NOPE'"),
        ({"solver": "SCIPY", "tol": 0.1}, "solver='SCIPY'.*tol=0.1"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"n_jobs": 1.0}, "n_jobs"),
        ({"tol": -0.1}, "tol"),
        ({"tol": np.nan}, "tol"),
        ({"tol": "1"}, "tol"),
        ({"tol": True}, "tol"),
    ],
)
def test_bad_parameters(params, message):
    F, X = make_problem()
    with pytest.raises(ValueError, match=message):
        BasisPursuitDecoder(F, **params).fit(X)


def test_every_installed_solver_is_refused_or_works():
    F, X = make_problem(n_samples=2, n_features=30, n_components=8)
    wanted = [least_l1_norm(F, x, nonnegative=False) for x in X]
    n_working = 0
    for solver in cvxpy.installed_solvers():
        decoder = BasisPursuitDecoder(F, solver=solver)
        try:
            decoder.fit(X)
        except ValueError as error:
            assert solver in str(error)
            continue
        n_working += 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            codes = decoder.transform(X).toarray()
            again = decoder.transform(X).toarray()
        np.testing.assert_array_equal(codes, again, err_msg=solver)
        # A first-order solver may stop short of the optimum, and say so.
        if not any(re.match(NO_CODE, str(w.message)) for w in caught):
            np.testing.assert_allclose(np.abs(codes).sum(axis=1), wanted, rtol=1e-4)
        np.testing.assert_allclose(codes @ F, X, atol=1e-9)
    assert n_working >= 2


def test_infeasible_samples_never_raise_nor_borrow_from_their_neighbours():
    # With N little above d the noise leaves the cone of the codewords, and solvers give up.
    Y = make_sparse_codes(6, 120, n_nonzero_coefs=4, random_state=0)
    encoder = RademacherEncoder(100, random_state=0)
    clean = encoder.fit_transform(Y)
    noisy = clean + np.random.default_rng(0).standard_normal(clean.shape) / 10
    X = np.vstack([clean[:3], noisy[3:], clean[:1] * 1e100])
    decoder = BasisPursuitDecoder(encoder, n_nonzero_coefs=4, values="nonnegative").fit(X[:6], Y)
    with pytest.warns(ConvergenceWarning, match="of 7 samples have no code") as caught:
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


def relative_residuals(F, X, codes):
    return np.linalg.norm(X - codes @ F, axis=1) / np.linalg.norm(X, axis=1)


def decode(F, X, **params):
    """Return the codes, and which samples are warned of when each is decoded alone."""
    decoder = BasisPursuitDecoder(F, **params).fit(X)
    codes, is_warned = [], []
    for x in X:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            codes.append(decoder.transform(x[np.newaxis]).toarray()[0])
        is_warned.append(any(re.match(NO_CODE, str(w.message)) for w in caught))
    return np.array(codes), np.array(is_warned)


def bumps(width):
    t, u = np.linspace(0, 1, 80), np.linspace(0, 1, 40)[:, np.newaxis]
    return np.exp(-((t - u) ** 2) / width)


def ill_conditioned(smallest):
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, 30)))[0] for n in (120, 30))
    return left * np.geomspace(1, smallest, 30) @ right


@pytest.mark.parametrize("solver", ["auto", "homotopy", "cvxpy", "HIGHS"])
@pytest.mark.parametrize("F", [bumps(0.02), ill_conditioned(1e-4), *long(ill_conditioned(1e-8))])
def test_solvers_are_not_believed(F, solver):
    """Residuals as short as was asked for, or a warning, and never more than the zero code's."""
    rng = np.random.default_rng(1)
    spanned = np.abs(rng.standard_normal((1, len(F)))) @ F
    for X in (spanned, rng.standard_normal((1, F.shape[1]))):
        for tol in (None, 1e-6):
            if solver == "HIGHS" and tol is not None:
                continue
            codes, is_warned = decode(F, X, solver=solver, tol=tol)
            errors = relative_residuals(F, X, codes)
            limit = 1e-7 if tol is None else tol / np.linalg.norm(X, axis=1)
            assert (is_warned | (errors <= limit)).all()
            assert (errors <= 1).all()
            # The path alone may fail at singular values of 1e-8, with its warning.
            if X is spanned and tol is None and solver != "homotopy":
                assert (errors <= 1e-7).all()


def test_columns_of_any_norm():
    F = np.random.default_rng(0).standard_normal((20, 10))
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    x = F[:1] + F[1:2] + 1e-9 * F[2:3]
    F[0] *= 1e-7
    codes, is_warned = decode(F, x)
    assert not is_warned.any()
    np.testing.assert_allclose(codes @ F, x, atol=1e-8)


@pytest.mark.parametrize("solver", ["homotopy", "cvxpy"])
def test_small_tolerances_hold(solver):
    F, X = make_problem()
    for tol in (1e-5, 1e-8, 1e-10, 1e-12):
        codes, is_warned = decode(F, X, solver=solver, tol=tol)
        assert (np.linalg.norm(X - codes @ F, axis=1) <= tol).all()
        assert solver == "cvxpy" or not is_warned.any()
    _, is_warned = decode(F, X, solver=solver, tol=1e-20)
    assert is_warned.all()


def test_noise_std_is_a_tolerance_for_each_dimension():
    F, X = make_problem()
    decoders = [
        BasisPursuitDecoder(F, **p).fit(X) for p in ({"noise_std": 0.1}, {"tol": 20**0.5 / 10})
    ]
    assert decoders[0].tol_ == pytest.approx(decoders[1].tol_)
    codes = [decoder.transform(X).toarray() for decoder in decoders]
    np.testing.assert_allclose(codes[0], codes[1])


def test_samples_of_any_size():
    F, X = make_problem(n_samples=2)
    wanted = BasisPursuitDecoder(F).fit(X).transform(X).toarray()
    for scale in (1e-300, 1e-150, 1e150, 1e300):
        codes = BasisPursuitDecoder(F).fit(X).transform(scale * X).toarray()
        np.testing.assert_allclose(codes / scale, wanted, rtol=1e-9)


@pytest.mark.long
def test_homotopy_does_without_cvxpy_and_nothing_is_printed():
    """HiGHS announces itself on the file descriptor, whatever sys.stdout is."""
    script = """if True:
        import sys
        import numpy as np
        from sksupercode import BasisPursuitDecoder, MaximumLikelihoodDecoder, RademacherEncoder
        from sksupercode.datasets import make_sparse_codes
        Y = make_sparse_codes(2, 100, n_nonzero_coefs=2, random_state=0)
        encoder = RademacherEncoder(40, random_state=0)
        X = encoder.fit_transform(Y)
        assert BasisPursuitDecoder(encoder).fit(X, Y).score(X, Y) == 1.0
        assert "cvxpy" not in sys.modules
        F = np.random.default_rng(0).standard_normal((30, 10))
        X = np.vstack([F[:2] + F[2:4], np.ones((1, 10))])
        for solver in ("auto", "cvxpy", "HIGHS", "SCIPY"):
            BasisPursuitDecoder(F, solver=solver).fit(X).transform(X)
        MaximumLikelihoodDecoder(F, 2).fit(X).transform(X)
    """
    process = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE)
    assert process.stdout == b""


@pytest.mark.parametrize("n_components, warns", [(20, False), (45, True), *long((90, True))])
def test_noise_that_is_fitted_exactly(n_components, warns):
    """A warning where samples of k codewords would be recovered but for the noise; one a call."""
    Y = make_sparse_codes(4, 200, n_nonzero_coefs=6, random_state=0)
    encoder = RademacherEncoder(n_components, random_state=0)
    clean = encoder.fit_transform(Y)
    noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)
    for X, params, wanted in (
        (clean, {}, False),
        ((clean * np.float32(0.3)).astype(np.float32), {}, False),
        (noisy, {"noise_std": 0.1}, False),
        (noisy, {}, warns),
    ):
        decoder = BasisPursuitDecoder(encoder, values="real", **params).fit(X, Y)
        for method in (decoder.transform, decoder.predict):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                method(X)
            assert [w.category for w in caught] == [ConvergenceWarning] * wanted
            assert not wanted or "Pass noise_std=" in str(caught[0].message)


def test_jobs_share_the_samples():
    F, X = make_problem(n_samples=9)
    decoder = BasisPursuitDecoder(F, tol=0.1).fit(X)
    wanted = decoder.transform(X).toarray()
    # What processes would get goes into a pickle.
    solve = partial(_basis_pursuit.solve, decoder._columns, tol=0.1, solver="auto")
    columns, coefs, *_ = pickle.loads(pickle.dumps(solve))(X[0])
    np.testing.assert_array_equal(columns, np.flatnonzero(wanted[0]))
    np.testing.assert_array_equal(coefs, wanted[0, columns])
    with parallel_config("threading", n_jobs=2):
        np.testing.assert_array_equal(decoder.transform(X).toarray(), wanted)
