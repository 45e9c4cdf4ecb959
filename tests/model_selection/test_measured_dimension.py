# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import ndtr, ndtri
from scipy.stats import binom
from sklearn.base import BaseEstimator, TransformerMixin

from sksupercode import GaussianChannel, RademacherEncoder, ThresholdDecoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.model_selection import measured_dimension, required_dimension
from sksupercode.model_selection._measured_dimension import _Trials
from sksupercode.model_selection._transition import fit_transition

SIZE = {"n_features": 64, "n_nonzero_coefs": 4}


class Blank(TransformerMixin, BaseEstimator):
    """An encoder that writes nothing, in d dimensions."""

    def __init__(self, n_components=1, *, n_features=None, random_state=None):
        self.n_components = n_components
        self.n_features = n_features
        self.random_state = random_state

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.full((X.shape[0], self.n_components), self.random_state % 2**32)


class Oracle(BaseEstimator):
    """A decoder whose recovery law is known: ``Phi(slope (ln d - ln dimension) + Phi^-1(0.9))``."""

    def __init__(self, dictionary, dimension=200.5, slope=8.0, seconds=0.0):
        self.dictionary = dictionary
        self.dimension = dimension
        self.slope = slope
        self.seconds = seconds

    def fit(self, X, y=None):
        return self

    def score(self, X, y):
        time.sleep(self.seconds * len(X))
        rng = np.random.default_rng(int(X[0, 0]))
        z = self.slope * np.log(X.shape[1] / self.dimension) + ndtri(0.9)
        return np.mean(rng.random(len(X)) < ndtr(z))


def test_intervals_cover_at_their_level():
    """At fixed dimensions: the estimate and its interval, over 100 experiments."""
    n_runs, slope, rng, n_trials = 100, 8.0, np.random.default_rng(0), np.full(8, 60)
    dimensions = np.rint(200 * np.exp(np.linspace(-0.15, 0.12, 8))).astype(int)
    rates = ndtr(slope * np.log(dimensions / 200) + ndtri(0.9))
    fits = np.array(
        [
            fit_transition(dimensions, rng.binomial(n_trials, rates), n_trials, 0.9, 0.8)
            for _ in range(n_runs)
        ]
    )
    estimates, low, high = fits.T
    covered = np.count_nonzero((low <= 200) & (high >= 200))
    # 80 %, and three standard deviations of 4 %.
    assert 68 <= covered <= 92
    assert np.all((low <= estimates) & (estimates <= high))
    errors = np.log(estimates / 200)
    # Likelihood estimates are unbiased to first order only.
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(n_runs) + 0.003


@pytest.mark.parametrize("slope", [4.0, 40.0])
@pytest.mark.parametrize("dimension", [40.5, 900.5])
def test_search_and_measurement_cover_the_truth(slope, dimension):
    decoder = Oracle(Blank(), dimension, slope)
    n_runs = 12
    results = [
        measured_dimension(decoder, n_samples=30, random_state=seed, **SIZE)
        for seed in range(n_runs)
    ]
    truth = np.ceil(dimension)
    missed = sum(not result.low <= truth <= result.high for result in results)
    # Each misses with a probability of 5 %: more than four of 12 do with one of 2e-4.
    assert binom.sf(4, n_runs, 0.05) < 2e-4
    assert missed <= 4
    errors = np.log([result.n_components / truth for result in results])
    assert abs(errors.mean()) < 3.5 * errors.std(ddof=1) / np.sqrt(n_runs) + 1 / truth
    # The dimensions are where the rate changes, not all on one side.
    for result in results:
        assert result.dimensions[0] <= truth * 1.05 and result.dimensions[-1] >= truth * 0.95


@pytest.mark.parametrize("make", [TopKDecoder, ThresholdDecoder])
@pytest.mark.parametrize("noise_variance", [0.0, 0.003])
def test_agrees_with_the_prediction(make, noise_variance):
    decoder = make(RademacherEncoder())
    size = {"n_features": 512, "n_nonzero_coefs": 4, "noise_variance": noise_variance}
    result = measured_dimension(decoder, n_samples=60, random_state=0, **size)
    predicted = required_dimension(decoder, probability=0.9, random_state=0, **size)
    # The laws are good to 0.03, which is 4 % of d where the slope is 4.
    assert result.low * 0.95 <= predicted <= result.high * 1.05
    assert result.high < 1.5 * result.low


def test_result_is_consistent():
    result = measured_dimension(Oracle(Blank()), n_samples=25, random_state=0, **SIZE)
    # log2 C(64, 4)
    assert result.entropy_bits == pytest.approx(19.2773, abs=1e-4)
    assert result.bits_per_dimension == result.entropy_bits / result.n_components
    low, high = result.bits_per_dimension_interval
    assert low < result.bits_per_dimension < high
    assert_array_equal(result.n_samples, 25)
    assert np.all(np.diff(result.dimensions) > 0)
    assert np.all((result.n_recovered >= 0) & (result.n_recovered <= 25))
    assert (result.probability, result.confidence) == (0.9, 0.95)
    assert 0 < result.seconds_per_sample < 0.1


def test_depends_on_the_seed_alone():
    decoder = TopKDecoder(RademacherEncoder(random_state=5))
    first, second, other = (
        measured_dimension(decoder, n_samples=10, random_state=seed, **SIZE) for seed in (1, 1, 2)
    )
    assert_array_equal(first.n_recovered, second.n_recovered)
    assert_array_equal(first.dimensions, second.dimensions)
    assert first.dimensions.tolist() + first.n_recovered.tolist() != (
        other.dimensions.tolist() + other.n_recovered.tolist()
    )
    assert decoder.dictionary.random_state == 5 and not hasattr(decoder, "dictionary_")


def test_codebooks_and_codes_are_fresh(monkeypatch):
    seen = []

    def spy(*args, **kwargs):
        codes = make_sparse_codes(*args, **kwargs)
        seen.append(codes.indices.tobytes())
        return codes

    monkeypatch.setattr("sksupercode.model_selection._measured_dimension.make_sparse_codes", spy)
    seeds = []

    class Spied(Blank):
        def transform(self, X):
            seeds.append(self.random_state)
            return super().transform(X)

    measured_dimension(Oracle(Spied()), n_samples=20, random_state=0, **SIZE)
    assert len(seeds) == len(set(seeds)) == len(seen) == len(set(seen)) > 16


def test_noise_is_sent(monkeypatch):
    sent = []

    class Channel(GaussianChannel):
        def transform(self, X):
            sent.append(self.noise_variance)
            return super().transform(X)

    monkeypatch.setattr("sksupercode.model_selection._measured_dimension.GaussianChannel", Channel)
    decoder = TopKDecoder(RademacherEncoder())
    noisy = measured_dimension(decoder, noise_variance=0.05, n_samples=20, random_state=0, **SIZE)
    assert set(sent) == {0.05}
    assert noisy.low > measured_dimension(decoder, n_samples=20, random_state=0, **SIZE).high


def test_codes_with_sections():
    trials = _Trials(TopKDecoder(RademacherEncoder(), sections=True), 62, 4, 0.0, None)
    # Sections of 15, 16, 15 and 16 codewords
    assert trials.entropy_bits == pytest.approx(2 * np.log2(15) + 8)
    trials = _Trials(TopKDecoder(RademacherEncoder()), 62, 4, 0.0, None)
    assert trials.entropy_bits == pytest.approx(19.0895, abs=1e-4)


def test_slow_decoders_get_fewer_samples():
    decoder = Oracle(Blank(), seconds=0.001)
    start = time.perf_counter()
    result = measured_dimension(decoder, max_seconds=0.4, random_state=0, **SIZE)
    assert time.perf_counter() - start < 2
    assert result.n_samples.max() < 100 and result.n_samples.min() >= 2
    assert result.seconds_per_sample == pytest.approx(0.001, rel=0.5)
    assert result.low <= 201 <= result.high


def test_decoders_that_are_too_slow_say_so():
    with pytest.raises(TimeoutError, match="a sample takes 0.02"):
        measured_dimension(Oracle(Blank(), seconds=0.02), max_seconds=0.1, **SIZE)


@pytest.mark.parametrize("dimension, expected", [(1e9, np.inf), (1e-9, 1)])
def test_transitions_that_are_nowhere(dimension, expected):
    result = measured_dimension(Oracle(Blank(), dimension), n_samples=10, random_state=0, **SIZE)
    assert result.n_components == expected
    assert result.bits_per_dimension == result.entropy_bits / expected


def test_open_intervals():
    _, low, high = fit_transition([10, 20], [50, 50], np.array([50, 50]), 0.9, 0.95)
    assert low == 0 and high < 20
    _, low, high = fit_transition([10, 20], [0, 0], np.array([50, 50]), 0.9, 0.95)
    assert low > 10 and high == np.inf


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_features", 0),
        ("n_nonzero_coefs", 65),
        ("probability", 1),
        ("noise_variance", -1),
        ("n_samples", 0),
        ("confidence", 0),
        ("max_seconds", 0),
        ("random_state", -1),
    ],
)
def test_bad_parameters(name, value):
    with pytest.raises(ValueError, match=name):
        measured_dimension(TopKDecoder(RademacherEncoder()), **SIZE | {name: value})


def test_a_bare_dictionary_has_one_dimension_only():
    with pytest.raises(ValueError, match="must be an encoder, got ndarray"):
        measured_dimension(TopKDecoder(np.eye(64)), **SIZE)
