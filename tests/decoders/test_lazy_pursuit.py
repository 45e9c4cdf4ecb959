"""Matching pursuit that correlates seldom against one that always does, and the bound between."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal

from sksupercode._utils import _threads
from sksupercode.decoders import _lazy_pursuit
from sksupercode.dictionaries import SeededSignDictionary, _packed_signs
from tests.decoders.lazy_pursuit import (
    KINDS,
    Recorder,
    assert_lazy_is_plain,
    lazy_pursuit,
    make_samples,
    plain_pursuit,
    random_dictionary,
)
from tests.marks import long, needs_kernels

pytestmark = needs_kernels


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


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
@pytest.mark.parametrize("pool_size", [32, *long(1)])
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


@pytest.mark.parametrize("n_components", [40, 100, 200])
@pytest.mark.parametrize("n_iter", [0, 3, 20])
def test_fewer_and_more_iterations_than_codewords(n_components, n_iter, recorder):
    dictionary, S = random_dictionary(400, n_components, 0)
    for kind in KINDS:
        V = make_samples(S, 6, 8, kind, np.random.default_rng(n_components))
        found, n_found, _ = assert_lazy_is_plain(dictionary, S, V, n_iter)
        if kind == "gaussian" and n_components == 40 and n_iter == 20:
            repeated = [len(set(row[:n])) < n for row, n in zip(found, n_found, strict=True)]
            assert any(repeated), "no codeword was selected again: the case is not tested"


@pytest.mark.parametrize("n_iter", [4, 5, 20])
def test_more_selections_than_there_is_room_for(n_iter, recorder, monkeypatch):
    monkeypatch.setattr(_lazy_pursuit, "_MOST_SELECTIONS", 4)
    dictionary, S = random_dictionary(400, 100, 0)
    for kind in ("clean", "mixed"):
        V = make_samples(S, 8, 8, kind, np.random.default_rng(0))
        assert_lazy_is_plain(dictionary, S, V, n_iter)


@pytest.mark.parametrize("n_components", [40, 100, 300])
@pytest.mark.parametrize("least_gain", [0.0, 5.0])
def test_samples_that_end_early(n_components, least_gain, recorder):
    """At a norm of their own, or where no codeword gains anything."""
    dictionary, S = random_dictionary(400, n_components, 1)
    for kind in KINDS:
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
    n_wrong = 0
    for seed in range(2):
        dictionary, S = random_dictionary(2000, n_components, seed)
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
