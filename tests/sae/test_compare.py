# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import builtins
import re
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from sklearn import config_context
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import FunctionTransformer

from sksupercode import (
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.metrics import (
    dead_latent_fraction,
    fraction_of_variance_unexplained,
    mean_l0,
    normalized_mean_squared_error,
    reconstruction_cosine,
)
from sksupercode.sae import SAEWeights, compare_decoders
from tests.marks import long

N, D = 48, 16


def make_sae(normalization="none", seed=0):
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((N, D)).astype(np.float32)
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    b_dec = 0.3 * rng.standard_normal(D).astype(np.float32)
    weights = SAEWeights("topk", F, b_dec, F.T, np.zeros(N, np.float32), k=4)
    return SparseAutoencoder.from_weights(replace(weights, normalization=normalization))


def make_activations(n_samples=300, seed=1):
    rng = np.random.default_rng(seed)
    codes = rng.random((n_samples, N)) * (rng.random((n_samples, N)) < 0.07)
    # The last five latents are never needed.
    codes[:, -5:] = 0
    return codes @ make_sae().dictionary_ + 0.5 + 0.05 * rng.standard_normal((n_samples, D))


def expected_row(Z, X, X_hat):
    return [
        mean_l0(Z),
        fraction_of_variance_unexplained(X, X_hat),
        normalized_mean_squared_error(X, X_hat),
        reconstruction_cosine(X, X_hat),
        round(dead_latent_fraction(Z) * Z.shape[1]),
    ]


COLUMNS = ["L0", "FVU", "sample_error", "cosine", "dead_latents"]


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**900])
def test_no_unit_is_too_large_or_too_small(unit):
    X, halved = make_activations(), FunctionTransformer(inverse_func=lambda Z: Z / 2)
    row, expected = (compare_decoders({"half": halved}, A).loc["half"] for A in (unit * X, X))
    np.testing.assert_allclose(row[COLUMNS[:4]], expected[COLUMNS[:4]], rtol=1e-12)


@pytest.mark.parametrize("block_size", [None, 77, *long(1, 300)])
def test_rows_are_the_metrics_whatever_the_blocks(block_size):
    X, sae = make_activations(), make_sae()
    omp = OrthogonalMatchingPursuitDecoder(sae, n_nonzero_coefs=4)
    decoders = {"SAE": FrozenEstimator(sae), "OMP": omp, "PCA": PCA(3).fit(X)}
    comparison = compare_decoders(decoders, X, block_size=block_size)
    assert list(comparison.index) == list(decoders)
    assert list(comparison.columns) == [*COLUMNS, "seconds_per_sample"]
    assert not hasattr(omp, "dictionary_")
    fitted = {**decoders, "OMP": OrthogonalMatchingPursuitDecoder(sae, n_nonzero_coefs=4).fit(X)}
    for name, decoder in fitted.items():
        Z = decoder.transform(X)
        expected = expected_row(Z, X, decoder.inverse_transform(Z))
        np.testing.assert_allclose(comparison.loc[name, COLUMNS], expected, rtol=1e-6)
    assert 0 < comparison["seconds_per_sample"].min()
    # A pursuit does better than one step at the same number of latents.
    assert comparison.loc["OMP", "FVU"] < 0.7 * comparison.loc["SAE", "FVU"]


@pytest.mark.parametrize("normalization", ["layer_norm", "constant_norm_rescale"])
def test_normalised_samples(normalization, recwarn):
    X, sae = 5 * make_activations() + 2, make_sae(normalization)
    decoder = MatchingPursuitDecoder(FrozenEstimator(sae), n_nonzero_coefs=4)
    comparison = compare_decoders({"SAE": sae, "MP": decoder}, X, block_size=90)
    assert not recwarn.list
    expected = expected_row(sae.transform(X), X, sae.reconstruct(X))
    np.testing.assert_allclose(comparison.loc["SAE", COLUMNS], expected, rtol=1e-6)
    normalized, scale, shift = sae.normalize(X)
    Z = decoder.fit(normalized).transform(normalized)
    X_hat = sae.denormalize(decoder.inverse_transform(Z), scale, shift)
    np.testing.assert_allclose(comparison.loc["MP", COLUMNS], expected_row(Z, X, X_hat), rtol=1e-6)


def test_sweep_over_the_number_of_latents():
    X, sae = make_activations(), make_sae()
    decoders = {"SAE": sae, "MP": MatchingPursuitDecoder(sae), "PCA": PCA(3)}
    comparison = compare_decoders(decoders, X, n_nonzero_coefs=[2, 4, 8])
    assert list(comparison.index) == ["SAE", "MP", "MP", "MP", "PCA"]
    np.testing.assert_array_equal(comparison["n_nonzero_coefs"], [np.nan, 2, 4, 8, np.nan])
    assert np.all(np.diff(comparison.loc["MP", "FVU"]) < 0)
    assert comparison.loc["MP", "L0"].iloc[0] <= 2 < comparison.loc["MP", "L0"].iloc[2] <= 8
    assert sae.weights_.k == 4 and decoders["MP"].n_nonzero_coefs is None


def test_progress_names_decoders(capsys):
    pytest.importorskip("rich", reason="draws bars")
    X, sae = make_activations(40), make_sae()
    decoders = {"SAE": sae, "MP": MatchingPursuitDecoder(sae)}
    options = {"n_nonzero_coefs": [2, 4], "block_size": 15}
    expected = compare_decoders(decoders, X, **options)
    assert capsys.readouterr().out == ""
    table = compare_decoders(decoders, X, **options, verbose=True)
    assert re.search("MP, k = 4.* 100%", capsys.readouterr().out)
    assert table[COLUMNS].equals(expected[COLUMNS])
    with pytest.raises(ValueError, match="verbose must be True or False, got 2"):
        compare_decoders(decoders, X, verbose=2)


def test_decoders_whose_codes_ignore_k_are_compared_once():
    X, F = make_activations(20), make_sae().dictionary_
    decoders = {
        "threshold": ThresholdDecoder(F, threshold=2.0),
        "threshold, refit": RefitDecoder(ThresholdDecoder(F, threshold=2.0)),
        "MAP": ThresholdDecoder(F, threshold="map"),
        "BP": BasisPursuitDecoder(F, tol=2.0),
        "binary BP": BasisPursuitDecoder(F, tol=2.0, values="binary"),
    }
    ks = compare_decoders(decoders, X, n_nonzero_coefs=[2, 5])["n_nonzero_coefs"]
    assert list(ks.index) == ["threshold", "threshold, refit", "MAP", "MAP", "BP"] + 2 * [
        "binary BP"
    ]
    np.testing.assert_array_equal(ks, [np.nan, np.nan, 2, 5, np.nan, 2, 5])


def test_unfitted_decoders_learn_from_the_first_block():
    X, sae = make_activations(), make_sae()
    decoder = TopKDecoder(
        sae, n_nonzero_coefs=4, values="nonnegative", covariance_estimator=LedoitWolf()
    )
    comparison = compare_decoders({"top-k": decoder}, X, block_size=200)
    fitted = decoder.fit(X[:200])
    Z = fitted.transform(X)
    expected = expected_row(Z, X, fitted.inverse_transform(Z))
    np.testing.assert_allclose(comparison.loc["top-k", COLUMNS], expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, *long(np.float32)])
def test_memory_mapped_files(tmp_path, dtype):
    X = np.tile(make_activations(500).astype(dtype), (80, 1))
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    decoders = {"SAE": make_sae()}
    compare_decoders(decoders, mapped[:10])
    tracemalloc.start()
    comparison = compare_decoders(decoders, mapped, block_size=500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # In float64 the file would take 5 MB.
    assert peak < 2_500_000
    once = compare_decoders(decoders, X[:500].astype(np.float32))
    np.testing.assert_allclose(comparison[COLUMNS], once[COLUMNS], rtol=1e-5)


def test_variance_far_from_the_origin():
    """The one-pass variance neither cancels nor depends on the blocks."""
    X = 1e6 + make_activations()
    pca = PCA(3).fit(X)
    comparison = compare_decoders({"PCA": pca}, X, block_size=7)
    fvu = fraction_of_variance_unexplained(X, pca.inverse_transform(pca.transform(X)))
    assert comparison.loc["PCA", "FVU"] == pytest.approx(fvu, rel=1e-7)


def test_equal_samples_have_no_variance():
    X = np.full((20, D), 0.1)
    comparison = compare_decoders({"SAE": make_sae()}, X, block_size=3)
    assert comparison.loc["SAE", "FVU"] == 1.0


def test_without_pandas(monkeypatch):
    original = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    monkeypatch.delitem(sys.modules, "sksupercode._utils._frames", raising=False)
    rows = compare_decoders({"SAE": make_sae()}, make_activations(20).tolist())
    assert [row["decoder"] for row in rows] == ["SAE"]
    assert list(rows[0]) == ["decoder", *COLUMNS, "seconds_per_sample"]
    head, line = repr(rows).splitlines()
    assert head.split() == ["decoder", *COLUMNS, "seconds_per_sample"]
    name, *numbers = line.split()
    assert name == "SAE" and [float(number) for number in numbers] == pytest.approx(
        list(rows[0].values())[1:], rel=1e-5
    )
    # Columns are aligned to the right under their names.
    assert [match.end() for match in re.finditer(r"\S+", head)][1:] == [
        match.end() for match in re.finditer(r"\S+", line)
    ][1:]
    rows.clear()
    assert repr(rows) == "[]"


def test_all_columns_are_printed(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = repr(compare_decoders({"SAE": make_sae()}, make_activations(20)))
    assert all(name in text for name in (*COLUMNS, "seconds_per_sample"))
    assert max(map(len, text.splitlines())) <= 40


def test_global_output_setting_is_ignored():
    sae = make_sae()
    with config_context(transform_output="pandas"):
        comparison = compare_decoders({"SAE": sae}, make_activations(20))
    assert comparison.loc["SAE", "L0"] <= 4


@pytest.mark.parametrize(
    ("decoders", "message"),
    [
        ({}, "dict of at least one"),
        ([make_sae()], "dict of at least one"),
        ({"it": LedoitWolf()}, r"decoders\['it'\] must have transform and inverse_transform"),
    ],
)
def test_decoders_refused(decoders, message):
    with pytest.raises(ValueError, match=message):
        compare_decoders(decoders, make_activations(10))


def test_unfitted_autoencoder_refused():
    with pytest.raises(NotFittedError, match="'SAE'"):
        compare_decoders({"SAE": SparseAutoencoder()}, make_activations(10))


def test_samples_refused():
    decoders = {"SAE": make_sae()}
    with pytest.raises(ValueError, match="X must be a matrix with samples"):
        compare_decoders(decoders, np.ones(D))
    X = make_activations(10)
    X[7, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        compare_decoders(decoders, X, block_size=5)
    for keyword in ("block_size", "n_nonzero_coefs"):
        with pytest.raises(ValueError, match=keyword):
            compare_decoders(decoders, X[:5], **{keyword: 0})


@pytest.mark.parametrize("is_fitted", [False, True])
def test_errors_name_the_decoder(is_fitted):
    narrow = MatchingPursuitDecoder(np.eye(D - 1), 2)
    decoders = {"SAE": make_sae(), "mine": narrow.fit(np.eye(D - 1)) if is_fitted else narrow}
    with pytest.raises(ValueError) as error:
        compare_decoders(decoders, make_activations(5))
    assert error.value.__notes__ == ["This is an error of decoders['mine']."]
