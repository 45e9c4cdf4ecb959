"""Linear programs of few columns: rounds, certificates, and solvers that give up."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import cvxpy
import numpy as np
import pytest
from scipy.optimize import linprog

from sksupercode import RademacherEncoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _column_generation
from sksupercode.decoders._column_generation import generate_columns, solve_program
from sksupercode.decoders._pricing import Columns
from sksupercode.dictionaries import DenseDictionary


@pytest.fixture
def programs(monkeypatch):
    """Record of the programs: the number of columns, the solver, its status and its prices."""
    record = []

    def recorded(A, x, tol, solver):
        status, z, prices = solve_program(A, x, tol, solver)
        record.append((len(A), solver, status, prices))
        return status, z, prices

    monkeypatch.setattr(_column_generation, "solve_program", recorded)
    return record


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("tol", [0.0, 1.0])
def test_prices_certify_the_optimum_among_all(signed, tol, programs, monkeypatch):
    monkeypatch.setattr(_column_generation, "program_width", lambda columns: 40)
    rng = np.random.default_rng(0)
    F = rng.standard_normal((3000, 20))
    columns = Columns(DenseDictionary(F), signed)
    A = np.vstack([F, -F]) if signed else F
    norm = np.linalg.norm(F, axis=1).max()
    n_rounds = []
    for x in rng.standard_normal((3, 20)):
        programs.clear()
        chosen, z, status = generate_columns(columns, x, tol)
        assert status == "optimal"
        assert np.linalg.norm(x - z @ A[chosen]) <= tol + 1e-6
        rounds = [program for program in programs if program[1] == "CLARABEL"]
        n_rounds.append(len(rounds))
        assert max(n_columns for n_columns, *_ in rounds) < 200
        u = rounds[-1][3] / norm
        assert (A @ u).max() <= 1 + 1e-6
        assert z.sum() == pytest.approx(x @ u - tol * np.linalg.norm(u), rel=1e-5)
    assert 2 <= max(n_rounds) < 20


def test_zeros_are_exact():
    Y = make_sparse_codes(3, 2000, n_nonzero_coefs=4, random_state=0)
    encoder = RademacherEncoder(60, random_state=0)
    X = encoder.fit_transform(Y)
    columns = Columns(encoder.dictionary_.unnormalized, False)
    for row, v in enumerate(encoder.dictionary_.to_units(X)):
        chosen, z, status = generate_columns(columns, v)
        assert status == "optimal"
        np.testing.assert_array_equal(np.sort(chosen[z > 0]), Y[[row]].indices)


def test_columns_at_hand_may_be_too_few(programs):
    """The best correlated columns lie in a narrow cone; the residual of the best fit finds more."""
    rng = np.random.default_rng(0)
    x = np.eye(10)[0]
    beam = x + 0.3 * np.abs(rng.standard_normal((300, 10)))
    F = np.vstack([beam, 0.1 * rng.standard_normal((300, 10))])
    chosen, z, status = generate_columns(Columns(DenseDictionary(F), False), x)
    assert programs[0][2] != "optimal" and programs[0][0] < 300
    assert status == "optimal"
    assert z.sum() == pytest.approx(linprog(np.ones(600), A_eq=F.T, b_eq=x).fun, rel=1e-6)
    chosen, z, status = generate_columns(Columns(DenseDictionary(beam), False), x)
    assert status == "infeasible"
    error = x - z @ beam[chosen]
    assert (beam @ error).max() < 1e-8 < np.linalg.norm(error)


def test_nothing_to_be_found():
    columns = Columns(DenseDictionary(np.zeros((3, 2))), False)
    assert generate_columns(columns, np.ones(2))[2] == "infeasible"
    columns = Columns(DenseDictionary(np.eye(2)), False)
    _, z, status = generate_columns(columns, np.ones(2), tol=2.0)
    assert status == "optimal" and not z.any()


def test_a_solver_that_gives_up(monkeypatch):
    """The simplex method takes over; without it there is least squares, of no proven l1 norm."""
    F = np.random.default_rng(0).standard_normal((50, 10))
    columns, x = Columns(DenseDictionary(F), False), F[:3].sum(axis=0) + F.sum(axis=0) / 10

    def give_up(self, solver, **kwargs):
        raise cvxpy.SolverError("no")

    monkeypatch.setattr(cvxpy.Problem, "solve", give_up)
    chosen, z, status = generate_columns(columns, x)
    assert status == "optimal"
    assert z.sum() == pytest.approx(linprog(np.ones(50), A_eq=F.T, b_eq=x).fun)
    chosen, z, status = generate_columns(columns, x, solver="CLARABEL")
    assert status == "failed"
    np.testing.assert_allclose(z @ F[chosen], x, atol=1e-12)


def test_prices_that_single_out_no_column(monkeypatch):
    """The code is checked all the same, and the best of those at hand comes back."""
    F = np.random.default_rng(0).standard_normal((50, 10))

    def solve_badly(A, x, tol, solver):
        if solver == "HIGHS":
            return solve_program(A, x, tol, solver)
        return "optimal", np.zeros(len(A)), np.zeros(len(x))

    monkeypatch.setattr(_column_generation, "solve_program", solve_badly)
    x = F[:3].sum(axis=0)
    chosen, z, status = generate_columns(Columns(DenseDictionary(F), False), x)
    assert status == "failed"
    np.testing.assert_allclose(z @ F[chosen], x, atol=1e-12)
