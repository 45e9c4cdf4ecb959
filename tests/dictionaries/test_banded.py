"""The banded dictionary against the matrix of its blocks and zeros."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal

from sksupercode.dictionaries import (
    BandedDictionary,
    PackedSignDictionary,
    SignDictionary,
    _banded,
    _packed_signs,
)
from sksupercode.testing import DictionaryTestCase

# Part shapes, starts and d: a band, a gap and an empty end, one codeword each in one window.
LAYOUTS = {
    "band": ([(8, 5), (7, 6), (8, 5)], [0, 3, 6], 11),
    "gap": ([(5, 70), (40, 3)], [0, 80], 90),
    "same window": ([(1, 1), (1, 1)], [0, 0], 1),
}


def make_parts(shapes, storage=SignDictionary):
    return [storage.random(*shape, SeedSequence(c)) for c, shape in enumerate(shapes)]


def twin_of(shapes, starts, n_components):
    signs = np.zeros((sum(n for n, _ in shapes), n_components))
    first = 0
    for part, start in zip(make_parts(shapes), starts, strict=True):
        n, width = part.shape
        signs[first : first + n, start : start + width] = np.sign(np.asarray(part))
        first += n
    return signs


class BandedTestCase(DictionaryTestCase):
    storage = SignDictionary

    @pytest.fixture(autouse=True, params=LAYOUTS)
    def layout(self, request):
        self.layout = LAYOUTS[request.param]

    def make(self):
        shapes, starts, n_components = self.layout
        dictionary = BandedDictionary(make_parts(shapes, self.storage), starts, n_components)
        signs = twin_of(*self.layout)
        return dictionary, signs * np.sqrt(len(signs) / np.sum(signs**2))


class TestBandedDictionary(BandedTestCase):
    """Parts stored as arrays."""


class TestPacked(BandedTestCase):
    """Parts packed to bits, one after the other on two threads."""

    storage = PackedSignDictionary

    @pytest.fixture(autouse=True)
    def two_threads(self, monkeypatch):
        monkeypatch.setattr(_banded, "_WORTH_THREADS", 0)
        # Blocks of 32 codewords, of which there are several in the longest part.
        monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", 512)
        monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
        monkeypatch.setattr(_banded, "thread_count", lambda: 2)


class TestUnnormalized(DictionaryTestCase):
    def make(self):
        shapes, starts, n_components = LAYOUTS["band"]
        dictionary = BandedDictionary(make_parts(shapes), starts, n_components)
        return dictionary.unnormalized, twin_of(shapes, starts, n_components)


def test_blocks_are_where_it_is_not_zero():
    dictionary = BandedDictionary(make_parts([(8, 5), (7, 6)]), [0, 3], 10)
    assert dictionary.blocks == [
        (slice(0, 8), slice(0, 5)),
        (slice(8, 15), slice(3, 9)),
    ]
    covered = np.zeros(dictionary.shape, dtype=bool)
    for block, window in dictionary.blocks:
        covered[block, window] = True
    assert_array_equal(np.asarray(dictionary) != 0, covered)
    dictionary.blocks.clear()
    assert len(dictionary.blocks) == 2


def test_scale():
    parts = make_parts([(10, 4), (30, 8)])
    dictionary = BandedDictionary(parts, [0, 2], 10)
    assert dictionary.squared_norms.mean() == pytest.approx(1, rel=1e-14)
    assert dictionary.squared_norms[0] / dictionary.squared_norms[-1] == pytest.approx(0.5)
    equal = BandedDictionary(make_parts([(10, 4), (30, 4)]), [0, 2], 10)
    np.testing.assert_allclose(equal.squared_norms, 1, rtol=1e-15)
    assert BandedDictionary(parts, [0, 2], 10, scale=0.5).scale == 0.5


def test_it_stores_its_parts_only():
    parts = make_parts([(320, 64), (320, 64)], PackedSignDictionary)
    dictionary = BandedDictionary(parts, [0, 1000], 1064)
    assert dictionary.nbytes == 2 * 320 * 8


def test_blocks_of_scores_are_the_scores():
    parts = make_parts([(3000, 40), (2000, 41)], PackedSignDictionary)
    dictionary = BandedDictionary(parts, [0, 20], 61)
    X = np.random.default_rng(0).standard_normal((3, 61))
    blocks = list(dictionary.correlate_blocks(X))
    assert [first for first, _ in blocks] == [0, 3000]
    np.testing.assert_allclose(
        np.hstack([scores for _, scores in blocks]), dictionary.correlate(X), rtol=1e-13
    )


@pytest.mark.parametrize(
    "starts, n_components, message",
    [([0], 9, "2 parts and 1 starts"), ([0, 5], 9, "from 5 to 10"), ([-1, 0], 9, "from -1 to 4")],
)
def test_illegal_layouts(starts, n_components, message):
    with pytest.raises(ValueError, match=message):
        BandedDictionary(make_parts([(3, 5), (3, 5)]), starts, n_components)


def test_no_parts():
    with pytest.raises(ValueError, match="parts"):
        BandedDictionary([], [], 5)
