"""How files are found and told apart, and what `load_sae` returns."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

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
