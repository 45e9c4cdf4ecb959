"""The columns of the l1 programs: codewords, and for codes of either sign their negatives too."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries import DenseDictionary
from sksupercode.dictionaries._subset import subset


class Columns:
    """The matrix A of shape (M, d) in ``min sum(z) subject to A^T z = x, z >= 0``.

    Its rows are the N codewords, in the units of the samples, followed by their negatives if
    coefficients may have either sign (``signed``): an optimum z then stands for the code ``z[:N] -
    z[N:]`` of least l1 norm. Row i is its codeword times ``weights[i]``, 1 or -1, and ``norms[i]``
    its norm. The matrix is never stored. Solvers *price* all of it now and then, and work on a few
    of its rows in between.
    """

    def __init__(self, dictionary, signed):
        self.is_signed = signed
        self._dictionary = dictionary
        self._n_features = dictionary.shape[0]
        self.weights = np.repeat([1.0, -1.0] if signed else [1.0], self._n_features)
        self.shape = (len(self.weights), dictionary.shape[1])
        self.norms = np.sqrt(np.resize(dictionary.squared_norms, len(self.weights)))

    def perturbed(self, size):
        """Return columns that are longer by random fractions below ``size``, the first the most.

        A program of these has no ties, and the objective of its optimum is off by ``size`` at most.
        """
        factors = 1 + size * np.sort(np.random.default_rng(0).random(self._n_features))[::-1]
        other = Columns(self._dictionary, False)
        other.shape = self.shape
        other.weights = self.weights * np.resize(factors, len(self.weights))
        other.norms = self.norms * np.abs(other.weights)
        return other

    def rows(self, columns):
        """Return rows of A in float64."""
        codewords = self._dictionary.codewords(columns % self._n_features)
        return codewords * self.weights[columns, np.newaxis]

    def take(self, columns):
        """Return some rows of A, in the storage of the dictionary, as a :class:`Pool`."""
        few = subset(self._dictionary, columns % self._n_features)
        if few.dtype != np.float64:
            few = DenseDictionary(np.asarray(few, dtype=np.float64))
        return Pool(few, self.weights[columns], self.norms[columns])

    def price(self, vectors):
        """Correlate vectors of shape (m, d) with every row of A, to an array of shape (m, M)."""
        scores = self._dictionary.correlate(vectors)
        return np.tile(scores, self.shape[0] // self._n_features) * self.weights

    def net(self, columns, coefficients):
        """Return distinct codewords, as columns of positive coefficients, with the same sum.

        Opposite columns cancel. If coefficients may be negative, those below 0 are of the other
        column of their codeword; otherwise they are dropped, as all that are 0.
        """
        signs = np.sign(self.weights[columns])
        indices, places = np.unique(columns % self._n_features, return_inverse=True)
        z = np.bincount(places, coefficients * signs, len(indices))
        if self.is_signed:
            indices = np.where(z < 0, indices + self._n_features, indices)
            z = np.abs(z)
        return indices[z > 0], z[z > 0]

    def to_code(self, columns, coefficients):
        """Return the codewords in use, in increasing order, and their coefficients."""
        indices = columns % self._n_features
        order = np.argsort(indices)
        return indices[order], (coefficients * self.weights[columns])[order]

    def rounding(self, vectors):
        """Return the errors that are to be expected of :meth:`price`, an array of its shape."""
        epsilon = 0.0 if self._dictionary.dtype == np.float64 else np.finfo(np.float32).eps
        return 4 * epsilon * np.outer(np.linalg.norm(vectors, axis=1), self.norms)

    def best(self, prices, count, among=None):
        """Return the columns of the largest prices, sorted; of equal ones, those that come first.

        At most ``count`` of those in the mask ``among``, and none of norm 0.
        """
        chosen = self.norms > 0
        if among is not None:
            chosen &= among
        chosen = np.flatnonzero(chosen)
        prices = prices[chosen]
        if len(chosen) > count:
            smallest = np.partition(prices, len(prices) - count)[len(prices) - count]
            places = np.flatnonzero(prices >= smallest)
            places = places[np.argsort(-prices[places], kind="stable")[:count]]
            chosen = np.sort(chosen[places])
        return chosen


class Pool:
    """A few rows of A, of which everything is known: codewords times weights, and their norms."""

    def __init__(self, dictionary, weights, norms):
        self._dictionary = dictionary
        self._weights = weights
        self.norms = norms

    def rows(self, places):
        """Return some of the rows, an array of shape (len(places), d)."""
        return self._dictionary.codewords(places) * self._weights[places, np.newaxis]

    def correlate(self, vectors):
        """Correlate vectors with all of the rows, to an array of shape (n_vectors, m)."""
        return self._dictionary.correlate(vectors) * self._weights
