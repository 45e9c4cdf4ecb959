"""How each peer is called. Every function takes a Problem and returns ``decode(X)``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np

# Of the penalty that makes all coefficients zero, or nearly: enough for the support, and less takes
# longer.
_PENALTY = 0.01
_CODEWORDS_IN_A_PART = 4096


class NotApplicableError(Exception):
    """A peer cannot do the task; the message says why."""


def numpy_pursuit(problem):
    """Matching pursuit with one matrix product for each step of all samples."""
    dictionary = problem.dictionary
    return _pursuit(lambda X: X @ dictionary.T, dictionary, problem)


def numkong_pursuit(problem):
    """The same with exact products of 8-bit integers."""
    correlate = numkong_correlate(problem)
    pursue = _pursuit(correlate, problem.signs, problem)
    scale = np.float32(problem.size.n_components**0.5)
    return lambda X: pursue(np.rint(X * scale).astype(np.int8))


def _pursuit(correlate, codewords, problem):
    n_steps = problem.size.n_nonzero_coefs

    def decode(X):
        residuals = X.copy()
        indices = np.empty((len(X), n_steps), dtype=np.intp)
        for step in range(n_steps):
            indices[:, step] = correlate(residuals).argmax(axis=1)
            residuals -= codewords[indices[:, step]]
        return indices

    return decode


def numkong_correlate(problem):
    """Return ``correlate(V)`` for int8 samples in units of the signs."""
    parts, starts = _packed_parts(problem)
    n_features = problem.size.n_features

    def correlate(V):
        scores = np.empty((len(V), n_features), dtype=np.int32)

        def fill(part, start):
            product = _product(V, part)
            scores[:, start : start + product.shape[1]] = product

        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(fill, parts, starts))
        return scores

    return correlate


def numkong_top_k(problem):
    """Return ``decode(X)`` by products of 8-bit integers and a selection in each part."""
    parts, starts = _packed_parts(problem)
    k = problem.size.n_nonzero_coefs
    scale = np.float32(problem.size.n_components**0.5)

    def decode(X):
        V = np.rint(X * scale).astype(np.int8)
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            best = pool.map(lambda part, start: best_of(_product(V, part), k, start), parts, starts)
            return merge(list(best), k)

    return decode


def _packed_parts(problem):
    import numkong

    if np.abs(problem.integer_samples).max() > 127:
        raise NotApplicableError("the samples exceed 8 bits")
    starts = range(0, problem.size.n_features, _CODEWORDS_IN_A_PART)
    signs = problem.signs
    return [numkong.dots_pack(signs[i : i + _CODEWORDS_IN_A_PART]) for i in starts], starts


def _product(V, part):
    import numkong

    return np.asarray(numkong.dots_packed(V, part))


def best_of(scores, k, start=0):
    """Return the k largest scores of each row and the codewords that they belong to."""
    k = min(k, scores.shape[1])
    indices = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, -k:]
    return np.take_along_axis(scores, indices, axis=1), indices + start


def merge(parts, k):
    """Return the indices of the k best of several selections."""
    scores, indices = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
    return np.take_along_axis(indices, best_of(scores, k)[1], axis=1)


def spams_omp(problem):
    import spams

    D, k = problem.dictionary.T, problem.size.n_nonzero_coefs
    # Without an eps it now and then returns nothing.
    return lambda X: spams.omp(np.asfortranarray(X.T), D=D, L=k, eps=1e-6, numThreads=-1).T


def sklearn_omp(problem):
    from sklearn.linear_model import orthogonal_mp

    D, k = problem.dictionary.T, problem.size.n_nonzero_coefs
    return lambda X: orthogonal_mp(D, X.T, n_nonzero_coefs=k).reshape(D.shape[1], len(X)).T


def sklearn_omp_double(problem):
    from sklearn.linear_model import orthogonal_mp

    D, k = problem.dictionary.T.astype(np.float64, order="F"), problem.size.n_nonzero_coefs
    return lambda X: (
        orthogonal_mp(D, X.T.astype(np.float64), n_nonzero_coefs=k).reshape(D.shape[1], len(X)).T
    )


def sklearn_omp_gram(problem):
    from sklearn.linear_model import orthogonal_mp_gram

    D, k = problem.dictionary.T, problem.size.n_nonzero_coefs
    gram = D.T @ D
    return lambda X: (
        orthogonal_mp_gram(gram, D.T @ X.T, n_nonzero_coefs=k).reshape(D.shape[1], len(X)).T
    )


def spams_lasso(problem):
    """Homotopy down to a small penalty."""
    import spams

    D = problem.dictionary.T

    def decode(X):
        X = np.asfortranarray(_without_ties(X).T)
        return spams.lasso(X, D=D, lambda1=_PENALTY, mode=2, pos=True, numThreads=-1).T.toarray()

    return decode


def lars_path(problem):
    """Homotopy down to a penalty of zero, with the settings that it comes with."""
    return _lars_path(problem, np.float64, 0.0, lambda X: X.astype(np.float64))


def lars_path_tuned(problem):
    """Homotopy down to a small penalty in float32, of samples without ties."""
    return _lars_path(problem, np.float32, _PENALTY / problem.size.n_components, _without_ties)


def _lars_path(problem, dtype, alpha_min, change):
    from sklearn.linear_model import lars_path

    D = problem.dictionary.T.astype(dtype, order="F")
    options = {
        "method": "lasso",
        "positive": True,
        "alpha_min": alpha_min,
        "max_iter": 10 * problem.size.n_components,
        "return_path": False,
    }
    return lambda X: np.array([lars_path(D, x, **options)[2] for x in change(X)])


def _without_ties(X):
    """Break the ties of integer correlations, from which a homotopy may not recover."""
    noise = np.random.default_rng(0).standard_normal(X.shape)
    return (X * (1 + 1e-5 * noise)).astype(np.float32)


def sklearn_lasso(problem):
    from sklearn.linear_model import Lasso

    return _coordinate_descent(problem, Lasso, copy_X=False)


def celer_lasso(problem):
    from celer import Lasso

    return _coordinate_descent(problem, Lasso)


def _coordinate_descent(problem, estimator, **options):
    D = problem.dictionary.T.astype(np.float64, order="F")

    def decode(X):
        codes = []
        for x in X.astype(np.float64):
            alpha = _PENALTY * (D.T @ x).max() / len(x)
            lasso = estimator(alpha, positive=True, fit_intercept=False, tol=1e-6, **options)
            codes.append(lasso.fit(D, x).coef_)
        return np.array(codes)

    return decode


def cvxpy_program(**highs_options):
    """Return the peer "linear program with all N columns", compiled once for all samples."""

    def prepare(problem):
        import cvxpy

        if "HIGHS" not in cvxpy.installed_solvers():
            raise NotApplicableError("this cvxpy has no HiGHS")
        D = problem.dictionary.T.astype(np.float64)
        sample, code = cvxpy.Parameter(D.shape[0]), cvxpy.Variable(D.shape[1], nonneg=True)
        program = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(code)), [D @ code == sample])
        options = {"highs_options": highs_options} if highs_options else {}

        def decode(X):
            codes = []
            for x in X:
                sample.value = x.astype(np.float64)
                program.solve(solver=cvxpy.HIGHS, warm_start=False, **options)
                codes.append(np.zeros(D.shape[1]) if code.value is None else code.value)
            return np.array(codes)

        return decode

    return prepare
