"""Moments of samples that come in blocks, at any place of the float range."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


class RunningMoments:
    """Number, mean and sum of squared deviations of rows, the same for any division into blocks.

    ``2**exponent`` is the unit of ``mean``, a float64 array of shape (d,), and of ``squares``, the
    sum of squared distances from it, which is 0 where all rows are equal. It is just above the
    largest number so far, since squares overflow from 1e154 on.
    """

    def __init__(self):
        self.exponent, self.n_samples, self.mean, self.squares = 0, 0, 0.0, 0.0
        self._is_zero = True

    def add(self, X):
        """Take in a block of shape (n_samples, d)."""
        X = np.asarray(X, dtype=np.float64)
        largest = np.abs(X).max()
        exponent = int(np.frexp(largest)[1])
        if largest > 0 and (self._is_zero or exponent > self.exponent):
            shrinkage, self.exponent, self._is_zero = self.exponent - exponent, exponent, False
            self.mean = np.ldexp(self.mean, shrinkage)
            self.squares = float(np.ldexp(self.squares, 2 * shrinkage))
        X = np.ldexp(X, -self.exponent)
        n, n_samples = self.n_samples, self.n_samples + len(X)
        # Shifted by a row first: the variance of equal rows is then exactly zero.
        shift = X[0].copy()
        X -= shift
        mean = X.mean(axis=0)
        X -= mean
        step = mean + shift - self.mean
        self.squares += float(np.square(X).sum() + np.square(step).sum() * n * len(X) / n_samples)
        self.mean = self.mean + step * (len(X) / n_samples)
        self.n_samples = n_samples
