r"""How codewords follow the samples, for given codes.

With residuals :math:`E = X - Z F` the error :math:`\lVert E \rVert^2` is least in codeword j, while
all others stay, for

.. math::
    f_j + \frac{\sum_i z_{ij}\, e_i}{\sum_i z_{ij}^2} .

Codewords are updated one after the other, and E with each, so that no two correct the same error.
Simultaneous steps would, and diverge. A batch has few samples of each codeword, so the denominator
also has the weight :math:`w_j` of the samples before, to which f_j is the best fit already: their
:math:`\sum_i z_{ij}^2`, which fades as more samples come.

This is the dictionary update of Mairal et al. without its matrix of N x N inner products of codes,
for which the residuals of the batch stand in. Different coordinates of codewords do not meet, so
threads divide the columns, always at the same places.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._threads import in_threads

# Columns that are updated together, of a batch that then stays in the cache.
_COLUMNS = 64


def update_codewords(Z, residuals, codewords, weights, rng):
    """Update unit codewords and residuals in place, and return the new weights.

    Z is a float32 CSC array of shape (n_samples, N), ``residuals`` are C-contiguous float32 of
    shape (n_samples, d), ``codewords`` of shape (N, d), and ``weights`` float64 of shape (N,).
    """
    from sksupercode.learning._update_kernels import update_columns

    squares = np.bincount(
        np.repeat(np.arange(Z.shape[1]), np.diff(Z.indptr)),
        np.square(Z.data, dtype=np.float64),
        minlength=Z.shape[1],
    )
    weights = weights + squares
    rates = (1 / np.where(weights > 0, weights, 1)).astype(np.float32)
    order = rng.permutation(np.flatnonzero(squares > 0))
    n_components = codewords.shape[1]

    def update(first, last):
        for part in range(first, last):
            start = part * _COLUMNS
            stop = min(start + _COLUMNS, n_components)
            update_columns(
                Z.indptr, Z.indices, Z.data, rates, order, residuals, codewords, start, stop
            )

    in_threads(update, -(-n_components // _COLUMNS))
    norms = np.linalg.norm(codewords, axis=1)
    codewords /= np.where(norms > 0, norms, 1)[:, np.newaxis]
    return weights
