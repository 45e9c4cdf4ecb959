r"""Orthonormal bases of what several samples have selected, one codeword more with each step.

The selected codewords of a sample are the rows of :math:`F_S = C Q`: Q has orthonormal rows, and C
is lower triangular. A least-squares problem on the support, in d dimensions, becomes one in as many
dimensions as there are codewords,

.. math::
    \lVert x - F_S^T y \rVert^2 = \lVert x - Q^T Q x \rVert^2 + \lVert Q x - C^T y \rVert^2 ,

without the squared condition number of normal equations. Q grows by the Gram-Schmidt process, which
is repeated where much cancels.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# A codeword whose distance from the span of others is this fraction of its norm depends on them.
DEPENDENT = 1e-10
# Orthogonalise again what is shorter than this fraction of what it was.
_CANCELLED = 0.5
_FIRST_CAPACITY = 16


class OrthogonalBases:
    """The bases of some samples V, all of the same ``size``, of at most ``most`` codewords.

    ``residuals`` are ``x - Q^T Q x``, what the span of the codewords leaves of x.
    """

    def __init__(self, V, most):
        n_samples, n_components = V.shape
        self.size = 0
        self.residuals = V.copy()
        self._most = most
        self._bases = np.empty((n_samples, 0, n_components))
        self._triangles = np.empty((n_samples, 0, 0))
        self._targets = np.empty((n_samples, 0))

    def keep(self, kept):
        """Forget all samples but some, given as a mask."""
        self.residuals = self.residuals[kept]
        self._bases = self._bases[kept]
        self._triangles = self._triangles[kept]
        self._targets = self._targets[kept]

    @property
    def vectors(self):
        """The bases Q of shape (n_samples, size, d)."""
        return self._bases[:, : self.size]

    @property
    def triangles(self):
        """The matrices C of shape (n_samples, size, size)."""
        return self._triangles[:, : self.size, : self.size]

    @property
    def targets(self):
        """The vectors ``Q x`` of shape (n_samples, size)."""
        return self._targets[:, : self.size]

    def add(self, codewords):
        """Select one more codeword for each sample; return where it adds nothing to the span.

        There its row of Q is zero.
        """
        if self.size == self._targets.shape[1]:
            self._grow()
        t = self.size
        basis = self._bases[:, :t]
        lengths = np.linalg.norm(codewords, axis=1)
        coordinates, rest = _project_out(basis, codewords)
        again = np.linalg.norm(rest, axis=1) < _CANCELLED * lengths
        if again.any():
            correction, rest[again] = _project_out(basis[again], rest[again])
            coordinates[again] += correction
        distances = np.linalg.norm(rest, axis=1)
        is_independent = distances > DEPENDENT * lengths
        distances[~is_independent] = 0
        new = self._bases[:, t]
        np.divide(rest, distances[:, np.newaxis], out=new, where=is_independent[:, np.newaxis])
        new[~is_independent] = 0
        self._triangles[:, t, :t] = coordinates
        self._triangles[:, t, t] = distances
        self._targets[:, t] = (new * self.residuals).sum(axis=1)
        self.residuals -= self._targets[:, t, np.newaxis] * new
        self.size = t + 1
        return ~is_independent

    def _grow(self):
        more = min(self._most, max(_FIRST_CAPACITY, 2 * self.size)) - self.size
        self._bases = np.pad(self._bases, ((0, 0), (0, more), (0, 0)))
        self._triangles = np.pad(self._triangles, ((0, 0), (0, more), (0, more)))
        self._targets = np.pad(self._targets, ((0, 0), (0, more)))

    def coefs(self, rows):
        """Return the least-squares coefficients of some samples, in the order of selection.

        That of a codeword that depends on those before it is 0.
        """
        triangles = self.triangles[rows].transpose(0, 2, 1).copy()
        diagonals = np.einsum("nii->ni", triangles)
        diagonals[diagonals == 0] = 1
        return np.linalg.solve(triangles, self.targets[rows][..., np.newaxis])[..., 0]

    def combine(self, rows, coordinates):
        """Return ``Q^T c`` for the coordinates c of some samples."""
        return np.matmul(coordinates[:, np.newaxis], self._bases[rows, : self.size])[:, 0]


def _project_out(basis, vectors):
    """Return the coordinates of vectors in orthonormal rows, and what these leave of them."""
    coordinates = np.matmul(basis, vectors[..., np.newaxis])[..., 0]
    return coordinates, vectors - np.matmul(coordinates[:, np.newaxis], basis)[:, 0]
