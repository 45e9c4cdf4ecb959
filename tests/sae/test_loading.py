"""How files are found and told apart, and what `load_sae` returns."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

import sksupercode
from sksupercode import SparseAutoencoder, load_sae
from sksupercode.datasets import load_token_embeddings
from sksupercode.sae import SAEWeights
from sksupercode.sae._formats._registry import FORMATS, read_weights
from tests.sae import weight_files as files
from tests.sae.single_release_files import WITHOUT_TORCH
from tests.sae.weight_files import D, K, N, top_k, wide


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


@pytest.mark.long
def test_formats_without_pytorch_do_not_import_it(tmp_path):
    writers = {"saelens": files.saelens, "gemma_scope": files.gemma_scope}
    for name, write in (writers | WITHOUT_TORCH).items():
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sksupercode import load_sae\n"
        f"for folder in Path({str(tmp_path)!r}).iterdir():\n"
        "    load_sae(folder)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@pytest.mark.parametrize("format", ["dictionary_learning", "openai"])
def test_pytorch_is_missing(tmp_path, monkeypatch, format):
    (tmp_path / "ae.pt").write_bytes(b"")
    (tmp_path / "config.json").write_text('{"trainer": {"dict_class": "AutoEncoderTopK"}}')
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"ae\.pt.*pip install torch\."):
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
    with pytest.raises(ValueError, match=r"no known format, found nothing"):
        read_weights(tmp_path)
    with pytest.raises(ValueError, match=r"format must be one of .*'openai', got 'keras'"):
        read_weights(tmp_path, format="keras")
    (tmp_path / "ae.pt").mkdir()
    with pytest.raises(ValueError, match=r"no known format, found ae.pt"):
        read_weights(tmp_path)


def save_some(path):
    weights = SAEWeights("relu", np.eye(2), np.zeros(2), np.eye(2), np.zeros(2))
    SparseAutoencoder.from_weights(weights).save(path)


@pytest.mark.parametrize("function", [load_sae, SparseAutoencoder.from_weights])
def test_weights_in_memory_are_named_and_not_printed(function):
    arrays = dict(W_dec=np.eye(9), b_dec=np.zeros(9), W_enc=np.eye(9), b_enc=np.zeros(9))
    with pytest.raises(ValueError, match="got dict of W_dec, b_dec, W_enc, b_enc") as error:
        function(arrays)
    assert "0." not in str(error.value) and "array" not in str(error.value)
    (call,) = re.findall(r"SparseAutoencoder.from_weights\(.*\)\)", str(error.value))
    names = {"sksupercode": sksupercode, "SparseAutoencoder": SparseAutoencoder}
    assert eval(call, {**names, "weights": arrays}).n_nonzero_coefs == 8


@pytest.mark.parametrize("function", [load_sae, load_token_embeddings, save_some])
def test_paths_that_lead_nowhere(tmp_path, monkeypatch, function):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="path must be a str or a path, got int"):
        function(3)
    with pytest.raises(ValueError, match="path must not be empty"):
        function("")
    (tmp_path / "link").symlink_to("blobs/ab12")
    for path in ("link", "link/sae"):
        with pytest.raises(FileNotFoundError, match="link: a link to blobs/ab12, .*download it"):
            function(path)
    if function is save_some:
        return
    with pytest.raises(FileNotFoundError, match=r"absent: no such file.* holds link\.$"):
        function("./absent")
    (tmp_path / "notes").write_text("")
    with pytest.raises(FileNotFoundError, match="notes is a file, not a folder"):
        function("notes/sae")
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    with pytest.raises(PermissionError, match="may not be read by this user"):
        function(tmp_path)


@pytest.mark.parametrize(
    "name, call",
    [
        ("google/gemma-2b", "'google/gemma-2b'"),
        ("https://huggingface.co/google/gemma-2b", "'google/gemma-2b'"),
        ("google/gemma-2b/layer_3/16k", "'google/gemma-2b', allow_patterns='layer_3/16k/*'"),
    ],
)
def test_names_on_a_hub(name, call):
    with pytest.raises(FileNotFoundError) as error:
        load_sae(name)
    assert f"huggingface_hub.snapshot_download({call})" in str(error.value)


def test_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_some("~/sae")
    assert load_sae("~/sae").n_latents_ == 2


def test_folders_within(tmp_path):
    folders = [tmp_path / layer / "16k" for layer in ("layer_0", "layer_1")]
    for folder in folders:
        folder.mkdir(parents=True)
        files.gemma_scope(folder)
    (tmp_path / "README.md").write_text("")
    with pytest.raises(ValueError, match="folders of them: .*Pass one") as error:
        load_sae(tmp_path)
    assert all(str(folder) in str(error.value) for folder in folders)


def test_parts_of_an_autoencoder(tmp_path):
    files.saelens(tmp_path)
    config = tmp_path / "cfg.json"
    with pytest.raises(ValueError, match=r"Pass .*sae_weights.safetensors, which is beside it"):
        load_sae(config)
    config.unlink()
    with pytest.raises(FileNotFoundError, match=r"cfg.json: missing.*: sae_weights"):
        load_sae(tmp_path)
    config.symlink_to("gone")
    with pytest.raises(FileNotFoundError, match=r"cfg.json: a link to gone"):
        load_sae(tmp_path)
    weights = tmp_path / "sae_weights.safetensors"
    weights.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n")
    with pytest.raises(ValueError, match="a pointer to them: git lfs pull"):
        load_sae(tmp_path)
    weights.unlink()
    weights.symlink_to("gone")
    with pytest.raises(FileNotFoundError, match="safetensors: a link to gone"):
        load_sae(tmp_path)


@pytest.mark.parametrize(
    "name", ["params.npz", "params.safetensors", "layer1.sae.pt", "W_dec_1.safetensors"]
)
def test_what_may_have_no_end_is_not_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: must be a file, got a folder, pipe or device"):
        load_sae(tmp_path)
    with pytest.raises(ValueError, match=f"{name}: must be a file"):
        load_sae(tmp_path / name)


def test_keys_that_do_not_tell_the_format(tmp_path, torch):
    square, vector = torch.ones(D, D), torch.ones(D)
    weights = {"W_enc": square, "W_dec": square, "b_enc": vector, "b_dec": vector}
    torch.save(weights, tmp_path / "mine.pt")
    with pytest.raises(ValueError, match="mine.pt: no known format by its keys: it holds W_dec"):
        load_sae(tmp_path)
    assert load_sae(tmp_path, format="qwen_scope", k=2).n_latents_ == D


def test_a_guess_that_fails_is_named(tmp_path, monkeypatch, torch):
    monkeypatch.chdir(tmp_path)
    files.gemma_scope(tmp_path)
    with np.load("params.npz") as arrays:
        weights = {key: arrays[key] for key in ("W_enc", "W_dec", "b_enc", "b_dec")}
    np.savez("w.npz", **weights)
    torch.save({key: torch.from_numpy(array) for key, array in weights.items()}, "w.pt")
    with pytest.raises(
        ValueError, match="'threshold' is missing.*taken for 'gemma_scope'.*format="
    ):
        load_sae("w.npz")
    message = "missing; .* Found in the current folder: .*taken for 'hook_z'.*from_weights"
    with pytest.raises(FileNotFoundError, match=message):
        load_sae("w.pt", k=8)
    with pytest.raises(ValueError, match="w.pt: a zip file, as PyTorch and NumPy write"):
        load_sae("w.pt", format="saelens")
    # What was said is no guess.
    with pytest.raises(ValueError, match=r"b_enc\.$"):
        load_sae("w.npz", format="gemma_scope")


def test_hidden_files_are_no_weights(tmp_path):
    files.gemma_scope(tmp_path)
    (tmp_path / "params.npz").rename(tmp_path / "mine.npz")
    (tmp_path / "._mine.npz").write_bytes(b"of a system")
    assert read_weights(tmp_path).architecture == "jumprelu"


@pytest.mark.parametrize("name", FORMATS)
def test_text_file_with_the_name_of_weights(tmp_path, name):
    is_torch = FORMATS[name].suffixes == (".pt", ".pth")
    if is_torch:
        pytest.importorskip("torch", reason="needs PyTorch")
    path = tmp_path / (FORMATS[name].filename or f"9{FORMATS[name].suffixes[0]}")
    path.write_text("<!DOCTYPE html><title>404</title>" * 3)
    (tmp_path / "cfg.json").write_text('{"activation": "topk", "architecture": "topk"}')
    (tmp_path / "config.json").write_text('{"trainer": {"dict_class": "AutoEncoder"}}')
    for format in (None, name):
        with pytest.raises(ValueError, match=f"{re.escape(path.name)}: not a"):
            read_weights(path, format=format)
