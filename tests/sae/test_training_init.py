"""Training that goes on from codewords, from a learned dictionary or from an autoencoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sksupercode import SparseAutoencoder, Transcoder
from sksupercode.sae import SAEWeights

# Trainings of few steps, too few for an automatic penalty.
pytestmark = pytest.mark.filterwarnings("ignore:.* latents are active on average, far from")

pytest.importorskip("torch", reason="needs PyTorch")

N, D, K = 60, 48, 3
RNG = np.random.default_rng(5)
F = RNG.standard_normal((N, D))
F /= np.linalg.norm(F, axis=1)[:, None]
Y = np.where(np.argsort(RNG.random((1200, N)), axis=1) < K, RNG.uniform(1, 2, (1200, N)), 0)
ORIGIN = RNG.standard_normal(D)
X = Y @ F + ORIGIN
ARCHITECTURES = ("topk", "batchtopk", "relu", "gated", "jumprelu", "matryoshka", "abstopk")
# Steps that change nothing.
STILL = {"max_iter": 1, "learning_rate": 1e-12}


class Learned(BaseEstimator):
    """Codewords and an intercept that nobody has learned."""

    def __init__(self, dictionary=F, intercept=ORIGIN):
        self.dictionary = self.dictionary_ = dictionary
        self.intercept = self.intercept_ = intercept


def make_sae(init, architecture="topk", **settings):
    settings = {"n_nonzero_coefs": K, "batch_size": 100, "random_state": 0, **settings}
    return SparseAutoencoder(N, architecture=architecture, init=init, **settings)


def train(sae, method, X=X):
    sae = clone(sae)
    if method == "fit":
        return sae.fit(X)
    for rows in np.array_split(X, 3):
        sae.partial_fit(rows)
    return sae


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_training_starts_from(architecture, method):
    sae = train(make_sae(FrozenEstimator(Learned(3 * F)), architecture, **STILL), method)
    assert_allclose(sae.dictionary_, F, atol=1e-6)
    assert_allclose(sae.intercept_, ORIGIN, atol=1e-6)
    # The encoder is the multiple of the transpose that is best on the first samples.
    W_enc = sae.weights_.W_enc.T
    factor = (W_enc * F).sum() / N
    assert 0.3 < factor < 3
    assert_allclose(W_enc, factor * F, atol=1e-5)
    # An array has no intercept.
    sae = train(make_sae(F.tolist(), architecture, **STILL), method)
    assert_allclose(sae.dictionary_, F, atol=1e-6)
    assert_allclose(sae.intercept_, X.mean(axis=0), atol=1e-5)


# Gated autoencoders have nearly found it after three passes, and prefixes lack most codewords.
@pytest.mark.parametrize("architecture", sorted({*ARCHITECTURES} - {"gated", "matryoshka"}))
def test_the_truth_is_a_better_start_than_samples(architecture):
    sae, other, learned = (
        make_sae(start, architecture, l1_coef=0.02, max_iter=3).fit(X)
        for start in (F, "samples", Learned())
    )
    # Means of the first pass, in one unit.
    assert sae.loss_curve_[0] < 0.6 * other.loss_curve_[0]
    for estimator in (sae, learned):
        assert estimator.score(X) > other.score(X) + 0.03
        assert (estimator.dictionary_ * F).sum(axis=1).mean() > 0.97


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_unit_does_not_matter(method):
    sae, other = (
        train(make_sae(FrozenEstimator(Learned(F, c * ORIGIN)), max_iter=2), method, c * X)
        for c in (1.0, 1024.0)
    )
    assert_array_equal(other.dictionary_, sae.dictionary_)
    assert_allclose(other.intercept_, 1024 * sae.intercept_, rtol=1e-6)
    assert other.loss_curve_ == sae.loss_curve_


@pytest.mark.parametrize("factor", [1e3, 1e300])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_an_intercept_in_another_unit_is_told(factor, method):
    with pytest.warns(UserWarning, match="intercept_ of init is more than 32 standard deviations"):
        sae = train(make_sae(FrozenEstimator(Learned(F, factor * ORIGIN)), max_iter=2), method)
    other = train(make_sae(F, max_iter=2), method)
    assert_array_equal(sae.weights_.W_dec, other.weights_.W_dec)
    assert_array_equal(sae.intercept_, other.intercept_)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_autoencoder_gives_its_encoder(architecture):
    first = make_sae("samples", architecture, max_iter=3).fit(X)
    state = pickle.dumps(first.weights_)
    sae = make_sae(FrozenEstimator(first), architecture, **STILL).fit(X)
    for name, array in first.weights_.arrays().items():
        # The threshold is a running mean.
        rtol = 0.2 if name == "threshold" else 1e-5
        assert_allclose(getattr(sae.weights_, name), array, rtol=rtol, atol=1e-6)
    sae.set_params(learning_rate="auto", max_iter=3).fit(X)
    assert sae.score(X) > first.score(X)
    assert pickle.dumps(first.weights_) == state
    # Another kind has an encoder of its own.
    other = "relu" if architecture == "topk" else "topk"
    sae = make_sae(first, other, **STILL).fit(X)
    assert_allclose(sae.dictionary_, first.dictionary_, atol=1e-6)
    assert_allclose(sae.intercept_, first.intercept_, atol=1e-6)
    assert_allclose(sae.weights_.b_enc, 0, atol=1e-6)


def test_a_transcoder_gives_its_codewords_alone():
    weights = make_sae("samples", max_iter=1).fit(X).weights_
    encoder = np.random.default_rng(1).standard_normal(weights.W_enc.shape).astype(np.float32)
    transcoder = Transcoder.from_weights(replace(weights, W_enc=encoder, is_transcoder=True))
    sae = make_sae(transcoder, **STILL).fit(X)
    assert_allclose(sae.dictionary_, transcoder.dictionary_, atol=1e-6)
    factors = sae.weights_.W_enc / sae.weights_.W_dec.T
    assert_allclose(factors, np.median(factors), rtol=1e-3)


def test_codewords_of_zeros_are_drawn():
    init = F.copy()
    init[[0, 7]] = 0
    sae = make_sae(init, **STILL).fit(X)
    assert_allclose(np.linalg.norm(sae.dictionary_, axis=1), 1, rtol=1e-6)
    centred = X - X.mean(axis=0)
    cosines = sae.dictionary_ @ (centred / np.linalg.norm(centred, axis=1)[:, None]).T
    assert (cosines[[0, 7]].max(axis=1) > 1 - 1e-6).all()
    kept = np.delete(np.arange(N), [0, 7])
    assert_allclose(sae.dictionary_[kept], F[kept], atol=1e-6)
    assert not init[[0, 7]].any()


def test_as_a_parameter():
    sae = make_sae(FrozenEstimator(Learned()), early_stopping=True, max_iter=3)
    assert sae.get_params()["init"] is sae.init
    sae.fit(X)
    for copy in (clone(sae).fit(X), pickle.loads(pickle.dumps(sae))):
        assert_array_equal(copy.dictionary_, sae.dictionary_)
    assert len(sae.validation_scores_) == sae.n_iter_
    before = sae.dictionary_.copy()
    # The weights count, and no longer the start.
    sae.set_params(init=F[:5], learning_rate=1e-12).partial_fit(X)
    assert_allclose(sae.dictionary_, before, atol=1e-6)
    grid = {"init": ["samples", F, FrozenEstimator(Learned())]}
    search = GridSearchCV(make_sae("random", max_iter=1), grid, cv=2, error_score="raise").fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert scores[1:].min() > scores[0] + 0.2


def normalizing_sae():
    weights = SAEWeights("topk", F, np.zeros(D), F.T, np.zeros(N), k=K, normalization="layer_norm")
    return SparseAutoencoder.from_weights(weights)


@pytest.mark.parametrize(
    ("init", "message"),
    [
        (F[:5], "init must have n_latents=60 codewords of 48 dimensions.*got 5 of 48"),
        (F[:, :5], "got 60 of 5"),
        (np.full((N, D), np.nan), "init must be .*NaN"),
        (F.astype("U9").astype(object) + "x", "init must be"),
        (None, "init must be"),
        (SparseAutoencoder(N), "init=SparseAutoencoder.*has no dictionary_: pass it fitted"),
        (FrozenEstimator(normalizing_sae()), "init=SparseAutoencoder.*normalises each sample"),
        (Learned(F, ORIGIN[:3]), "intercept_ must be"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_refusals(init, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(make_sae(init), method)(X)
