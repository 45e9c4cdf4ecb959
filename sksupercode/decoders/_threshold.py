"""Every codeword whose matched filter reaches a threshold."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_real
from sksupercode.decoders._matched_filter import MatchedFilterDecoder


class ThresholdDecoder(MatchedFilterDecoder):
    r"""Select every codeword whose matched-filter output reaches a threshold.

    .. math::
        \hat y_i = 1 \iff \lambda_i \ge \tau, \qquad
        \lambda_i = \frac{\langle f_i, x \rangle}{\lVert f_i \rVert^2}

    With ``threshold="map"`` a codeword is selected when it is more likely present than not,

    .. math::
        \tau_i = \tfrac12 + \frac{1}{\rho_i} \ln \frac{N - k}{k}, \qquad
        \rho_i = \frac{\lVert f_i \rVert^2}{v_0}, \quad
        v_0 = \frac{\overline{\lVert x \rVert^2}}{d},

    where v0 is the variance of the interference per dimension, estimated from the X of ``fit``.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords in a superposition, of which only the prior k/N is used. None learns
        it from y as the rounded mean of the number of nonzero entries of its rows.

    threshold : float or "map", default=0.5
        The threshold tau, in units of the coefficients, or "map" for the maximum a posteriori one.

    covariance_estimator : covariance estimator or None, default=None
        An estimator of :mod:`sklearn.covariance`, fitted on X, for interference that is not white
        (with ``assume_centered=True`` where X has a mean that is interference, too):
        inner products become <f, x> = f^T Sigma^-1 x and rho = f^T Sigma^-1 f.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take: 1, or the matched-filter output. For
        "nonnegative" only positive outputs are selected; for "real" the threshold applies to
        magnitudes. "auto" is binary for encoders, nonnegative for other estimators and real for
        arrays.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int or None
        The number k that was given or learned.

    threshold_ : float or ndarray of shape (N,)
        The threshold in use; with "map", that of each codeword.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    interference_variance_ : float
        Mean of ||x||^2 / d, the v0 above; absent with a covariance estimator.

    covariance_estimator_ : estimator
        The fitted covariance estimator, if there is one.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    TopKDecoder : Selects the same number of codewords in every sample.

    Notes
    -----
    A threshold of 1/2 needs about 8 k ln N dimensions for exact recovery; the best one needs 2 k
    (sqrt(ln N) + sqrt(ln k))^2, to which the MAP threshold comes close. The posterior treats
    coefficients as 0 or 1, for all ``values``.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, ThresholdDecoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=50, n_features=1024, n_nonzero_coefs=8, random_state=0)
    >>> encoder = RademacherEncoder(n_components=600, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> ThresholdDecoder(encoder, threshold="map").fit(X, Y).score(X, Y)
    1.0
    """

    _recovery_law = "threshold"

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        threshold=0.5,
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
        self.threshold = threshold

    def _fit_decoder(self, X):
        is_map = isinstance(self.threshold, str) and self.threshold == "map"
        threshold = self.threshold
        if not is_map:
            threshold = check_real(threshold, "threshold, unless it is 'map',", closed="neither")
        elif self.n_nonzero_coefs_ is None:
            raise ValueError(
                "threshold='map' needs the prior k/N: give n_nonzero_coefs, or codes y to fit."
            )
        super()._fit_decoder(X)
        # Levels of scores are the sum of two parts, whose units differ.
        self._level, self._prior_level = threshold, 0.0
        self.threshold_ = threshold
        if is_map:
            self._level, self._prior_level = 0.5, -self._log_prior_odds() * self._interference
            self.threshold_ = self._levels(0) / np.where(
                self._squared_norms > 0, self._squared_norms, 1.0
            )

    def _transform_needs_k(self):
        return isinstance(self.threshold, str) and self.threshold == "map"

    def _levels(self, exponent):
        """Return what scores in units of ``2**exponent`` have to reach; inf of zero codewords."""
        with np.errstate(over="ignore", under="ignore"):
            levels = np.ldexp(self._level * self._squared_norms, -exponent)
            levels += np.ldexp(self._prior_level, 2 * self._interference_exponent - exponent)
        return np.where(self._squared_norms > 0, levels, np.inf)

    def _decode(self, V):
        scores = self._filter(V)
        responses = np.abs(scores) if self.values_ == "real" else scores
        selected = responses >= self._levels(self._exponent)
        counts = selected.sum(axis=1)
        indices = np.zeros((len(V), counts.max(initial=0)), dtype=np.intp)
        values = np.zeros(indices.shape)
        filled = np.arange(indices.shape[1]) < counts[:, np.newaxis]
        rows, columns = np.nonzero(selected)
        indices[filled] = columns
        values[filled] = self._coefficients(scores[rows, columns], self._squared_norms[columns])
        return indices, values
