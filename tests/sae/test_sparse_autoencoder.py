"""The autoencoder as an estimator: alone, in pipelines, and as the dictionary of decoders."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
import sys
import warnings

import ml_dtypes
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import (
    BasisPursuitDecoder,
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.inspection import dictionary_report
from sksupercode.metrics import fraction_of_variance_unexplained, neg_fvu_scorer
from sksupercode.sae import SAEWeights, compare_decoders

N, D, K = 96, 24, 6


def make_sae(*, architecture="topk", dtype=np.float32, k=K, sparse_output=True, **settings):
    """A dictionary of random unit codewords, its transpose as the encoder, and an intercept."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((N, D))
    F = (F / np.linalg.norm(F, axis=1)[:, None]).astype(dtype)
    b_dec = rng.standard_normal(D).astype(dtype)
    zeros = np.zeros(N, dtype)
    weights = SAEWeights(
        architecture, F, b_dec, F.T, zeros, threshold=zeros + dtype(1), k=k, **settings
    )
    return SparseAutoencoder.from_weights(weights, sparse_output=sparse_output)


def make_samples(sae, n_samples=80, seed=1):
    """Nonnegative combinations of K codewords, the intercept and a little noise."""
    rng = np.random.default_rng(seed)
    Y = np.zeros((n_samples, N))
    for y in Y:
        y[rng.choice(N, K, replace=False)] = 1 + rng.random(K)
    X = Y @ sae.dictionary_ + sae.intercept_
    return (X + 0.05 * rng.standard_normal(X.shape)).astype(np.float32)


def test_attributes_of_loaded_weights():
    sae = make_sae()
    assert (sae.n_features_in_, sae.n_latents_, sae.n_latents) == (D, N, N)
    assert (sae.architecture, sae.n_nonzero_coefs) == ("topk", K)
    assert sae.dictionary_.shape == (N, D) and sae.intercept_.shape == (D,)
    assert sae.get_feature_names_out()[-1] == f"sparseautoencoder{N - 1}"
    with pytest.raises(ValueError, match="read-only"):
        sae.dictionary_[0, 0] = 1
    with pytest.raises(ValueError, match="weights must be SAEWeights, got dict"):
        SparseAutoencoder.from_weights({})


@pytest.mark.parametrize("method", ["transform", "reconstruct", "normalize", "score"])
def test_samples_are_checked(method):
    sae = make_sae()
    with pytest.raises(ValueError, match=f"X has {D + 1} features.*expecting {D}"):
        getattr(sae, method)(np.ones((3, D + 1)))
    with pytest.raises(ValueError, match="NaN"):
        getattr(sae, method)(np.full((3, D), np.nan))
    with pytest.raises(ValueError, match="X must be a dense array"):
        getattr(sae, method)(csr_matrix((3, D)))
    with pytest.raises(NotFittedError):
        getattr(SparseAutoencoder(), method)(np.ones((3, D)))


def test_latents_are_checked():
    sae = make_sae()
    with pytest.raises(ValueError, match=f"X must have {N} columns"):
        sae.inverse_transform(np.ones((3, N + 1)))
    with pytest.raises(NotFittedError):
        SparseAutoencoder().inverse_transform(np.ones((3, N)))
    assert not hasattr(SparseAutoencoder(), "dictionary_")


def test_dtypes():
    sae = make_sae()
    X = make_samples(sae).astype(np.float16)
    for dtype in (np.float32, np.float64):
        Z = sae.transform(X.astype(dtype))
        assert isinstance(Z, csr_matrix) and Z.dtype == dtype
        assert sae.inverse_transform(Z).dtype == sae.reconstruct(X.astype(dtype)).dtype == dtype
        # Arithmetic is in float32 for either.
        assert (Z != sae.transform(X.astype(np.float32))).nnz == 0
    for dtype in (np.float16, ml_dtypes.bfloat16):
        assert sae.transform(X.astype(dtype)).dtype == np.float32
    assert make_sae(dtype=np.float64).dictionary_.dtype == np.float64


def test_names_of_columns_do_not_matter_to_loaded_weights():
    sae = make_sae()
    X = make_samples(sae)
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(D)])
    for estimator in (sae, FrozenEstimator(sae)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert (estimator.transform(frame) != sae.transform(X)).nnz == 0
            np.testing.assert_array_equal(estimator.reconstruct(frame), sae.reconstruct(X))


def test_names_of_columns_are_looked_at_once():
    pytest.importorskip("torch", reason="needs PyTorch")
    frame = pd.DataFrame(make_samples(make_sae()), columns=[f"x{j}" for j in range(D)])
    sae = SparseAutoencoder(8, n_nonzero_coefs=2, max_iter=2, random_state=0).fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sae.score(frame) <= 1
        for estimator in (sae, FrozenEstimator(sae)):
            dictionary_report(estimator, frame)
            compare_decoders({"SAE": estimator, "refitted": RefitDecoder(estimator)}, frame)


def test_tensors():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    sae = make_sae()
    X = torch.from_numpy(make_samples(sae)).requires_grad_()
    expected = sae.transform(X.detach().numpy())
    assert expected.dtype == sae.transform(X).dtype == sae.reconstruct(X).dtype == np.float32
    assert (sae.transform(X) != expected).nnz == 0
    assert sae.transform(X.double()).dtype == np.float64
    for half in (X.half(), X.bfloat16()):
        assert (sae.transform(half) != sae.transform(half.float())).nnz == 0
        assert sae.transform(half).dtype == np.float32
    trained, other = (
        SparseAutoencoder(8, n_nonzero_coefs=2, max_iter=2, random_state=0) for _ in "ab"
    )
    np.testing.assert_array_equal(
        trained.fit(X.half()).dictionary_, other.fit(X.half().detach().numpy()).dictionary_
    )


def test_containers():
    sae = make_sae()
    X = make_samples(sae)
    Z = sae.transform(X)
    dense = make_sae(sparse_output=False)
    np.testing.assert_array_equal(dense.transform(X), Z.toarray())
    X_hat = sae.inverse_transform(Z)
    np.testing.assert_allclose(sae.inverse_transform(csc_array(Z)), X_hat, atol=1e-6)
    np.testing.assert_allclose(sae.inverse_transform(Z.toarray()), X_hat, atol=1e-6)
    frame = dense.set_output(transform="pandas").transform(X)
    assert isinstance(frame, pd.DataFrame) and list(frame) == list(sae.get_feature_names_out())
    with config_context(transform_output="pandas"):
        with pytest.raises(ValueError, match="pandas output does not support sparse data"):
            sae.transform(X)
        assert sae.reconstruct(X).shape == X.shape
    sae.sparse_output = "yes"
    with pytest.raises(ValueError, match="sparse_output must be True or False"):
        sae.transform(X)


def test_reconstructions():
    sae = make_sae()
    X = make_samples(sae)
    X_hat = sae.reconstruct(X)
    np.testing.assert_allclose(sae.inverse_transform(sae.transform(X)), X_hat, atol=1e-5)
    fvu = fraction_of_variance_unexplained(X, X_hat)
    assert sae.score(X) == pytest.approx(1 - fvu)
    assert neg_fvu_scorer(sae, X) == neg_fvu_scorer(FrozenEstimator(sae), X) == -fvu


@pytest.mark.parametrize("normalization", ["layer_norm", "constant_norm_rescale"])
def test_normalisation_of_samples(normalization):
    sae = make_sae(normalization=normalization)
    rng = np.random.default_rng(2)
    X = rng.standard_normal((20, D)) * rng.uniform(0.1, 100, (20, 1)) + rng.normal(size=(20, 1))
    X_normalized, scale, shift = sae.normalize(X)
    assert scale.shape == shift.shape == (20, 1)
    np.testing.assert_allclose(np.square(X_normalized).mean(axis=1), 1, rtol=0.06)
    # Division is by the deviation plus 1e-5, multiplication by the deviation.
    np.testing.assert_allclose(sae.denormalize(X_normalized, scale, shift), X, rtol=1e-3)
    X_hat = sae.inverse_transform(sae.transform(X))
    np.testing.assert_allclose(
        sae.denormalize(X_hat, scale, shift), sae.reconstruct(X), rtol=1e-4, atol=1e-3
    )
    assert neg_fvu_scorer(sae, X) == pytest.approx(sae.score(X) - 1)


@pytest.mark.parametrize("settings", [{}, {"normalization": "expected_average"}])
def test_no_normalisation_of_samples(settings):
    sae = make_sae(normalization_scale=0.5, **settings)
    X = make_samples(sae)
    X_normalized, scale, shift = sae.normalize(X)
    assert np.array_equal(X_normalized, X) and (scale == 1).all() and (shift == 0).all()
    factor = 2 if settings else 1
    np.testing.assert_array_equal(sae.dictionary_, factor * sae.weights_.W_dec)
    np.testing.assert_array_equal(sae.intercept_, factor * sae.weights_.b_dec)


def test_pickling_a_mapped_file(tmp_path):
    sae = make_sae(dtype=np.float16)
    X = make_samples(sae)
    Z = sae.transform(X)
    arrays = {}
    for name, array in sae.weights_.arrays().items():
        array.tofile(tmp_path / name)
        mapped = np.memmap(tmp_path / name, np.float16, mode="r", shape=array.shape)
        # What is stored transposed comes as a view.
        arrays[name] = mapped if name != "W_enc" else mapped.reshape(D, N)
    sae = SparseAutoencoder.from_weights(SAEWeights("topk", k=K, **arrays))
    fresh = len(pickle.dumps(sae))
    assert (sae.transform(X) != Z).nnz == 0
    # Widened copies are not pickled.
    assert len(pickle.dumps(sae)) == fresh < 2.2 * sum(a.nbytes for a in arrays.values())
    stored = pickle.dumps(sae)
    del sae, arrays, mapped
    for path in tmp_path.iterdir():
        path.unlink()
    assert (pickle.loads(stored).transform(X) != Z).nnz == 0


def test_clones():
    sae = make_sae()
    X = make_samples(sae)
    bare = clone(sae)
    assert bare.get_params() == sae.get_params()
    with pytest.raises(NotFittedError):
        bare.transform(X)
    frozen = clone(FrozenEstimator(sae)).fit(X, None)
    assert frozen.dictionary_ is sae.dictionary_
    assert (frozen.transform(X) != sae.transform(X)).nnz == 0


def test_fit_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install torch\."):
        SparseAutoencoder().fit(np.ones((10, D)))


def test_classifying_latents():
    sae = make_sae(architecture="jumprelu")
    X = make_samples(sae, 200)
    y = X[:, 0] > np.median(X[:, 0])
    pipe = make_pipeline(FrozenEstimator(sae), LogisticRegression()).fit(X, y)
    # A coin would be right on 100 of 200, give or take 7.
    assert pipe.score(X, y) > 0.8


@pytest.mark.parametrize(
    "decoder",
    [
        GradientPursuitDecoder,
        MatchingPursuitDecoder,
        OrthogonalMatchingPursuitDecoder,
        TopKDecoder,
        lambda sae, n_nonzero_coefs: ThresholdDecoder(
            sae, threshold=1.5, n_nonzero_coefs=n_nonzero_coefs
        ),
        lambda sae, n_nonzero_coefs: BasisPursuitDecoder(sae, tol=0.3),
    ],
)
@pytest.mark.parametrize("frozen", [False, True])
def test_dictionary_of_decoders(decoder, frozen):
    sae = make_sae()
    X = make_samples(sae)
    decoder = decoder(FrozenEstimator(sae) if frozen else sae, n_nonzero_coefs=K).fit(X)
    Z = decoder.transform(X)
    assert decoder.values_ == "nonnegative" and (Z.data > 0).all()
    np.testing.assert_allclose(decoder.inverse_transform(Z), sae.inverse_transform(Z), atol=1e-5)
    if isinstance(decoder, TopKDecoder):
        # The encoder of this autoencoder is the matched filter.
        assert (Z.astype(bool) != sae.transform(X).astype(bool)).nnz == 0


def test_grid_search_over_a_decoder():
    sae = make_sae()
    X = make_samples(sae)
    decoder = MatchingPursuitDecoder(FrozenEstimator(sae), values="nonnegative")
    grid = {"n_nonzero_coefs": [1, 3, K, 2 * K]}
    search = GridSearchCV(decoder, grid, scoring=neg_fvu_scorer, cv=2, error_score="raise").fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert (np.diff(scores) > 0).all() and scores[-1] > neg_fvu_scorer(sae, X)
    assert search.best_estimator_.dictionary.dictionary_ is sae.dictionary_


@pytest.mark.parametrize("normalization", ["layer_norm", "constant_norm_rescale"])
def test_decoders_want_normalised_samples(normalization, recwarn):
    sae = make_sae(normalization=normalization)
    X = 3 * make_samples(sae) + 5
    decoder = MatchingPursuitDecoder(sae, n_nonzero_coefs=K)
    with pytest.warns(UserWarning, match=r"decode sae.normalize\(X\)\[0\]") as warned:
        decoder.fit(X)
    assert warned[0].filename == __file__
    recwarn.clear()
    X_normalized, scale, shift = sae.normalize(X)
    decoder.fit(X_normalized)
    assert not recwarn
    X_hat = decoder.inverse_transform(decoder.transform(X_normalized))
    X_hat = sae.denormalize(X_hat, scale, shift)
    assert 1 - fraction_of_variance_unexplained(X, X_hat) > sae.score(X)
