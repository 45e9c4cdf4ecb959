"""The inverse of a Gram matrix whose columns come and go one at a time."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

# A column depends on others if its squared distance from their span is this fraction of its square.
_DEPENDENT = 1e-11
# Error of a solution, as a fraction of the right-hand side, that one correction can still mend.
_INACCURATE = 1e-5


class GramInverse:
    """The inverse of the Gram matrix of columns that come and go, at most ``capacity`` of them."""

    def __init__(self, gram, capacity):
        self._size = m = len(gram)
        self._gram = np.zeros((capacity, capacity))
        self._gram[:m, :m] = gram
        self._inverse = np.zeros((capacity, capacity))
        if m:
            self._inverse[:m, :m] = cho_solve(cho_factor(gram), np.eye(m))

    def solve(self, b):
        """Return ``G^{-1} b``, in which the errors of the inverse count only squared."""
        m = self._size
        gram, inverse = self._gram[:m, :m], self._inverse[:m, :m]
        solution = inverse @ b
        error = b - gram @ solution
        # Written so that nan is too large, too.
        if not (np.abs(error) <= _INACCURATE * np.abs(b).max(initial=0.0)).all():
            raise LinAlgError("The columns depend too much on each other.")
        return solution + inverse @ error

    def append(self, products, squared_norm):
        """Add a column, given its inner products; return False if it depends on the others."""
        m = self._size
        weights = self.solve(products)
        squared_distance = squared_norm - weights @ products
        if squared_distance <= _DEPENDENT * squared_norm:
            return False
        self._gram[m, :m] = self._gram[:m, m] = products
        self._gram[m, m] = squared_norm
        self._inverse[:m, :m] += np.outer(weights, weights / squared_distance)
        self._inverse[m, :m] = self._inverse[:m, m] = -weights / squared_distance
        self._inverse[m, m] = 1 / squared_distance
        self._size += 1
        return True

    def remove(self, i):
        """Remove the i-th column; the last takes its place."""
        last = self._size - 1
        for matrix in (self._gram, self._inverse):
            matrix[[i, last]] = matrix[[last, i]]
            matrix[:, [i, last]] = matrix[:, [last, i]]
        column = self._inverse[:last, last]
        self._inverse[:last, :last] -= np.outer(column, column / self._inverse[last, last])
        self._size = last
