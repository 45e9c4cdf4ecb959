"""Hard decisions, one section after the other, as soon as each is clear."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._sections import section_argmax, section_bounds
from sksupercode._utils._sparse import to_csr
from sksupercode._utils._validation import check_real
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._selection import score_gains


class AdaptiveSuccessiveDecoder(BaseDecoder):
    r"""Decide section by section, the clearest first, and subtract their codewords.

    A sparse regression code has one active codeword in each of k sections of M = N/k. From r = x,
    each step decides all sections that are not yet decided and have a codeword with

    .. math::
        \frac{\langle f_i, r \rangle}{\lVert f_i \rVert \, \lVert r \rVert / \sqrt d}
        > \sqrt{2 \ln M} + a ,

    for the largest of these, and subtracts it from r, until a step decides nothing.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from; the power allocation is that of the encoder. An encoder with
        an integer ``random_state`` is a recipe: the decoder takes the same codebook for the d of X
        and the N of y. Other estimators must be fitted; put them inside
        :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of sections. None learns it from y: the common number of nonzero entries of its
        rows, or with a warning the largest.

    margin : float, default=1.0
        The a above. A codeword must exceed :math:`\sqrt{2 \ln M}` by a; the largest of M standard
        normal variables hardly exceeds :math:`\sqrt{2 \ln M}`.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int
        The number k of sections that was given or learned.

    values_ : {"binary"}
        The values of nonzero coefficients.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    AMPDecoder : With ``sections=True``; soft decisions, and far higher rates.

    Notes
    -----
    Sections that are never decided get their best codeword in the end, with a
    :class:`~sklearn.exceptions.ConvergenceWarning`. A wrong decision is never taken back.

    In [1]_ the statistic of a step is a weighted sum over all steps before, of the parts of the
    subtracted sums that are orthogonal to one another, with weights that are fixed in advance. Here
    the statistic comes from the normalised residual, which needs no weights.

    References
    ----------
    .. [1] A. Joseph and A. R. Barron, "Fast sparse superposition codes have near exponential error
       probability for R < C", IEEE Transactions on Information Theory 60(2), 2014.

    Examples
    --------
    >>> from sksupercode import AdaptiveSuccessiveDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(
    ...     n_samples=20, n_features=512, n_nonzero_coefs=8, sections=True, random_state=0
    ... )
    >>> encoder = RademacherEncoder(n_components=300, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> AdaptiveSuccessiveDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    # There is no other way to read it.
    sections = True

    def __init__(self, dictionary, n_nonzero_coefs=None, *, margin=1.0, sparse_output=True):
        self.dictionary = dictionary
        self.n_nonzero_coefs = n_nonzero_coefs
        self.sparse_output = sparse_output
        self.margin = margin

    def _learn_values(self, by_default):
        return "binary"

    def _needs_fixed_k(self):
        return True

    def _fit_decoder(self, X):
        margin = check_real(self.margin, "margin", 0, closed="left")
        n_features = self.dictionary_.shape[0]
        k = min(self.n_nonzero_coefs_, n_features)
        self._bounds = section_bounds(n_features, k)
        self._squared_norms = self._codewords.squared_norms
        self._threshold = np.sqrt(2 * np.log(n_features / max(k, 1))) + margin

    def _failure(self):
        return "have sections where no codeword stands out; they get the best of each section"

    def _decode(self, V):
        n_sections = len(self._bounds) - 1
        found = np.full((len(V), n_sections), -1, dtype=np.intp)
        residuals = V.copy()
        active = np.arange(len(V) if n_sections else 0)
        failed = np.zeros(len(V), dtype=bool)
        while len(active):
            statistics, best = self._best_of_sections(residuals[active])
            new = (statistics > self._threshold) & (found[active] < 0)
            stuck = ~new.any(axis=1)
            failed[active[stuck]] = True
            # The sections of a sample in which nothing stands out are guessed.
            new[stuck] = found[active[stuck]] < 0
            found[active] = np.where(new, best, found[active])
            chosen = to_csr(best, new.astype(np.float64), self.dictionary_.shape[0])
            residuals[active] -= self._codewords.superpose(chosen)
            active = active[(found[active] < 0).any(axis=1)]
        values = np.where(self._squared_norms[found] > 0, 1.0, 0.0)
        return found, values, failed

    def _best_of_sections(self, residuals):
        """Return the largest statistic of each section, and its codeword."""
        n_sections = len(self._bounds) - 1
        best = np.empty((len(residuals), n_sections), dtype=np.intp)
        statistics = np.empty(best.shape)
        scores = np.array(self._codewords.correlate(residuals), dtype=np.float64)
        for row, gains in enumerate(score_gains(scores, self._squared_norms, "nonnegative")):
            best[row] = section_argmax(gains, self._bounds)
            statistics[row] = gains[best[row]]
        deviations = np.sqrt(np.mean(residuals**2, axis=1, keepdims=True))
        return statistics / np.where(deviations > 0, deviations, 1.0), best
