# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.resources import files

import numpy as np

from sksupercode.datasets import load_word_embeddings


def test_contents():
    embeddings = load_word_embeddings()
    assert set(embeddings) == {"data", "words", "DESCR"}
    assert embeddings.data.shape == (5000, 384)
    assert embeddings.data.dtype == np.float32
    assert len(set(embeddings.words)) == 5000
    assert all(word.isascii() and word.isalpha() and word.islower() for word in embeddings.words)
    assert "Apache" in embeddings.DESCR
    embeddings.data[:] = 0
    assert load_word_embeddings().data.any()


def test_neighbours_are_related_words():
    embeddings = load_word_embeddings()
    X = embeddings.data - embeddings.data.mean(axis=0)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    rows = {word: row for row, word in enumerate(embeddings.words)}
    for word, related in {"army": "military", "seven": "eight", "red": "blue"}.items():
        cosines = X @ X[rows[word]]
        assert rows[related] in np.argsort(-cosines)[:6]


def test_size_of_the_file():
    path = files("sksupercode.datasets") / "data" / "minilm_words.npz"
    assert len(path.read_bytes()) <= 1_500_000
