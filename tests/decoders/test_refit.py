"""Least squares on a given support: as SciPy and NumPy solve it, one sample at a time."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import lsq_linear, nnls
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sksupercode import (
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SparseAutoencoder,
    TopKDecoder,
)
from sksupercode.metrics import fraction_of_variance_unexplained, neg_fvu_scorer
from sksupercode.sae import SAEWeights, compare_decoders


class Selects(TransformerMixin, BaseEstimator):
    """Gives the supports that it was given."""

    def __init__(self, dictionary, supports, intercept=0.0):
        self.dictionary = dictionary
        self.supports = supports
        self.intercept = intercept
        self.dictionary_, self.intercept_ = dictionary, intercept

    def transform(self, X):
        # A value of 0 is no part of a support.
        return csr_array(self.supports)


def draw(kind, n_samples=40, n_features=60, d=20, seed=0):
    """Return codewords, supports as a 0/1 array, and samples."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n_features, d)) * rng.uniform(0.01, 100, (n_features, 1))
    share = {"larger than d": 0.6, "single": 1 / n_features}.get(kind, 0.12)
    supports = (rng.random((n_samples, n_features)) < share).astype(float)
    if kind == "ill-conditioned":
        F = rng.standard_normal(d) + 1e-6 * rng.standard_normal((n_features, d))
    elif kind == "equal codewords":
        F[30:] = F[:30]
        supports[:, 30:] = supports[:, :30]
    elif kind == "zero codewords":
        F[::3] = 0
    supports[:3] = 0
    return F, supports, F[rng.integers(n_features, size=n_samples)] + rng.standard_normal(d)


KINDS = [
    "general",
    "single",
    "larger than d",
    "ill-conditioned",
    "equal codewords",
    "zero codewords",
]


@pytest.mark.parametrize("kind", KINDS)
def test_nonnegative_values_are_those_of_scipy(kind):
    F, supports, X = draw(kind)
    decoder = RefitDecoder(Selects(F, supports)).fit(X)
    assert decoder.values_ == "nonnegative"
    Z = decoder.transform(X).toarray()
    assert (Z >= 0).all() and not Z[supports == 0].any()
    assert kind != "equal codewords" or not Z[:, 30:].any(), "the first of equal ones is used"
    # With as few codewords as can be the coefficients are unique, otherwise the residual alone is.
    for z, support, x in zip(Z, supports.astype(bool), X, strict=True):
        wanted, distance = np.zeros(0), np.linalg.norm(x)
        if support.any():
            # Not nnls, which older versions of SciPy give up on where codewords are dependent.
            wanted = lsq_linear(F[support].T, x, (0, np.inf), method="bvls", tol=1e-14).x
            distance = np.linalg.norm(x - wanted @ F[support])
        found = np.linalg.norm(x - z @ F)
        np.testing.assert_allclose(found, distance, rtol=1e-9, atol=1e-9 * np.linalg.norm(x))
        if kind in ("general", "single"):
            np.testing.assert_allclose(z[support], wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_real_values_are_those_of_numpy(kind):
    F, supports, X = draw(kind)
    Z = RefitDecoder(Selects(F, supports), values="real").fit(X).transform(X).toarray()
    assert not Z[supports == 0].any()
    for z, support, x in zip(Z, supports.astype(bool), X, strict=True):
        norms = np.linalg.norm(F[support], axis=1)
        norms[norms == 0] = 1
        wanted = np.linalg.lstsq((F[support] / norms[:, None]).T, x, rcond=1e-10)[0] / norms
        residual = np.linalg.norm(x - wanted @ F[support])
        np.testing.assert_allclose(
            np.linalg.norm(x - z @ F), residual, rtol=1e-8, atol=1e-8 * np.linalg.norm(x)
        )
        if kind != "ill-conditioned":
            np.testing.assert_allclose(z[support], wanted, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_samples_are_shifted_and_scaled_as_the_codewords_are(values):
    F, supports, X = draw("general")
    plain = RefitDecoder(Selects(F, supports), values=values).fit(X)
    shift = np.arange(20.0)
    shifted = RefitDecoder(Selects(F, supports, shift), values=values).fit(X + shift)
    Z = plain.transform(X)
    np.testing.assert_allclose(shifted.transform(X + shift).toarray(), Z.toarray(), atol=1e-9)
    np.testing.assert_allclose(shifted.inverse_transform(Z), plain.inverse_transform(Z) + shift)
    encoder = RademacherEncoder(20, n_features=60, random_state=0)
    signs = np.asarray(encoder.codebook(60, 20))
    top = TopKDecoder(encoder, n_nonzero_coefs=5, values=values)
    found = RefitDecoder(top).fit(X).transform(X).toarray()
    wanted = RefitDecoder(clone(top).set_params(dictionary=signs)).fit(X).transform(X).toarray()
    np.testing.assert_allclose(found, wanted, atol=1e-9 * np.abs(wanted).max())


def test_pursuits_that_fit_are_left_as_they_are():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((200, 40)), rng.standard_normal((50, 40))
    for values in ("nonnegative", "real"):
        omp = OrthogonalMatchingPursuitDecoder(F, n_nonzero_coefs=10, values=values).fit(X)
        refit = RefitDecoder(FrozenEstimator(omp)).fit(X)
        assert refit.values_ == values and refit.n_nonzero_coefs_ == 10
        Z = omp.transform(X).toarray()
        np.testing.assert_allclose(refit.transform(X).toarray(), Z, atol=1e-10)
        np.testing.assert_array_equal(refit.predict(X).toarray(), Z != 0)


def test_blocks_do_not_matter():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((60, 20)), rng.standard_normal((500, 20))
    decoder = RefitDecoder(TopKDecoder(F, n_nonzero_coefs=9)).fit(X)
    wanted = decoder.transform(X)
    with config_context(working_memory=0.01):
        assert abs(decoder.transform(X) - wanted).max() == 0


def test_grid_search_over_the_estimator():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((200, 40)), rng.standard_normal((60, 40))
    grid = {"estimator__n_nonzero_coefs": [2, 4, 8], "values": ["nonnegative", "real"]}
    decoder = RefitDecoder(MatchingPursuitDecoder(F, values="real"))
    search = GridSearchCV(decoder, grid, scoring=neg_fvu_scorer, cv=2).fit(X)
    assert search.best_params_ == {"estimator__n_nonzero_coefs": 8, "values": "real"}
    means = search.cv_results_["mean_test_score"].reshape(3, 2)
    assert (np.diff(means, axis=0) > 0).all() and (means[:, 1] > means[:, 0]).all()
    assert not hasattr(decoder.estimator, "dictionary_")


def make_sae(normalization="none"):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((64, 16)).astype(np.float32)
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    b_dec = 0.3 * rng.standard_normal(16).astype(np.float32)
    weights = SAEWeights("topk", F, b_dec, F.T, np.zeros(64, np.float32), k=5)
    X = 3 + 2 * rng.exponential(size=(80, 16))
    return SparseAutoencoder.from_weights(replace(weights, normalization=normalization)), X


@pytest.mark.parametrize("normalization", ["none", "layer_norm", "constant_norm_rescale"])
def test_latents_of_an_autoencoder(normalization):
    sae, X = make_sae(normalization)
    normalized, scale, shift = sae.normalize(X)
    Z = sae.transform(X).toarray()
    expected = np.zeros_like(Z)
    for row, (z, x) in enumerate(zip(Z, normalized, strict=True)):
        support = np.flatnonzero(z)
        expected[row, support], _ = nnls(sae.dictionary_[support].T, x - sae.intercept_)
    X_hat = (expected @ sae.dictionary_ + sae.intercept_) * scale + shift
    for estimator in (sae, FrozenEstimator(sae)):
        decoder = RefitDecoder(estimator).fit(X)
        np.testing.assert_allclose(decoder.transform(X).toarray(), expected, 1e-5, 1e-5)
        np.testing.assert_allclose(decoder.reconstruct(X), X_hat, atol=1e-5)
        before, after = (
            fraction_of_variance_unexplained(X, one.reconstruct(X)) for one in (sae, decoder)
        )
        assert after < before
        np.testing.assert_allclose(-neg_fvu_scorer(decoder, X), after)
        comparison = compare_decoders({"SAE": sae, "refit": decoder, "new": RefitDecoder(sae)}, X)
        wanted = [before, after, after]
        np.testing.assert_allclose(comparison["FVU"], wanted, rtol=1e-6)
        # Reconstructions are no codes, which frames cannot hold where they are sparse.
        decoder.set_output(transform="pandas")
        np.testing.assert_allclose(decoder.reconstruct(X), X_hat, atol=1e-5)


@pytest.mark.parametrize("freeze", [FrozenEstimator, lambda decoder: decoder])
def test_decoders_around_a_decoder_around_an_autoencoder_that_normalises(freeze):
    sae, X = make_sae("layer_norm")
    once = RefitDecoder(sae).fit(X)
    twice = RefitDecoder(freeze(once)).fit(X)
    np.testing.assert_allclose(twice.transform(X).toarray(), once.transform(X).toarray(), atol=1e-9)
    np.testing.assert_allclose(twice.reconstruct(X), once.reconstruct(X), atol=1e-9)
    fvu = compare_decoders({"once": once, "twice": twice, "new": RefitDecoder(once)}, X)["FVU"]
    np.testing.assert_allclose(fvu, fvu.iloc[0], rtol=1e-9)


@pytest.mark.parametrize("normalization", ["none", "layer_norm"])
def test_decoders_of_an_autoencoder_are_compared_at_several_k(normalization):
    sae, X = make_sae(normalization)
    decoders = {
        "top-k": TopKDecoder(sae, n_nonzero_coefs=1),
        "refit": RefitDecoder(TopKDecoder(sae, n_nonzero_coefs=1)),
        "twice": RefitDecoder(RefitDecoder(TopKDecoder(sae, n_nonzero_coefs=1))),
        "SAE": RefitDecoder(FrozenEstimator(sae)),
    }
    comparison = compare_decoders(decoders, X, n_nonzero_coefs=[2, 4])
    assert list(comparison.index) == ["top-k"] * 2 + ["refit"] * 2 + ["twice"] * 2 + ["SAE"]
    assert decoders["refit"].estimator.n_nonzero_coefs == 1
    fvu, l0 = comparison["FVU"].to_numpy(), comparison["L0"].to_numpy()
    assert fvu[2] < fvu[0] and fvu[3] < fvu[1] and fvu[3] < fvu[2]
    assert 1 < l0[2] <= 2 < l0[3] <= 4
    np.testing.assert_allclose(fvu[4:6], fvu[2:4], rtol=1e-9)
    normalized, scale, shift = sae.normalize(X)
    decoder = RefitDecoder(TopKDecoder(sae, n_nonzero_coefs=4)).fit(normalized)
    X_hat = decoder.inverse_transform(decoder.transform(normalized)) * scale + shift
    assert fvu[3] == pytest.approx(fraction_of_variance_unexplained(X, X_hat), rel=1e-9)


def test_copies():
    sae, X = make_sae()
    decoder = RefitDecoder(FrozenEstimator(sae)).fit(X)
    wanted = decoder.transform(X)
    for copied in (clone(decoder).fit(X), pickle.loads(pickle.dumps(decoder))):
        assert abs(copied.transform(X) - wanted).max() == 0


@pytest.mark.parametrize(
    "estimator",
    [SparseAutoencoder(), SparseAutoencoder, FrozenEstimator(TopKDecoder(np.eye(16))), None, "SAE"],
)
def test_estimators_refused(estimator):
    with pytest.raises(ValueError, match="estimator must be a decoder, or have transform and dict"):
        RefitDecoder(estimator).fit(make_sae()[1])


def test_parameters_refused():
    sae, X = make_sae()
    with pytest.raises(ValueError, match="values must be one of 'auto', 'nonnegative', 'real'"):
        RefitDecoder(sae, values="binary").fit(X)
    with pytest.raises(ValueError, match="sparse_output must be True or False"):
        RefitDecoder(sae, sparse_output=1).fit(X)
    with pytest.raises(ValueError, match="X has 15"):
        RefitDecoder(sae).fit(X[:, 1:])


def test_names_of_columns_are_compared_once(recwarn):
    pd = pytest.importorskip("pandas", reason="needs pandas")
    F, X = np.eye(4)[:, :3] + 0.1, np.arange(6.0).reshape(2, 3)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    fitted = OrthogonalMatchingPursuitDecoder(F, 1).fit(frame)
    decoder = RefitDecoder(FrozenEstimator(fitted)).fit(frame)
    for method in (decoder.transform, decoder.predict, decoder.reconstruct):
        method(frame)
    assert not recwarn.list
    assert list(fitted.feature_names_in_) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="^The feature names should match"):
        RefitDecoder(FrozenEstimator(fitted)).fit(frame[["b", "a", "c"]])
