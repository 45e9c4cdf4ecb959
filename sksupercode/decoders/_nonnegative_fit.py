"""Nonnegative least squares on supports that grow, from what was the solution before."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.decoders._orthogonal_bases import OrthogonalBases

# A gradient of this part of the norm of b is rounding.
_ROUNDING = 1e-13
# Singular values below this part of the largest are none.
_DEPENDENT = 1e-10


class NonnegativeFit:
    """Nonnegative coefficients of what samples V have selected, ``most`` codewords each at most.

    ``residuals`` are what the best nonnegative superpositions leave of the samples.
    """

    def __init__(self, V, most):
        self._bases = OrthogonalBases(V, most)
        self._coefs = self._norms = np.empty((len(V), 0))
        self._is_independent = np.ones(len(V), dtype=bool)
        self.residuals = self._bases.residuals

    @property
    def bases(self):
        """The bases of what was selected, as :class:`OrthogonalBases`."""
        return self._bases

    def keep(self, kept):
        """Forget all samples but some, given as a mask."""
        self._bases.keep(kept)
        self._coefs, self._norms = self._coefs[kept], self._norms[kept]
        self._is_independent = self._is_independent[kept]
        self.residuals = self.residuals[kept]

    def coefs(self, rows):
        """Return the coefficients of some samples, in the order of selection."""
        return self._coefs[rows] / self._norms[rows]

    def add(self, codewords):
        """Select one more codeword for each sample; return where there was none to select."""
        norms = np.linalg.norm(codewords, axis=1)
        is_over = norms == 0
        norms[is_over] = 1.0
        self._norms = np.column_stack([self._norms, norms])
        self._is_independent &= ~self._bases.add(codewords / norms[:, np.newaxis])
        coefs = self._bases.coefs(slice(None))
        self.residuals = self._bases.residuals.copy()
        # Where no coefficient is negative the constraint does not matter.
        bound = np.flatnonzero(~(self._is_independent & (coefs > 0).all(axis=1)))
        for row in bound:
            A, b = self._bases.triangles[row].T, self._bases.targets[row]
            start = np.append(self._coefs[row], 0.0)
            coefs[row] = nonnegative_least_squares(A, b, start, len(start) - 1)
            left = (b - A @ coefs[row])[np.newaxis]
            self.residuals[row] += self._bases.combine([row], left)[0]
        self._coefs = coefs
        return is_over


def nonnegative_least_squares(A, b, start, candidate=None):
    """Minimise ``||A y - b||`` over y >= 0, by the active sets of Lawson and Hanson.

    Columns of A have norm 1, or 0; those of positive coefficients of ``start`` are independent.
    ``candidate`` is the column to take in first, where ``start`` is the solution without it; None
    begins with the columns of ``start``. The solution uses no set of columns that is dependent.
    """
    y = start.copy()
    used = y > 0
    refused = np.zeros(len(y), dtype=bool)
    rounding = _ROUNDING * np.linalg.norm(b)
    for _ in range(10 * len(y)):
        entered = candidate is not None
        if entered:
            used[candidate] = True
        while True:
            solution = np.zeros(len(y))
            solution[used], _, rank, _ = np.linalg.lstsq(A[:, used], b, rcond=_DEPENDENT)
            if entered and (rank < used.sum() or solution[candidate] <= 0):
                # The gradient was rounding.
                used[candidate], refused[candidate] = False, True
                break
            negative = used & (solution <= 0)
            if not negative.any():
                y = solution
                refused[:] = False
                break
            steps = y[negative] / (y[negative] - solution[negative])
            y += steps.min() * (solution - y)
            blocking = np.flatnonzero(negative)[steps == steps.min()]
            used[blocking] = False
            y[~used] = 0
            entered = False
        gradient = A.T @ (b - A @ y)
        gradient[used | refused] = -np.inf
        if gradient.max() <= rounding:
            break
        # The first of equal columns, whose gradients rounding tells apart.
        candidate = np.argmax(gradient >= gradient.max() - rounding)
    return y
