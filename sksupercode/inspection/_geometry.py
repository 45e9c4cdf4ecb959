"""Cosines and Gram spectrum of codewords, block by block: never an N x N matrix."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from sklearn.utils import gen_batches

_BLOCK = 1024
# Two codewords are nearly the same above this; so many pairs are kept.
NEARLY_SAME = 0.9
_MOST_DUPLICATES = 1000


@dataclass(frozen=True, eq=False)
class Cosines:
    """Inner products of pairs of codewords of norm 1.

    Attributes
    ----------
    n_pairs : int
        How many pairs.

    largest : float
        The largest absolute value.

    pair : tuple of (int, int)
        Indices of the codewords that have it.

    pair_cosine : float
        Their cosine, with its sign.

    mean_absolute : float
        The mean of the absolute values.

    counts : int64 ndarray of shape (n_bins,)
        Numbers of pairs in bins of equal width from -1 to 1.

    duplicates : intp ndarray of shape (n_duplicates, 2)
        Indices of pairs of absolute value above .9, the largest first; at most 1,000.

    duplicate_cosines : float ndarray of shape (n_duplicates,)
        Their cosines.

    nearest : intp ndarray of shape (N,)
        For each codeword, the other one of the largest absolute value, -1 for zero codewords.

    nearest_cosines : float ndarray of shape (N,)
        Their cosines, with their signs; 0 for zero codewords.
    """

    n_pairs: int
    largest: float
    pair: tuple
    pair_cosine: float
    mean_absolute: float
    counts: np.ndarray
    duplicates: np.ndarray
    duplicate_cosines: np.ndarray
    nearest: np.ndarray
    nearest_cosines: np.ndarray


def unit_codewords(dictionary, indices):
    """Return codewords, none of which is zero, divided by their norms."""
    norms = np.sqrt(dictionary.squared_norms[indices])
    F = np.asarray(dictionary.codewords(indices))
    if not np.isfinite(norms).all():
        # Squares overflow in float64 from 1e154 on.
        F = np.ldexp(F, -np.frexp(np.abs(F).max(axis=1, keepdims=True))[1])
        norms = np.linalg.norm(F, axis=1)
    return F / norms[:, np.newaxis].astype(F.dtype)


def gram_matrix(dictionary, indices):
    """Return ``F^T F`` and ``sum_i f_i`` for codewords of norm 1, both in float64."""
    d = dictionary.shape[1]
    gram, total = np.zeros((d, d)), np.zeros(d)
    for rows in gen_batches(len(indices), _BLOCK):
        F = unit_codewords(dictionary, indices[rows])
        gram += F.T @ F
        total += F.sum(axis=0, dtype=np.float64)
    return gram, total


def pair_cosines(dictionary, indices, max_pairs, rng):
    """Return the cosines of all pairs of codewords, none of which is zero.

    If there are more than ``max_pairs``, only pairs with at least one of m codewords drawn at
    random are taken, with m as large as possible.
    """
    n, m = len(indices), len(indices) - 1
    if n * (n - 1) // 2 > max_pairs:
        # m (2n - m - 1) / 2 pairs have one of m codewords.
        m = max(1, int(n - 0.5 - np.sqrt((n - 0.5) ** 2 - 2 * max_pairs)))
        indices = rng.permutation(indices)
    n_bins = 20 * int(np.ceil(np.sqrt(dictionary.shape[1])))
    counts = np.zeros(n_bins, dtype=np.int64)
    largest, pair, cosine, total = -1.0, None, 0.0, 0.0
    close, close_cosines = np.empty((0, 2), dtype=np.intp), np.empty(0)
    nearest = np.full(dictionary.shape[0], -1), np.zeros(dictionary.shape[0])
    for rows in gen_batches(m, _BLOCK):
        U = unit_codewords(dictionary, indices[rows])
        for start in range(rows.start, n, _BLOCK):
            columns = np.arange(start, min(start + _BLOCK, n))
            C = U @ unit_codewords(dictionary, indices[columns]).T
            later = columns > np.arange(rows.start, rows.stop)[:, np.newaxis]
            C = np.clip(C, -1, 1, out=C)
            sizes = np.where(later, np.abs(C), -1)
            i, j = np.unravel_index(np.argmax(sizes), sizes.shape)
            if sizes[i, j] > largest:
                largest, cosine = float(sizes[i, j]), float(C[i, j])
                pair = indices[rows][i], indices[columns][j]
            _keep_nearest(nearest, indices[rows], indices[columns], sizes, C)
            _keep_nearest(nearest, indices[columns], indices[rows], sizes.T, C.T)
            if sizes[i, j] > NEARLY_SAME:
                i, j = np.nonzero(sizes > NEARLY_SAME)
                pairs = np.column_stack([indices[rows][i], indices[columns][j]])
                close = np.concatenate([close, np.sort(pairs, axis=1)])
                close_cosines = np.concatenate([close_cosines, C[i, j]])
                order = np.argsort(-np.abs(close_cosines), kind="stable")[:_MOST_DUPLICATES]
                close, close_cosines = close[order], close_cosines[order]
            total += np.sum(sizes, where=later, dtype=np.float64)
            bins = ((C[later] + 1) * (n_bins / 2)).astype(np.intp)
            counts += np.bincount(np.minimum(bins, n_bins - 1), minlength=n_bins)
    n_pairs = m * (2 * n - m - 1) // 2
    pair = tuple(sorted(map(int, pair)))
    mean = float(total / n_pairs)
    return Cosines(n_pairs, largest, pair, cosine, mean, counts, close, close_cosines, *nearest)


def _keep_nearest(nearest, indices, others, sizes, cosines):
    """Keep the other codeword of the largest cosine, and this, if it is larger than the last."""
    best = np.argmax(sizes, axis=1)
    places = np.arange(len(indices)), best
    # A size of -1 is of no pair.
    better = (sizes[places] >= 0) & (nearest[0][indices] < 0)
    better |= sizes[places] > np.abs(nearest[1][indices])
    nearest[0][indices[better]] = others[best[better]]
    nearest[1][indices[better]] = cosines[places][better]
