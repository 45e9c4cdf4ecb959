# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from sksupercode import theory
from tests.marks import long

SNR = 15.0
CAPACITY = 0.5 * np.log1p(SNR)


@pytest.mark.parametrize("n_sections", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    "allocate",
    [
        lambda n: theory.exponential_power_allocation(n, SNR),
        lambda n: theory.exponential_power_allocation(n, SNR, decay=1.7, decaying_fraction=0.4),
        lambda n: theory.exponential_power_allocation(n, 1e300),
        lambda n: theory.iterative_power_allocation(n, SNR, 0.7 * CAPACITY),
        lambda n: theory.iterative_power_allocation(n, SNR, CAPACITY),
        lambda n: theory.iterative_power_allocation(n, SNR, CAPACITY, n_blocks=min(n, 3)),
        lambda n: theory.iterative_power_allocation(n, 1e-9, 1e-10),
    ],
)
def test_allocations_have_mean_one_and_do_not_increase(allocate, n_sections):
    power = allocate(n_sections)
    assert power.shape == (n_sections,) and power.dtype == np.float64
    assert_allclose(power.mean(), 1.0, rtol=1e-12)
    assert np.all(np.diff(power) <= 1e-12) and np.all(power > 0)


def test_exponential_allocation():
    power = theory.exponential_power_allocation(100, SNR)
    assert_allclose(power[1:] / power[:-1], np.exp(-2 * CAPACITY / 100))
    assert_allclose(theory.exponential_power_allocation(9, SNR, decay=0), 1.0)
    assert_allclose(theory.exponential_power_allocation(9, SNR, decaying_fraction=0), 1.0)
    plateau = theory.exponential_power_allocation(100, SNR, decay=0.5, decaying_fraction=0.6)
    assert_allclose(plateau[1:60] / plateau[:59], np.exp(-CAPACITY / 100))
    assert_allclose(plateau[59:], plateau[-1])


def test_iterative_allocation_is_the_least_that_decodes():
    """The equation itself: each section has what it needs in the noise of those after it."""
    n, rate = 1000, 0.7 * CAPACITY
    power = theory.iterative_power_allocation(n, SNR, rate)
    left = power[::-1].cumsum()[::-1]
    needed = 2 * rate * (1 / SNR + left / n)
    even = left / np.arange(n, 0, -1)
    assert_allclose(power, np.maximum(needed, even))
    assert 0 < np.sum(power == power[-1]) < n


def test_iterative_allocation_at_capacity_is_exponential():
    power = theory.iterative_power_allocation(100_000, SNR, CAPACITY)
    # In steps, the power for the last sections runs out a little early.
    exponential = theory.exponential_power_allocation(100_000, SNR)
    assert_allclose(power[:-2], exponential[:-2], rtol=1e-3)


def test_iterative_allocation_is_flat_at_low_rates():
    flat = theory.sparc_rate(SNR, unit="nats")
    assert_allclose(theory.iterative_power_allocation(50, SNR, 0.999 * flat), 1.0)
    assert theory.iterative_power_allocation(50, SNR, 1.001 * flat)[0] > 1.0
    assert_allclose(theory.iterative_power_allocation(50, SNR, CAPACITY, n_blocks=1), 1.0)


def test_blocks_have_one_power_each():
    power = theory.iterative_power_allocation(10, SNR, CAPACITY, n_blocks=5)
    # What is left after three blocks is less than the fourth should have.
    assert_allclose(power[::2], power[1::2])
    assert len(np.unique(power)) == 4


@pytest.mark.parametrize("size", [2, 16, *long(300)])
def test_state_evolution_against_monte_carlo(size):
    """One step from t_0, by drawing sections; to 4 standard errors of 5,000 sections."""
    rate, snr, n_sections = 0.6, 4.0, 5000
    for power in (1.0, 2.5, 0.2):
        t, error_rate = theory.sparc_state_evolution(size, [power, 3.0], snr, rate, n_iter=1)
        mean_power = (power + 3.0) / 2
        signal = rate / np.log(size)
        assert_allclose(t[0], signal * (1 + 1 / snr))
        left, wrong = [], []
        rng = np.random.default_rng(size)
        for p in (power / mean_power, 3.0 / mean_power):
            ratio = p / np.array([t[0], t[1]])
            noise = rng.standard_normal((n_sections, size))
            evidence = np.sqrt(ratio[0]) * noise
            evidence[:, 0] += ratio[0]
            left.append(p * (1 - softmax(evidence, axis=1)[:, 0]))
            noise[:, 0] += np.sqrt(ratio[1])
            wrong.append(noise.argmax(axis=1) != 0)
        for value, draws, scale in (
            (t[1] - signal / snr, np.mean(left, axis=0), signal),
            (error_rate, np.mean(wrong, axis=0), 1.0),
        ):
            error = scale * draws.std(ddof=1) / np.sqrt(n_sections)
            assert 0 < error < 0.02
            assert abs(value - scale * draws.mean()) < 4 * error


def test_state_evolution_broadcasts():
    power = theory.exponential_power_allocation(64, SNR)
    t, error_rate = theory.sparc_state_evolution(64, power, [[SNR], [3.0]], [0.5, 0.6, 0.7])
    assert t.shape == (2, 3, 51) and error_rate.shape == (2, 3)
    one, rate = theory.sparc_state_evolution(64, 5 * power, 3.0, 0.6)
    assert_allclose(one, t[1, 1], rtol=1e-12)
    assert isinstance(rate, float) and rate == pytest.approx(error_rate[1, 1], rel=1e-9)
    assert np.all(np.diff(t) <= 1e-12)
    assert np.all(np.diff(error_rate) >= 0)


def test_large_sections_have_the_asymptotic_threshold():
    """Flat power, just below and above R = snr/(2 (1 + snr)), to which M = 2^60 is on its way."""
    limit = theory.sparc_rate(SNR, unit="nats")
    _, error_rate = theory.sparc_state_evolution(
        2**60, np.ones(3), SNR, [0.95 * limit, 1.5 * limit], n_iter=200
    )
    assert error_rate[0] < 1e-3 and error_rate[1] > 0.5


@pytest.mark.filterwarnings("ignore:.*did not converge:sklearn.exceptions.ConvergenceWarning")
def test_section_error_rates_of_the_decoder():
    """At an easy and at a hopeless rate.

    The variance is compared to 6 percent: the mean of 8 samples of about 200 coordinates has a
    standard error of 4 percent before the first iteration, and up to twice that in later ones.
    """
    from sksupercode import AMPDecoder, GaussianChannel, RademacherEncoder
    from sksupercode.datasets import make_sparse_codes

    size, n_sections, n_samples = 32, 64, 8
    for share, easy in ((0.4, True), (0.95, False)):
        rate = share * CAPACITY
        d = round(n_sections * np.log(size) / rate)
        power = theory.iterative_power_allocation(n_sections, SNR, 1.05 * rate)
        encoder = RademacherEncoder(d, power_allocation=power, random_state=0)
        Y = make_sparse_codes(
            n_samples, size * n_sections, n_nonzero_coefs=n_sections, sections=True, random_state=0
        )
        noise = n_sections / (d * SNR)
        X = GaussianChannel(noise, random_state=0).fit_transform(encoder.fit_transform(Y))
        decoder = AMPDecoder(encoder, n_sections, sections=True, max_iter=50).fit(X, Y)
        found = decoder.predict(X).multiply(Y).sum(axis=1) / n_sections
        t, predicted = theory.sparc_state_evolution(size, power, SNR, rate)
        measured = decoder.effective_variance(X)
        assert_allclose(np.nanmean(measured[:, :2], axis=0), t[:2], rtol=0.06)
        assert (predicted < 0.02) == easy
        assert (1 - np.mean(found) < 0.04) == easy


@pytest.mark.parametrize(
    "name, call",
    [
        ("n_sections", lambda: theory.exponential_power_allocation(0, 1.0)),
        ("n_sections", lambda: theory.exponential_power_allocation([2, 3], 1.0)),
        ("decay", lambda: theory.exponential_power_allocation(2, 1.0, decay=-1)),
        (
            "decaying_fraction",
            lambda: theory.exponential_power_allocation(2, 1.0, decaying_fraction=1.1),
        ),
        ("signal_to_noise_ratio", lambda: theory.exponential_power_allocation(2, np.inf)),
        ("signal_to_noise_ratio", lambda: theory.iterative_power_allocation(2, 0, 0.1)),
        ("rate_nats", lambda: theory.iterative_power_allocation(2, 1.0, 0.35)),
        ("rate_nats", lambda: theory.iterative_power_allocation(2, 1.0, 0)),
        ("n_blocks", lambda: theory.iterative_power_allocation(2, 1.0, 0.3, n_blocks=3)),
        ("section_size", lambda: theory.sparc_state_evolution(1, [1.0], 1.0, 0.1)),
        ("power_allocation", lambda: theory.sparc_state_evolution(4, [1.0, 0.0], 1.0, 0.1)),
        ("power_allocation", lambda: theory.sparc_state_evolution(4, 1.0, 1.0, 0.1)),
        ("power_allocation", lambda: theory.sparc_state_evolution(4, [], 1.0, 0.1)),
        ("signal_to_noise_ratio", lambda: theory.sparc_state_evolution(4, [1.0], 0, 0.1)),
        ("rate_nats", lambda: theory.sparc_state_evolution(4, [1.0], 1.0, 0)),
        ("n_iter", lambda: theory.sparc_state_evolution(4, [1.0], 1.0, 0.1, n_iter=-1)),
    ],
)
def test_errors_name_the_parameter(name, call):
    with pytest.raises(ValueError, match=name):
        call()
