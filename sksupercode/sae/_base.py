"""What autoencoders and transcoders share: latents of samples, and their superposition."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import vstack
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import gen_even_slices
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._sparse import as_configured_csr, refuse_sparse_frames
from sksupercode._utils._validation import as_float, check_bool, check_codes, check_samples
from sksupercode.sae._forward import ForwardPass
from sksupercode.sae._normalization import normalize
from sksupercode.sae._saving import save_saelens


class BaseSparseCoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What can be done with ``weights_``, of which :meth:`_set_weights` makes a forward pass.

    A subclass has ``_output``, which makes reconstructions of superposed latents.
    """

    def _set_weights(self, weights):
        self._forward = ForwardPass(weights)
        self.weights_ = weights
        self.n_latents_ = weights.shape[0]
        return self

    def _check_samples(self, X, *, reset=False):
        if not reset:
            check_is_fitted(self)
        # What is mapped from a file, as float16 can be, is widened block by block.
        return check_samples(self, X, reset=reset, keeps_half=True)

    def _encode(self, X):
        """Yield blocks of samples, as slices, their latents, and their scale and shift."""
        # Even blocks, as ``W_enc`` is read once more for a last one of few samples.
        n_blocks = -(-len(X) // self._forward.block_length())
        for rows in gen_even_slices(len(X), n_blocks):
            block = X[rows].astype(widened(X.dtype), copy=False)
            block, scale, shift = normalize(block, self.weights_.normalization)
            yield rows, self._forward.encode(block), scale, shift

    def _decode(self, Z):
        return Z @ self.dictionary_ + self.intercept_

    def transform(self, X):
        """Encode each sample to its latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, d_in)
            Activations.

        Returns
        -------
        Z : CSR matrix or ndarray of shape (n_samples, N)
            Latents in the dtype of X, but float32 for half precision; dense if
            ``sparse_output=False``.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with ``n_features_in_`` columns, if latents are
            beyond the range of their dtype, or if pandas or polars output is asked for without
            ``sparse_output=False``.
        """
        X = self._check_samples(X)
        check_bool(self.sparse_output, "sparse_output")
        if self.sparse_output:
            refuse_sparse_frames(self)
        Z = vstack([Z for _, Z, _, _ in self._encode(X)], format="csr")
        Z.data = as_float(Z.data, widened(X.dtype), "latents of X")
        return as_configured_csr(Z) if self.sparse_output else Z.toarray()

    def inverse_transform(self, X):
        """Decode latents: ``x = z F + b`` with F ``dictionary_`` and b ``intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, N)
            Latents.

        Returns
        -------
        X_original : ndarray of shape (n_samples, d)
            Reconstructions, float32 for float32 latents and float64 otherwise. Where an autoencoder
            normalises every sample by itself, they are reconstructions of normalised samples. A
            skip connection of a transcoder, which is no matter of latents, is not in them.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with N columns.
        """
        check_is_fitted(self)
        Z = check_codes(X, "X", n_features=self.n_latents_)
        return as_float(self._decode(Z), Z.dtype, "reconstructions of X")

    def reconstruct(self, X):
        """Encode and decode each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, d_in)
            Activations.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, d)
            Reconstructions in the dtype of X, but float32 for half precision. Those of an
            autoencoder are of X itself, so its normalisation is undone. Those of a transcoder are
            of its output, skip connection included.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with ``n_features_in_`` columns, or is too large.
        """
        return self._reconstruct(self._check_samples(X))

    def _reconstruct(self, X):
        X_hat = np.empty((len(X), self.weights_.shape[1]), widened(X.dtype))
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, Z, scale, shift in self._encode(X):
                X_hat[rows] = self._output(self._decode(Z), X[rows], scale, shift)
        return as_float(X_hat, X_hat.dtype, "reconstructions of X")

    def save(self, path, **metadata):
        """Write the weights in the format of SAELens, as :func:`load_sae` and SAELens read them.

        Parameters
        ----------
        path : str or os.PathLike
            A directory for ``sae_weights.safetensors`` and ``cfg.json``: a new or empty one, or one
            that holds these two files alone, which are replaced.

        **metadata : dict
            What others want to know of the model, such as ``model_name``, ``hook_name`` and
            ``context_size``: added to the metadata of ``cfg.json``, where SAELens looks for it.

        Raises
        ------
        FileExistsError
            If there is anything else at ``path``.

        ValueError
            If SAELens has nothing of this kind: architecture "groupmax", a transcoder with k,
            latents of others than "topk" and "abstopk" that are rescaled by norms, or inputs that
            are scaled as well. Or if metadata are not what JSON holds, or say otherwise than the
            weights.

        Notes
        -----
        Files keep the precision of the weights. The scale of "expected_average", for which the
        format has no place, becomes a part of the weights, in float32 at least.
        """
        check_is_fitted(self)
        save_saelens(self.weights_, path, metadata)

    @property
    def dictionary_(self):
        """Codewords, array of shape (N, d)."""
        check_is_fitted(self)
        return self._forward.dictionary

    def _stored_codewords(self):
        """Return ``dictionary_`` for decoders, which take half precision as it is."""
        check_is_fitted(self)
        return self._forward.codewords

    @property
    def intercept_(self):
        """What is added to reconstructions, array of shape (d,)."""
        check_is_fitted(self)
        return self._forward.intercept

    @property
    def values_(self):
        """Which values latents have, "nonnegative" or "real", for decoders of the codewords."""
        check_is_fitted(self)
        return "real" if self.weights_.architecture == "abstopk" else "nonnegative"

    @property
    def reconstructs_samples_(self):
        """Whether the output is of the space of the input, as that of a transcoder is not."""
        check_is_fitted(self)
        return not self.weights_.is_transcoder

    @property
    def _n_features_out(self):
        return self.n_latents_

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def widened(dtype):
    """Return the dtype of what is computed from samples: float32 for half precision."""
    return np.result_type(dtype, np.float32)
