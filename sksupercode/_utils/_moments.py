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
        block = RunningMoments()
        largest = np.abs(X).max()
        block._is_zero = not largest > 0
        block.n_samples, block.exponent = len(X), int(np.frexp(largest)[1])
        X = np.ldexp(X, -block.exponent)
        # Shifted by a row first: the variance of equal rows is then exactly zero.
        shift = X[0].copy()
        X -= shift
        mean = X.mean(axis=0)
        X -= mean
        block.mean, block.squares = mean + shift, float(np.square(X).sum())
        self.merge(block)

    def merge(self, block):
        """Take in the moments of a block."""
        if not block._is_zero and (self._is_zero or block.exponent > self.exponent):
            exponent = block.exponent
        else:
            exponent = self.exponent
        (mean, squares), (block_mean, block_squares) = (
            (np.ldexp(moments.mean, a), float(np.ldexp(moments.squares, 2 * a)))
            for moments in (self, block)
            for a in [moments.exponent - exponent]
        )
        n_samples = self.n_samples + block.n_samples
        step = block_mean - mean
        between = np.square(step).sum() * self.n_samples * block.n_samples / n_samples
        self.squares = squares + (block_squares + float(between))
        self.mean = mean + step * (block.n_samples / n_samples)
        self.n_samples, self.exponent = n_samples, exponent
        self._is_zero &= block._is_zero
