"""What state evolution predicts of message passing against what the decoder does.

Samples of one codebook are not independent, so that standard errors are those of the codebooks'
means. Seeds are fixed; ``SKSUPERCODE_LONG_REPEATS`` multiplies the number of codebooks.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os

import numpy as np
import pytest
from scipy.special import ndtri

from sksupercode import AMPDecoder, GaussianChannel, HadamardEncoder, RademacherEncoder, theory
from sksupercode.datasets import make_sparse_codes

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:.*did not converge:sklearn.exceptions.ConvergenceWarning"),
]

REPEATS = int(os.environ.get("SKSUPERCODE_LONG_REPEATS", "1"))


def mean_and_error(of_codebooks):
    of_codebooks = np.array(of_codebooks)
    error = of_codebooks.std(axis=0, ddof=1) / np.sqrt(len(of_codebooks))
    return of_codebooks.mean(axis=0), error


def test_effective_variance(record_property):
    """Every iteration within 5 percent, until less than half of the first variance is left.

    Beyond that the variance falls ever more steeply, and a sample which is half an iteration ahead
    of another has a fraction of its variance: their mean tells nothing. Standard errors are 0.1 to
    1.6 percent.
    """
    n_features, k = 65_536, 256
    n_components = round(1.15 * theory.amp_dimension(n_features, k))
    predicted = theory.amp_state_evolution(k / n_features, n_components / n_features, n_iter=20)
    predicted = predicted[predicted > 0.45 * predicted[0]]
    assert len(predicted) == 5
    measured = []
    for seed in range(8 * REPEATS):
        encoder = RademacherEncoder(n_components, random_state=seed)
        Y = make_sparse_codes(8, n_features, n_nonzero_coefs=k, random_state=seed)
        X = encoder.fit_transform(Y)
        variances = AMPDecoder(encoder, k).fit(X, Y).effective_variance(X)
        measured.append(variances[:, : len(predicted)].mean(axis=0))
    mean, error = mean_and_error(measured)
    for iteration, ratio in enumerate(mean / predicted):
        text = f"{ratio:.3f} +- {error[iteration] / predicted[iteration]:.3f}"
        record_property(f"effective variance of iteration {iteration}, over prediction", text)
    assert np.all(error < 0.02 * predicted)
    assert np.all(np.abs(mean / predicted - 1) < 0.05)


# N, k, and the numbers of codebooks and of samples of each.
@pytest.mark.parametrize(
    "n_features, k, shape", [(1024, 8, (30, 10)), (4096, 16, (20, 10)), (16_384, 64, (10, 15))]
)
def test_transition(n_features, k, shape, record_property):
    """Rates within 0.08 of the prediction and 3 standard errors, and the middle of the transition.

    The middle is within 5 percent of the prediction for finite codes, of which 2 are for sampling
    error, and for N = 16,384 within 5 percent of the threshold of state evolution.
    """
    threshold = theory.amp_dimension(n_features, k)
    dimensions = np.rint(threshold * np.array([0.97, 1.0, 1.03, 1.06])).astype(int)
    rates = []
    for n_components in dimensions.tolist():
        of_codebooks = []
        for seed in range(shape[0] * REPEATS):
            rng = np.random.default_rng([seed, n_components])
            encoder = RademacherEncoder(n_components, random_state=seed)
            Y = make_sparse_codes(shape[1], n_features, n_nonzero_coefs=k, random_state=rng)
            X = encoder.fit_transform(Y)
            of_codebooks.append(AMPDecoder(encoder, k).fit(X, Y).score(X, Y))
        rates.append(mean_and_error(of_codebooks))
    rates, errors = np.array(rates).T
    predicted = theory.amp_success_probability(n_features, k, dimensions)
    for d, *numbers in zip(dimensions, predicted, rates, errors, strict=True):
        text = "predicted {:.3f}, measured {:.3f} +- {:.3f}".format(*numbers)
        record_property(f"message passing {n_features, k, int(d)}", text)
    assert np.all((errors > 0) & (errors < 0.06))
    assert np.all(np.abs(rates - predicted) < 0.08 + 3 * errors)
    slope, level = np.polyfit(np.log(dimensions), ndtri(rates), 1)
    middle = np.exp(-level / slope)
    record_property(f"middle of the transition {n_features, k}", f"{middle / threshold:.3f}")
    if n_features >= 16_384:
        assert abs(middle / threshold - 1) < 0.05
    grid = np.linspace(0.9, 1.2, 301) * threshold
    expected = grid[theory.amp_success_probability(n_features, k, grid) >= 0.5][0]
    assert abs(middle / expected - 1) < 0.05


@pytest.mark.parametrize(
    "name, power_allocation",
    [
        ("exponential", theory.exponential_power_allocation(1024, 15)),
        ("exponential, a = 0.7", theory.exponential_power_allocation(1024, 15, decay=0.7)),
        ("iterative", theory.iterative_power_allocation(1024, 15, 1.05 * 0.7 * np.log(4))),
    ],
)
def test_section_error_rates(name, power_allocation, record_property):
    """Of 8 samples with 1,024 sections of 512 codewords each, at 70 percent of the capacity."""
    n_sections, size, snr = 1024, 512, 15
    rate = 0.7 * np.log(1 + snr) / 2
    n_components = round(n_sections * np.log(size) / rate)
    _, predicted = theory.sparc_state_evolution(size, power_allocation, snr, rate)
    encoder = HadamardEncoder(
        n_components,
        n_features=size * n_sections,
        power_allocation=power_allocation,
        random_state=0,
    )
    Y = make_sparse_codes(
        8 * REPEATS,
        size * n_sections,
        n_nonzero_coefs=n_sections,
        sections=True,
        random_state=0,
    )
    noise = n_sections / n_components / snr
    X = GaussianChannel(noise, random_state=0).fit_transform(encoder.fit_transform(Y))
    decoder = AMPDecoder(encoder, n_sections, sections=True, max_iter=100).fit(X, Y)
    wrong = 1 - np.asarray(decoder.predict(X).multiply(Y).sum(axis=1)).ravel() / n_sections
    error = max(wrong.std(ddof=1), np.sqrt(predicted / n_sections)) / np.sqrt(len(wrong))
    record_property(
        f"section error rate, {name}", f"predicted {predicted:.2e}, measured {wrong.mean():.2e}"
    )
    assert abs(wrong.mean() - predicted) < 4 * error
    assert (wrong.mean() < 1e-2) == (name != "exponential")
