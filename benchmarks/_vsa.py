"""How many bits per dimension decoders read of bundles, as the vector-symbolic literature counts.

The protocol is that of Kleyko et al., "Efficient decoding of compositional structure in holistic
representations", Neural Computation 35(7), 2023: random signs, positions bound to keys, sums that
are not normalised, and the information that the share of symbols read right stands for, at the
number of positions where it is largest.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from scipy.stats import t as student

from benchmarks._bundles import (
    Bundles,
    all_at_once,
    clearest_first,
    in_turns,
    linear_regression,
    soft_feedback,
)
from benchmarks._timing import timed
from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    TopKDecoder,
)
from sksupercode.metrics._decoded_information import symbol_information

# Sizes of codebooks; for the largest there are but a few decoders.
_CODEBOOKS = (5, 15, 100, 1000)
_LARGE = ("codebook decoding", "explain away, in turns", "AMP", "AMP, damping .1")
# Bits per dimension by the size of the codebook.
_PUBLISHED = {
    5: {"published in 2021": 1.20, "published in 2023": 1.40},
    100: {"published in 2021": 0.60, "published in 2023": 1.26},
}
_SOURCE = (
    "by Hersche et al. and by Kleyko et al., both from the abstract of the latter, whose smaller "
    "and larger codebooks are taken to be those of 5 and of 100 symbols"
)
# The number of positions is searched on a grid of these steps, first coarse and then fine, by
# bundles that count for nothing else: so many of each of so many codebooks.
_STEP, _COARSE = 1.05, 5
_TRIAL_BUNDLES, _TRIAL_CODEBOOKS = 5, 4


def _sectioned(decoder, **parameters):
    return lambda bundles: bundles.read(decoder(bundles.encoder, sections=True, **parameters))


def _plain(decoder):
    return lambda bundles: bundles.read(decoder(bundles.encoder))


def _nonnegative(decoder):
    return lambda bundles: bundles.read(decoder(bundles.encoder, values="nonnegative"))


def _pursued_in_turns(bundles):
    found = _basis_pursuit(bundles)
    return in_turns(bundles, np.maximum(found, 0))


_basis_pursuit = _nonnegative(BasisPursuitDecoder)
# Each with the bits per dimension that are stored where the search begins, and the part of the
# bundles that it gets: some take long, and some need many because few bundles have an error.
_METHODS = {
    "codebook decoding": (0.8, 1, _sectioned(TopKDecoder)),
    "linear regression": (0.5, 1, linear_regression),
    "explain away, all at once": (0.5, 1, all_at_once),
    "explain away, clearest first": (0.5, 1, clearest_first),
    "explain away, in turns": (0.8, 1, in_turns),
    "soft feedback": (0.6, 2, soft_feedback),
    "soft feedback, half damped": (1.1, 2, partial(soft_feedback, damping=0.5)),
    "adaptive successive": (0.5, 1, _plain(AdaptiveSuccessiveDecoder)),
    "MP": (0.5, 1, _plain(MatchingPursuitDecoder)),
    "OMP": (0.5, 0.5, _nonnegative(OrthogonalMatchingPursuitDecoder)),
    "BP": (1.1, 0.5, _basis_pursuit),
    "BP, then in turns": (1.15, 0.5, _pursued_in_turns),
    "AMP": (1.3, 2, _sectioned(AMPDecoder)),
    "AMP, damping .1": (1.3, 2, _sectioned(AMPDecoder, damping=0.1)),
}


def vsa(size, repeats, tell):
    """Measure the information that decoders read, with d and the number of bundles of the size.

    Each repeat draws other keys and symbols; there are two at least, for an interval.
    """
    rows = []
    for n_symbols in _CODEBOOKS:
        for name, bits in _PUBLISHED.get(n_symbols, {}).items():
            row = {"method": name, "n_symbols": n_symbols, "bits": [bits]}
            rows.append({**row, "note": _SOURCE})
        drawn = _Drawn(size, n_symbols, max(2, repeats))
        for name, (begin, part, decode) in _METHODS.items():
            if n_symbols >= 1000 and name not in _LARGE:
                continue
            tell(f"{n_symbols} symbols: {name}")
            best = best_number(partial(drawn.trial, decode, part), drawn.number(begin))
            measured = drawn.measure(decode, best, part)
            rows.append({"method": name, "n_symbols": n_symbols, **measured})
    return rows


def best_number(rate, begin):
    """Return the number at which a rate is largest, of a geometric grid that has ``begin``."""
    rates = {}

    def number(place):
        return max(2, round(begin * _STEP**place))

    def at(place):
        if number(place) not in rates:
            rates[number(place)] = rate(number(place))
        return rates[number(place)]

    best = 0
    for direction in (_COARSE, -_COARSE):
        while at(best + direction) > at(best):
            best += direction
    return number(max(range(best - _COARSE + 1, best + _COARSE), key=at))


class _Drawn:
    """Bundles for one size of codebook: the same for all decoders, and others in trials."""

    def __init__(self, size, n_symbols, n_codebooks):
        self.size, self.n_symbols, self.n_codebooks = size, n_symbols, n_codebooks

    def number(self, bits):
        """Return how many positions store so many bits per dimension."""
        return max(2, round(bits * self.size.n_components / np.log2(self.n_symbols)))

    def trial(self, decode, part, n_sections):
        """Return the bits per dimension that a decoder reads in a trial."""
        n_each = round(part * _TRIAL_BUNDLES)
        right = [
            np.mean(decode(bundles) == bundles.symbols)
            for bundles in self._draw(n_sections, _TRIAL_CODEBOOKS, n_each, is_trial=True)
        ]
        return self._bits(n_sections, np.mean(right))

    def measure(self, decode, n_sections, part):
        """Return a row: bits per dimension with an interval of 95 %, and what they come of."""
        n_each = max(1, round(part * self.size.n_samples / self.n_codebooks))
        seconds, right = [], []
        for bundles in self._draw(n_sections, self.n_codebooks, n_each, is_trial=False):
            taken, found = timed(decode, bundles)
            seconds.append(taken / n_each)
            right.append(np.mean(found == bundles.symbols, axis=1))
        low, high = interval(np.array(right))
        return {
            "n_nonzero_coefs": n_sections,
            "samples": n_each * self.n_codebooks,
            "bits": [self._bits(n_sections, p) for p in (low, np.mean(right), high)],
            "right": float(np.mean(right)),
            "recovery": float(np.mean(np.array(right) == 1)),
            "seconds": seconds,
        }

    def _draw(self, n_sections, n_codebooks, n_bundles, *, is_trial):
        for codebook in range(n_codebooks):
            seed = [int(is_trial), self.n_symbols, n_sections, codebook]
            yield Bundles(self.size.n_components, n_sections, self.n_symbols, n_bundles, seed)

    def _bits(self, n_sections, right):
        return n_sections * symbol_information(self.n_symbols, right) / self.size.n_components


def interval(right):
    """Return the ends of an interval of 95 % of the mean of numbers from 0 to 1.

    ``right`` has a row for each codebook. It is Wilson's interval, for the number of independent
    trials of the same variance as the means of the rows have, with the quantile of Student's t.
    """
    n_codebooks = len(right)
    mean = right.mean()
    variance = right.mean(axis=1).var(ddof=1) / n_codebooks
    n = mean * (1 - mean) / variance if variance > 0 else right.size
    z = student.ppf(0.975, n_codebooks - 1)
    center, half = mean + z**2 / (2 * n), z * np.sqrt(mean * (1 - mean) / n + z**2 / (4 * n**2))
    return (center - half) / (1 + z**2 / n), min(1.0, (center + half) / (1 + z**2 / n))
