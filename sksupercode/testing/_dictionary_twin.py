"""A dictionary and its dense twin: what the inherited tests compare."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
from numpy.testing import assert_array_equal, assert_equal

_N_SAMPLES = 6


class DictionaryTwin:
    """What makes a dictionary and its twin, draws samples and codes, and compares."""

    rtol = 1e-12

    @cached_property
    def exact(self):
        """Whether the dictionary declares that its sums are exact."""
        return self.make()[0].has_exact_sums

    def make(self):
        """Return the dictionary and its dense twin.

        Returns
        -------
        dictionary : Dictionary of shape (N, d)
            What is tested.

        twin : ndarray of shape (N, d)
            The same numbers.
        """
        raise NotImplementedError

    def _assert_product(self, actual, A, B):
        A, B = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
        expected = A @ B
        assert_equal(np.shape(actual), expected.shape)
        excess = np.abs(actual - expected) - self.rtol * (np.abs(A) @ np.abs(B))
        # Written so that a nan fails.
        if not np.all(excess <= 0):
            raise AssertionError(f"off by {np.max(excess)} more than rounding:\n{actual}")

    def _assert_same(self, actual, expected):
        if self.exact:
            assert_array_equal(actual, expected)
        else:
            scale = np.abs(expected).max(initial=0)
            np.testing.assert_allclose(actual, expected, rtol=self.rtol, atol=self.rtol * scale)

    def _samples(self, dictionary, n_samples=_N_SAMPLES):
        return np.random.default_rng(0).standard_normal((n_samples, dictionary.shape[1]))

    def _codes(self, dictionary, n_samples=_N_SAMPLES):
        """Return small integers, of both signs, mostly 0; the first row is empty."""
        rng = np.random.default_rng(1)
        shape = n_samples, dictionary.shape[0]
        Y = rng.integers(-2, 4, shape) * (rng.random(shape) < 5 / shape[1])
        Y[1:, -1] = 1
        Y[:1] = 0
        return Y

    def _integer_samples(self, dictionary):
        """Return samples that are integers in the units of the unnormalised dictionary."""
        return np.random.default_rng(2).integers(-9, 10, (_N_SAMPLES, dictionary.shape[1]))

    def _integer_twin(self, dictionary, twin):
        """Return the twin of the unnormalised dictionary, of exact integers where it is exact."""
        S = twin / dictionary.scale
        return np.rint(S).astype(np.int64) if self.exact else S
