"""Sections: the contiguous runs of codewords of a sparse regression code, one active in each."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np

from sksupercode._utils._warnings import warn


def section_bounds(n_features, n_sections):
    """Return where sections begin and end: section l is ``bounds[l]`` to ``bounds[l + 1]``.

    Sizes differ by at most one; more sections than codewords leave some empty.
    """
    return np.arange(n_sections + 1) * n_features // max(n_sections, 1)


def warn_of_sections(Y, n_sections):
    """Warn of codes with several nonzero entries in a section; fewer than one is legal."""
    bounds = section_bounds(Y.shape[1], n_sections)
    rows = np.repeat(np.arange(Y.shape[0]), np.diff(Y.indptr))
    sections = np.searchsorted(bounds, Y.indices, side="right") - 1
    surplus = Y.nnz - len(np.unique(rows * n_sections + sections))
    if surplus:
        warn(
            f"A decoder with sections=True reads one nonzero entry in each of the {n_sections} "
            f"sections, but y has {surplus} more, which cannot be recovered: "
            "make_sparse_codes(sections=True) draws codes with one in each, and n_nonzero_coefs is "
            "the number of sections where some are empty."
        )


def softmax(evidence, bounds):
    """Return ``exp(evidence)``, normalised to sum 1 within each section; 0 where all is -inf."""
    sizes = np.diff(bounds)
    starts, sizes = bounds[:-1][sizes > 0], sizes[sizes > 0]
    largest = np.maximum.reduceat(evidence, starts)
    largest[largest == -np.inf] = 0.0
    weights = np.exp(evidence - np.repeat(largest, sizes))
    totals = np.add.reduceat(weights, starts)
    return weights / np.repeat(np.where(totals > 0, totals, 1.0), sizes)


def section_argmax(numbers, bounds):
    """Return the index of the largest number of each section, the lowest of equals."""
    return np.array(
        [a + np.argmax(numbers[a:b]) for a, b in pairwise(bounds) if b > a], dtype=np.intp
    )
