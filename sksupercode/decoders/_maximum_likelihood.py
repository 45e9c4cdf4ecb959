"""The most probable code: an integer program."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from sksupercode._validation import check_real
from sksupercode.decoders._base import BaseDecoder
from sksupercode.dictionaries import SignDictionary

# A residual of this part of ||x|| is zero, and objectives this close are equal.
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
        decoder takes the same codebook for the d of X and the N of y. Other estimators are lent as
        they are; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords in a superposition. None learns it from y: the common number of
        nonzero entries of its rows, or with a warning the largest.

    time_limit : float, default=10.0
        Seconds for a sample. When they are over the sample gets the best code found.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int
        The sparsity k that was given or learned.

    values_ : {"binary"}
        The values of nonzero coefficients.

    n_features_in_ : int
        Number d of columns of X.

    See Also
    --------
    BasisPursuitDecoder : The same without the integers, for any N.
    sksupercode.theory.all_or_nothing_dimension : When this decoder succeeds, in noise.
    sksupercode.theory.unique_decoding_dimension : When it does without noise.

    Notes
    -----
    The program is for small N: seconds at N = 100 and k = 5, where there are 10^8 codes. For
    each dimension j there is a variable for the squared residual, ``theta_j >= r_j^2``, with

    * for codewords of signs, lines through the only points (r_j, r_j^2) that k signs can make.
      With these the program is exact;
    * for other dictionaries, tangents in the residual of the best code of the program so far,
      until there is none better (outer approximation).

    HiGHS solves it by branch and bound, from a code that is found greedily. Zero codewords are not
    used. Of codes at the same distance any may be returned.

    References
    ----------
    .. [1] G. Reeves, J. Xu and I. Zadik, "The all-or-nothing phenomenon in sparse linear
       regression", Conference on Learning Theory, 2019.
    .. [2] M. A. Duran and I. E. Grossmann, "An outer-approximation algorithm for a class of
       mixed-integer nonlinear programs", Mathematical Programming 36, 1986.
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

    def __init__(self, dictionary, n_nonzero_coefs=None, *, time_limit=10.0, sparse_output=True):
        super().__init__(dictionary, n_nonzero_coefs, values="binary", sparse_output=sparse_output)
        self.time_limit = time_limit

    def _needs_fixed_k(self):
        return True

    def _fit_decoder(self, X):
        check_real(self.time_limit, "time_limit", minimum=0, maximum=np.inf, min_inclusive=False)

    def _bytes_per_sample(self):
        n_features, n_components = self.dictionary_.shape
        # The constraints of a sample: a row for each line of each dimension.
        return 64 * (self.n_nonzero_coefs_ + 4) * n_components * (n_features + n_components)

    def _failure(self):
        return f"were not decided within {self.time_limit} s; they get the best code found"

    def _decode(self, V):
        used = np.flatnonzero(self._codewords.squared_norms)
        k = min(self.n_nonzero_coefs_, len(used))
        indices = np.zeros((len(V), k), dtype=np.intp)
        failed = np.zeros(len(V), dtype=bool)
        if k:
            program = _NearestSum(
                np.asarray(self._codewords.codewords(used), dtype=np.float64),
                k,
                is_signs=isinstance(self._codewords, SignDictionary),
            )
            for row, v in enumerate(V):
                found, failed[row] = program.solve(v, self.time_limit)
                indices[row] = used[found]
        return indices, np.ones(indices.shape), failed


class _NearestSum:
    """The integer program for the k rows of F whose sum is nearest to a sample."""

    def __init__(self, F, k, *, is_signs):
        self._F = F
        self._k = k
        self._is_signs = is_signs
        n_features, d = F.shape
        self._objective = np.concatenate([np.zeros(n_features), np.ones(d)])
        self._counts = LinearConstraint(1 - self._objective[np.newaxis], k, k)

    def solve(self, v, time_limit):
        """Return k rows, and whether the time was not enough to know that they are the best."""
        end = time.monotonic() + time_limit
        best = self._greedy(v)
        smallest = self._distance(v, best)
        lines = self._chords(v) if self._is_signs else []
        while smallest > (_TOLERANCE * np.linalg.norm(v)) ** 2:
            lines.append(self._tangents(v, best))
            rest = end - time.monotonic()
            result = self._optimize(v, lines, smallest, rest) if rest > 0 else None
            if result is None or (result.x is None and result.status == 1):
                return best, True
            if result.x is None:
                # Nothing is better than the best, by more than the solver's tolerance.
                return best, False
            found = np.argsort(-result.x[: len(self._F)], kind="stable")[: self._k]
            distance = self._distance(v, found)
            is_new = distance < smallest
            if is_new:
                best, smallest = found, distance
            if result.status == 0 and result.fun >= smallest * (1 - _TOLERANCE):
                return best, False
            if result.status != 0:
                return best, True
            lines.append(self._tangents(v, found))
        return best, False

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

    def _optimize(self, v, lines, smallest, time_limit):
        n_features, d = self._F.shape
        slopes, offsets = (np.concatenate(parts) for parts in zip(*lines, strict=True))
        # theta_j - slope (v_j - f_j y) >= offset
        dimensions = np.tile(np.arange(d), len(slopes) // d)
        rows = slopes[:, np.newaxis] * self._F.T[dimensions]
        lines = LinearConstraint(
            np.hstack([rows, np.eye(d)[dimensions]]), slopes * v[dimensions] + offsets, np.inf
        )
        radius = np.sqrt(smallest) * (1 + _TOLERANCE)
        residuals = LinearConstraint(
            np.hstack([self._F.T, np.zeros((d, d))]), v - radius, v + radius
        )
        upper = np.concatenate([np.ones(n_features), np.full(d, radius**2)])
        return milp(
            self._objective,
            integrality=1 - self._objective,
            bounds=Bounds(0, upper),
            constraints=[self._counts, residuals, lines],
            options={"time_limit": time_limit, "mip_rel_gap": _TOLERANCE / 10},
        )

    def _chords(self, v):
        """Return the lines between neighbours among the squares of ``v_j`` less a sum of signs."""
        lines = []
        for n_negative in range(self._k):
            low = v - self._k + 2 * n_negative
            lines.append((2 * low + 2, -low * (low + 2)))
        return lines

    def _tangents(self, v, found):
        residual = v - self._F[found].sum(axis=0)
        return 2 * residual, -(residual**2)
