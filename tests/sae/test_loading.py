"""How files are found and told apart, what is refused, and what `load_sae` returns."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sksupercode.sae._formats._registry import FORMATS, read_weights
from sksupercode.sae._loading import load_sae
from tests.sae import weight_files as files
from tests.sae.weight_files import D, K, N, top_k, wide


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch")


def test_load_sae(tmp_path):
    a = files.saelens(tmp_path, "topk", dtype="F16")
    sae = load_sae(tmp_path)
    assert isinstance(sae, FrozenEstimator)
    X = np.random.default_rng(0).standard_normal((10, D)).astype(np.float32)
    z = (X - wide(a["b_dec"])) @ wide(a["W_enc"]) + wide(a["b_enc"])
    Z = sae.transform(X)
    assert_allclose(Z.toarray(), top_k(z, K), atol=1e-5)
    for copy in (clone(sae), pickle.loads(pickle.dumps(sae)), clone(sae).fit(X, None)):
        assert_array_equal(copy.transform(X).toarray(), Z.toarray())
    X_hat = top_k(z, K) @ wide(a["W_dec"]) + wide(a["b_dec"])
    assert_allclose(sae.inverse_transform(Z), X_hat, atol=1e-4)


def test_formats_without_pytorch_do_not_import_it(tmp_path):
    files.saelens(tmp_path)
    files.gemma_scope(tmp_path)
    code = (
        "import sys\n"
        "from sksupercode.sae._formats._registry import read_weights\n"
        f"read_weights({str(tmp_path / 'sae_weights.safetensors')!r})\n"
        f"read_weights({str(tmp_path / 'params.npz')!r})\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("format", ["dictionary_learning", "openai"])
def test_pytorch_is_missing(tmp_path, monkeypatch, format):
    (tmp_path / "ae.pt").write_bytes(b"")
    (tmp_path / "config.json").write_text('{"trainer": {"dict_class": "AutoEncoderTopK"}}')
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"ae\.pt.*sksupercode\[sae\]"):
        read_weights(tmp_path / "ae.pt", format=format)


@pytest.mark.parametrize(
    "write, filename, format",
    [
        (files.saelens, "sae_weights.safetensors", "saelens"),
        (files.gemma_scope, "params.npz", "gemma_scope"),
        (files.sparsify, "sae.safetensors", "sparsify"),
    ],
)
def test_every_way_to_name_an_autoencoder(tmp_path, monkeypatch, write, filename, format):
    write(tmp_path)
    (tmp_path / "README.md").write_text("What else lies there does not matter.")
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path, str(tmp_path), tmp_path / filename, ".", filename):
        for name in (None, format):
            assert read_weights(path, format=name).shape == (N, D)
    (tmp_path / filename).rename(tmp_path / "renamed.bin")
    assert read_weights(tmp_path / "renamed.bin", format=format).shape == (N, D)
    with pytest.raises(ValueError, match=r"no known format, found .*renamed.bin.*gemma_scope"):
        read_weights(tmp_path)
    # As caches of downloads have it: weights under another name, and a link to them.
    (tmp_path / "snapshot").mkdir()
    for name in ("cfg.json", "renamed.bin"):
        link = tmp_path / "snapshot" / (name if name == "cfg.json" else filename)
        link.symlink_to(tmp_path / name)
    assert read_weights(tmp_path / "snapshot").shape == (N, D)


def test_names_of_pytorch_files(tmp_path, torch):
    files.openai(torch, tmp_path / "9.pt")
    assert read_weights(tmp_path).name == "OpenAI TopK"
    files.dictionary_learning(torch, tmp_path)
    assert read_weights(tmp_path).name == "dictionary_learning AutoEncoderTopK"
    assert read_weights(tmp_path / "ae.pt").name == "dictionary_learning AutoEncoderTopK"
    assert read_weights(tmp_path / "9.pt").name == "OpenAI TopK"
    with pytest.raises(ValueError, match=r"more than one autoencoder: 9.pt.*ae.pt"):
        read_weights(tmp_path, format="openai")
    (tmp_path / "ae.pt").unlink()
    files.openai(torch, tmp_path / "10.pt")
    with pytest.raises(ValueError, match=r"more than one autoencoder: 10.pt \(openai\), 9.pt"):
        read_weights(tmp_path)


def test_any_npz_is_gemma_scope(tmp_path):
    files.gemma_scope(tmp_path)
    (tmp_path / "params.npz").rename(tmp_path / "layer_3.npz")
    assert read_weights(tmp_path).shape == read_weights(tmp_path / "layer_3.npz").shape == (N, D)


def test_two_formats_in_one_directory(tmp_path):
    files.saelens(tmp_path)
    files.gemma_scope(tmp_path)
    with pytest.raises(ValueError, match=r"sae_weights.safetensors.*params.npz \(gemma_scope\)"):
        read_weights(tmp_path)
    assert read_weights(tmp_path, format="gemma_scope").name == "Gemma Scope"


def test_paths_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_weights(tmp_path / "absent")
    with pytest.raises(ValueError, match="path must be"):
        read_weights(3)
    with pytest.raises(ValueError, match=r"no known format, found nothing"):
        read_weights(tmp_path)
    with pytest.raises(ValueError, match=r"format must be one of .*'openai', got 'keras'"):
        read_weights(tmp_path, format="keras")
    (tmp_path / "ae.pt").mkdir()
    with pytest.raises(ValueError, match=r"no known format, found ae.pt"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_text_file_with_the_name_of_weights(tmp_path, name):
    if name in ("dictionary_learning", "openai"):
        pytest.importorskip("torch", reason="needs PyTorch")
    path = tmp_path / (FORMATS[name].filename or "9.pt")
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n" * 3)
    (tmp_path / "cfg.json").write_text('{"activation": "topk", "architecture": "topk"}')
    (tmp_path / "config.json").write_text('{"trainer": {"dict_class": "AutoEncoder"}}')
    with pytest.raises(ValueError, match=f"{path.name}: not a"):
        read_weights(path)


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
        ({"W_dec": np.full((N, D), 1e300)}, "W_dec contains NaN or infinity"),
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
        ({"activation": "groupmax"}, "activation must be one of topk, got 'groupmax'"),
        ({"skip_connection": True}, "skip_connection must be false"),
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
