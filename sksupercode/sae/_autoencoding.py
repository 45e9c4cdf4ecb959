"""Inference with sparse autoencoders, whether they were loaded or trained."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._validation import as_array
from sksupercode.metrics._reconstruction import explained_variance
from sksupercode.sae._base import BaseSparseCoder, widened
from sksupercode.sae._normalization import PER_SAMPLE, denormalize, normalize


class BaseSparseAutoencoder(BaseSparseCoder):
    """A sparse coder whose output is its input: it is undone how that was normalised."""

    def _output(self, X_hat, X, scale, shift):
        return denormalize(X_hat, scale, shift)

    def normalize(self, X):
        r"""Normalise samples as the dictionary reconstructs them, ``x' = (x - mu) / sigma``.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        Returns
        -------
        X_normalized : ndarray of shape (n_samples, d)
            X itself, unless the autoencoder has "layer_norm" or "constant_norm_rescale".

        scale : ndarray of shape (n_samples, 1)
            Sigma.

        shift : ndarray of shape (n_samples, 1)
            Mu.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        X = self._check_samples(X)
        return normalize(X.astype(widened(X.dtype), copy=False), self.weights_.normalization)

    def denormalize(self, X, scale, shift):
        """Undo :meth:`normalize`: ``x = sigma x' + mu``.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Normalised samples, or reconstructions of them.

        scale : ndarray of shape (n_samples, 1)
            Sigma.

        shift : ndarray of shape (n_samples, 1)
            Mu.

        Returns
        -------
        X_original : ndarray of shape (n_samples, d)
            Samples.
        """
        X, scale, shift = (np.asarray(as_array(part)) for part in (X, scale, shift))
        return denormalize(X, scale, shift)

    def score(self, X, y=None):
        r"""Return the explained variance, ``1 - FVU``.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        y : None
            Ignored.

        Returns
        -------
        score : float
            One minus :func:`~sksupercode.metrics.fraction_of_variance_unexplained` of
            :meth:`reconstruct`; at most 1.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.

        Warns
        -----
        MassiveActivationsWarning
            If a few samples of very large norm have most of the variance.
        """
        X = self._check_samples(X)
        return explained_variance(X, lambda rows: self._reconstruct(X[rows]))

    @property
    def normalizes_samples_(self):
        """Whether each sample is normalised by a mean and a scale of its own."""
        check_is_fitted(self)
        return self.weights_.normalization in PER_SAMPLE
