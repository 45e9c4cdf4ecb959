"""Lazy and plain matching pursuit on the same samples, for the tests of the former."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal

from sksupercode.decoders import _lazy_pursuit
from sksupercode.decoders._lazy_pursuit import exact_samples
from sksupercode.dictionaries import PackedSignDictionary, SignDictionary


def lazy_pursuit(dictionary, V, n_iter, enough, least_gain):
    """Decode, and return arrays: what was found, filled up with zeros, and how much it is."""
    V, is_exact = exact_samples(V, n_iter * V.shape[1])
    assert is_exact.all()
    rows, residuals = _lazy_pursuit.lazy_pursuit(dictionary, V, n_iter, enough, least_gain)
    found = np.zeros((len(V), n_iter), dtype=np.int64)
    for selected, row in zip(found, rows, strict=True):
        selected[: len(row)] = row
    return found, np.array([len(row) for row in rows], dtype=np.int64), residuals


def plain_pursuit(S, V, n_iter, enough, least_gain=-np.inf):
    """The algorithm as it is written, on the array of signs; returns what lazy_pursuit does."""
    exact = SignDictionary(S, scale=1.0)
    found = np.zeros((len(V), n_iter), dtype=np.int64)
    n_found = np.zeros(len(V), dtype=np.int64)
    residuals = V.astype(np.float64)
    rows = np.arange(len(V))
    for _ in range(n_iter):
        rows = rows[np.linalg.norm(residuals[rows], axis=1) > enough[rows]]
        scores = exact.correlate(residuals[rows])
        best = scores.argmax(axis=1)
        gains = scores.max(axis=1, initial=-np.inf) - S.shape[1] / 2 > least_gain
        rows, best = rows[gains], best[gains]
        found[rows, n_found[rows]] = best
        n_found[rows] += 1
        residuals[rows] -= S[best]
    return found, n_found, residuals


class Recorder:
    """Makes small problems lazy, and counts the passes that were made for each sample."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.n_passes = 0
        original = PackedSignDictionary.add_correlations

        def add_correlations(dictionary, vectors, rows, scores, **params):
            self.n_passes += len(rows)
            original(dictionary, vectors, rows, scores, **params)

        monkeypatch.setattr(PackedSignDictionary, "add_correlations", add_correlations)
        self.set_pool(32)

    def set_pool(self, size):
        self._monkeypatch.setattr(_lazy_pursuit, "_SMALLEST_POOL", size)
        self._monkeypatch.setattr(_lazy_pursuit, "_POOL_SHARE", 0)

    def wrap_runs(self, wrapper):
        """Call ``wrapper(run, slack, least_lambda)`` in place of each run."""
        original = _lazy_pursuit._run

        def run(dictionary, V, enough, n_iter, least_gain, slack, least_lambda):
            def run_with(slack):
                return original(dictionary, V, enough, n_iter, least_gain, slack, least_lambda)

            return wrapper(run_with, slack, least_lambda)

        self._monkeypatch.setattr(_lazy_pursuit, "_run", run)


def random_dictionary(n_features, n_components, seed):
    dictionary = PackedSignDictionary.random(n_features, n_components, SeedSequence(seed))
    dictionary = dictionary.unnormalized
    return dictionary, dictionary.codewords(np.arange(n_features))


def make_samples(S, k, n_samples, kind, rng):
    """Superpositions, of distinct codewords where there are enough, and what else may come."""
    n_features, n_components = S.shape
    V = np.zeros((n_samples, n_components))
    for v in V:
        v += S[rng.choice(n_features, k, replace=k > n_features)].sum(axis=0)
    if kind == "integer noise":
        V += rng.integers(-1, 2, V.shape)
    elif kind == "real noise":
        V += 0.7 * rng.standard_normal(V.shape)
    elif kind == "repeated":
        V += 2 * S[rng.choice(n_features, n_samples)]
    elif kind == "gaussian":
        V = math.sqrt(k) * rng.standard_normal(V.shape)
    elif kind == "mixed":
        V[1::4] += 0.5 * rng.standard_normal(V[1::4].shape)
        V[2::4] = 0
        V[3::4] = rng.integers(-k, k + 1, V[3::4].shape)
    return V


KINDS = ["clean", "integer noise", "real noise", "repeated", "gaussian", "mixed"]


def assert_lazy_is_plain(dictionary, S, V, n_iter, *, enough=None, least_gain=-np.inf):
    enough = 1e-6 * np.linalg.norm(V, axis=1) if enough is None else enough
    V.flags.writeable = False
    ours = lazy_pursuit(dictionary, V, n_iter, enough, least_gain)
    plain = plain_pursuit(S, V, n_iter, enough, least_gain)
    assert_array_equal(ours[1], plain[1])
    assert_array_equal(ours[0], plain[0])
    np.testing.assert_allclose(ours[2], plain[2], rtol=0, atol=1e-9)
    return plain
