"""Sparse autoencoders as scikit-learn transformers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array, vstack
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sksupercode._sparse import as_configured_csr, refuse_sparse_frames
from sksupercode._validation import check_codes, check_samples
from sksupercode.metrics import fraction_of_variance_unexplained
from sksupercode.sae._forward import ForwardPass
from sksupercode.sae._normalization import PER_SAMPLE, denormalize, normalize
from sksupercode.sae._weights import SAEWeights


class SparseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Sparse autoencoder: N nonnegative latents, few of which are active on a sample.

    .. math::
        a = \phi\big((x - b_{dec})\, W_{enc} + b_{enc}\big), \qquad
        \hat x = a\, W_{dec} + b_{dec}

    with :math:`W_{enc}` of shape (d, N) and :math:`W_{dec}` of shape (N, d). The activation
    function :math:`\phi` is the architecture; samples may be normalised before.

    Parameters
    ----------
    n_latents : int, default=1024
        Number N of latents.

    architecture : {"topk", "batchtopk", "relu"}, default="topk"
        What :meth:`fit` trains. Autoencoders made by :meth:`from_weights` may also be "jumprelu",
        "gated" or "matching_pursuit".

    n_nonzero_coefs : int, default=32
        Number k of latents that "topk" keeps for each sample, and "batchtopk" on average.

    random_state : int, RandomState, Generator or None, default=None
        Of training.

    sparse_output : bool, default=True
        Whether latents come as CSR or as a dense array.

    Attributes
    ----------
    weights_ : SAEWeights
        All arrays, in the precision in which they are stored.

    dictionary_ : ndarray of shape (N, d)
        What the latents stand for: rows of W_dec, divided by their norms where latents are
        multiplied by them. Read-only, at least float32.

    intercept_ : ndarray of shape (d,)
        b_dec.

    n_latents_ : int
        Number N of latents.

    n_features_in_ : int
        Number d of dimensions.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    load_sae : Autoencoders that other libraries have trained.
    MatchingPursuitDecoder : Finds other latents on the same dictionary.

    Notes
    -----
    Arithmetic is in float32, as in the libraries that train autoencoders, or in float64 if W_dec
    is; weights of half precision are widened at their first use. Latents come in the dtype of X.
    Samples are encoded in blocks by scikit-learn's ``working_memory``, so that never more than a
    part of an (n_samples, N) matrix is held.

    Autoencoders with "layer_norm" or "constant_norm_rescale" reconstruct normalised samples, and
    undo the normalisation with the mean and scale of the very sample, which latents do not tell.
    There, :meth:`inverse_transform` and decoders with ``dictionary=`` such an autoencoder live in
    the space of normalised samples, where :meth:`normalize` leads and :meth:`denormalize` leads
    back, and :meth:`reconstruct` does everything.

    A clone of a `SparseAutoencoder` is unfitted, as of any estimator: one that must keep its
    weights in a grid search goes inside :class:`sklearn.frozen.FrozenEstimator`.

    References
    ----------
    .. [1] T. Bricken et al., "Towards monosemanticity: decomposing language models with dictionary
       learning", Transformer Circuits Thread, 2023.
    .. [2] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode import SparseAutoencoder
    >>> from sksupercode.sae import SAEWeights
    >>> W_dec = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    >>> weights = SAEWeights(
    ...     "topk", W_dec, np.zeros(2, np.float32), W_dec.T, np.zeros(4, np.float32), k=1
    ... )
    >>> sae = SparseAutoencoder.from_weights(weights)
    >>> Z = sae.transform([[2.0, -0.5], [0.0, -3.0]])
    >>> Z.toarray()
    array([[2., 0., 0., 0.],
           [0., 0., 0., 3.]])
    >>> sae.inverse_transform(Z)
    array([[ 2.,  0.],
           [ 0., -3.]])
    """

    def __init__(
        self,
        n_latents=1024,
        *,
        architecture="topk",
        n_nonzero_coefs=32,
        random_state=None,
        sparse_output=True,
    ):
        self.n_latents = n_latents
        self.architecture = architecture
        self.n_nonzero_coefs = n_nonzero_coefs
        self.random_state = random_state
        self.sparse_output = sparse_output

    @classmethod
    def from_weights(cls, weights, *, sparse_output=True):
        """Make a fitted autoencoder of given weights.

        Parameters
        ----------
        weights : SAEWeights
            Of N latents on d dimensions.

        sparse_output : bool, default=True
            Whether latents come as CSR or as a dense array.

        Returns
        -------
        sae : SparseAutoencoder
            Fitted. It shares its arrays with ``weights``.

        Raises
        ------
        ValueError
            If ``weights`` is something else, or asks for what its architecture does not define.
        """
        if not isinstance(weights, SAEWeights):
            raise ValueError(f"weights must be SAEWeights, got {type(weights).__name__}.")
        sae = cls(weights.shape[0], architecture=weights.architecture, sparse_output=sparse_output)
        if weights.architecture == "topk":
            sae.n_nonzero_coefs = weights.k
        sae.n_features_in_ = weights.shape[1]
        return sae._set_weights(weights)

    def _set_weights(self, weights):
        self._forward = ForwardPass(weights)
        self.weights_ = weights
        self.n_latents_ = weights.shape[0]
        return self

    def fit(self, X, y=None):
        """Train the autoencoder on X.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted autoencoder.

        Raises
        ------
        ImportError
            If PyTorch is not installed.

        ValueError
            If a parameter is illegal, or X is not a matrix of finite numbers.
        """
        X = self._check_samples(X, reset=True)
        return self._set_weights(_train(self, X))

    def _check_samples(self, X, *, reset=False):
        if not reset:
            check_is_fitted(self)
        if isinstance(X, np.ndarray) and X.dtype.itemsize == 2 and _is_float(X.dtype):
            X = X.astype(np.float32)
        return check_samples(self, X, reset=reset)

    def _encode(self, X):
        """Yield blocks of samples, as slices, their latents, and their scale and shift."""
        for rows in gen_batches(len(X), self._forward.block_length()):
            block = X[rows].astype(self._forward.dtype, copy=False)
            block, scale, shift = normalize(block, self.weights_.normalization)
            yield rows, self._forward.encode(block), scale, shift

    def transform(self, X):
        """Encode each sample to its latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        Returns
        -------
        Z : CSR matrix or ndarray of shape (n_samples, N)
            Latents in the dtype of X; dense if ``sparse_output=False``.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns, or if pandas or polars output is
            asked for without ``sparse_output=False``.
        """
        X = self._check_samples(X)
        if not isinstance(self.sparse_output, bool | np.bool_):
            raise ValueError(f"sparse_output must be True or False, got {self.sparse_output!r}.")
        if self.sparse_output:
            refuse_sparse_frames(self)
        Z = vstack([Z for _, Z, _, _ in self._encode(X)], format="csr")
        Z = csr_array(Z).astype(X.dtype, copy=False)
        return as_configured_csr(Z) if self.sparse_output else Z.toarray()

    def inverse_transform(self, X):
        """Decode latents: ``x = z F + b`` with F ``dictionary_`` and b ``intercept_``.

        Parameters
        ----------
        X : {ndarray, sparse matrix or array} of shape (n_samples, N)
            Latents.

        Returns
        -------
        X_original : ndarray of shape (n_samples, d)
            Reconstructions, float32 for float32 latents and float64 otherwise. Of an autoencoder
            that normalises every sample by itself they are those of normalised samples.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with N columns.
        """
        check_is_fitted(self)
        Z = check_codes(X, "X", n_features=self.n_latents_)
        return (Z @ self.dictionary_ + self.intercept_).astype(Z.dtype, copy=False)

    def reconstruct(self, X):
        """Encode and decode each sample, and undo the normalisation.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, d)
            Reconstructions in the dtype of X.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        X = self._check_samples(X)
        X_hat = np.empty_like(X, subok=False)
        for rows, Z, scale, shift in self._encode(X):
            X_hat[rows] = denormalize(Z @ self.dictionary_ + self.intercept_, scale, shift)
        return X_hat

    def normalize(self, X):
        r"""Lead samples to where the dictionary reconstructs them, ``x' = (x - mu) / sigma``.

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
        return normalize(self._check_samples(X), self.weights_.normalization)

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
        """
        X = self._check_samples(X)
        return 1.0 - fraction_of_variance_unexplained(X, self.reconstruct(X))

    @property
    def dictionary_(self):
        """Codewords, array of shape (N, d)."""
        check_is_fitted(self)
        return self._forward.dictionary

    @property
    def intercept_(self):
        """What is added to reconstructions, array of shape (d,)."""
        check_is_fitted(self)
        return self._forward.intercept

    @property
    def normalizes_samples_(self):
        """Whether each sample is normalised by a mean and a scale of its own."""
        check_is_fitted(self)
        return self.weights_.normalization in PER_SAMPLE

    @property
    def _n_features_out(self):
        return self.n_latents_

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _is_float(dtype):
    return dtype == np.float16 or dtype.name == "bfloat16"


def _train(estimator, X):
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            "Training a SparseAutoencoder needs PyTorch: pip install sksupercode[sae]. Loading and "
            "using one does not."
        ) from error
    from sksupercode.sae._training import train

    return train(estimator, X)
