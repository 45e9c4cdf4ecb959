"""Both solvers of the l1 programs against linear programming and duality, on all kinds of input."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

from sksupercode.decoders._column_generation import generate_columns
from sksupercode.decoders._homotopy import follow_path
from sksupercode.decoders._pricing import Columns
from sksupercode.dictionaries import DenseDictionary, PackedSignDictionary, SignDictionary
from tests.marks import long

SOLVERS = {"homotopy": follow_path, "columns": generate_columns}


def correlated(rng, N, d):
    return rng.standard_normal((N, d)) + 3 * rng.standard_normal(d)


def repeated(rng, N, d):
    F = rng.standard_normal((N, d))[rng.integers(0, N, N)]
    F[rng.integers(N)] = 0
    return F


def of_low_rank(rng, N, d):
    rank = (d + 1) // 2
    return rng.standard_normal((N, rank)) @ rng.standard_normal((rank, d))


def of_any_norm(rng, N, d):
    return rng.standard_normal((N, d)) * np.exp(2 * rng.standard_normal((N, 1)))


def small_integers(rng, N, d):
    return rng.integers(-1, 2, (N, d)).astype(float)


def learned(rng, N, d):
    """Nonnegative directions around a few centres, in float32."""
    centres = rng.standard_normal((5, d))
    F = np.maximum(centres[rng.integers(0, 5, N)] + rng.standard_normal((N, d)), 0)
    return F.astype(np.float32)


def gaussian(rng, N, d):
    return rng.standard_normal((N, d))


def spherical(rng, N, d):
    F = rng.standard_normal((N, d))
    return F / np.linalg.norm(F, axis=1, keepdims=True)


def single_precision(rng, N, d):
    return rng.standard_normal((N, d)).astype(np.float32)


def signs(rng, N, d):
    return SignDictionary(gaussian(rng, N, d)).unnormalized


def packed_signs(rng, N, d):
    return PackedSignDictionary(gaussian(rng, N, d)).unnormalized


KINDS = [
    signs,
    packed_signs,
    gaussian,
    spherical,
    single_precision,
    correlated,
    learned,
    repeated,
    of_low_rank,
    of_any_norm,
    small_integers,
]


def make_instances(kind, n_instances, noise):
    """Yield programs of all shapes: d from 1, N from 1 to wider than any pool, feasible and not."""
    rng = np.random.default_rng([KINDS.index(kind), noise == "noise"])
    for instance in range(n_instances):
        d = int(rng.choice([1, 2, 3, 5, 8, 12, 20, 33]))
        N = int(rng.integers(1, 10 * d + 10)) if instance % 4 else 20 * d + 300
        k = 1 if instance % 5 == 0 else int(rng.integers(1, max(2, min(N, d) // 2 + 1)))
        dictionary = kind(rng, N, d)
        if isinstance(dictionary, np.ndarray):
            dictionary = DenseDictionary(dictionary)
        is_signed = instance % 2 == 1
        y = np.zeros(N)
        y[rng.choice(N, min(k, N), replace=False)] = 1.0
        if instance % 3 == 0:
            y *= rng.uniform(0.1, 1.1, N)
        if is_signed:
            y *= rng.choice([-1, 1], N)
        F = np.asarray(dictionary, dtype=np.float64)
        x = y @ F
        if instance % 7 == 0:
            x = rng.standard_normal(d)
        elif noise == "noise":
            x = x + 0.1 * np.linalg.norm(x) / np.sqrt(d) * rng.standard_normal(d)
        tol = rng.choice([0.02, 0.1, 0.5]) * np.linalg.norm(x) if noise == "noise" else 0.0
        if x.any():
            A = np.vstack([F, -F]) if is_signed else F
            yield Columns(dictionary, is_signed), A, x, tol


def check_infeasible(A, x, error):
    """The residual separates x from all columns, so that no code explains it any better."""
    norms = np.linalg.norm(A, axis=1) * np.linalg.norm(x)
    assert (A @ error <= 1e-6 * norms).all()
    assert np.linalg.norm(error) == pytest.approx(nnls(A.T, x)[1], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS[1::3] + long(*KINDS[::3], *KINDS[2::3]))
@pytest.mark.parametrize("solver, n_instances", [("homotopy", 20), ("columns", 8)])
def test_without_noise(kind, solver, n_instances):
    seen = set()
    for columns, A, x, _ in make_instances(kind, n_instances, "none"):
        chosen, z, status = SOLVERS[solver](columns, x)
        seen.add(status)
        error = x - z @ A[chosen]
        assert (z >= 0).all()
        program = linprog(np.ones(len(A)), A_eq=A.T, b_eq=x, method="highs")
        if not program.success:
            assert status == "infeasible"
            check_infeasible(A, x, error)
            continue
        assert status == "optimal"
        assert z.sum() == pytest.approx(program.fun, rel=1e-6)
        assert np.linalg.norm(error) <= (1e-9 if solver == "homotopy" else 1e-6) * np.linalg.norm(x)
        # One optimum only: as many prices of 1 as coefficients, and these linearly independent.
        prices = A @ program.eqlin.marginals
        support = np.flatnonzero(program.x > 1e-7 * program.x.max())
        tight = np.flatnonzero(prices > 1 - 1e-6)
        if len(tight) == len(support) == np.linalg.matrix_rank(A[support]):
            seen.add("unique")
            np.testing.assert_array_equal(np.sort(chosen[z > 1e-7 * z.max()]), support)
    assert seen >= {"optimal", "unique"}


@pytest.mark.parametrize("kind", KINDS[::3] + long(*KINDS[1::3], *KINDS[2::3]))
@pytest.mark.parametrize("solver, n_instances", [("homotopy", 16), ("columns", 8)])
def test_with_noise(kind, solver, n_instances):
    """The dual point u = r / max(A r) proves the optimum: sum(z) >= <x, u> - tol ||u||."""
    seen = set()
    for columns, A, x, tol in make_instances(kind, n_instances, "noise"):
        chosen, z, status = SOLVERS[solver](columns, x, tol)
        seen.add(status)
        error = x - z @ A[chosen]
        assert (z >= 0).all()
        if status == "infeasible":
            assert np.linalg.norm(error) > tol
            check_infeasible(A, x, error)
            continue
        assert status == "optimal"
        assert np.linalg.norm(error) <= tol * (1 + 1e-6)
        if solver == "columns":
            # Too few digits of an interior-point method are left in the residual.
            assert z.sum() == pytest.approx(follow_path(columns, x, tol)[1].sum(), rel=1e-5)
            continue
        dual = error / (A @ error).max()
        bound = x @ dual - tol * np.linalg.norm(dual)
        assert z.sum() == pytest.approx(bound, rel=1e-6)
    assert "optimal" in seen
