r"""Basis pursuit by linear programs that hold only a few of the columns.

The program and its dual are

.. math::
    \min_{z \ge 0} \sum_i z_i \ \text{ subject to } \ \|x - A^T z\| \le \delta
    \qquad\text{and}\qquad
    \max_u \langle x, u \rangle - \delta \|u\| \ \text{ subject to } \ A u \le 1 .

A solver that is given only some of the columns of A returns a code z and prices u. If no other
column has ``<a, u> > 1``, then u is feasible in the dual of the whole program, and z is its
optimum; otherwise the columns of the largest violations are added [1]_. While the columns at hand
cannot explain x, the residual p of their best nonnegative fit takes the place of u: columns with
``<a, p> > 0`` are added. If there are none, there is no code at all, by Farkas's lemma.

The prices of an interior-point method lie in the middle of the optimal ones and need a few rounds;
those of the simplex method lie at a corner and need dozens [2]_. A last run of the simplex method
on the columns whose price is 1 brings exact zeros.

References
----------
.. [1] G. B. Dantzig and P. Wolfe, "Decomposition principle for linear programs", Operations
   Research 8(1), 1960.
.. [2] M. E. Lübbecke and J. Desrosiers, "Selected topics in column generation", Operations Research
   53(6), 2005.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from scipy.optimize import linprog

from sksupercode.decoders._l1_polish import best_code, fit, inner_tolerance, is_explained, judge

# By how much the price of a column may exceed 1: the accuracy of interior-point methods.
_SLACK = 1e-6
# What passes for 0 of a correlation with a residual.
_ZERO = 1e-9
# Columns whose price is this close to 1 are those that an optimum may use.
_NEAR = 1e-3
# Any code that explains x by columns whose price is this close to 1 is an optimum.
_TIGHT = 1e-5
_MOST_ROUNDS = 100
# What cvxpy says of a problem whose variables hold a point worth having.
_WITH_A_POINT = ("optimal", "optimal_inaccurate", "user_limit")
# By default OSQP before version 1 adapts its steps by the clock, so that no run is like another.
_SETTINGS = {"OSQP": {"adaptive_rho_interval": 50}}

# They are both scipy.optimize.linprog, whatever cvxpy has installed.
LINEAR_SOLVERS = ("HIGHS", "SCIPY")


def generate_columns(columns, x, tol=0.0, solver=None):
    """Return the code of least l1 norm with ``||x - A^T z|| <= tol``, for an x that is not 0.

    The columns in use, their coefficients, which are not negative, and what is certified, as in
    :func:`judge`. Programs are solved by ``solver``, as cvxpy names it; None takes Clarabel and,
    without noise, the simplex method.
    """
    size = np.linalg.norm(x)
    norm = columns.norms.max(initial=0.0) or 1.0
    count = program_width(columns)
    chosen = columns.best(columns.price(x[np.newaxis])[0], count)
    if tol >= size or len(chosen) == 0:
        return judge(columns, x, tol, chosen, np.zeros(len(chosen)))
    # The program is homogeneous in dictionary and sample; the tolerances of solvers are not.
    y, inner = x / size, inner_tolerance(size, tol) / size
    # An interior-point method and, without noise, a simplex one.
    by_default = ("CLARABEL",) if tol > 0 else ("CLARABEL", "HIGHS")
    solvers = by_default if solver is None else (solver,)
    for _ in range(_MOST_ROUNDS):
        A = columns.rows(chosen) / norm
        for solver in solvers:
            answer, z, prices = solve_program(A, y, inner, solver)
            if answer == "optimal":
                break
        limit, is_solved = 1 + _SLACK, z is not None
        if not is_solved:
            z = fit(A, y)
            prices = y - z @ A
            error = np.linalg.norm(prices)
            if is_explained(1.0, inner, error):
                break
            limit = _ZERO * error
        scores = columns.price(prices[np.newaxis])[0] / norm
        violates = scores > limit
        violates[chosen] = False
        if not violates.any():
            break
        chosen = np.union1d(chosen, columns.best(scores, count // 3, violates))
    unit = size / norm
    if not is_solved:
        return judge(columns, x, tol, chosen, unit * z)

    def candidates():
        near, tight = (chosen[scores[chosen] > 1 - width] for width in (_NEAR, _TIGHT))
        if len(near) and solver != solvers[-1]:
            yield near, solve_program(columns.rows(near) / norm, y, inner, solvers[-1])[1]
        if tol == 0:
            yield tight, fit(columns.rows(tight) / norm, y)
        yield chosen, z

    codes = []
    for few, code in candidates():
        if code is not None:
            proof = prices / norm, scores.max()
            codes.append(judge(columns, x, tol, few, unit * code, *proof))
            if codes[-1][2] != "failed":
                return codes[-1]
    return best_code(columns, x, tol, codes, chosen)


def program_width(columns):
    """Return how many columns the first program gets."""
    n_columns, n_components = columns.shape
    return min(n_columns, 3 * n_components + 100)


def compile_program(A, x, tol):
    """Return the program on a few columns, its variable, and the equation that prices belong to."""
    import cvxpy

    z = cvxpy.Variable(len(A), nonneg=True)
    misfit, constraints = 0.0, []
    if tol > 0:
        misfit = cvxpy.Variable(len(x))
        constraints = [cvxpy.norm(misfit) <= tol]
    equation = A.T @ z + misfit == x
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(z)), [equation, *constraints])
    return problem, z, equation


def solve_program(A, x, tol, solver):
    """Solve the program on a few columns A by a solver, as cvxpy names it.

    Returns what cvxpy says of the solution, the code and the solution u of the dual program, None
    if there is none. HiGHS is SciPy's: highspy prints its name and version before it can be given
    options.
    """
    if solver in LINEAR_SOLVERS:
        answer = linprog(np.ones(len(A)), A_eq=A.T, b_eq=x, method="highs-ds")
        if not answer.success:
            return "failed", None, None
        return "optimal", answer.x, answer.eqlin.marginals
    import cvxpy

    problem, z, equation = compile_program(A, x, tol)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem.solve(solver=solver, **_SETTINGS.get(solver, {}))
    except (cvxpy.SolverError, ArithmeticError, ValueError):
        return cvxpy.SOLVER_ERROR, None, None
    prices = equation.dual_value
    if problem.status not in _WITH_A_POINT or z.value is None or prices is None:
        return problem.status, None, None
    # cvxpy's multipliers are those of the equation with either sign.
    return problem.status, z.value, prices if prices @ x > 0 else -prices
