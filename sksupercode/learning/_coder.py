"""The decoder that finds codes while its dictionary is learned."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, clone

from sksupercode.decoders import BaseDecoder, OrthogonalMatchingPursuitDecoder
from sksupercode.decoders._pursuit import PursuitDecoder

# From so many codewords on, steps of a pursuit on rounding errors take long.
_LARGE = 2**14
_ROUNDING = 1e-6


class LearnedCodewords(BaseEstimator):
    """What a decoder takes its dictionary from."""

    def __init__(self, dictionary_, intercept_=0.0):
        self.dictionary_ = dictionary_
        self.intercept_ = intercept_


def resolve_decoder(decoder, n_nonzero_coefs):
    """Return a new decoder with k set, and the name of its parameter for the dictionary.

    A ValueError is raised for anything but a decoder, and for one whose k is another or missing.
    """
    if decoder is None:
        decoder = OrthogonalMatchingPursuitDecoder(None)
    if not isinstance(decoder, BaseDecoder):
        raise ValueError(f"decoder must be a decoder of this package or None, got {decoder!r}.")
    inner, prefix = decoder, ""
    while "dictionary" not in inner.get_params(deep=False):
        inner, prefix = getattr(inner, "estimator", None), f"{prefix}estimator__"
        if not isinstance(inner, BaseDecoder):
            raise ValueError(
                "decoder must have a dictionary that can be learned, itself or its estimator, got "
                f"{decoder!r}."
            )
    name = type(inner).__name__
    own = inner.n_nonzero_coefs
    if own is not None and n_nonzero_coefs is not None and own != n_nonzero_coefs:
        raise ValueError(
            f"n_nonzero_coefs must be that of decoder, or one of them None, got {n_nonzero_coefs} "
            f"and {own} of {name}."
        )
    k = own if n_nonzero_coefs is None else n_nonzero_coefs
    inner = clone(inner).set_params(dictionary=None, n_nonzero_coefs=k)
    if k is None and inner._needs_fixed_k():
        raise ValueError(
            f"n_nonzero_coefs must be a number for decoder={name}, which gives every sample k "
            "codewords, got None."
        )
    decoder = clone(decoder)
    if prefix:
        return decoder.set_params(**{prefix.removesuffix("__"): inner}), f"{prefix}dictionary"
    return inner, "dictionary"


def decoder_on(decoder, codewords, intercept, X):
    """Return a decoder, as :func:`resolve_decoder` gives it, fitted on a dictionary."""
    decoder, name = decoder
    decoder = clone(decoder)
    decoder.set_params(**{name: LearnedCodewords(codewords, intercept)})
    return decoder.fit(X)


class Coder:
    """Codes of centred samples by a decoder, in the unit of X, which its parameters may have."""

    def __init__(self, decoder, exponent, dtype):
        self._decoder, self._exponent = decoder, exponent
        self._dtype = np.result_type(dtype, np.float32)
        self.is_signed = True

    def codes(self, codewords, V):
        """Return a float32 CSR array for V in units of ``2**exponent``."""
        X = np.ldexp(V, self._exponent, dtype=self._dtype)
        decoder, name = self._decoder
        if len(codewords) >= _LARGE and isinstance(decoder, PursuitDecoder):
            # Samples that are codewords, as many are at the start, leave rounding errors alone, on
            # which each step would correlate with all codewords again.
            if decoder.tol is None and decoder.noise_std is None:
                decoder = clone(decoder).set_params(tol=float(np.ldexp(_ROUNDING, self._exponent)))
        with config_context(transform_output="default"):
            decoder = decoder_on((decoder, name), codewords.copy(), 0.0, X[:1])
            Z = csr_array(decoder.transform(X))
        self.is_signed = decoder.values_ != "real"
        data = np.ldexp(Z.data, -self._exponent).astype(np.float32)
        Z = csr_array((data, Z.indices, Z.indptr), shape=Z.shape)
        Z.eliminate_zeros()
        return Z
