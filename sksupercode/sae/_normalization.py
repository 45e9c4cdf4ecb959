r"""Normalisation of every sample by its own mean and scale, and how it is undone.

.. math::
    x = \sigma\, x' + \mu

with :math:`\sigma` and :math:`\mu` one number each for a sample. "expected_average", which
multiplies all samples by one constant, is a matter of the weights alone: nothing has to be
remembered to undo it.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

# Kinds whose inverse needs the statistics of each sample.
PER_SAMPLE = ("layer_norm", "constant_norm_rescale")
EPSILON = 1e-5


def normalize(X, kind):
    """Normalise each sample, ``x' = (x - mu) / sigma``; return the samples, sigma and mu.

    "layer_norm": mu is the mean of a sample and sigma the square root of its unbiased variance.
    "constant_norm_rescale": mu is 0 and sigma is ``||x|| / sqrt(d)``. Anything else: mu is 0 and
    sigma 1. Samples are 0 where sigma is.

    As everywhere that layer normalisation is used for autoencoders, samples are divided by ``sigma
    + 1e-5`` and multiplied by sigma.
    """
    n_samples, d = X.shape
    scale, shift = np.ones((n_samples, 1), X.dtype), np.zeros((n_samples, 1), X.dtype)
    if kind not in PER_SAMPLE:
        return X, scale, shift
    X, exponents = scaled(X)
    divisor = np.zeros((), X.dtype)
    if kind == "layer_norm":
        # In float64, so that float32 samples of one number are their mean exactly.
        mean = X.mean(axis=1, keepdims=True, dtype=np.float64).astype(X.dtype)
        X, shift = X - mean, np.ldexp(mean, exponents)
        # Of the smallest samples it is infinite, and they are normalised to 0.
        with np.errstate(over="ignore"):
            divisor = np.ldexp(X.dtype.type(EPSILON), -exponents)
        # A single dimension has no variance.
        d = max(d - 1, 1)
    scale = np.linalg.norm(X, axis=1, keepdims=True) / math.sqrt(d)
    divisor = divisor + scale
    return X / np.where(divisor > 0, divisor, 1), np.ldexp(scale, exponents), shift


def denormalize(X, scale, shift):
    """Undo :func:`normalize`: ``x = sigma x' + mu``."""
    return X * scale + shift


def scaled(X):
    """Return rows over the powers of two above their largest numbers, and the exponents of these.

    Squares overflow in float32 from 1e19 on, and underflow below 1e-19.
    """
    exponents = np.frexp(np.abs(X).max(axis=1, keepdims=True))[1]
    return np.ldexp(X, -exponents), exponents
