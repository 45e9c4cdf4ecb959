"""Matching pursuit that correlates seldom against one that always does, and the bound between."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal
from sklearn import config_context

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _lazy_pursuit
from sksupercode.decoders._lazy_pursuit import can_be_lazy, exact_samples
from sksupercode.dictionaries import (
    PackedSignDictionary,
    SeededSignDictionary,
    SignDictionary,
    _packed_signs,
    _threads,
)
from sksupercode.dictionaries._packed_signs import compilation_is_enabled

if compilation_is_enabled():
    from sksupercode.decoders import _pool_kernels
    from sksupercode.decoders._pool_kernels import collect, is_greedy

pytestmark = pytest.mark.skipif(
    not compilation_is_enabled(), reason="NUMBA_DISABLE_JIT: there are no compiled kernels"
)


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


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


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


# Lazy equals plain

SHAPES = [
    # N, d, k: comfortable, near the limit, and hopeless.
    *((600, 300, 8), (600, 129, 8), (600, 64, 8), (600, 20, 8)),
    *((1000, 200, 12), (1000, 127, 12), (2000, 500, 24), (300, 63, 5), (300, 65, 5)),
    # k = 1, k = N and k > N.
    *((500, 65, 1), (500, 3, 1), (12, 90, 12), (12, 30, 40), (40, 200, 60)),
    # Few dimensions, where all is ties, and few codewords.
    *((500, 1, 3), (500, 2, 4), (70, 7, 6), (31, 64, 3), (32, 64, 4), (33, 64, 4)),
    *((1, 1, 1), (1, 50, 1), (1, 50, 3), (2, 1, 2)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "{}x{}x{}".format(*shape))
@pytest.mark.parametrize("pool_size", [1, 32])
def test_lazy_is_plain(shape, pool_size, recorder):
    """30 instances each: selected codewords, their order and the residuals."""
    n_features, n_components, k = shape
    recorder.set_pool(pool_size)
    for seed, kind in enumerate(KINDS):
        dictionary, S = random_dictionary(n_features, n_components, seed)
        V = make_samples(S, k, 5, kind, np.random.default_rng([seed, *shape]))
        assert_lazy_is_plain(dictionary, S, V, k)


def test_the_instances_succeed_and_fail():
    """What the test above is worth: some of its shapes are decoded, some are not."""
    rates = []
    for n_features, n_components, k in SHAPES[:4]:
        _, S = random_dictionary(n_features, n_components, 0)
        V = make_samples(S, k, 20, "clean", np.random.default_rng(0))
        _, _, residuals = plain_pursuit(S, V, k, np.zeros(20))
        rates.append(np.mean(~residuals.any(axis=1)))
    assert rates[0] == 1
    assert 0 < rates[2] < 1
    assert rates[3] == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_components", [40, 100, 200])
@pytest.mark.parametrize("n_iter", [0, 3, 20])
def test_fewer_and_more_iterations_than_codewords(kind, n_components, n_iter, recorder):
    dictionary, S = random_dictionary(400, n_components, 0)
    V = make_samples(S, 6, 8, kind, np.random.default_rng(n_components))
    found, n_found, _ = assert_lazy_is_plain(dictionary, S, V, n_iter)
    if kind == "gaussian" and n_components == 40 and n_iter == 20:
        repeated = [len(set(row[:n])) < n for row, n in zip(found, n_found, strict=True)]
        assert any(repeated), "no codeword was selected again: the case is not tested"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_components", [40, 100, 300])
@pytest.mark.parametrize("least_gain", [0.0, 5.0])
def test_samples_that_end_early(kind, n_components, least_gain, recorder):
    """At a norm of their own, or where no codeword gains anything."""
    dictionary, S = random_dictionary(400, n_components, 1)
    V = make_samples(S, 6, 8, kind, np.random.default_rng(n_components))
    # Where norms are not roots of integers, they may be rounded one way or the other.
    margin = 1 if (np.rint(V) == V).all() else 1 + 1e-9
    norms = margin * np.linalg.norm(V, axis=1)
    for share in (0.0, 0.3, 0.7, 1.0):
        _, n_found, _ = assert_lazy_is_plain(
            dictionary, S, V, 12, enough=share * norms, least_gain=least_gain
        )
        assert n_found.min() < 12
    assert not n_found.any()


@pytest.mark.parametrize("n_components", [1, 40, 64, 200])
@pytest.mark.parametrize("n_features", [20, 500])
def test_samples_that_are_no_superposition(n_components, n_features, recorder):
    dictionary, S = random_dictionary(n_features, n_components, 2)
    V = np.zeros((9, n_components))
    V[1], V[2], V[3] = 1, -3, 1000
    V[4, 0], V[5, -1] = 1, -50
    V[6] = 0.5
    V[7] = -S[0]
    V[8] = 10**6 * S[-1] + S[0]
    assert_lazy_is_plain(dictionary, S, V, 10)


@pytest.mark.parametrize("kind", ["clean", "real noise", "mixed"])
def test_the_default_pool(kind):
    """Nothing is made smaller here: 1,024 of 5,000 codewords."""
    dictionary, S = random_dictionary(5000, 420, 0)
    V = make_samples(S, 25, 8, kind, np.random.default_rng(0))
    assert_lazy_is_plain(dictionary, S, V, 25)


@pytest.mark.parametrize("n_features", [500, 3000])
def test_seeded_dictionaries_are_lazy_too(n_features, recorder):
    packed, S = random_dictionary(n_features, 200, 7)
    seeded = SeededSignDictionary(n_features, 200, SeedSequence(7)).unnormalized
    for kind in KINDS:
        V = make_samples(S, 9, 8, kind, np.random.default_rng(0))
        wanted = lazy_pursuit(packed, V, 9, np.zeros(8), -np.inf)
        for ours, theirs in zip(
            lazy_pursuit(seeded, V, 9, np.zeros(8), -np.inf), wanted, strict=True
        ):
            assert_array_equal(ours, theirs)


# It is lazy


def test_few_passes_where_samples_are_recovered(recorder):
    """Plain pursuit makes 32 passes for each sample."""
    recorder.set_pool(64)
    dictionary, S = random_dictionary(4096, 600, 0)
    V = make_samples(S, 32, 8, "clean", np.random.default_rng(0))
    _, _, residuals = assert_lazy_is_plain(dictionary, S, V, 32)
    assert not residuals.any()
    assert 8 < recorder.n_passes <= 4 * 8
    # With noise, only the bound for all sums is left, and the first run is in vain for integers.
    for kind in ("real noise", "integer noise"):
        V = make_samples(S, 32, 8, kind, np.random.default_rng(0))
        recorder.n_passes = 0
        lazy_pursuit(dictionary, V, 32, np.zeros(8), 0.0)
        assert 4 * 8 < recorder.n_passes < 16 * 8


def test_a_pool_that_holds_everything_needs_one_pass(recorder):
    recorder.set_pool(500)
    dictionary, S = random_dictionary(500, 200, 0)
    V = make_samples(S, 9, 8, "clean", np.random.default_rng(0))
    assert_lazy_is_plain(dictionary, S, V, 9)
    assert recorder.n_passes == 8


def test_an_overfull_pool_is_no_pool(recorder, monkeypatch):
    """Where too many score alike, the best alone is taken from each pass."""
    dictionary, S = random_dictionary(2000, 1, 0)
    V = np.full((2, 1), 7.0)
    assert_lazy_is_plain(dictionary, S, V, 5)
    # Both runs of both samples, since a codeword is selected again and again.
    assert recorder.n_passes == 2 * 2 * 5


# A wrong bound would be noticed


@pytest.mark.parametrize("n_components", [400, 600])
@pytest.mark.parametrize("kind", ["clean", "integer noise", "real noise", "gaussian"])
def test_without_slack_the_output_differs(n_components, kind, recorder):
    """A bound that is too small by its slack selects other codewords, and these tests see it."""
    recorder.wrap_runs(lambda run, slack, least_lambda: run(0 * slack))
    recorder.set_pool(64)
    n_wrong = 0
    for seed in range(2):
        dictionary, S = random_dictionary(4096, n_components, seed)
        V = make_samples(S, 32, 8, kind, np.random.default_rng(seed))
        ours = lazy_pursuit(dictionary, V, 32, np.zeros(8), -np.inf)
        plain = plain_pursuit(S, V, 32, np.zeros(8))
        n_wrong += np.sum((ours[0] != plain[0]).any(axis=1))
    assert n_wrong > 0


def test_what_was_not_recovered_is_decoded_again(recorder):
    """The second run alone decides on samples that fail the first, whatever that selected."""
    runs = []

    def without_slack_at_first(run, slack, least_lambda):
        results = run(slack if least_lambda else 0 * slack)
        runs.append((least_lambda, len(results[0])))
        return results

    recorder.wrap_runs(without_slack_at_first)
    dictionary, S = random_dictionary(600, 20, 0)
    V = make_samples(S, 8, 20, "clean", np.random.default_rng(0))
    V[::5] += 0.5
    _, _, residuals = assert_lazy_is_plain(dictionary, S, V, 8)
    assert residuals.any(axis=1).all(), "all of these should fail"
    # Samples that are not integer have no first run.
    assert runs == [(0.0, 16), (1.0, 20)]


def test_a_wrong_order_is_decoded_again(recorder):
    """Recovery alone is not enough: the codewords must have come in the greedy order."""

    def reverse_at_first(run, slack, least_lambda):
        found, residuals = run(slack)
        assert all(len(row) == 8 for row in found)
        return found if least_lambda else [row[::-1].copy() for row in found], residuals

    recorder.wrap_runs(reverse_at_first)
    dictionary, S = random_dictionary(600, 300, 0)
    V = make_samples(S, 8, 8, "clean", np.random.default_rng(0))
    _, _, residuals = assert_lazy_is_plain(dictionary, S, V, 8)
    assert not residuals.any()


# The kernels of the pool


def scores_of(rng, size, n_values):
    return rng.integers(-n_values, n_values + 1, size).astype(np.float64)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 31, 32, 33, 500])
@pytest.mark.parametrize("n_values", [1, 5, 1000])
def test_collect_is_flatnonzero(size, n_values):
    rng = np.random.default_rng([size, n_values])
    for _ in range(20):
        scores = scores_of(rng, size, n_values)
        for tau in (-np.inf, -n_values / 2, 0.0, float(rng.choice(scores)), scores.max(), np.inf):
            above = np.flatnonzero(scores > tau)
            for capacity in {1, max(1, len(above) - 1), len(above) + 1, max(1, len(above)), size}:
                pool, bound = collect(scores, tau, capacity)
                if 0 < len(above) <= capacity:
                    assert_array_equal(pool, above)
                    assert bound == tau
                else:
                    assert_array_equal(pool, [scores.argmax()])
                    assert bound == np.inf


def test_bound_is_the_least_over_lambda():
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = rng.integers(1, 100)
        tau, slack = rng.standard_normal() * 10, rng.uniform(0, 90)
        delta = rng.integers(-5, 6, size).astype(np.float64)
        first = rng.integers(-5, 6, size) - rng.choice([0, 1]) * delta
        # As it is in pursue: the residual of the last pass plus what it has gained.
        residual = first + delta
        for least_lambda in (0.0, 0.5, 1.0):
            weights = np.linspace(least_lambda, 1, int(round(16 * (1 - least_lambda))) + 1)
            wanted = min(
                part * tau + math.sqrt(slack) * np.linalg.norm(residual - part * first)
                for part in weights
            )
            bound = _pool_kernels._bound(tau, slack, least_lambda, residual, delta)
            np.testing.assert_allclose(bound, wanted, rtol=1e-9, atol=1e-6)


def test_bound_of_pools_of_one_and_of_all():
    """Nothing else can be selected from the one, and nothing is outside of the other."""
    v = np.ones(5)
    for least_lambda in (0.0, 1.0):
        assert _pool_kernels._bound(np.inf, 3.0, least_lambda, v, -v) == np.inf
        assert _pool_kernels._bound(-np.inf, 3.0, least_lambda, v, -v) == -np.inf


def greedy_order(S, indices):
    """Matching pursuit of the sum of these codewords among them alone, in exact integers."""
    codewords = {int(i): S[i].astype(int) for i in indices}
    residual, order = sum(S[i].astype(int) for i in indices), []
    for _ in indices:
        order.append(max(codewords, key=lambda i: (int(codewords[i] @ residual), -i)))
        residual = residual - codewords[order[-1]]
    return order


@pytest.mark.parametrize("n_components", [1, 5, 40, 64, 130])
@pytest.mark.parametrize("size", [0, 1, 2, 5, 33])
def test_is_greedy_is_a_simulation(n_components, size):
    dictionary, S = random_dictionary(100, n_components, 3)
    rng = np.random.default_rng([n_components, size])
    n_greedy = 0
    for _ in range(20):
        chosen = rng.choice(100, size, replace=False)
        # The order of a simulation, the sorted one and two that are nearly the first.
        order = np.array(greedy_order(S, chosen), dtype=np.int64)
        candidates = [order, np.sort(order), order[::-1].copy()]
        for _ in range(3):
            swapped = order.copy()
            if size > 1:
                place = rng.integers(size - 1)
                swapped[[place, place + 1]] = swapped[[place + 1, place]]
            candidates.append(swapped)
        for candidate in candidates:
            wanted = candidate.tolist() == order.tolist() and len(set(candidate)) == size
            assert is_greedy(dictionary.lanes(candidate), n_components, candidate) == wanted
        n_greedy += len(set(order)) == size
    if size <= 2 or n_components == 130:
        assert n_greedy > 0, "no order was greedy: the case is not tested"


def test_of_two_codewords_the_lower_index_comes_first():
    """Their scores in the sum of both are equal, whatever they are."""
    dictionary, _ = random_dictionary(50, 200, 0)
    assert is_greedy(dictionary.lanes(np.array([3, 7])), 200, np.array([3, 7]))
    assert not is_greedy(dictionary.lanes(np.array([7, 3])), 200, np.array([7, 3]))


def test_equal_codewords_are_never_greedy():
    """The first of them is as good as the second when it has been selected already."""
    dictionary = PackedSignDictionary(np.ones((5, 70)))
    for found in ([1, 2], [2, 1], [0, 1, 4]):
        found = np.array(found)
        assert not is_greedy(dictionary.lanes(found), 70, found)
    assert plain_pursuit(np.ones((5, 70)), np.full((1, 70), 2.0), 2, np.zeros(1))[0].tolist() == [
        [0, 0]
    ]


def test_a_codeword_selected_again_is_not_greedy():
    dictionary, _ = random_dictionary(50, 200, 0)
    for found in ([3, 3], [3, 7, 3], [7, 3, 3], [3, 3, 3]):
        found = np.array(found)
        assert not is_greedy(dictionary.lanes(found), 200, found)


@pytest.mark.parametrize("n_features", [1, 2, 100, 2**16, 2**20])
def test_slack_for_all_sums_counts_multisets(n_features):
    """N codewords, each with all multisets of t others, at odds of 2^-t 10^-9."""
    slack = _lazy_pursuit._slack_for_all_sums(n_features)
    wanted = [
        2 * math.log(n_features * math.comb(n_features + t - 1, t) * 2**t * 10**9)
        for t in range(len(slack))
    ]
    assert len(slack) == _lazy_pursuit._MOST_SELECTIONS + 1
    np.testing.assert_allclose(slack, wanted, rtol=1e-9)


def test_slack_for_recovered_samples_counts_codewords_and_steps(recorder):
    slacks = []

    def keep_slack(run, slack, least_lambda):
        slacks.append(slack)
        return run(slack)

    recorder.wrap_runs(keep_slack)
    dictionary, S = random_dictionary(600, 300, 0)
    lazy_pursuit(dictionary, S[:1].copy(), 8, np.zeros(1), -np.inf)
    # 600 codewords at each of 8 steps after any of the passes before it.
    assert slacks[0].min() >= 2 * math.log(600 * 36 * 10**9) * (1 - 1e-12)
    assert_array_equal(slacks[1], _lazy_pursuit._slack_for_all_sums(600))


def test_scores_outside_the_pool_keep_the_bound():
    """Sums of t random codewords against 3,000 others: the worst is far below, yet not absurdly."""
    _, S = random_dictionary(3000, 200, 5)
    slack = _lazy_pursuit._slack_for_all_sums(3000)
    rng = np.random.default_rng(0)
    ratios = []
    for t in (1, 2, 5, 20, 64):
        for _ in range(20):
            chosen = rng.choice(3000, t, replace=False)
            delta = S[chosen].sum(axis=0)
            others = np.delete(S @ delta, chosen)
            ratios.append(others.max() / np.linalg.norm(delta) / math.sqrt(slack[t]))
    # The largest of 3,000 normal numbers is about 3.5, and the slack of t = 1 is 9.4^2.
    assert 0.1 < max(ratios) < 0.6


# What must not matter


def problem(n_components=200, n_samples=30):
    dictionary, S = random_dictionary(600, n_components, 0)
    V = make_samples(S, 9, n_samples, "mixed", np.random.default_rng(0))
    return dictionary, S, V


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_threads_change_nothing(n_threads, recorder, monkeypatch):
    monkeypatch.setattr(_threads, "thread_count", lambda: n_threads)
    monkeypatch.setattr(_packed_signs, "_WORTH_A_THREAD", 1)
    dictionary, S, V = problem()
    assert_lazy_is_plain(dictionary, S, V, 9)


def test_batches_change_nothing(recorder):
    dictionary, _, V = problem()
    wanted = lazy_pursuit(dictionary, V, 9, np.zeros(30), -np.inf)
    for size in (1, 7):
        parts = [
            lazy_pursuit(dictionary, V[i : i + size], 9, np.zeros(len(V[i : i + size])), -np.inf)
            for i in range(0, 30, size)
        ]
        for ours, theirs in zip(zip(*parts, strict=True), wanted, strict=True):
            assert_array_equal(np.concatenate(ours), theirs)
    order = np.random.default_rng(0).permutation(30)
    for ours, theirs in zip(
        lazy_pursuit(dictionary, V[order], 9, np.zeros(30), -np.inf), wanted, strict=True
    ):
        assert_array_equal(ours, theirs[order])


def test_an_empty_batch():
    dictionary, _, V = problem()
    found, n_found, residuals = lazy_pursuit(dictionary, V[:0], 9, np.zeros(0), -np.inf)
    assert found.shape == (0, 9) and n_found.shape == (0,) and residuals.shape == (0, 200)


# Which dictionaries


def test_only_random_packed_signs_are_lazy(monkeypatch):
    random = [
        cls.random(50, 70, SeedSequence(0))
        for cls in (PackedSignDictionary, SeededSignDictionary, SignDictionary)
    ]
    assert [can_be_lazy(dictionary) for dictionary in random] == [True, True, False]
    assert [can_be_lazy(dictionary.unnormalized) for dictionary in random] == [True, True, False]
    signs = np.asarray(random[0])
    assert not can_be_lazy(PackedSignDictionary(signs))
    assert not can_be_lazy(random[0].take(np.arange(50)))
    words = np.zeros((50, 2), dtype=np.uint64)
    assert not can_be_lazy(PackedSignDictionary.from_words(words, 70))
    monkeypatch.setattr(_lazy_pursuit, "compilation_is_enabled", lambda: False)
    assert not can_be_lazy(random[0])


@pytest.mark.parametrize("n_components", [40, 200])
def test_repeated_rows_go_the_plain_way(n_components, monkeypatch):
    """Given signs may be anything, even all alike, and are decoded as the dense array is."""

    def never(*args):
        raise AssertionError("these signs are not known to be random")

    monkeypatch.setattr("sksupercode.decoders._matching_pursuit.lazy_pursuit", never)
    rng = np.random.default_rng(0)
    S = np.where(rng.random((40, n_components)) < 0.5, -1, 1)
    S = np.vstack([S, S[::-1], S[:5]])
    packed, dense = PackedSignDictionary(S), SignDictionary(S)
    X = dense.superpose(make_sparse_codes(30, len(S), n_nonzero_coefs=6, random_state=0))
    X[::3] += rng.standard_normal(X[::3].shape)
    codes = [
        MatchingPursuitDecoder(dictionary, 6, values="binary").fit(X).transform(X).toarray()
        for dictionary in (packed, dense)
    ]
    assert_array_equal(*codes)
    assert codes[0].sum() > 100


# Decoders


def encoders(n_components, n_features):
    return [
        RademacherEncoder(n_components, n_features=n_features, storage=storage, random_state=3)
        for storage in ("dense", "packed", "seed")
    ]


def noisy_problem(encoder, k):
    """Superpositions, a third of them with noise and a third with a whole number on top."""
    rng = np.random.default_rng(0)
    Y = make_sparse_codes(12, encoder.n_features, n_nonzero_coefs=k, random_state=0)
    X = encoder.fit_transform(Y)
    X[::3] += 0.5 / np.sqrt(X.shape[1]) * rng.standard_normal(X[::3].shape)
    X[1::3] += rng.integers(-1, 2, X[1::3].shape) / np.sqrt(X.shape[1])
    return X, Y


def assert_same_in_every_storage(make, X, Y):
    dense, *others = [make(encoder).fit(X, Y) for encoder in encoders(X.shape[1], Y.shape[1])]
    for other in others:
        for method in ("predict", "transform"):
            ours, theirs = getattr(other, method)(X), getattr(dense, method)(X)
            assert_array_equal(ours.toarray(), theirs.toarray())
            assert ours.dtype == theirs.dtype
        assert other.score(X, Y) == dense.score(X, Y)
    return dense


@pytest.mark.parametrize("n_features, n_components, k", [(300, 250, 9), (300, 90, 9), (30, 64, 3)])
@pytest.mark.parametrize("tol, dtype", [(None, np.float64), (0.0, np.float32), (0.4, np.float64)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_matching_pursuit_in_every_storage(n_features, n_components, k, tol, dtype, recorder):
    X, Y = noisy_problem(encoders(n_components, n_features)[0], k)
    dense = assert_same_in_every_storage(
        lambda encoder: MatchingPursuitDecoder(encoder, k + 3, tol=tol), X.astype(dtype), Y
    )
    assert dense.transform(X).nnz > 12
    assert recorder.n_passes > 0


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_other_values_are_never_lazy(values, recorder):
    X, Y = noisy_problem(encoders(120, 300)[0], 4)
    assert_same_in_every_storage(
        lambda encoder: MatchingPursuitDecoder(encoder, 6, values=values), X, Y
    )


@pytest.mark.parametrize("working_memory", [0.01, 0.1])
def test_working_memory_changes_nothing(working_memory, recorder):
    dense, packed, _ = encoders(250, 700)
    X, Y = noisy_problem(dense, 9)
    wanted = MatchingPursuitDecoder(dense).fit(X, Y).transform(X)
    decoder = MatchingPursuitDecoder(packed).fit(X, Y)
    with config_context(working_memory=working_memory):
        assert_array_equal(decoder.transform(X).toarray(), wanted.toarray())


def test_a_huge_cap_takes_no_memory():
    encoder = RademacherEncoder(120, n_features=200, storage="packed", random_state=0)
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, random_state=0)
    X = encoder.fit_transform(Y)
    decoder = MatchingPursuitDecoder(encoder, n_nonzero_coefs=10**12, tol=1e-6).fit(X, Y)
    assert decoder.score(X, Y) == 1.0


def test_tiny_samples_in_every_storage():
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, random_state=0)
    X = 1e-20 * encoders(60, 200)[0].fit_transform(Y)
    assert_same_in_every_storage(lambda encoder: MatchingPursuitDecoder(encoder, 4), X, Y)


def test_samples_too_large_for_units_go_the_plain_way():
    X = 1e17 * np.eye(40)[:5]
    assert not exact_samples(X, 0.0)[1].any()
    assert_same_in_every_storage(
        lambda encoder: MatchingPursuitDecoder(encoder, 4),
        X,
        make_sparse_codes(5, 200, n_nonzero_coefs=4, random_state=0),
    )


@pytest.mark.parametrize("factor", [0.1, 0.3])
def test_fractions_of_superpositions_in_every_storage(factor):
    encoder = encoders(65, 3000)[0]
    Y = make_sparse_codes(10, 3000, n_nonzero_coefs=20, random_state=0)
    X = factor * encoder.fit_transform(Y)
    assert_same_in_every_storage(lambda encoder: MatchingPursuitDecoder(encoder, 20), X, Y)


@pytest.mark.parametrize("n_features, n_components", [(300, 1), (300, 64), (600, 100)])
@pytest.mark.parametrize(
    "values, block_scores",
    [("binary", 512), ("binary", 2**22), ("nonnegative", 512), ("real", 512)],
)
def test_top_k_in_every_storage(n_features, n_components, values, block_scores, monkeypatch):
    """Ties at few dimensions and at every k, of the superpositions and of noisy samples."""
    monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", block_scores)
    monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
    X, Y = noisy_problem(encoders(n_components, n_features)[0], 5)
    X[4] = 0
    for k in (0, 5, n_features - 1, n_features + 1):
        dense = assert_same_in_every_storage(
            lambda encoder, k=k: TopKDecoder(encoder, k, values=values), X, Y
        )
        if values == "binary":
            assert_array_equal(dense.transform(X).sum(axis=1), min(k, n_features))


@pytest.mark.parametrize("storage", ["dense", "packed", "seed"])
def test_ties_of_top_k_go_to_the_lowest_index(storage, monkeypatch):
    """Against a stable sort of exact scores, across the edges of blocks."""
    monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", 512)
    monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
    encoder = RademacherEncoder(5, n_features=200, storage=storage, random_state=0)
    Y = make_sparse_codes(10, 200, n_nonzero_coefs=3, random_state=0)
    X = encoder.fit_transform(Y)
    S = np.rint(np.asarray(encoder.dictionary_) * np.sqrt(5)).astype(int)
    scores = np.rint(X * np.sqrt(5)).astype(int) @ S.T
    for k in (1, 40, 199):
        codes = TopKDecoder(encoder, k).fit(X, Y).transform(X).toarray()
        wanted = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        assert_array_equal(np.sort(wanted, axis=1), [np.flatnonzero(code) for code in codes])
