"""The registry of peers: what else does the same task, at its best settings.

A peer is given everything ahead of time that does not depend on the samples, in the form that it
likes best. NumKong's products of 8-bit integers are exact here, samples being sums of k signs; were
one of these beyond +-127, they would be left out.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from benchmarks import _peer_methods as methods

_GIB = 2**30


@dataclass(frozen=True)
class Peer:
    """Somebody else's method.

    Parameters
    ----------
    name : str
        As shown.

    prepare : callable
        ``prepare(problem)`` returns ``decode(X)``, from float32 samples to codes in a form that
        ``recovery_rate`` takes.

    module : str or None, default=None
        What must be importable.

    package : str or None, default=None
        The name it is installed by.

    nbytes : callable
        ``nbytes(size)`` is the memory that it needs.

    n_samples : int, default=2**30
        Most samples that it is timed on at once.

    note : str, default=""
        What a reader should know.
    """

    name: str
    prepare: Callable
    module: str | None = None
    package: str | None = None
    nbytes: Callable = lambda size: 10 * size.n_features * size.n_components
    n_samples: int = 2**30
    note: str = ""

    def obstacle(self, size):
        """Return why it cannot run, or None."""
        if self.module is not None and importlib.util.find_spec(self.module) is None:
            return f"not installed: {self.package or self.module}"
        needed, available = self.nbytes(size), psutil.virtual_memory().available
        if needed > 0.8 * available:
            return (
                f"left out: needs {needed / _GIB:.1f} GiB of the {available / _GIB:.1f} available"
            )
        return None


def _with_gram(size):
    return 10 * size.n_features * size.n_components + 12 * size.n_features**2


def _double(size):
    return 28 * size.n_features * size.n_components


def _program(size):
    return 400 * size.n_features * size.n_components


PURSUITS = [
    Peer("NumPy, batched MP, float32", methods.numpy_pursuit),
    Peer("NumKong, batched MP, int8", methods.numkong_pursuit, "numkong"),
    Peer("SPAMS omp, float32", methods.spams_omp, "spams", "spams-bin", n_samples=8),
    Peer("sklearn orthogonal_mp", methods.sklearn_omp, n_samples=2, note="float32"),
    Peer(
        "sklearn orthogonal_mp_gram",
        methods.sklearn_omp_gram,
        nbytes=_with_gram,
        n_samples=2,
        note="float32; the Gram matrix is computed before",
    ),
]

ORTHOGONAL_PURSUITS = [
    Peer("SPAMS omp, float32", methods.spams_omp, "spams", "spams-bin", n_samples=8),
    Peer("sklearn orthogonal_mp", methods.sklearn_omp, n_samples=2, note="float32"),
    Peer(
        "sklearn orthogonal_mp",
        methods.sklearn_omp_double,
        nbytes=_double,
        n_samples=2,
        note="float64",
    ),
]

_LEAST_SQUARES = [
    Peer("SPAMS lasso, float32", methods.spams_lasso, "spams", "spams-bin", n_samples=8),
    Peer("celer Lasso", methods.celer_lasso, "celer", nbytes=_double, n_samples=2),
    Peer("sklearn Lasso", methods.sklearn_lasso, nbytes=_double, n_samples=2),
    Peer("sklearn lars_path, tuned", methods.lars_path_tuned, nbytes=_double, n_samples=1),
    Peer("sklearn lars_path, default", methods.lars_path, nbytes=_double, n_samples=1),
]

PROGRAMS = [
    *_LEAST_SQUARES,
    Peer(
        "cvxpy, HiGHS IPM",
        methods.cvxpy_program(solver="ipm", run_crossover="off"),
        "cvxpy",
        nbytes=_program,
        n_samples=1,
        note="the full LP, by interior points without crossover",
    ),
    Peer(
        "cvxpy, HiGHS",
        methods.cvxpy_program(),
        "cvxpy",
        nbytes=_program,
        n_samples=1,
        note="the full LP, by the simplex method on one thread",
    ),
]

MEDIUM_PROGRAMS = _LEAST_SQUARES
