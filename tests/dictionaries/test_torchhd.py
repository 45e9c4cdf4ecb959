"""Hypervectors that torchhd made, as dictionaries: MAP tensors of entries +-1."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sksupercode import AMPDecoder, MatchingPursuitDecoder, TopKDecoder
from sksupercode.dictionaries import BoundDictionary, SignDictionary
from sksupercode.symbols import codes_from_symbols, symbols_from_codes

torch = pytest.importorskip("torch", reason="needs PyTorch")
torchhd = pytest.importorskip("torchhd", reason="needs torchhd")

D, S, V = 1024, 12, 30


def hypervectors(n, seed):
    return torchhd.random(n, D, generator=torch.Generator().manual_seed(seed))


def test_a_set_is_decoded():
    items = hypervectors(200, 0)
    sets = [[3, 50, 199], [0, 7, 120]]
    bundles = torch.stack([torchhd.multiset(items[chosen]) for chosen in sets])
    decoder = MatchingPursuitDecoder(SignDictionary(items, scale=1.0), 3, values="binary")
    found = decoder.fit(bundles).predict(bundles)
    assert [sorted(row.tolist()) for row in np.split(found.indices, 2)] == sets


@pytest.mark.parametrize("kind", [TopKDecoder, AMPDecoder])
def test_a_hash_table_is_decoded(kind):
    keys, symbols = hypervectors(S, 1), hypervectors(V, 2)
    records = np.random.default_rng(0).integers(V, size=(10, S))
    bundles = torch.stack([torchhd.hash_table(keys, symbols[torch.tensor(r)]) for r in records])
    dictionary = BoundDictionary(keys, symbols, scale=1.0)
    Y = codes_from_symbols(records, V)
    assert_array_equal(dictionary.superpose(Y), bundles.numpy())
    found = kind(dictionary, sections=True, values="binary").fit(bundles, Y).predict(bundles)
    assert_array_equal(symbols_from_codes(found, S), records)


def test_a_sequence_is_decoded():
    symbols = hypervectors(V, 3)
    records = np.random.default_rng(1).integers(V, size=(10, S))
    bundles = torch.stack([torchhd.bundle_sequence(symbols[torch.tensor(r)]) for r in records])
    # Position s of S is a shift by S - 1 - s.
    shifted = torch.cat([torchhd.permute(symbols, shifts=S - 1 - s) for s in range(S)])
    decoder = TopKDecoder(SignDictionary(shifted, scale=1.0), S, sections=True, values="binary")
    found = decoder.fit(bundles).predict(bundles)
    assert_array_equal(symbols_from_codes(found, S), records)
