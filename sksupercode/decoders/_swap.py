"""Exchange codewords of the support that another estimator has selected for better ones."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy

import numpy as np

from sksupercode._utils._validation import check_integer
from sksupercode.decoders._exchanges import exchange_codewords
from sksupercode.decoders._support_decoder import SupportDecoder

# Exchanges of a sample for each codeword of its support, unless the user says otherwise.
_MOST_PER_CODEWORD = 10


class SwapDecoder(SupportDecoder):
    r"""Keep exchanging one codeword of the support for another while that lowers the error.

    From the support S that an estimator selects, and the best coefficients on it, each step does

    .. math::
        (a, i) = \arg\min_{a \in S, i \notin S} \; \min_y
        \lVert x - F_{S'}^T y \rVert , \qquad S' = S \setminus \{a\} \cup \{i\} ,

    over :math:`y \ge 0` for nonnegative values, and takes S' for S. It ends where no exchange
    lowers the error.

    Parameters
    ----------
    estimator : decoder or fitted sparse autoencoder
        The estimator that selects the support to begin with. Of a decoder, ``fit`` fits a copy. A
        sparse autoencoder, or any estimator inside :class:`~sklearn.frozen.FrozenEstimator`, is
        used as it is; only the latter survives :func:`~sklearn.base.clone`, as in a grid search.

    max_swaps : int or None, default=None
        Largest number of exchanges of a sample; 0 is :class:`RefitDecoder`. None allows ten for
        each codeword of the support, and warns of samples for which these were too few.

    prune : int, float or None, default=None
        Which latents leave the support, after the exchanges. An integer is how many a sample keeps
        at most. A float, from 0 up to, but without, 1, is the fraction of its squared norm that
        each latent has to explain alone: one leaves where the squared error grows by no more. None
        keeps all.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate of X. Latents leave whose coefficients
        are at most ``sqrt(2 log N)`` standard errors. May be given beside `prune`. It judges
        coefficients, and stands for no ``tol`` of residuals as in pursuits: a pursuit that is the
        estimator takes that itself.

    values : {"auto", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is real if those of the estimator are,
        and nonnegative otherwise.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator that selects the support to begin with.

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
    RefitDecoder : Keeps the support as it is, or prunes it, as its notes describe.
    OrthogonalMatchingPursuitDecoder : Selects one codeword after the other, and keeps them all.

    Notes
    -----
    The error is never larger than that of :class:`RefitDecoder`, up to rounding, if neither prunes.
    The support has at most as many codewords as that of the estimator. Where the coefficient of one
    is 0, as of nonnegative least squares, or where one depends on the others, its place is free,
    and any codeword may take it.

    Codeword a leaves a loss of :math:`z_a^2 / (G_{SS}^{-1})_{aa}` for coefficients z and inner
    products G of codewords of norm 1, and with :math:`h = G_{SS}^{-1} G_{Si}` codeword i then gains

    .. math::
        \frac{\left(s_i + z_a h_a / (G_{SS}^{-1})_{aa}\right)^2}
        {1 - G_{Si}^T h + h_a^2 / (G_{SS}^{-1})_{aa}} , \qquad s_i = \langle f_i, r \rangle ,

    the exact decrease of the squared error, for which no problem has to be solved [1]_, [2]_. With
    nonnegative values it is so where all coefficients stay positive, and a bound otherwise;
    candidates then are codewords whose inner product with the residual that a leaves is positive,
    since no other can lower the error. Equal gains go to the lowest index, and gains that are
    rounding count as none.

    Dictionaries that are arrays keep rows of G, within ``gram_memory`` of
    :func:`sksupercode.set_config`. Bounds in float32 leave a few codewords, whose gains are
    computed in float64. A sample takes :math:`k^2 N` operations, and 6 k N more in each step.
    Other dictionaries, and supports whose codewords nearly depend on each other, take a QR
    decomposition and all codewords in each step, which is much slower.

    References
    ----------
    .. [1] A. J. Miller, "Subset Selection in Regression", 2nd edition, Chapman and Hall/CRC, 2002.
    .. [2] L. Rebollo-Neira and D. Lowe, "Optimized orthogonal matching pursuit approach", IEEE
       Signal Processing Letters 9(4), 2002.

    Examples
    --------
    Orthogonal matching pursuit selects the sum of two codewords first, and cannot take it back:

    >>> import numpy as np
    >>> from sksupercode import OrthogonalMatchingPursuitDecoder, SwapDecoder
    >>> F = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.7, 0.7, 0.1]])
    >>> decoder = OrthogonalMatchingPursuitDecoder(F, n_nonzero_coefs=2)
    >>> X = np.array([[2.0, 1.0, 0.0]])
    >>> decoder.fit(X).transform(X).toarray().round(2)
    array([[1.02, 0.  , 1.4 ]])
    >>> Z, n_swaps = SwapDecoder(decoder).fit(X).swap(X)
    >>> Z.toarray().round(2)
    array([[2., 1., 0.]])
    >>> n_swaps
    array([1])
    """

    # Of a copy that counts: a list of the numbers of exchanges, block by block.
    _counts = None

    def __init__(
        self,
        estimator,
        *,
        max_swaps=None,
        prune=None,
        noise_std=None,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(
            estimator, prune=prune, noise_std=noise_std, values=values, sparse_output=sparse_output
        )
        self.max_swaps = max_swaps

    def _fit_decoder(self, X):
        check_integer(self.max_swaps, "max_swaps", minimum=0, allow_none=True)

    def _failure(self):
        return (
            f"have exchanges left that lower the error, after {_MOST_PER_CODEWORD} for each "
            "codeword of the support: set max_swaps to allow more, or to be content with so many"
        )

    def _fit_supports(self, Z, V):
        most = np.full(len(V), self.max_swaps, dtype=float)
        most = np.where(np.isnan(most), _MOST_PER_CODEWORD * np.diff(Z.indptr), most)
        indices, values, n_swaps, is_capped = exchange_codewords(
            self._codewords, Z, V, most, is_signed=self.values_ == "nonnegative"
        )
        if self._counts is not None:
            self._counts.append(n_swaps)
        return indices, values, is_capped & (self.max_swaps is None)

    def swap(self, X):
        """Decode each sample, and count its exchanges.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        Z : CSR matrix or ndarray of shape (n_samples, N)
            Sparse codes, as of :meth:`transform`.

        n_swaps : int64 ndarray of shape (n_samples,)
            How many exchanges each sample has had.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns, or if pandas or polars output is
            asked for without ``sparse_output=False``.
        """
        counting = copy(self)
        counting._counts = []
        return counting.transform(X), np.concatenate(counting._counts)
