"""Orthogonal matching pursuit beside scikit-learn's, and beside SciPy's NNLS on each support."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import orthogonal_mp

from sksupercode import (
    HadamardEncoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders._coarse_scores import CoarseScores
from sksupercode.decoders._nonnegative_fit import nonnegative_least_squares
from sksupercode.decoders._orthogonal_bases import OrthogonalBases
from sksupercode.dictionaries import (
    DenseDictionary,
    HadamardDictionary,
    PackedSignDictionary,
    SignDictionary,
    WeightedDictionary,
)
from tests.marks import long


def unit(F):
    return F / np.linalg.norm(F, axis=1, keepdims=True)


def codewords(kind):
    """Return 120 codewords of norm 1 in 24 dimensions."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((120, 24))
    if kind == "correlated":
        F += 2 * rng.standard_normal(24)
    if kind == "ill-conditioned":
        F = F * np.logspace(0, -5, 24) @ np.linalg.qr(rng.standard_normal((24, 24)))[0]
    return unit(F)


def decode(dictionary, X, k=None, **params):
    """Return dense codes, where every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoder = OrthogonalMatchingPursuitDecoder(dictionary, k, sparse_output=False, **params)
        return decoder.fit(X).transform(X)


@pytest.mark.parametrize("kind", ["random", "correlated", "ill-conditioned"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_is_the_same_as_in_scikit_learn(kind, dtype):
    F = codewords(kind).astype(dtype)
    X = np.random.default_rng(1).standard_normal((25, 24))
    exact = F.astype(np.float64)
    norms = np.linalg.norm(exact, axis=1)
    for k in (1, 2, 6, 20):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            wanted = orthogonal_mp(unit(exact).T, X.T, n_nonzero_coefs=k).reshape(120, 25).T / norms
        found = decode(F, X, k)
        np.testing.assert_array_equal(found != 0, wanted != 0)
        assert (np.count_nonzero(found, axis=1) == k).all()
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())
        # Norms change nothing but the coefficients.
        scales = np.random.default_rng(2).uniform(0.01, 100, size=(120, 1))
        scaled = decode(exact * scales, X, k) * scales.T
        np.testing.assert_allclose(scaled, found, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())


def nonnegative_reference(F, x, k):
    """One codeword after the other, and SciPy's NNLS of all of them each time."""
    support, y, residual = [], np.zeros(0), x
    for _ in range(k):
        scores = F @ residual / np.linalg.norm(F, axis=1)
        scores[support] = -np.inf
        if scores.max() <= 1e-12 * np.linalg.norm(x):
            break
        support.append(np.argmax(scores))
        y, _ = nnls(F[support].T, x)
        residual = x - F[support].T @ y
    code = np.zeros(len(F))
    code[support] = y
    return code, len(support)


@pytest.mark.parametrize("kind", ["random", "correlated", "ill-conditioned"])
def test_nonnegative_is_nnls_on_the_support(kind):
    F = codewords(kind)
    F *= np.random.default_rng(2).uniform(0.1, 10, size=(120, 1))
    # SciPy gives up where a support is more ill-conditioned.
    sizes = (1, 3, 6) if kind == "ill-conditioned" else (1, 3, 10, 24, 60)
    X = np.random.default_rng(1).standard_normal((25, 24))
    left_out = 0
    for k in sizes:
        references = [nonnegative_reference(F, x, k) for x in X]
        wanted = np.array([code for code, _ in references])
        found = decode(F, X, k, values="nonnegative")
        # What SciPy leaves of a residual of zero is rounding.
        tolerance = 1e-7 * np.abs(wanted).max()
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=tolerance)
        assert found.min() >= 0
        left_out += sum(n - np.count_nonzero(code) for code, n in references)
    assert left_out > 0 or kind != "random", "nothing was left out: not tested"


@pytest.mark.parametrize("seed", range(10))
def test_active_sets_reach_the_optimum(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((12, 12)) + 0.5
    A[:, 7] = A[:, 2] + A[:, 4]
    A[:, 11] = A[:, 3]
    b = rng.standard_normal(12)
    y = np.zeros(0)
    for n in range(1, 13):
        y = nonnegative_least_squares(A[:, :n], b, np.append(y, 0.0))
        assert (y >= 0).all()
        wanted = nnls(A[:, :n], b)[1]
        np.testing.assert_allclose(np.linalg.norm(b - A[:, :n] @ y), wanted, rtol=1e-9)
        used = A[:, :n][:, y > 0]
        # NumPy 2.0 knows no rank of a matrix without columns.
        assert not used.size or np.linalg.matrix_rank(used) == used.shape[1]


@pytest.mark.parametrize("n_components", [48, 56, 64])
def test_binary_recovers_what_scikit_learn_does(n_components):
    """And more, for it knows the sign of what it looks for."""
    Y = make_sparse_codes(100, 1024, n_nonzero_coefs=8, random_state=0)
    # Signs would tie, and scikit-learn breaks ties by rounding.
    encoder = SphericalEncoder(n_components, random_state=0)
    X = encoder.fit_transform(Y)
    found = OrthogonalMatchingPursuitDecoder(encoder).fit(X, Y).transform(X)
    assert set(found.data) == {1.0}
    ours = (found.toarray() == Y.toarray()).all(axis=1)
    with warnings.catch_warnings():
        # Of samples whose last codeword depends on the others, up to rounding.
        warnings.simplefilter("ignore", RuntimeWarning)
        theirs = orthogonal_mp(np.asarray(encoder.dictionary_).T, X.T, n_nonzero_coefs=8).T
    theirs = ((theirs != 0) == Y.toarray()).all(axis=1)
    assert 0 < theirs.sum() < ours.sum() < 100
    assert ours[theirs].all()


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
@pytest.mark.parametrize("encoder", [RademacherEncoder, HadamardEncoder, SphericalEncoder])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_explained_ends(values, encoder, dtype):
    """With k far too large, what is left is rounding, of float32 samples too if they are binary."""
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, dtype=dtype, random_state=0)
    recipe = encoder(120, random_state=0)
    X = recipe.fit_transform(Y)
    k = 200 if values == "binary" or dtype == np.float64 or encoder != SphericalEncoder else 4
    decoder = OrthogonalMatchingPursuitDecoder(recipe, k, values=values).fit(X, Y)
    codes = decoder.transform(X)
    assert codes.dtype == dtype
    np.testing.assert_allclose(codes.toarray(), Y.toarray(), atol=1e-5)
    assert decoder.score(X, Y) == 1.0


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_dependent_codewords(values):
    """Duplicates, multiples, zeros and sums of others: codes are finite, and the first counts."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((12, 6))
    F = np.vstack([F, F, 3 * F, np.zeros((2, 6)), F[:6] + F[6:]])
    X = rng.standard_normal((40, 6))
    for k in (1, 5, 6, 7, 20, len(F) + 3):
        codes = decode(F, X, k, values=values)
        assert np.isfinite(codes).all()
        assert not codes[:, 12:24].any() and not codes[:, 36:38].any()
        assert (np.count_nonzero(codes, axis=1) <= 6).all()
    if values == "real":
        np.testing.assert_allclose(codes @ F, X, atol=1e-9)


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_smallest_cases(values):
    X = np.array([[2.0], [-3.0], [0.0]])
    for F in (np.array([[1.0], [-2.0], [0.0]]), np.array([[1.0]])):
        for k in (0, 1, 5):
            codes = decode(F, X, k, values=values)
            assert codes.shape == (3, len(F))
            assert np.count_nonzero(codes[0]) == min(k, 1) and not codes[2].any()
    assert not decode(np.zeros((4, 1)), X, 2, values=values).any()
    np.testing.assert_allclose(decode([[1.0], [-2.0]], X, 1, values="nonnegative")[1], [0, 1.5])


def test_tol():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((60, 12)), rng.standard_normal((20, 12))
    for values in ("nonnegative", "real"):
        codes = decode(F, X, tol=0.5, values=values)
        assert (np.linalg.norm(X - codes @ F, axis=1) <= 0.5).all()
        assert len(set(np.count_nonzero(codes, axis=1))) > 1
    sizes = np.count_nonzero(codes, axis=1)
    for size in set(sizes):
        rows = sizes == size
        np.testing.assert_allclose(decode(F, X[rows], size), codes[rows], atol=1e-10)
        before = decode(F, X[rows], size - 1)
        assert (np.linalg.norm(X[rows] - before @ F, axis=1) > 0.5).all()
    capped = OrthogonalMatchingPursuitDecoder(F, 2, tol=1e-9).fit(X)
    with pytest.warns(ConvergenceWarning, match="^20 of 20 .* tol=1e-09 within 2 iterations"):
        capped.transform(X)
    nowhere = OrthogonalMatchingPursuitDecoder(np.eye(12)[:3], tol=0.0, values="nonnegative")
    with pytest.warns(ConvergenceWarning, match="20 of 20"):
        nowhere.fit(X).transform(X)
    # A cap beyond all bounds takes no memory.
    assert decode(F, X, 10**12, tol=0.5).any()


@pytest.mark.parametrize("values", ["nonnegative", *long("binary", "real")])
def test_rows_and_storages(values):
    """A dictionary of signs gives the same bits in every storage and batch."""
    Y = make_sparse_codes(20, 300, n_nonzero_coefs=6, random_state=0)
    noise = 0.1 * np.random.default_rng(0).standard_normal((20, 50))
    codes = []
    for storage in ("dense", "packed", "seed"):
        encoder = RademacherEncoder(50, storage=storage, random_state=0)
        X = encoder.fit_transform(Y) + noise
        decoder = OrthogonalMatchingPursuitDecoder(encoder, values=values).fit(X, Y)
        codes.append(decoder.transform(X).toarray())
        with config_context(working_memory=1e-3):
            np.testing.assert_array_equal(decoder.transform(X).toarray(), codes[0])
        np.testing.assert_array_equal(codes[-1], codes[0])
    floats = decode(np.asarray(encoder.dictionary_), X, 6, values=values)
    np.testing.assert_allclose(floats, codes[0], atol=1e-10)


@pytest.mark.parametrize(
    "values, dtype",
    [("binary", float), ("binary", np.float32), ("nonnegative", float), ("real", float)],
)
def test_codewords_that_are_not_needed_in_the_end_are_left_out(values, dtype):
    """Their coefficients are 0 but for rounding, which is neither a false alarm nor a 1."""
    rng = np.random.default_rng(0)
    F = rng.integers(-2, 3, (80, 20)) / 3
    Y = rng.random((200, 80)) < 5 / 80
    X = (Y @ F).astype(dtype)
    support = decode(F, X, 12, values=values) != 0
    for row, x in zip(support, X, strict=True):
        y = np.linalg.lstsq(F[row].T, x, rcond=None)[0]
        assert np.abs(y).min(initial=1) > 1e-5
    assert (support == Y).all(axis=1).mean() > 0.35


def test_bases_of_nearly_dependent_codewords_are_orthogonal():
    """Gram-Schmidt that is not repeated loses five digits here, as one NumPy QR shows."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((1, 50)) + 1e-5 * rng.standard_normal((20, 50))
    X = rng.standard_normal((3, 50))
    bases = OrthogonalBases(X, len(F) + 1)
    for f in F:
        assert not bases.add(np.tile(f, (3, 1))).any()
    Q, R = np.linalg.qr(F.T)
    wanted = np.linalg.solve(R, Q.T @ X.T).T
    np.testing.assert_allclose(bases.residuals @ F.T, 0, atol=1e-13)
    np.testing.assert_allclose(bases.residuals, X - X @ Q @ Q.T, atol=1e-9)
    np.testing.assert_allclose(bases.coefs(slice(None)), wanted, rtol=1e-8)
    before = bases.residuals.copy()
    assert bases.add(np.tile(F[3] + F[4] - F[5], (3, 1))).all()
    np.testing.assert_array_equal(bases.residuals, before)
    codes = decode(F, X, len(F))
    np.testing.assert_allclose((X - codes @ F) @ F.T, 0, atol=1e-8)
    np.testing.assert_allclose(codes, wanted, rtol=1e-8)


def all_storages():
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], size=(500, 40))
    floats = rng.standard_normal((500, 40)) * np.logspace(-3, 3, 500)[:, np.newaxis]
    floats[[0, 17]] = 0
    return [
        SignDictionary(signs),
        PackedSignDictionary(signs, scale=1.0),
        WeightedDictionary(PackedSignDictionary(signs, scale=1.0), rng.uniform(0, 3, size=500)),
        HadamardDictionary.random(500, 40, np.random.SeedSequence(0)),
        DenseDictionary(floats),
        DenseDictionary(floats.astype(np.float32)),
        DenseDictionary(1e-30 * floats.astype(np.float32)),
        DenseDictionary(1e100 * floats),
    ]


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("dictionary", all_storages(), ids=lambda dictionary: dictionary.dtype.name)
def test_coarse_scores_select_what_precise_ones_do(dictionary, is_signed):
    rng = np.random.default_rng(1)
    residuals = rng.standard_normal((200, 40)) * np.logspace(-9, 9, 200)[:, np.newaxis]
    taken = rng.integers(0, 500, size=(200, 3))
    F = np.asarray(dictionary, dtype=np.float64)
    norms = np.linalg.norm(F / np.abs(F).max(), axis=1) * np.abs(F).max()
    exact = residuals @ (F / np.where(norms > 0, norms, 1)[:, np.newaxis]).T
    exact = exact if is_signed else np.abs(exact)
    exact[:, norms == 0] = -np.inf
    np.put_along_axis(exact, taken, -np.inf, axis=1)
    best, gains, selected = CoarseScores(dictionary, is_signed=is_signed).select(residuals, taken)
    np.testing.assert_array_equal(best, exact.argmax(axis=1))
    np.testing.assert_allclose(gains, exact.max(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(selected, F[best])
    everything = np.tile(np.arange(500), (200, 1))
    _, gains, selected = CoarseScores(dictionary, is_signed=is_signed).select(residuals, everything)
    assert (gains == -np.inf).all() and not selected.any()
