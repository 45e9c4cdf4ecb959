"""How a decoder comes by its dictionary and its sparsity, and when it notices a wrong one."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    BasisPursuitDecoder,
    CodebookMismatchWarning,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.dictionaries import DenseDictionary


@pytest.fixture
def Y():
    return make_sparse_codes(100, 200, n_nonzero_coefs=3, random_state=0)


def n_mismatches(decoder, X, Y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decoder.fit(X, Y)
    return sum(warning.category is CodebookMismatchWarning for warning in caught)


@pytest.mark.parametrize("encoder_class", [RademacherEncoder, SphericalEncoder])
def test_recipe_takes_d_from_x_and_n_from_y(encoder_class, Y):
    sender = encoder_class(n_components=120, random_state=3).fit(Y)
    X = sender.transform(Y)
    for recipe in (
        encoder_class(random_state=3),
        encoder_class(n_components=7, random_state=3),
        encoder_class(n_components=7, random_state=3).fit(Y[:, :50]),
        encoder_class(random_state=np.int64(3)),
        clone(sender),
        FrozenEstimator(sender),
    ):
        decoder = TopKDecoder(recipe).fit(X, Y)
        assert decoder.dictionary_ is sender.dictionary_
        assert decoder.score(X, Y) == 1.0
        assert decoder.n_features_in_ == 120


def test_fit_leaves_the_recipe_unfitted(Y):
    recipe = RademacherEncoder(random_state=3)
    X = RademacherEncoder(120, random_state=3).fit_transform(Y)
    decoder = TopKDecoder(recipe).fit(X, Y)
    assert decoder.dictionary is recipe
    assert not hasattr(recipe, "dictionary_") and recipe.n_components == 256


def test_complete_recipe_needs_no_y(Y):
    encoder = RademacherEncoder(120, n_features=200, random_state=3)
    X = encoder.fit_transform(Y)
    decoder = TopKDecoder(clone(encoder), 3).fit(X)
    assert decoder.dictionary_ is encoder.dictionary_
    assert decoder.score(X, Y) == 1.0


def test_y_of_another_shape_is_ignored(Y):
    encoder = RademacherEncoder(120, n_features=200, random_state=3)
    X = encoder.fit_transform(Y)
    targets = np.random.default_rng(0).standard_normal((100, 4))
    for other in (Y[:, :150], Y[:, :150].toarray(), targets, targets[:, 0], Y[:50]):
        assert n_mismatches(TopKDecoder(encoder, 3), X, other) == 0
        assert TopKDecoder(encoder, 3).fit(X, other).dictionary_ is encoder.dictionary_


def test_refused_recipes_say_what_to_do(Y):
    X = RademacherEncoder(120, random_state=3).fit_transform(Y)
    with pytest.raises(ValueError, match="random_state=None.*integer"):
        TopKDecoder(RademacherEncoder()).fit(X, Y)
    with pytest.raises(ValueError, match="n_features=None.*incomplete"):
        TopKDecoder(RademacherEncoder(random_state=3), 3).fit(X)
    with pytest.raises(ValueError, match="100, N"):
        TopKDecoder(RademacherEncoder(random_state=3), 3).fit(X, Y[:50])
    with pytest.raises(ValueError, match="X has 120 columns.*119"):
        TopKDecoder(np.ones((5, 119)), 3).fit(X)
    with pytest.raises(ValueError, match="dictionary_"):
        TopKDecoder(ThresholdDecoder(np.eye(120)), 3).fit(X)


def test_a_fitted_decoder_is_a_dictionary(Y):
    X = RademacherEncoder(120, random_state=3).fit_transform(Y)
    lender = TopKDecoder(RademacherEncoder(random_state=3)).fit(X, Y)
    decoder = ThresholdDecoder(lender).fit(X, Y)
    assert decoder.dictionary_ is lender.dictionary_


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_array_is_not_copied(dtype):
    F = np.random.default_rng(0).standard_normal((50, 20)).astype(dtype)
    decoder = TopKDecoder(F, 3).fit(F[:4])
    assert np.shares_memory(np.asarray(decoder.dictionary_), F)
    assert decoder.dictionary is F and F.flags.writeable
    assert decoder.transform(F[:4]).dtype == dtype
    for other in (F.tolist(), np.asfortranarray(F), (F * 3).astype(int), DenseDictionary(F)):
        codes = TopKDecoder(other, 1, values="binary").fit(np.asarray(F[:4])).transform(F[:4])
        assert codes.shape == (4, 50)


def test_too_much_memory_is_refused_at_fit():
    X = np.random.default_rng(0).standard_normal((3, 1024))
    for storage in ("packed", "dense"):
        encoder = RademacherEncoder(n_features=2**38, storage=storage, random_state=0)
        with pytest.raises(MemoryError, match=r"bytes.*available"):
            TopKDecoder(encoder, 1).fit(X)
    with pytest.raises(MemoryError, match=r"bytes.*available"):
        TopKDecoder(SphericalEncoder(n_features=2**38, random_state=0), 1).fit(X)


def test_learned_sparsity(Y):
    encoder = RademacherEncoder(120, random_state=3)
    X = encoder.fit_transform(Y)
    for decoder_class in (
        ThresholdDecoder,
        TopKDecoder,
        MatchingPursuitDecoder,
        BasisPursuitDecoder,
    ):
        assert decoder_class(encoder).fit(X, Y).n_nonzero_coefs_ == 3
        assert decoder_class(encoder, n_nonzero_coefs=5).fit(X, Y).n_nonzero_coefs_ == 5
        assert decoder_class(encoder, n_nonzero_coefs=np.int32(5)).fit(X, Y).n_nonzero_coefs_ == 5


def test_learned_sparsity_of_rows_that_differ():
    Y = np.zeros((5, 200))
    for row, k in enumerate((1, 2, 2, 2, 7)):
        Y[row, row * 10 : row * 10 + k] = 1
    encoder = RademacherEncoder(120, random_state=3)
    X = encoder.fit_transform(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ThresholdDecoder(encoder).fit(X, Y).n_nonzero_coefs_ == 3
        assert BasisPursuitDecoder(encoder).fit(X, Y).n_nonzero_coefs_ is None
        assert MatchingPursuitDecoder(encoder, tol=0.1).fit(X, Y).n_nonzero_coefs_ is None
        assert TopKDecoder(encoder, 4).fit(X, Y).n_nonzero_coefs_ == 4
        sparse = np.zeros((5, 200))
        sparse[0, 0] = 1
        assert ThresholdDecoder(encoder).fit(X, sparse).n_nonzero_coefs_ == 1
        assert ThresholdDecoder(encoder).fit(X, 0 * sparse).n_nonzero_coefs_ == 0
    for decoder_class in (TopKDecoder, MatchingPursuitDecoder):
        with pytest.warns(UserWarning, match=f"1 to 7 nonzero.*{decoder_class.__name__}.* 7"):
            decoder = decoder_class(encoder).fit(X, Y)
        assert decoder.n_nonzero_coefs_ == 7


def test_warning_of_a_mismatch_is_rare_and_sure():
    """100 codebooks: the right one never warns and a wrong one always does, at an SNR of -10 dB.

    z of a wrong codebook is standard normal: 100 draws exceed 4 with probability 0.003; that of the
    right one has mean sqrt(64 * 64 / 11) = 19.
    """
    Y = make_sparse_codes(64, 300, n_nonzero_coefs=6, random_state=0)
    rng = np.random.default_rng(0)
    for seed in range(100):
        X = RademacherEncoder(64, random_state=seed).fit_transform(Y)
        X += np.sqrt(10 * np.mean(X**2)) * rng.standard_normal(X.shape)
        assert n_mismatches(TopKDecoder(RademacherEncoder(random_state=seed)), X, Y) == 0
        assert n_mismatches(TopKDecoder(RademacherEncoder(random_state=seed + 1000)), X, Y) == 1


def test_mismatch_after_set_params_and_clone(Y):
    encoder = RademacherEncoder(120, random_state=3)
    X = encoder.fit_transform(Y)
    decoder = TopKDecoder(encoder)
    assert n_mismatches(decoder, X, Y) == 0
    changed = clone(decoder).set_params(dictionary__random_state=4)
    assert encoder.random_state == 3
    assert n_mismatches(clone(changed), X, Y) == 1
    assert n_mismatches(clone(changed).set_params(dictionary__random_state=3), X, Y) == 0
    with pytest.warns(CodebookMismatchWarning, match="seed, number and order of columns"):
        changed.fit(X, Y)
