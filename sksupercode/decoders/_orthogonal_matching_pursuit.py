"""Orthogonal matching pursuit: select, and fit all coefficients again."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_option
from sksupercode.decoders._largest_decrease import LargestDecrease
from sksupercode.decoders._nonnegative_fit import NonnegativeFit
from sksupercode.decoders._orthogonal_bases import OrthogonalBases
from sksupercode.decoders._pursuit import PursuitDecoder


class OrthogonalMatchingPursuitDecoder(PursuitDecoder):
    r"""Select codewords one at a time, and fit all coefficients again each time.

    From S = {} and r = x, each iteration does

    .. math::
        S \leftarrow S \cup \Big\{\arg\max_{i \notin S}
        \frac{|\langle f_i, r \rangle|}{\lVert f_i \rVert}\Big\}, \qquad
        y_S = \arg\min_y \lVert x - F_S^T y \rVert, \qquad r = x - F_S^T y_S .

    For nonnegative values the inner products are compared with their signs and the minimum is over
    :math:`y \ge 0`; a sample ends where no inner product is positive. For binary values inner
    products are compared with their signs, the coefficients are fitted as real ones, and those that
    are not 0 become 1 in the end.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of iterations, and so the largest number of nonzero coefficients. None learns it
        from y. With ``tol`` or ``noise_std`` it is only a cap, and None stands for the d of X.

    tol : float or None, default=None
        Stop a sample when the norm of its residual ||r|| is at most ``tol``, so that k need not be
        known. For binary values, too, r is the residual of least squares. A codeword of coefficient
        c is left out where ``tol ** 2`` exceeds the squared norm of the noise by more than
        ``c ** 2 * ||f|| ** 2``; smaller than that norm, ``tol`` fits noise. Unlike here, ``tol`` of
        scikit-learn's OMP is the squared norm, and overrides k.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate of X. It stands for
        ``tol = noise_std * sqrt(d)``; give one of the two. One value serves any d where the noise
        has a fixed variance. Where it is relative to the signal, its norm is fixed: use `tol`.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is binary for encoders, nonnegative for
        other estimators and real for arrays.

    selection : {"correlation", "decrease"}, default="correlation"
        Which codeword is selected. "decrease" takes the one that lowers ||r|| most once all
        coefficients are fitted again, instead of before that.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int or None
        The number k that was given or learned; None where the tolerance alone decides.

    tol_ : float or None
        The tolerance in use: ``tol``, or what ``noise_std`` stands for.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    MatchingPursuitDecoder : Leaves the coefficients as they were selected.
    SwapDecoder : Exchanges codewords of the support afterwards.
    GradientPursuitDecoder : Approaches the best coefficients with one gradient step each time.
    sklearn.linear_model.orthogonal_mp : The same for real values and codewords of unit norm.

    Notes
    -----
    The inner product divided by the norm says how much the best coefficient of that codeword alone
    would lower ||r||. Ties go to the lowest index, zero codewords are never selected, and no
    codeword is selected twice. A codeword whose coefficient becomes 0 up to rounding is left out of
    the code, and counts as one of the k all the same.

    With ``selection="decrease"`` inner products are divided by the distance of the codeword from
    the span of those selected, :math:`\lVert f_i - P f_i \rVert`, instead of its norm. The best of
    these quotients lowers ||r|| most where all coefficients are fitted again. This is known as
    orthogonal least squares [6]_, optimised orthogonal matching pursuit [7]_ or order-recursive
    matching pursuit. For nonnegative values the span is that of the codewords whose coefficients
    are positive, and the decrease is exact where these stay so. Codewords in the span are never
    selected. It takes one correlation more in each iteration, and rows of the Gram matrix are not
    used.

    On dictionaries of floats the cost is one correlation, one row of the Gram matrix for each
    codeword selected, k d operations in each iteration, and rows again when coefficients have
    changed by more than can be ignored, less than :math:`N k^2 / 2` operations in all. Rows are
    kept for later calls: see :ref:`gram-rows`. Coefficients come from Cholesky factors [3]_. Other
    dictionaries take k correlations, with all samples of a block at once; the bases of the supports
    then grow by the Gram-Schmidt process, as they do where codewords are nearly dependent. With
    nonnegative values active sets [5]_ start from the solution of the iteration before.

    Scores need not be precise. In float32, with numbers of the Gram matrix in 16 bits, or with a
    residual rounded to a few digits for dictionaries of signs, they leave a few candidates, and
    inner products in float64 select the same one as precise scores.

    A residual that is zero up to rounding ends a sample early. So does a best codeword that depends
    on those selected before it: then no codeword correlates with r. Samples whose codes leave more
    than the tolerance are reported by a :class:`~sklearn.exceptions.ConvergenceWarning`; those of
    binary codes with 1 for each coefficient.

    References
    ----------
    .. [1] Y. C. Pati, R. Rezaiifar and P. S. Krishnaprasad, "Orthogonal matching pursuit: recursive
       function approximation with applications to wavelet decomposition", Asilomar Conference on
       Signals, Systems and Computers, 1993.
    .. [2] J. A. Tropp and A. C. Gilbert, "Signal recovery from random measurements via orthogonal
       matching pursuit", IEEE Transactions on Information Theory 53(12), 2007.
    .. [3] R. Rubinstein, M. Zibulevsky and M. Elad, "Efficient implementation of the K-SVD
       algorithm using batch orthogonal matching pursuit", Technion technical report CS-2008-08,
       2008.
    .. [4] A. M. Bruckstein, M. Elad and M. Zibulevsky, "On the uniqueness of nonnegative sparse
       solutions to underdetermined systems of equations", IEEE Transactions on Information Theory
       54(11), 2008.
    .. [5] C. L. Lawson and R. J. Hanson, "Solving Least Squares Problems", Prentice-Hall, 1974.
    .. [6] S. Chen, S. A. Billings and W. Luo, "Orthogonal least squares methods and their
       application to non-linear system identification", International Journal of Control 50(5),
       1989.
    .. [7] L. Rebollo-Neira and D. Lowe, "Optimized orthogonal matching pursuit approach", IEEE
       Signal Processing Letters 9(4), 2002.

    Examples
    --------
    >>> from sksupercode import OrthogonalMatchingPursuitDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=50, n_features=1024, n_nonzero_coefs=8, random_state=0)
    >>> encoder = RademacherEncoder(n_components=120, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> OrthogonalMatchingPursuitDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        tol=None,
        noise_std=None,
        values="auto",
        selection="correlation",
        sparse_output=True,
    ):
        super().__init__(
            dictionary,
            n_nonzero_coefs,
            tol=tol,
            noise_std=noise_std,
            values=values,
            sparse_output=sparse_output,
        )
        self.selection = selection

    @property
    def _algorithm(self):
        return "orthogonal" if self.selection == "correlation" else None

    def _fit_decoder(self, X):
        check_option(self.selection, "selection", ("correlation", "decrease"))
        super()._fit_decoder(X)

    def _new_search(self, fit):
        return fit if self.selection == "decrease" else super()._new_search(fit)

    def _new_fit(self, V):
        if self.selection == "decrease":
            return LargestDecrease(self._codewords, V, self._n_iter(), self.values_)
        fit = NonnegativeFit if self.values_ == "nonnegative" else OrthogonalBases
        return fit(V, self._n_iter())

    def _pursue(self, V, norms, enough):
        indices, values = super()._pursue(V, norms, enough)
        # What was selected in error, and made superfluous by those after it, has kept rounding.
        lengths = np.abs(values) * np.sqrt(self._codewords.squared_norms[indices])
        values[lengths <= self._rounding * norms[:, np.newaxis]] = 0
        return indices, values
