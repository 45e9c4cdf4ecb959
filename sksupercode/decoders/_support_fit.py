"""Least squares on supports that are given, by QR decompositions of all of one size at once."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._blocks import block_length
from sksupercode.decoders._nonnegative_fit import nonnegative_least_squares
from sksupercode.decoders._orthogonal_bases import DEPENDENT


def fit_supports(dictionary, Z, V, values):
    """Return the codes of least squares on the support of Z, nonnegative or real.

    As ``(indices, values)``, in which the entries of a sample come first, in the order of Z.
    """
    counts = np.diff(Z.indptr)
    indices = np.zeros((len(V), counts.max(initial=0)), dtype=np.intp)
    coefs = np.zeros(indices.shape)
    # The arithmetic on a sample must not depend on how many codewords others have.
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        supports = Z.indices[Z.indptr[rows, np.newaxis] + np.arange(count)]
        length = block_length(32 * V.shape[1] * count, share=0.25)
        for start in range(0, len(rows), length):
            some, support = rows[start : start + length], supports[start : start + length]
            codewords = dictionary.codewords(support.ravel()).astype(np.float64)
            indices[some, :count] = support
            coefs[some, :count] = least_squares(
                codewords.reshape(*support.shape, -1), V[some], values
            )
    return indices, coefs


def least_squares(codewords, V, values):
    """Return the coefficients of codewords of shape (n_samples, k, d), nonnegative or real."""
    fit = _nonnegative_coefs if values == "nonnegative" else _real_coefs
    return fit(*_triangular_systems(codewords, V))


def _triangular_systems(codewords, V):
    """Reduce least-squares problems to as many dimensions as there are codewords.

    From supports of shape (n_samples, k, d) and samples to R of the decomposition Q R of codewords
    of norm 1, as columns, ``Q^T x``, and what codewords were divided by, infinite where they are 0.
    """
    norms = np.linalg.norm(codewords, axis=2)
    norms[norms == 0] = np.inf
    columns = np.concatenate([codewords / norms[..., np.newaxis], V[:, np.newaxis]], axis=1)
    R = np.linalg.qr(columns.transpose(0, 2, 1), mode="r")
    k = norms.shape[1]
    return R[:, :k, :k], R[:, :k, k], norms


def _real_coefs(triangles, targets, norms):
    coefs, is_dependent = _solve(triangles, targets)
    for row in np.flatnonzero(is_dependent):
        coefs[row] = np.linalg.lstsq(triangles[row], targets[row], rcond=DEPENDENT)[0]
    return coefs / norms


def _nonnegative_coefs(triangles, targets, norms):
    coefs, is_dependent = _solve(triangles, targets)
    # Where no coefficient is negative the constraint does not matter.
    for row in np.flatnonzero(is_dependent | (coefs < 0).any(axis=1)):
        start = np.maximum(coefs[row], 0)
        coefs[row] = nonnegative_least_squares(triangles[row], targets[row], start)
    return coefs / norms


def _solve(triangles, targets):
    """Return the coefficients, 0 where codewords are dependent, and where that is."""
    n_samples, n_components, k = triangles.shape
    diagonals = np.abs(np.einsum("nii->ni", triangles[:, :, :n_components]))
    is_dependent = (diagonals <= DEPENDENT).any(axis=1) | (n_components < k)
    coefs, rows = np.zeros((n_samples, k)), np.flatnonzero(~is_dependent)
    if len(rows):
        coefs[rows] = np.linalg.solve(triangles[rows], targets[rows, :, np.newaxis])[..., 0]
    return coefs, is_dependent
