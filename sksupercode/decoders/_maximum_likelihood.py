"""The most probable code: an integer program."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, diags_array, eye_array, hstack, vstack

from sksupercode._utils._jobs import check_jobs, in_jobs
from sksupercode._utils._validation import check_integer, check_real
from sksupercode.decoders._base import BaseDecoder

# A residual of this part of ||x|| is zero.
_TOLERANCE = 1e-6


class MaximumLikelihoodDecoder(BaseDecoder):
    r"""Find the k codewords whose sum is nearest to x, by an integer program.

    .. math::
        \hat y = \arg\min_{y \in \{0, 1\}^N} \lVert x - F^T y \rVert^2 \quad
        \text{subject to} \quad \sum_i y_i = k

    In Gaussian noise no decoder has a higher probability of exact recovery.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords in a superposition. None learns it from y: the common number of
        nonzero entries of its rows, or with a warning the largest.

    time_limit : float or None, default=10.0
        Seconds for a sample. After them the sample gets the best code found. None sets no limit.

    max_nodes : int or None, default=None
        The largest number of nodes of the branch-and-bound tree of a sample; with 0 there is no
        tree. With ``time_limit=None`` codes do not depend on the speed of the machine. None sets no
        limit.

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

    n_nonzero_coefs_ : int
        The number k that was given or learned.

    values_ : {"binary"}
        The values of nonzero coefficients.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    BasisPursuitDecoder : The same without the integers, for any N.
    sksupercode.theory.all_or_nothing_dimension : When this decoder succeeds, in noise.
    sksupercode.theory.unique_decoding_dimension : When it does without noise.

    Notes
    -----
    The program is for small N: at N = 100 and k = 5, where there are 10^8 codes, it takes a tenth
    of a second to some seconds for signs, and for other codewords up to minutes where d is small.
    HiGHS solves it by branch and bound. It is linear, and exact:

    * for codewords of signs, each dimension has a variable for its squared residual, above the
      lines through those points of the parabola that sums of k signs can reach;
    * for other dictionaries, each pair of codewords has a variable for the product of their
      coefficients, whose sums over pairs are known.

    A sample at its limit gets the code that HiGHS has found or a greedy code, whichever is better.
    Zero codewords are not used. Of codes at the same distance any may be returned, but of equal
    codewords the first.

    References
    ----------
    .. [1] G. Reeves, J. Xu and I. Zadik, "The all-or-nothing phenomenon in sparse linear
       regression", Conference on Learning Theory, 2019.
    .. [2] W. P. Adams and H. D. Sherali, "A tight linearization and an algorithm for zero-one
       quadratic programming problems", Management Science 32(10), 1986.
    .. [3] Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method",
       Mathematical Programming Computation 10(1), 2018.

    Examples
    --------
    >>> from sksupercode import MaximumLikelihoodDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=10, n_features=64, n_nonzero_coefs=3, random_state=0)
    >>> encoder = RademacherEncoder(n_components=16, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> MaximumLikelihoodDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        time_limit=10.0,
        max_nodes=None,
        n_jobs=None,
        sparse_output=True,
    ):
        self.dictionary = dictionary
        self.n_nonzero_coefs = n_nonzero_coefs
        self.sparse_output = sparse_output
        self.time_limit = time_limit
        self.max_nodes = max_nodes
        self.n_jobs = n_jobs

    def _learn_values(self, by_default):
        return "binary"

    def _needs_fixed_k(self):
        return True

    def _fit_decoder(self, X):
        check_real(self.time_limit, "time_limit", 0, closed="right", allow_none=True)
        check_integer(self.max_nodes, "max_nodes", minimum=0, allow_none=True)
        check_jobs(self.n_jobs)

    def _bytes_per_sample(self):
        n_features, n_components = self.dictionary_.shape
        if self._codewords.has_signs:
            return 32 * (self.n_nonzero_coefs_ + 1) * n_components * n_features
        return 256 * n_features**2

    def _failure(self):
        limits = ((self.time_limit, "s"), (self.max_nodes, "nodes"))
        within = " or ".join(f"{limit} {unit}" for limit, unit in limits if limit is not None)
        within = f"decided within {within}, or not " if within else ""
        return f"were not {within}solved; they get the best code found"

    def _decode(self, V):
        used = np.flatnonzero(self._codewords.squared_norms)
        k = min(self.n_nonzero_coefs_, len(used))
        indices = np.zeros((len(V), k), dtype=np.intp)
        failed = np.zeros(len(V), dtype=bool)
        limits = {"time_limit": self.time_limit, "node_limit": self.max_nodes}
        limits = {name: limit for name, limit in limits.items() if limit is not None}
        if k:
            program = _NearestSum(
                np.asarray(self._codewords.codewords(used), dtype=np.float64),
                k,
                is_signs=self._codewords.has_signs,
            )
            codes = in_jobs(partial(program.solve, limits=limits), V, self.n_jobs)
            indices[:] = [used[found] for found, _ in codes]
            failed[:] = [is_open for _, is_open in codes]
        return indices, np.ones(indices.shape), failed


class _NearestSum:
    """The integer program for the k rows of F whose sum is nearest to a sample."""

    def __init__(self, F, k, *, is_signs):
        # The solver's tolerances are absolute.
        self._unit = np.abs(F).max()
        self._F = F / self._unit
        self._k = k
        self._constraints = self._chords if is_signs else self._products
        kinds, self._kinds = np.unique(F, axis=0, return_inverse=True)
        self._kinds = self._kinds.ravel()
        self._has_equals = len(kinds) < len(F)

    def solve(self, v, limits):
        """Return k rows, and whether they are not known to be the best within the limits."""
        v = v / self._unit
        found = self._greedy(v)
        smallest = self._distance(v, found)
        failed = False
        if smallest > (_TOLERANCE * np.linalg.norm(v)) ** 2:
            objective, constraints = self._constraints(v, smallest)
            n_features = len(self._F)
            is_integer = np.zeros(len(objective))
            is_integer[:n_features] = 1
            upper = np.where(is_integer, 1.0, np.inf)
            result = milp(
                objective,
                integrality=is_integer,
                bounds=Bounds(0, upper),
                constraints=[
                    LinearConstraint(is_integer[np.newaxis], self._k, self._k),
                    *constraints,
                ],
                options={**limits, "mip_rel_gap": 1e-9},
            )
            # Status 2: no code is better than the greedy one.
            failed = result.status not in (0, 2)
            if result.x is not None:
                code = np.argsort(-result.x[:n_features], kind="stable")[: self._k]
                if self._distance(v, code) < smallest:
                    found = code
        return self._first_of_equals(found) if self._has_equals else found, failed

    def _greedy(self, v):
        residual, found = v.copy(), []
        halves = np.einsum("ij,ij->i", self._F, self._F) / 2
        for _ in range(self._k):
            gains = self._F @ residual - halves
            gains[found] = -np.inf
            found.append(int(np.argmax(gains)))
            residual -= self._F[found[-1]]
        return np.array(found)

    def _distance(self, v, found):
        return np.sum((v - self._F[found].sum(axis=0)) ** 2)

    def _chords(self, v, smallest):
        """Return the program for signs: theta_j is above lines that meet all possible r_j^2."""
        n_features, d = self._F.shape
        radius = np.sqrt(smallest) * (1 + _TOLERANCE)
        # r_j is v_j less a sum of k signs; lines between neighbours, low and low + 2.
        low = (v - self._k + 2 * np.arange(self._k)[:, np.newaxis]).ravel()
        dimensions = np.tile(np.arange(d), self._k)
        is_near = (low <= radius) & (low + 2 >= -radius)
        low, dimensions = low[is_near], dimensions[is_near]
        slopes = 2 * low + 2
        signs = csr_array(self._F.T)
        lines = hstack(
            [diags_array(slopes) @ signs[dimensions], eye_array(d, format="csr")[dimensions]]
        )
        residuals = hstack([signs, csr_array((d, d))])
        objective = np.concatenate([np.zeros(n_features), np.ones(d)])
        return objective, [
            LinearConstraint(lines, slopes * v[dimensions] - low * (low + 2), np.inf),
            LinearConstraint(residuals, v - radius, v + radius),
        ]

    def _products(self, v, smallest):
        """Return the program for any F: variables w_ij stand for the products y_i y_j."""
        n_features = len(self._F)
        first, second = np.triu_indices(n_features, 1)
        pairs = np.arange(len(first))
        gram = self._F @ self._F.T
        objective = np.concatenate([np.diag(gram) - 2 * self._F @ v, 2 * gram[first, second]])
        rows = np.concatenate([first, second])
        incidence = csr_array(
            (np.ones(len(rows)), (rows, np.concatenate([pairs, pairs]))),
            shape=(n_features, len(pairs)),
        )
        # sum_j w_ij = (k - 1) y_i, and w_ij <= y_i.
        sums = hstack([(1 - self._k) * eye_array(n_features), incidence])
        below = vstack(
            [
                hstack([-eye_array(n_features, format="csr")[end], eye_array(len(pairs))])
                for end in (first, second)
            ]
        )
        return objective, [LinearConstraint(sums, 0, 0), LinearConstraint(below, -np.inf, 0)]

    def _first_of_equals(self, found):
        """Return a selection of the same sum, of the lowest indices among equal rows."""
        kinds, counts = np.unique(self._kinds[found], return_counts=True)
        return np.concatenate(
            [
                np.flatnonzero(self._kinds == kind)[:count]
                for kind, count in zip(kinds, counts, strict=True)
            ]
        )
