"""The base class of decoders around another estimator, which selects the support."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from copy import copy
from numbers import Integral, Real

import numpy as np
from sklearn import config_context
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._validation import (
    check_bool,
    check_codes,
    check_integer,
    check_option,
    check_real,
    check_samples,
    unfrozen,
    without_names,
)
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._codebook import resolve_dictionary
from sksupercode.decoders._pruning import eliminate_codewords


class SupportDecoder(BaseDecoder):
    """Base class of decoders that begin with the support that ``estimator`` selects.

    A concrete decoder implements ``_fit_supports``. Inside, samples are those that the dictionary
    of the estimator reconstructs, in units of its codewords times a power of two.
    """

    def __init__(self, estimator, *, prune=None, noise_std=None, values="auto", sparse_output=True):
        self.estimator = estimator
        self.prune = prune
        self.noise_std = noise_std
        self.values = values
        self.sparse_output = sparse_output

    @abstractmethod
    def _fit_supports(self, Z, V):
        """Return the codes of samples V from the CSR array Z, as ``_decode`` does."""

    def fit(self, X, y=None):
        """Fit a copy of the estimator, unless it is used as it is, and take over its dictionary.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            What the estimator is fitted on.

        y : {array-like, sparse matrix or array} of shape (n_samples, N) or None, default=None
            The codes that X was written from, for the estimator.

        Returns
        -------
        self : object
            The fitted decoder.

        Raises
        ------
        ValueError
            If a parameter is illegal, if the estimator is neither a decoder nor fitted, or for what
            the estimator refuses.
        """
        named, X = X, check_samples(self, X, reset=True, keeps_half=True)
        self._fit_decoder(X)
        self._learn_pruning()
        check_bool(self.sparse_output, "sparse_output")
        check_option(self.values, "values", ("auto", "nonnegative", "real"))
        self.estimator_ = without_names(self._fit_estimator(X, y), named)
        self.dictionary_, self.intercept_, _ = resolve_dictionary(
            self.estimator_, self._normalize(X[:1])[0], y
        )
        k = getattr(self.estimator_, "n_nonzero_coefs_", None)
        most = self._n_most if k is None else min(k, self._n_most)
        self.n_nonzero_coefs_ = None if most == np.inf else int(most)
        is_real = getattr(self.estimator_, "values_", None) == "real"
        by_default = "real" if is_real else "nonnegative"
        self.values_ = by_default if self.values == "auto" else self.values
        return self

    def _learn_pruning(self):
        """Check ``prune`` and ``noise_std``; set how many latents stay, or what they explain."""
        self._n_most, self._least_fraction = np.inf, None
        is_bool = isinstance(self.prune, bool)
        if isinstance(self.prune, Integral) and not is_bool:
            self._n_most = check_integer(self.prune, "prune", minimum=0)
        elif self.prune is not None:
            if is_bool or not (isinstance(self.prune, Real) and 0 <= self.prune < 1):
                raise ValueError(
                    "prune must be an integer >= 0, the number of latents that stay, a float >= 0 "
                    "and < 1, the fraction of the squared norm of a sample that each has to "
                    f"explain, or None, got {self.prune!r}."
                )
            self._least_fraction = float(self.prune)
        check_real(self.noise_std, "noise_std", 0, closed="left", allow_none=True)

    @property
    def _has_sections(self):
        return getattr(self.estimator, "_has_sections", False)

    def _fit_estimator(self, X, y):
        if isinstance(self.estimator, BaseDecoder):
            # Not a clone: it would unfit a sparse autoencoder that is the dictionary.
            return copy(self.estimator).fit(X, y)
        fitted = unfrozen(self.estimator)
        if isinstance(fitted, type) or not (
            hasattr(fitted, "transform") and hasattr(fitted, "dictionary_")
        ):
            raise ValueError(
                "estimator must be a decoder, or have transform and dictionary_: pass a sparse "
                "autoencoder fitted, and inside sklearn.frozen.FrozenEstimator where it is cloned, "
                f"as in a grid search; got {fitted!r}."
            )
        if not getattr(fitted, "reconstructs_samples_", True):
            name = type(fitted).__name__
            raise ValueError(
                f"estimator must reconstruct what it encodes, got a {name}, whose output is of "
                f"another space: put a decoder of its codewords here, such as TopKDecoder({name})."
            )
        return fitted

    @property
    def _normalizer(self):
        """The autoencoder that normalises each sample by itself before it selects, or None."""
        inner = self.estimator_
        if isinstance(inner, SupportDecoder):
            return inner._normalizer
        return inner if getattr(inner, "normalizes_samples_", False) else None

    def _normalize(self, X):
        """Return the samples that the estimator's dictionary reconstructs, and their scale."""
        return (X, 1.0) if self._normalizer is None else self._normalizer.normalize(X)[:2]

    def _to_units(self, X):
        # They are to be encoded first.
        return X, np.zeros(len(X), dtype=np.intp)

    def _decode(self, X):
        with config_context(transform_output="default"):
            Z = check_codes(self.estimator_.transform(X), n_features=self._n_features_out)
        X, scale = self._normalize(X)
        V, exponents = super()._to_units(X)
        indices, values, *failed = self._fit_supports(Z, V)
        if self.prune is not None or self.noise_std is not None:
            indices, values = self._prune(indices, values, V, exponents, scale)
        with np.errstate(over="ignore", under="ignore"):
            return indices, np.ldexp(values, exponents[:, np.newaxis]), *failed

    def _prune(self, indices, values, V, exponents, scale):
        least = np.full(len(V), -1.0)
        if self._least_fraction is not None:
            least = np.sqrt(self._least_fraction) * np.linalg.norm(V, axis=1)
        if self.noise_std is not None:
            threshold = self.noise_std * np.sqrt(2 * np.log(self._n_features_out))
            # Noise is in the unit of X, also where samples are normalised.
            scale = np.maximum(np.ravel(scale).astype(np.float64), np.finfo(np.float64).tiny)
            with np.errstate(over="ignore", under="ignore"):
                threshold = np.ldexp(self._in_units(threshold / scale), -exponents)
            least = np.maximum(least, threshold)
        return eliminate_codewords(
            self._codewords,
            indices,
            values,
            V,
            n_most=min(self._n_most, indices.shape[1]),
            least=least,
            is_signed=self.values_ == "nonnegative",
        )

    def reconstruct(self, X):
        """Decode and superpose each sample, and undo the normalisation of an autoencoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, d)
            Reconstructions in the dtype of X, but float32 for float16.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        check_is_fitted(self)
        if self._normalizer is None:
            return super().reconstruct(X)
        _, scale, shift = self._normalizer.normalize(X)
        return self._normalizer.denormalize(super().reconstruct(X), scale, shift)


def selecting_estimator(decoder):
    """Return what selects the support for decoders around one another, or what is no such one."""
    decoder = unfrozen(decoder)
    while isinstance(decoder, SupportDecoder):
        decoder = unfrozen(decoder.estimator)
    return decoder
