"""The kernels that follow the best candidates of matching pursuit, and the bound on the others."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sksupercode.decoders import _lazy_pursuit
from sksupercode.dictionaries import (
    PackedSignDictionary,
)
from sksupercode.dictionaries._packed_signs import compilation_is_enabled
from tests.decoders.lazy_pursuit import (
    Recorder,
    lazy_pursuit,
    plain_pursuit,
    random_dictionary,
)
from tests.marks import needs_kernels

if compilation_is_enabled():
    from sksupercode.decoders import _pool_kernels
    from sksupercode.decoders._pool_kernels import collect, is_greedy

pytestmark = needs_kernels


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


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
