"""Peers on learned dictionaries. Each takes a dictionary and k, and returns ``prepare``, ``code``.

``prepare()`` does what has to be done once for a dictionary, Gram matrices for instance, and
``code(X)`` returns codes of shape (n, N). Codewords are of unit norm, which most of them need.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np

from benchmarks._peers import Peer


@dataclass(frozen=True)
class LearnedPeer(Peer):
    """Somebody else's coder.

    Parameters
    ----------
    prepare : callable
        ``prepare(dictionary, k)`` returns the two functions.
    n_samples : int
        Most samples that it is timed on at once; the time of others is taken to be the same.
    has_later_call : bool, default=False
        Whether a later call does nothing anew that does not depend on samples.
    """

    has_later_call: bool = False


def numpy_pursuit(dictionary, k):
    """Nonnegative matching pursuit with one matrix product for each step of all samples."""

    def code(X):
        residuals, rows = X.copy(), np.arange(len(X))
        codes = np.zeros((len(X), len(dictionary)), np.float32)
        for _ in range(k):
            scores = residuals @ dictionary.T
            best = scores.argmax(axis=1)
            steps = np.maximum(scores[rows, best], 0)
            codes[rows, best] += steps
            residuals -= steps[:, None] * dictionary[best]
        return codes

    return _nothing, code


def spams_omp(dictionary, k):
    """It computes the Gram matrix in each call."""
    import spams

    D = dictionary.T

    def code(X):
        return spams.omp(np.asfortranarray(X.T), D=D, L=k, eps=1e-6, numThreads=-1).T

    return _nothing, code


def sklearn_gram(dictionary, k):
    from sklearn.linear_model import orthogonal_mp_gram

    gram = []

    def code(X):
        return orthogonal_mp_gram(gram[0], dictionary @ X.T, n_nonzero_coefs=k).T

    return lambda: gram.append(dictionary @ dictionary.T), code


def dictlearn_batch_omp(dictionary, k):
    from dictlearn import sparse_encode

    gram = []

    def prepare():
        # Batch-OMP widens its Gram matrix in each call, unless it comes so.
        gram.append((dictionary @ dictionary.T).astype(np.float64))

    def code(X):
        options = {"algorithm": "batch_omp", "n_nonzero_coefs": k}
        return sparse_encode(None, gram=gram[0], cov=dictionary @ X.T, **options)

    return prepare, code


def _nothing():
    pass


def _with_gram(n_bytes):
    """For a Gram matrix of that many bytes an entry, codes included."""
    return lambda size: n_bytes * size.n_features**2 + 8 * size.n_features * size.n_components


def _products(size):
    return 4 * size.n_features * (3 * size.n_components + 1024)


NUMPY_PURSUIT = LearnedPeer(
    "NumPy, k products R @ F.T",
    numpy_pursuit,
    nbytes=_products,
    n_samples=256,
    note="float32",
    has_later_call=True,
)

ORTHOGONAL_PURSUITS = [
    LearnedPeer(
        "SPAMS omp",
        spams_omp,
        "spams",
        "spams-bin",
        nbytes=_with_gram(8),
        note="float32; it computes its Gram matrix in every call",
    ),
    LearnedPeer(
        "sklearn orthogonal_mp_gram",
        sklearn_gram,
        nbytes=_with_gram(12),
        n_samples=2,
        note="float32",
    ),
    LearnedPeer(
        "dictlearn batch_omp",
        dictlearn_batch_omp,
        "dictlearn",
        nbytes=_with_gram(16),
        n_samples=32,
        note="float64",
    ),
]
