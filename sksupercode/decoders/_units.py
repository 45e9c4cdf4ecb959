r"""Units in which samples are of moderate size, so that no square of theirs over- or underflows.

Decoding is done in the units of the unnormalised dictionary, ``v = x / scale``. Samples of much
smaller or larger entries than its codewords are, beside that, divided by a power of two, which is
exact and changes nothing but the exponents of floats:

.. math:: x - b = 2^m \cdot \mathrm{scale} \cdot v, \qquad 2^{-32} \le \max_j |v_j| < 2^{32} .
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# Exponents m are multiples of this, so that samples of a block seldom have different ones.
_STEP = 64


def split_units(dictionary, X, intercept=0.0, *, is_binary=False):
    """Return samples in units in which they are of moderate size, the v and m above.

    m is a multiple of 64. If coefficients are binary the size of a sample beside the codewords
    matters: one that differs more than float64 can tell is brought within ``2**-96`` to ``2**96``.
    """
    if X.dtype == np.float16:
        X = X.astype(np.float32)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        V = dictionary.to_units(X - intercept)
    largest = _largest(V)
    exponents = _round(np.frexp(largest)[1], is_binary)
    rows = np.flatnonzero((exponents != 0) | (largest == 0) | ~np.isfinite(largest))
    if len(rows):
        V[rows], exponents[rows] = _split_exactly(dictionary, X[rows], intercept, is_binary)
    return V, exponents


def _split_exactly(dictionary, X, intercept, is_binary):
    """Do the same by operations that do not leave the range of floats."""
    X, intercept = X.astype(np.float64), np.asarray(intercept, dtype=np.float64)
    _, first = np.frexp(np.maximum(_largest(X), np.abs(intercept).max()))
    first = first[:, np.newaxis]
    X = np.ldexp(X, -first) - np.ldexp(intercept, -first)
    _, second = np.frexp(_largest(X))
    mantissa, of_scale = np.frexp(dictionary.scale)
    exponents = _round(first[:, 0] + second - of_scale, is_binary)
    exponents[~X.any(axis=1)] = 0
    V = np.ldexp(X / mantissa, first - of_scale - exponents[:, np.newaxis])
    return dictionary.unnormalized.to_units(V), exponents


def _round(exponents, is_binary):
    exponents = _STEP * ((exponents.astype(np.intp) + _STEP // 2) // _STEP)
    return exponents - _STEP * np.sign(exponents) if is_binary else exponents


def _largest(X):
    """Return the largest magnitude of each row, without a copy of X."""
    return np.maximum(X.max(axis=1), -X.min(axis=1))
