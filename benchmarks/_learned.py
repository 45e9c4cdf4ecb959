"""A dictionary like those that are learned, with samples, and the autoencoder that is shipped."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array

from sksupercode.datasets import make_sparse_codes

_FAMILY = 16
_BLOCK = 4096
_NOISE = 0.1


class LearnedProblem:
    r"""Codewords that correlate, superposed by a Zipf law with magnitudes and noise.

    Codewords come in families of 16 around a common direction:

    .. math::
        f_i = \frac{u_i + w_i c_{\lfloor i / 16 \rfloor}}{\lVert \cdot \rVert}, \qquad
        w_i \sim U(0, 1)

    with unit vectors ``u_i`` of all d dimensions and ``c`` of a random subspace of ``d / 16``, so
    that cosines are up to 1/2 within a family, and directions of families correlate as well.

    A sample has k latents in the mean, latent j (in a random order) with a probability in
    proportion to 1 / j, and magnitudes from the exponential distribution of mean 1. A tenth of its
    variance is white noise.

    Parameters
    ----------
    size : Size
        N, k, d and the number of samples.

    dtype : dtype, default=float32
        Of the codewords.

    seed : int, default=0
        Of all that is random.
    """

    def __init__(self, size, *, dtype=np.float32, seed=0):
        self.size = size
        N, d = size.n_features, size.n_components
        rng = np.random.default_rng(seed)
        subspace = np.linalg.qr(rng.standard_normal((d, max(1, d // 16))))[0].astype(np.float32)
        self.dictionary = np.empty((N, d), dtype)
        for start in range(0, N, _BLOCK):
            n_rows = min(_BLOCK, N - start)
            families = rng.standard_normal((-(-n_rows // _FAMILY), subspace.shape[1]), np.float32)
            shared = np.repeat(_unit(families @ subspace.T), _FAMILY, axis=0)[:n_rows]
            codewords = _unit(rng.standard_normal((n_rows, d), np.float32))
            codewords += rng.random((n_rows, 1), np.float32) * shared
            self.dictionary[start : start + n_rows] = _unit(codewords)
        codes = make_sparse_codes(
            size.n_samples,
            N,
            n_nonzero_coefs=size.n_nonzero_coefs,
            support="zipf",
            values="exponential",
            dtype=np.float32,
            random_state=rng,
        )
        used, columns = np.unique(codes.indices, return_inverse=True)
        codewords = self.dictionary[rng.permutation(N)[used]].astype(np.float32)
        parts = codes.data, columns, codes.indptr
        self.samples = csr_array(parts, shape=(size.n_samples, len(used))) @ codewords
        noise = rng.standard_normal(self.samples.shape, np.float32)
        variance = self.samples.var(axis=0).sum() / d
        self.samples += np.sqrt(_NOISE / (1 - _NOISE) * variance, dtype=np.float32) * noise


def _unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)
