"""Transcoders: forward pass, decoders of their codewords, comparisons on their output."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
from dataclasses import replace

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    TopKDecoder,
    Transcoder,
)
from sksupercode.inspection import dictionary_report
from sksupercode.metrics import fraction_of_variance_unexplained, mean_l0, neg_fvu_scorer
from sksupercode.sae import SAEWeights, compare_decoders

N, D_IN, D = 30, 7, 11


def make_weights(*, skip=True, dtype=np.float32, seed=0, d=D, **settings):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    return SAEWeights(
        "jumprelu",
        draw(N, d),
        draw(d),
        draw(D_IN, N),
        draw(N),
        np.abs(draw(N)),
        W_skip=draw(D_IN, d) if skip else None,
        is_transcoder=True,
        applies_b_dec=False,
        **settings,
    )


def make_samples(n_samples=40, seed=1):
    return np.random.default_rng(seed).standard_normal((n_samples, D_IN))


def literal(weights, X):
    """Latents and outputs in float64."""
    w = {name: array.astype(np.float64) for name, array in weights.arrays().items()}
    inputs = X
    if weights.normalization == "layer_norm":
        centered = X - X.mean(axis=1, keepdims=True)
        inputs = centered / (X.std(axis=1, ddof=1, keepdims=True) + 1e-5)
    elif weights.normalization == "expected_average":
        inputs = X * weights.normalization_scale
    Z = inputs @ w["W_enc"] + w["b_enc"]
    Z = np.where(Z > w["threshold"], Z, 0)
    skip = X @ w["W_skip"] if "W_skip" in w else np.zeros((len(X), weights.shape[1]))
    return Z, Z @ w["W_dec"] + w["b_dec"], skip


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"normalization": "layer_norm"},
        {"normalization": "expected_average", "normalization_scale": 3.0},
    ],
)
def test_forward(skip, settings):
    # What is done to inputs is not undone on outputs, which are of another space.
    weights, X = make_weights(skip=skip, dtype=np.float64, **settings), make_samples()
    transcoder = Transcoder.from_weights(weights)
    Z, superposed, added = literal(weights, X)
    np.testing.assert_allclose(transcoder.transform(X).toarray(), Z, atol=1e-12)
    np.testing.assert_allclose(transcoder.inverse_transform(Z), superposed, atol=1e-12)
    np.testing.assert_allclose(transcoder.skip(X), added, atol=1e-12)
    assert transcoder.skip(X).shape == added.shape
    Y_hat = transcoder.reconstruct(X)
    np.testing.assert_allclose(Y_hat, superposed + added, atol=1e-12)
    Y = Y_hat + make_samples(40, seed=2) @ np.ones((D_IN, D))
    expected = 1 - fraction_of_variance_unexplained(Y, Y_hat)
    assert transcoder.score(X, Y) == pytest.approx(expected, rel=1e-12)
    assert neg_fvu_scorer(FrozenEstimator(transcoder), X, Y) == pytest.approx(expected - 1)
    assert (transcoder.n_features_in_, *transcoder.dictionary_.shape) == (D_IN, N, D)


def test_blocks_half_precision_and_pickles():
    # What is stored in half precision is widened, and a skip connection has no block of its own.
    weights, X = make_weights(dtype=np.float16), make_samples(3000).astype(np.float32)
    transcoder = Transcoder.from_weights(weights)
    _, superposed, added = literal(weights, X.astype(np.float64))
    np.testing.assert_allclose(transcoder.reconstruct(X), superposed + added, atol=1e-4)
    again = pickle.loads(pickle.dumps(transcoder))
    assert np.array_equal(again.reconstruct(X), transcoder.reconstruct(X))


def test_clones_keep_the_weights():
    transcoder = clone(Transcoder.from_weights(make_weights()))
    assert not transcoder.__sklearn_is_fitted__()
    transcoder.fit(make_samples())
    assert len(transcoder.get_feature_names_out()) == N
    with pytest.raises(ValueError, match="X has 3 columns, but the transcoder takes 7"):
        transcoder.fit(np.ones((4, 3)))
    assert transcoder.transform(make_samples()).shape == (40, N)
    with pytest.raises(ValueError, match="got None: .* not trained here. Train one in PyTorch"):
        Transcoder().fit(make_samples())


def test_frames():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    X = pandas.DataFrame(make_samples(), columns=[*"abcdefg"])
    transcoder = Transcoder(make_weights(), sparse_output=False).set_output(transform="pandas")
    frame = transcoder.fit(X).transform(X)
    assert [*frame.columns] == [f"transcoder{j}" for j in range(N)]
    assert_allclose(frame, Transcoder.from_weights(make_weights()).transform(X.values).toarray())
    with pytest.raises(ValueError, match="feature names should match"):
        transcoder.transform(X[[*"bacdefg"]])
    with pytest.raises(ValueError, match="sparse_output=False"):
        transcoder.set_params(sparse_output=True).transform(X)


def test_weights_of_the_other_kind_are_refused():
    weights = make_weights()
    with pytest.raises(ValueError, match=r"is_transcoder=False.*Transcoder.from_weights"):
        SparseAutoencoder.from_weights(weights)
    square = make_weights(skip=False, d=D_IN)
    with pytest.raises(ValueError, match=r"is_transcoder=True.*SparseAutoencoder.from_weights"):
        Transcoder.from_weights(replace(square, is_transcoder=False))
    with pytest.raises(ValueError, match=r"W_enc must have shape \(11, 30\)"):
        replace(weights, is_transcoder=False)
    with pytest.raises(ValueError, match="W_skip needs is_transcoder=True"):
        replace(make_weights(d=D_IN), is_transcoder=False)
    with pytest.raises(ValueError, match="applies_b_dec must be False"):
        replace(weights, applies_b_dec=True)
    with pytest.raises(ValueError, match=r"W_skip must have shape \(7, 11\)"):
        replace(weights, W_skip=weights.W_skip.T)
    with pytest.raises(ValueError, match="is_transcoder must be True or False, got 'no'"):
        replace(weights, is_transcoder="no")
    for k in (True, 2.0, None):
        with pytest.raises(ValueError, match=f"k must be an integer from 1 to N = 30, got {k}"):
            replace(weights, architecture="topk", k=k)
    assert type(replace(weights, architecture="topk", k=np.int64(2)).k) is int
    # No numbers, of which there may be millions.
    assert repr(weights) == "SAEWeights('jumprelu', N=30, d=11, d_in=7, dtype=float32, name='')"
    with pytest.raises(ValueError, match="k must divide N = 30 for groupmax, got 4"):
        replace(weights, architecture="groupmax", k=4)


def test_targets_are_checked():
    transcoder, X = Transcoder.from_weights(make_weights()), make_samples()
    with pytest.raises(ValueError, match=r"y must have shape \(40, 11\)"):
        transcoder.score(X, X)
    with pytest.raises(ValueError, match="y must be the true output"):
        neg_fvu_scorer(transcoder, X)
    with pytest.raises(ValueError, match="y contains NaN|y must be a matrix of finite"):
        transcoder.score(X, np.full((40, D), np.nan))
    decoders = {"TC": transcoder}
    with pytest.raises(ValueError, match=r"targets must be the true output.*\['TC'\]"):
        compare_decoders(decoders, X)
    with pytest.raises(ValueError, match="targets must have 40 rows"):
        compare_decoders(decoders, X, targets=np.ones((3, D)))
    for decoder in (transcoder, TopKDecoder(transcoder, n_nonzero_coefs=2)):
        with pytest.raises(ValueError, match=r"targets must have 11 columns.*\['TC'\].*\(40, 10\)"):
            compare_decoders({"TC": decoder}, X, targets=np.ones((40, D - 1)))
        with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 7\), got \(40, 6\)"):
            compare_decoders({"TC": decoder}, X[:, 1:], targets=np.ones((40, D)))
    assert_allclose(transcoder.skip(X.tolist()), transcoder.skip(X), rtol=1e-5)
    with pytest.raises(ValueError, match="targets"):
        compare_decoders(decoders, X, targets=np.full((40, D), np.inf))
    with pytest.raises(NotFittedError, match="transcoder that is not fitted"):
        compare_decoders({"TC": Transcoder()}, X, targets=np.ones((40, D)))
    # The codewords of a transcoder do not reconstruct what it encodes, of any dimensions.
    square = Transcoder.from_weights(make_weights(d=D_IN))
    with pytest.raises(ValueError, match="estimator must reconstruct what it encodes"):
        RefitDecoder(square).fit(X)


@pytest.mark.parametrize("block_size, n_jobs", [(None, None), (7, 2)])
def test_comparison_on_the_output(block_size, n_jobs):
    X, noise = make_samples(50), np.random.default_rng(2).standard_normal((50, D))
    transcoder = Transcoder.from_weights(make_weights(dtype=np.float64))
    Y = transcoder.reconstruct(X) + 0.3 * noise
    omp = OrthogonalMatchingPursuitDecoder(transcoder, n_nonzero_coefs=3)
    bare = TopKDecoder(transcoder.dictionary_, n_nonzero_coefs=3)
    decoders = {"TC": transcoder, "OMP": omp, "bare": bare}
    options = {"targets": Y, "n_nonzero_coefs": [3], "block_size": block_size, "n_jobs": n_jobs}
    with parallel_config("threading"):
        table = compare_decoders(decoders, X, **options)
    skip = X @ transcoder.weights_.W_skip
    codes = [
        (transcoder.transform(X), transcoder.reconstruct(X)),
        ((Z := omp.fit(Y - skip).transform(Y - skip)), omp.inverse_transform(Z) + skip),
        ((Z := bare.fit(Y).transform(Y)), bare.inverse_transform(Z)),
    ]
    for (_, row), (Z, Y_hat) in zip(table.iterrows(), codes, strict=True):
        assert row["L0"] == mean_l0(Z)
        assert row["FVU"] == pytest.approx(fraction_of_variance_unexplained(Y, Y_hat), rel=1e-9)


def test_a_report_is_of_inputs_and_codewords_of_the_output():
    transcoder, X = Transcoder.from_weights(make_weights()), make_samples(200)
    report = dictionary_report(transcoder, X, n_nonzero_coefs=2, random_state=0)
    frequencies = (transcoder.transform(X).toarray() > 0).mean(axis=0)
    np.testing.assert_allclose(report.activation_frequencies, frequencies)
    assert report.n_components == D
    with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 7\)"):
        dictionary_report(transcoder, np.ones((3, D)))


@pytest.mark.parametrize("architecture, values", [("abstopk", "real"), ("topk", "nonnegative")])
def test_decoders_take_the_signs_of_latents(architecture, values):
    weights = replace(make_weights(), architecture=architecture, k=3)
    transcoder, Y = Transcoder.from_weights(weights), np.ones((2, D))
    decoder = OrthogonalMatchingPursuitDecoder(transcoder, n_nonzero_coefs=2).fit(Y)
    assert decoder.values_ == values
