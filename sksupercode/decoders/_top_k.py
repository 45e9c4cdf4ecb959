"""The k codewords whose matched filters are largest."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._sections import section_bounds
from sksupercode._utils._threads import shared_threads
from sksupercode._utils._validation import check_bool
from sksupercode.decoders._matched_filter import MatchedFilterDecoder
from sksupercode.decoders._selection import keep_largest, score_gains

# Squared norms that differ by this part are equal up to the rounding of float32.
_ROUNDING = 1e-6


class TopKDecoder(MatchedFilterDecoder):
    r"""Select the k codewords with the largest matched-filter outputs.

    .. math::
        \hat y = \text{the } k \text{ largest of } \lambda_i, \qquad
        \lambda_i = \frac{\langle f_i, x \rangle}{\lVert f_i \rVert^2}

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords to select. None learns it from y: the common number of nonzero
        entries of its rows, or with a warning the largest.

    sections : bool, default=False
        Whether the codewords are divided into k contiguous sections, of which one codeword each is
        selected: sparse regression codes.

    covariance_estimator : covariance estimator or None, default=None
        An estimator of :mod:`sklearn.covariance`, fitted on X, for interference that is not white
        (with ``assume_centered=True`` where X has a mean that is interference, too):
        inner products become <f, x> = f^T Sigma^-1 x.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take: 1, or the matched-filter output, clipped at 0
        for "nonnegative". "auto" is binary for encoders, nonnegative for other estimators and real
        for arrays.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int
        The number k that was given or learned.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    interference_variance_ : float
        Mean of ||x||^2 / d, the v0 of the posterior; absent with a covariance estimator.

    covariance_estimator_ : estimator
        The fitted covariance estimator, if there is one.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    ThresholdDecoder : Does without a fixed k.
    MatchingPursuitDecoder : Subtracts each codeword before it looks for the next.

    Notes
    -----
    About 4 k ln(kN) dimensions suffice for exact recovery. The cost is one correlation, 2 N d
    operations a sample.

    Codewords of unequal norm are ranked by how much their best admissible coefficient lowers
    ||x||^2, since the matched filter of a short codeword amplifies noise: by <f, x> -
    ||f||^2 / 2 for binary, <f, x> / ||f|| for nonnegative and its magnitude for real values. For
    codewords of equal norm all of these rank as the matched filter does. Ties go to the lowest
    index.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=50, n_features=1024, n_nonzero_coefs=8, random_state=0)
    >>> encoder = RademacherEncoder(n_components=400, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> TopKDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    _recovery_law = "top_k"

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        sections=False,
        covariance_estimator=None,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(
            dictionary,
            n_nonzero_coefs,
            covariance_estimator=covariance_estimator,
            values=values,
            sparse_output=sparse_output,
        )
        self.sections = sections

    def _fit_decoder(self, X):
        check_bool(self.sections, "sections")
        super()._fit_decoder(X)

    def _needs_fixed_k(self):
        return True

    def _decode(self, V):
        k = min(self.n_nonzero_coefs_, self.dictionary_.shape[0])
        # Codewords of equal norm rank as their inner products do, which spares a copy.
        low, high = self._squared_norms.min(), self._squared_norms.max()
        is_ranked = self.values_ != "real" and 0 < high <= low * (1 + _ROUNDING)
        best = _BestOfSections if self.sections else _BestOfAll
        selected = [best(k, self.dictionary_.shape[0]) for _ in V]
        with shared_threads():
            for first, block in self._codewords.correlate_blocks(self._whiten(V)):
                squared_norms = self._squared_norms[first : first + block.shape[1]]
                for row, new in zip(selected, block, strict=True):
                    ranked = new
                    if not is_ranked:
                        ranked = score_gains(new[np.newaxis].copy(), squared_norms, self.values_)[0]
                    row.take(ranked, new, first)
        indices, gains, scores = (
            np.array([getattr(row, name) for row in selected])
            for name in ("indices", "gains", "scores")
        )
        values = self._coefficients(scores, self._squared_norms[indices])
        values[gains == -np.inf] = 0
        return indices, values


class _BestOfAll:
    """The k codewords of the largest gains so far, with their scores."""

    def __init__(self, k, n_features):
        self.indices = np.zeros(k, dtype=np.intp)
        self.gains, self.scores = np.full(k, -np.inf), np.zeros(k)

    def take(self, gains, scores, first):
        """Take the next block of codewords into account."""
        if len(self.indices):
            order, candidates = keep_largest(gains, first, self.gains, self.indices)
            self.scores = np.concatenate([self.scores, scores[candidates]])[order]


class _BestOfSections(_BestOfAll):
    """The codeword of the largest gain so far in each of k sections."""

    def __init__(self, k, n_features):
        super().__init__(k, n_features)
        self._bounds = section_bounds(n_features, k)

    def take(self, gains, scores, first):
        bounds = np.clip(self._bounds - first, 0, len(gains))
        for section in np.flatnonzero(np.diff(bounds)):
            place = bounds[section] + np.argmax(gains[bounds[section] : bounds[section + 1]])
            if gains[place] > self.gains[section]:
                self.indices[section] = first + place
                self.gains[section], self.scores[section] = gains[place], scores[place]
