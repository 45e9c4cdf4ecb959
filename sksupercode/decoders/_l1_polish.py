r"""Codes of solvers of l1 programs, made exact and checked.

Solvers stop at tolerances of their own, and their codes have rounding errors. The code z of a
solver is moved in a straight line towards the least-squares fit on its own columns, until its
residual is as short as was asked for. Coefficients stay nonnegative, and where the support is that
of the optimum the result is the optimum. The proof of it is a vector u of the dual program

.. math::
    \max_u \langle x, u \rangle - \delta \|u\| \ \text{ subject to } \ A u \le 1 ,

whose value is a lower bound for all codes, for every u that is feasible.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import lstsq
from scipy.optimize import nnls

# Without a tolerance x counts as explained with a residual of this fraction of its norm: what is
# left of samples in single precision.
FEASIBLE = 1e-7
# A residual of this fraction of the sample is rounding.
_EXACT = 1e-12
# A column that contributes this fraction of the largest contribution is tried without.
_NEGLIGIBLE = 1e-7
# Cosine of an angle that is right, for a residual that is no smaller than that.
_ORTHOGONAL = 1e-8
# By which fraction an l1 norm may exceed the proven least.
_GAP = 1e-5
# Part of a tolerance that is left to the rounding of whoever computes the residual again.
_RESERVE = 1e-9
_ROUNDING = 16 * np.finfo(np.float64).eps


def inner_tolerance(size, tol):
    """Return ``tol`` less the rounding of sums of terms whose norms add up to ``size``."""
    return max(tol / 2, tol * (1 - _RESERVE) - _ROUNDING * size)


def is_explained(size, tol, error):
    """Return whether a residual of norm ``error`` is what was asked for."""
    return error <= (tol if tol > 0 else FEASIBLE * size)


def judge(columns, x, tol, chosen, z, prices=None, price=1.0):
    """Return what :func:`polish` makes of a code, and what is proved about it.

    "optimal" for the least l1 norm of all codes whose residual is what was asked for, "infeasible"
    for one of least squares where there are none, "failed" without proof. ``prices`` may be the
    solution u of the dual program, with ``price`` the largest ``<a, u>`` of all columns.
    """
    chosen, z, error = polish(columns, x, chosen, z, tol)
    A = columns.rows(chosen)
    rest = x - z @ A
    if not is_explained(np.linalg.norm(x), tol, error):
        return chosen, z, "infeasible" if separates(columns, rest) else "failed"
    if len(z) == 0 or (prices is not None and is_optimal(A, x, z, prices, tol, price)):
        return chosen, z, "optimal"
    # The code's own prices: those at which its columns cost 1 each, or the line of its residual.
    prices = rest if tol > 0 else fit(A.T, np.ones(len(A)), is_signed=True)
    price = columns.price(prices[np.newaxis]).max()
    if price > 0 and is_optimal(A, x, z, prices / price, tol):
        return chosen, z, "optimal"
    return chosen, z, "failed"


def best_code(columns, x, tol, codes, pool=None):
    """Return one of several codes of :func:`judge`: with proof, then feasible, then the nearest.

    Where none is feasible, the least-squares fit on the columns of a pool is another.
    """
    size = np.linalg.norm(x)

    def rank(code):
        chosen, z, status = code
        error = np.linalg.norm(x - z @ columns.rows(chosen))
        return status == "failed", 0.0 if is_explained(size, tol, error) else error, z.sum()

    best = min(codes, key=rank) if len(codes) > 1 else codes[0]
    if pool is None or best[2] != "failed" or rank(best)[1] == 0:
        return best
    z = fit(columns.rows(pool), x) * (1 - inner_tolerance(size, tol) / size)
    return min(best, judge(columns, x, tol, pool, z), key=rank)


def separates(columns, residual):
    """Return whether no column has a positive correlation with the residual."""
    zero = _ORTHOGONAL * columns.norms * np.linalg.norm(residual)
    residual = residual[np.newaxis]
    return (columns.price(residual) <= zero + columns.rounding(residual)).all()


def polish(columns, x, chosen, z, tol=0.0):
    """Return a code on some columns whose residual is as short as was asked for, and its norm.

    ``z`` is what a solver says of the coefficients of columns ``chosen``; a ``tol`` of 0 asks for
    as little as rounding allows. If there is no such code, this one has the shortest residual of
    those tried, of which the zero code is one. Columns are of distinct codewords, coefficients
    positive.
    """
    size = np.linalg.norm(x)
    best = np.empty(0, np.intp), np.empty(0), size
    chosen, z = columns.net(chosen, np.where(np.isfinite(z), z, 0.0))
    parts = z * columns.norms[chosen]
    goal = inner_tolerance(size + parts.sum(), tol)
    enough = (goal + tol) / 2 if tol > 0 else _EXACT * size
    for least in (_NEGLIGIBLE * parts.max(initial=0.0), 0.0):
        kept = parts > least
        few = chosen[kept]
        A = columns.rows(few)
        for code in _line(A, x, z[kept], goal, columns.is_signed):
            error = np.linalg.norm(x - code @ A)
            if error < best[2]:
                best = *columns.net(few, code), error
            if error <= enough:
                return best
        if kept.all() or (tol == 0 and is_explained(size, tol, best[2])):
            break
    return best


def _line(A, x, z, goal, is_signed):
    """Yield the code, and the first on the line to the best fit whose residual is short enough."""
    yield z
    end = fit(A, x, is_signed)
    start = x - z @ A
    way = (z - end) @ A
    # |start + t way|^2 = goal^2
    a, b, c = way @ way, start @ way, start @ start - goal**2
    root = b * b - a * c
    t = c / (-b + np.sqrt(root)) if root >= 0 and b < 0 else 1.0
    if 0 < t < 1 and goal > 0:
        yield z + t * (end - z)
    yield end


def fit(A, x, is_signed=False):
    """Return the combination of rows of A, of any norm but 0, that comes closest to x."""
    norms = np.linalg.norm(A, axis=1)
    B = A / norms[:, np.newaxis]
    z = _refined(B, x)
    if not is_signed and z.min(initial=0.0) < 0:
        z = _nonnegative(B, x)
        used = z > 0
        exact = _refined(B[used], x)
        if exact.min(initial=0.0) >= 0:
            z[used] = exact
    return z / norms


def _nonnegative(B, x):
    # Rows that are equal or opposite lead round in circles, unless they differ by a little.
    for difference in (0.0, 1e-10, 1e-8):
        lengths = 1 + difference * np.arange(len(B)) / len(B)
        try:
            return nnls(B.T * lengths, x, maxiter=10 * len(B))[0] * lengths
        except RuntimeError:
            continue
    return np.zeros(len(B))


def _refined(B, x):
    """Return the coefficients of least squares, corrected once by those of their residual."""
    if len(B) == 0:
        return np.zeros(0)
    z, rest = np.zeros(len(B)), x
    cond = max(B.shape) * np.finfo(np.float64).eps
    for _ in range(2):
        better = z + lstsq(B.T, rest, cond, lapack_driver="gelsy")[0]
        error = x - better @ B
        if not np.linalg.norm(error) < np.linalg.norm(rest):
            break
        z, rest = better, error
    return z


def is_optimal(A, x, z, u, tol=0.0, price=1.0):
    """Return whether prices u prove that no code has a smaller l1 norm than z on rows A.

    ``price`` is the largest price ``<a, u>`` of any other column, if that is above 1.
    """
    price = max(1.0, price, (A @ u).max(initial=0.0))
    return z.sum() * price <= (x @ u - tol * np.linalg.norm(u)) * (1 + _GAP)
