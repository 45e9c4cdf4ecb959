"""Selection by the decrease of the error, beside explicit projections in float64."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from scipy.optimize import lsq_linear
from sklearn import config_context

from sksupercode import HadamardEncoder, OrthogonalMatchingPursuitDecoder, RademacherEncoder
from sksupercode.datasets import make_sparse_codes
from tests.marks import long

KINDS = [
    "random",
    "correlated",
    "equal codewords",
    "ill-conditioned",
    "zero codewords",
    "badly scaled",
    "dependent",
]


def draw(kind, n_features=150, d=24):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((n_features, d))
    if kind == "correlated":
        F += 2 * rng.standard_normal(d)
    elif kind == "equal codewords":
        F[n_features // 2 :] = F[: n_features // 2]
    elif kind == "ill-conditioned":
        F = F * np.logspace(0, -6, d) @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    elif kind == "zero codewords":
        F[::3] = 0
    elif kind == "badly scaled":
        F *= 10.0 ** rng.uniform(-8, 8, (n_features, 1))
    elif kind == "dependent":
        # What is in the span of others must not be selected after them.
        F[100:] = F[:50] + F[50:100]
    return F, rng.standard_normal((12, d))


def reference(F, x, k, values):
    """Return the codewords that are selected, in their order, and the coefficients."""
    norms = np.linalg.norm(F, axis=1)
    units = F / np.where(norms > 0, norms, 1)[:, np.newaxis]
    support, y = [], np.zeros(0)
    for _ in range(k):
        span = [i for i, value in zip(support, y, strict=True) if value > 0 or values == "real"]
        Q = np.linalg.qr(units[span].T)[0]
        rest = units - (units @ Q) @ Q.T
        rest -= (rest @ Q) @ Q.T
        residual = x - y @ units[support]
        distances = np.linalg.norm(rest, axis=1)
        scores = units @ residual
        scores = np.abs(scores) if values == "real" else scores
        gains = np.where(distances > 1e-10, scores / np.maximum(distances, 1e-10), -np.inf)
        gains[support] = -np.inf
        # Codewords that are equal, or become so in what is left, differ by rounding.
        best = int(np.argmax(gains >= (1 - 1e-11) * gains.max()))
        if scores[best] <= 1e-13 * np.linalg.norm(x):
            break
        support.append(best)
        A = units[support].T
        if values == "real":
            y = np.linalg.lstsq(A, x, rcond=None)[0]
        else:
            y = lsq_linear(A, x, (0, np.inf), method="bvls", tol=1e-15).x
            y[y < 1e-12] = 0
    return support, y / norms[support]


def decode(F, X, k, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        params = {"selection": "decrease", "sparse_output": False} | params
        return OrthogonalMatchingPursuitDecoder(F, k, **params).fit(X).transform(X)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("dtype", [np.float64, *long(np.float32)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_as_explicit_projections(kind, dtype, values):
    F, X = draw(kind)
    F = F.astype(dtype)
    exact = F.astype(np.float64)
    for k in (1, 3, 9):
        found = decode(F, X, k, values=values)
        for x, code in zip(X, found, strict=True):
            support, y = reference(exact, x, k, values)
            wanted = np.zeros(len(F))
            wanted[support] = y
            np.testing.assert_array_equal(code != 0, wanted != 0)
            tolerance = 1e-6 * np.abs(y).max(initial=0)
            np.testing.assert_allclose(code, wanted, rtol=1e-5, atol=tolerance)


def test_it_lowers_the_error_more_than_correlations_do():
    F, X = draw("ill-conditioned")
    for values in ("nonnegative", "real"):
        first = [
            np.sum((X - decode(F, X, 6, values=values, selection=selection) @ F) ** 2)
            for selection in ("correlation", "decrease")
        ]
        assert first[1] < 0.97 * first[0]


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_storages_and_batches(values):
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=5, random_state=0)
    noise = 0.1 * np.random.default_rng(0).standard_normal((20, 64))
    for encoder in (RademacherEncoder, HadamardEncoder):
        recipe = encoder(64, random_state=0)
        X = recipe.fit_transform(Y) + noise
        decoder = OrthogonalMatchingPursuitDecoder(recipe, values=values, selection="decrease")
        codes = decoder.fit(X, Y).transform(X).toarray()
        with config_context(working_memory=1e-3):
            np.testing.assert_array_equal(decoder.transform(X).toarray(), codes)
        floats = decode(np.asarray(recipe.dictionary_), X, 5, values=values)
        np.testing.assert_allclose(floats, codes, atol=1e-10)
        if values == "binary":
            assert decoder.score(X, Y) > 0.9


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_what_is_explained_ends(values):
    F, _ = draw("dependent")
    X = F[:20] + 2 * F[100:120]
    codes = decode(F, X, 150, values=values)
    assert np.isfinite(codes).all() and (np.count_nonzero(codes, axis=1) <= 24).all()
    if values == "real":
        np.testing.assert_allclose(codes @ F, X, atol=1e-9)
    assert not decode(np.zeros((4, 24)), X, 2, values=values).any()


def test_bad_selection():
    F, X = draw("random")
    with pytest.raises(ValueError, match="^selection must be one of 'correlation', 'decrease'"):
        OrthogonalMatchingPursuitDecoder(F, 2, selection="error").fit(X)
