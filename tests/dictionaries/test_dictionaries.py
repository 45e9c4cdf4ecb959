# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
from functools import cache

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone

from sksupercode import TopKDecoder
from sksupercode.dictionaries import (
    BandedDictionary,
    DenseDictionary,
    Dictionary,
    HadamardDictionary,
    PackedSignDictionary,
    SeededSignDictionary,
    SignDictionary,
    WeightedDictionary,
    _dense,
    _packed_signs,
    _signs,
)
from sksupercode.dictionaries._packed_signs import compilation_is_enabled
from sksupercode.testing import DictionaryTestCase

# One sign; a word in full; a word and a bit, in many groups of 32; several words, in one group.
SHAPES = [(1, 1), (40, 64), (300, 65), (5, 200)]


SEED = np.random.SeedSequence(0)
SIGNS = {"has_exact_sums", "has_signs", "prefers_integers"}
CAPABILITIES = [name for name in vars(Dictionary) if name.startswith(("has_", "prefers_"))]
PACKED = {"has_packed_signs"} if compilation_is_enabled() else set()


@cache
def gaussian(n_features, n_components, dtype=np.float64):
    rng = np.random.default_rng([n_features, n_components])
    F = rng.standard_normal((n_features, n_components)).astype(dtype)
    F.setflags(write=False)
    return F


def signs(n_features, n_components):
    return np.where(gaussian(n_features, n_components) < 0, -1, 1)


class TestDenseDictionary(DictionaryTestCase):
    """Codewords of very different norms, two of them zero."""

    def make(self):
        F = gaussian(50, 20) * np.logspace(-6, 6, 50)[:, np.newaxis]
        F[[0, 7]] = 0
        return DenseDictionary(F), F


class TestSinglePrecision(DictionaryTestCase):
    rtol = 1e-5

    def make(self):
        F = gaussian(50, 20, np.float32)
        return DenseDictionary(F), F.astype(np.float64)


class TestHalfPrecision(DictionaryTestCase):
    """Two of the codewords are equal, two zero, and all but a few are widened block by block."""

    rtol = 1e-5

    @pytest.fixture(autouse=True, params=[np.float16, ml_dtypes.bfloat16], ids=["f16", "bf16"])
    def format(self, request, monkeypatch):
        monkeypatch.setattr(_dense, "_BLOCK", 150)
        self.format = request.param

    def make(self):
        F = gaussian(50, 20)[np.minimum(np.arange(50), 48)].astype(self.format)
        F[[0, 7]] = 0
        return DenseDictionary(F), F.astype(np.float64)


class TestWideDictionary(DictionaryTestCase):
    """Fewer codewords than dimensions, two of them equal, in Fortran order."""

    def make(self):
        F = np.asfortranarray(gaussian(3, 40)[[0, 1, 0]])
        return DenseDictionary(F), F


class TestIntegerArray(DictionaryTestCase):
    def make(self):
        F = signs(30, 12)
        return DenseDictionary(F), F


class SignTestCase(DictionaryTestCase):
    """Signs of every width around the 64 bits of a word, in one expanded block or in many."""

    @pytest.fixture(autouse=True, params=SHAPES, ids=lambda shape: "{}x{}".format(*shape))
    def shape(self, request, monkeypatch):
        self.shape = request.param
        monkeypatch.setattr(_signs, "_BLOCK_ENTRIES", 1000)
        monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", 512)
        monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)


class TestSignDictionary(SignTestCase):
    def make(self):
        S = signs(*self.shape)
        return SignDictionary(S), S / np.sqrt(S.shape[1])


class TestPackedSignDictionary(SignTestCase):
    def make(self):
        S = signs(*self.shape)
        return PackedSignDictionary(S), S / np.sqrt(S.shape[1])


class TestSeededSignDictionary(SignTestCase):
    def make(self):
        dictionary = SeededSignDictionary(*self.shape, np.random.SeedSequence(3))
        words = _signs.random_sign_words(*self.shape, np.random.SeedSequence(3))
        S = _signs.unpack_signs(words, self.shape[1])
        return dictionary, S / np.sqrt(S.shape[1])


class TestScaledSigns(DictionaryTestCase):
    def make(self):
        S = signs(40, 70)
        return PackedSignDictionary(S, scale=0.3), 0.3 * S


class TestUnnormalizedSigns(DictionaryTestCase):
    def make(self):
        S = signs(40, 70)
        return SignDictionary(S).unnormalized, S


@pytest.mark.parametrize(
    "dictionary, declared",
    [
        (DenseDictionary(np.eye(3)), {"has_array"}),
        (SignDictionary(np.ones((3, 4))), SIGNS),
        (PackedSignDictionary(np.ones((3, 4))), {*SIGNS, *PACKED}),
        (SignDictionary.random(3, 4, SEED), {*SIGNS, "has_random_signs"}),
        (SeededSignDictionary(3, 4, SEED), {*SIGNS, *PACKED, "has_random_signs"}),
        (HadamardDictionary(3, 4, SEED), {"has_exact_sums", "has_signs"}),
        (
            BandedDictionary([SignDictionary(np.ones((3, 4)))], [0], 5),
            {"has_exact_sums", "prefers_integers"},
        ),
        (WeightedDictionary(SignDictionary(np.ones((3, 4))), np.ones(3)), {"prefers_integers"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_dictionaries_declare(dictionary, declared):
    for units in (dictionary, dictionary.unnormalized):
        assert {name for name in CAPABILITIES if getattr(units, name)} == declared


def test_a_new_dictionary_can_do_nothing_special():
    class Doubled(DenseDictionary):
        has_array = False

    assert not any(getattr(Doubled(np.eye(2)), name) for name in CAPABILITIES)


def test_the_interface_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Dictionary((3, 2), np.float64)


@pytest.mark.parametrize("cls", [SignDictionary, PackedSignDictionary])
def test_more_codewords_than_one_expanded_block(cls):
    n_features, n_components = 2 * _signs._BLOCK_ENTRIES // 64 + 3, 64
    S = np.random.default_rng(0).integers(0, 2, (n_features, n_components), dtype=np.int8) * 2 - 1
    dictionary = cls(S)
    edges = np.arange(-2, 3) + np.array([[1], [2]]) * (n_features - 3) // 2
    indices = np.append(edges.ravel(), [0, n_features - 1])
    assert_array_equal(dictionary.unnormalized.codewords(indices), S[indices])
    V = np.random.default_rng(1).integers(-50, 51, (3, n_components))
    assert_array_equal(dictionary.unnormalized.correlate(V), V @ S.T.astype(np.int64))
    Y = csr_array((np.ones(12), indices, [0, 12]), shape=(1, n_features))
    assert_array_equal(
        dictionary.unnormalized.superpose(Y), [S[indices].sum(axis=0, dtype=np.int64)]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_dense_array_is_kept_as_it_is(dtype):
    F = np.array(gaussian(4, 3, dtype))
    dictionary = DenseDictionary(F)
    assert dictionary.dtype == dtype
    assert dictionary.nbytes == F.nbytes
    assert np.shares_memory(np.asarray(dictionary), F)
    assert not np.asarray(dictionary).flags.writeable
    assert F.flags.writeable


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("block", [1, 2**22])
def test_half_precision_stays_and_gives_what_wide_codewords_give(monkeypatch, dtype, block):
    monkeypatch.setattr(_dense, "_BLOCK", block)
    F = gaussian(40, 30).astype(dtype)
    half, wide = DenseDictionary(F), DenseDictionary(F.astype(np.float32))
    assert half.dtype == np.float32 and half.nbytes == F.nbytes == wide.nbytes // 2
    X = half.superpose(np.eye(40))
    assert_array_equal(X, wide.superpose(np.eye(40)))
    assert_array_equal(np.asarray(half), np.asarray(wide))
    assert half.codewords([1, 0]).dtype == half.correlate(X).dtype == np.float32
    assert_array_equal(half.codewords([1, 0]), wide.codewords([1, 0]))
    assert_allclose(half.correlate(X), wide.correlate(X), atol=1e-5)
    assert_allclose(half.squared_norms, wide.squared_norms, rtol=1e-14)
    assert len(pickle.dumps(half)) < len(pickle.dumps(wide)) - F.nbytes / 2
    assert DenseDictionary(np.asfortranarray(F)).nbytes == F.nbytes


def test_bfloat16_of_any_size_has_units():
    F = np.ldexp(gaussian(40, 30), 110 - np.arange(40)[:, np.newaxis])
    dictionary = DenseDictionary(F.astype(ml_dtypes.bfloat16))
    wide = DenseDictionary(F.astype(ml_dtypes.bfloat16).astype(np.float32))
    assert dictionary.scale == wide.scale > 1
    assert_array_equal(np.asarray(dictionary.unnormalized), np.asarray(wide.unnormalized))


def test_tensors_of_half_precision_stay_so():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    F = torch.from_numpy(np.array(gaussian(6, 5)))
    for half in (F.half(), F.bfloat16()):
        dictionary = DenseDictionary(half)
        assert dictionary.nbytes == 2 * 6 * 5
        assert_array_equal(np.asarray(dictionary), half.float().numpy())


@pytest.mark.parametrize("dtype", [np.int8, bool, np.longdouble, object])
def test_other_dense_arrays_become_float64(dtype):
    dictionary = DenseDictionary(np.eye(3, dtype=dtype))
    assert dictionary.dtype == np.float64
    assert_array_equal(np.asarray(dictionary), np.eye(3))


def test_single_precision_sums_in_single_precision():
    X = gaussian(5, 3)
    assert DenseDictionary(gaussian(4, 3, np.float32)).correlate(X).dtype == np.float32
    assert DenseDictionary(gaussian(4, 3)).correlate(X.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize(
    "array, message",
    [
        (np.ones(3), "2D array"),
        (np.ones((2, 3, 4)), r"3 dimensions.*pass dictionary\.reshape\(-1, 4\)"),
        (np.empty((0, 3)), "0 sample"),
        (np.empty((3, 0)), "0 feature"),
        (np.array([[1.0, np.nan]]), "dictionary contains NaN"),
        (np.array([[1.0, np.inf]]), "dictionary contains infinity"),
        (np.array([[1.0, np.inf]], ml_dtypes.bfloat16), "dictionary contains infinity"),
        (np.ones(3, ml_dtypes.bfloat16), "2D array"),
        (np.array([["a", "b"]]), "could not convert|string"),
        (np.array([[1j, 2.0]]), "Complex"),
    ],
    ids=[
        "1d",
        "3d",
        "no codewords",
        "no dimensions",
        "nan",
        "inf",
        "bf16 inf",
        "bf16 1d",
        "text",
        "complex",
    ],
)
def test_illegal_dense_arrays(array, message):
    with pytest.raises(ValueError, match=message):
        DenseDictionary(array)


@pytest.mark.parametrize("cls", [DenseDictionary, SignDictionary, PackedSignDictionary])
def test_a_clone_of_an_estimator_shares_its_dictionary(cls):
    dictionary = cls(signs(6, 5))
    decoder = TopKDecoder(dictionary, n_nonzero_coefs=1)
    assert clone(decoder).dictionary is dictionary
    assert clone(decoder).fit(np.eye(5)).dictionary_ is dictionary


@pytest.mark.parametrize("n_components", [1, 64, 65])
def test_packed_signs_take_a_bit_each(n_components):
    S = signs(100, n_components)
    assert SignDictionary(S).nbytes == 4 * S.size
    # Codewords come in groups of 32: 100 take the place of 128.
    assert PackedSignDictionary(S).nbytes == 128 * (8 if n_components <= 64 else 16)


@pytest.mark.parametrize("error", [1e-9, np.nan])
def test_the_test_case_finds_products_that_are_off(error):
    class Off(TestDenseDictionary):
        def make(self):
            F, twin = super().make()
            return F, twin * (1 + error)

    with pytest.raises(AssertionError, match="more than rounding"):
        Off().test_correlate()
