"""Some codewords of a dictionary, as a dictionary of their own."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import singledispatch

from sksupercode.dictionaries._base import as_indices
from sksupercode.dictionaries._dense import DenseDictionary
from sksupercode.dictionaries._hadamard import HadamardDictionary
from sksupercode.dictionaries._packed_signs import PackedSignDictionary
from sksupercode.dictionaries._weighted import WeightedDictionary


@singledispatch
def subset(dictionary, indices):
    """Return a dictionary of copies of some codewords, packed where signs are cheap to pack."""
    return DenseDictionary(dictionary.codewords(indices))


@subset.register
def _(dictionary: PackedSignDictionary | HadamardDictionary, indices):
    words = dictionary._words(as_indices(indices))
    return PackedSignDictionary.from_words(words, dictionary.shape[1], dictionary.scale)


@subset.register
def _(dictionary: WeightedDictionary, indices):
    indices = as_indices(indices)
    return WeightedDictionary(subset(dictionary._dictionary, indices), dictionary._weights[indices])
