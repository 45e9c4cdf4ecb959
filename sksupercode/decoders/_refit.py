"""Least squares on the support that another estimator has selected."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.decoders._support_decoder import SupportDecoder
from sksupercode.decoders._support_fit import fit_supports


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

    prune : int, float or None, default=None
        Which latents leave the support. An integer is how many a sample keeps at
        most. A float, from 0 up to, but without, 1, is the fraction of its squared norm that each
        latent has to explain alone: one leaves where the squared error grows by no more. None keeps
        all.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate of X. Latents leave whose coefficients
        are at most ``sqrt(2 log N)`` standard errors. May be given beside `prune`. One value serves
        any d where the noise has a fixed variance. Where it is relative to the signal, it falls as
        ``1 / sqrt(d)``, and a search needs a grid for each d. It judges coefficients, and stands
        for no ``tol`` of residuals as in pursuits: a pursuit that is the estimator takes that
        itself.

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
        The number k of the estimator, or an integer `prune` where that is less. None where there is
        neither.

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

    **Pruning** is backward elimination [6]_. The latent leaves whose removal raises the squared
    error least, the others are fitted again, and so on. With inner products G of codewords of norm
    1 and coefficients z, that of codeword a raises it by :math:`z_a^2 / (G_{SS}^{-1})_{aa}`, and by
    more where nonnegative values of others become 0; these leave as well. In noise of standard
    deviation :math:`\sigma` this is :math:`\sigma^2` times the square of the coefficient in
    standard errors, and N coefficients of pure noise hardly exceed :math:`2 \sigma^2 \log N`, which
    is the risk inflation criterion [7]_ and, for orthogonal codewords, the universal threshold
    [8]_. Let the estimator select too many latents, such as half as many again as are wanted: those
    that were selected in error, before the right ones were, are then the first to leave. It takes a
    small part of the time of a pursuit. A float `prune` and `noise_std` let the number of latents
    differ between samples.

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
    .. [6] A. J. Miller, "Subset Selection in Regression", 2nd edition, Chapman and Hall/CRC, 2002.
    .. [7] D. P. Foster and E. I. George, "The risk inflation criterion for multiple regression",
       Annals of Statistics 22(4), 1994.
    .. [8] D. L. Donoho and I. M. Johnstone, "Ideal spatial adaptation by wavelet shrinkage",
       Biometrika 81(3), 1994.

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

    Orthogonal matching pursuit selects the sum of two codewords before these two, which make it
    superfluous:

    >>> from sksupercode import OrthogonalMatchingPursuitDecoder
    >>> F = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.7, 0.7, 0.1]])
    >>> decoder = OrthogonalMatchingPursuitDecoder(F, n_nonzero_coefs=3)
    >>> X = np.array([[2.0, 1.0, 0.02]])
    >>> decoder.fit(X).transform(X).toarray().round(2)
    array([[1.86, 0.86, 0.2 ]])
    >>> RefitDecoder(decoder, prune=0.01).fit(X).transform(X).toarray().round(2)
    array([[2., 1., 0.]])
    """

    def _fit_supports(self, Z, V):
        return fit_supports(self._codewords, Z, V, self.values_)
