r"""From ``x W_enc`` to latents: what the architectures of autoencoders differ in.

.. math::
    a = \phi(x\, W_{enc})

Few latents are active, and they are collected without a dense matrix of them.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._threads import in_threads
from sksupercode.dictionaries._packed_signs import compilation_is_enabled
from sksupercode.sae._weights import WITH_K

# Entries of ``x W_enc`` whose activation takes some 100 microseconds.
_WORTH_A_THREAD = 2**17


class Activation:
    """The activation function of an autoencoder, called with a block of ``x W_enc``.

    ``arrays`` are the vectors of the weights in the precision of the block, and ``norms`` those of
    codewords by which latents are multiplied, or None.
    """

    def __init__(self, weights, arrays, norms):
        self.architecture, self.k = weights.architecture, most_active(weights)
        n_latents = weights.shape[0]
        dtype = arrays["b_dec"].dtype
        ones = np.ones(n_latents, dtype)
        self.gain, self.bias = ones, arrays.get("b_enc")
        self.scale = ones if norms is None else norms
        self.least_input, self.least = np.full_like(ones, -np.inf), np.zeros_like(ones)
        if self.architecture == "gated":
            self.gain, self.bias = np.exp(arrays["r_mag"]), arrays["b_mag"]
            self.least_input = -arrays["b_gate"]
        elif self.architecture == "jumprelu":
            self.least = np.maximum(arrays["threshold"], 0)

    def __call__(self, Z):
        """Return counts, latents and values of what is active in each row, and if Z is finite."""
        if self.architecture == "groupmax":
            return self._largest_of_groups(Z)
        if self.architecture != "abstopk":
            return self._collect(Z)
        Z = (Z + self.bias) * self.scale
        counts, latents, values, is_finite = self._collect(np.abs(Z), is_plain=True)
        rows = np.repeat(np.arange(len(Z)), counts)
        return counts, latents, np.copysign(values, Z[rows, latents]), is_finite

    def _collect(self, Z, is_plain=False):
        """Return the k largest magnitudes that are active; Z itself has them if it is plain."""
        gain, bias, scale = self.gain, self.bias, self.scale
        if is_plain:
            bias, scale = self.least, self.gain
        arguments = gain, bias, scale, self.least_input, self.least, self.k
        if not compilation_is_enabled():
            return _activate_by_numpy(Z, *arguments)
        from sksupercode.sae._activation_kernels import activate

        bits = np.empty(0, np.int32 if Z.dtype == np.float32 else np.int64)
        parts = in_threads(
            lambda start, stop: activate(Z[start:stop], *arguments, bits),
            len(Z),
            least=max(1, _WORTH_A_THREAD // Z.shape[1]),
        )
        *arrays, are_finite = zip(*parts, strict=True)
        return *(np.concatenate(part) for part in arrays), all(are_finite)

    def _largest_of_groups(self, Z):
        """The largest of each of k groups of consecutive latents, the first of equal ones."""
        magnitudes = (Z + self.bias) * self.scale
        groups = magnitudes.reshape(len(Z), self.k, -1)
        latents = groups.argmax(axis=2) + groups.shape[2] * np.arange(self.k)
        values = np.take_along_axis(magnitudes, latents, axis=1)
        active = values > 0
        return active.sum(axis=1), latents[active], values[active], np.isfinite(Z).all()


def most_active(weights):
    """Return how many latents of a sample may be active."""
    n_latents = weights.shape[0]
    return min(weights.k, n_latents) if weights.architecture in WITH_K else n_latents


def _activate_by_numpy(Z, gain, bias, scale, least_input, least, k):
    """The same as the compiled kernel, where nothing may be compiled."""
    magnitudes = (Z * gain + bias) * scale
    magnitudes[~((Z > least_input) & (magnitudes > least))] = 0
    active = largest_positive(magnitudes, k)
    rows, latents = np.divmod(active, Z.shape[1])
    counts = np.bincount(rows, minlength=len(Z))
    return counts, latents, magnitudes.ravel()[active], np.isfinite(Z).all()


def largest_positive(Z, k):
    """Return where the k largest entries of each row are, as far as they are positive.

    Sorted indices of the flattened array, which is contiguous and without nan; of equal entries of
    a row the first are taken.
    """
    n_samples, n_latents = Z.shape
    candidates = Z > 0
    n_groups = 4 * k
    if n_latents >= 2 * n_groups:
        # The k-th largest maximum of disjoint groups of entries is not above the k-th largest
        # entry, and cheap to find: little more than k entries are left to be sorted.
        grouped = Z[:, : n_latents - n_latents % n_groups].reshape(n_samples, -1, n_groups)
        maxima = np.partition(grouped.max(axis=1), n_groups - k, axis=1)
        candidates &= Z >= maxima[:, n_groups - k, None]
    indices = np.flatnonzero(candidates)
    counts = np.bincount(indices // n_latents, minlength=n_samples)
    taken = np.arange(counts.max(initial=0)) < counts[:, None]
    if taken.shape[1] <= k:
        return indices
    negated = np.full(taken.shape, np.inf, Z.dtype)
    negated[taken] = -Z.ravel()[indices]
    order = np.argsort(negated, axis=1, kind="stable")
    kept = np.zeros_like(taken)
    np.put_along_axis(kept, order[:, :k], True, axis=1)
    return indices[kept[taken]]
