"""What a loader refuses: each error names the file, the key, and what was wanted."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json

import numpy as np
import pytest

from sksupercode.sae._formats._registry import read_weights
from tests.sae import weight_files as files
from tests.sae.weight_files import D, K, N


def test_configuration_is_missing(tmp_path):
    files.sparsify(tmp_path)
    (tmp_path / "cfg.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"cfg.json"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "not a JSON file"),
        ("{", "not a JSON file"),
        ("[]", "must hold a JSON object, got a list"),
        ("[" * 100_000, "not a JSON file"),
        ('{"d_in": 1' + "0" * 5000 + "}", "not a JSON file"),
        ("\udcff", "not a JSON file"),
        (" " * 2**20 + "{}", "more than 1048576 bytes"),
    ],
)
def test_configuration_is_not_an_object(tmp_path, text, message):
    files.saelens(tmp_path)
    (tmp_path / "cfg.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=f"cfg.json: .*{message}"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"k": None}, "cfg.json: k must be an integer >= 1, got nothing"),
        ({"k": 0}, "cfg.json: k must be an integer >= 1, got 0"),
        ({"k": 3.0}, "cfg.json: k must be"),
        ({"k": True}, "cfg.json: k must be"),
        ({"k": N + 1}, "k must be an integer from 1 to N = 12, got 13"),
        ({"d_in": "6"}, "cfg.json: d_in must be"),
        ({"d_in": D + 1}, r"'W_dec' must have shape \(12, 7\), got \(12, 6\) .*d_in in cfg.json"),
        ({"d_sae": 2 * N}, r"'W_dec' must have shape \(24, 6\), got \(12, 6\) .*d_sae in cfg.json"),
        ({"d_sae": None}, "cfg.json: d_sae must be"),
        ({"architecture": "temporal"}, "architecture must be one of gated, .*topk, got 'temporal'"),
        ({"architecture": ["topk"]}, "architecture must be one of"),
        ({"architecture": None}, "architecture must be one of .*got nothing"),
        ({"architecture": "gated"}, "unknown b_enc"),
        ({"architecture": "jumprelu"}, "'threshold' is missing. The file holds W_dec, W_enc,"),
        ({"architecture": "matching_pursuit"}, "unknown W_enc, b_enc beside W_dec, b_dec"),
        ({"normalize_activations": "l2"}, "normalize_activations must be one of none,.*got 'l2'"),
        ({"normalize_activations": True}, "normalize_activations must be one of none,.*got True"),
        ({"apply_b_dec_to_input": "yes"}, "apply_b_dec_to_input must be true or false"),
        ({"rescale_acts_by_decoder_norm": 1}, "rescale_acts_by_decoder_norm must be"),
        ({"reshape_activations": "flat"}, "reshape_activations must be one of none, hook_z"),
        ({"metadata": []}, "metadata must be an object"),
        ({"metadata": {"sae_lens_version": "new"}}, "metadata.sae_lens_version must be a version"),
    ],
)
def test_saelens_refuses(tmp_path, config, message):
    files.saelens(tmp_path, **config)
    with pytest.raises(ValueError, match=message) as error:
        read_weights(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"residual_threshold": "small"}, "residual_threshold must be a finite number"),
        ({"residual_threshold": float("inf")}, "residual_threshold must be a finite number"),
        ({"residual_threshold": 10**400}, "residual_threshold must be a finite number"),
        ({"max_iterations": 0}, "max_iterations must be an integer >= 1"),
    ],
)
def test_saelens_matching_pursuit_refuses(tmp_path, config, message):
    files.saelens(tmp_path, "matching_pursuit", **config)
    with pytest.raises(ValueError, match=message):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"activation_fn": "topk"}, "k must be an integer >= 1, got nothing"),
        ({"activation_fn": "topk", "activation_fn_kwargs": {}}, "activation_fn_kwargs.k must be"),
        ({"activation_fn": "topk", "activation_fn_kwargs": 3}, "activation_fn_kwargs must be"),
        ({"activation_fn_str": "tanh-relu"}, "activation_fn_str must be one of relu, topk"),
        ({"activation_fn": "topk", "architecture": "gated"}, "activation_fn must be relu where"),
        ({"architecture": "vanilla"}, "architecture must be one of gated"),
    ],
)
def test_flat_saelens_refuses(tmp_path, config, message):
    files.flat_saelens(tmp_path, **config)
    with pytest.raises(ValueError, match=message):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"W_enc": np.ones((N, D), "f4")}, r"'W_enc' must have shape \(6, 12\), got \(12, 6\)"),
        ({"W_enc": np.full((D, N), np.nan, "f4")}, "W_enc contains NaN.*'W_enc' in the file"),
        ({"b_dec": np.full(D, np.inf, "f2")}, "b_dec contains NaN or infinity"),
        ({"W_enc": np.full((D, N), 1e300)}, "W_enc contains NaN or infinity"),
        ({"b_enc": np.ones((N, 1), "f4")}, r"'b_enc' must have shape \(12,\), got \(12, 1\)"),
        ({"W_skip": np.ones((D, D), "f4")}, "unknown W_skip"),
    ],
)
def test_saelens_refuses_weights(tmp_path, arrays, message):
    files.saelens(tmp_path, arrays=arrays)
    with pytest.raises(ValueError, match=message) as error:
        read_weights(tmp_path)
    assert "sae_weights.safetensors" in str(error.value)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"activation": "relu"}, "activation must be one of topk, groupmax, got 'relu'"),
        ({"activation": "groupmax", "k": 5}, "k must divide N = 12 for groupmax, got 5"),
        (
            {"skip_connection": True, "arrays": {"W_skip": None}},
            "sae.safetensors: 'W_skip' is missing",
        ),
        ({"signed": True}, "signed must be false"),
        ({"arrays": {"W_skip": np.ones((D, D), "f4")}}, "sae.safetensors: unknown W_skip"),
        ({"k": None}, "k must be"),
        ({"num_latents": 0, "expansion_factor": None}, "expansion_factor must be"),
        ({"num_latents": -1}, "num_latents must be"),
        ({"d_in": None}, "d_in must be"),
        ({"arrays": {"encoder.weight": np.full((N, D), np.nan, "f4")}}, "'encoder.weight' in the"),
    ],
)
def test_sparsify_refuses(tmp_path, config, message):
    files.sparsify(tmp_path, **config)
    with pytest.raises(ValueError, match=message):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"threshold": None}, "'threshold' is missing. The file holds W_dec, W_enc, b_dec, b_enc"),
        ({"W_enc": None, "W_dec": None}, "'W_dec' is missing"),
        ({"W_enc": np.ones((N, D), "f4")}, r"'W_enc' must have shape \(6, 12\), got \(12, 6\)"),
        ({"b_enc": np.ones((N, 1), "f4")}, r"'b_enc' must have shape \(N,\), got \(12, 1\)"),
        ({"b_dec": np.ones(D, int)}, "b_dec must be an array of floats, got dtype int64"),
        ({"scaling_factor": np.ones(N)}, "unknown scaling_factor"),
    ],
)
def test_gemma_scope_refuses(tmp_path, arrays, message):
    files.gemma_scope(tmp_path, **arrays)
    with pytest.raises(ValueError, match=message) as error:
        read_weights(tmp_path)
    assert "params.npz" in str(error.value)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"k": K + 1}, "'k' is 3, but trainer.k is 4 in config.json"),
        ({"k": None, "tensors": {"k": None}}, "trainer.k must be an integer >= 1, got nothing"),
        ({"k": 0, "tensors": {"k": None}}, "trainer.k must be an integer >= 1, got 0"),
        ({"dict_size": N + 1}, r"must have shape \(6, 13\), got \(6, 12\)"),
        ({"activation_dim": D + 1}, r"must have shape \(7, 12\), got \(6, 12\)"),
        ({"dict_class": "CrossCoder"}, "trainer.dict_class must be one of AutoEncoder, "),
        ({"dict_class": "AutoEncoder"}, "unknown b_dec"),
        ({"tensors": {"b_dec": None}}, "'b_dec' is missing"),
        ({"tensors": {"b_dec": "zeros"}}, "'b_dec' must be an array, got 'zeros'"),
        ({"name": "BatchTopKSAE", "tensors": {"threshold": None}}, "'threshold' is missing"),
    ],
)
def test_dictionary_learning_refuses(tmp_path, torch, changes, message):
    files.dictionary_learning(torch, tmp_path, **changes)
    with pytest.raises(ValueError, match=message) as error:
        read_weights(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_dictionary_learning_without_trainer(tmp_path, torch):
    files.dictionary_learning(torch, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"buffer": {}}))
    with pytest.raises(ValueError, match=r"config.json: trainer must be an object, got nothing"):
        read_weights(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match='"AutoEncoder"}}, with .* is enough. Found in'):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"activation": "Identity"}, "'activation' must be one of ReLU, TopK, got 'Identity'"),
        ({"activation_state_dict": None}, r"activation_state_dict\['k'\] must be .* got nothing"),
        ({"activation_state_dict": {"k": 0}}, "k must be an integer from 1 to N = 12, got 0"),
        ({"activation_state_dict": {"k": 2.0}}, "must be an integer, got float"),
        ({"activation_state_dict": [3]}, "'activation_state_dict' must be a dictionary"),
        ({"activation.k": K + 1}, r"\['k'\] is 3 but activation.k is 4"),
        ({"activation_state_dict": {"k": 2, "postact_fn": "Identity"}}, "'postact_fn' must be"),
        ({"pre_bias": None}, "'pre_bias' is missing"),
        ({"decoder.weight": None}, "'decoder.weight' is missing"),
        ({"decoder.linear.weight": 1}, "unknown decoder.linear.weight"),
    ],
)
def test_openai_refuses(tmp_path, torch, entries, message):
    files.openai(torch, tmp_path / "9.pt", **entries)
    with pytest.raises(ValueError, match=message) as error:
        read_weights(tmp_path)
    assert "9.pt" in str(error.value)
