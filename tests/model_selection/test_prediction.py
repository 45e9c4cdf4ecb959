# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
    theory,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.model_selection import predicted_dimension, recovery_probability
from tests.marks import long

ENCODER = RademacherEncoder(random_state=0)
CLOSED = [
    ThresholdDecoder(ENCODER),
    ThresholdDecoder(ENCODER, threshold=0.6),
    ThresholdDecoder(ENCODER, threshold="map"),
    TopKDecoder(ENCODER),
    BasisPursuitDecoder(ENCODER),
    AMPDecoder(ENCODER),
]
SIZES = [(300, 3), (1024, 8), (2**20, 256)]


@pytest.mark.parametrize(
    "decoder, n_features, k",
    # There is no prediction of message passing for so few as 3.
    [(decoder, *size) for decoder in CLOSED for size in SIZES[isinstance(decoder, AMPDecoder) :]],
    ids=str,
)
@pytest.mark.parametrize("probability", [0.05, *long(0.999)])
def test_closed_forms_are_inverted_exactly(decoder, n_features, k, probability):
    size = {"n_features": n_features, "n_nonzero_coefs": k}
    d = predicted_dimension(decoder, probability=probability, **size)
    assert isinstance(d, int)
    (below, at), errors = recovery_probability(decoder, n_components=[d - 1, d], **size)
    assert below < probability <= at
    assert np.all(errors == 0)


@pytest.mark.parametrize("noise_variance, probability", [(0.0, 0.9), (0.01, 0.5)])
@pytest.mark.parametrize(
    "decoder, k",
    [
        (MatchingPursuitDecoder(ENCODER), 8),
        (MatchingPursuitDecoder(ENCODER), 2),
        (TopKDecoder(ENCODER), 2),
        (ThresholdDecoder(ENCODER), 2),
    ],
    ids=str,
)
def test_simulations_are_inverted_within_their_error(decoder, k, noise_variance, probability):
    size = {"n_features": 1024, "n_nonzero_coefs": k, "noise_variance": noise_variance}
    d = predicted_dimension(decoder, probability=probability, random_state=0, **size)
    predicted, error = recovery_probability(decoder, n_components=d, random_state=1, **size)
    # One dimension more or less moves the rates by up to 0.05 at so small a d.
    assert abs(predicted - probability) < 3 * error + 0.06


@pytest.mark.long
@pytest.mark.parametrize(
    "decoder, d, allowance",
    [
        # The refined closed form is good to 0.03, the normal approximation to 0.08.
        (TopKDecoder(ENCODER), 165, 0.03),
        (MatchingPursuitDecoder(ENCODER), 60, 0.0),
        (AMPDecoder(ENCODER), 36, 0.08),
        (AMPDecoder(ENCODER), 50, 0.08),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*did not converge:sklearn.exceptions.ConvergenceWarning")
def test_predicts_what_is_measured(decoder, d, allowance):
    rates = []
    for seed in range(20):
        encoder = RademacherEncoder(n_components=d, random_state=seed)
        Y = make_sparse_codes(10, 1024, n_nonzero_coefs=8, random_state=seed)
        X = encoder.fit_transform(Y)
        rates.append(decoder.set_params(dictionary=encoder).fit(X, Y).score(X, Y))
    measured, error = np.mean(rates), np.std(rates, ddof=1) / np.sqrt(len(rates))
    predicted, own_error = recovery_probability(
        decoder, n_features=1024, n_nonzero_coefs=8, n_components=d, random_state=0
    )
    assert abs(measured - predicted) < 3 * np.hypot(error, own_error) + allowance


def test_monotone():
    sweep = {"n_features": 1024, "n_nonzero_coefs": 8, "n_components": np.arange(30, 500, 60)}
    for decoder in CLOSED:
        probability, _ = recovery_probability(decoder, **sweep)
        # Below 1e-4 the refined laws are not meaningful, as their documentation says.
        assert np.all(np.diff(probability[probability > 1e-4]) >= 0)
        assert np.all((probability >= 0) & (probability <= 1))
        if not isinstance(decoder, BasisPursuitDecoder):
            noisy, _ = recovery_probability(decoder, noise_variance=0.01, **sweep)
            assert np.all(noisy[probability > 1e-4] <= probability[probability > 1e-4])


def test_simulations_are_reproducible_at_any_size():
    decoder = MatchingPursuitDecoder(ENCODER)
    call = {"n_nonzero_coefs": 8, "n_components": 250, "random_state": 3}
    first = recovery_probability(decoder, n_features=2**40, **call)
    assert first == recovery_probability(decoder, n_features=2**40, **call)
    assert 0 < first[0] < 1 and first[1] > 0


def test_few_codewords_are_too_few_for_message_passing():
    with pytest.raises(ValueError, match="4 codewords or more"):
        recovery_probability(AMPDecoder(ENCODER), n_features=64, n_nonzero_coefs=3, n_components=20)


def test_shapes():
    size = {"n_features": 1024, "n_nonzero_coefs": 8}
    probability, error = recovery_probability(CLOSED[0], n_components=np.full((2, 3), 300), **size)
    assert probability.shape == error.shape == (2, 3)
    probability, error = recovery_probability(CLOSED[0], n_components=300, **size)
    assert np.ndim(probability) == np.ndim(error) == 0


@pytest.mark.parametrize("decoder", [TopKDecoder(ENCODER), *long(MatchingPursuitDecoder(ENCODER))])
def test_noise_is_what_channels_take(decoder):
    size = {"n_features": 256, "n_nonzero_coefs": 4, "random_state": 0}
    ratios, d = np.array([[0.0], [0.2], [0.5]]), [20, 45]
    rates, errors = recovery_probability(
        decoder, n_components=d, noise_variance=ratios, relative=True, **size
    )
    assert rates.shape == errors.shape == (3, 2)
    assert np.all(np.diff(rates[:, 1]) <= 0) and rates[0, 1] - rates[2, 1] > 0.05
    # The power of a superposition is k/d per coordinate.
    absolute, _ = recovery_probability(
        decoder, n_components=d, noise_variance=ratios * 4 / np.array(d), **size
    )
    assert_allclose(rates, absolute)
    needed = predicted_dimension(
        decoder, probability=0.5, noise_variance=ratios[:, 0], relative=True, **size
    )
    assert needed.shape == (3,) and needed[0] < needed[2]
    again, _ = recovery_probability(
        decoder, n_components=needed[2], noise_variance=0.5, relative=True, **size
    )
    assert abs(again - 0.5) < 0.12


@pytest.mark.long
def test_pursuit_is_inverted_with_few_draws(monkeypatch):
    n_draws = []
    law = theory.matching_pursuit_active_only

    def counted(*args, n_samples, **options):
        n_draws.append(n_samples)
        return law(*args, n_samples=n_samples, **options)

    monkeypatch.setattr(theory, "matching_pursuit_active_only", counted)
    size = {"n_features": 50_000, "n_nonzero_coefs": 40, "noise_variance": 0.01}
    decoder = MatchingPursuitDecoder(ENCODER)
    d = predicted_dimension(decoder, probability=0.99, random_state=0, **size)
    # 0.99009 +- 0.0005 of 300 draws at 846
    assert abs(d - 846) < 0.02 * 846
    assert sum(n_draws) < 500


def test_long_simulations_are_announced(monkeypatch):
    def law(n_features, k, d, *, n_samples, **options):
        return ndtr(20 * np.log(d / (10 * k))), 2 / np.sqrt(n_samples)

    monkeypatch.setattr(theory, "matching_pursuit_active_only", law)
    options = {"n_features": 2**20, "probability": 0.9, "random_state": 0}
    decoder = MatchingPursuitDecoder(ENCODER)
    with pytest.warns(UserWarning, match="simulates 1024 codewords, which takes long") as told:
        predicted_dimension(decoder, n_nonzero_coefs=1024, **options)
    assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted_dimension(decoder, n_nonzero_coefs=1024, verbose=True, **options)
        predicted_dimension(decoder, n_nonzero_coefs=32, **options)
    # Many short ones are a long one.
    noises = np.full(8, 0.01)
    with pytest.warns(UserWarning, match="takes long"):
        predicted_dimension(decoder, n_nonzero_coefs=32, noise_variance=noises, **options)


def test_unreachable_with_noise():
    size = {"n_features": 1024, "n_nonzero_coefs": 8, "noise_variance": 10.0}
    for decoder in (TopKDecoder(ENCODER), MatchingPursuitDecoder(ENCODER)):
        with pytest.warns(UserWarning, match="a noise_variance of 10 or more: n_components is inf"):
            assert predicted_dimension(decoder, probability=0.5, **size) == np.inf
    noises = size | {"noise_variance": [0.01, 10.0, 20.0]}
    with pytest.warns(UserWarning, match="of 10 or more"):
        predicted_dimension(TopKDecoder(ENCODER), probability=0.5, **noises)


@pytest.mark.parametrize(
    "decoder, noise_variance, reason",
    [
        (
            TopKDecoder(SphericalEncoder()),
            0,
            "of SphericalEncoder; .* dictionary=RademacherEncoder",
        ),
        (TopKDecoder(np.eye(3)), 0, "is no encoder; dictionary=RademacherEncoder"),
        (TopKDecoder(RademacherEncoder(power_allocation=[10.0, 1.0])), 0, "power_allocation"),
        (TopKDecoder(ENCODER, values="real"), 0, "values='real'"),
        (TopKDecoder(ENCODER, n_nonzero_coefs=5), 0, "n_nonzero_coefs=5"),
        (TopKDecoder(ENCODER, covariance_estimator=object()), 0, "covariance_estimator"),
        (MatchingPursuitDecoder(ENCODER, tol=0.1), 0, "tol"),
        (BasisPursuitDecoder(ENCODER, tol=0.1), 0, "tol"),
        (BasisPursuitDecoder(ENCODER), 0.1, "noise"),
        (AMPDecoder(ENCODER, sections=True), 0, "sections"),
        (TopKDecoder(ENCODER, sections=True), 0, "sections"),
        (AMPDecoder(ENCODER, values="nonnegative"), 0, "values='nonnegative'"),
        ("top-k", 0, "str"),
        (ENCODER, 0, "RademacherEncoder"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_predicted_says_so(decoder, noise_variance, reason):
    size = {"n_features": 64, "n_nonzero_coefs": 4, "noise_variance": noise_variance}
    with pytest.raises(ValueError, match=reason):
        recovery_probability(decoder, n_components=30, **size)
    with pytest.raises(ValueError, match=reason):
        predicted_dimension(decoder, probability=0.5, **size)


def test_a_frozen_encoder_is_looked_through():
    decoder = TopKDecoder(FrozenEstimator(ENCODER), n_nonzero_coefs=8)
    size = {"n_features": 1024, "n_nonzero_coefs": 8, "n_components": 200}
    assert recovery_probability(decoder, **size) == recovery_probability(CLOSED[3], **size)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_features", 0),
        ("n_features", 2.5),
        ("n_nonzero_coefs", 0),
        ("n_nonzero_coefs", 1025),
        ("noise_variance", -1),
        ("noise_variance", np.inf),
        ("noise_variance", [0.1, -1]),
        ("noise_variance", "loud"),
        ("relative", 2),
        ("n_components", 0),
        ("probability", 0),
        ("probability", 1),
        ("n_samples", 1),
    ],
)
def test_bad_parameters(name, value):
    parameters = {"n_features": 1024, "n_nonzero_coefs": 8, name: value}
    with pytest.raises(ValueError, match=name):
        if name in ("probability", "n_samples"):
            predicted_dimension(CLOSED[0], **{"probability": 0.5} | parameters)
        else:
            recovery_probability(CLOSED[0], **{"n_components": 100} | parameters)


def test_no_dimension_is_refused_with_relative_noise_as_well():
    size = {"n_features": 64, "n_nonzero_coefs": 4, "noise_variance": 0.5, "relative": True}
    with pytest.raises(ValueError, match="n_components"):
        recovery_probability(CLOSED[0], n_components=[8, 0], **size)


def test_refusals_say_what_measures_it():
    size = {"n_features": 64, "n_nonzero_coefs": 4}
    for decoder, law in (
        (OrthogonalMatchingPursuitDecoder(ENCODER), r"; theory\.omp_dimension is .*"),
        (AMPDecoder(ENCODER, values="real"), ""),
        (MatchingPursuitDecoder(ENCODER, tol=1.0), ""),
    ):
        end = law + r"; recovery_curve and measured_dimension measure it\.$"
        with pytest.raises(ValueError, match=end):
            predicted_dimension(decoder, **size)
