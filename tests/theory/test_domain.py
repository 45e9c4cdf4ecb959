"""The ends of the legal domain, and what lies beyond."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from inspect import signature
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sksupercode import theory
from tests.marks import long

SIZES = [
    (n, k)
    for n in (1, 2, 3, 2**20, 2**60 - 1, 2**60)
    for k in (1, 2, 3, 2**10, 2**45, 2**59, n - 1, n)
    if 1 <= k <= n
]
N, K = np.array(SIZES).T
RULES = ("threshold", "topk", "matching_pursuit", "basis_pursuit")
SIZE_FUNCTIONS = [
    theory.amp_dimension,
    theory.basis_pursuit_dimension,
    theory.counting_dimension,
    theory.entropy,
    theory.entropy_bound,
    theory.omp_dimension,
    theory.one_step_dimension,
    theory.threshold_converse_dimension,
    *(partial(theory.rule_of_thumb_dimension, decoder=rule) for rule in RULES),
]


@pytest.mark.parametrize("function", SIZE_FUNCTIONS)
def test_functions_of_the_sizes_are_finite(function):
    values = function(N, K)
    assert np.all(np.isfinite(values)) and np.all(values >= 0)


def test_unique_decoding_of_two_codewords_is_a_power_of_two():
    """They are equal with probability 2**-d."""
    d = np.array([1e-3, 0.3, 1.5, 2.5, 3.5, 5.5, 40, 900])
    assert_allclose(theory.unique_decoding_dimension(2, 1, 0.5**d), d, rtol=1e-10)


def test_unique_decoding_is_finite():
    d = theory.unique_decoding_dimension(N[::4], K[::4], [[1e-300], [0.999]])
    assert np.all(np.isfinite(d)) and np.all(d[0] >= d[1]) and np.all(d[1] >= 0)


@pytest.mark.parametrize("threshold", [0.5, "map", "optimal", -1.0, 1.5])
def test_probabilities_of_thresholds(threshold):
    d = np.array([1, 2, 300, 10**5, 10**9])[:, None, None]
    noise = np.array([0, 1e-300, 1e-9, 0.01, 1e6])[:, None]
    log_p, failure = (
        theory.threshold_success_probability(N, K, d, threshold, noise, output=output)
        for output in ("log", "failure")
    )
    assert np.all(log_p <= 0) and np.all((failure >= 0) & (failure <= 1))


@pytest.mark.parametrize("approximation, step", [("gaussian", 1), *long(("refined", 3))])
def test_probabilities_of_topk(approximation, step):
    d = np.array([1, 2, 300, 10**5, 10**9])[::step, None, None]
    noise = np.array([0, 1e-300, 1e-9, 0.01, 1e6])[::step, None]
    legal = np.flatnonzero(K >= (3 if approximation == "refined" else 1))[::step]
    log_p, failure = (
        theory.topk_success_probability(
            N[legal], K[legal], d, noise, approximation=approximation, output=output
        )
        for output in ("log", "failure")
    )
    assert np.all(log_p <= 0) and np.all(np.isfinite(log_p))
    assert np.all((failure >= 0) & (failure <= 1))


@pytest.mark.parametrize("noise", [0.01, *long(0.0, 1e-300)])
def test_dimensions_of_one_step_decoders(noise):
    n, k, p = N[::3], K[::3], np.array([1e-300, 0.5, 1 - 1e-16])[:, None]
    for rule in (0.5, "map", "optimal"):
        assert np.all(theory.threshold_dimension(n, k, p, rule, noise) >= 1)
    d = theory.topk_dimension(n, k, p, noise)
    assert np.all(d >= 1) and np.all(d[1:] >= d[:-1])


@pytest.mark.parametrize("noise", [0.0, 1e-300, 0.01, 1e6])
def test_probability_of_message_passing(noise):
    d = np.array([1, 2, 10, 300, 10**5, 10**9])[:, None]
    p = theory.amp_success_probability(N, K, d, noise)
    assert np.all((p >= 0) & (p <= 1)) and np.all(np.diff(p, axis=0) >= -1e-9)
    assert np.all(p[:, N == K] == 1)


def test_logarithms_go_where_the_probability_underflows():
    """If the active and inactive scores have one law, all subsets are equally likely."""
    n, k = 2**60, np.array([1, 3, 1000, 2**40, 2**59])
    log_p = theory.topk_success_probability(n, k, 1, 1e18, output="log")
    assert_allclose(log_p, -theory.entropy(n, k, unit="nats"), rtol=1e-6)
    small = theory.topk_success_probability(2**20, 8, np.array([20, 30, 40]), output="log")
    assert np.all(np.diff(small) > 0) and small[0] < np.log(1e-20)


def test_failures_go_where_the_success_rounds_to_one():
    d = [2000, 4000, 8000, 16000]
    for approximation in ("gaussian", "refined"):
        failure = theory.topk_success_probability(
            2**20, 8, d, approximation=approximation, output="failure"
        )
        assert np.all(failure > 0) and np.all(np.diff(failure) < 0) and failure[-1] < 1e-200
        log_p = theory.topk_success_probability(
            2**20, 8, d, approximation=approximation, output="log"
        )
        assert_allclose(log_p, -failure, rtol=1e-10)
    exact = theory.topk_success_probability(
        2**20, [1, 2], 900, approximation="exact", output="failure"
    )
    assert_allclose(np.log(exact[0]), np.log(2**20 - 1) - 900 * np.log(2), rtol=1e-13)
    assert_allclose(np.log(exact[1]), np.log(2**20 - 2) + 900 * np.log(0.75), rtol=1e-12)


def test_spherical_codebook_over_its_domain():
    n, d = np.array([1, 2, 1000, 2**60])[:, None, None], np.array([1, 2, 7, 1000, 10**9])
    noise = np.array([1e-300, 1e-18, 1e-3, 1.0, 1e8])[:, None]
    log_p = theory.spherical_codebook_success_probability(n, noise, d, output="log")
    assert np.all(np.isfinite(log_p)) and np.all(log_p <= 0)
    assert np.all(np.diff(log_p, axis=0) <= 1e-9)


def test_spherical_codebook_where_noise_alone_decides():
    """With overwhelming noise the decision is uniform over the messages."""
    log_p = theory.spherical_codebook_success_probability([2, 100, 2**60], 1e30, 50, output="log")
    assert_allclose(log_p, -np.log([2.0, 100.0, 2.0**60]), rtol=1e-6)


def test_failure_of_spherical_codebooks_where_the_success_rounds_to_one():
    """Two codewords: the failure falls far below the rounding of a success near 1."""
    d = np.array([200, 400, 800])
    failure = theory.spherical_codebook_success_probability(2, 0.5, d, output="failure")
    log_p = theory.spherical_codebook_success_probability(2, 0.5, d, output="log")
    assert np.all(failure > 0) and np.all(np.diff(failure) < 0) and failure[-1] < 1e-16
    assert_allclose(log_p, -failure, rtol=1e-9)


@pytest.mark.long
def test_densities_over_their_domain():
    density = np.array([1e-300, 2.0**-60, 1e-9, 0.5, 1 - 1e-16, 1.0])
    for constraint in ("signed", "nonnegative", "box"):
        delta, tau = theory.basis_pursuit_phase_transition(
            density, constraint=constraint, return_threshold=True
        )
        assert np.all((delta > 0) & (delta <= 1)) and np.all(np.diff(delta) >= -1e-15)
        assert np.all(np.isfinite(tau)) and np.all(tau >= 0)
    assert np.all(np.isfinite(theory.amp_phase_transition(density)))
    error = theory.bernoulli_mmse(density[:, None], [1e-300, 1e-3, 1.0, 1e300])
    assert np.all((error >= 0) & (error <= density[:, None]))
    for delta, noise in product((2.0**-60, 0.5, 1e9), (0.0, 1e-12, 1.0)):
        fixed = theory.amp_fixed_point(density, delta, noise)
        assert np.all(fixed >= noise) and np.all(np.isfinite(fixed))


ERRORS = [
    ("output", lambda v: theory.topk_success_probability(8, 2, 9, output=v), ["P", None]),
    ("output", lambda v: theory.spherical_codebook_success_probability(8, 1, 9, output=v), [1]),
    ("decoder", lambda v: theory.rule_of_thumb_dimension(8, 2, v), ["omp", None, ["topk"]]),
    ("unit", lambda v: theory.entropy(8, 2, unit=v), ["nat", None]),
    ("n_features", lambda v: theory.entropy(v, 1), [0, -1, 2**60 + 1, 1.5, np.nan, "8", None]),
    ("n_nonzero_coefs", lambda v: theory.entropy(8, v), [0, 9, 2.5, np.inf, [1, 9]]),
    ("n_nonzero_coefs", lambda v: theory.score_variance(v, 8), [0, 2**61, 0.5]),
    ("n_components", lambda v: theory.topk_success_probability(8, 2, v), [0, 0.5, 1e9 + 1, np.nan]),
    (
        "n_components",
        lambda v: theory.topk_success_probability(8, 2, v, approximation="exact"),
        [1.5, 0],
    ),
    ("n_components", lambda v: theory.dimensions_per_bit(8, 2, v), [0, -1, np.nan]),
    ("noise_variance", lambda v: theory.map_threshold(8, 2, 4, v), [-1e-9, np.nan, np.inf]),
    ("noise_variance", lambda v: theory.fano_dimension(8, v, 0.1), [0, -1, np.inf]),
    ("noise_variance", lambda v: theory.false_positive_rate(2, 4, 0.5, v, exact=True), [0.1]),
    ("probability", lambda v: theory.topk_dimension(8, 2, v), [0, 1, -0.1, np.nan]),
    ("failure_probability", lambda v: theory.topk_guarantee_dimension(8, 2, v), [0, 1, 2]),
    ("threshold", lambda v: theory.threshold_dimension(8, 2, 0.5, v), [0, 1, 1.2, "best"]),
    ("threshold", lambda v: theory.threshold_success_probability(8, 2, 9, v), [np.nan, "best"]),
    ("approximation", lambda v: theory.topk_dimension(8, 3, 0.5, approximation=v), ["exact", 1]),
    (
        "n_nonzero_coefs",
        lambda v: theory.topk_success_probability(8, v, 9, approximation="refined"),
        [1, 2],
    ),
    ("constraint", lambda v: theory.basis_pursuit_dimension(8, 2, constraint=v), ["real", None]),
    ("codebook", lambda v: theory.random_codebook_dimension(8, 1, 0, codebook=v), ["gaussian"]),
    ("allocation", lambda v: theory.sparc_rate(1, allocation=v), ["even"]),
    ("coherence", lambda v: theory.coherence_dimension(8, v, 0.1), [0, 1.1, -1]),
    ("margin", lambda v: theory.random_codebook_dimension(8, 1.0, v), [-2.9, np.inf]),
    ("exponent", lambda v: theory.one_step_constant(v), [-0.1, 1.1]),
    ("density", lambda v: theory.amp_phase_transition(v), [0, 1.1]),
    ("undersampling", lambda v: theory.amp_fixed_point(0.1, v), [0, np.inf]),
    ("effective_noise_variance", lambda v: theory.bernoulli_mmse(0.1, v), [0, np.inf]),
    (
        "squared_noise_norm",
        lambda v: theory.all_or_nothing_dimension(8, 2, squared_noise_norm=v),
        [0, -1, None],
    ),
    (
        "squared_noise_norm",
        lambda v: theory.all_or_nothing_dimension(8, 2, v, squared_noise_norm=1),
        [1],
    ),
    ("signal_to_noise_ratio", lambda v: theory.sparc_rate(v), [-1, np.inf]),
    ("score", lambda v: theory.log_odds(8, 2, 4, v), [np.nan, np.inf]),
    ("n_samples", lambda v: theory.topk_active_only(8, 2, 4, n_samples=v), [1, 2.5]),
    ("n_draws", lambda v: theory.matching_pursuit_active_only(8, 2, 4, n_draws=v), [1]),
    ("random_state", lambda v: theory.topk_active_only(8, 2, 4, random_state=v), [-1, "seed"]),
    ("n_components", lambda v: theory.topk_active_only(2**30, 2**20, v), [2**20]),
    *[
        (name, call, ["no", 1, None, [True]])
        for name, call in [
            ("active", lambda v: theory.score_variance(2, 8, active=v)),
            ("equal_variance", lambda v: theory.map_threshold(8, 2, 4, equal_variance=v)),
            ("exact", lambda v: theory.false_negative_rate(2, 4, 0.5, exact=v)),
            ("exact", lambda v: theory.false_positive_rate(2, 4, 0.5, exact=v)),
            (
                "return_threshold",
                lambda v: theory.threshold_guarantee_dimension(8, 2, 0.1, return_threshold=v),
            ),
            (
                "return_threshold",
                lambda v: theory.basis_pursuit_phase_transition(0.1, return_threshold=v),
            ),
            ("return_variance", lambda v: theory.amp_phase_transition(0.1, return_variance=v)),
            ("sharp", lambda v: theory.coherence_dimension(8, 0.5, 0.1, sharp=v)),
            ("tight", lambda v: theory.fano_dimension(8, 1.0, 0.1, tight=v)),
        ]
    ],
]


LEGAL = {
    "coherence": 0.5,
    "cosine": 0.5,
    "coupling_width": 2,
    "decay": 1.0,
    "decaying_fraction": 0.5,
    "decoder": "topk",
    "density": 0.1,
    "effective_noise_variance": 0.1,
    "exponent": 0.5,
    "failure_probability": 0.1,
    "margin": 0.1,
    "n_blocks": 8,
    "n_components": 16,
    "n_draws": 2,
    "n_features": 8,
    "n_iter": 2,
    "n_nonzero_coefs": 2,
    "n_pairs": 3,
    "n_samples": 2,
    "n_sections": 8,
    "noise_variance": 0.1,
    "power_allocation": np.ones(8),
    "probability": 0.5,
    "rate_nats": 0.1,
    "score": 0.5,
    "section_size": 4,
    "signal_to_noise_ratio": 1.0,
    "threshold": 0.5,
    "undersampling": 0.5,
}


@pytest.mark.parametrize("name", theory.__all__)
def test_what_is_no_number_is_refused(name):
    function = getattr(theory, name)
    legal = {key: LEGAL[key] for key in signature(function).parameters if key in LEGAL}
    for key in legal:
        with pytest.raises(ValueError, match=f"{key} must"):
            function(**legal | {key: np.nan})


@pytest.mark.parametrize("name, call, values", ERRORS)
def test_errors_name_the_parameter(name, call, values):
    for value in values:
        with pytest.raises(ValueError, match=name):
            call(value)


def test_scalars_arrays_and_whole_floats():
    value = theory.entropy(1e6, 100.0)
    assert isinstance(value, float) and np.ndim(value) == 0
    assert theory.entropy([[10], [20]], [1, 2, 3]).shape == (2, 3)
    assert theory.topk_success_probability(1024, [2, 3], [[50.0]]).shape == (1, 2)
    assert theory.amp_state_evolution(0.1, [0.3, 0.4], n_iter=7).shape == (2, 8)
    with pytest.raises(ValueError, match="broadcast"):
        theory.entropy([10, 20], [1, 2, 3])
