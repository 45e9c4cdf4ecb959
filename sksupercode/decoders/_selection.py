"""Which codewords to select: one rule for both one-step decoders and pursuits.

Setting the coefficient of codeword f to the best value that is admissible lowers ||x||^2 by

* binary: ``2 <f, x> - ||f||^2``, the value being 1;
* nonnegative: ``max(<f, x>, 0)^2 / ||f||^2``;
* real: ``<f, x>^2 / ||f||^2``.

The codeword that lowers it most is selected; for codewords of equal norm that is the one with the
largest (absolute, for real values) inner product. A zero codeword lowers nothing and is never
selected.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


def score_gains(scores, squared_norms, values):
    """Turn inner products, in place, into numbers that rank codewords by the decrease of ||x||^2.

    They become <f, x> - ||f||^2 / 2 for binary values, <f, x> / ||f|| for nonnegative and its
    magnitude for real ones: positive where selecting the codeword lowers ||x||^2, and -inf for a
    zero codeword. Scores are of shape (n_samples, N), squared norms of shape (N,).
    """
    if values == "binary":
        scores -= squared_norms / 2
    else:
        if values == "real":
            np.abs(scores, out=scores)
        scores /= np.sqrt(np.where(squared_norms > 0, squared_norms, 1.0))
    if not squared_norms.all():
        scores[:, squared_norms == 0] = -np.inf
    return scores


def keep_largest(gains, first, kept, indices):
    """Merge the gains of a block of codewords into the largest of the blocks before.

    Codewords of the block are ``first, first + 1, ...``, above all before. ``kept`` has the k
    largest gains, decreasing and at the start -inf, and ``indices`` their codewords, of equal gains
    the lowest first; both are updated. -inf is never kept, nan is not allowed. Returns where the
    new entries come from, a place in ``kept`` or k plus one in the second array, the positions in
    the block of what was merged.
    """
    n_kept = len(kept)
    smallest = kept[-1]
    if len(gains) > n_kept and smallest == -np.inf:
        smallest = np.partition(gains, len(gains) - n_kept)[len(gains) - n_kept]
        candidates = np.flatnonzero(gains >= smallest)
    else:
        candidates = np.flatnonzero(gains > smallest)
    pooled = np.concatenate([kept, gains[candidates]])
    order = np.argsort(-pooled, kind="stable")[:n_kept]
    kept[:] = pooled[order]
    indices[:] = np.concatenate([indices, first + candidates])[order]
    return order, candidates
