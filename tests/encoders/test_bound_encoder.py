"""The encoder of bound keys and symbols."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BoundEncoder,
    CodebookMismatchWarning,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    TopKDecoder,
)
from sksupercode._utils import _memory
from sksupercode.datasets import make_sparse_codes
from sksupercode.dictionaries import BoundDictionary
from sksupercode.metrics import decoded_information
from sksupercode.symbols import codes_from_symbols, symbols_from_codes


def sequences(n_samples=50, n_sections=10, n_symbols=20):
    return np.random.default_rng(0).integers(n_symbols, size=(n_samples, n_sections))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (5, 1, 2), (7, 40, 3), (200, 64, 8)])
def test_every_shape_is_legal(shape):
    N, d, S = shape
    Y = make_sparse_codes(4, N, n_nonzero_coefs=1, random_state=0)
    encoder = BoundEncoder(d, n_sections=S, random_state=0)
    X = encoder.fit_transform(Y)
    assert type(encoder.dictionary_) is BoundDictionary
    assert_allclose(X, Y @ np.asarray(encoder.dictionary_), rtol=1e-14)
    assert len(encoder.dictionary_.keys) == min(S, N)


def test_codewords_are_products_of_random_signs():
    F = BoundEncoder(n_sections=50, random_state=0).codebook(5000, 400)
    signs = np.asarray(F.unnormalized).reshape(50, 100, 400)
    assert_array_equal(signs, F.keys[:, np.newaxis] * F.symbols)
    # Means of 20,000 and 40,000 signs, and of 400 x 1,225 products of keys: five deviations.
    assert abs(F.keys.mean()) < 5 / np.sqrt(20_000)
    assert abs(F.symbols.mean()) < 5 / np.sqrt(40_000)
    products = F.keys @ F.keys.T
    assert abs(np.mean(products[np.triu_indices(50, 1)])) < 5 * np.sqrt(400 / 1225)


@pytest.mark.parametrize(
    "decoder",
    [
        TopKDecoder(None, sections=True),
        AMPDecoder(None, sections=True),
        AdaptiveSuccessiveDecoder(None),
        MatchingPursuitDecoder(None),
        OrthogonalMatchingPursuitDecoder(None, values="binary"),
    ],
    ids=lambda decoder: type(decoder).__name__,
)
def test_decoders_read_sequences(decoder):
    symbols = sequences()
    Y = codes_from_symbols(symbols, 20)
    encoder = BoundEncoder(512, n_sections=10, random_state=1)
    X = encoder.fit_transform(Y)
    found = decoder.set_params(dictionary=encoder).fit(X, Y).predict(X)
    # An error needs a codeword whose noise of variance 10 / 512 exceeds 1/2 or so, at 3.5
    # deviations: of 500 x 20 codewords two or three, in one-step decoding.
    assert np.mean(symbols_from_codes(found, 10) == symbols) > 0.98


def test_power_allocation():
    encoder = BoundEncoder(64, n_sections=2, power_allocation=[3, 1], random_state=0)
    F = encoder.codebook(10, 64)
    assert_allclose(F.squared_norms, np.repeat([1.5, 0.5], 5))
    for n in (1, 3):
        with pytest.raises(ValueError, match=f"power_allocation must have.*n_sections={n}, got 2"):
            encoder.set_params(n_sections=n).codebook(10, 64)


def test_a_search_over_dimensions():
    Y = codes_from_symbols(sequences(), 20)
    encoder = BoundEncoder(n_features=200, n_sections=10, random_state=1)
    search = GridSearchCV(
        make_pipeline(encoder, TopKDecoder(encoder, sections=True)),
        {"boundencoder__n_components": [4, 512]},
        scoring=make_scorer(decoded_information, n_sections=10),
        cv=2,
        refit=False,
    ).fit(Y, Y)
    few, many = search.cv_results_["mean_test_score"]
    assert few < many == pytest.approx(10 * np.log2(20))


def test_words_by_one_hot_codes():
    words = ["a", "bundle", "of", "words"]
    rows = np.array([["of", "a", "words"], ["bundle", "of", "a"]])
    one_hot = OneHotEncoder(categories=[words] * 3).fit(rows)
    Y = one_hot.transform(rows)
    assert (Y != codes_from_symbols(np.searchsorted(words, rows), 4)).nnz == 0
    encoder = BoundEncoder(128, n_sections=3, random_state=0)
    X = encoder.fit_transform(Y)
    found = TopKDecoder(encoder, sections=True).fit(X, Y).predict(X)
    assert_array_equal(one_hot.inverse_transform(found), rows)


@pytest.mark.parametrize("n_sections", [0, 2.0, None, True])
def test_n_sections_is_checked(n_sections):
    with pytest.raises(ValueError, match="n_sections must be an integer"):
        BoundEncoder(n_sections=n_sections, random_state=0).fit(np.eye(4))


def test_memory_is_asked_for_first(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: 2**20)
    with pytest.raises(MemoryError, match="1000 keys and 1000 symbols"):
        BoundEncoder(n_sections=1000, random_state=0).codebook(10**6, 10**5)


@pytest.mark.parametrize("n_sections", [4, 5, 8, 10])
def test_another_number_of_sections_is_another_codebook(n_sections):
    Y = codes_from_symbols(sequences(n_sections=6), 20)
    X = BoundEncoder(256, n_sections=6, random_state=0).fit_transform(Y)
    with pytest.warns(CodebookMismatchWarning):
        TopKDecoder(BoundEncoder(256, n_sections=n_sections, random_state=0), 6).fit(X, Y)
