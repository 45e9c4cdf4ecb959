# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.resources import files

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.base import clone
from sklearn.decomposition import PCA

from sksupercode.datasets import (
    load_activations,
    load_activations_sae,
    load_token_embeddings,
)
from sksupercode.datasets._activations import KEY


@pytest.fixture(scope="module")
def activations():
    bunch = load_activations()
    bunch.data.setflags(write=False)
    return bunch


def test_contents(activations):
    keys = {"data", "tokens", "contexts", "passages", "positions", "sources", "DESCR"}
    assert set(activations) == keys
    assert activations.data.shape == (5000, 384)
    assert activations.data.dtype == np.float32
    assert np.isfinite(activations.data).all()
    assert (
        len(activations.tokens) == len(activations.passages) == len(activations.positions) == 5000
    )
    assert not {"[CLS]", "[SEP]", "[PAD]"} & set(activations.tokens)
    assert any(token.startswith("##") for token in activations.tokens)
    for licence in ("Apache", "BSD", "PSF"):
        assert licence in activations.DESCR


def test_every_passage_contributes(activations):
    counts = np.bincount(activations.passages)
    assert len(counts) == len(activations.sources) == 1000
    assert counts.min() == counts.max() == 5
    assert np.all(np.diff(activations.passages) >= 0)
    # No token was drawn twice.
    places = set(zip(activations.passages, activations.positions, strict=True))
    assert len(places) == 5000


def test_contexts_have_the_tokens(activations):
    for token, context in zip(activations.tokens, activations.contexts, strict=True):
        before, _, rest = context.partition("«")
        inside, _, after = rest.partition("»")
        assert inside.lower() == token.removeprefix("##")
        assert max(len(before), len(after)) <= 41


def test_they_are_activations_of_a_network(activations):
    """Layer normalisation bounds their norms, and they fill far fewer than 384 dimensions."""
    norms = np.linalg.norm(activations.data, axis=1)
    assert norms.max() < 2 * norms.min()
    explained = PCA(64).fit(activations.data).explained_variance_ratio_.sum()
    assert 0.5 < explained < 0.95
    # The same token is closer to itself elsewhere than to other tokens.
    X = activations.data - activations.data.mean(axis=0)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    same = X[activations.tokens == "the"]
    assert np.mean(same @ same.T) > 0.2
    assert abs(np.mean(same @ X[activations.tokens != "the"].T)) < 0.05


def test_size_of_the_file():
    path = files("sksupercode.datasets") / "data" / "minilm_activations.npz"
    assert len(path.read_bytes()) <= 4_000_000


def test_each_call_gives_arrays_of_its_own(activations):
    other = load_activations()
    other.data[:] = 0
    assert activations.data.any()


@pytest.mark.parametrize("prefix", ["", "bert.", "model.bert."])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_token_embeddings(tmp_path, prefix, dtype):
    matrix = np.random.default_rng(0).standard_normal((7, 3)).astype(dtype)
    others = {"embeddings.position_ids": np.arange(4), "LayerNorm.weight": np.ones(3)}
    save_file({prefix + KEY: matrix, **others}, tmp_path / "model.safetensors")
    for path in (tmp_path, str(tmp_path / "model.safetensors")):
        embeddings = load_token_embeddings(path)
        assert embeddings.dtype == np.float32
        np.testing.assert_array_equal(embeddings, matrix.astype(np.float32))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weight": np.ones((2, 2))}, "must have one tensor"),
        ({"my" + KEY: np.ones((2, 2))}, "got 0"),
        ({KEY: np.ones((2, 2)), "bert." + KEY: np.ones((2, 2))}, "got 2"),
        ({KEY: np.ones(4)}, r"matrix of floats, got shape \(4,\)"),
        ({KEY: np.ones((2, 2), dtype=np.int64)}, "dtype int64"),
        ({KEY: np.full((2, 2), np.nan)}, "NaN or infinity"),
    ],
)
def test_token_embeddings_refused(tmp_path, tensors, message):
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    with pytest.raises(ValueError, match=message) as caught:
        load_token_embeddings(path)
    assert str(path) in str(caught.value)


def test_token_embeddings_of_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors: no such file"):
        load_token_embeddings(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match="cannot be read as a safetensors file"):
        load_token_embeddings(path)


def test_the_autoencoder_is_small_and_frozen():
    path = files("sksupercode.datasets") / "data" / "minilm_sae" / "sae_weights.safetensors"
    assert path.stat().st_size < 4 * 2**20
    one, other = load_activations_sae(), load_activations_sae()
    assert clone(one) is one and one.weights_ is not other.weights_
    assert one.n_features_in_ == load_activations().data.shape[1]
