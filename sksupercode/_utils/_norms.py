"""Samples by their norm: moments of those of about equal norm, and the few that are massive."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._warnings import warn
from sksupercode.exceptions import MassiveActivationsWarning

# Classes of norms for each factor of two, and by how many classes massive samples are above the
# median: between 9.5 and 11.3 times.
_CLASSES, _ABOVE = 4, 14
# Fewer samples do not tell what is ordinary; a larger part of them is not few.
_FEWEST, _MOST = 100, 0.05


def row_norms(X):
    """Return the norms of rows in float64, at any place of its range; those beyond are infinite."""
    X = np.asarray(X, dtype=np.float64)
    exponents = np.frexp(np.abs(X).max(axis=1))[1]
    with np.errstate(over="ignore", under="ignore"):
        norms = np.sqrt(np.square(np.ldexp(X, -exponents[:, np.newaxis])).sum(axis=1))
        return np.ldexp(norms, exponents)


class MomentsByNorm:
    """Moments of rows in classes of about equal norm, the same for any division into blocks.

    Rows of class i have norms of ``2**(i / 4)`` and more, but less than ``2**((i + 1) / 4)``.
    """

    def __init__(self):
        self._classes = {}

    def add(self, X):
        """Take in a block of shape (n_samples, d)."""
        with np.errstate(divide="ignore"):
            classes = np.floor(_CLASSES * np.log2(row_norms(X)))
        for i in np.unique(classes):
            self._of(i).add(X[classes == i])

    def merge(self, other):
        """Take in the moments of other rows."""
        for i, moments in other._classes.items():
            self._of(i).merge(moments)

    def _of(self, i):
        return self._classes.setdefault(float(i), RunningMoments())

    def total(self, below=math.inf):
        """Return the :class:`RunningMoments` of all rows, or of those of classes below one."""
        total = RunningMoments()
        for i in sorted(self._classes):
            if i < below:
                total.merge(self._classes[i])
        return total

    def massive(self):
        """Return the number, the lowest norm and the share of the variance of massive samples.

        These have more than about ten times the median norm, and are a group apart: more than those
        from half of that up to it, which few ordinary tails have. The share is the part of the
        variance that is gone without them. None where it is less than half, or there are none.
        """
        classes = sorted(self._classes)
        counts = np.cumsum([self._classes[i].n_samples for i in classes])
        if not len(counts) or counts[-1] < _FEWEST:
            return None
        median = classes[np.searchsorted(counts, counts[-1] / 2)]
        lowest = median + _ABOVE
        everything, rest = self.total(), self.total(below=lowest)
        n_massive = everything.n_samples - rest.n_samples
        n_below = rest.n_samples - self.total(below=lowest - _CLASSES).n_samples
        if median == -math.inf or not n_below < n_massive <= _MOST * everything.n_samples:
            return None
        left = math.ldexp(rest.squares, 2 * (rest.exponent - everything.exponent))
        share = 1 - left / everything.squares
        with np.errstate(over="ignore"):
            norm = float(np.exp2(lowest / _CLASSES))
        return (n_massive, norm, share) if share > 0.5 else None


def warn_of_massive(moments, remedy):
    """Warn of massive samples that have most of the variance; ``remedy`` gets their norm."""
    massive = moments.massive()
    if massive is not None:
        n_massive, norm, share = massive
        warn(
            f"{n_massive} of {moments.total().n_samples} samples, those with norms above "
            f"{norm:.3g}, about ten times the median, have {100 * share:.3g} % of the variance, "
            f"so that {remedy.format(norm=f'{norm:.3g}')}",
            MassiveActivationsWarning,
        )
