"""What is known of codes once it is known which latent stands for which true feature."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class CodeMatch:
    """How well each latent stands for its feature, and each feature for its latent.

    The result of :func:`match_codes`, for N features and M latents. A feature or latent fires where
    its code is not zero. Means are over features that fire in some sample; features without a
    partner count 0. A latent that never fires has precision 0.

    Parameters
    ----------
    indices : intp ndarray of shape (N,)
        The latent that each feature is paired with, -1 for none. No two have the same one.

    nearest : intp ndarray of shape (M,)
        The feature that is nearest to each latent, -1 for none. Several may have the same one.

    n_true, n_pred : int64 ndarrays of shape (N,) and (M,)
        In how many samples each feature, and each latent, fires.

    hits : int64 ndarray of shape (N,)
        In how many samples a feature and its partner fire together.

    nearest_hits : int64 ndarray of shape (M,)
        In how many samples a latent and its nearest feature fire together.

    correlations : float64 ndarray of shape (N,)
        Correlation of each feature with its partner over all samples, NaN for constant features.

    amplitude_correlations : float64 ndarray of shape (N,)
        The same over samples in which both fire. NaN where these are fewer than three, or where one
        of the two is constant.

    sharing : intp ndarray of shape (n, 2)
        Pairs of a feature and a latent that shares it. See the notes of :func:`match_codes`.

    standing : intp ndarray of shape (n, 2)
        Pairs of a feature and a latent that stands for it.

    absorption : float64 ndarray of shape (N,)
        Fraction of the samples of a feature in which latents of its children fire and its own does
        not, NaN for features without children.

    threshold : float
        A feature is found if its F1 is above this.
    """

    indices: np.ndarray
    nearest: np.ndarray
    n_true: np.ndarray
    n_pred: np.ndarray
    hits: np.ndarray
    nearest_hits: np.ndarray
    correlations: np.ndarray
    amplitude_correlations: np.ndarray
    sharing: np.ndarray
    standing: np.ndarray
    absorption: np.ndarray
    threshold: float

    @property
    def precisions(self):
        """Fraction of the samples of its partner in which a feature fires, NaN if it never does."""
        return self._of_firing(_ratio(self.hits, _taken(self.n_pred, self.indices)))

    @property
    def recalls(self):
        """Fraction of the samples of a feature in which its partner fires, NaN if it never does."""
        return self._of_firing(_ratio(self.hits, self.n_true))

    @property
    def f1s(self):
        """Harmonic mean of precision and recall of each feature, NaN if it never fires."""
        fired = self.n_true + _taken(self.n_pred, self.indices)
        return self._of_firing(_ratio(2 * self.hits, fired))

    @property
    def precision(self):
        """Mean precision of the features that fire."""
        return _mean(self.precisions)

    @property
    def recall(self):
        """Mean recall of the features that fire."""
        return _mean(self.recalls)

    @property
    def f1(self):
        """Mean F1 of the features that fire."""
        return _mean(self.f1s)

    @property
    def found(self):
        """Fraction of the features that fire whose F1 is above the threshold."""
        return _mean(self._of_firing((self.f1s > self.threshold).astype(float)))

    @property
    def mcc(self):
        """Mean absolute correlation of features, those that vary, with their partners."""
        return _mean(np.abs(self.correlations))

    @property
    def amplitude_correlation(self):
        """Mean correlation of amplitudes, over features that have one."""
        return _mean(self.amplitude_correlations)

    @property
    def latent_precision(self):
        """Mean over all M latents of their precision for the nearest feature."""
        return _mean(_ratio(self.nearest_hits, self.n_pred))

    @property
    def latent_recall(self):
        """Mean over all M latents of their recall of the nearest feature."""
        return _mean(_ratio(self.nearest_hits, _taken(self.n_true, self.nearest)))

    @property
    def latent_f1(self):
        """Mean over all M latents of their F1 for the nearest feature."""
        fired = self.n_pred + _taken(self.n_true, self.nearest)
        return _mean(_ratio(2 * self.nearest_hits, fired))

    @property
    def uniqueness(self):
        """Number of different features that are nearest to a latent, over M."""
        return len(np.unique(self.nearest[self.nearest >= 0])) / len(self.nearest)

    @property
    def n_latents(self):
        """How many latents share each feature, of shape (N,)."""
        return np.bincount(self.sharing[:, 0], minlength=len(self.indices))

    @property
    def n_features(self):
        """How many features each latent stands for, of shape (M,)."""
        return np.bincount(self.standing[:, 1], minlength=len(self.nearest))

    def latents_of(self, feature):
        """Return the latents that share a feature, ascending.

        Parameters
        ----------
        feature : int
            Index of the feature, one of ``split`` for instance.

        Returns
        -------
        latents : intp ndarray
            ``n_latents[feature]`` indices.
        """
        return np.sort(self.sharing[self.sharing[:, 0] == feature, 1])

    def features_of(self, latent):
        """Return the features that a latent stands for, ascending.

        Parameters
        ----------
        latent : int
            Index of the latent, one of ``merged`` for instance.

        Returns
        -------
        features : intp ndarray
            ``n_features[latent]`` indices.
        """
        return np.sort(self.standing[self.standing[:, 1] == latent, 0])

    @property
    def split(self):
        """Indices of features that several latents share, in ascending order."""
        return np.flatnonzero(self.n_latents > 1)

    @property
    def merged(self):
        """Indices of latents that stand for several features, in ascending order."""
        return np.flatnonzero(self.n_features > 1)

    @property
    def absorbed(self):
        """Indices of features some samples of which latents of children absorb, ascending."""
        return np.flatnonzero(self.absorption > 0)

    @property
    def absorption_rate(self):
        """Mean absorption of features that have children."""
        return _mean(self.absorption)

    def _of_firing(self, numbers):
        return np.where(self.n_true > 0, numbers, np.nan)

    def __repr__(self):
        return (
            f"CodeMatch(precision={self.precision:.4g}, recall={self.recall:.4g}, "
            f"f1={self.f1:.4g}, mcc={self.mcc:.4g}, found={self.found:.4g} at "
            f"{self.threshold:g}, split={len(self.split)} of {len(self.indices)}, "
            f"merged={len(self.merged)} of {len(self.nearest)}, absorbed={len(self.absorbed)} of "
            f"{np.count_nonzero(~np.isnan(self.absorption))})"
        )


def _taken(numbers, indices):
    """Return ``numbers[indices]``, 0 where an index is -1."""
    taken = np.zeros(len(indices), numbers.dtype)
    taken[indices >= 0] = numbers[indices[indices >= 0]]
    return taken


def _ratio(top, bottom):
    return np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0)


def _mean(numbers):
    """Return the mean of what is not NaN, or NaN if there is nothing."""
    numbers = numbers[~np.isnan(numbers)]
    return float(numbers.mean()) if len(numbers) else float("nan")
