r"""Basis pursuit by following the LASSO's solutions from the empty code to the optimum.

For nonnegative codes z, the solution of

.. math::
    \min_z \tfrac12 \|x - A^T z\|^2 + \lambda \sum_i z_i , \qquad z \ge 0 ,

is marked by its *active set*: the columns whose correlation with the residual r equals lambda,
while no correlation exceeds it. As lambda falls from ``max(A x)`` to 0, the solution moves on
straight lines. With ``w = G^{-1} 1`` for the Gram matrix G of the active columns, z grows by w and
r shrinks by ``u = A_active^T w`` for each unit of lambda, until a column joins, or a coefficient is
back at 0 and its column leaves [1]_, [2]_. At lambda = 0 the path arrives at the solution of basis
pursuit, and where ||r|| meets a tolerance, at that of basis pursuit denoising. Where there is a
k-sparse code to be found, it takes a few times k steps [3]_.

Why a working set is safe
    The path is followed on a pool of the columns that matter soon. Every few steps all M columns
    are correlated once. If none exceeds lambda, the point solves the LASSO over all of them, for
    any path so far. Otherwise the columns of the largest violations join the pool, and the path
    goes on from the last point that passed the test. The last test is on the line to lambda = 0:
    with ``r = p + lambda u``, no column may have a positive correlation with p, nor exceed 1 in
    that with u where it is orthogonal to p. If p = 0, this makes u feasible in the dual program
    ``max <x, u> subject to A u <= 1`` and proves the optimum. Otherwise ``A p <= 0`` proves that no
    code explains x, and that this one has the least squared error.

References
----------
.. [1] M. R. Osborne, B. Presnell and B. A. Turlach, "A new approach to variable selection in least
   squares problems", IMA Journal of Numerical Analysis 20(3), 2000.
.. [2] B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression", Annals of
   Statistics 32(2), 2004.
.. [3] D. L. Donoho and Y. Tsaig, "Fast solution of l1-norm minimization problems when the solution
   may be sparse", IEEE Transactions on Information Theory 54(11), 2008.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from sksupercode.decoders._gram_inverse import GramInverse
from sksupercode.decoders._l1_polish import best_code, inner_tolerance, judge

# A correlation of this fraction of the norms of sample and column is 0.
_ZERO = 1e-11
# A coefficient of this fraction of the largest has no sign.
_NEGLIGIBLE = 1e-9
# By which fraction of lambda a correlation may exceed it.
_SLACK = 1e-9
# What linear programming allows of a negative coefficient, as a fraction of the largest.
_NEGATIVE = 1e-7
# Events happen together if their penalties differ by this fraction.
_TIE = 1e-12
# Where equal correlations lead round in circles, columns are made longer by up to this fraction.
_PERTURBATION = 1e-7
# A path that is longer than this many times d goes round in circles.
_MOST_STEPS = 20


def follow_path(columns, x, tol=0.0):
    """Return the code of least l1 norm with ``||x - A^T z|| <= tol``.

    The columns in use, their coefficients, all positive, and what is certified, as in
    :func:`judge`.
    """
    size = np.linalg.norm(x)
    codes = []
    for perturbation in (0.0, _PERTURBATION):
        among = columns.perturbed(perturbation) if perturbation else columns
        point, pool = _follow_path(among, x, inner_tolerance(size, tol))
        z = point.coefficients * np.abs(among.weights[point.columns])
        codes.append(judge(columns, x, tol, point.columns, z, point.prices(size)))
        if codes[-1][2] != "failed":
            return codes[-1]
    return best_code(columns, x, tol, codes, pool)


def _follow_path(columns, x, tol):
    """Return the last point that passed the test, and its pool of columns."""
    size = np.linalg.norm(x)
    prices = columns.price(x[np.newaxis])[0]
    top = max(0.0, prices.max(initial=0.0))
    point = Point(top, np.empty(0, np.intp), np.empty(0), x, np.zeros_like(x))
    pool_size = 2 * columns.shape[1] + 100
    pool = columns.best(prices, pool_size)
    is_finished = size <= tol or top == 0
    n_steps, stride = _MOST_STEPS * (columns.shape[1] + 50), 1.0
    while not is_finished and n_steps > 0 and stride > 1e-2:
        length = math.ceil(stride * (30 + len(point.columns) / 4))
        try:
            path = Path(columns, pool, point, tol, length)
            n_steps -= path.follow(_ZERO * size * columns.norms[pool])
            trial = path.point(x)
        except LinAlgError:
            stride /= 4
            continue
        prices, violations = find_violations(columns, trial, size, pool_size)
        n_known = len(pool)
        if len(violations):
            pool = np.union1d(pool, violations)
            if len(pool) == n_known:
                # Rounding spoils long paths first: each begins at a point that is computed anew.
                stride /= 4
        else:
            point, is_finished, stride = trial, path.is_finished, min(1.0, 2 * stride)
            pool = np.union1d(point.columns, columns.best(prices, pool_size))
    return point, pool


@dataclass
class Point:
    """A solution of the LASSO at lambda = ``penalty``, and the line that it lies on.

    ``rest`` and ``direction`` are the vectors p and u of the residual ``p + lambda u``.
    """

    penalty: float
    columns: np.ndarray
    coefficients: np.ndarray
    rest: np.ndarray
    direction: np.ndarray

    @property
    def residual(self):
        return self.rest + self.penalty * self.direction

    def is_exact(self, size):
        """Return whether p is rounding, for a sample of norm ``size``: u is a point's residual."""
        return np.linalg.norm(self.rest) <= _ZERO * size

    def prices(self, size):
        """Return the solution of the dual program, if the point is the optimum."""
        if self.penalty == 0 or self.is_exact(size):
            return self.direction
        return self.residual / self.penalty


def find_violations(columns, point, size, count):
    """Test a point against all columns, for a sample of norm ``size``.

    Returns prices of all columns, the larger, the sooner one is going to be used, and at most
    ``count`` columns that prove that the point is not the solution: none, if it is.
    """
    is_last = point.penalty == 0
    vectors, limit, rounding = [point.residual], point.penalty, size
    if is_last:
        vectors = [point.rest, point.direction]
    elif point.is_exact(size):
        # The same test, however small lambda is.
        vectors, limit, rounding = [point.direction], 1.0, np.linalg.norm(point.direction)
    vectors = np.stack(vectors)

    def violates(scores, norms, tolerance):
        zero = _ZERO * rounding * norms
        if is_last:
            rest, slopes = scores
            return (rest > zero - tolerance[0]) | (
                (rest > -zero - tolerance[0]) & (slopes > 1 + _SLACK - tolerance[1])
            )
        return scores[0] > limit * (1 + _SLACK) + zero - tolerance[0]

    scores = columns.price(vectors)
    prices = scores[0] / size + scores[1] if is_last else scores[0]
    suspected = violates(scores, columns.norms, columns.rounding(vectors))
    suspected[point.columns] = False
    suspects = columns.best(prices, count, suspected)
    exact = vectors @ columns.rows(suspects).T
    certain = violates(exact, columns.norms[suspects], np.zeros(2))
    negative = point.coefficients < -_NEGATIVE * point.coefficients.max(initial=0.0)
    return prices, np.concatenate([suspects[certain], point.columns[negative]])


class Path:
    """The path on a pool of columns, from a point on, for at most ``length`` steps.

    Columns of the pool are in increasing order, those of the point among them. Nothing but
    correlations with the pool is needed: ``gram[:, i]`` holds those of the i-th active column, and
    ``correlations`` those of the residual. The path ends where the norm of this is ``tol``.
    """

    def __init__(self, columns, pool, point, tol, length):
        active = np.searchsorted(pool, point.columns)
        m = len(active)
        self.is_finished = False
        self._indices = pool
        self._pool = columns.take(pool)
        self._tol = tol
        self._length = length
        self._penalty = point.penalty
        self._active = list(active)
        self._coefficients = point.coefficients
        self._squared_residual = point.residual @ point.residual
        self._correlations = self._pool.correlate(point.residual[np.newaxis])[0]
        self._gram = np.empty((len(pool), m + length), order="F")
        if m:
            self._gram[:, :m] = self._pool.correlate(self._pool.rows(active)).T
        self._inverse = GramInverse(self._gram[active, :m], m + length)

    def follow(self, zero):
        """Go to the end of the path, or as far as its length allows; return the steps taken."""
        dependent = []
        for step in range(self._length):
            penalty = self._penalty
            m = len(self._active)
            direction = self._inverse.solve(np.ones(m))
            slopes = self._gram[:, :m] @ direction
            # Columns join or leave unless the line that leads on to lambda = 0 is clear of it.
            goal = self._correlations - penalty * slopes
            joins = (goal > zero) & (slopes < 1)
            joins[self._active + dependent] = False
            joins = np.flatnonzero(joins)
            join = goal[joins] / (1 - slopes[joins])
            goal = self._coefficients + penalty * direction
            leaves = np.flatnonzero(goal < -_NEGLIGIBLE * goal.max(initial=0.0))
            leave = goal[leaves] / direction[leaves]
            stop = self._stop(direction.sum())
            event = max(join.max(initial=0.0), leave.max(initial=0.0))
            self.is_finished = event <= stop
            self._penalty = min(penalty, max(event, stop))
            change = penalty - self._penalty
            self._coefficients = self._coefficients + change * direction
            self._correlations -= change * slopes
            self._squared_residual -= direction.sum() * (penalty**2 - self._penalty**2)
            if self.is_finished:
                return step + 1
            if leave.max(initial=0.0) == event:
                self._leave(leaves[np.argmax(leave)])
                dependent = []
            else:
                # Of columns that join together, as equal ones do, the first.
                place = joins[np.argmax(join >= event * (1 - _TIE))]
                if not self._join(place):
                    dependent.append(place)
        return self._length

    def _stop(self, rate):
        """Return the lambda at which the residual's norm is the tolerance, or 0."""
        if self._tol == 0 or rate <= 0:
            return 0.0
        surplus = self._squared_residual - self._tol**2
        return math.sqrt(max(0.0, self._penalty**2 - surplus / rate))

    def _join(self, place):
        """Make a column active, unless it depends linearly on the others."""
        m = len(self._active)
        column = self._pool.correlate(self._pool.rows([place]))[0]
        if not self._inverse.append(column[self._active], column[place]):
            return False
        self._gram[:, m] = column
        self._active.append(place)
        self._coefficients = np.append(self._coefficients, 0.0)
        return True

    def _leave(self, i):
        """Remove the i-th active column; the last takes its place."""
        self._inverse.remove(i)
        last = len(self._active) - 1
        self._gram[:, i] = self._gram[:, last]
        self._active[i] = self._active[last]
        self._active.pop()
        self._coefficients[i] = self._coefficients[last]
        self._coefficients = self._coefficients[:last]

    def point(self, x):
        """Return the point that the path has come to, computed anew from its active columns."""
        m = len(self._active)
        if m == 0:
            raise LinAlgError("No column is long enough to divide by its norm.")
        rows = self._pool.rows(self._active)
        gram = cho_factor(self._gram[self._active, :m])
        # Least squares by the normal equations, with a residual that is fed back.
        z, rest = np.zeros(m), x
        for _ in range(3):
            z = z + cho_solve(gram, rows @ rest)
            rest = x - z @ rows
        weights = cho_solve(gram, np.ones(m))
        direction = weights @ rows
        penalty = self._penalty
        if self.is_finished and self._tol > 0:
            surplus = self._tol**2 - rest @ rest
            penalty = math.sqrt(max(0.0, surplus) / (direction @ direction))
        return Point(penalty, self._indices[self._active], z - penalty * weights, rest, direction)
