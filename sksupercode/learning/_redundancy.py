r"""Codewords that a dictionary can do without.

A codeword is redundant if one or two others explain nearly all of it: it is a double of another, or
two features that are often active together, merged. With i the codeword that correlates best with
codeword f and j the one that correlates best with what is then left, the squared distance of f from
the span of both is

.. math::
    1 - \frac{c_i^2 + c_j^2 - 2 c_i c_j g}{1 - g^2} , \qquad
    c_i = \langle f, f_i \rangle, \quad g = \langle f_i, f_j \rangle .
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import block_length
from sksupercode._utils._threads import in_threads

# What may be left of a codeword that is redundant: for one other, a cosine of .95.
_LEFT = 0.1
_MOST_ROWS = 256


def redundant_codewords(codewords, uses, *, is_signed):
    """Return the indices of codewords that others can replace, which are kept.

    Parameters
    ----------
    codewords : float32 ndarray of shape (N, d)
        Rows of unit norm.

    uses : ndarray of shape (N,)
        How often each was active. Those less active go first.

    is_signed : bool
        Whether coefficients are nonnegative, so that f and -f are not doubles.
    """
    first, second, left_by_one, left = _best_pairs(codewords, is_signed)
    # One that alone explains enough is all that is needed.
    second = np.where(left_by_one < _LEFT, first, second)
    is_redundant = np.zeros(len(codewords), dtype=bool)
    for index in np.argsort(uses, kind="stable"):
        explained = min(left[index], left_by_one[index]) < _LEFT
        needs = is_redundant[first[index]] or is_redundant[second[index]]
        is_redundant[index] = explained and not needs
    return np.flatnonzero(is_redundant)


def _best_pairs(codewords, is_signed):
    """Return for each codeword the best one and two others, and what either leaves."""
    n_features = len(codewords)
    first, second = (np.zeros(n_features, dtype=np.intp) for _ in range(2))
    left_by_one, left = np.ones(n_features), np.ones(n_features)
    length = min(_MOST_ROWS, block_length(16 * n_features, share=0.25))
    blocks = list(gen_batches(n_features, length))

    def search(start, stop):
        for rows in blocks[start:stop]:
            places, own = np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)
            scores = codewords[rows] @ codewords.T
            scores[places, own] = 0
            i = _best(scores, is_signed)
            c_i = scores[places, i]
            scores -= c_i[:, np.newaxis] * (codewords[i] @ codewords.T)
            scores[places, own] = scores[places, i] = 0
            j = _best(scores, is_signed)
            c_j = np.einsum("ij,ij->i", codewords[rows], codewords[j])
            g = np.einsum("ij,ij->i", codewords[i], codewords[j])
            rest = np.maximum(1 - g * g, 1e-6)
            a_i, a_j = (c_i - g * c_j) / rest, (c_j - g * c_i) / rest
            first[rows], second[rows] = i, j
            left_by_one[rows] = 1 - (np.maximum(c_i, 0) if is_signed else c_i) ** 2
            is_sum = (a_i > 0) & (a_j > 0) if is_signed else np.ones(len(g), dtype=bool)
            left[rows] = np.where(is_sum, 1 - (a_i * c_i + a_j * c_j), 1)

    in_threads(search, len(blocks))
    return first, second, left_by_one, left


def _best(scores, is_signed):
    return (scores if is_signed else np.abs(scores)).argmax(axis=1)
