"""The unit in which an autoencoder is trained, and samples that are too far for any unit."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._batches import moments_of, read_rows
from sksupercode._utils._blocks import MOST_ROWS
from sksupercode.sae._forward import MODERATE

# Standard deviations from the mean at which samples are of another scale: a few of them have most
# of the variance. Fewer samples than that do not tell the standard deviation.
APART = 32
# Standard deviations from 0 at which float32 begins to blur float64 samples.
_FAR = 2.0**12


class SampleUnits:
    """Samples are trained on as ``(2**-e x - c) s``, whose mean is 0 and variance 1.

    c is the mean, unless there is an ``origin``; then it is this, and 1 is the mean squared
    distance from it.
    """

    def __init__(self, moments, origin=None):
        self.moments, self.origin = moments, origin

    def measure(self, X, rows):
        """Take samples in, and set the exponent e, the centre c and the scale s of all so far."""
        if len(rows):
            moments_of(X, rows, self.moments)
        mean, self.exponent = self.moments.mean, self.moments.exponent
        self.center, self.variance = mean, self.moments.squares / self.moments.n_samples
        if self.origin is not None:
            with np.errstate(over="ignore"):
                self.center = np.ldexp(self.origin, -self.exponent)
                self.variance += float(np.square(mean - self.center).sum())
        self.scale = 1 / math.sqrt(self.variance) if self.variance > 0 else 1.0
        # Where float32 has no room for weights, or blurs how samples of float64 differ.
        deviation, largest = math.sqrt(self.variance), float(np.abs(self.center).max())
        self.is_wide = (X.dtype == np.float64 and 0 < deviation * _FAR < largest) or any(
            size > 0 and abs(math.log2(size) + self.exponent) > math.log2(MODERATE)
            for size in (deviation or largest, max(deviation, largest))
        )
        return self

    def origin_is_far(self):
        """Return whether the origin is many standard deviations away from the mean."""
        variance, n_samples = self.moments.squares / self.moments.n_samples, self.moments.n_samples
        is_far = n_samples >= APART and 0 < variance < self.variance / (1 + APART**2)
        return is_far or not math.isfinite(self.variance)

    def ratio_to(self, other):
        """Return by what lengths in these units are multiplied to be in others."""
        return math.ldexp(other.scale / self.scale, self.exponent - other.exponent)

    def scaled(self, lengths):
        """Return lengths in the unit of training."""
        return np.ldexp(np.asarray(lengths, dtype=np.float64), -self.exponent) * self.scale

    def unscaled(self, lengths):
        """Return lengths in the unit of X."""
        return np.ldexp(np.asarray(lengths, dtype=np.float64) / self.scale, self.exponent)

    def normalized(self, X):
        """Return samples in the unit of training, as float32."""
        X = np.ldexp(np.asarray(X, dtype=np.float64), -self.exponent)
        return ((X - self.center) * self.scale).astype(np.float32)

    def denormalized(self, x):
        """Return a sample in the unit of training as it is in X."""
        return np.ldexp(self.center + x / self.scale, self.exponent)


def are_apart(moments, others):
    """Return whether samples are many standard deviations of others away from them."""
    exponent = max(moments.exponent, others.exponent)
    a, b = moments.exponent - exponent, others.exponent - exponent
    shift = np.ldexp(moments.mean, a) - np.ldexp(others.mean, b)
    distance = math.hypot(
        math.ldexp(math.sqrt(moments.squares / moments.n_samples), a), np.linalg.norm(shift)
    )
    deviation = math.ldexp(math.sqrt(others.squares / others.n_samples), b)
    return others.squares > 0 and distance > APART * deviation


def are_near(X, rows, moments):
    """Return for each sample whether it is not many standard deviations of others away."""
    near = np.empty(len(rows), dtype=bool)
    farthest = APART * math.sqrt(moments.squares / moments.n_samples)
    for batch in gen_batches(len(rows), MOST_ROWS):
        with np.errstate(over="ignore"):
            x = np.ldexp(read_rows(X, rows[batch]).astype(np.float64), -moments.exponent)
            near[batch] = np.linalg.norm(x - moments.mean, axis=1) <= farthest
    return near
