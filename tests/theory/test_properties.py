"""What must hold whatever the numbers: monotonicity, symmetry, inversion, order of the bounds."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import product

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

from sksupercode import theory
from tests.marks import long

SIZES = [(1024, 1), (3000, 5), (10**6, 100), (2**40, 30), (2**60, 1000)]
LAWS = {
    "threshold-0.5": (theory.threshold_success_probability, {"threshold": 0.5}),
    "threshold-map": (theory.threshold_success_probability, {"threshold": "map"}),
    "threshold-optimal": (theory.threshold_success_probability, {"threshold": "optimal"}),
    "topk": (theory.topk_success_probability, {}),
    "threshold-refined": (
        theory.threshold_success_probability,
        {"threshold": "optimal", "approximation": "refined"},
    ),
    "topk-refined": (theory.topk_success_probability, {"approximation": "refined"}),
}
QUICK = [law for law in LAWS if law != "topk-refined"]


def log_success(law, n, k, d, noise_variance):
    function, options = LAWS[law]
    return function(n, k, d, noise_variance=noise_variance, output="log", **options)


def grid_of_dimensions(n, k):
    return np.maximum(theory.one_step_dimension(n, k) * np.geomspace(0.05, 4, 25), 1)


def sizes_of(law):
    # Refined from k = 3 on, and there they take long.
    return SIZES[1:4] if "refined" in law else SIZES


@pytest.mark.parametrize("law", [*QUICK, *long("topk-refined")])
def test_success_increases_with_dimension(law):
    for n, k in sizes_of(law):
        log_p = log_success(law, n, k, grid_of_dimensions(n, k), 0.0)
        if "refined" in law:
            log_p = log_p[log_p > np.log(1e-4)]  # its documented range
        else:
            # The MAP threshold of one active codeword is above its score at first, and P = 0.
            assert np.isfinite(log_p).all() or (law, k) == ("threshold-map", 1)
            assert log_p[0] < -1
        log_p = log_p[np.isfinite(log_p)]
        assert log_p.size >= 8
        assert np.all(np.diff(log_p) >= 0)
        assert log_p[-1] > np.log(0.9)


@pytest.mark.parametrize("law", [*QUICK, *long("topk-refined")])
def test_success_decreases_with_noise(law):
    noise = np.append(0, np.geomspace(1e-9, 1.0, 13))
    if law == "threshold-map":
        noise = noise[1:]  # without noise, k = 1 has a threshold above 1, as tested above
    for n, k in sizes_of(law):
        d = theory.rule_of_thumb_dimension(n, k, "threshold")
        log_p = log_success(law, n, k, d, noise)
        assert np.all(np.diff(log_p) <= 1e-12)
        assert log_p[0] > np.log(0.2) > log_p[-1]


@pytest.mark.parametrize("law", LAWS)
def test_success_decreases_with_the_number_of_features(law):
    log_p = log_success(law, 2 ** np.arange(4, 61, 4), 8, 400, 0.001)
    assert np.all(np.diff(log_p) <= 1e-12)
    # A fixed threshold can miss even if all are active.
    assert (log_success(law, 2**20, 2**20, 100, 0.01) == 0) == (law != "threshold-0.5")


@pytest.mark.parametrize("law", ["threshold-0.5", "topk"])
def test_success_and_failure_are_complements(law):
    function, _ = LAWS[law]
    for (n, k), noise in product(SIZES, (0.0, 0.002)):
        success, failure, logarithm = (
            function(n, k, grid_of_dimensions(n, k), noise_variance=noise, output=output)
            for output in ("success", "failure", "log")
        )
        assert_allclose(success + failure, 1, rtol=1e-12)
        assert_allclose(np.exp(logarithm), success, rtol=1e-12)


@pytest.mark.parametrize("noise", [0.001, *long(0.0)])
@pytest.mark.parametrize("rule", [0.5, 0.7, "map", "optimal", "topk"])
def test_inversion_inverts(noise, rule):
    n, k = np.array([[1024], [10**6], [2**40]]), np.array([2, 30])
    invert, law, options = theory.threshold_dimension, "threshold", {"threshold": rule}
    if rule == "topk":
        invert, law, options = theory.topk_dimension, "topk", {}
    law = getattr(theory, f"{law}_success_probability")
    for p in (1e-300, 0.5, 1 - 1e-12):
        d = invert(n, k, p, noise_variance=noise, **options)
        log_p, failure = (
            law(n, k, np.minimum(d, 1e9), noise_variance=noise, output=output, **options)
            for output in ("log", "failure")
        )
        reached = np.isfinite(d)
        interior = reached & (d > 1)
        assert interior.any()
        if p < 0.5:
            assert_allclose(log_p[interior], np.log(p), rtol=1e-9)
        else:
            assert_allclose(failure[interior], 1 - p, rtol=1e-8)
        assert np.all(log_p[~reached] < np.log(p))
        assert np.all(log_p[d == 1] >= np.log(p))


@pytest.mark.parametrize("approximation", ["gaussian", "refined"])
def test_inversion_of_each_approximation(approximation):
    d = theory.topk_dimension(4096, 16, 0.7, 0.001, approximation=approximation)
    p = theory.topk_success_probability(4096, 16, d, 0.001, approximation=approximation)
    assert_allclose(p, 0.7, rtol=1e-9)
    d = theory.threshold_dimension(4096, 16, 0.7, "map", 0.001, approximation=approximation)
    p = theory.threshold_success_probability(4096, 16, d, "map", 0.001, approximation=approximation)
    assert_allclose(p, 0.7, rtol=1e-9)


def test_inversion_where_the_map_threshold_jumps():
    d = theory.threshold_dimension(1024, 1, 0.3, "map")
    assert_allclose(d, 2 * np.log(1023), rtol=1e-9)
    assert theory.threshold_success_probability(1024, 1, d, "map") > 0.3


def test_no_threshold_beats_the_optimal_one():
    def success(d, threshold):
        return theory.threshold_success_probability(n, k, d, threshold, 1e-4, output="log")

    for n, k in SIZES:
        d = theory.one_step_dimension(n, k) * np.array([[0.4], [1], [2]])
        best = success(d, "optimal")
        tau = theory.optimal_threshold(n, k, d, 1e-4) + np.linspace(-0.1, 0.1, 9)
        assert np.all(success(d, tau) <= best * (1 - 1e-9))
        # Top-k is at least as good as any threshold.
        assert np.all(theory.topk_success_probability(n, k, d, 1e-4, output="log") >= best)


def test_guarantees_hold_for_the_predictions():
    n, k = np.array(SIZES[1:]).T
    p = np.array([[1e-6], [0.1]])
    d = theory.topk_guarantee_dimension(n, k, p)
    assert np.all(theory.topk_success_probability(n, k, d, output="failure") <= p)
    d, tau = theory.threshold_guarantee_dimension(n, k, p, return_threshold=True)
    assert np.all(theory.threshold_success_probability(n, k, d, tau, output="failure") <= p)


def test_guarantees_hold_for_the_exact_law():
    n = 2 ** np.arange(2, 61, 4)
    d = np.ceil(theory.topk_guarantee_dimension(n[:, None], [1, 2], 0.2))
    for column, k in enumerate((1, 2)):
        failure = theory.topk_success_probability(
            n, k, d[:, column], approximation="exact", output="failure"
        )
        assert np.all(failure <= 0.2)


def test_order_of_the_limits():
    n, k = 2.0 ** np.array([16, 20, 30, 40, 60]), 2.0 ** np.array([8, 8, 10, 16, 20])
    counting = theory.counting_dimension(n, k)
    unique = theory.unique_decoding_dimension(n, k, 0.01)
    amp = theory.amp_dimension(n, k)
    nonnegative = theory.basis_pursuit_dimension(n, k)
    box = theory.basis_pursuit_dimension(n, k, constraint="box")
    signed = theory.basis_pursuit_dimension(n, k, constraint="signed")
    one_step = theory.one_step_dimension(n, k)
    for lower, upper in (
        (counting, unique),
        (unique, amp),
        (amp, box),
        (box, nonnegative),
        (nonnegative, signed),
        (signed, theory.threshold_converse_dimension(n, k)),
        (theory.threshold_converse_dimension(n, k), one_step),
        (one_step, theory.rule_of_thumb_dimension(n, k, "topk")),
        (
            theory.rule_of_thumb_dimension(n, k, "topk"),
            theory.rule_of_thumb_dimension(n, k, "threshold"),
        ),
    ):
        assert np.all(lower < upper)


def test_entropy_to_all_digits():
    for n, k in product((1023, 2**20, 2**40, 2**60), (1, 2, 32, 1000, 1022)):
        with mpmath.workdps(60):
            expected = float(mpmath.log(mpmath.binomial(n, k), 2))
        assert_allclose(theory.entropy(n, k), expected, rtol=1e-12)


def test_symmetries_of_active_and_inactive():
    n, k = 2**60, np.array([1, 7, 2**20, 2**45])
    assert_allclose(theory.entropy(n, k), theory.entropy(n, n - k), rtol=1e-15)
    assert_allclose(theory.amp_dimension(n, k), theory.amp_dimension(n, n - k), rtol=1e-12)
    eps = np.array([0.01, 0.2, 0.4])
    assert_allclose(
        theory.bernoulli_mmse(eps, 0.2), theory.bernoulli_mmse(1 - eps, 0.2), rtol=1e-11
    )


def test_entropy_bound_holds():
    n = 2**60
    k = np.unique(np.geomspace(1, n, 60).astype(np.int64))
    assert np.all(theory.entropy_bound(n, k) > theory.entropy(n, k))


def test_channel_limits_are_ordered():
    noise = np.geomspace(1e-6, 1e12, 60)
    cost = 1 / theory.channel_capacity(noise, unit="nats")
    signs = theory.channel_capacity(noise, codebook="rademacher", unit="nats")
    assert np.all(signs <= (1 + 1e-9) / cost) and np.all(np.diff(signs) <= 0)
    assert np.all(cost <= (2 * noise + 1) * (1 + 1e-14))
    assert np.all(cost >= 2 * noise * (1 - 1e-14))


def test_spherical_codebook_has_its_threshold_at_capacity():
    n = np.array([2**20, 2**40, 2**60])
    slope = 1 / theory.channel_capacity(1.0, unit="nats")
    below = theory.spherical_codebook_success_probability(n, 1.0, np.round(2.5 * np.log(n)))
    above = theory.spherical_codebook_success_probability(n, 1.0, np.round(3.3 * np.log(n)))
    assert 2.5 < slope < 3.3
    assert np.all(np.diff(below) < 0) and np.all(np.diff(above) > 0)


def test_state_evolution_ends_at_the_fixed_point():
    delta = np.array([0.03, 0.05, 0.08])
    path = theory.amp_state_evolution(0.01, delta, 0.01, n_iter=200)
    assert np.all(np.diff(path, axis=-1) <= 1e-15)
    assert_allclose(path[:, -1], theory.amp_fixed_point(0.01, delta, 0.01), rtol=1e-6)


def test_message_passing_succeeds_just_above_its_threshold():
    density = np.array([2.0**-40, 1e-3, 0.1, 0.5, 0.9])
    delta, variance = theory.amp_phase_transition(density, return_variance=True)
    assert np.all(theory.amp_fixed_point(density, delta * 1.0001) == 0)
    assert_allclose(theory.amp_fixed_point(density, delta * 0.9999), variance, rtol=0.2)


def test_all_or_nothing_is_consistent():
    n, k, noise = 2**40, np.array([1, 50, 2**20]), 0.005
    d = theory.all_or_nothing_dimension(n, k, noise)
    same = theory.all_or_nothing_dimension(n, k, squared_noise_norm=d * noise)
    assert_allclose(same, d, rtol=1e-12)
    assert theory.all_or_nothing_dimension(n, 1, 1 / (2 * np.log(n)) * 1.001) == np.inf


def test_exact_error_rates_by_enumeration():
    k, d = 3, 4
    sums = np.array([sum(s) for s in product((-1, 1), repeat=k * d)]) / d
    others = np.array([sum(s) for s in product((-1, 1), repeat=(k - 1) * d)]) / d
    for tau in (-0.5, 0.0, 0.5, 0.6, 1.0, 2.5, 4.0):
        alarm = theory.false_positive_rate(k, d, tau, exact=True)
        miss = theory.false_negative_rate(k, d, tau, exact=True)
        assert_allclose(alarm, (sums >= tau).mean(), rtol=1e-12)
        assert_allclose(miss, (1 + others < tau).mean(), rtol=1e-12)


def test_exact_error_rates_become_gaussian():
    k = np.array([2**20, 2**40, 2**60])
    tau = 2 * np.sqrt(k / 10**9)
    exact = theory.false_positive_rate(k, 10**9, tau, exact=True)
    assert_allclose(exact, theory.false_positive_rate(k, 10**9, tau), rtol=1e-6)
