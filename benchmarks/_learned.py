"""Dictionaries that are learned: one drawn like them, and that of the shipped autoencoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array

from sksupercode.datasets import load_activations, load_activations_sae, make_sparse_codes

_FAMILY = 16
_BLOCK = 4096
_NOISE = 0.1
# Samples of the later call.
LATER = 128


class LearnedProblem:
    r"""Codewords that correlate, superposed by a Zipf law with magnitudes and noise.

    Codewords of unit norm come in families of 16 around a common direction:

    .. math::
        f_i \propto u_i + w_i c_{\lfloor i / 16 \rfloor}, \qquad w_i \sim U(0, 1)

    with random unit vectors ``u_i`` of all d dimensions, and ``c`` of a random subspace of d / 16.
    Cosines are thus up to about 1/2 in a family, and the directions of families correlate as well.

    A sample has k latents in the mean. The j-th of them, in a random order, is active with a
    probability in proportion to 1 / j, and its magnitude has the exponential distribution of mean
    1. White noise is a tenth of the variance.

    Parameters
    ----------
    size : Size
        N, k, d and the number of samples.
    dtype : dtype, default=float32
        Of the codewords.
    seed : int, default=0
        Of all that is random.

    Attributes
    ----------
    dictionary : ndarray of shape (N, d)
        The codewords.
    samples, later : float32 ndarray of shape (n_samples, d) and (128, d)
        Samples of a first call, and those of a later one.
    """

    def __init__(self, size, *, dtype=np.float32, seed=0):
        self.size = size
        rng = np.random.default_rng(seed)
        self.dictionary = _draw_dictionary(size.n_features, size.n_components, dtype, rng)
        samples = _draw_samples(self.dictionary, size, size.n_samples + LATER, rng)
        self.samples, self.later = np.split(samples, [size.n_samples])

    def fresh_dictionary(self, call):
        """Return other codewords that give the same supports: no call has to do with an earlier."""
        return self.dictionary * self.dictionary.dtype.type(2.0 ** (call % 8))


class ShippedProblem(LearnedProblem):
    """The codewords of the shipped autoencoder, normalised, and activations less its intercept.

    The first activations are those on which it was not trained. N and d are as they come.
    """

    def __init__(self, size):
        self.size = size
        sae = load_activations_sae()
        self.dictionary = _unit(sae.dictionary_)
        samples = load_activations().data[::-1] - sae.intercept_
        self.samples, self.later = samples[: size.n_samples], samples[-LATER:]


def _draw_dictionary(n_features, n_components, dtype, rng):
    n_shared = max(1, n_components // 16)
    subspace = np.linalg.qr(rng.standard_normal((n_components, n_shared)))[0].T.astype(np.float32)
    dictionary = np.empty((n_features, n_components), dtype)
    for start in range(0, n_features, _BLOCK):
        block = dictionary[start : start + _BLOCK]
        families = rng.standard_normal((-(-len(block) // _FAMILY), n_shared), np.float32)
        shared = np.repeat(_unit(families @ subspace), _FAMILY, axis=0)[: len(block)]
        own = _unit(rng.standard_normal(block.shape, np.float32))
        block[:] = _unit(own + rng.random((len(block), 1), np.float32) * shared)
    return dictionary


def _draw_samples(dictionary, size, n_samples, rng):
    codes = make_sparse_codes(
        n_samples,
        size.n_features,
        n_nonzero_coefs=size.n_nonzero_coefs,
        support="zipf",
        values="exponential",
        dtype=np.float32,
        random_state=rng,
    )
    ranks, columns = np.unique(codes.indices, return_inverse=True)
    codewords = dictionary[rng.permutation(size.n_features)[ranks]].astype(np.float32)
    parts = codes.data, columns, codes.indptr
    samples = csr_array(parts, shape=(n_samples, len(ranks))) @ codewords
    variance = _NOISE / (1 - _NOISE) * samples.var(axis=0, dtype=np.float64).mean()
    return samples + np.float32(variance**0.5) * rng.standard_normal(samples.shape, np.float32)


def _unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)
