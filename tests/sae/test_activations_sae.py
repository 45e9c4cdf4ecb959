"""The autoencoder that comes with the package, on activations that had no part in its training."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, orthogonal_mp
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
)
from sksupercode.datasets import load_activations, load_activations_sae
from sksupercode.metrics import fraction_of_variance_unexplained, neg_fvu_scorer
from sksupercode.sae import compare_decoders

K = 32


@pytest.fixture(scope="module")
def sae():
    return load_activations_sae()


@pytest.fixture(scope="module")
def X():
    X = load_activations().data[4500:]
    X.setflags(write=False)
    return X


def test_what_it_is(sae, X):
    assert isinstance(sae, FrozenEstimator) and isinstance(sae.estimator, SparseAutoencoder)
    assert sae.dictionary_.shape == (2048, 384)
    assert {array.dtype for array in sae.weights_.arrays().values()} == {np.dtype(np.float16)}
    # Rounded to half precision, of which 384 errors average out.
    np.testing.assert_allclose(np.linalg.norm(sae.dictionary_, axis=1), 1, atol=2e-4)
    Z = sae.transform(X)
    np.testing.assert_array_equal(np.diff(Z.indptr), K)
    assert 0.2 < 1 - sae.score(X) < 0.25


def test_decoders_explain_more_than_the_encoder_with_as_many_latents(sae, X):
    decoders = {
        "SAE": sae,
        "refit": RefitDecoder(sae),
        "GP": GradientPursuitDecoder(sae, n_nonzero_coefs=K),
        "OMP": OrthogonalMatchingPursuitDecoder(sae, n_nonzero_coefs=K),
    }
    comparison = compare_decoders(decoders, X)
    fvu = comparison["FVU"]
    assert fvu["OMP"] < fvu["GP"] < fvu["refit"] < fvu["SAE"]
    assert fvu["OMP"] < 0.9 * fvu["SAE"]
    assert (comparison["L0"] <= K).all() and comparison["L0"]["SAE"] == K


def unit_codewords(sae, X):
    F = sae.dictionary_.astype(np.float64)
    return F / np.linalg.norm(F, axis=1, keepdims=True), X - sae.intercept_.astype(np.float64)


def orthogonal_pursuit(F, x):
    """Nonnegative orthogonal matching pursuit of one sample, with SciPy's least squares."""
    support, residual, z = [], x, np.zeros(len(F))
    for _ in range(K):
        scores = F @ residual
        scores[support] = -np.inf
        support.append(np.argmax(scores))
        values, _ = nnls(F[support].T, x)
        residual = x - values @ F[support]
    z[support] = values
    return z


def gradient_pursuit(F, x):
    """Gradient pursuit of one sample, as inference-time optimisation of autoencoders has it."""
    z, selected, residual = np.zeros(len(F)), np.zeros(len(F), dtype=bool), x
    for _ in range(K):
        gradient = F @ residual
        selected[np.argmax(gradient)] = True
        gradient[~selected] = 0
        change = gradient @ F
        z = np.maximum(z + (residual @ change) / (change @ change) * gradient, 0)
        residual = x - z @ F
    return z


@pytest.mark.long
@pytest.mark.parametrize(
    "decoder_class, reference",
    [
        (OrthogonalMatchingPursuitDecoder, orthogonal_pursuit),
        (GradientPursuitDecoder, gradient_pursuit),
    ],
)
def test_nonnegative_pursuits_equal_a_plain_loop(sae, X, decoder_class, reference):
    X = X[:50]
    F, centred = unit_codewords(sae, X)
    Z = np.array([reference(F, x) for x in centred])
    expected = fraction_of_variance_unexplained(X, Z @ F + sae.intercept_)
    decoder = decoder_class(sae, n_nonzero_coefs=K).fit(X)
    assert -neg_fvu_scorer(decoder, X) == pytest.approx(expected, abs=1e-4)
    found = decoder.predict(X).toarray().astype(bool)
    np.testing.assert_array_equal(found, Z > 0)


@pytest.mark.long
def test_real_orthogonal_pursuit_equals_that_of_sklearn(sae, X):
    X = X[:100]
    F, centred = unit_codewords(sae, X)
    Z = orthogonal_mp(F.T, centred.T, n_nonzero_coefs=K).T
    expected = fraction_of_variance_unexplained(X, Z @ F + sae.intercept_)
    decoder = OrthogonalMatchingPursuitDecoder(sae, n_nonzero_coefs=K, values="real").fit(X)
    assert -neg_fvu_scorer(decoder, X) == pytest.approx(expected, abs=1e-4)


def test_refit_equals_least_squares_on_the_latents(sae, X):
    F, centred = unit_codewords(sae, X[:100])
    X_hat = []
    for z, x in zip(sae.transform(X[:100]).toarray(), centred, strict=True):
        support = np.flatnonzero(z)
        X_hat.append(nnls(F[support].T, x)[0] @ F[support] + sae.intercept_)
    expected = fraction_of_variance_unexplained(X[:100], np.array(X_hat))
    decoder = RefitDecoder(sae).fit(X)
    assert -neg_fvu_scorer(decoder, X[:100]) == pytest.approx(expected, abs=1e-6)


def test_grid_search(sae, X):
    W_dec = np.array(sae.weights_.W_dec)
    decoder = MatchingPursuitDecoder(dictionary=sae, values="nonnegative")
    grid = {"n_nonzero_coefs": [8, 32, 64]}
    search = GridSearchCV(decoder, grid, scoring=neg_fvu_scorer, cv=2).fit(X)
    assert search.best_params_ == {"n_nonzero_coefs": 64}
    assert (np.diff(search.cv_results_["mean_test_score"]) > 0).all()
    best = search.best_estimator_
    for copied in (best, clone(best).fit(X), pickle.loads(pickle.dumps(best))):
        np.testing.assert_array_equal(copied.dictionary.weights_.W_dec, W_dec)
        assert neg_fvu_scorer(copied, X[:50]) == neg_fvu_scorer(best, X[:50])


def test_logistic_regression_on_latents(sae, X):
    tokens = load_activations().tokens[4500:]
    labels = np.char.isalpha(tokens.astype(str))
    pipeline = make_pipeline(sae, LogisticRegression(max_iter=200)).fit(X[:400], labels[:400])
    majority = max(labels[400:].mean(), 1 - labels[400:].mean())
    # 100 tokens: one standard error is 0.05 at most.
    assert pipeline.score(X[400:], labels[400:]) > majority + 0.05
    copied = clone(pipeline).fit(X[:400], labels[:400])
    np.testing.assert_array_equal(copied.predict(X), pipeline.predict(X))
