"""The dictionary of bound keys and symbols against the array of their products."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.dictionaries import (
    BoundDictionary,
    PackedSignDictionary,
    SeededSignDictionary,
    SignDictionary,
    _bound,
    _packed_signs,
)
from sksupercode.testing import DictionaryTestCase

# Keys, symbols, dimensions, and codewords in all: one; sections within, across and beyond a group
# of 32; sections of two sizes; more sections than codewords.
SHAPES = [(1, 1, 1, 1), (5, 6, 64, 30), (3, 70, 65, 210), (4, 33, 130, 130), (5, 1, 20, 3)]


def factors(n_keys, n_symbols, n_components):
    rng = np.random.default_rng([n_keys, n_symbols, n_components])
    return tuple(rng.choice([-1, 1], (n, n_components)) for n in (n_keys, n_symbols))


def products(keys, symbols, n_features):
    """Return the codewords, section after section, each of its first symbols."""
    bounds = [s * n_features // len(keys) for s in range(len(keys) + 1)]
    sizes = np.diff(bounds)
    return np.vstack([key * symbols[:size] for key, size in zip(keys, sizes, strict=True)])


class TestBoundDictionary(DictionaryTestCase):
    """In blocks of 32 codewords, which begin within sections."""

    scale = None

    @pytest.fixture(autouse=True, params=SHAPES, ids=lambda shape: "{}x{}x{}-{}".format(*shape))
    def shape(self, request, monkeypatch):
        self.shape = request.param
        monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", 512)
        monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
        monkeypatch.setattr(_bound, "_WORTH_A_THREAD", 0)

    def make(self):
        *shape, n_features = self.shape
        keys, symbols = factors(*shape)
        dictionary = BoundDictionary(keys, symbols, n_features, self.scale)
        scale = self.scale or 1 / np.sqrt(shape[2])
        return dictionary, scale * products(keys, symbols, n_features)


class TestScaled(TestBoundDictionary):
    scale = 0.3


@pytest.mark.parametrize("storage", [SignDictionary, PackedSignDictionary, SeededSignDictionary])
def test_factors_in_any_storage(storage):
    seeds = np.random.SeedSequence(0).spawn(2)
    keys, symbols = storage.random(3, 70, seeds[0]), storage.random(5, 70, seeds[1])
    dictionary = BoundDictionary(keys, symbols)
    assert_array_equal(dictionary.keys, np.asarray(keys.unnormalized))
    assert_array_equal(dictionary.symbols, np.asarray(symbols.unnormalized))
    signs = products(dictionary.keys, dictionary.symbols, 15)
    assert_array_equal(np.asarray(dictionary.unnormalized), signs)
    # A product of products, as of a role in a role.
    nested = BoundDictionary(keys, dictionary)
    assert_array_equal(np.asarray(nested.unnormalized), products(dictionary.keys, signs, 45))


def test_what_is_stored():
    keys, symbols = factors(64, 96, 100)
    packed = PackedSignDictionary(products(keys, symbols, 64 * 96))
    assert packed.nbytes == 16 * 64 * 96
    assert BoundDictionary(keys, symbols).nbytes == 16 * (64 + 96)


def test_a_bundle_made_by_hand_is_read():
    rng = np.random.default_rng(0)
    keys, symbols = rng.choice([-1.0, 1.0], (8, 512)), rng.choice([-1.0, 1.0], (27, 512))
    records = rng.integers(27, size=(20, 8))
    bundles = (keys * symbols[records]).sum(axis=1)
    decoder = TopKDecoder(BoundDictionary(keys, symbols), 8, sections=True, values="binary")
    codes = decoder.fit(bundles / np.sqrt(512)).predict(bundles / np.sqrt(512))
    assert_array_equal(codes.toarray().reshape(20, 8, 27).argmax(axis=2), records)


@pytest.mark.parametrize(
    "keys, symbols, n_features, match",
    [
        (np.ones((2, 3)), np.ones((2, 4)), None, "number of columns, got 3 and 4"),
        (np.ones(3), np.ones((2, 3)), None, r"keys must be a matrix of signs.*\(3,\)"),
        (np.ones((2, 3)), np.ones((0, 3)), None, r"symbols must be a matrix of signs.*\(0, 3\)"),
        (np.ones((2, 3)), np.zeros((2, 3)), None, "symbols must have finite entries.*not 0"),
        (np.full((2, 3), np.nan), np.ones((2, 3)), None, "keys must have finite entries"),
        ([["a"]], np.ones((2, 3)), None, "keys must be.*real numbers.*dtype <U1"),
        (np.ones((2, 3)), 1j * np.ones((2, 3)), None, "symbols must be.*real.*dtype complex128"),
        (np.ones((2, 3), bool), np.ones((2, 3)), None, r"dtype bool: pass 1 - 2 \* keys"),
        (csr_array(np.ones((2, 3))), np.ones((2, 3)), None, "keys must be.*got csr_array"),
        (np.ones((2, 3)), RademacherEncoder(3), None, "symbols must be.*got RademacherEncoder"),
        (np.ones((2, 3)), np.ones((2, 3)), 5, "n_features=5.*2 keys and 2 symbols"),
        (np.ones((2, 3)), np.ones((2, 3)), 0, "n_features must be"),
    ],
)
def test_refusals(keys, symbols, n_features, match):
    with pytest.raises(ValueError, match=match):
        BoundDictionary(keys, symbols, n_features)


@pytest.mark.parametrize("scale", [0, -1.0, np.nan, np.inf, "a", True, [1, 2]])
def test_scale_is_checked(scale):
    with pytest.raises(ValueError, match="scale must be a finite real number > 0"):
        BoundDictionary(np.ones((2, 3)), np.ones((2, 3)), scale=scale)


def test_scale_may_be_a_tensor():
    torch = pytest.importorskip("torch")
    dictionary = BoundDictionary(np.ones((2, 3)), np.ones((2, 3)), scale=torch.tensor(2.0))
    assert_array_equal(np.asarray(dictionary), np.full((4, 3), 2.0))


def test_no_codewords_without_factors():
    with pytest.raises(TypeError, match="BoundEncoder draws"):
        BoundDictionary.random(4, 64, np.random.SeedSequence(0))
    with pytest.raises(TypeError, match="keys and symbols"):
        BoundDictionary.from_words(np.zeros((4, 1), dtype=np.uint64), 64)
