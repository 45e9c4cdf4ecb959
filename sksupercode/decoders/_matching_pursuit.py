"""Matching pursuit: take away the codeword that fits best, and look again."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sksupercode._validation import check_real
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._selection import score_gains


class MatchingPursuitDecoder(BaseDecoder):
    r"""Select codewords one at a time, each the best match to what is left of x.

    From y = 0 and r = x, each iteration does

    .. math::
        j = \arg\max_i \langle f_i, r \rangle, \qquad y_j \leftarrow y_j + c, \qquad
        r \leftarrow r - c f_j

    with c = 1 for binary values, the matching pursuit of superposition codes;
    ``c = <f_j, r> / ||f_j||^2`` for nonnegative values, and for real ones, where j maximises
    ``|<f_i, r>| / ||f_i||``, the classic algorithm. A codeword may be selected again.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y.

    n_nonzero_coefs : int or None, default=None
        Number k of iterations. None learns it from y. With ``tol`` it is only a cap, and None
        stands for the d of X.

    tol : float or None, default=None
        Stop a sample when the norm of its residual ||r|| is at most ``tol``, so that k need not be
        known.

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
        The sparsity k that was given or learned; None where ``tol`` alone decides.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    n_features_in_ : int
        Number d of columns of X.

    See Also
    --------
    TopKDecoder : The first step alone.
    BasisPursuitDecoder : Fewer dimensions at a higher cost.

    Notes
    -----
    For N above 2^16 about 1.3 k log2(eN/k) dimensions suffice, 3/4 bit per dimension. The cost is k
    correlations, 2 k N d operations a sample.

    A residual of exactly zero ends a sample early. With ``tol``, so does a binary sample whose
    residual no further codeword would shorten; samples that end above ``tol`` are reported by a
    :class:`~sklearn.exceptions.ConvergenceWarning`.

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

    def __init__(
        self, dictionary, n_nonzero_coefs=None, *, tol=None, values="auto", sparse_output=True
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.tol = tol

    def _needs_fixed_k(self):
        return self.tol is None

    def _learn_sparsity(self, Y):
        return super()._learn_sparsity(Y) if self.tol is None else None

    def _fit_decoder(self, X):
        check_real(self.tol, "tol", minimum=0, maximum=np.inf, max_inclusive=False, allow_none=True)

    def _decode(self, V):
        codewords = self._codewords
        energies = codewords.squared_norms
        n_iter = self._n_iter()
        tol = (self.tol or 0.0) / self.dictionary_.scale
        # The paper's decoder takes k codewords, whether or not they shorten the residual.
        least_gain = -np.inf if self.values_ == "binary" and self.tol is None else 0.0
        indices = np.zeros((len(V), n_iter), dtype=np.intp)
        coefs = np.zeros((len(V), n_iter))
        residuals = V.copy()
        rows = np.arange(len(V))
        for step in range(n_iter):
            rows = rows[np.linalg.norm(residuals[rows], axis=1) > tol]
            if not len(rows):
                break
            gains = score_gains(codewords.correlate(residuals[rows]), energies, self.values_)
            best = gains.argmax(axis=1)
            improved = gains[np.arange(len(rows)), best] > least_gain
            rows, best = rows[improved], best[improved]
            selected = codewords.codewords(best)
            if self.values_ == "binary":
                coef = np.ones(len(rows))
            else:
                coef = np.einsum("ij,ij->i", residuals[rows], selected) / energies[best]
            residuals[rows] -= coef[:, np.newaxis] * selected
            indices[rows, step] = best
            coefs[rows, step] = coef
        if self.tol is not None:
            self._warn_above_tol(np.linalg.norm(residuals, axis=1) > tol)
        return indices, coefs

    def _n_iter(self):
        n_features, n_components = self.dictionary_.shape
        if self.n_nonzero_coefs_ is None:
            return n_components
        return (
            self.n_nonzero_coefs_
            if self.tol is not None
            else min(self.n_nonzero_coefs_, n_features)
        )

    def _warn_above_tol(self, above):
        if above.any():
            warnings.warn(
                f"{above.sum()} of {len(above)} samples did not reach tol={self.tol} within "
                f"{self._n_iter()} iterations.",
                ConvergenceWarning,
                stacklevel=5,
            )
