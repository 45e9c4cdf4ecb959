"""Least squares on the support that another estimator has selected."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._blocks import block_length
from sksupercode.decoders._nonnegative_fit import nonnegative_least_squares
from sksupercode.decoders._orthogonal_bases import DEPENDENT
from sksupercode.decoders._support_decoder import SupportDecoder


class RefitDecoder(SupportDecoder):
    r"""Keep the support that another decoder selects, and fit its coefficients again.

    .. math::
        y_S = \arg\min_y \lVert x - F_S^T y \rVert, \qquad S = \{i : \hat y_i \ne 0\}

    over :math:`y \ge 0` for nonnegative values. The support of the one-step encoder of a sparse
    autoencoder, for example, is kept, and its values are replaced by the best ones.

    Parameters
    ----------
    estimator : decoder or fitted sparse autoencoder
        The estimator that selects the support. Of a decoder, ``fit`` fits a copy. A sparse
        autoencoder, or any estimator inside :class:`~sklearn.frozen.FrozenEstimator`, is used as it
        is; only the latter survives :func:`~sklearn.base.clone`, as in a grid search.

    values : {"auto", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is real if those of the estimator are,
        and nonnegative otherwise.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator that selects the support.

    dictionary_ : Dictionary of shape (N, d)
        The codewords, those of the estimator.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before the fit, as by the estimator.

    n_nonzero_coefs_ : int or None
        The number k of the estimator, None where it has none.

    values_ : {"nonnegative", "real"}
        The values in use.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    OrthogonalMatchingPursuitDecoder : Fits again after each selection, and so selects better.
    SwapDecoder : Exchanges codewords of the support for better ones.
    SparseAutoencoder : Its latents have a support and values at once.

    Notes
    -----
    This is known as debiasing of estimates that shrink, such as the LASSO [1]_, [2]_, and, for
    sparse autoencoders, as inference-time optimisation with a fixed support [3]_, of which gated
    autoencoders [4]_ close part of the gap.

    A QR decomposition reduces each sample to a triangular system, without the squared condition
    number of normal equations. Where codewords of the support depend on each other, real values are
    those of least norm for codewords of norm 1, as of :func:`numpy.linalg.lstsq`; nonnegative ones
    are found by active sets [5]_, which use no set of dependent codewords. Coefficients that become
    0 leave the support.

    X is the input of the estimator. An autoencoder that normalises every sample by itself, such as
    one with "layer_norm", does so before it selects. The normalised samples are then fitted, so
    that codes are in the units of the autoencoder's own latents, and ``reconstruct`` undoes the
    normalisation. Decoders on such a dictionary take normalised samples, and so do their refits.

    References
    ----------
    .. [1] M. A. T. Figueiredo, R. D. Nowak and S. J. Wright, "Gradient projection for sparse
       reconstruction", IEEE Journal of Selected Topics in Signal Processing 1(4), 2007.
    .. [2] A. Belloni and V. Chernozhukov, "Least squares after model selection in high-dimensional
       sparse models", Bernoulli 19(2), 2013.
    .. [3] L. Smith, "Replacing SAE encoders with inference-time optimisation", Google DeepMind
       mechanistic interpretability team progress update, AI Alignment Forum, 2024.
    .. [4] S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders",
       NeurIPS, 2024.
    .. [5] C. L. Lawson and R. J. Hanson, "Solving Least Squares Problems", Prentice-Hall, 1974.

    Examples
    --------
    The matched filter of a top-k decoder counts overlapping codewords twice:

    >>> import numpy as np
    >>> from sksupercode import RefitDecoder, TopKDecoder
    >>> F = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0]])
    >>> decoder = TopKDecoder(F, n_nonzero_coefs=2)
    >>> X = np.array([[2.2, 1.6]])
    >>> decoder.fit(X).transform(X).toarray()
    array([[2.2, 2.6, 0. ]])
    >>> RefitDecoder(decoder).fit(X).transform(X).toarray().round(6)
    array([[1., 2., 0.]])
    """

    def _fit_supports(self, Z, V):
        return fit_supports(self._codewords, Z, V, self.values_)


def fit_supports(dictionary, Z, V, values):
    """Return the codes of least squares on the support of Z, nonnegative or real.

    As ``(indices, values)``, in which the entries of a sample come first, in the order of Z.
    """
    counts = np.diff(Z.indptr)
    indices = np.zeros((len(V), counts.max(initial=0)), dtype=np.intp)
    coefs = np.zeros(indices.shape)
    # The arithmetic on a sample must not depend on how many codewords others have.
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        supports = Z.indices[Z.indptr[rows, np.newaxis] + np.arange(count)]
        length = block_length(32 * V.shape[1] * count, share=0.25)
        for start in range(0, len(rows), length):
            some, support = rows[start : start + length], supports[start : start + length]
            codewords = dictionary.codewords(support.ravel()).astype(np.float64)
            indices[some, :count] = support
            coefs[some, :count] = least_squares(
                codewords.reshape(*support.shape, -1), V[some], values
            )
    return indices, coefs


def least_squares(codewords, V, values):
    """Return the coefficients of codewords of shape (n_samples, k, d), nonnegative or real."""
    fit = _nonnegative_coefs if values == "nonnegative" else _real_coefs
    return fit(*_triangular_systems(codewords, V))


def _triangular_systems(codewords, V):
    """Reduce least-squares problems to as many dimensions as there are codewords.

    From supports of shape (n_samples, k, d) and samples to R of the decomposition Q R of codewords
    of norm 1, as columns, ``Q^T x``, and what codewords were divided by, infinite where they are 0.
    """
    norms = np.linalg.norm(codewords, axis=2)
    norms[norms == 0] = np.inf
    columns = np.concatenate([codewords / norms[..., np.newaxis], V[:, np.newaxis]], axis=1)
    R = np.linalg.qr(columns.transpose(0, 2, 1), mode="r")
    k = norms.shape[1]
    return R[:, :k, :k], R[:, :k, k], norms


def _real_coefs(triangles, targets, norms):
    coefs, is_dependent = _solve(triangles, targets)
    for row in np.flatnonzero(is_dependent):
        coefs[row] = np.linalg.lstsq(triangles[row], targets[row], rcond=DEPENDENT)[0]
    return coefs / norms


def _nonnegative_coefs(triangles, targets, norms):
    coefs, is_dependent = _solve(triangles, targets)
    # Where no coefficient is negative the constraint does not matter.
    for row in np.flatnonzero(is_dependent | (coefs < 0).any(axis=1)):
        start = np.maximum(coefs[row], 0)
        coefs[row] = nonnegative_least_squares(triangles[row], targets[row], start)
    return coefs / norms


def _solve(triangles, targets):
    """Return the coefficients, 0 where codewords are dependent, and where that is."""
    n_samples, n_components, k = triangles.shape
    diagonals = np.abs(np.einsum("nii->ni", triangles[:, :, :n_components]))
    is_dependent = (diagonals <= DEPENDENT).any(axis=1) | (n_components < k)
    coefs, rows = np.zeros((n_samples, k)), np.flatnonzero(~is_dependent)
    if len(rows):
        coefs[rows] = np.linalg.solve(triangles[rows], targets[rows, :, np.newaxis])[..., 0]
    return coefs, is_dependent
