"""Which codewords to select: one rule for one-step decoders and pursuits alike.

Setting the coefficient of codeword f to the best value that is admissible lowers ||x||^2 by

* binary: ``2 <f, x> - ||f||^2``, the value being 1;
* nonnegative: ``max(<f, x>, 0)^2 / ||f||^2``;
* real: ``<f, x>^2 / ||f||^2``.

The codeword that lowers it most is selected; for codewords of equal norm that is the one with the
largest (absolute, for real values) inner product. A zero codeword lowers nothing and is never
selected.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


def score_gains(scores, energies, values):
    """Turn inner products into numbers that rank codewords as the decrease of ||x||^2 does.

    Parameters
    ----------
    scores : float64 ndarray of shape (n_samples, N)
        Inner products <f, x>; overwritten.

    energies : float64 ndarray of shape (N,)
        Squared norms of the codewords.

    values : {"binary", "nonnegative", "real"}
        Which values a coefficient may take.

    Returns
    -------
    gains : float64 ndarray of shape (n_samples, N)
        ``scores``, overwritten: <f, x> - ||f||^2 / 2, <f, x> / ||f|| or its magnitude. Positive
        where selecting the codeword lowers ||x||^2, -inf for a zero codeword.
    """
    if values == "binary":
        scores -= energies / 2
    else:
        if values == "real":
            np.abs(scores, out=scores)
        scores /= np.sqrt(np.where(energies > 0, energies, 1.0))
    if not energies.all():
        scores[:, energies == 0] = -np.inf
    return scores


def largest(gains, n_nonzero_coefs):
    """Return the indices of the largest entries of each row; ties go to the lowest index.

    Parameters
    ----------
    gains : ndarray of shape (n_samples, N)
        Numbers to rank; -inf is allowed, nan is not.

    n_nonzero_coefs : int
        How many to select, at most N.

    Returns
    -------
    indices : intp ndarray of shape (n_samples, n_nonzero_coefs)
        Ordered by decreasing gain, equal gains by increasing index.
    """
    n_samples, n_features = gains.shape
    indices = np.empty((n_samples, n_nonzero_coefs), dtype=np.intp)
    if n_nonzero_coefs == 0:
        return indices
    for row, gain in zip(indices, gains, strict=True):
        smallest = np.partition(gain, n_features - n_nonzero_coefs)[n_features - n_nonzero_coefs]
        candidates = np.flatnonzero(gain >= smallest)
        order = np.argsort(-gain[candidates], kind="stable")[:n_nonzero_coefs]
        row[:] = candidates[order]
    return indices
