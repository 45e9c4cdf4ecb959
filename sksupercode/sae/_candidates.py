"""Decoders that are compared: what each of them takes, and what it makes of it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from contextlib import contextmanager
from copy import copy

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._compilation import time_of_compilation
from sksupercode._utils._tasks import recorded_warnings
from sksupercode._utils._validation import check_codes, check_integer, unfrozen, without_names
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._support_decoder import SupportDecoder, selecting_estimator
from sksupercode.sae._base import BaseSparseCoder
from sksupercode.sae._transcoder import Transcoder


class Candidate:
    """One decoder at one k, None for a decoder as it is, and what it takes to compare it.

    A NotFittedError tells of an autoencoder that is not fitted.
    """

    def __init__(self, name, decoder, k):
        self.name, self.k = name, k
        self.is_fitted = k is None and _is_fitted(decoder)
        # Not a clone: it would unfit a sparse autoencoder that is the dictionary.
        self.decoder = decoder if self.is_fitted else copy(decoder)
        if k is not None:
            self.decoder = _at_sparsity(decoder, k)
        # A decoder around another takes what that takes.
        autoencoder = selecting_estimator(decoder)
        self.encodes = isinstance(autoencoder, BaseSparseCoder)
        if not self.encodes:
            autoencoder = unfrozen(getattr(autoencoder, "dictionary", None))
        elif not _is_fitted(autoencoder):
            kind = "transcoder" if isinstance(autoencoder, Transcoder) else "sparse autoencoder"
            raise NotFittedError(f"decoders[{name!r}] is a {kind} that is not fitted.")
        self.transcoder = autoencoder if isinstance(autoencoder, Transcoder) else None
        normalizes = getattr(autoencoder, "normalizes_samples_", False)
        self.autoencoder = autoencoder if normalizes else None
        self.is_warm = False

    @property
    def label(self):
        """Its name, with the k of those that are compared at several."""
        return self.name if self.k is None else f"{self.name}, k = {self.k}"

    @property
    def takes_targets(self):
        """Whether it decodes the targets, if there are any, rather than what leads to them."""
        return not (self.encodes and self.transcoder)

    def check_targets(self, targets):
        """Raise a ValueError for targets that are not the output of a transcoder."""
        if self.transcoder is None:
            return
        if targets is None:
            raise ValueError(
                f"targets must be the true output for decoders[{self.name!r}], whose codewords are "
                "those of a Transcoder, got None."
            )
        d = self.transcoder.dictionary_.shape[1]
        if targets.shape[1] != d:
            raise ValueError(
                f"targets must have {d} columns, as the output of decoders[{self.name!r}], got "
                f"shape {tuple(targets.shape)}."
            )

    def compare_names(self, X):
        """Compare the names of the columns of X, whose blocks have none, with those of ``fit``."""
        inner = getattr(self.decoder, "estimator", None)
        if self.is_fitted:
            self.decoder = without_names(self.decoder, X)
        elif isinstance(inner, FrozenEstimator | BaseSparseCoder):
            self.decoder.estimator = FrozenEstimator(without_names(inner, X))

    def _inputs(self, X, targets):
        """Return what the decoder takes, and how its reconstructions become those of targets."""
        if self.transcoder is not None:
            skip = self.transcoder.skip(X)
            inputs = targets - skip if self.takes_targets else X
            return inputs, lambda X_hat: X_hat + skip
        if self.autoencoder is None:
            return targets, lambda X_hat: X_hat
        normalized, *normalization = self.autoencoder.normalize(targets)
        # An autoencoder normalises what it encodes by itself.
        inputs = targets if self.encodes else normalized
        return inputs, lambda X_hat: self.autoencoder.denormalize(X_hat, *normalization)

    def fit(self, X, targets):
        """Fit the decoder on a block of samples, unless it is fitted."""
        if not self.is_fitted:
            with self._named_in_errors():
                self.decoder.fit(self._inputs(X, targets)[0])
            self.is_fitted = True

    @contextmanager
    def _named_in_errors(self):
        try:
            yield
        except Exception as error:
            error.add_note(f"This is an error of decoders[{self.name!r}].")
            raise

    def decode(self, X, targets):
        """Return codes of a block of samples, reconstructions of the targets, and seconds."""
        with self._named_in_errors():
            return self._decode(X, targets)

    def _decode(self, X, targets):
        inputs, finish = self._inputs(X, targets)
        if not self.is_warm:
            with recorded_warnings():
                self.decoder.transform(inputs[:2])
            self.is_warm = True
        with time_of_compilation() as compiled:
            start = time.perf_counter()
            Z = self.decoder.transform(inputs)
            seconds = time.perf_counter() - start - compiled()
        X_hat = finish(self.decoder.inverse_transform(Z))
        return check_codes(Z, f"decoders[{self.name!r}].transform(X)"), X_hat, seconds

    def on_other_codewords(self, kind, decoder):
        """Return a candidate of a copy of the decoder, which is not fitted, on other codewords."""
        other = copy(self)
        other.name, other.decoder = f"{self.name}, {kind}", decoder
        other.is_fitted = other.is_warm = False
        return other


def candidates_of(decoders, n_nonzero_coefs):
    """Return all decoders at each k, those without a k once."""
    if not isinstance(decoders, dict) or not decoders:
        raise ValueError(
            f"decoders must be a dict of at least one name and decoder, got {decoders!r}."
        )
    ks = [None]
    if n_nonzero_coefs is not None:
        if np.size(n_nonzero_coefs) == 0:
            raise ValueError(f"n_nonzero_coefs must not be empty, got {n_nonzero_coefs!r}.")
        ks = [check_integer(k, "n_nonzero_coefs", minimum=1) for k in np.ravel(n_nonzero_coefs)]
    candidates = []
    for name, decoder in decoders.items():
        if not all(hasattr(decoder, part) for part in ("transform", "inverse_transform")):
            raise ValueError(
                f"decoders[{name!r}] must have transform and inverse_transform, got "
                f"{type(decoder).__name__}."
            )
        candidates += [Candidate(name, decoder, k) for k in (ks if _has_k(decoder) else [None])]
    return candidates


def _has_k(decoder):
    """Return whether a decoder, or one inside of it, has a number k that its codes depend on."""
    if isinstance(decoder, FrozenEstimator | BaseSparseCoder):
        return False
    decoder = getattr(decoder, "decoder_", decoder)
    if isinstance(decoder, SupportDecoder):
        return _has_k(decoder.estimator)
    if isinstance(decoder, BaseDecoder) and not decoder._transform_needs_k():
        return False
    is_estimator = isinstance(decoder, BaseEstimator)
    return is_estimator and "n_nonzero_coefs" in decoder.get_params(deep=False)


def _at_sparsity(decoder, k):
    """Return an unfitted copy of a decoder, or of one around it, that selects k codewords."""
    # A learner that is fitted has learned, and its decoder is compared.
    decoder = getattr(decoder, "decoder_", decoder)
    if isinstance(decoder, SupportDecoder):
        return copy(decoder).set_params(estimator=_at_sparsity(decoder.estimator, k))
    return copy(decoder).set_params(n_nonzero_coefs=k)


def _is_fitted(estimator):
    try:
        check_is_fitted(unfrozen(estimator))
    except NotFittedError:
        return False
    return True
