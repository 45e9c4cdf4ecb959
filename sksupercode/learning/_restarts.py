"""Where codewords begin again: with what the dictionary explains worst.

Two things are explained badly. A feature that has no codeword is what is left of the samples with
the largest errors. And where two features share a codeword f, what is left of its samples is along
one direction v, to either side: with the tangent t of the angle between f and the features, these
are f + t v and f - t v. A codeword that begins at one of them leaves f to the other.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._threads import in_threads

# A cosine of two residuals that are of the same feature.
_ALIKE = 0.7
# Tangents of features that share a codeword are not less: others would be redundant.
_LEAST_TANGENT = 0.33
_POWER_ITERATIONS = 8


def shared_codewords(Z, residuals, codewords, n_wanted):
    """Return at most so many unit vectors, each one of two features that share a codeword.

    Z is the CSC array of the codes that leave the residuals; the first share the most energy.
    """
    from sksupercode.learning._update_kernels import principal_directions

    directions, energies = np.zeros_like(codewords), np.zeros(len(codewords))

    def find(start, stop):
        some = directions, energies, _POWER_ITERATIONS, start, stop
        principal_directions(Z.indptr, Z.indices, residuals, *some)

    in_threads(find, len(codewords))
    squares = np.asarray(Z.multiply(Z).sum(axis=0)).ravel()
    tangents = np.sqrt(energies / np.where(squares > 0, squares, np.inf))
    order = np.argsort(-energies, kind="stable")
    order = order[tangents[order] >= _LEAST_TANGENT][:n_wanted]
    features = codewords[order] + tangents[order, np.newaxis] * directions[order]
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


class WorstExplained:
    """The samples with the largest errors so far, as many as ``capacity``."""

    def __init__(self, capacity, n_components):
        self._capacity = capacity
        self._errors = np.zeros(0)
        self._residuals = np.zeros((0, n_components), dtype=np.float32)

    def add(self, residuals, errors):
        """Take in the residuals of some samples and their squared norms."""
        errors = np.concatenate([self._errors, errors])
        order = np.argsort(-errors, kind="stable")[: self._capacity]
        n_held = len(self._errors)
        held, new = order[order < n_held], order[order >= n_held]
        self._errors = np.concatenate([errors[held], errors[new]])
        self._residuals = np.concatenate([self._residuals[held], residuals[new - n_held]])

    def directions(self, n_wanted):
        """Return at most so many unit vectors, the worst first, of which no two are alike."""
        order = np.argsort(-self._errors, kind="stable")
        order = order[self._errors[order] > 0][: 4 * n_wanted]
        units = self._residuals[order] / np.sqrt(self._errors[order])[:, np.newaxis]
        units = units.astype(np.float32)
        chosen = []
        largest = np.full(len(units), -np.inf, dtype=np.float32)
        for index in range(len(units)):
            if len(chosen) == n_wanted:
                break
            if largest[index] < _ALIKE:
                chosen.append(index)
                np.maximum(largest, units @ units[index], out=largest)
        return units[chosen]
