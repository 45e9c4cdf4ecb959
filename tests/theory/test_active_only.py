"""Active-only simulations against simulations of whole dictionaries and exact laws."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.stats import binom

from sksupercode import theory
from sksupercode.testing._runner import untouched_random_state
from sksupercode.theory import _active_only_pursuit
from tests.marks import long


def draw(n, k, d, noise_variance, rng):
    """A dictionary of signs, an active set, and the code in units of 1/sqrt(d)."""
    dictionary = rng.integers(0, 2, size=(n, d)).astype(np.float64) * 2 - 1
    active = rng.choice(n, k, replace=False)
    code = dictionary[active].sum(axis=0)
    return dictionary, set(active), code + np.sqrt(d * noise_variance) * rng.standard_normal(d)


def topk(n, k, d, noise_variance, rng):
    dictionary, active, code = draw(n, k, d, noise_variance, rng)
    # Equal codewords have equal scores, whatever the order of summation.
    return set(np.argsort(-(dictionary @ code).round(9), kind="stable")[:k]) == active


def threshold(n, k, d, noise_variance, rng):
    dictionary, active, code = draw(n, k, d, noise_variance, rng)
    return set(np.flatnonzero(dictionary @ code >= d / 2)) == active


def pursuit(n, k, d, noise_variance, rng):
    dictionary, active, residual = draw(n, k, d, noise_variance, rng)
    chosen = set()
    for _ in range(k):
        best = int(np.argmax((dictionary @ residual).round(9)))
        if best not in active - chosen:
            return False
        chosen.add(best)
        residual = residual - dictionary[best]
    return True


CASES = [
    (topk, theory.topk_active_only, (256, 1, 9, 0.0)),
    (topk, theory.topk_active_only, (256, 1, 7, 1e-6)),
    (topk, theory.topk_active_only, (256, 1, 10, 0.03)),
    (topk, theory.topk_active_only, (256, 2, 20, 0.0)),
    (topk, theory.topk_active_only, (256, 2, 14, 0.001)),
    (topk, theory.topk_active_only, (256, 3, 40, 0.0)),
    (topk, theory.topk_active_only, (300, 8, 120, 0.0)),
    (topk, theory.topk_active_only, (300, 4, 90, 0.02)),
    (threshold, theory.threshold_active_only, (200, 3, 80, 0.0)),
    (threshold, theory.threshold_active_only, (200, 4, 100, 0.0)),
    (threshold, theory.threshold_active_only, (200, 2, 80, 0.01)),
    (pursuit, theory.matching_pursuit_active_only, (256, 1, 7, 1e-6)),
    (pursuit, theory.matching_pursuit_active_only, (256, 2, 16, 0.0)),
    (pursuit, theory.matching_pursuit_active_only, (300, 6, 40, 0.0)),
    (pursuit, theory.matching_pursuit_active_only, (300, 9, 60, 0.01)),
]


@pytest.mark.long
@pytest.mark.parametrize(("direct", "simulate", "point"), CASES)
def test_agrees_with_whole_dictionaries(direct, simulate, point):
    n, k, d, noise = point
    rng = np.random.default_rng(0)
    hits = np.array([direct(n, k, d, noise, rng) for _ in range(800)], dtype=float)
    kwargs = {"noise_variance": noise, "n_samples": 800, "random_state": 1}
    estimate, error = simulate(n, k, d, **kwargs)
    assert 0.1 < hits.mean() < 0.95
    # Standard error of the direct simulation about 0.017; 4 joint standard errors.
    assert abs(estimate - hits.mean()) < 4 * np.hypot(error, hits.std() / np.sqrt(800))
    assert 0 < error < 0.02


@pytest.mark.parametrize("k", [8, *long(32)])
def test_agrees_with_the_refined_law(k):
    n = 2**20
    d = round(float(theory.topk_dimension(n, k, 0.6)))
    estimate, error = theory.topk_active_only(n, k, d, n_samples=1500, random_state=0)
    refined = theory.topk_success_probability(n, k, d, approximation="refined")
    # The refined law ignores the lattice of the scores; 0.03 is its documented accuracy.
    assert abs(estimate - refined) < 0.03 + 3 * error


@pytest.mark.parametrize("noise", [1e-4, *long(0.0)])
def test_importance_sampling_is_unbiased(noise):
    """Few draws of a codeword and many agree, both far from 0 and 1."""
    few, few_error = theory.matching_pursuit_active_only(
        2**20, 8, 125, noise, n_samples=1000, n_draws=24, random_state=0
    )
    many, many_error = theory.matching_pursuit_active_only(
        2**20, 8, 125, noise, n_samples=250, n_draws=500, random_state=1
    )
    assert 0.3 < many < 0.7
    assert abs(few - many) < 4 * np.hypot(few_error, many_error)


def test_estimates_from_few_draws_are_unbiased_to_the_first_order(monkeypatch):
    """The mean over weights that are 0 or 2 p with equal probability, without sampling."""
    n_draws, inactive, p = 8, 1000, 5e-4
    rng = np.random.default_rng(0)
    estimates = []
    for n_crossing in range(n_draws + 1):
        weights = 2 * p * (np.arange(n_draws) < n_crossing)
        monkeypatch.setattr(_active_only_pursuit, "_crossing_weights", lambda *_, w=weights: w)
        estimates.append(_active_only_pursuit._draw(inactive, 2, 100, 0.0, n_draws, rng))
    mean = binom.pmf(np.arange(n_draws + 1), n_draws, 0.5) @ estimates
    # Without the correction it would be 1.016, and with n_draws - 1 for n_draws .998.
    assert abs(mean / (1 - p) ** inactive - 1) < 0.001


def test_pursuit_of_one_codeword_is_exact():
    """k = 1: an inactive codeword wins only if it equals the active one and comes first."""
    estimate, error = theory.matching_pursuit_active_only(
        2**20, 1, 20, n_samples=800, random_state=0
    )
    u = (np.arange(20000) + 0.5) / 20000
    expected = np.mean(np.exp((2**20 - 1) * np.log1p(-u * 2.0**-20)))
    assert abs(estimate - expected) < 4 * error


@pytest.mark.parametrize(
    ("simulate", "d"),
    [
        (theory.topk_active_only, 200),
        (theory.threshold_active_only, 400),
        (theory.matching_pursuit_active_only, 60),
    ],
)
def test_interface(simulate, d):
    first = simulate(2**20, 4, d, n_samples=10, random_state=3)
    again = simulate(2**20, 4, d, n_samples=10, random_state=3)
    assert first == again and all(isinstance(x, float) for x in first)
    other = simulate(2**20, 4, d, n_samples=10, random_state=np.random.default_rng(4))
    assert first != other
    legacy = simulate(2**20, 4, d, n_samples=10, random_state=np.random.RandomState(4))
    assert 0 <= legacy[0] <= 1
    estimate, error = simulate([[64], [128]], 3, [30, 60, 90], n_samples=5, random_state=0)
    assert estimate.shape == error.shape == (2, 3)
    # All codewords active: top-k cannot fail, and a pursuit only by selecting one twice.
    assert simulate(5, 5, 5000, n_samples=5, random_state=0)[0] == 1


def test_no_global_random_state():
    with untouched_random_state():
        theory.topk_active_only(64, 3, 30, n_samples=3)
        theory.matching_pursuit_active_only(64, 3, 30, n_samples=3, random_state=0)
