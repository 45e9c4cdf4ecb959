"""Basis pursuit: of all codes that explain x, the one of least l1 norm."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from threadpoolctl import threadpool_limits

from sksupercode._utils._memory import require_memory
from sksupercode._utils._validation import check_option, check_real
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._column_generation import (
    compile_program,
    generate_columns,
    program_width,
)
from sksupercode.decoders._homotopy import follow_path
from sksupercode.decoders._pricing import Columns

# Coefficients below this fraction of the largest are what a solver means by zero.
_NEGLIGIBLE = 1e-7
# Measured peak of a compiled program, for each coefficient of its matrix.
_COMPILED_BYTES = 400


class BasisPursuitDecoder(BaseDecoder):
    r"""Find the code of least l1 norm that explains x.

    .. math::
        \min_y \sum_i y_i \quad \text{subject to} \quad F^T y = x, \; y \ge 0

    for binary and nonnegative values; for real ones min ||y||_1 without the sign constraint. With
    ``noise_tol`` the equation becomes ||F^T y - x|| <= noise_tol.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators are lent as
        they are; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords that ``predict`` keeps. None learns it from y if all rows of y have
        the same number of nonzero entries; otherwise ``predict`` keeps what exceeds 1/2.

    solver : {"auto", "homotopy", "cvxpy"}, default="auto"
        What solves the program. "homotopy" follows the solutions of the LASSO, and is faster by
        far. "cvxpy" solves linear programs of a few d columns. "auto" takes cvxpy where
        ``cvxpy_solver`` is given, and for samples that rounding keeps the homotopy from.

    cvxpy_solver : str or None, default=None
        Name of the solver that cvxpy is to use, one of ``cvxpy.installed_solvers()``. None takes
        Clarabel and, without ``noise_tol``, HiGHS's simplex method after it.

    noise_tol : float or None, default=None
        Norm of the noise to allow for.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is binary for encoders, nonnegative for
        other estimators and real for arrays.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int or None
        The sparsity k that was given or learned; None where ``predict`` goes by 1/2.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    n_features_in_ : int
        Number d of columns of X.

    See Also
    --------
    MatchingPursuitDecoder : Needs more dimensions, but less time.

    Notes
    -----
    ``transform`` gives the optimum as it is for nonnegative and real values, and for binary ones 1
    where ``predict`` does. Half of all samples are recovered at the weak threshold of Donoho and
    Tanner, about 0.8 k log2(eN/k) dimensions near N = 2^20, k = 2^8: 1.25 bits per dimension.

    Either solver works on few codewords at a time, and is safe in that its last step correlates all
    N of them with the solution u of the dual program,

    .. math::
        \max_u \langle x, u \rangle \quad \text{subject to} \quad F u \le 1

    (:math:`-1 \le F u \le 1` for real values): as long as one exceeds 1 it is taken in, and when
    none does u proves that the code is optimal among all N. The homotopy [3]_, [4]_, [5]_ finds u
    at the end of a path of some k to d steps; generating the columns of linear programs [6]_ takes
    a few rounds. A sample that no code explains gets the code of least squares, proved by its
    residual in the same way, with a :class:`~sklearn.exceptions.ConvergenceWarning`.

    Each sample is solved from scratch, and depends on no other. What is below 1e-7 of the largest
    coefficient counts as zero.

    References
    ----------
    .. [1] S. S. Chen, D. L. Donoho and M. A. Saunders, "Atomic decomposition by basis pursuit",
       SIAM Journal on Scientific Computing 20(1), 1998.
    .. [2] D. L. Donoho and J. Tanner, "Sparse nonnegative solution of underdetermined linear
       equations by linear programming", PNAS 102(27), 2005.
    .. [3] M. R. Osborne, B. Presnell and B. A. Turlach, "A new approach to variable selection in
       least squares problems", IMA Journal of Numerical Analysis 20(3), 2000.
    .. [4] B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression", Annals of
       Statistics 32(2), 2004.
    .. [5] D. L. Donoho and Y. Tsaig, "Fast solution of l1-norm minimization problems when the
       solution may be sparse", IEEE Transactions on Information Theory 54(11), 2008.
    .. [6] M. E. Lübbecke and J. Desrosiers, "Selected topics in column generation", Operations
       Research 53(6), 2005.

    Examples
    --------
    >>> from sksupercode import BasisPursuitDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=5, n_features=200, n_nonzero_coefs=3, random_state=0)
    >>> encoder = RademacherEncoder(n_components=40, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> BasisPursuitDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    _recovery_law = "basis_pursuit"

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        solver="auto",
        cvxpy_solver=None,
        noise_tol=None,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.solver = solver
        self.cvxpy_solver = cvxpy_solver
        self.noise_tol = noise_tol

    def _learn_sparsity(self, Y):
        counts = [] if Y is None else np.unique(np.diff(Y.indptr))
        return int(counts[0]) if len(counts) == 1 else None

    def _fit_decoder(self, X):
        check_option(self.solver, "solver", ("auto", "homotopy", "cvxpy"))
        check_real(
            self.noise_tol,
            "noise_tol",
            minimum=0,
            maximum=np.inf,
            max_inclusive=False,
            allow_none=True,
        )
        if self.cvxpy_solver is not None:
            self._check_cvxpy_solver()
        columns = self._columns
        n_columns, n_components = columns.shape
        if self._first_solver == "homotopy":
            nbytes = 8 * (6 * n_columns + 10 * n_components**2)
        else:
            nbytes = _COMPILED_BYTES * program_width(columns) * n_components
        require_memory(
            nbytes, f"Basis pursuit by {self._first_solver} on {n_columns} x {n_components} columns"
        )

    def _check_cvxpy_solver(self):
        import cvxpy

        check_option(self.cvxpy_solver, "cvxpy_solver", tuple(cvxpy.installed_solvers()))
        noise_tol = self.noise_tol or 0.0
        try:
            compile_program(np.ones((2, 2)), np.ones(2), noise_tol)[0].get_problem_data(
                self.cvxpy_solver
            )
        except cvxpy.SolverError as error:
            raise ValueError(
                f"cvxpy_solver={self.cvxpy_solver!r} cannot solve the program that "
                f"noise_tol={self.noise_tol!r} makes: {error}"
            ) from error

    @property
    def _first_solver(self):
        if self.solver == "auto":
            return "homotopy" if self.cvxpy_solver is None else "cvxpy"
        return self.solver

    @property
    def _columns(self):
        return Columns(self._codewords, self.values_ == "real")

    def _bytes_per_sample(self):
        return 48 * self.dictionary_.shape[1]

    def _decode(self, V):
        if self.values_ == "binary":
            return self._decode_support(V)
        return self._decode_rows(V, lambda indices, values: (indices, values))

    def _decode_support(self, V):
        return self._decode_rows(V, self._select)

    def _failure(self):
        return "have no solution that the solver could find; they get the best point found"

    def _decode_rows(self, V, select):
        columns = self._columns
        codes, failed = [], []
        # The products are too small to share: waiting for each other takes threads longer.
        with threadpool_limits(1, user_api="blas"):
            for v in V:
                indices, values, status = self._solve(columns, v)
                codes.append(select(indices, values))
                failed.append(status != "optimal")
        return _pad(codes, failed)

    def _solve(self, columns, v):
        """Return the optimum for a sample, sorted by index, and whether it is one."""
        unit = np.abs(v).max(initial=0.0)
        if unit == 0:
            return np.empty(0, np.intp), np.empty(0), "optimal"
        noise_tol = (self.noise_tol or 0.0) / (self._unit * unit)
        status = "failed"
        if self._first_solver == "homotopy":
            chosen, z, status = follow_path(columns, v / unit, noise_tol)
        if self._first_solver == "cvxpy" or (self.solver == "auto" and status == "failed"):
            chosen, z, status = generate_columns(columns, v / unit, noise_tol, self.cvxpy_solver)
        kept = z > _NEGLIGIBLE * z.max(initial=0.0)
        indices, values = columns.to_code(chosen[kept], unit * z[kept])
        return indices, values, status

    def _select(self, indices, values):
        magnitudes = np.abs(values)
        if self.n_nonzero_coefs_ is None:
            kept = magnitudes > np.ldexp(0.5, -self._exponent)
        else:
            kept = np.argsort(-magnitudes, kind="stable")[: self.n_nonzero_coefs_]
        return indices[kept], values[kept]


def _pad(codes, failed):
    """Stack (indices, values) of different lengths, filling up with values of 0."""
    length = max((len(indices) for indices, _ in codes), default=0)
    indices = np.zeros((len(codes), length), dtype=np.intp)
    values = np.zeros((len(codes), length))
    for row, (columns, data) in enumerate(codes):
        indices[row, : len(columns)] = columns
        values[row, : len(columns)] = data
    return indices, values, np.array(failed, dtype=bool)
