"""All decoders, and some beside their peers: matching pursuit, top-k and basis pursuit."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time

import numpy as np

from benchmarks import _peer_methods as methods
from benchmarks._peers import (
    MEDIUM_PROGRAMS,
    ORTHOGONAL_PURSUITS,
    PROGRAMS,
    PURSUITS,
    Peer,
)
from benchmarks._problem import Problem
from benchmarks._timing import compare
from sksupercode import (
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    TopKDecoder,
)
from sksupercode.testing import all_estimators
from sksupercode.testing._problems import constructed

# More entries than these are kept as int8, and expanded to float32 block by block.
_MOST_FLOATS = 2**30
_BLOCK = 2**14


def every_decoder(size, repeats, tell):
    """Time all public decoders on the same codes, which have sections as one of them needs."""
    problem = Problem(size, sections=True)
    rows = []
    for name, decoder_class in all_estimators("decoder"):
        decoder = constructed(decoder_class, problem.encoder)
        rows += compare(problem, name, decoder, [], repeats, tell)
    return rows


def matching_pursuit(size, repeats, tell):
    """Compare matching pursuit with matching pursuit and orthogonal matching pursuit."""
    problem = Problem(size)
    decoder = MatchingPursuitDecoder(problem.encoder)
    return compare(problem, "MatchingPursuitDecoder", decoder, PURSUITS, repeats, tell)


def orthogonal_matching_pursuit(size, repeats, tell):
    """Compare orthogonal matching pursuit on packed signs and on arrays of floats.

    On arrays it has real values, as that of the peers has; nonnegative ones follow. For these
    least squares have to be constrained, which the peers do not do.
    """
    problem = Problem(size)
    rows = []
    for storage, dictionary in (
        ("packed signs", problem.encoder),
        ("float32", problem.dictionary),
        ("float64", problem.dictionary.astype(np.float64)),
    ):
        for values in ("auto", "nonnegative"):
            decoder = OrthogonalMatchingPursuitDecoder(dictionary, values=values)
            name = type(decoder).__name__
            own, *others = compare(problem, name, decoder, ORTHOGONAL_PURSUITS, repeats, tell)
            note = storage if values == "auto" else f"{storage}, {values}"
            rows += [own | {"note": note}, *others]
    return rows


def basis_pursuit(size, repeats, tell):
    """Compare nonnegative basis pursuit with the LASSO and with linear programming."""
    return _programs(size, repeats, tell, PROGRAMS)


def basis_pursuit_medium(size, repeats, tell):
    """The same where a linear program of all columns is out of the question."""
    return _programs(size, repeats, tell, MEDIUM_PROGRAMS)


def _programs(size, repeats, tell, peers):
    problem = Problem(size)
    decoder = BasisPursuitDecoder(problem.encoder)
    return compare(problem, "BasisPursuitDecoder", decoder, peers, repeats, tell)


def top_k(size, repeats, tell):
    """Compare top-k decoding of one sample and of a batch with products of float32 and int8.

    The peers select by ``argpartition`` from each part of the scores.
    """
    rows = []
    problem = Problem(size)
    for n_samples in dict.fromkeys((size.n_samples, 1)):
        problem = problem.first(n_samples)
        blas = BlockedBLAS()
        peers = [
            Peer("NumPy, float32", blas.prepare, nbytes=_bytes_of_signs),
            Peer(
                "NumKong, int8",
                methods.numkong_top_k,
                "numkong",
                nbytes=lambda size: 2 * size.n_features * size.n_components,
            ),
        ]
        decoder = TopKDecoder(problem.encoder)
        found = compare(problem, "TopKDecoder", decoder, peers, repeats, tell)
        split = [row for given in found for row in _with_and_without_expansion(given, blas)]
        rows = split + rows
    return rows


def _with_and_without_expansion(row, blas):
    """Split the row of BLAS on blocks in two; the others stay as they are."""
    if not row["method"].startswith("NumPy") or not any(blas.expansion_seconds):
        return [row]
    expansion = [seconds / row["samples"] for seconds in blas.expansion_seconds[1:]]
    shares = [1 - e / total for e, total in zip(expansion, row["seconds"], strict=True)]
    alone = row | {
        key: [value * share for value, share in zip(row[key], shares, strict=True)]
        for key in ("seconds", "ratio")
    }
    return [alone, row | {"note": "with the expansion of int8 blocks to float32"}]


def _bytes_of_signs(size):
    n_entries = size.n_features * size.n_components
    return 6 * n_entries if n_entries <= _MOST_FLOATS else 2 * n_entries


class BlockedBLAS:
    """Matrix products with float32 blocks of the dictionary, and a selection from each.

    Where the whole dictionary in float32 is too large, each block is expanded from int8 into a
    buffer; how long that took in each call is kept, for the products alone are the peer.

    Attributes
    ----------
    expansion_seconds : list of float
        One for each call of ``decode``.
    """

    def __init__(self):
        self.expansion_seconds = []

    def prepare(self, problem):
        """Return ``decode(X)``."""
        is_small = problem.signs.size <= _MOST_FLOATS
        codewords = problem.dictionary if is_small else problem.signs
        n_features, n_components = codewords.shape
        buffer = np.empty((1, 1) if is_small else (_BLOCK, n_components), dtype=np.float32)
        scale, k = np.float32(n_components**-0.5), problem.size.n_nonzero_coefs

        def decode(X):
            self.expansion_seconds.append(0.0)
            parts = []
            for start in range(0, n_features, _BLOCK):
                block = codewords[start : start + _BLOCK]
                if not is_small:
                    begin = time.perf_counter()
                    block = np.multiply(block, scale, out=buffer[: len(block)])
                    self.expansion_seconds[-1] += time.perf_counter() - begin
                scores = (block @ X[0])[np.newaxis] if len(X) == 1 else X @ block.T
                parts.append(methods.best_of(scores, k, start))
            return methods.merge(parts, k)

        return decode
