"""One-step decoders: a matched filter for every codeword, and a decision."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._blocks import MOST_ROWS, batches, block_length
from sksupercode._utils._validation import as_float
from sksupercode.decoders._base import BaseDecoder


def _knows_prior(decoder):
    if getattr(decoder, "n_nonzero_coefs_", 0) is None:
        raise AttributeError(
            "predict_proba needs the prior k/N: give n_nonzero_coefs, or codes y to fit."
        )
    return True


class MatchedFilterDecoder(BaseDecoder):
    r"""Base class of the one-step decoders, which use one matched filter for each codeword.

    For the model ``x = y_i f_i + z``, where the interference z of the other codewords has
    covariance Sigma, the matched-filter output and its signal-to-noise ratio are

    .. math::
        \lambda_i = \frac{f_i^T \Sigma^{-1} x}{f_i^T \Sigma^{-1} f_i}, \qquad
        \rho_i = f_i^T \Sigma^{-1} f_i .
    """

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        covariance_estimator=None,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.covariance_estimator = covariance_estimator

    def _fit_decoder(self, X):
        for name in ("interference_variance_", "covariance_estimator_"):
            vars(self).pop(name, None)
        power, exponent = _mean_square(X, self.intercept_)
        mantissa, of_scale = np.frexp(self.dictionary_.scale)
        # In units of the codewords, interference has the variance v * 4**m of these two.
        self._interference_exponent = exponent - int(of_scale)
        if self.covariance_estimator is None:
            with np.errstate(over="ignore", under="ignore"):
                self.interference_variance_ = float(np.ldexp(power, 2 * exponent))
            self._precision = None
            self._squared_norms = self._codewords.squared_norms
            # Not 0 where X is zero, so that rho is finite.
            self._interference = max(power, 1e-300) / mantissa**2
        else:
            self.covariance_estimator_, covariance = _fit_covariance(
                self.covariance_estimator, _centered(X, self.intercept_, exponent)
            )
            # In a unit of its own, for the dictionary may compute in float32.
            precision = np.linalg.pinv(covariance, hermitian=True)
            half = int(np.frexp(np.abs(precision).max())[1]) // 2
            self._precision = np.ldexp(precision, -2 * half)
            self._interference_exponent -= half
            self._squared_norms = _quadratic_forms(self._codewords, self._precision)
            self._interference = 1 / mantissa**2

    def _filter(self, V):
        """Return f^T Sigma^-1 x for a block of samples, a new (n, N) array."""
        return self._codewords.correlate(self._whiten(V))

    def _whiten(self, V):
        if self._precision is None:
            return V
        # One by one, so that no sample's rounding depends on the size of the batch.
        return np.stack([self._precision @ v for v in V])

    def _log_prior_odds(self):
        n_features = self.dictionary_.shape[0]
        return logit(min(self.n_nonzero_coefs_, n_features) / n_features)

    def _coefficients(self, scores, squared_norms):
        """Return the coefficients of selected codewords: 1, or their matched-filter outputs."""
        if self.values_ == "binary":
            return np.ones_like(scores)
        outputs = scores / np.where(squared_norms > 0, squared_norms, 1.0)
        return np.maximum(outputs, 0) if self.values_ == "nonnegative" else outputs

    def _dense_blocks(self, X, function):
        X = self._check_samples(X)
        result = np.empty((len(X), self._n_features_out), dtype=X.dtype)
        with np.errstate(over="ignore", under="ignore"):
            for rows, decoder, V in self._blocks(X):
                outputs = function(self._filter(V), decoder._exponent)
                result[rows] = as_float(outputs, X.dtype, "The matched-filter outputs of X")
        return result

    def decision_function(self, X):
        """Return the matched-filter outputs lambda.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        scores : ndarray of shape (n_samples, N)
            In units of the coefficients: 1 on average for a codeword of a binary code that is
            present, 0 for one that is not, and 0 for a zero codeword. In the dtype of X.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        check_is_fitted(self)
        squared_norms = np.where(self._squared_norms > 0, self._squared_norms, 1.0)
        return self._dense_blocks(X, lambda scores, m: np.ldexp(scores / squared_norms, m))

    @available_if(_knows_prior)
    def predict_proba(self, X):
        r"""Return the posterior probability that each codeword is present, for 0/1 coefficients.

        .. math::
            \log \frac{P(y_i = 1 \mid x)}{P(y_i = 0 \mid x)} =
            \rho_i (\lambda_i - \tfrac12) + \log \frac{k}{N - k}

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, N)
            In the dtype of X.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.

        AttributeError
            If the prior k/N is unknown: ``n_nonzero_coefs`` was neither given nor learned from y.
        """
        check_is_fitted(self)
        prior = self._log_prior_odds()
        half = np.ldexp(self._squared_norms / 2, -2 * self._interference_exponent)

        def posterior(scores, exponent):
            scores = np.ldexp(scores, exponent - 2 * self._interference_exponent)
            evidence = (scores - half) / self._interference
            # Finite evidence cannot contradict a certain prior (k = 0 or k = N).
            return expit(np.clip(evidence, -1e300, 1e300) + prior)

        return self._dense_blocks(X, posterior)


def _mean_square(X, intercept):
    """Return v and m: the mean square of the entries of ``X - intercept`` is ``v * 4**m``."""
    exponent = 0
    with np.errstate(over="ignore", under="ignore"):
        power = _mean_square_of(X, intercept, exponent)
    if not 1e-200 < power < 1e200:
        largest = max(np.abs(X[rows]).max() for rows in batches(len(X), MOST_ROWS))
        exponent = int(np.frexp(max(float(largest), np.abs(intercept).max()))[1])
        power = _mean_square_of(X, intercept, exponent)
    return power, exponent


def _mean_square_of(X, intercept, exponent):
    # X may be mapped from a file.
    blocks = (_centered(X[rows], intercept, exponent) for rows in batches(len(X), MOST_ROWS))
    return float(sum(np.sum(block**2) for block in blocks) / X.size)


def _centered(X, intercept, exponent):
    """Return ``(X - intercept) / 2**exponent`` in float64."""
    X, intercept = X.astype(np.float64), np.asarray(intercept, dtype=np.float64)
    return np.ldexp(X, -exponent) - np.ldexp(intercept, -exponent)


def _fit_covariance(estimator, X):
    try:
        fitted = clone(estimator).fit(X)
        return fitted, np.atleast_2d(fitted.covariance_)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            "covariance_estimator must be an estimator of sklearn.covariance, or have fit(X) and "
            f"covariance_ as those do, or be None; got {estimator!r}."
        ) from error


def _quadratic_forms(dictionary, matrix):
    """Return f^T M f for each codeword f."""
    n_features, n_components = dictionary.shape
    forms = np.empty(n_features)
    for rows in batches(n_features, block_length(16 * n_components, share=0.25)):
        codewords = dictionary.codewords(np.arange(rows.start, rows.stop))
        forms[rows] = np.einsum("ij,ij->i", codewords @ matrix, codewords)
    return np.maximum(forms, 0)
