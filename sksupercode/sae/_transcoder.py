"""Transcoders: latents of the input of a layer, and its output as a superposition of codewords."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._validation import as_array, check_bool, check_matrix
from sksupercode.metrics._reconstruction import explained_variance
from sksupercode.sae._base import BaseSparseCoder, widened
from sksupercode.sae._weights import check_is_weights


class Transcoder(BaseSparseCoder):
    r"""Transcoder: N latents of the input of a layer, whose codewords add up to its output.

    .. math::
        a = \phi(x\, W_{enc} + b_{enc}), \qquad
        \hat y = a\, W_{dec} + b_{dec} + x\, W_{skip}

    with x of d_in dimensions and y of d, for instance what goes into an MLP and what comes out
    [1]_. Few transcoders have :math:`W_{skip}` [2]_. :func:`~sksupercode.load_sae` reads their
    files.

    Parameters
    ----------
    weights : SAEWeights or None, default=None
        Arrays of a transcoder, ``is_transcoder=True``. They are not trained here: ``fit`` checks
        that X fits them, and clones keep them. None has nothing that could be fitted.

    sparse_output : bool, default=True
        Whether latents come as CSR or as a dense array.

    Attributes
    ----------
    weights_ : SAEWeights
        All arrays, in the precision in which they are stored.

    dictionary_ : ndarray of shape (N, d)
        Codewords of the output: rows of W_dec, divided by their norms where latents are multiplied
        by them. Read-only, at least float32.

    intercept_ : ndarray of shape (d,)
        b_dec.

    n_latents_ : int
        Number N of latents.

    n_features_in_ : int
        Number d_in of dimensions of the input.

    feature_names_in_ : ndarray of shape (d_in,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    SparseAutoencoder : Its output is its input.
    sksupercode.sae.compare_decoders : Compares it with decoders of its codewords.

    Notes
    -----
    A decoder that has a transcoder as ``dictionary`` decodes the output: it takes y, less ``x
    W_skip`` where there is a skip connection. Inputs are normalised as the weights have it; that is
    not undone on the output, which has a scale of its own.

    References
    ----------
    .. [1] J. Dunefsky, P. Chlenski, N. Nanda, "Transcoders find interpretable LLM feature
       circuits", NeurIPS 2024, arXiv:2406.11944.
    .. [2] G. Paulo, S. Shabalin, N. Belrose, "Transcoders beat sparse autoencoders for
       interpretability", 2025, arXiv:2501.18823.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode import Transcoder
    >>> from sksupercode.sae import SAEWeights
    >>> W_enc = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    >>> W_dec = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [5.0, 0.0, 0.0]])
    >>> weights = SAEWeights(
    ...     "relu", W_dec, np.zeros(3), W_enc, np.zeros(3), is_transcoder=True, applies_b_dec=False
    ... )
    >>> transcoder = Transcoder.from_weights(weights)
    >>> transcoder.transform([[2.0, 1.0]]).toarray()
    array([[2., 1., 0.]])
    >>> transcoder.reconstruct([[2.0, 1.0], [-1.0, 0.0]])
    array([[2., 4., 3.],
           [5., 0., 0.]])
    """

    def __init__(self, weights=None, *, sparse_output=True):
        self.weights = weights
        self.sparse_output = sparse_output

    @classmethod
    def from_weights(cls, weights, *, sparse_output=True):
        """Make a fitted transcoder of given weights.

        Parameters
        ----------
        weights : SAEWeights
            Of N latents, with ``is_transcoder=True``.

        sparse_output : bool, default=True
            Whether latents come as CSR or as a dense array.

        Returns
        -------
        transcoder : Transcoder
            Fitted. It shares its arrays with ``weights``.

        Raises
        ------
        ValueError
            If ``weights`` is no :class:`~sksupercode.sae.SAEWeights`, is of an autoencoder, or has
            options that its architecture does not define.
        """
        check_is_weights(weights, is_transcoder=True)
        transcoder = cls(weights, sparse_output=sparse_output)
        transcoder.n_features_in_ = weights.d_in
        return transcoder._set_weights(weights)

    def fit(self, X, y=None):
        """Check that X has the dimensions of the weights; nothing is trained.

        Parameters
        ----------
        X : array-like of shape (n_samples, d_in)
            Activations at the input.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transcoder.

        Raises
        ------
        ValueError
            If there are no weights, they are of an autoencoder, or X is not a matrix of finite
            numbers with d_in columns.
        """
        if self.weights is None:
            raise ValueError(
                "weights must be SAEWeights, got None: a Transcoder is not trained here. Train one "
                "in PyTorch, and pass its arrays to Transcoder.from_weights, or load files by "
                "load_sae."
            )
        check_is_weights(self.weights, is_transcoder=True)
        check_bool(self.sparse_output, "sparse_output")
        # What does not fit leaves a fitted transcoder as it is.
        checked = copy(self)
        X = checked._check_samples(X, reset=True)
        if X.shape[1] != self.weights.d_in:
            raise ValueError(
                f"X has {X.shape[1]} columns, but the transcoder takes {self.weights.d_in}."
            )
        vars(self).clear()
        vars(self).update(vars(checked))
        return self._set_weights(self.weights)

    def _output(self, Y_hat, X, scale, shift):
        return Y_hat + self.skip(X)

    def skip(self, X):
        """Return what the skip connection adds to the output: ``x W_skip``.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d_in)
            Activations at the input.

        Returns
        -------
        S : ndarray of shape (n_samples, d)
            Zeros where there is no skip connection.

        Raises
        ------
        ValueError
            If X is not a matrix with d_in columns.
        """
        check_is_fitted(self)
        X = np.asarray(as_array(X))
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have shape (n_samples, {self.n_features_in_}), got {X.shape}."
            )
        return self._forward.skip(X.astype(widened(X.dtype), copy=False))

    def score(self, X, y):
        r"""Return the explained variance of the true output, ``1 - FVU``.

        Parameters
        ----------
        X : array-like of shape (n_samples, d_in)
            Activations at the input.

        y : array-like of shape (n_samples, d)
            Activations at the output.

        Returns
        -------
        score : float
            One minus :func:`~sksupercode.metrics.fraction_of_variance_unexplained` of ``y`` by
            :meth:`reconstruct` of X; at most 1.

        Raises
        ------
        ValueError
            If X or y is not a matrix of finite numbers of as many samples, with d_in and d columns.

        Warns
        -----
        MassiveActivationsWarning
            If a few samples of y of very large norm have most of the variance.
        """
        X = self._check_samples(X)
        Y = check_targets(y, "y", len(X), self.weights_.shape[1])
        return explained_variance(Y, lambda rows: self._reconstruct(X[rows]))


def check_targets(Y, name, n_samples, d):
    """Return the true output of a transcoder as a matrix of finite numbers, or refuse it."""
    Y = check_matrix(Y, name, dtype=(np.float64, np.float32, np.float16))
    if Y.shape != (n_samples, d):
        raise ValueError(
            f"{name} must have shape ({n_samples}, {d}), that of the output, got {Y.shape}."
        )
    return Y
