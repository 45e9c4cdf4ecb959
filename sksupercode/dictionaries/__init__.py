"""Dictionaries: N codewords in R^d, with one interface for every storage."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.dictionaries._banded import BandedDictionary
from sksupercode.dictionaries._base import Dictionary
from sksupercode.dictionaries._bound import BoundDictionary
from sksupercode.dictionaries._dense import DenseDictionary
from sksupercode.dictionaries._hadamard import HadamardDictionary
from sksupercode.dictionaries._packed_signs import PackedSignDictionary, SeededSignDictionary
from sksupercode.dictionaries._signs import SignDictionary
from sksupercode.dictionaries._weighted import WeightedDictionary

__all__ = [
    "BandedDictionary",
    "BoundDictionary",
    "DenseDictionary",
    "Dictionary",
    "HadamardDictionary",
    "PackedSignDictionary",
    "SeededSignDictionary",
    "SignDictionary",
    "WeightedDictionary",
]
