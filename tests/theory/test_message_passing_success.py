# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from sksupercode import theory
from sksupercode.theory._message_passing_success import _recovery, _transition, _variances
from tests.marks import long

SIZES = [(256, 8), (1024, 8), (4096, 16), (1024, 200)]


@pytest.mark.parametrize("n, k", [SIZES[1], *long(SIZES[0], *SIZES[2:])])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_variances_against_monte_carlo(n, k, noise):
    """Of D and of its slope, a central difference, over 2,000 draws of the noise."""
    s, step, n_samples = 7.0, 1e-4, 2000
    rng = np.random.default_rng([n, k])
    log_odds = np.log((n - k) / k)
    errors = []
    for _ in range(n_samples):
        g = rng.standard_normal(n)
        row = []
        for at in s * np.exp(step * np.array([-1, 0, 1])):
            evidence = np.sqrt(at) * g - at / 2 - log_odds
            evidence[:k] += at
            p = expit(evidence)
            row.append(at / (1 - noise * at) * (np.sum((1 - p[:k]) ** 2) + np.sum(p[k:] ** 2)))
        errors.append(row)
    errors = np.array(errors)
    slopes = (errors[:, 2] - errors[:, 0]) / (2 * step)
    for expected, draws in zip(
        _variances(n, k, noise, np.log(s)), (errors[:, 1], slopes), strict=True
    ):
        squares = (draws - draws.mean()) ** 2
        sampling_error = squares.std() / np.sqrt(n_samples)
        assert 0 < sampling_error < 0.1 * expected
        assert abs(squares.mean() - expected) < 4 * sampling_error


@pytest.mark.parametrize("n, k, s", [(64, 4, 9.0), (1000, 1, 6.0), (50, 49, 12.0)])
def test_recovery_against_monte_carlo(n, k, s):
    scores = np.random.default_rng(0).standard_normal((20_000, n))
    scores[:, :k] += np.sqrt(s)
    wins = scores[:, :k].min(axis=1) > scores[:, k:].max(axis=1)
    sampling_error = wins.std() / np.sqrt(len(wins))
    assert 0 < sampling_error < 0.005
    assert abs(wins.mean() - _recovery(n, k, s)) < 4 * sampling_error


@pytest.mark.parametrize("n, k", [*SIZES, (2**20, 256), (1024, 1000)])
def test_the_transition_is_just_above_that_of_state_evolution(n, k):
    (middle, width), _ = _transition(n, min(k, n - k), 0.0)
    critical = theory.amp_dimension(n, k)
    assert critical < middle < critical + 6
    assert np.sqrt(0.4 * critical) < width < np.sqrt(2 * critical)
    assert_allclose(theory.amp_success_probability(n, k, middle), 0.5, rtol=1e-12)


def test_the_transition_gets_sharp():
    k = 4 ** np.arange(2, 12)
    for factor, limit in ((0.95, 0.0), (1.05, 1.0)):
        d = factor * theory.amp_dimension(64 * k, k)
        p = theory.amp_success_probability(64 * k, k, d)
        assert np.all(np.diff(np.abs(p - limit)) <= 1e-12) and abs(p[-1] - limit) < 1e-12


def test_noise():
    d = np.array([30, 45, 60, 80])
    noise = np.array([0, 1e-12, 1e-4, 1e-3, 0.01, 0.02, 0.05])[:, None]
    p = theory.amp_success_probability(1024, 8, d, noise)
    assert np.all(np.diff(p, axis=0) <= 1e-9)
    assert_allclose(p[1], p[0], atol=1e-6)
    # With any number of dimensions the scores still have the variance of the noise.
    saturated = theory.amp_success_probability(1024, 8, 10**9, 0.05)
    assert_allclose(saturated, _recovery(1024, 8, 1 / 0.05), rtol=1e-5)


# Measured with AMPDecoder on RademacherEncoder.
@pytest.mark.parametrize(
    "n, k, noise, measured, allowance",
    [
        (1024, 8, 0.0, {35: 0.107, 39: 0.334, 43: 0.645, 47: 0.817, 52: 0.940}, 0.06),
        (4096, 16, 0.0, {81: 0.087, 90: 0.417, 98: 0.707, 107: 0.947}, 0.08),
        (16384, 64, 0.0, {347: 0.233, 358: 0.480, 369: 0.663}, 0.08),
        (1024, 8, 0.01, {35: 0.045, 39: 0.148, 43: 0.405, 47: 0.555, 54: 0.870}, 0.1),
        (4096, 16, 0.02, {98: 0.065, 107: 0.245, 125: 0.510, 152: 0.910}, 0.1),
    ],
)
def test_measured_rates(n, k, noise, measured, allowance):
    """Of 200 to 1,000 samples, whose standard errors are 0.01 to 0.03."""
    p = theory.amp_success_probability(n, k, list(measured), noise)
    assert_allclose(p, list(measured.values()), rtol=0, atol=allowance)
    # The dimension of a rate of 1/2, itself measured to 1 percent at best.
    d = np.interp(0.5, list(measured.values()), list(measured))
    below, above = theory.amp_success_probability(n, k, [0.96 * d, 1.04 * d], noise)
    assert below < 0.5 < above
