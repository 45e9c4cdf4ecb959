# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sksupercode import RademacherEncoder, SphericalEncoder
from sksupercode.dictionaries import (
    DenseDictionary,
    PackedSignDictionary,
    WeightedDictionary,
)
from sksupercode.testing import DictionaryTestCase


def signs(n_features, n_components):
    rng = np.random.default_rng(0)
    return np.where(rng.standard_normal((n_features, n_components)) < 0, -1, 1)


class TestWeightedPackedSigns(DictionaryTestCase):
    def make(self):
        S, weights = signs(70, 40), np.linspace(0.5, 2, 70)
        weights[3] = 0
        dictionary = WeightedDictionary(PackedSignDictionary(S), weights)
        return dictionary, weights[:, None] * S / np.sqrt(40)


class TestWeightedFloats(DictionaryTestCase):
    def make(self):
        F = np.random.default_rng(0).standard_normal((30, 12))
        weights = np.linspace(-1, 2, 30)
        return WeightedDictionary(DenseDictionary(F), weights), weights[:, None] * F


def test_blocks_of_scores_are_weighted():
    weights = np.linspace(0.5, 2, 3000)
    dictionary = WeightedDictionary(PackedSignDictionary(signs(3000, 20)), weights)
    X = np.random.default_rng(1).standard_normal((40, 20))
    scores = dictionary.correlate(X)
    for first, block in dictionary.correlate_blocks(X):
        assert_array_equal(block, scores[:, first : first + block.shape[1]])


@pytest.mark.parametrize("weights", [np.ones(4), np.ones((5, 1)), [1, 2, 3, 4, np.nan]])
def test_illegal_weights(weights):
    with pytest.raises(ValueError, match="weights must be 5 finite numbers"):
        WeightedDictionary(DenseDictionary(np.eye(5)), weights)


# Power allocation


@pytest.mark.parametrize("kind", [RademacherEncoder, SphericalEncoder])
def test_power_allocation_sets_the_norms(kind):
    powers = np.array([4.0, 2.0, 2.0])
    encoder = kind(16, power_allocation=powers, random_state=0).fit(np.zeros((1, 10)))
    sizes = [3, 3, 4]
    expected = np.repeat(powers / powers.mean(), sizes)
    assert_allclose(encoder.dictionary_.squared_norms, expected, rtol=1e-6)
    flat = kind(16, random_state=0).fit(np.zeros((1, 10)))
    assert_allclose(
        np.asarray(encoder.dictionary_),
        np.sqrt(expected)[:, None] * np.asarray(flat.dictionary_),
        rtol=1e-6,
    )


def test_power_allocation_is_part_of_the_recipe():
    """Two allocations share the codewords, and a decoder gets the allocation of its encoder."""
    Y = np.eye(6)
    one = RademacherEncoder(8, power_allocation=[1, 2], random_state=0)
    other = RademacherEncoder(8, power_allocation=[2, 1], random_state=0)
    X = one.fit_transform(Y)
    assert_allclose((X**2).sum(axis=1), np.repeat([2 / 3, 4 / 3], 3))
    assert_allclose((other.fit_transform(Y) ** 2).sum(axis=1), np.repeat([4 / 3, 2 / 3], 3))
    assert_array_equal(np.asarray(one.codebook(6, 8)), np.asarray(one.dictionary_))


@pytest.mark.parametrize("powers", [[1.0, -1.0], [0, 0], [[1.0]], "exponential", [1, np.inf], []])
def test_illegal_power_allocation(powers):
    with pytest.raises(ValueError, match="power_allocation must be None or an array"):
        RademacherEncoder(4, power_allocation=powers).fit(np.zeros((1, 10)))
