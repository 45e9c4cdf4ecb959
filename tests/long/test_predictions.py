"""Predicted probabilities of exact recovery against what the encoders and decoders do.

Every rate is measured on fresh codebooks, with a few samples of each, and its standard error is
that of the codebooks' means: the samples of one codebook are not independent.

Limits are 3 standard errors. Of the one-step decoders there are 62 comparisons, of which chance
alone would take one beyond 3 in every sixth run: there a single one may be 4 standard errors off,
which happens by chance once in 250 runs, but at least 12 points of each decoder are within 3. The
seeds are fixed, so that a run repeats itself.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import functools
import os

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array

from sksupercode import (
    MatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
    theory,
)
from sksupercode.channels import GaussianChannel
from sksupercode.datasets import make_sparse_codes

pytestmark = pytest.mark.long

REPEATS = int(os.environ.get("SKSUPERCODE_LONG_REPEATS", "1"))
# Samples that a decoder is fitted on, none of which it is scored on.
N_TRAIN = 64


def recovery_rates(make_decoders, point, shape, encoder_class=RademacherEncoder, draw=None):
    """Return rates and standard errors over ``shape`` = (codebooks, samples of each)."""
    n_features, k, n_components, noise_variance = point
    rng = np.random.default_rng([n_features, k, n_components])
    draw = draw or functools.partial(make_sparse_codes, n_nonzero_coefs=k, random_state=rng)
    rates = []
    for seed in range(shape[0] * REPEATS):
        encoder = encoder_class(n_components, random_state=seed)
        channel = GaussianChannel(noise_variance, random_state=rng)
        Y = draw(N_TRAIN + shape[1], n_features)
        X = channel.fit_transform(encoder.fit_transform(Y))
        decoders = (decoder.fit(X[:N_TRAIN], Y[:N_TRAIN]) for decoder in make_decoders(encoder))
        rates.append([decoder.score(X[N_TRAIN:], Y[N_TRAIN:]) for decoder in decoders])
    rates = np.array(rates)
    return rates.mean(axis=0), rates.std(axis=0, ddof=1) / np.sqrt(len(rates))


def compare(record, name, point, prediction, measurement, *, limit=3, allowance=0.0):
    """Assert that they agree to ``limit`` standard errors, and leave the numbers in the report."""
    (predicted, error), (rate, rate_error) = prediction, measurement
    joint = np.hypot(error, rate_error)
    summary = (
        f"predicted {predicted:.4f} +- {error:.4f}, measured {rate:.4f} +- {rate_error:.4f}, "
        f"z {(rate - predicted) / joint:+.2f}"
    )
    record(f"{name} {point}", summary)
    assert 0 < joint < 0.02
    assert abs(rate - predicted) <= max(limit * joint, allowance), f"{name} {point}: {summary}"


# N, k, d, noise variance. Between them they cover the transitions of all three decoders. Without
# noise, k even and d a multiple of 4, scores can equal 1/2. That counts as reaching it, which the
# closed forms ignore: at d = 328 in place of 330 they are 0.02 too high for this reason alone.
ONE_STEP = [
    (1024, 3, 46, 0.0),
    (1024, 5, 118, 0.0),
    (1024, 8, 165, 0.0),
    (1024, 8, 238, 0.0),
    (1024, 8, 330, 0.0),
    (1024, 8, 260, 0.01),
    (1024, 8, 520, 0.01),
    (2048, 3, 66, 0.0),
    (2048, 16, 417, 0.0),
    (2048, 16, 512, 0.0),
    (2048, 16, 750, 0.0),
    (2048, 16, 612, 0.005),
    (4096, 8, 241, 0.0),
    (4096, 32, 1202, 0.0),
    (4096, 32, 1301, 0.002),
]
DECODERS = {
    "threshold 1/2": lambda encoder: ThresholdDecoder(encoder),
    "threshold map": lambda encoder: ThresholdDecoder(encoder, threshold="map"),
    "top-k": lambda encoder: TopKDecoder(encoder),
}
CLOSED_FORMS = {
    "threshold 1/2": functools.partial(
        theory.threshold_success_probability, threshold=0.5, approximation="refined"
    ),
    "threshold map": functools.partial(
        theory.threshold_success_probability, threshold="map", approximation="refined"
    ),
    "top-k": functools.partial(theory.topk_success_probability, approximation="refined"),
}
SIMULATIONS = {
    "threshold 1/2": functools.partial(theory.threshold_active_only, threshold=0.5),
    "threshold map": functools.partial(theory.threshold_active_only, threshold="map"),
    "top-k": theory.topk_active_only,
}


@functools.cache
def one_step_rates(point):
    rates, errors = recovery_rates(
        lambda encoder: [make(encoder) for make in DECODERS.values()],
        point,
        (80, 20),
    )
    return dict(zip(DECODERS, zip(rates, errors, strict=True), strict=True))


@functools.cache
def closed_form(name, point):
    return CLOSED_FORMS[name](*point[:3], noise_variance=point[3]), 0.0


@functools.cache
def simulation(name, point):
    return SIMULATIONS[name](
        *point[:3], noise_variance=point[3], n_samples=1500 * REPEATS, random_state=0
    )


def allowance(name, point):
    """What the refined laws, which are approximations, may be off: 0.03 where a rate is 1/2.

    These are 3 standard errors of 2,500 independent trials. The reduced form has 1,600, so that its
    limits are standard errors and nothing else; with more repeats the allowance takes their place.
    """
    p, _ = closed_form(name, point)
    return 0.06 * np.sqrt(p * (1 - p))


# Where a decoder almost always succeeds or fails, counting tells nothing.
ONE_STEP_CASES = [
    (name, point)
    for point in ONE_STEP
    for name in DECODERS
    if 0.03 < closed_form(name, point)[0] < 0.98
]


@pytest.mark.parametrize("name, point", ONE_STEP_CASES)
def test_closed_forms(name, point, record_property):
    compare(
        record_property,
        name,
        point,
        closed_form(name, point),
        one_step_rates(point)[name],
        limit=4,
        allowance=allowance(name, point),
    )


@pytest.mark.parametrize("name, point", ONE_STEP_CASES)
def test_active_only(name, point, record_property):
    """Unbiased, so that no allowance is made however many repeats there are."""
    compare(
        record_property,
        name,
        point,
        simulation(name, point),
        one_step_rates(point)[name],
        limit=4,
    )


@pytest.mark.parametrize("prediction", [closed_form, simulation])
def test_twelve_points_are_within_three_standard_errors(prediction):
    within = dict.fromkeys(DECODERS, 0)
    for name, point in ONE_STEP_CASES:
        predicted, error = prediction(name, point)
        rate, rate_error = one_step_rates(point)[name]
        extra = allowance(name, point) if prediction is closed_form else 0.0
        within[name] += abs(rate - predicted) <= max(3 * np.hypot(error, rate_error), extra)
    assert within["threshold map"] >= 12 and within["top-k"] >= 12
    assert sum(within.values()) >= len(ONE_STEP_CASES) - 1


@pytest.mark.parametrize(
    "point", [(1024, 1, 12, 0.0), (512, 2, 24, 0.0), (1024, 2, 30, 0.0), (512, 2, 40, 0.03)]
)
def test_active_only_with_one_or_two_codewords(point, record_property):
    """Here ties are frequent, and the lowest index wins them, in the simulation as well."""
    estimate = theory.topk_active_only(*point, n_samples=3000 * REPEATS, random_state=0)
    rates, errors = recovery_rates(lambda encoder: [TopKDecoder(encoder)], point, (200, 10))
    compare(record_property, "top-k", point, estimate, (rates[0], errors[0]))


@pytest.mark.parametrize(
    "point", [(512, 1, 9, 0.0), (1024, 1, 12, 0.0), (512, 2, 20, 0.0), (1024, 2, 28, 0.0)]
)
def test_exact_laws(point, record_property):
    """The exact laws count ties as failures.

    So does the decoder if the active codewords have the highest indices; since there is one such
    sample a codebook, there are more codebooks.
    """
    k = point[1]

    def last_codewords(n_samples, n_features):
        rows, columns = np.indices((n_samples, k))
        columns += n_features - k
        ones = np.ones(n_samples * k)
        return csr_array((ones, (rows.ravel(), columns.ravel())), shape=(n_samples, n_features))

    predicted = theory.topk_success_probability(*point, approximation="exact")
    rates, errors = recovery_rates(
        lambda encoder: [TopKDecoder(encoder)], point, (800, 1), draw=last_codewords
    )
    compare(record_property, "top-k", point, (predicted, 0.0), (rates[0], errors[0]))


@pytest.mark.parametrize(
    "point",
    [
        (2048, 4, 34, 0.0),
        (2048, 4, 40, 0.02),
        (1024, 8, 52, 0.0),
        (1024, 8, 72, 0.0),
        (1024, 8, 70, 0.01),
        (1024, 16, 110, 0.005),
        (4096, 16, 130, 0.0),
        (65536, 8, 95, 0.0),
    ],
)
def test_matching_pursuit(point, record_property):
    estimate = theory.matching_pursuit_active_only(*point, n_samples=1500 * REPEATS, random_state=0)
    # The largest codebook takes long to draw, so fewer are, with more samples of each.
    shape = (150, 10) if point[0] < 10_000 else (40, 30)
    rates, errors = recovery_rates(lambda encoder: [MatchingPursuitDecoder(encoder)], point, shape)
    compare(record_property, "matching pursuit", point, estimate, (rates[0], errors[0]))


@pytest.mark.parametrize(
    "n_features, noise_variance, n_components", [(1024, 1.0, 16), (1024, 1.0, 24), (256, 3.0, 40)]
)
def test_spherical_codebook(n_features, noise_variance, n_components, record_property):
    """One of N codewords in Gaussian noise, and the decoder of the largest inner product."""
    point = (n_features, 1, n_components, noise_variance / n_components)
    predicted = theory.spherical_codebook_success_probability(
        n_features, noise_variance, n_components
    )
    rates, errors = recovery_rates(
        lambda encoder: [TopKDecoder(encoder)], point, (150, 20), encoder_class=SphericalEncoder
    )
    compare(record_property, "spherical", point, (predicted, 0.0), (rates[0], errors[0]))


@pytest.mark.parametrize(
    "n_features, k, n_components",
    [(400, 10, 36), (400, 10, 41), (400, 10, 46), (256, 8, 30), (200, 10, 33), (200, 20, 54)],
)
def test_basis_pursuit(n_features, k, n_components, record_property):
    """The normal approximation is good to 0.08: less than 0.05 of its own, and sampling error."""
    predicted = theory.basis_pursuit_success_probability(n_features, k, n_components)
    rng = np.random.default_rng([n_features, k, n_components])
    rates = []
    for seed in range(100 * REPEATS):
        Y = make_sparse_codes(3, n_features, n_nonzero_coefs=k, random_state=rng)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        F = encoder.transform(np.eye(n_features))
        programs = (linprog(np.ones(n_features), A_eq=F.T, b_eq=x) for x in X)
        rates.append(
            [np.allclose(p.x, y, atol=1e-6) for p, y in zip(programs, Y.toarray(), strict=True)]
        )
    rates = np.mean(rates, axis=1)
    rate, error = rates.mean(), rates.std(ddof=1) / np.sqrt(len(rates))
    record_property(
        f"basis pursuit {n_features, k, n_components}",
        f"predicted {predicted:.4f}, measured {rate:.4f} +- {error:.4f}",
    )
    assert error < 0.035
    assert abs(rate - predicted) < 0.08
