"""Basis pursuit: of all codes that explain x, the one of least l1 norm."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import lstsq
from scipy.optimize import nnls

from sksupercode._validation import check_option, check_real
from sksupercode.decoders._base import BaseDecoder
from sksupercode.dictionaries._memory import require_memory

# Coefficients below this fraction of the largest are what a solver means by zero.
_NEGLIGIBLE = 1e-7
# What cvxpy says of a problem whose variables hold a point worth having.
_WITH_A_POINT = ("optimal", "optimal_inaccurate", "user_limit")
# Measured peak of a compiled program, for each coefficient of its matrix.
_COMPILED_BYTES = 400


class BasisPursuitDecoder(BaseDecoder):
    r"""Find the code of least l1 norm that explains x, by linear programming.

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

    solver : {"cvxpy"}, default="cvxpy"
        What solves the program.

    cvxpy_solver : str or None, default=None
        Name of the solver that cvxpy is to use, one of ``cvxpy.installed_solvers()``. None takes
        HiGHS's simplex for linear programs, and Clarabel with ``noise_tol``.

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
    MatchingPursuitDecoder : Needs more dimensions, but a thousandth of the time.

    Notes
    -----
    ``transform`` gives the optimum as it is for nonnegative and real values, and for binary ones 1
    where ``predict`` does. Half of all samples are recovered at the weak threshold of Donoho and
    Tanner, about 0.8 k log2(eN/k) dimensions near N = 2^20, k = 2^8: 1.25 bits per dimension.

    The program is compiled once for a call, with the sample as its only parameter, and solved from
    scratch for each sample, so that no sample depends on another. A sample whose program cannot be
    solved gets the least-squares code, with a :class:`~sklearn.exceptions.ConvergenceWarning`. Only
    simplex solvers give exact zeros; what is below 1e-7 of the largest coefficient counts as zero.

    References
    ----------
    .. [1] S. S. Chen, D. L. Donoho and M. A. Saunders, "Atomic decomposition by basis pursuit",
       SIAM Journal on Scientific Computing 20(1), 1998.
    .. [2] D. L. Donoho and J. Tanner, "Sparse nonnegative solution of underdetermined linear
       equations by linear programming", PNAS 102(27), 2005.

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

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        solver="cvxpy",
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
        import cvxpy

        check_option(self.solver, "solver", ("cvxpy",))
        check_real(
            self.noise_tol,
            "noise_tol",
            minimum=0,
            maximum=np.inf,
            max_inclusive=False,
            allow_none=True,
        )
        if self.cvxpy_solver is not None:
            check_option(self.cvxpy_solver, "cvxpy_solver", tuple(cvxpy.installed_solvers()))
            problem, *_ = self._compile(np.ones((2, 2)))
            try:
                problem.get_problem_data(self.cvxpy_solver)
            except cvxpy.SolverError as error:
                raise ValueError(
                    f"cvxpy_solver={self.cvxpy_solver!r} cannot solve the program that "
                    f"noise_tol={self.noise_tol!r} makes: {error}"
                ) from error
        n_features, n_components = self.dictionary_.shape
        require_memory(
            _COMPILED_BYTES * n_features * n_components * (1 + self._is_signed),
            f"A linear program of {n_features} x {n_components} coefficients",
        )

    def _bytes_per_sample(self):
        return 48 * self.dictionary_.shape[1]

    @property
    def _is_signed(self):
        return self.values_ == "real"

    def _decode(self, V):
        if self.values_ == "binary":
            return self._decode_support(V)
        failed = []
        return _pad([self._nonzero(y) for y in self._solve(V, failed)], failed)

    def _decode_support(self, V):
        failed = []
        codes = [self._selected(*self._nonzero(y)) for y in self._solve(V, failed)]
        return _pad(codes, failed)

    def _failure(self):
        return "have no solution that the solver could find; they get the best point found"

    def _nonzero(self, y):
        magnitudes = np.abs(y)
        indices = np.flatnonzero(magnitudes > _NEGLIGIBLE * magnitudes.max())
        return indices, y[indices]

    def _selected(self, indices, values):
        magnitudes = np.abs(values)
        if self.n_nonzero_coefs_ is None:
            kept = magnitudes > 0.5
        else:
            kept = np.argsort(-magnitudes, kind="stable")[: self.n_nonzero_coefs_]
        return indices[kept], values[kept]

    def _solve(self, V, failed):
        """Yield the optimum for each sample, and append to the list whether there was none."""
        import cvxpy

        codewords = np.asarray(self._codewords, dtype=np.float64)
        # Of equal codewords only the first may be used.
        distinct = np.sort(np.unique(codewords, axis=0, return_index=True)[1])
        # The program is homogeneous in dictionary and sample; the tolerances of solvers are not.
        size = np.abs(codewords).max() or 1.0
        A = codewords[distinct].T / size
        problem, sample, parts = self._compile(A)
        for v in V:
            unit = np.abs(v).max() if self.noise_tol is None else 1.0
            code = np.zeros(len(codewords))
            if not v.any():
                failed.append(False)
                yield code
                continue
            sample.value = v / unit
            # The optimum of the sample before must not pass for this one's.
            for part in parts:
                part.value = None
            try:
                problem.solve(solver=self._cvxpy_solver(), warm_start=False)
            except (cvxpy.SolverError, ArithmeticError, ValueError):
                status = cvxpy.SOLVER_ERROR
            else:
                status = problem.status
            if status in _WITH_A_POINT and all(part.value is not None for part in parts):
                y = parts[0].value - (parts[1].value if self._is_signed else 0.0)
            else:
                y = self._least_squares(A, sample.value)
            failed.append(status != cvxpy.OPTIMAL)
            code[distinct] = unit / size * (y if self._is_signed else np.maximum(y, 0))
            yield code

    def _least_squares(self, A, b):
        if self._is_signed:
            return lstsq(A, b)[0]
        try:
            return nnls(A, b)[0]
        except RuntimeError:
            return np.zeros(A.shape[1])

    def _compile(self, A):
        """Return the program for a matrix of shape (d, N), its parameter and its variables."""
        import cvxpy

        sample = cvxpy.Parameter(A.shape[0])
        parts = [cvxpy.Variable(A.shape[1], nonneg=True) for _ in range(1 + self._is_signed)]
        misfit = A @ parts[0] - sample - (A @ parts[1] if self._is_signed else 0)
        if self.noise_tol is None:
            constraint = misfit == 0
        else:
            constraint = cvxpy.norm(misfit) <= self.noise_tol / self.dictionary_.scale
        objective = cvxpy.Minimize(sum(cvxpy.sum(part) for part in parts))
        return cvxpy.Problem(objective, [constraint]), sample, parts

    def _cvxpy_solver(self):
        import cvxpy

        if self.cvxpy_solver is not None:
            return self.cvxpy_solver
        if self.noise_tol is not None:
            return "CLARABEL"
        return "HIGHS" if "HIGHS" in cvxpy.installed_solvers() else "SCIPY"


def _pad(codes, failed):
    """Stack (indices, values) of different lengths, filling up with values of 0."""
    length = max((len(indices) for indices, _ in codes), default=0)
    indices = np.zeros((len(codes), length), dtype=np.intp)
    values = np.zeros((len(codes), length))
    for row, (columns, data) in enumerate(codes):
        indices[row, : len(columns)] = columns
        values[row, : len(columns)] = data
    return indices, values, np.array(failed, dtype=bool)
