r"""The forward pass of sparse autoencoders, on one block of samples at a time.

.. math::
    z = (x' - b_{dec})\, W_{enc} + b_{enc}, \qquad a = \phi(z)

with x' the normalised samples; latents a are CSR from the start, since most of them are 0.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from sksupercode._utils._blocks import block_length
from sksupercode._utils._sparse import assemble_csr
from sksupercode._utils._validation import as_float
from sksupercode.sae._activation import Activation, most_active
from sksupercode.sae._normalization import scaled

_RESCALED = ("relu", "topk", "abstopk", "groupmax", "jumprelu")
# Between this and its inverse, float32 has room for sums of products and for squares.
MODERATE = 2.0**40
# More samples at once do not make their product with ``W_enc`` faster.
_MOST_SAMPLES = 1024


class ForwardPass:
    """Weights made ready for arithmetic, in float32 unless ``W_dec`` is float64 or very uneven.

    Arrays of lower precision are widened at their first use and the copies kept; float32 arrays are
    used as they are, mapped from a file or not. Copies are not pickled. Samples at the ends of the
    range of float32 are encoded in float64.
    """

    def __init__(self, weights, dtype=None):
        if weights.rescales_by_norm and weights.architecture not in _RESCALED:
            raise ValueError(
                f"rescales_by_norm must be False for architecture {weights.architecture!r}: it is "
                f"defined for {', '.join(_RESCALED)}."
            )
        self.weights = weights
        if dtype is None:
            is_wide = weights.W_dec.dtype == np.float64 or not _have_room(weights.arrays())
            dtype = np.float64 if is_wide else np.float32
        self.dtype = np.dtype(dtype)

    def __reduce__(self):
        return ForwardPass, (self.weights, self.dtype)

    @cached_property
    def _wide(self):
        return ForwardPass(self.weights, np.float64)

    def widen(self, name):
        """Return an array of the weights in ``self.dtype``."""
        return np.asarray(getattr(self.weights, name)).astype(self.dtype, copy=False)

    @cached_property
    def _arrays(self):
        """All one-dimensional arrays, by name."""
        names = self.weights.arrays().keys() - {"W_dec", "W_enc", "W_skip"}
        return {name: self.widen(name) for name in names}

    @cached_property
    def _W_enc(self):
        return self.widen("W_enc")

    @cached_property
    def _W_dec(self):
        return np.ascontiguousarray(self.widen("W_dec"))

    @cached_property
    def _W_skip(self):
        return self.widen("W_skip")

    @cached_property
    def norms(self):
        """Norms of the rows of ``W_dec``, shape (N,)."""
        W_dec, exponents = scaled(self._W_dec)
        return np.ldexp(np.linalg.norm(W_dec, axis=1), exponents[:, 0])

    @property
    def input_scale(self):
        """What all samples are multiplied by."""
        if self.weights.normalization != "expected_average":
            return 1.0
        return self.weights.normalization_scale

    @property
    def output_divisor(self):
        """What undoes the scale of the input, in the same space."""
        return 1.0 if self.weights.is_transcoder else self.input_scale

    @cached_property
    def dictionary(self):
        """Codewords F with ``x = a F + intercept``, shape (N, d), C-contiguous and read-only."""
        F = self._W_dec
        if self.weights.rescales_by_norm:
            F = F / np.where(self.norms > 0, self.norms, 1)[:, None]
        if self.output_divisor != 1.0:
            with np.errstate(over="ignore"):
                F = F / self.output_divisor
            if not np.isfinite(F).all():
                raise ValueError(
                    f"normalization_scale={self.input_scale!r} is too small for codewords in "
                    f"{F.dtype}."
                )
        F = F.view()
        F.flags.writeable = False
        return F

    @property
    def codewords(self):
        """The dictionary as it is stored, in half precision perhaps, unless it is rescaled."""
        W_dec = self.weights.W_dec
        is_rescaled = self.weights.rescales_by_norm or self.output_divisor != 1.0
        is_kept = W_dec.dtype.itemsize == 2 and self.dtype == np.float32 and not is_rescaled
        return W_dec if is_kept else self.dictionary

    @cached_property
    def intercept(self):
        """What is added to reconstructions, shape (d,), read-only."""
        weights = self.weights
        tied_without_bias = weights.architecture == "matching_pursuit" and not weights.applies_b_dec
        b = np.zeros_like(self._arrays["b_dec"]) if tied_without_bias else self._arrays["b_dec"]
        b = b / self.output_divisor
        b.flags.writeable = False
        return b

    def block_length(self):
        """Return how many samples to encode at a time, by scikit-learn's ``working_memory``."""
        (n_latents, d), itemsize = self.weights.shape, self.dtype.itemsize
        # Pre-activations, active latents with some room, and samples.
        n_active = most_active(self.weights)
        n_bytes = n_latents * itemsize + n_active * (itemsize + 6) + 4 * d * itemsize
        return min(_MOST_SAMPLES, block_length(n_bytes, share=0.25))

    def skip(self, X):
        """Return what samples add to the output beside their latents: ``x W_skip``, or zeros."""
        if self.weights.W_skip is None:
            return np.zeros((len(X), self.weights.shape[1]), X.dtype)
        return X @ self._W_skip

    def encode(self, X):
        """Return the latents of a block of samples that are normalised one by one, as a CSR array.

        Numbers in ``self.dtype``, or in float64, but none of 0, and positive ones for all
        architectures but "abstopk"; a ValueError where numbers are too large.
        """
        if self.dtype == np.float32 and not _are_moderate(X, self.input_scale):
            return self._wide.encode(X)
        if self.input_scale != 1.0:
            X = X.astype(np.result_type(X, self.dtype), copy=False) * self.input_scale
        X = X.astype(self.dtype, copy=False)
        if self.weights.applies_b_dec:
            X = X - self._arrays["b_dec"]
        if self.weights.architecture == "matching_pursuit":
            # Codewords of large norm make steps overshoot, until nothing finite is left.
            with np.errstate(over="ignore", invalid="ignore"):
                return self._pursue(X)
        # What overflows is told by the error that follows.
        with np.errstate(over="ignore", invalid="ignore"):
            Z = X @ self._W_enc
            counts, latents, values, is_finite = self._activation(Z)
        if not is_finite:
            as_float(np.array([np.inf]), self.dtype, "latents of X")
        return assemble_csr(counts, latents, values, Z.shape[1])

    @cached_property
    def _activation(self):
        norms = self.norms if self.weights.rescales_by_norm else None
        return Activation(self.weights, self._arrays, norms)

    def _pursue(self, X):
        """Nonnegative matching pursuit, whose steps are not divided by squared norms."""
        weights, W_dec = self.weights, self._W_dec
        n_samples, (n_latents, d) = len(X), weights.shape
        n_steps = d if weights.max_iterations is None else weights.max_iterations
        rows, residuals = np.arange(n_samples), X.copy()
        chosen = np.full((n_samples, 0), -1)
        steps = []
        for _ in range(n_steps):
            if not len(rows):
                break
            latents = np.argmax(residuals @ W_dec.T, axis=1)
            values = np.einsum("ij,ij->i", residuals, W_dec[latents])
            if not steps:
                as_float(values, self.dtype, "latents of X")
            # A step of 0 changes nothing, now or later.
            going = (values > 0) & np.isfinite(values)
            rows, residuals, chosen = rows[going], residuals[going], chosen[going]
            latents, values = latents[going], values[going]
            residuals -= values[:, None] * W_dec[latents]
            steps.append((rows, latents, values))
            going = np.ones(len(rows), dtype=bool)
            if weights.stops_on_duplicate_support:
                going &= ~np.any(chosen == latents[:, None], axis=1)
                chosen = np.column_stack([chosen, latents])
            if weights.residual_threshold > 0:
                going &= ~(np.linalg.norm(residuals, axis=1) < weights.residual_threshold)
            rows, residuals, chosen = rows[going], residuals[going], chosen[going]
        if not steps:
            return csr_array((n_samples, n_latents), dtype=self.dtype)
        rows, latents, values = (np.concatenate(parts) for parts in zip(*steps, strict=True))
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=n_samples)
        return assemble_csr(counts, latents[order], values[order], n_latents)


def _have_room(arrays):
    """Whether products with these arrays of weights stay in the range of float32."""
    for array in arrays.values():
        largest = max(float(array.max()), -float(array.min()))
        if largest > MODERATE or (array.ndim == 2 and 0 < largest < 1 / MODERATE):
            return False
    return True


def _are_moderate(X, factor):
    """Whether rows, but those of zeros, have their largest number where float32 has room."""
    largest = np.maximum(X.max(axis=1), -X.min(axis=1)).astype(np.float64)
    least, most = 1 / MODERATE / factor, MODERATE / factor
    return bool(np.all((largest == 0) | ((largest > least) & (largest < most))))
