"""Matching pursuit: subtract the codeword that fits best, and repeat."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._sparse import pad_rows
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._lazy_pursuit import can_be_lazy, exact_samples, lazy_pursuit
from sksupercode.decoders._pursuit import PursuitDecoder
from sksupercode.decoders._selection import score_gains


class MatchingPursuitDecoder(PursuitDecoder):
    r"""Select codewords one at a time, each the best match to the residual.

    From y = 0 and r = x, each iteration does

    .. math::
        j = \arg\min_i \min_c \lVert r - c f_i \rVert, \qquad y_j \leftarrow y_j + c, \qquad
        r \leftarrow r - c f_j

    with c = 1 for binary values: among codewords of equal norm j is the index of the largest
    ``<f_i, r>``, and this is the matching pursuit of superposition codes. For nonnegative values
    ``c = max(<f_i, r>, 0) / ||f_i||^2`` and j maximises ``<f_i, r> / ||f_i||``; for real ones
    ``c = <f_i, r> / ||f_i||^2`` and j maximises the magnitude, the classic algorithm. A codeword
    may be selected again.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of iterations. None learns it from y. With ``tol`` or ``noise_std`` it is
        only a cap, and None stands for the d of X.

    tol : float or None, default=None
        Stop a sample when the norm of its residual ||r|| is at most ``tol``, so that k need not be
        known. With binary values ``tol=0`` needs neither k nor the noise: a sample ends by itself
        where no codeword shortens its residual, and a warning counts those that leave any, which in
        noise are all. A codeword of coefficient c is left out where
        ``tol ** 2`` exceeds the squared norm of the noise by more than ``c ** 2 * ||f|| ** 2``.
        Unlike here, ``tol`` of scikit-learn's OMP is the squared norm, and overrides k.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate of X. It stands for
        ``tol = noise_std * sqrt(d)``; give one of the two. One value serves any d where the noise
        has a fixed variance. Where it is relative to the signal, its norm is fixed: use `tol`.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is binary for encoders, nonnegative for
        other estimators and real for arrays.

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
    TopKDecoder : The first step alone.
    BasisPursuitDecoder : Fewer dimensions at a higher cost.

    Notes
    -----
    For N above 2^16 about 1.3 k log2(eN/k) dimensions suffice, 3/4 bit per dimension. The cost is k
    correlations, 2 k N d operations a sample. On dictionaries of floats, and with values that are
    not binary, it is one correlation and one row of the Gram matrix for each codeword selected, ``2
    N d + 2 k N`` operations; rows are kept for later calls, see :ref:`gram-rows`, and codewords
    whose scores are too close to call are compared in float64. With binary values and packed random
    signs, a few correlations with all codewords select the same codewords in the same order, except
    with a probability below 1e-9 for each sample whose code is independent of the codebook. Between
    these correlations only the best candidates are compared, for as long as no other can be better
    by Hoeffding's inequality.

    A residual that is zero up to rounding, 1e-12 ||x|| or 1e-6 ||x|| for binary values, ends a
    sample early. With a tolerance, so does a binary sample whose residual no further codeword would
    shorten. Samples whose codes leave more than the tolerance are reported by a
    :class:`~sklearn.exceptions.ConvergenceWarning`. Nonnegative coefficients never become smaller:
    an error that made one too large stays.

    Selecting a codeword c times in a binary code counts as selecting it: coefficients are 0 or 1.

    References
    ----------
    .. [1] S. Mallat and Z. Zhang, "Matching pursuits with time-frequency dictionaries", IEEE
       Transactions on Signal Processing 41(12), 1993.

    Examples
    --------
    >>> from sksupercode import MatchingPursuitDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=50, n_features=1024, n_nonzero_coefs=8, random_state=0)
    >>> encoder = RademacherEncoder(n_components=120, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> MatchingPursuitDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    _recovery_law = "matching_pursuit"

    _selects_again = _counts_again = True

    @property
    def _algorithm(self):
        # Binary scores are of codewords as they are, and not of their directions.
        return None if self.values_ == "binary" else "matching"

    def _bytes_per_sample(self):
        if self._has_gram:
            return super()._bytes_per_sample()
        return BaseDecoder._bytes_per_sample(self)

    def _n_iter(self):
        k = self.n_nonzero_coefs_
        return super()._n_iter() if self.tol_ is None or k is None else k

    def _least_gains(self, norms):
        if self.values_ != "binary":
            return super()._least_gains(norms)
        # By definition it takes k codewords, whether or not they shorten the residual.
        return -np.inf if self.tol_ is None else 0.0

    def _new_search(self, fit):
        return _PreciseScores(self._codewords, self.values_)

    def _new_fit(self, V):
        return _MatchingFit(V, self.values_)

    def _pursue(self, V, norms, enough):
        if self.values_ != "binary" or not self._codewords.has_signs:
            return super()._pursue(V, norms, enough)
        # With a tolerance a residual only becomes shorter, else each step adds at most d.
        steps = float(self._n_iter()) * V.shape[1]
        V, is_exact = exact_samples(V, steps if self.tol_ is None else np.sqrt(V.shape[1]) * norms)
        if not (is_exact.all() and can_be_lazy(self._codewords)):
            return super()._pursue(V, norms, enough)
        least_gain = self._least_gains(norms)
        found, _ = lazy_pursuit(self._codewords, V, self._n_iter(), enough, least_gain)
        return pad_rows([(selected, 1.0) for selected in found])


class _PreciseScores:
    """Selects, for each of some residuals, the codeword whose best coefficient lowers it most."""

    def __init__(self, codewords, values):
        self._codewords, self._values = codewords, values

    def select(self, residuals, taken):
        """Return the best codewords, what they gain, and the codewords themselves."""
        scores = self._codewords.correlate(residuals)
        gains = score_gains(scores, self._codewords.squared_norms, self._values)
        best = gains.argmax(axis=1)
        codewords = self._codewords.codewords(best).astype(np.float64)
        return best, gains[np.arange(len(best)), best], codewords


class _MatchingFit:
    """Coefficients of what several samples have selected, each the best one at that time."""

    def __init__(self, V, values):
        self.residuals, self._values = V, values
        self._coefs = np.empty((len(V), 0))

    def keep(self, kept):
        """Forget all samples but some, given as a mask."""
        self.residuals, self._coefs = self.residuals[kept], self._coefs[kept]

    def coefs(self, rows):
        """Return the coefficients of some samples, in the order of selection."""
        return self._coefs[rows]

    def add(self, codewords):
        """Select one more codeword for each sample; return where there was none to select."""
        squares = np.einsum("ij,ij->i", codewords, codewords)
        is_over = squares == 0
        coefs = (~is_over).astype(np.float64)
        if self._values != "binary":
            squares[is_over] = 1.0
            coefs = np.einsum("ij,ij->i", self.residuals, codewords) / squares
        if self._values == "nonnegative":
            np.maximum(coefs, 0, out=coefs)
        self.residuals = self.residuals - coefs[:, np.newaxis] * codewords
        self._coefs = np.column_stack([self._coefs, coefs])
        return is_over
