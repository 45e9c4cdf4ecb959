"""Gradient pursuit: select, and take one step down the gradient on the support."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.decoders._pursuit import PursuitDecoder

# A step of this part of the norm of the residual is rounding.
_NO_STEP = 1e-14


class GradientPursuitDecoder(PursuitDecoder):
    r"""Select codewords as orthogonal matching pursuit does, and take one step towards its values.

    From y = 0, S = {} and r = x, for codewords of unit norm, each iteration does

    .. math::
        S &\leftarrow S \cup \{\arg\max_i |\langle f_i, r \rangle|\} \\
        p &= F_S r, \qquad c = F_S^T p, \qquad a = \langle r, c \rangle / \lVert c \rVert^2 \\
        y_S &\leftarrow y_S + a p \\
        r &\leftarrow x - F_S^T y_S

    where a is the length of step that shortens r most [1]_. For nonnegative values the inner
    products are compared with their signs, and negative coefficients are set to 0 after each step;
    this is the inference-time optimisation of sparse autoencoders [2]_ [3]_. A selected codeword
    stays in S, also with a coefficient of 0. If it is the best again, S does not grow.

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
        known. A codeword of coefficient c is left out where ``tol ** 2`` exceeds the squared norm
        of the noise by more than ``c ** 2 * ||f|| ** 2``; smaller than that norm, ``tol`` fits
        noise. Unlike here, ``tol`` of scikit-learn's OMP is the squared norm, and overrides k.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate of X. It stands for
        ``tol = noise_std * sqrt(d)``; give one of the two. One value serves any d where the noise
        has a fixed variance. Where it is relative to the signal, its norm is fixed: use `tol`.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is binary for encoders, nonnegative for
        other estimators and real for arrays. Binary codes are nonnegative ones in
        which every coefficient that is not 0 becomes 1.

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
    OrthogonalMatchingPursuitDecoder : Takes the best values on the support.
    MatchingPursuitDecoder : Changes one coefficient in each iteration.

    Notes
    -----
    Codewords of other norms are normalised, and their coefficients scaled by the norm. Ties go to
    the lowest index.

    The cost is k correlations, most of them at low precision, and 4 k d operations in each
    iteration for the step: without the triangular systems of orthogonal matching pursuit. On
    dictionaries of floats it is one correlation and rows of the Gram matrix, as for orthogonal
    matching pursuit.

    A residual that is zero up to rounding ends a sample early, and so does a step of length zero.
    Samples whose codes leave more than the tolerance are reported by a
    :class:`~sklearn.exceptions.ConvergenceWarning`.

    References
    ----------
    .. [1] T. Blumensath and M. E. Davies, "Gradient pursuits", IEEE Transactions on Signal
       Processing 56(6), 2008.
    .. [2] L. Smith, "Replacing SAE encoders with inference-time optimisation", Google DeepMind
       mechanistic interpretability team progress update, AI Alignment Forum, 2024.
    .. [3] S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders",
       NeurIPS, 2024.

    Examples
    --------
    >>> from sksupercode import GradientPursuitDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=50, n_features=1024, n_nonzero_coefs=8, random_state=0)
    >>> encoder = RademacherEncoder(n_components=120, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> GradientPursuitDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    _algorithm = "gradient"
    _selects_again = True

    def _new_fit(self, V):
        return _GradientFit(V, is_clipped=self.values_ != "real")


class _GradientFit:
    """Coefficients of what several samples have selected, by one gradient step a selection.

    Negative coefficients are set to 0 if ``is_clipped``.
    """

    def __init__(self, V, *, is_clipped):
        self._samples = self.residuals = V
        self._is_clipped = is_clipped
        self._size = 0
        self._directions = np.empty((len(V), 0, V.shape[1]))
        self._norms = np.empty((len(V), 0))
        self._coefs = np.empty((len(V), 0))

    def keep(self, kept):
        """Forget all samples but some, given as a mask."""
        self._samples, self.residuals = self._samples[kept], self.residuals[kept]
        self._directions = self._directions[kept]
        self._norms, self._coefs = self._norms[kept], self._coefs[kept]

    def coefs(self, rows):
        """Return the coefficients of some samples, in the order of selection."""
        return self._coefs[rows] / self._norms[rows]

    def add(self, codewords):
        """Select one more codeword for each sample; return where no step leads anywhere."""
        norms = np.linalg.norm(codewords, axis=1)
        norms[norms == 0] = 1.0
        if self._size == self._directions.shape[1]:
            more = max(16, self._size)
            self._directions = np.pad(self._directions, ((0, 0), (0, more), (0, 0)))
        self._size += 1
        directions = self._directions[:, : self._size]
        directions[:, -1] = codewords / norms[:, np.newaxis]
        self._norms = np.column_stack([self._norms, norms])
        coefs = np.column_stack([self._coefs, np.zeros(len(norms))])
        lengths = np.linalg.norm(self.residuals, axis=1)
        rest = self.residuals / lengths[:, np.newaxis]
        gradient = np.matmul(directions, rest[..., np.newaxis])[..., 0]
        change = np.matmul(gradient[:, np.newaxis], directions)[:, 0]
        square = (change**2).sum(axis=1)
        is_over = square <= _NO_STEP**2
        square[is_over] = np.inf
        step = lengths * (rest * change).sum(axis=1) / square
        coefs += step[:, np.newaxis] * gradient
        if self._is_clipped:
            np.maximum(coefs, 0, out=coefs)
        self._coefs = coefs
        self.residuals = self._samples - np.matmul(coefs[:, np.newaxis], directions)[:, 0]
        return is_over
