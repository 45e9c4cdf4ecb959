"""Entries of sparse codes by place, and counts of the samples in which columns fire together."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import block_length

# Rows of counts in one product: more take memory and spare no time.
_MOST_COLUMNS = 2048


class Entries:
    """The entries of a canonical CSR array: their rows, columns and values, and how to find one."""

    def __init__(self, codes):
        self.shape = codes.shape
        self.codes = codes
        self.rows = np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr))
        self.columns = codes.indices.astype(np.intp)
        self.counts = np.bincount(self.columns, minlength=codes.shape[1])
        # Correlations do not change, and squares do not overflow.
        largest = np.zeros(codes.shape[1])
        np.maximum.at(largest, self.columns, np.abs(codes.data))
        self.values = codes.data / largest[self.columns]
        self._keys = self.rows * codes.shape[1] + self.columns

    def find(self, rows, columns):
        """Return the places of entries, -1 where there is none, as in column -1."""
        places = np.full(len(rows), -1)
        if len(self._keys):
            keys = rows * self.shape[1] + columns
            nearest = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            found = (columns >= 0) & (self._keys[nearest] == keys)
            places[found] = nearest[found]
        return places

    def has(self, rows, columns):
        return self.find(rows, columns) >= 0

    def total(self, columns, weights=None):
        """Sum weights, or ones, by column."""
        return np.bincount(columns, weights, minlength=self.shape[1])

    def moments(self):
        """Return means and standard deviations of the columns over all rows; 0 where constant."""
        n = self.shape[0]
        means = self.total(self.columns, self.values) / n
        lowest = np.full(self.shape[1], np.inf)
        np.minimum.at(lowest, self.columns, self.values)
        highest = np.full(self.shape[1], -np.inf)
        np.maximum.at(highest, self.columns, self.values)
        squares = self.total(self.columns, (self.values - means[self.columns]) ** 2)
        deviations = np.sqrt((squares + (n - self.counts) * means**2) / n)
        constant = (self.counts == n) & (lowest == highest)
        return means, np.where(constant | (self.counts == 0), 0.0, deviations)


def cofiring(first, second, values=False):
    """Yield pairs of columns and sums over samples: all pairs that ever fire together.

    As ``(i, j, sums)``, with i ascending in blocks; of products of values, or of ones.
    """
    sides = [
        csr_array((side.values if values else np.ones(len(side.rows), np.int32),
                   side.codes.indices, side.codes.indptr), shape=side.shape)
        for side in (first, second)
    ]  # fmt: skip
    by_column = sides[0].T.tocsr()
    length = min(_MOST_COLUMNS, block_length(64 * second.shape[1]))
    for columns in gen_batches(first.shape[1], length):
        product = by_column[columns] @ sides[1]
        i = np.repeat(np.arange(columns.start, columns.stop), np.diff(product.indptr))
        yield i, product.indices.astype(np.intp), product.data


class Best:
    """The best partner of each column so far, the first of those that are equal."""

    def __init__(self, n):
        self.scores = np.zeros(n)
        self.partners = np.full(n, -1)

    def offer(self, columns, partners, scores):
        highest = self.scores.copy()
        np.maximum.at(highest, columns, scores)
        better = np.flatnonzero((scores == highest[columns]) & (scores > self.scores[columns]))
        # The last assignment counts: that of the first partner.
        better = better[np.argsort(-partners[better])]
        self.scores[columns[better]] = scores[better]
        self.partners[columns[better]] = partners[better]
