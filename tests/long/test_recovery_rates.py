"""Measured recovery rates against Monte Carlo runs of other programs, with many samples."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from sksupercode import (
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes

pytestmark = pytest.mark.long


def recovery_rates(make_decoders, n_features, k, n_components, *, noise=0.0, shape):
    """Return rates and standard errors over ``shape`` = (codebooks, samples of each).

    The errors come from the codebooks' means: the samples of one codebook are not independent.
    """
    rng = np.random.default_rng(0)
    rates = []
    for seed in range(shape[0]):
        Y = make_sparse_codes(shape[1], n_features, n_nonzero_coefs=k, random_state=rng)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        X += np.sqrt(noise) * rng.standard_normal(X.shape)
        rates.append([decoder.fit(X, Y).score(X, Y) for decoder in make_decoders(encoder)])
    rates = np.array(rates)
    return rates.mean(axis=0), rates.std(axis=0, ddof=1) / np.sqrt(shape[0])


def one_step_decoders(encoder):
    return (
        ThresholdDecoder(encoder),
        ThresholdDecoder(encoder, threshold="map"),
        TopKDecoder(encoder),
    )


# N, k, d, noise variance, samples of the reference, its rates for threshold 1/2, MAP and top-k.
# nan: for k = 2 the reference counts a tie as a failure.
ONE_STEP = [
    (1024, 8, 130, 0.0, 2400, (0, 0.083, 0.214)),
    (1024, 8, 165, 0.0, 2400, (0, 0.279, 0.572)),
    (1024, 8, 238, 0.0, 2400, (0.066, 0.706, 0.926)),
    (1024, 8, 328, 0.0, 2400, (0.529, 0.926, 0.994)),
    (1024, 5, 110, 0.0, 2400, (0.002, 0.492, 0.819)),
    (2048, 3, 60, 0.0, 2400, (0, 0.508, 0.882)),
    (2048, 16, 400, 0.0, 2400, (0, 0.214, 0.462)),
    (2048, 16, 500, 0.0, 2400, (0.011, 0.528, 0.794)),
    (512, 2, 28, 0.0, 2400, (0.001, 0.586, np.nan)),
    (1024, 8, 260, 0.01, 2400, (0.004, 0.467, 0.763)),
    (4096, 32, 1000, 0.0, 800, (0, 0.269, 0.530)),
    (4096, 32, 1300, 0.0, 800, (0.074, 0.709, 0.919)),
    (4096, 32, 1700, 0.0, 240, (0.550, 0.921, 0.992)),
]


@pytest.mark.parametrize("n_features, k, n_components, noise, n_reference, reference", ONE_STEP)
def test_one_step(n_features, k, n_components, noise, n_reference, reference):
    n_codebooks = 200 if n_features < 4096 else 100
    rates, errors = recovery_rates(
        one_step_decoders, n_features, k, n_components, noise=noise, shape=(n_codebooks, 40)
    )
    reference = np.array(reference)
    # Rates of 0 and 1 in a finite sample still have an error: that of half a count.
    smoothed = np.clip(reference, 0.5 / n_reference, 1 - 0.5 / n_reference)
    reference_errors = np.sqrt(smoothed * (1 - smoothed) / n_reference)
    assert (errors < 0.012).all()
    known = np.isfinite(reference)
    z = (rates - reference) / np.hypot(errors, reference_errors)
    assert (np.abs(z[known]) < 4).all(), f"rates {rates}, reference {reference}, z {z}"


@pytest.mark.parametrize(
    "n_features, k, n_components, reference, reference_error",
    [
        (1024, 8, 52, 0.466, 0.013),
        (1024, 8, 72, 0.879, 0.009),
        (4096, 16, 130, 0.533, 0.023),
        (16384, 16, 140, 0.263, 0.035),
    ],
)
def test_matching_pursuit(n_features, k, n_components, reference, reference_error):
    rates, errors = recovery_rates(
        lambda encoder: [MatchingPursuitDecoder(encoder)],
        n_features,
        k,
        n_components,
        shape=(150 if n_features < 10_000 else 60, 20),
    )
    assert errors[0] < 0.015
    assert abs(rates[0] - reference) < 4 * np.hypot(errors[0], reference_error)


def weak_threshold(density, n_sides):
    """Donoho and Tanner's d / N: the least over t of k/N (1 + t^2) + sides (1 - k/N) E(g - t)_+^2.

    One side for nonnegative codes, two for signed ones.
    """

    def statistical_dimension(t):
        tail = (1 + t**2) * norm.sf(t) - t * norm.pdf(t)
        return density * (1 + t**2) + n_sides * (1 - density) * tail

    return minimize_scalar(statistical_dimension, bounds=(0, 10), method="bounded").fun


@pytest.mark.parametrize(
    "values, n_sides, references",
    [("binary", 1, (0.25, 0.46, 0.96)), ("real", 2, (0.17, 0.58, 0.96))],
)
def test_basis_pursuit(values, n_sides, references):
    """N = 400 and k = 10, at 0.85, 1 and 1.15 of the weak threshold; the reference has 24 runs."""
    threshold = 400 * weak_threshold(10 / 400, n_sides)
    found = []
    for fraction, reference in zip((0.85, 1.0, 1.15), references, strict=True):
        rates, errors = recovery_rates(
            lambda encoder: [BasisPursuitDecoder(encoder, values=values)],
            400,
            10,
            round(fraction * threshold),
            shape=(40, 5),
        )
        found.append(rates[0])
        reference_error = np.sqrt(reference * (1 - reference) / 24)
        assert abs(rates[0] - reference) < 4 * np.hypot(errors[0], reference_error)
    # 200 runs of our own: the transition is where theory has it, and as narrow.
    assert found[0] < 0.4 < found[1] + 0.1 < 0.8 < found[2]
