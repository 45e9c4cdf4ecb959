"""Autoencoders that are saved and loaded are the same, and nothing else is overwritten."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import os
from dataclasses import fields, replace

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import safe_open
from sklearn.exceptions import NotFittedError

from sksupercode import MatchingPursuitDecoder, SparseAutoencoder, Transcoder, load_sae
from sksupercode.sae import SAEWeights
from sksupercode.sae._saving import save_saelens
from sksupercode.sae._weights import weights_of_dictionary
from tests.marks import long

N, D = 40, 12
X = np.random.default_rng(7).standard_normal((30, D)).astype(np.float32)
X.setflags(write=False)
NAMES = ("sae_weights.safetensors", "cfg.json")

KINDS = {
    "relu": {"applies_b_dec": False},
    "topk": {"k": 5, "rescales_by_norm": True, "normalization": "layer_norm"},
    "abstopk": {"k": 5, "rescales_by_norm": True},
    "jumprelu": {"normalization": "constant_norm_rescale"},
    "gated": {},
    "matching_pursuit": {
        "residual_threshold": 0.1 + 0.2,
        "max_iterations": 3,
        "stops_on_duplicate_support": False,
    },
}


def make_sae(architecture="topk", dtype=np.float32, seed=0, **settings):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return (rng.standard_normal(shape) / 3).astype(dtype)

    arrays = {"W_dec": draw(N, D), "b_dec": draw(D)}
    if architecture != "matching_pursuit":
        # A view, as of files that store the transpose.
        arrays["W_enc"] = draw(N, D).T
    if architecture == "gated":
        arrays.update(b_gate=draw(N), b_mag=draw(N), r_mag=draw(N))
    elif architecture != "matching_pursuit":
        arrays["b_enc"] = draw(N)
    if architecture == "jumprelu":
        # In another precision, as in some files of SAELens.
        arrays["threshold"] = np.full(N, 0.1, np.float32)
    settings = {**KINDS[architecture], **settings}
    return SparseAutoencoder.from_weights(SAEWeights(architecture, **arrays, **settings))


def assert_same(loaded, sae):
    for field in fields(SAEWeights):
        mine, read = getattr(sae.weights_, field.name), getattr(loaded.weights_, field.name)
        if isinstance(mine, np.ndarray):
            assert read.dtype == mine.dtype
            assert_array_equal(read.astype(np.float64), mine.astype(np.float64))
        elif field.name != "name":
            assert read == mine
    latents = sae.transform(X)
    assert latents.nnz and (loaded.transform(X) != latents).nnz == 0
    assert_array_equal(loaded.reconstruct(X), sae.reconstruct(X))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float32, *long(np.float16, np.float64)])
@pytest.mark.parametrize("architecture", KINDS)
def test_round_trip(tmp_path, architecture, dtype):
    sae = make_sae(architecture, dtype)
    sae.save(tmp_path / "new" / "sae")
    assert_same(load_sae(tmp_path / "new" / "sae").estimator, sae)
    assert sorted(os.listdir(tmp_path / "new" / "sae")) == sorted(NAMES)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float64])
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("architecture", ["relu", "jumprelu"])
def test_round_trip_of_transcoders(tmp_path, architecture, skip, dtype):
    weights = make_sae(architecture, dtype, normalization="layer_norm").weights_
    rng = np.random.default_rng(1)
    changes = {"W_dec": rng.standard_normal((N, 5)), "b_dec": rng.standard_normal(5)}
    if skip:
        changes["W_skip"] = rng.standard_normal((D, 5))
    changes = {name: array.astype(dtype) for name, array in changes.items()}
    weights = replace(weights, is_transcoder=True, applies_b_dec=False, **changes)
    transcoder = Transcoder.from_weights(weights)
    transcoder.save(tmp_path)
    assert_same(load_sae(tmp_path).estimator, transcoder)
    config = json.loads((tmp_path / NAMES[1]).read_text())
    assert (config["d_in"], config["d_out"], config["d_sae"]) == (D, 5, N)
    kind = {"relu": "", "jumprelu": "jumprelu_"}[architecture] + "skip_" * skip + "transcoder"
    assert config["architecture"] == kind


@pytest.mark.parametrize(
    "architecture, changes, message",
    [
        ("groupmax", {"k": 4}, "architecture 'groupmax' cannot be saved.* joblib.dump keeps"),
        ("topk", {"k": 4, "is_transcoder": True}, "a transcoder of architecture 'topk' that subtr"),
    ],
)
def test_kinds_that_saelens_has_not(tmp_path, architecture, changes, message):
    weights = replace(make_sae("relu").weights_, architecture=architecture, **changes)
    with pytest.raises(ValueError, match=message):
        save_saelens(replace(weights, applies_b_dec=True), tmp_path)
    assert not os.listdir(tmp_path)


def test_what_the_safetensors_library_reads(tmp_path):
    sae = make_sae()
    sae.save(tmp_path)
    with safe_open(tmp_path / NAMES[0], framework="np") as file:
        assert set(file.keys()) == {"W_dec", "W_enc", "b_dec", "b_enc"}
        for name in file.keys():
            assert_array_equal(file.get_tensor(name), getattr(sae.weights_, name))
    config = json.loads((tmp_path / NAMES[1]).read_text())
    assert (config["d_in"], config["d_sae"], config["k"]) == (D, N, 5)
    assert (config["architecture"], config["dtype"]) == ("topk", "float32")


def test_metadata(tmp_path):
    sae = make_sae()
    sae.save(tmp_path, model_name="gpt2", hook_name="blocks.8.hook_resid_post")
    metadata = json.loads((tmp_path / NAMES[1]).read_text())["metadata"]
    assert metadata["model_name"] == "gpt2" and metadata["training_architecture"] == "topk"
    assert_same(load_sae(tmp_path).estimator, sae)
    with pytest.raises(ValueError, match="training_architecture follows from the weights"):
        sae.save(tmp_path, training_architecture="relu")
    with pytest.raises(ValueError, match="metadata must be what JSON holds"):
        sae.save(tmp_path, model=sae)


def test_dtype_of_mixed_precisions(tmp_path):
    make_sae("jumprelu", np.float16).save(tmp_path)
    # SAELens casts to it, and must not round the threshold.
    assert json.loads((tmp_path / NAMES[1]).read_text())["dtype"] == "float32"


def test_saving_over_an_autoencoder(tmp_path):
    make_sae().save(tmp_path)
    sae = load_sae(tmp_path).estimator
    other = make_sae("relu", seed=1)
    other.save(tmp_path)
    assert_same(load_sae(tmp_path).estimator, other)
    # Arrays that were mapped from the file that was replaced are those of before.
    assert_same(sae, make_sae())
    sae.save(tmp_path)
    assert_same(load_sae(tmp_path).estimator, make_sae())
    assert sorted(os.listdir(tmp_path)) == sorted(NAMES)


@pytest.mark.parametrize("names", [["notes.txt"], ["cfg.json"], [*NAMES, "sparsity.safetensors"]])
def test_nothing_else_is_overwritten(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match="path must be a new or empty directory"):
        make_sae().save(tmp_path)
    with pytest.raises(FileExistsError, match="path must be a new or empty directory"):
        make_sae().save(tmp_path / names[0])
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    assert {(tmp_path / name).read_text() for name in names} == {"mine"}


def test_failure_leaves_the_former_files(tmp_path, monkeypatch):
    sae = make_sae()
    sae.save(tmp_path)

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        make_sae("relu").save(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(NAMES)
    assert_same(load_sae(tmp_path).estimator, sae)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("is_transcoder", [False, True])
@pytest.mark.parametrize("architecture", ["relu", "jumprelu"])
def test_a_scale_becomes_a_part_of_the_weights(tmp_path, architecture, is_transcoder, dtype):
    sae = make_sae(architecture, normalization="expected_average", normalization_scale=0.37)
    arrays = {name: array.astype(dtype) for name, array in sae.weights_.arrays().items()}
    weights = replace(sae.weights_, **arrays)
    kind = SparseAutoencoder
    if is_transcoder:
        weights = replace(weights, is_transcoder=True, applies_b_dec=False)
        kind = Transcoder
    scaled = kind.from_weights(weights)
    scaled.save(tmp_path)
    saved = load_sae(tmp_path).estimator
    assert type(saved) is kind and saved.weights_.normalization == "none"
    X = np.random.default_rng(0).standard_normal((50, D))
    Z, expected = saved.transform(X), scaled.transform(X)
    assert Z.nnz and np.array_equal(Z.indices, expected.indices)
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(Z.data, expected.data, rtol=100 * rtol, atol=rtol)
    np.testing.assert_allclose(saved.reconstruct(X), scaled.reconstruct(X), rtol=rtol, atol=rtol)


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(NotFittedError):
        SparseAutoencoder().save(tmp_path / "sae")
    scaled = {"normalization": "expected_average", "normalization_scale": 2.0}
    for settings in ({"rescales_by_norm": True}, {"architecture": "matching_pursuit"}):
        sae = make_sae(**settings, **scaled)
        with pytest.raises(ValueError, match="normalization='expected_average' cannot be saved"):
            sae.save(tmp_path / "sae")
    sae = make_sae("relu", rescales_by_norm=True)
    with pytest.raises(ValueError, match="rescales_by_norm cannot be saved"):
        sae.save(tmp_path / "sae")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("intercept", [None, np.linspace(-1, 1, D)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_learned_dictionary_is_saved_with_matching_pursuit(tmp_path, dtype, intercept):
    F = np.random.default_rng(0).standard_normal((N, D))
    F = (F / np.linalg.norm(F, axis=1, keepdims=True)).astype(dtype)
    save_saelens(weights_of_dictionary(F, intercept, 6), tmp_path)
    sae = load_sae(tmp_path)
    assert_array_equal(sae.dictionary_, F)
    assert sae.dictionary_.dtype == dtype
    decoder = MatchingPursuitDecoder(sae, n_nonzero_coefs=6).fit(X)
    # Among these are some that select a codeword again.
    codes, latents = decoder.transform(X), sae.transform(X)
    assert 5 * len(X) < codes.nnz < 6 * len(X)
    assert_array_equal(latents.indices, codes.indices)
    assert_allclose(latents.toarray(), codes.toarray(), rtol=1e-4, atol=1e-6)
    assert_allclose(sae.reconstruct(X), decoder.reconstruct(X), atol=1e-5)


def test_codewords_saved_with_matching_pursuit_are_refused():
    with pytest.raises(ValueError, match="n_nonzero_coefs must be an integer >= 1"):
        weights_of_dictionary(np.eye(3), None, 0)
    with pytest.raises(ValueError, match="W_dec contains NaN"):
        weights_of_dictionary(np.full((3, 3), np.nan), None, 2)
