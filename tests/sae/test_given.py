"""What a file does not say and `load_sae` is told, and values that contradict a file."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sksupercode import load_sae
from tests.sae import single_release_files
from tests.sae import weight_files as files
from tests.sae.weight_files import D, K, relu

X = np.random.default_rng(8).standard_normal((20, D)).astype(np.float32)


@pytest.mark.parametrize("name", ["saelens", "sparsify"])
def test_k(tmp_path, name):
    getattr(files, name)(tmp_path, k=None)
    assert load_sae(tmp_path, k=4).estimator.weights_.k == 4
    getattr(files, name)(tmp_path)
    assert load_sae(tmp_path, k=K).estimator.weights_.k == K
    with pytest.raises(ValueError, match=r"safetensors: k=4 contradicts the file, where k is 3"):
        load_sae(tmp_path, k=4)


def test_k_of_what_has_none(tmp_path):
    files.gemma_scope(tmp_path)
    with pytest.raises(ValueError, match="params.npz: k=4 was given, but .*'jumprelu'"):
        load_sae(tmp_path, k=4)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"k": 0}, "k must be an integer >= 1, got 0"),
        ({"k": 2.0}, "k must be an integer"),
        ({"transcoder": 1}, "transcoder must be True or False"),
        ({"normalization": "l2"}, "normalization must be one of"),
        ({"scale": 0}, "scale must be"),
        ({"scale": np.inf}, "scale must be"),
        ({"scale": "d**-0.5"}, "scale must be"),
        ({"scale": 2.0, "normalization": "layer_norm"}, "'layer_norm' has no scale, got scale=2"),
        ({"normalization": "expected_average"}, "params.npz: .*'expected_average' needs scale="),
    ],
)
def test_values(tmp_path, given, message):
    files.gemma_scope(tmp_path)
    with pytest.raises(ValueError, match=message):
        load_sae(tmp_path, **given)


def test_scale(tmp_path):
    a = files.gemma_scope(tmp_path)
    sae = load_sae(tmp_path, scale=D**-0.5).estimator
    # As SAELens has it for embeddings.
    z = X @ (a["W_enc"] / np.sqrt(D)) + a["b_enc"]
    latents = relu(z) * (z > a["threshold"])
    assert_allclose(sae.transform(X).toarray(), latents, atol=1e-5)
    expected = (latents @ a["W_dec"] + a["b_dec"]) * np.sqrt(D)
    assert_allclose(sae.reconstruct(X), expected, atol=1e-4)


def test_scale_of_saelens(tmp_path):
    files.saelens(tmp_path, normalize_activations="expected_average_only_in")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = load_sae(tmp_path, scale=3.5).estimator.weights_
    assert (weights.normalization, weights.normalization_scale) == ("expected_average", 3.5)
    for stored in ("none", "layer_norm"):
        files.saelens(tmp_path, normalize_activations=stored)
        with pytest.raises(ValueError, match=f"scale=3.5 contradicts .*'{stored}'"):
            load_sae(tmp_path, scale=3.5)


def test_normalization(tmp_path):
    name = "constant_norm_rescale"
    for write, stored in ((files.saelens, None), (files.flat_saelens, False)):
        write(tmp_path, normalize_activations=stored)
        assert load_sae(tmp_path, normalization=name).estimator.weights_.normalization == name
    files.saelens(tmp_path, normalize_activations="layer_norm")
    assert load_sae(tmp_path, normalization="layer_norm").estimator.normalizes_samples_
    with pytest.raises(ValueError, match="normalization='none' contradicts .*is 'layer_norm'"):
        load_sae(tmp_path, normalization="none")


def test_transcoders_of_sparsify_from_before_a_key_told_them(tmp_path):
    folder = tmp_path / "skip-transcoders" / "layers.3.mlp"
    folder.mkdir(parents=True)
    files.sparsify(folder, transcode=None)
    with pytest.warns(UserWarning, match="in the folder 'skip-transcoders'"):
        weights = load_sae(folder).estimator.weights_
    assert weights.is_transcoder and weights.applies_b_dec
    assert load_sae(folder, transcoder=True).estimator.weights_.is_transcoder
    assert not load_sae(folder, transcoder=False).estimator.weights_.is_transcoder


def test_transcoder(tmp_path):
    files.sparsify(tmp_path)
    with pytest.raises(ValueError, match="transcoder=True contradicts the file"):
        load_sae(tmp_path, transcoder=True)
    single_release_files.gemma_scope_2(tmp_path, d_out=5)
    with pytest.raises(ValueError, match="on both sides, got 6 and 5: it is a transcoder"):
        load_sae(tmp_path / "params.safetensors", transcoder=False)
    single_release_files.gemma_scope_2(tmp_path, skip=True, type="sae")
    with pytest.raises(ValueError, match="has no skip connection"):
        load_sae(tmp_path / "params.safetensors")
