"""Samples of very large norm: who warns of them, and that ordinary tails are none."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone

from sksupercode import (
    DictionaryLearner,
    MatchingPursuitDecoder,
    SparseAutoencoder,
    ThresholdDecoder,
    Transcoder,
)
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._norms import MomentsByNorm, row_norms
from sksupercode.datasets import load_activations, make_planted_activations, make_synth_sae_bench
from sksupercode.exceptions import MassiveActivationsWarning
from sksupercode.metrics import fraction_of_variance_unexplained
from sksupercode.sae import SAEWeights, compare_decoders

D = 16
NOTHING = np.zeros(D)
SCORED = SparseAutoencoder.from_weights(SAEWeights("relu", np.eye(D), NOTHING, np.eye(D), NOTHING))
TRANSCODER = Transcoder.from_weights(
    SAEWeights("relu", np.eye(D), NOTHING, np.eye(D), NOTHING, is_transcoder=True)
)


def make_activations(n_samples=2560, every=128, factor=50.0, seed=0):
    """Activations of which those of every first token are larger, in one dimension."""
    X = np.random.default_rng(seed).standard_normal((n_samples, D)) + 1
    X[::every, 3] = factor * np.sqrt(D)
    return X


def moments_of(X, *places):
    moments = MomentsByNorm()
    for part in np.split(X, places):
        other = MomentsByNorm()
        other.add(part)
        moments.merge(other)
    return moments


def test_massive_samples_are_counted_with_their_share():
    X = make_activations()
    n_massive, norm, share = moments_of(X).massive()
    norms = np.linalg.norm(X, axis=1)
    assert n_massive == 20 == np.count_nonzero(norms > norm)
    assert 9.5 <= norm / np.median(norms) <= 11.4
    rest = X[norms < norm]
    left, variance = (len(Y) * Y.var(axis=0).sum() for Y in (rest, X))
    assert share == pytest.approx(1 - left / variance)
    assert 0.9 < share < 1


def test_moments_do_not_depend_on_blocks():
    X = make_activations() * 2.0**-700
    X[77] = 0
    whole, parts = moments_of(X), moments_of(X, 1, 2, 100, 1999)
    assert whole.massive()[:2] == parts.massive()[:2]
    assert whole.massive()[2] == pytest.approx(parts.massive()[2], rel=1e-12)
    expected = RunningMoments()
    expected.add(X)
    for total in (whole.total(), parts.total()):
        assert (total.n_samples, total.exponent) == (expected.n_samples, expected.exponent)
        np.testing.assert_allclose(total.mean, expected.mean, rtol=1e-11)
        assert total.squares == pytest.approx(expected.squares, rel=1e-12)


def test_norms_at_both_ends_of_the_range():
    X = np.array([[3.0, 4.0], [3e-310, 4e-310], [3e307, 4e307], [1.7e308, 1.7e308], [0.0, 0.0]])
    np.testing.assert_allclose(row_norms(X), [5, 5e-310, 5e307, np.inf, 0], rtol=1e-6)


def lognormal(std):
    return lambda rng, size: rng.lognormal(0, std, size)


@pytest.mark.parametrize("std", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("k", [1, 4])
def test_tails_are_not_massive(std, k):
    """At std = 1.5 and k = 1, a twentieth of the samples has more than 9 tenths of the squares."""
    options = {"n_nonzero_coefs": k, "amplitudes": lognormal(std), "random_state": 0}
    X, _, _ = make_planted_activations(20_000, 256, 32, **options)
    assert moments_of(X).massive() is None


def test_ordinary_data_are_not_massive():
    rng = np.random.default_rng(0)
    few = make_activations(99, every=60)
    many = make_activations(every=10)
    no_share = make_activations(12_800, every=6_400, factor=20)
    zeros = np.where(rng.random((1000, 1)) < 0.6, 0, make_activations(1000))
    for X in (
        load_activations().data,
        make_synth_sae_bench(5000, random_state=0)[0],
        rng.standard_cauchy((20_000, D)),
        few,
        many,
        no_share,
        zeros,
        make_activations(factor=5),
        make_activations() + 1000,
        np.ones((500, D)),
    ):
        assert moments_of(X).massive() is None


MESSAGE = "20 of 2560 samples, .*, about ten times the median, have 95.* % of the variance, .*"


def test_who_warns():
    X = make_activations()
    X_hat, decoder = 0.9 * X, MatchingPursuitDecoder(np.eye(D), n_nonzero_coefs=2)
    learner = DictionaryLearner(D, n_nonzero_coefs=2, max_iter=1, random_state=0)
    calls = [
        (lambda X: fraction_of_variance_unexplained(X, X_hat[: len(X)]), "leave them out of X and"),
        (lambda X: compare_decoders({"MP": decoder}, X, block_size=300), "pass max_norm="),
        (lambda X: learner.fit(X), "these are learned first, .* pass max_norm="),
        (lambda X: learner.partial_fit(X), None),
        (lambda X: learner.score(X), "the score speaks of these alone"),
        (lambda X: SCORED.score(X), "the score speaks of these alone"),
        (lambda X: TRANSCODER.score(0 * X, X), "the score speaks of these alone"),
    ]
    if find_spec("torch"):
        sae = SparseAutoencoder(D, n_nonzero_coefs=2, max_iter=1, random_state=0)
        calls.append((lambda X: sae.fit(X), "these are learned first, .* pass max_norm="))
    for call, remedy in calls:
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always", MassiveActivationsWarning)
            call(X)
        log = [w for w in log if w.category is MassiveActivationsWarning]
        assert len(log) == (remedy is not None)
        for warning in log:
            assert warning.filename == __file__
            with pytest.warns(MassiveActivationsWarning, match=MESSAGE + remedy):
                call(X)
    ordinary = X[np.linalg.norm(X, axis=1) < 100]
    with warnings.catch_warnings():
        warnings.simplefilter("error", MassiveActivationsWarning)
        for call, _ in calls:
            call(ordinary)
        compare_decoders({"MP": decoder}, X, max_norm=100)


LEARNER = DictionaryLearner(D, n_nonzero_coefs=2, max_iter=2, random_state=0)
AUTOENCODER = SparseAutoencoder(D, n_nonzero_coefs=2, max_iter=2, random_state=0)


@pytest.mark.parametrize(
    "estimator",
    [
        LEARNER,
        clone(LEARNER).set_params(decoder=ThresholdDecoder(None, threshold="map")),
        pytest.param(
            AUTOENCODER, marks=pytest.mark.skipif(find_spec("torch") is None, reason="trains")
        ),
    ],
    ids=["OMP", "threshold", "autoencoder"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("error::sksupercode.exceptions.MassiveActivationsWarning")
def test_learning_without_massive_samples(estimator):
    X = make_activations(640, every=64)
    few = X[np.linalg.norm(X, axis=1) <= 100]
    other = clone(estimator).set_params(early_stopping=True)
    mine = clone(other).set_params(max_norm=100)
    np.testing.assert_array_equal(mine.fit(X).dictionary_, other.fit(few).dictionary_)
    np.testing.assert_array_equal(mine.transform(few).data, other.transform(few).data)
    assert (mine.n_left_out_, other.n_left_out_) == (10, 0)
    for A, B in ((X[:300], few[:295]), (X[::64], None), (X[300:], few[295:])):
        mine.partial_fit(A)
        if B is not None:
            other.partial_fit(B)
    np.testing.assert_array_equal(mine.dictionary_, other.dictionary_)
    assert mine.n_left_out_ == 30 and mine.n_iter_ == other.n_iter_
    with pytest.raises(ValueError, match="max_norm must leave samples .* got 1e-09, .* all 640"):
        clone(mine).set_params(max_norm=1e-9).partial_fit(X)
    with pytest.raises(ValueError, match="max_norm must be a real number > 0"):
        clone(mine).set_params(max_norm=0).fit(X)
