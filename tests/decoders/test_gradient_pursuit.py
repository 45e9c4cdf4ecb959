"""Gradient pursuit against a slow reference that shares no code with it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning

from sksupercode import GradientPursuitDecoder, RademacherEncoder
from sksupercode.datasets import make_sparse_codes


def reference(F, x, n_iter, *, nonnegative, tol=0.0):
    """The published algorithms for one sample and codewords of norm 1, and which were selected."""
    y, mask, selected = np.zeros(len(F)), np.zeros(len(F), dtype=bool), []
    for _ in range(n_iter):
        residual = x - F.T @ y
        if np.linalg.norm(residual) <= tol:
            break
        gradient = F @ residual
        selected.append(np.argmax(gradient if nonnegative else np.abs(gradient)))
        mask[selected[-1]] = True
        direction = np.where(mask, gradient, 0.0)
        change = F.T @ direction
        y = y + (residual @ change) / (change @ change) * direction
        if nonnegative:
            y = np.maximum(y, 0)
    return y, selected


def unit_codewords(n_features, n_components, seed=0):
    """Return correlated codewords, some of which will turn out to be too much."""
    F = np.random.default_rng(seed).standard_normal((n_features, n_components))
    F[: n_features // 2] += 1
    return F / np.linalg.norm(F, axis=1, keepdims=True)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_published_algorithms(values, dtype):
    F = unit_codewords(60, 16).astype(dtype)
    X = np.random.default_rng(1).standard_normal((30, 16))
    # Of a float32 dictionary, the same numbers.
    exact = F.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    repeated = clipped = 0
    for k in (1, 2, 5, 15, 40):
        codes = GradientPursuitDecoder(F, k, values=values).fit(X).transform(X).toarray()
        references = [reference(exact, x, k, nonnegative=values == "nonnegative") for x in X]
        wanted = np.array([y for y, _ in references])
        np.testing.assert_allclose(codes, wanted, atol=1e-8 if dtype == np.float64 else 1e-5)
        repeated += sum(len(set(selected)) < len(selected) for _, selected in references)
        clipped += sum(np.any(y[selected] == 0) for y, selected in references)
    assert repeated > 0, "no codeword was selected again: the case is not tested"
    assert (clipped > 0) == (values == "nonnegative")


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_tol_stops_as_soon_as_it_is_reached(values):
    F = unit_codewords(60, 16)
    X = np.random.default_rng(1).standard_normal((20, 16))
    decoder = GradientPursuitDecoder(F, tol=2.0, values=values).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = decoder.transform(X)
    wanted = [reference(F, x, 16, nonnegative=values == "nonnegative", tol=2.0)[0] for x in X]
    np.testing.assert_allclose(codes.toarray(), wanted, atol=1e-10)
    capped = GradientPursuitDecoder(F, 2, tol=1e-3, values=values).fit(X)
    with pytest.warns(ConvergenceWarning, match="20 of 20 samples did not reach tol=0.001"):
        capped.transform(X)


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_an_explained_sample_gets_nothing_more(values):
    """Where the residual is 0 there is no direction left, which is no reason to divide by it."""
    F = np.eye(8)
    X = np.array([[2.0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0], np.zeros(8)])
    with np.errstate(all="raise"):
        codes = GradientPursuitDecoder(F, 8, values=values).fit(X).transform(X).toarray()
    np.testing.assert_allclose(codes, X > 0 if values == "binary" else X, atol=1e-12)
    zeros = GradientPursuitDecoder(np.zeros((5, 8)), 3, values=values).fit(X)
    assert zeros.transform(X).nnz == 0


def test_nonnegative_codes_of_negative_samples_are_empty():
    decoder = GradientPursuitDecoder(np.eye(4), 3, values="nonnegative").fit(-np.ones((2, 4)))
    assert decoder.transform(-np.ones((2, 4))).nnz == 0


def test_every_storage_decodes_the_same():
    Y = make_sparse_codes(20, 300, n_nonzero_coefs=6, random_state=0)
    noise = 0.1 * np.random.default_rng(0).standard_normal((20, 60))
    codes = {}
    for storage in ("dense", "packed"):
        encoder = RademacherEncoder(60, storage=storage, random_state=0)
        X = encoder.fit_transform(Y) + noise
        for values in ("binary", "nonnegative", "real"):
            decoder = GradientPursuitDecoder(encoder, values=values).fit(X, Y)
            codes[storage, values] = decoder.transform(X).toarray()
            with config_context(working_memory=1e-3):
                one_by_one = decoder.transform(X).toarray()
            np.testing.assert_array_equal(one_by_one, codes[storage, values])
            np.testing.assert_array_equal(codes[storage, values], codes["dense", values])
