"""A dictionary and its dense twin: what the inherited tests compare."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.testing import assert_array_equal, assert_equal

_N_SAMPLES = 6


class DictionaryTwin(ABC):
    """What makes a dictionary and its twin, draws samples and codes, and compares."""

    rtol = 1e-12

    @abstractmethod
    def make(self):
        """Return the dictionary and its dense twin.

        Returns
        -------
        dictionary : Dictionary of shape (N, d)
            What is tested.

        twin : ndarray of shape (N, d)
            The same numbers.
        """

    @cached_property
    def F(self):
        """The dictionary, the same one throughout a test."""
        return self.make()[0]

    @cached_property
    def twin(self):
        """The array of the same numbers."""
        return self.make()[1]

    def _assert_product(self, actual, A, B):
        A, B = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
        expected = A @ B
        assert_equal(np.shape(actual), expected.shape)
        excess = np.abs(actual - expected) - self.rtol * (np.abs(A) @ np.abs(B))
        # Written so that a nan fails.
        if not np.all(excess <= 0):
            raise AssertionError(f"off by {np.max(excess)} more than rounding:\n{actual}")

    def _assert_same(self, actual, expected):
        if self.F.has_exact_sums:
            assert_array_equal(actual, expected)
        else:
            scale = np.abs(expected).max(initial=0)
            np.testing.assert_allclose(actual, expected, rtol=self.rtol, atol=self.rtol * scale)

    def _samples(self, n_samples=_N_SAMPLES):
        return np.random.default_rng(0).standard_normal((n_samples, self.F.shape[1]))

    def _codes(self):
        """Return small integers, of both signs, mostly 0; the first row is empty."""
        rng = np.random.default_rng(1)
        shape = _N_SAMPLES, self.F.shape[0]
        Y = rng.integers(-2, 4, shape) * (rng.random(shape) < 5 / shape[1])
        Y[1:, -1] = 1
        Y[:1] = 0
        return Y

    def _integer_samples(self):
        """Return samples that are integers in the units of the unnormalised dictionary."""
        return np.random.default_rng(2).integers(-9, 10, (_N_SAMPLES, self.F.shape[1]))

    def _integer_twin(self):
        """Return the twin of the unnormalised dictionary, of exact integers where it is exact."""
        S = self.twin / self.F.scale
        return np.rint(S).astype(np.int64) if self.F.has_exact_sums else S
