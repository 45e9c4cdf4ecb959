# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.special import expit, logit, ndtr
from scipy.stats import binom, binomtest

from sksupercode.model_selection import RecoveryCurve
from sksupercode.model_selection._intervals import design_effect, wilson_interval


def test_wilson_intervals():
    curve = RecoveryCurve([5, 6, 7], np.array([0, 15, 50]), np.array([50, 50, 50]))
    tests = [binomtest(count, 50).proportion_ci(0.95, "wilson") for count in (0, 15, 50)]
    np.testing.assert_allclose(np.transpose([curve.low, curve.high]), tests, atol=1e-12)
    low, high = curve.interval(0.5)
    assert np.all(low >= curve.low) and np.all(high <= curve.high)
    # Trials that count half
    halved = RecoveryCurve([5], np.array([15]), np.array([50]), design_effect=2.0)
    expected = wilson_interval(0.3, 25)
    assert (halved.low[0], halved.high[0]) == expected


def clustered_counts(rng, n_clusters, size, rate, correlation):
    """Successes of clusters, of which a part copies the cluster's one common trial."""
    common = rng.random(n_clusters) < rate
    copies = rng.binomial(size, np.sqrt(correlation), n_clusters)
    return np.where(common, copies, 0) + rng.binomial(size - copies, rate)


@pytest.mark.parametrize("correlation, expected", [(0.0, 1.0), (0.25, 3.25)])
def test_design_effect(correlation, expected):
    """1 + (m - 1) times the correlation within clusters of m."""
    rng, sizes = np.random.default_rng(0), np.full(8, 10)
    effects = [
        design_effect(
            [(clustered_counts(rng, 8, 10, rate, correlation), sizes) for rate in (0.2, 0.5, 0.9)]
        )
        for _ in range(400)
    ]
    assert min(effects) >= 1.0
    # Copies are a random part: the mean of n (n - 1) over pairs gives exactly the correlation. The
    # floor of 1 lifts the mean for independent trials.
    lift = 0.2 if correlation == 0 else 3.5 * np.std(effects) / 20
    assert expected - lift <= np.mean(effects) <= expected + lift
    assert design_effect([(np.array([3]), np.array([10]))]) == 1.0
    assert design_effect([(np.array([10, 10]), np.array([10, 10]))]) == 1.0


@pytest.mark.parametrize("correlation", [0.0, 0.25])
def test_intervals_allow_for_codebooks(correlation):
    rng, n_runs, covered = np.random.default_rng(1), 400, 0
    for _ in range(n_runs):
        groups = [
            (clustered_counts(rng, 10, 10, rate, correlation), np.full(10, 10))
            for rate in (0.3, 0.6, 0.8)
        ]
        totals = np.array([counts.sum() for counts, _ in groups])
        curve = RecoveryCurve([1, 2, 3], totals, np.full(3, 100), design_effect(groups))
        covered += curve.low[1] <= 0.6 <= curve.high[1]
    # 95 %, less some for an estimated effect; without it 73 % of the correlated ones cover.
    assert covered >= binom.ppf(1e-3, n_runs, 0.93)


@pytest.mark.long
@pytest.mark.parametrize(
    "link, law, probabilities", [("logit", expit, (0.5, 0.9)), ("probit", ndtr, (0.9,))]
)
def test_fits_cover_at_their_level(link, law, probabilities):
    rng, n_runs = np.random.default_rng(0), 40
    dimensions = np.array([60, 75, 90, 110, 130, 160])
    rates = law(8 * np.log(dimensions / 100))
    truth = {"logit": 100 * np.exp(logit(0.9) / 8), "probit": 100 * np.exp(1.2816 / 8)}[link]
    truths = {p: {0.5: 100, 0.9: truth}[p] for p in probabilities}
    covered, errors = dict.fromkeys(truths, 0), []
    for _ in range(n_runs):
        curve = RecoveryCurve(dimensions, rng.binomial(60, rates), np.full(6, 60))
        for p, d in truths.items():
            estimate, low, high = curve.dimension_at(p, confidence=0.8, link=link)
            assert low <= estimate <= high
            covered[p] += low <= d <= high
            errors.append(np.log(estimate / d))
    # 80 %, within three standard deviations of a binomial number.
    assert all(abs(n - 0.8 * n_runs) < 3 * np.sqrt(0.16 * n_runs) for n in covered.values())
    # Likelihood estimates are unbiased to first order only.
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(n_runs) + 0.003


@pytest.mark.parametrize("options", [{"probability": 1.0}, {"probability": 0.5, "confidence": 0}])
def test_bad_fractions(options):
    curve = RecoveryCurve([10, 20], np.array([5, 40]), np.array([50, 50]))
    with pytest.raises(ValueError, match=list(options)[-1]):
        curve.dimension_at(**options)
    with pytest.raises(ValueError, match="link must be one of 'logit', 'probit'"):
        curve.dimension_at(0.5, link="cauchit")
