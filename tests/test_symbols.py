"""Symbols as codes and back, and the information that is read of them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from sksupercode import BoundEncoder
from sksupercode.metrics import decoded_information
from sksupercode.symbols import codes_from_symbols, symbols_from_codes


def random_symbols(n_samples, n_sections, n_symbols, lowest=0):
    rng = np.random.default_rng([n_samples, n_sections, n_symbols])
    return rng.integers(lowest, n_symbols, size=(n_samples, n_sections))


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16])
def test_there_and_back(dtype):
    lowest = 0 if dtype is np.uint16 else -1
    symbols = random_symbols(40, 7, 100, lowest).astype(dtype)
    Y = codes_from_symbols(symbols, 100)
    assert Y.shape == (40, 700) and Y.dtype == np.float64 and Y.has_canonical_format
    dense = np.zeros((40, 7, 101))
    np.put_along_axis(dense, symbols[..., np.newaxis].astype(int), 1, axis=2)
    assert_array_equal(Y.toarray(), dense[..., :100].reshape(40, 700))
    assert_array_equal(symbols_from_codes(Y, 7), symbols)
    assert_array_equal(symbols_from_codes(Y.toarray(), 7), symbols)


def test_no_sequences():
    assert codes_from_symbols(np.empty((0, 3), dtype=int), 5).shape == (0, 15)
    assert codes_from_symbols(np.empty((2, 0), dtype=int), 5).shape == (2, 0)


def test_the_largest_coefficient_counts():
    rng = np.random.default_rng(0)
    Y = np.round(rng.standard_normal((200, 13)), 1) * (rng.random((200, 13)) < 0.5)
    found = symbols_from_codes(csr_array(Y), 3)
    # Three sections of 13 codewords: 4, 4 and 5.
    for section, (start, stop) in enumerate([(0, 4), (4, 8), (8, 13)]):
        block = np.where(Y[:, start:stop] == 0, -np.inf, Y[:, start:stop])
        wanted = np.where(np.isinf(block).all(axis=1), -1, block.argmax(axis=1))
        assert_array_equal(found[:, section], wanted)


@pytest.mark.parametrize(
    "symbols, n_symbols, match",
    [
        ([[0, 5]], 5, "0 to n_symbols - 1 = 4.*0 to 5"),
        ([[-2, 0]], 5, "-2 to 0"),
        ([[0.0, 1.0]], 5, "dtype float64"),
        ([[True, False]], 5, "dtype bool"),
        ([0, 1], 5, r"shape \(2,\)"),
        (np.zeros((1, 2, 3), dtype=int), 5, r"symbols must be a matrix.*shape \(1, 2, 3\)"),
        ([[0], [0, 1]], 5, "fill up shorter sequences with -1"),
        ([["a"]], 5, "dtype <U1"),
        ([[0]], 0, "n_symbols must be an integer"),
    ],
)
def test_symbols_are_checked(symbols, n_symbols, match):
    with pytest.raises(ValueError, match=match):
        codes_from_symbols(symbols, n_symbols)


@pytest.mark.parametrize("n_sections", [0, 7, 1.5])
def test_sections_are_checked(n_sections):
    with pytest.raises(ValueError, match="n_sections must be an integer"):
        symbols_from_codes(np.eye(6), n_sections)


def test_symbols_are_no_codes():
    symbols = random_symbols(20, 6, 50)
    for function in (
        lambda: symbols_from_codes(symbols, 6),
        lambda: decoded_information(symbols, symbols, n_sections=6),
        lambda: BoundEncoder(n_sections=6).fit(symbols),
    ):
        with pytest.raises(ValueError, match=r"6 columns for 6 sections.*codes_from_symbols"):
            function()


@pytest.mark.parametrize("n_symbols", [2, 5, 100])
def test_information_is_the_mutual_information_of_a_symmetric_channel(n_symbols):
    right = 0.7
    # The joint probabilities of the symbol that was stored and the symbol that was read.
    wrong = (1 - right) / (n_symbols - 1)
    joint = np.full((n_symbols, n_symbols), wrong)
    np.fill_diagonal(joint, right)
    joint /= n_symbols
    bits = np.sum(joint * np.log2(joint * n_symbols**2))
    stored = random_symbols(100, 30, n_symbols)
    read = stored.copy()
    is_wrong = np.random.default_rng(0).permutation(3000).reshape(100, 30) < 900
    read[is_wrong] = (read[is_wrong] + 1) % n_symbols
    read[is_wrong & (stored == 0)] = -1
    codes = (codes_from_symbols(symbols, n_symbols) for symbols in (stored, read))
    found = decoded_information(*codes, n_sections=30, n_components=15)
    assert found == pytest.approx(30 * bits / 15)


def test_information_of_special_cases():
    stored = codes_from_symbols([[0, 1, -1], [2, 3, 1]], 4)
    options = {"n_sections": 3}
    assert decoded_information(stored, stored, **options) == 5.0
    assert decoded_information(stored, 0 * stored, **options) == 0.0
    chance = codes_from_symbols([[1, 1, 0], [1, 1, 0]], 4)
    assert decoded_information(stored, chance, **options) == 0.0
    assert decoded_information(0 * stored, stored, **options) == 0.0
    one = np.ones((2, 3))
    assert decoded_information(one, one, **options) == 0.0


@pytest.mark.parametrize(
    "y_true, options, match",
    [
        (np.ones((2, 6)), {"n_sections": 3}, "one nonzero entry in each section, got 12 in 6"),
        (np.eye(6)[:2], {"n_sections": 7}, "n_sections"),
        (np.eye(6)[:2], {"n_sections": 3, "n_components": 0}, "n_components"),
        (np.eye(6)[:3], {"n_sections": 3}, "rows"),
    ],
)
def test_information_is_checked(y_true, options, match):
    with pytest.raises(ValueError, match=match):
        decoded_information(y_true, np.eye(6)[:2], **options)
