"""Basis pursuit: of all codes that explain x, the one of least l1 norm."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sksupercode._utils._jobs import check_jobs, in_jobs
from sksupercode._utils._memory import require_memory
from sksupercode._utils._sparse import pad_rows
from sksupercode._utils._validation import check_option, unfrozen
from sksupercode._utils._warnings import warn
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._column_generation import (
    LINEAR_SOLVERS,
    compile_program,
    generate_columns,
    program_width,
)
from sksupercode.decoders._homotopy import follow_path
from sksupercode.decoders._l1_polish import best_code
from sksupercode.decoders._pricing import Columns
from sksupercode.decoders._tolerance import ToleranceMixin
from sksupercode.encoders._base import BaseEncoder
from sksupercode.theory import basis_pursuit_success_probability

_SOLVERS = ("auto", "homotopy", "cvxpy")
# Contributions below this fraction of the largest may come of samples in single precision.
_ROUNDING = 1e-5
# Codes without noise look like noisy ones with this probability at most, where there is a warning.
_BY_CHANCE = 1e-3
# Measured peak of a compiled program, for each coefficient of its matrix.
_COMPILED_BYTES = 400


class BasisPursuitDecoder(ToleranceMixin, BaseDecoder):
    r"""Find the code of least l1 norm that explains x.

    .. math::
        \min_y \sum_i y_i \quad \text{subject to} \quad F^T y = x, \; y \ge 0

    for binary and nonnegative values; for real ones min ||y||_1 without the sign constraint. With
    ``tol`` the equation becomes ||F^T y - x|| <= tol.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords that ``predict`` keeps. None learns it from y if all rows of y have
        the same number of nonzero entries. Otherwise ``predict`` keeps all codewords of the code,
        for binary values those of a coefficient above 1/2.

    solver : str, default="auto"
        The method. "homotopy" follows the solutions of the LASSO, and is much faster. "cvxpy"
        solves linear programs of a few d columns by Clarabel and then, without a tolerance, by
        HiGHS's simplex method. A name in ``cvxpy.installed_solvers()`` solves them by that solver
        alone. "auto" is "homotopy", and "cvxpy" for samples where the homotopy fails through
        rounding.

    tol : float or None, default=None
        Norm of the residual to allow for, in the units of X. None or 0 asks for equality. In
        scikit-learn's orthogonal matching pursuit it is the squared norm.

    noise_std : float or None, default=None
        Standard deviation of the noise on each coordinate, which stands for
        ``tol = noise_std * sqrt(d)``; give one of the two. One value serves any d where the noise
        has a fixed variance. Where it is relative to the signal, its norm is fixed: use `tol`.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is binary for encoders, nonnegative for
        other estimators and real for arrays.

    n_jobs : int or None, default=None
        Number of jobs that share the samples, as joblib's: None is 1 unless
        :func:`joblib.parallel_config` says otherwise, -1 all processors.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int or None
        The number k that was given or learned; None where ``predict`` goes without.

    tol_ : float or None
        The tolerance in use: ``tol``, or what ``noise_std`` stands for.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    MatchingPursuitDecoder : Needs more dimensions, but less time.

    Notes
    -----
    ``transform`` gives the optimum as it is for nonnegative and real values, and for binary ones 1
    where ``predict`` does. Half of all samples are recovered at the weak threshold of Donoho and
    Tanner, about 0.8 k log2(eN/k) dimensions near N = 2^20, k = 2^8: 1.25 bits per dimension.

    Without k the support of binary values is that of coefficients above 1/2: X has to be in the
    unit in which they are 1, and there is a warning if none is above 1/2 in any sample. The support
    of other values is where the code is not 0, in any unit of X; contributions below 1e-5 of a
    sample's largest are rounding. In noise it has small false coefficients as well, most of which
    ``RefitDecoder(decoder, noise_std=...)`` removes.

    Either solver works on few codewords at a time, and is safe in that its last step correlates all
    N of them with the solution u of the dual program,

    .. math::
        \max_u \langle x, u \rangle \quad \text{subject to} \quad F u \le 1

    (:math:`-1 \le F u \le 1` for real values): codewords whose inner product with u exceeds 1 are
    taken in, and when there are none, u proves that the code is optimal among all N. The homotopy
    [3]_, [4]_, [5]_ finds u at the end of a path of some k to d steps; generating the columns of
    linear programs [6]_ takes a few rounds. A sample that no code explains gets the code of least
    squares, with a :class:`~sklearn.exceptions.ConvergenceWarning`; its residual proves it in the
    same way.

    The code of every solver is checked. It is corrected by least squares on its support, and then
    two numbers are computed: the norm of the residual, and the difference between the l1 norm and
    the value of the dual program. Samples whose residual is longer than ``tol`` (without a
    tolerance, than 1e-7 of their norm, which is the rounding of single precision), or whose l1 norm
    may be 1e-5 above the least, are counted in the warning, and get the best code found. Codes in
    float32 add their own rounding to the residual.

    Samples with noise have no sparse code that explains them exactly. Without a tolerance they get
    a code of d codewords, at many times the cost. There is a warning if all samples get such codes
    where codes without noise would not.

    Each sample is solved from scratch, and depends on no other.

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
        tol=None,
        noise_std=None,
        values="auto",
        n_jobs=None,
        sparse_output=True,
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.solver = solver
        self.tol = tol
        self.noise_std = noise_std
        self.n_jobs = n_jobs

    def _learn_sparsity(self, Y):
        counts = [] if Y is None else np.unique(np.diff(Y.indptr))
        self._most_nonzero_coefs = int(counts[-1]) if len(counts) else None
        return int(counts[0]) if len(counts) == 1 else None

    def _fit_decoder(self, X):
        self._learn_tolerance()
        check_jobs(self.n_jobs)
        self._check_solver()
        columns = self._columns
        n_columns, n_components = columns.shape
        solver = "homotopy" if self.solver == "auto" else self.solver
        if solver == "homotopy":
            nbytes = 8 * (6 * n_columns + 10 * n_components**2)
        else:
            nbytes = _COMPILED_BYTES * program_width(columns) * n_components
        require_memory(nbytes, f"Basis pursuit by {solver} on {n_columns} x {n_components} columns")

    def _transform_needs_k(self):
        if self.values == "auto":
            return isinstance(unfrozen(self.dictionary), BaseEncoder)
        return self.values == "binary"

    def _check_solver(self):
        if self.solver in _SOLVERS:
            return
        import cvxpy

        names = dict.fromkeys((*_SOLVERS, *cvxpy.installed_solvers(), *LINEAR_SOLVERS))
        check_option(self.solver, "solver", tuple(names))
        program = compile_program(np.ones((2, 2)), np.ones(2), self.tol_ or 0.0)[0]
        try:
            program.get_problem_data("SCIPY" if self.solver in LINEAR_SOLVERS else self.solver)
        except cvxpy.SolverError as error:
            raise ValueError(
                f"solver={self.solver!r} cannot solve the program that tol={self.tol_!r} makes: "
                f"{error}"
            ) from error

    @property
    def _columns(self):
        return Columns(self._codewords, self.values_ == "real")

    def _bytes_per_sample(self):
        return 48 * self.dictionary_.shape[1]

    def _failure(self):
        asked, advice = "explains them exactly", "; tol= or noise_std= allow for noise"
        if self.tol_:
            asked, advice = f"leaves a residual of norm <= {self.tol_:g}", ""
        return (
            f"have no code that {asked}, or none that was proved to have the least l1 norm; they "
            f"get the best code found{advice}"
        )

    def _warn_of_counts(self, counts):
        """Warn if all samples take d codewords, or none of them is near to a binary code.

        ``counts`` are of how many codewords the optimum of each sample has, and of those selected.
        """
        n_features, d = self.dictionary_.shape
        n_codewords, n_selected = counts[counts[:, 0] > 0].T
        is_by_half = self.values_ == "binary" and self.n_nonzero_coefs_ is None
        if is_by_half and len(n_selected) and not n_selected.any():
            warn(
                "No coefficient of any sample is above 1/2, where binary codes have 1, and all "
                "codes are empty: scale X to the unit of the codewords, pass n_nonzero_coefs, or "
                "values='nonnegative' or 'real'."
            )
        k = self._most_nonzero_coefs if self.n_nonzero_coefs_ is None else self.n_nonzero_coefs_
        # Of unknown codes, the sparsest.
        k = min(max(1, k or 1), n_features)
        if self.tol_ or len(n_codewords) == 0 or n_codewords.min() < d:
            return
        constraint = "signed" if self.values_ == "real" else "nonnegative"
        success = basis_pursuit_success_probability(n_features, k, d, constraint=constraint)
        if (1 - success) ** len(n_codewords) < _BY_CHANCE:
            warn(
                f"Every sample takes as many codewords as it has dimensions, {d}: it has no sparse "
                "code, or noise that is fitted exactly, at many times the cost. Pass noise_std=, "
                "the noise's standard deviation on each coordinate, or tol=, its norm. In a grid "
                "over dimensions noise_std serves noise of a fixed variance, and tol noise of a "
                "fixed signal-to-noise ratio.",
                ConvergenceWarning,
            )

    def _decode(self, V):
        if self.values_ == "binary":
            return self._decode_support(V)
        return self._decode_rows(V, lambda indices, values: (indices, values))

    def _decode_support(self, V):
        return self._decode_rows(V, self._select)

    def _decode_rows(self, V, select):
        columns = self._columns
        tol = self._in_units(self.tol_ or 0.0)
        found = in_jobs(partial(solve, columns, tol=tol, solver=self.solver), V, self.n_jobs)
        codes = [select(indices, values) for indices, values, *_ in found]
        failed = np.array([status != "optimal" for *_, status, _ in found])
        n_selected = [len(indices) for indices, _ in codes]
        n_codewords = [n_codewords for *_, n_codewords in found]
        return *pad_rows(codes), failed, np.column_stack([n_codewords, n_selected])

    def _select(self, indices, values):
        magnitudes = np.abs(values)
        if self.n_nonzero_coefs_ is not None:
            kept = np.argsort(-magnitudes, kind="stable")[: self.n_nonzero_coefs_]
        elif self.values_ == "binary":
            kept = magnitudes > np.ldexp(0.5, -self._exponent)
        else:
            kept = _is_used(magnitudes * np.sqrt(self._codewords.squared_norms[indices]))
        return indices[kept], values[kept]


def _is_used(parts):
    """Return which contributions to a sample are more than rounding."""
    return parts > _ROUNDING * parts.max(initial=0.0)


def solve(columns, v, tol, solver):
    """Solve the program of one sample: return its code, status and number of codewords.

    Codewords in use are sorted; the status is "optimal", "infeasible" or "failed". The number is
    how many codewords an optimum uses that rounding has not made, and 0 for other codes.
    """
    exponent = np.frexp(np.abs(v).max(initial=0.0))[1]
    x = np.ldexp(v, -exponent)
    if not x.any():
        return np.empty(0, np.intp), np.empty(0), "optimal", 0
    with np.errstate(over="ignore", under="ignore"):
        tol = np.ldexp(tol, -exponent)
        codes = []
        if solver in ("auto", "homotopy"):
            codes.append(follow_path(columns, x, tol))
        if solver != "homotopy" and (not codes or codes[0][2] == "failed"):
            name = None if solver in _SOLVERS else solver
            codes.append(generate_columns(columns, x, tol, name))
        chosen, z, status = best_code(columns, x, tol, codes)
        parts = z * columns.norms[chosen]
        z = np.ldexp(z, exponent)
    if not np.isfinite(z).all():
        return np.empty(0, np.intp), np.empty(0), "failed", 0
    n_codewords = np.count_nonzero(_is_used(parts)) if status == "optimal" else 0
    return *columns.to_code(chosen, z), status, n_codewords
