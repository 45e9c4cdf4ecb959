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
from sksupercode.model_selection import measured_dimension, predicted_dimension
from tests.marks import long

SIZE = {"n_features": 64, "n_nonzero_coefs": 4}
# Seconds that oracles say they took.
PASSED = [0.0]


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

    def __init__(self, dictionary=None, dimension=200.5, slope=8.0, seconds=0.0):
        self.dictionary = dictionary
        self.dimension = dimension
        self.slope = slope
        self.seconds = seconds

    def fit(self, X, y=None):
        return self

    def score(self, X, y):
        PASSED[0] += self.seconds * len(X)
        rng = np.random.default_rng(int(X[0, 0]))
        return np.mean(rng.random(len(X)) < ndtr(self.law(X.shape[1])))

    def law(self, d):
        return self.slope * np.log(d / self.dimension) + ndtri(0.9)


@pytest.mark.long
@pytest.mark.parametrize("dimension, slope", [(40.5, 40.0), (900.5, 4.0)])
def test_search_and_measurement_cover_the_truth(slope, dimension):
    decoder = Oracle(None, dimension, slope)
    n_runs = 12
    results = [
        measured_dimension(Blank(), decoder, n_trials=240, random_state=seed, **SIZE)
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
        assert result.curve.n_components[0] <= truth * 1.05
        assert result.curve.n_components[-1] >= truth * 0.95


@pytest.mark.parametrize("make", [TopKDecoder, *long(ThresholdDecoder)])
@pytest.mark.parametrize("noise_variance", [0.0, 0.003])
def test_agrees_with_the_prediction(make, noise_variance):
    encoder = RademacherEncoder()
    decoder, channel = make(encoder), GaussianChannel(noise_variance)
    size = {"n_features": 512, "n_nonzero_coefs": 4}
    result = measured_dimension(
        encoder, decoder, channel=channel, n_trials=240, random_state=0, **size
    )
    predicted = predicted_dimension(decoder, noise_variance=noise_variance, random_state=0, **size)
    # The laws are good to 0.03, which is 4 % of d where the slope is 4.
    assert result.low * 0.95 <= predicted <= result.high * 1.05
    assert result.high < 1.5 * result.low


def test_result_is_consistent():
    result = measured_dimension(Blank(), Oracle(), n_trials=200, random_state=0, **SIZE)
    # log2 C(64, 4)
    assert result.entropy_bits == pytest.approx(19.2773, abs=1e-4)
    assert result.bits_per_dimension == result.entropy_bits / result.n_components
    low, high = result.bits_per_dimension_interval
    assert low < result.bits_per_dimension < high
    assert 195 <= result.n_trials == result.curve.n_trials.sum() <= 205
    assert np.all(np.diff(result.curve.n_components) > 0)
    assert (result.probability, result.confidence) == (0.9, 0.95)


def test_depends_on_the_seed_alone():
    encoder = RademacherEncoder(random_state=5)
    decoder = TopKDecoder(encoder)
    first, second, other = (
        measured_dimension(encoder, decoder, n_trials=80, random_state=seed, **SIZE).curve
        for seed in (1, 1, 2)
    )
    assert_array_equal(first.n_recovered, second.n_recovered)
    assert_array_equal(first.n_components, second.n_components)
    assert first.n_components.tolist() + first.n_recovered.tolist() != (
        other.n_components.tolist() + other.n_recovered.tolist()
    )
    assert encoder.random_state == 5 and not hasattr(decoder, "dictionary_")


def test_no_codebook_is_used_twice():
    seeds = []

    class Spied(Blank):
        def transform(self, X):
            seeds.append(self.random_state)
            return super().transform(X)

    measured_dimension(Spied(), Oracle(), n_trials=160, random_state=0, **SIZE)
    assert len(seeds) == len(set(seeds)) > 16


@pytest.mark.parametrize("n_jobs", [1, *long(2)])
def test_a_checkpoint_goes_on(tmp_path, n_jobs):
    options = {"checkpoint": tmp_path / "cells", "random_state": 3, "n_jobs": n_jobs} | SIZE
    encoder = RademacherEncoder()
    decoder = TopKDecoder(encoder)
    measured_dimension(encoder, decoder, n_trials=80, **options)
    more = measured_dimension(encoder, decoder, n_trials=160, **options)
    fresh = measured_dimension(encoder, decoder, n_trials=160, random_state=3, **SIZE)
    assert_array_equal(more.curve.n_recovered, fresh.curve.n_recovered)
    assert (more.n_components, more.low, more.high) == (fresh.n_components, fresh.low, fresh.high)


def test_codes_with_sections():
    encoder, size = RademacherEncoder(), {"n_features": 62, "n_nonzero_coefs": 4}
    decoder = TopKDecoder(encoder, sections=True)
    result = measured_dimension(encoder, decoder, sections=True, n_trials=40, **size)
    # Sections of 15, 16, 15 and 16 codewords
    assert result.entropy_bits == pytest.approx(2 * np.log2(15) + 8)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes in the oracle alone, whatever else the machine does."""
    monkeypatch.setattr(time, "perf_counter", lambda: PASSED[0])
    PASSED[0] = 0.0
    return lambda: PASSED[0]


def test_slow_decoders_get_fewer_samples(clock):
    decoder = Oracle(seconds=0.001)
    result = measured_dimension(Blank(), decoder, max_seconds=0.4, random_state=0, **SIZE)
    assert 0.2 < clock() < 1.2
    assert result.curve.n_trials.max() < 100 and result.curve.n_trials.min() >= 2
    assert result.seconds_per_trial == pytest.approx(0.001)
    assert result.low <= 201 <= result.high


class Peak(Oracle):
    """Slow near the transition alone, as an exact search."""

    def score(self, X, y):
        if X.shape[1] > 120:
            PASSED[0] += 0.03 * len(X)
        return super().score(X, y)


def test_costs_at_the_transition_are_learned(clock):
    result = measured_dimension(Blank(), Peak(), max_seconds=0.4, random_state=0, **SIZE)
    assert clock() < 2.0
    assert result.curve.n_trials.min() >= 2


def test_decoders_that_are_too_slow_say_so(clock):
    with pytest.raises(TimeoutError, match="a trial takes 0.02 s, of 0.1 s"):
        measured_dimension(Blank(), Oracle(seconds=0.02), max_seconds=0.1, **SIZE)


class Kinked(Oracle):
    """Recovers as its oracle, but that from a rate of 0.75 on its slope is ``shallow``."""

    def __init__(self, dictionary=None, dimension=120.0, slope=8.0, shallow=0.5):
        super().__init__(dictionary, dimension, slope)
        self.shallow = shallow

    def law(self, d):
        z, knee = self.slope * np.log(d / self.dimension) + ndtri(0.9), ndtri(0.75)
        return z if z < knee else knee + (z - knee) * self.shallow / self.slope

    def truth(self, p):
        z, knee = ndtri(p), ndtri(0.75)
        z = knee + (z - knee) * self.slope / self.shallow
        return self.dimension * np.exp((z - ndtri(0.9)) / self.slope)


@pytest.mark.parametrize("decoder", [Oracle(None, 2000.5, 0.8), Kinked()])
def test_shallow_curves(decoder):
    """Intervals of 95 %, of three runs each."""
    truth = decoder.truth(0.9) if isinstance(decoder, Kinked) else decoder.dimension
    for seed in range(3):
        found = measured_dimension(
            Blank(), decoder, n_features=512, n_nonzero_coefs=4, random_state=seed
        )
        assert found.low <= truth <= found.high
        assert truth / 2 < found.n_components < 2 * truth


def test_rates_that_end_below_the_wanted_one():
    with pytest.warns(UserWarning, match="^No dimension was found at which 0.9 of the codes are"):
        found = measured_dimension(Blank(), Kinked(shallow=0.0), random_state=0, **SIZE)
    assert found.n_components == np.inf > found.low > 1000
    assert found.curve.n_components[-1] <= 1024


def test_transitions_that_are_nowhere():
    options = {"n_trials": 80, "random_state": 0, **SIZE}
    result = measured_dimension(Blank(), Oracle(None, 1e-9), **options)
    assert result.n_components == 1 and result.low == 1
    with pytest.warns(UserWarning, match="^No dimension up to 1216 .* inf.$"):
        result = measured_dimension(Blank(), Oracle(None, 1e9), **options)
    assert result.n_components == np.inf and result.bits_per_dimension == 0
    with pytest.warns(UserWarning, match=r"^No dimension was measured\.$"):
        assert result.curve.dimension_at(0.5) == (np.inf, 0, np.inf)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_features", 0),
        ("n_nonzero_coefs", 65),
        ("probability", 1),
        ("n_trials", 0),
        ("n_trials_per_codebook", 0),
        ("confidence", 0),
        ("max_seconds", 0),
        ("random_state", -1),
    ],
)
def test_bad_parameters(name, value):
    with pytest.raises(ValueError, match=name):
        measured_dimension(RademacherEncoder(), TopKDecoder(None), **SIZE | {name: value})


@pytest.mark.long
def test_time_is_kept(clock, tmp_path):
    options = {"checkpoint": tmp_path / "cells", "random_state": 0, **SIZE}
    decoder = Oracle(seconds=0.001)
    first = measured_dimension(Blank(), decoder, max_seconds=0.4, **options)
    spent = clock()
    again = measured_dimension(Blank(), decoder, max_seconds=0.4, **options)
    assert clock() == spent
    assert_array_equal(again.curve.n_trials, first.curve.n_trials)
    assert_array_equal(again.curve.n_recovered, first.curve.n_recovered)
    more = measured_dimension(Blank(), decoder, max_seconds=1.0, **options)
    assert clock() > spent and more.n_trials > first.n_trials


@pytest.mark.parametrize("confidence", [1e-300, 1 - 1e-16])
def test_intervals_at_the_ends_of_what_is_legal(confidence):
    options = {"n_trials": 80, "random_state": 0, "confidence": confidence, **SIZE}
    result = measured_dimension(Blank(), Oracle(), **options)
    assert result.low <= result.n_components <= result.high
