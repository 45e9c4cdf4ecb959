"""Baselines of a comparison: the same decoders on codewords that mean nothing."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy
from itertools import groupby

import numpy as np
from sklearn.base import BaseEstimator

from sksupercode._utils._norms import row_norms
from sksupercode._utils._validation import unfrozen
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._support_decoder import SupportDecoder
from sksupercode.dictionaries import DenseDictionary

KINDS = ("random", "shuffled")


def check_baselines(baselines, names):
    """Return the kinds of baselines as a tuple, each once; their rows must not be among names."""
    kinds = tuple(baselines) if isinstance(baselines, list | tuple) else (baselines,)
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"baselines must be of {', '.join(KINDS)}, got {kind!r}.")
        taken = [name for name in names if f"{name}, {kind}" in names]
        if taken:
            raise ValueError(
                f"decoders must not have the name of a baseline, got {taken[0]!r} and "
                f"'{taken[0]}, {kind}' with baselines={baselines!r}."
            )
    return tuple(dict.fromkeys(kinds))


class Codewords(BaseEstimator):
    """Codewords about an intercept, as what a decoder takes for its ``dictionary``."""

    def __init__(self, codewords, intercept):
        self.codewords = codewords
        self.intercept = intercept

    @property
    def dictionary_(self):
        return self.codewords

    @property
    def intercept_(self):
        return self.intercept


class Baselines:
    """Copies of fitted decoders on other codewords, the same ones for all on one dictionary."""

    def __init__(self, kinds, seed):
        self.kinds, self.seed = kinds, seed
        self._made = {}

    def among(self, candidates):
        """Return all candidates, those of each name followed by its baselines, not yet fitted."""
        found = []
        for _, group in groupby(candidates, key=lambda candidate: candidate.name):
            group = list(group)
            found += group
            for kind in self.kinds:
                decoders = [self._copy(candidate.decoder, kind) for candidate in group]
                found += [
                    candidate.on_other_codewords(kind, decoder)
                    for candidate, decoder in zip(group, decoders, strict=True)
                    if decoder is not None
                ]
        return found

    def _copy(self, decoder, kind):
        """Return a copy of a fitted decoder on other codewords, None where it has none to lose."""
        decoder = unfrozen(decoder)
        decoder = getattr(decoder, "decoder_", decoder)
        if isinstance(decoder, SupportDecoder):
            inner = self._copy(decoder.estimator_, kind)
            return None if inner is None else copy(decoder).set_params(estimator=inner)
        if not isinstance(decoder, BaseDecoder):
            return None
        given = {
            "dictionary": self._codewords(decoder, kind),
            "n_nonzero_coefs": decoder.n_nonzero_coefs_,
            "values": decoder.values_,
        }
        names = decoder.get_params(deep=False)
        return copy(decoder).set_params(**{name: given[name] for name in given if name in names})

    def _codewords(self, decoder, kind):
        source = unfrozen(decoder.dictionary)
        key = kind, id(source)
        if key not in self._made:
            rng = np.random.default_rng([self.seed, KINDS.index(kind)])
            other = DenseDictionary(other_codewords(decoder.dictionary_, kind, rng))
            # With the source, whose id is not to be that of another one.
            self._made[key] = Codewords(other, decoder.intercept_), source
        return self._made[key][0]


def other_codewords(dictionary, kind, rng):
    """Return codewords of the norms of others: random directions, or coordinates shuffled.

    A codeword 0 stays 0.
    """
    F = np.asarray(dictionary)
    if F.dtype not in (np.float32, np.float64):
        F = F.astype(np.float32 if F.dtype.itemsize == 2 else np.float64)
    norms, other = row_norms(F), np.zeros(F.shape)
    alive = norms > 0
    if kind == "random":
        other[alive] = rng.standard_normal((np.count_nonzero(alive), F.shape[1]))
    else:
        other[alive] = rng.permuted(F[alive], axis=0)
    lengths = row_norms(other)
    scales = np.divide(norms, lengths, out=np.zeros(len(F)), where=lengths > 0)
    return (other * scales[:, np.newaxis]).astype(F.dtype)
