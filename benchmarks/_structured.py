"""Codewords with structure, Hadamard's and bound ones, beside stored random signs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from benchmarks._timing import timed
from sksupercode import BoundEncoder, HadamardEncoder, RademacherEncoder
from sksupercode.datasets import make_sparse_codes


def hadamard(size, repeats, tell):
    """Time codewords of a Hadamard matrix."""
    return _compare(HadamardEncoder(random_state=0), size, repeats, tell)


def bound(size, repeats, tell):
    """Time products of keys and symbols, k keys for k sections."""
    encoder = BoundEncoder(n_sections=size.n_nonzero_coefs, random_state=0)
    return _compare(encoder, size, repeats, tell, sections=True)


def _compare(encoder, size, repeats, tell, *, sections=False):
    """Time correlations with samples of real numbers, and superpositions of sparse codes.

    The two dictionaries take turns, so that each ratio is of two timings that follow each other.
    """
    codes = make_sparse_codes(
        size.n_samples,
        size.n_features,
        n_nonzero_coefs=size.n_nonzero_coefs,
        sections=sections,
        random_state=0,
    )
    tell("drawing codewords")
    packed = RademacherEncoder(storage="packed", random_state=0)
    both = [e.codebook(size.n_features, size.n_components) for e in (encoder, packed)]
    noise = np.random.default_rng(0).standard_normal((size.n_samples, size.n_components))
    samples = both[0].superpose(codes) + 0.1 * noise
    rows = []
    for verb, given in (("correlate", samples), ("superpose", codes)):
        for n_samples in dict.fromkeys((1, size.n_samples)):
            tell(f"{verb} {n_samples}")
            rows += _time(verb, given[:n_samples], n_samples, both, repeats)
    return rows


def _time(verb, given, n_samples, both, repeats):
    rows = []
    for dictionary in both:
        getattr(dictionary, verb)(given[:1])
        method = f"{type(dictionary).__name__}.{verb}"
        row = {"method": method, "samples": n_samples, "seconds": []}
        if verb == "correlate" and n_samples == 1:
            row["note"] = f"stores {dictionary.nbytes:,} bytes"
        rows.append(row)
    rows[1]["ratio"] = []
    for _ in range(repeats):
        for row, dictionary in zip(rows, both, strict=True):
            row["seconds"].append(timed(getattr(dictionary, verb), given)[0] / n_samples)
        rows[1]["ratio"].append(rows[1]["seconds"][-1] / rows[0]["seconds"][-1])
    return rows
