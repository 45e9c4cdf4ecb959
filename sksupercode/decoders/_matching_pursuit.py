"""Matching pursuit: take away the codeword that fits best, and look again."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._lazy_pursuit import can_be_lazy, exact_samples, lazy_pursuit
from sksupercode.decoders._selection import score_gains
from sksupercode.decoders._tolerance import ToleranceMixin
from sksupercode.dictionaries import SignDictionary


class MatchingPursuitDecoder(ToleranceMixin, BaseDecoder):
    r"""Select codewords one at a time, each the best match to what is left of x.

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
        decoder takes the same codebook for the d of X and the N of y. Other estimators are lent as
        they are; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of iterations. None learns it from y. With ``tol`` or ``noise_std`` it is
        only a cap, and None stands for the d of X.

    tol : float or None, default=None
        Stop a sample when the norm of its residual ||r|| is at most ``tol``, so that k need not be
        known. Unlike here, ``tol`` of scikit-learn's OMP is the squared norm, and overrides k.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate of X. It stands for
        ``tol = noise_std * sqrt(d)``, so that one value serves any d; give one of the two.

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
        The sparsity k that was given or learned; None where the tolerance alone decides.

    tol_ : float or None
        The tolerance in use: ``tol``, or what ``noise_std`` stands for.

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
    correlations, 2 k N d operations a sample. With binary values and packed random signs, a few
    correlations select the same codewords in the same order, except with a probability below 1e-9
    for each sample whose codes were chosen without looking at the codebook:
    between them only the best candidates are followed, for as long as Hoeffding's inequality keeps
    all others behind.

    A residual that is zero up to rounding ends a sample early. With ``tol``, so does a binary
    sample whose residual no further codeword would shorten; samples that end above ``tol`` are
    reported by a :class:`~sklearn.exceptions.ConvergenceWarning`. Nonnegative coefficients only
    ever grow: what was taken too much of is not given back.

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

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        tol=None,
        noise_std=None,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.tol = tol
        self.noise_std = noise_std

    def _needs_fixed_k(self):
        return not self._has_tolerance

    def _learn_sparsity(self, Y):
        return super()._learn_sparsity(Y) if self._needs_fixed_k() else None

    def _fit_decoder(self, X):
        self._learn_tolerance()

    def _decode(self, V):
        norms = np.linalg.norm(V, axis=1)
        enough = np.maximum((self.tol_ or 0.0) / self.dictionary_.scale, self._rounding() * norms)
        # The paper's decoder takes k codewords, whether or not they shorten the residual.
        least_gain = -np.inf if self.values_ == "binary" and self.tol_ is None else 0.0
        is_exact = np.zeros(len(V), dtype=bool)
        if self.values_ == "binary" and isinstance(self._codewords, SignDictionary):
            # With tol a residual only becomes shorter, else each step adds at most d.
            steps = float(self._n_iter()) * V.shape[1]
            change = steps if self.tol_ is None else np.sqrt(V.shape[1]) * norms
            V, is_exact = exact_samples(V, change)
        if is_exact.all() and can_be_lazy(self._codewords):
            found, residuals = lazy_pursuit(self._codewords, V, self._n_iter(), enough, least_gain)
            lengths = np.array([len(selected) for selected in found], dtype=np.intp)
            coefs = (np.arange(lengths.max(initial=0)) < lengths[:, np.newaxis]).astype(np.float64)
            indices = np.zeros(coefs.shape, dtype=np.intp)
            indices[coefs > 0] = np.concatenate(found)
        else:
            indices, coefs, residuals = self._plain_pursuit(V, enough, least_gain)
        failed = (self.tol_ is not None) & (np.linalg.norm(residuals, axis=1) > enough)
        return indices, coefs, failed

    def _plain_pursuit(self, V, enough, least_gain):
        codewords = self._codewords
        energies = codewords.squared_norms
        indices, coefs = [], []
        residuals = V.copy()
        rows = np.arange(len(V))
        for _ in range(self._n_iter()):
            rows = rows[np.linalg.norm(residuals[rows], axis=1) > enough[rows]]
            if not len(rows):
                break
            gains = score_gains(codewords.correlate(residuals[rows]), energies, self.values_)
            best = gains.argmax(axis=1)
            improved = gains[np.arange(len(rows)), best] > least_gain
            rows, best = rows[improved], best[improved]
            selected = codewords.codewords(best)
            coef = self._best_coefs(residuals[rows], selected, energies[best])
            residuals[rows] -= coef[:, np.newaxis] * selected
            indices.append(np.zeros(len(V), dtype=np.intp))
            coefs.append(np.zeros(len(V)))
            indices[-1][rows] = best
            coefs[-1][rows] = coef
        shape = (len(V), len(indices))
        return np.array(indices).T.reshape(shape), np.array(coefs).T.reshape(shape), residuals

    def _best_coefs(self, residuals, selected, energies):
        if self.values_ == "binary":
            return np.ones(len(residuals))
        coefs = np.einsum("ij,ij->i", residuals, selected) / energies
        return np.maximum(coefs, 0) if self.values_ == "nonnegative" else coefs

    def _rounding(self):
        """Return the norm, relative to that of x, at which a residual is rounding alone."""
        return 1e-6 if self.values_ == "binary" else 1e-12

    def _n_iter(self):
        n_features, n_components = self.dictionary_.shape
        if self.n_nonzero_coefs_ is None:
            return n_components
        if self.tol_ is None:
            return min(self.n_nonzero_coefs_, n_features)
        return self.n_nonzero_coefs_

    def _failure(self):
        return f"did not reach tol={self.tol_:g} within {self._n_iter()} iterations"
