"""The Hadamard dictionary against its definition, entry by entry."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cache

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal
from scipy.linalg import hadamard
from scipy.sparse import csr_array
from scipy.stats import hypergeom

from sksupercode._utils import _threads
from sksupercode.dictionaries import (
    HadamardDictionary,
    PackedSignDictionary,
    SignDictionary,
    _hadamard,
)
from sksupercode.dictionaries._hadamard import hadamard_order, transformed
from sksupercode.dictionaries._packed_signs import compilation_is_enabled
from sksupercode.dictionaries._subset import subset
from sksupercode.testing import DictionaryTestCase
from tests.marks import needs_kernels

# One sign; a codeword more than 64 d; fewer, and fewer than dimensions.
SHAPES = [(1, 1), (129, 2), (40, 65)]


@cache
def codebook(n_features, n_components, seed=3):
    return HadamardDictionary(n_features, n_components, SeedSequence(seed))


@cache
def signs(dictionary):
    """The signs by their definition, out of the matrix itself."""
    H = hadamard(dictionary._order, dtype=np.int8)
    rows = H[np.ix_(dictionary._columns, dictionary._rows)]
    S = rows * dictionary._flips[:, np.newaxis].astype(np.int64)
    S.setflags(write=False)
    return S


class HadamardTestCase(DictionaryTestCase):
    @pytest.fixture(autouse=True, params=SHAPES, ids=lambda shape: "{}x{}".format(*shape))
    def shape(self, request):
        self.shape = request.param

    def make(self):
        dictionary = codebook(*self.shape)
        S = signs(dictionary)
        return dictionary, S / np.sqrt(S.shape[1])


class TestHadamardDictionary(HadamardTestCase):
    """Few codewords are added one by one."""


class TestTransforms(HadamardTestCase):
    """Every code is transformed."""

    @pytest.fixture(autouse=True)
    def always_transform(self, monkeypatch):
        monkeypatch.setattr(_hadamard, "_COST_OF_A_CODEWORD", np.inf)


class TestWithoutCompilation(HadamardTestCase):
    @pytest.fixture(autouse=True)
    def in_numpy(self, monkeypatch):
        monkeypatch.setattr(_hadamard, "compilation_is_enabled", lambda: False)


class TestUnnormalized(DictionaryTestCase):
    def make(self):
        dictionary = codebook(40, 70)
        return dictionary.unnormalized, signs(dictionary)


# What is drawn


def test_known_codebook():
    # The codebook of a seed must never change, not even with another release of NumPy.
    dictionary = HadamardDictionary(6, 4, SeedSequence(0))
    expected = [
        [1, 1, -1, 1],
        [-1, -1, 1, 1],
        [-1, -1, 1, 1],
        [-1, 1, 1, 1],
        [1, -1, 1, -1],
        [1, -1, -1, -1],
    ]
    assert_array_equal(dictionary.unnormalized.codewords(np.arange(6)), expected)


@pytest.mark.parametrize(
    "n_features, n_components, order",
    [(1, 1, 64), (64, 1, 64), (65, 1, 128), (1, 2, 128), (1, 3, 256), (2**20, 4810, 2**20)],
)
def test_order(n_features, n_components, order):
    assert hadamard_order(n_features, n_components) == order


@pytest.mark.parametrize("shape", [(256, 4), (200, 4), (10, 100)])
def test_columns_differ_and_are_in_range(shape):
    for seed in range(5):
        dictionary = codebook(*shape, seed)
        assert len(np.unique(dictionary._columns)) == shape[0]
        for places in (dictionary._columns, dictionary._rows):
            assert places.min() >= 0 and places.max() < dictionary._order


def test_a_seed_names_a_codebook():
    first, same, other = (HadamardDictionary(50, 30, SeedSequence(s)) for s in (0, 0, 1))
    assert_array_equal(np.asarray(first), np.asarray(same))
    assert not np.array_equal(np.asarray(first), np.asarray(other))


def test_what_is_drawn_is_uniform():
    # Means of m signs have a standard error of 1/sqrt(m); the bits of different columns of one
    # codebook are almost uncorrelated, as 5,000 of 2^19 numbers are chosen.
    n_features, n_components = 5000, 5000
    dictionary = codebook(n_features, n_components)
    n_bits = dictionary._order.bit_length() - 1
    shifts = np.arange(n_bits)
    for places in (dictionary._columns, dictionary._rows):
        bits = 1 - 2.0 * (places[:, np.newaxis] >> shifts & 1)
        # The largest of 2 x 19 |z| is < 4.5 with probability 0.9997.
        assert np.abs(bits.mean(axis=0)).max() < 4.5 / np.sqrt(len(bits))
        # Neighbours have nothing in common either.
        assert np.abs((bits[1:] * bits[:-1]).mean(axis=0)).max() < 4.5 / np.sqrt(len(bits) - 1)
    assert abs(dictionary._flips.mean()) < 4 / np.sqrt(n_features)


def test_inner_products_have_the_hypergeometric_law():
    """Of two codewords in d = 6 dimensions, over 3,000 codebooks: chi squared of seven values."""
    n_codebooks, d = 3000, 6
    counts = np.zeros(d + 1)
    for seed in range(n_codebooks):
        first, second = HadamardDictionary(20, d, SeedSequence(seed)).unnormalized.codewords([4, 5])
        counts[int(first @ second + d) // 2] += 1
    expected = n_codebooks * hypergeom(512, 256, d).pmf(np.arange(d + 1))
    # 6 degrees of freedom: a value above 27.9 has a probability of 1e-4.
    assert np.sum((counts - expected) ** 2 / expected) < 27.9


def test_moments_of_inner_products():
    n_features, n_components, n = 600, 100, 8192
    S = codebook(n_features, n_components).unnormalized.codewords(np.arange(n_features))
    products = (S @ S.T)[np.triu_indices(n_features, 1)] / n_components
    # Products of distinct pairs are uncorrelated, with mean 0.
    variance = (n - n_components) / (n - 1) / n_components
    assert abs(products.mean()) < 4 * np.sqrt(variance / len(products))
    # Their squares depend on the XOR of two columns alone, and there are 8,191 of those, each with
    # about 22 of the 180,000 pairs. They sum to a constant over all XORs: the error, of counts
    # alone, is that of independent pairs.
    error = np.sqrt(2 * variance**2 / len(products))
    assert abs(np.mean(products**2) - variance) < 4 * error


def test_rows_differ():
    # A repeated dimension would be an outlier among the singular values.
    dictionary = codebook(3000, 200)
    assert len(np.unique(dictionary._rows)) == 200
    largest = np.linalg.norm(np.asarray(dictionary), 2)
    # The Marchenko-Pastur edge, with room for fluctuations of N^(-2/3).
    assert largest < 1.05 * (np.sqrt(3000 / 200) + 1)


# Exact arithmetic


@pytest.mark.parametrize("n_components", [1, 7, 65, 200])
def test_the_same_numbers_as_any_other_storage(n_components, monkeypatch):
    dictionary = codebook(300, n_components)
    S = dictionary.unnormalized.codewords(np.arange(300))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, n_components)) * np.logspace(-9, 9, 40)[:, np.newaxis]
    expected = SignDictionary(S).correlate(X)
    assert_array_equal(dictionary.correlate(X), expected)
    assert_array_equal(np.hstack([b for _, b in dictionary.correlate_blocks(X)]), expected)
    monkeypatch.setattr(_hadamard, "_BLOCK_SCORES", 77)
    blocks = list(dictionary.correlate_blocks(X))
    assert [first for first, _ in blocks] == [0, 77, 154, 231]
    assert_array_equal(np.hstack([block for _, block in blocks]), expected)
    monkeypatch.setattr(_hadamard, "compilation_is_enabled", lambda: False)
    assert_array_equal(dictionary.correlate(X), expected)


@pytest.mark.parametrize("magnitude", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("cost", [1e-9, np.inf])
def test_integers_are_exact(magnitude, cost, monkeypatch):
    # 200 codewords with multiplicities: their sums reach 10^11, far beyond 24 bits.
    monkeypatch.setattr(_hadamard, "_COST_OF_A_CODEWORD", cost)
    dictionary = codebook(200, 70)
    S = signs(dictionary)
    Y = np.random.default_rng(0).integers(1, magnitude, size=(5, 200), endpoint=True)
    X = dictionary.unnormalized.superpose(Y)
    assert_array_equal(X, Y @ S)
    assert_array_equal(dictionary.unnormalized.correlate(X), (Y @ S) @ S.T)


def test_real_superpositions_do_not_depend_on_how_they_are_made(monkeypatch):
    dictionary = codebook(500, 70).unnormalized
    Y = np.random.default_rng(0).standard_normal((9, 500))
    results = []
    for is_compiled in (True, False):
        monkeypatch.setattr(
            _hadamard,
            "compilation_is_enabled",
            lambda is_compiled=is_compiled: is_compiled and compilation_is_enabled(),
        )
        for cost in (1e-9, np.inf):
            monkeypatch.setattr(_hadamard, "_COST_OF_A_CODEWORD", cost)
            results.append(dictionary.superpose(Y))
    for result in results[1:]:
        assert_array_equal(result, results[0])


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
def test_threads_change_nothing(n_threads, monkeypatch):
    # Order 2^17: rows of 512 and strips of 64 columns, divided among the threads.
    dictionary = codebook(2**17 - 5, 50)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3, 50))
    Y = csr_array(rng.random((3, 2**17 - 5)) < 1e-3)
    expected = dictionary.correlate(X), dictionary.superpose(Y)
    monkeypatch.setattr(_threads, "thread_count", lambda: n_threads)
    monkeypatch.setattr(_hadamard, "_WORTH_A_THREAD", 100)
    for n_samples in (1, 3):
        assert_array_equal(dictionary.correlate(X[:n_samples]), expected[0][:n_samples])
        assert_array_equal(dictionary.superpose(Y[:n_samples]), expected[1][:n_samples])


# Transforms


@pytest.mark.parametrize("bits", range(11))
def test_transform_in_numpy(bits):
    x = np.random.default_rng(bits).integers(-9, 10, (3, 2**bits)).astype(np.float64)
    assert_array_equal(transformed(x), x @ hadamard(2**bits) if bits else x)


@needs_kernels
@pytest.mark.parametrize("bits", range(20))
def test_compiled_transform(bits):
    from sksupercode.dictionaries._hadamard_kernels import row_length, transform

    x = np.random.default_rng(bits).integers(-9, 10, 2**bits).astype(np.float64)
    result = x.copy()
    transform(result)
    assert_array_equal(result, transformed(x[np.newaxis])[0])
    assert (row_length(2**bits) == 2**bits) == (bits <= 15)


@needs_kernels
@pytest.mark.parametrize("dtype, bits", [(np.int32, 31), (np.int64, 45)])
def test_codewords_of_large_orders(dtype, bits):
    from sksupercode.dictionaries._hadamard_kernels import add_codeword

    columns, rows = np.random.default_rng(0).integers(0, 2**bits, (2, 50)).astype(dtype)
    for column in columns:
        out = np.ones(50)
        add_codeword(column, 2.0, rows, out)
        parities = [int(column & row).bit_count() % 2 for row in rows]
        assert_array_equal(out, 3 - 4 * np.array(parities))


# Its parts


def test_taking_codewords_packs_them():
    dictionary = codebook(300, 65)
    indices = np.array([7, 299, 7, -1])
    for source in (dictionary, dictionary.unnormalized):
        taken = subset(source, indices)
        assert type(taken) is PackedSignDictionary
        assert_array_equal(np.asarray(taken), source.codewords(indices))
    assert subset(dictionary, []).shape == (0, 65)


def test_nothing_but_random_numbers_is_stored():
    # Four bytes and one for each codeword, four for each dimension.
    assert codebook(5000, 5000).nbytes == 5 * 5000 + 4 * 5000


def test_random_is_the_constructor():
    dictionary = HadamardDictionary.random(30, 20, SeedSequence(5))
    assert_array_equal(np.asarray(dictionary), np.asarray(codebook(30, 20, 5)))


def test_illegal_input():
    dictionary = codebook(30, 20).unnormalized
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="not finite"):
            dictionary.correlate(np.full((1, 20), value))
    with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 20\)"):
        dictionary.correlate(np.ones(20))
    codes = csr_array((np.ones(1), [0], [0, 1]), shape=(1, 30))
    codes.indices[0] = 30
    with pytest.raises(ValueError):
        dictionary.superpose(codes)
