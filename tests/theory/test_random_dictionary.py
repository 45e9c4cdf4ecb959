"""The laws of random codewords, against draws and against each other."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.integrate import quad

from sksupercode import theory


@pytest.mark.parametrize("d", [2, 3, 8, 384])
def test_density_of_cosines_is_one_with_mean_square_1_over_d(d):
    # In the angle, since at d = 2 the density has no end.
    def moment(power):
        def integrand(angle):
            t = np.cos(angle)
            return theory.random_cosine_density(t, d) * t**power * np.sin(angle)

        return quad(integrand, 0, np.pi, points=[np.pi / 2])[0]

    assert moment(0) == pytest.approx(1, rel=1e-6)
    assert moment(2) == pytest.approx(1 / d, rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 384, 10**6])
def test_mean_absolute_cosine_by_products(d):
    # By Gamma(x + 1) = x Gamma(x), the mean in d + 2 dimensions is d / (d + 1) times that in d.
    n = np.arange(3 - d % 2, d, 2)
    expected = (1.0 if d % 2 else 2 / np.pi) * np.exp(np.sum(np.log1p(-1 / n)))
    assert theory.random_mean_absolute_cosine(d) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("d", [2, 3, 8, 384])
def test_mean_absolute_cosine_is_a_moment_of_the_density(d):
    def integrand(angle):
        t = np.cos(angle)
        return theory.random_cosine_density(t, d) * t * np.sin(angle)

    mean = 2 * quad(integrand, 0, np.pi / 2)[0]
    assert theory.random_mean_absolute_cosine(d) == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("codewords", ["spherical", "rademacher"])
def test_median_of_the_coherence(codewords):
    """Of 400 draws half exceed it, within four deviations of a binomial number (and ties)."""
    rng, n_pairs, d = np.random.default_rng(0), 45, 101
    median = theory.random_coherence(n_pairs, d, codewords=codewords)
    F = rng.standard_normal((400, 10, d))
    F = np.sign(F) if codewords == "rademacher" else F
    F /= np.linalg.norm(F, axis=2, keepdims=True)
    gram = np.abs(F @ F.transpose(0, 2, 1))
    largest = gram[:, *np.triu_indices(10, 1)].max(axis=1)
    assert np.sum(largest > median + 1e-9) < 200 + 40
    assert np.sum(largest < median - 1e-9) < 200 + 40


def test_quantiles_sum_to_the_trace_and_end_at_the_edges():
    for n, d in ((500, 30), (60, 200), (64, 64)):
        p = (np.arange(2000) + 0.5) / 2000
        mean = theory.marchenko_pastur_quantile(p, n, d).mean()
        assert mean * min(n, d) == pytest.approx(n, rel=2e-3)
        edges = (1 + np.array([-1, 1]) * np.sqrt(n / d)) ** 2
        found = theory.marchenko_pastur_quantile([0, 1], n, d)
        np.testing.assert_allclose(found, edges, atol=1e-12)


def test_random_effective_rank_and_deviation_of_draws():
    """200 draws of 200 directions: the mean rank within 1 %, the deviation within its error."""
    rng, n, d, n_draws = np.random.default_rng(1), 200, 40, 200
    means, ranks = [], []
    for _ in range(n_draws):
        F = rng.standard_normal((n, d))
        F /= np.linalg.norm(F, axis=1, keepdims=True)
        spectrum = np.linalg.eigvalsh(F.T @ F)
        means.append((np.sum(spectrum**2) - n) / (n * (n - 1)))
        p = spectrum / n
        ranks.append(np.exp(-np.sum(p * np.log(p))))
    assert np.mean(ranks) == pytest.approx(theory.random_effective_rank(n, d), rel=0.01)
    # A standard deviation of 200 draws has an error of 1 / sqrt(400) = 5 %, four of them.
    expected = theory.random_mean_square_deviation(n, d)
    assert np.std(means) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(
    "function, arguments, message",
    [
        (theory.random_coherence, (0, 8), "n_pairs"),
        (theory.random_cosine_density, (1.0, 8), "cosine"),
        (theory.random_cosine_density, (0.5, 1), "n_components"),
        (theory.marchenko_pastur_quantile, (1.5, 8, 8), "probability"),
        (theory.marchenko_pastur_quantile, (0.5, 8, 3.7), "n_components must be an integer"),
        (theory.marchenko_pastur_quantile, (0.5, [8, 9], 3), "n_features must be one number"),
        (theory.random_effective_rank, (0, 8), "n_features"),
        (theory.random_mean_square_deviation, (1, 8), "n_features"),
        (theory.random_mean_absolute_cosine, (0,), "n_components"),
        (theory.random_mean_absolute_cosine, (1.5,), "n_components"),
    ],
)
def test_refusals(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)
