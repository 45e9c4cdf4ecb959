"""Threshold and top-k decoders against the formulas they implement."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from sklearn.linear_model import Ridge

from sksupercode import RademacherEncoder, SphericalEncoder, ThresholdDecoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from tests.marks import long

VALUES = ("binary", "nonnegative", "real")


def make_problem(kind="float", n_samples=40, n_features=60, n_components=24, k=4, seed=0):
    """Codewords F, decoders' source of them, and noisy superpositions X of codes Y."""
    rng = np.random.default_rng(seed)
    Y = make_sparse_codes(n_samples, n_features, n_nonzero_coefs=k, random_state=seed)
    if kind == "float":
        source = F = rng.standard_normal((n_features, n_components))
    else:
        encoder_class = {"rademacher": RademacherEncoder, "spherical": SphericalEncoder}[kind]
        source = encoder_class(n_components=n_components, random_state=seed).fit(Y)
        F = np.asarray(source.dictionary_, dtype=np.float64)
    X = Y @ F + 0.2 * np.linalg.norm(F, axis=1).mean() * rng.standard_normal(
        (n_samples, n_components)
    ) / np.sqrt(n_components)
    return source, F, X, Y


def expected_codes(outputs, selected, values):
    if values == "binary":
        return np.where(selected, 1.0, 0.0)
    return np.where(selected, np.maximum(outputs, 0) if values == "nonnegative" else outputs, 0.0)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("kind", ["rademacher", "spherical", "float"])
@pytest.mark.parametrize("threshold", [0.5, 0.8, -0.1, 0])
def test_threshold(kind, threshold, values):
    source, F, X, _ = make_problem(kind)
    outputs = X @ F.T / np.sum(F**2, axis=1)
    decoder = ThresholdDecoder(source, threshold=threshold, values=values).fit(
        X, make_problem(kind)[3]
    )
    selected = np.abs(outputs) >= threshold if values == "real" else outputs >= threshold
    wanted = expected_codes(outputs, selected, values)
    assert threshold <= 0 or 0 < np.count_nonzero(wanted) < wanted.size
    np.testing.assert_allclose(decoder.transform(X).toarray(), wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(decoder.predict(X).toarray(), wanted != 0)
    np.testing.assert_allclose(decoder.decision_function(X), outputs, rtol=1e-4, atol=1e-6)
    assert decoder.threshold_ == threshold


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("kind", ["rademacher", "spherical", "float"])
@pytest.mark.parametrize("k", [1, 4, 59])
def test_top_k(kind, k, values):
    source, F, X, Y = make_problem(kind)
    scores, squared_norms = X @ F.T, np.sum(F**2, axis=1)
    decrease = {
        "binary": 2 * scores - squared_norms,
        "nonnegative": np.sign(scores) * scores**2 / squared_norms,
        "real": scores**2 / squared_norms,
    }[values]
    ranks = np.argsort(np.argsort(-decrease, axis=1), axis=1)
    wanted = expected_codes(scores / squared_norms, ranks < k, values)
    decoder = TopKDecoder(source, k, values=values).fit(X, Y)
    codes = decoder.transform(X).toarray()
    # Ties are the subject of another test: here the selected decreases must be the largest.
    np.testing.assert_allclose(
        np.sort(np.where(codes != 0, decrease, 0), axis=1),
        np.sort(np.where(wanted != 0, decrease, 0), axis=1),
        rtol=1e-4,
        atol=1e-5,
    )
    if kind != "rademacher":
        np.testing.assert_allclose(codes, wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(decoder.predict(X).toarray(), codes != 0)


def test_limits_belong_to_the_selection_and_zero_codewords_to_none():
    """An output of exactly the threshold is selected; k codewords are the others, where too few."""
    F = np.vstack([np.zeros((3, 3)), np.eye(3)])
    X = np.array([[0.5, 0.25, 1.0]])
    threshold = ThresholdDecoder(F, threshold=0.5, values="binary").fit(X)
    np.testing.assert_array_equal(threshold.transform(X).toarray(), [[0, 0, 0, 1, 0, 1]])
    everything = threshold.set_params(threshold=-1.0).fit(X)
    np.testing.assert_array_equal(everything.transform(X).toarray(), [[0, 0, 0, 1, 1, 1]])
    for values in VALUES:
        codes = TopKDecoder(F, 5, values=values).fit(X).transform(X).toarray()
        np.testing.assert_array_equal(codes != 0, [[0, 0, 0, 1, 1, 1]])


@pytest.mark.parametrize("storage", ["dense", "packed"])
def test_top_k_ties_go_to_the_lowest_index(storage):
    """Integers decide: with d = 6, most samples have ties at the k-th place."""
    Y = make_sparse_codes(200, 50, n_nonzero_coefs=5, random_state=0)
    encoder = RademacherEncoder(n_components=6, storage=storage, random_state=0)
    X = encoder.fit_transform(Y)
    signs = np.rint(np.asarray(encoder.dictionary_) * np.sqrt(6)).astype(int).tolist()
    support = TopKDecoder(encoder).fit(X, Y).predict(X)
    n_tied = 0
    for x, row in zip(np.rint(X * np.sqrt(6)).astype(int).tolist(), support.toarray(), strict=True):
        scores = [sum(a * b for a, b in zip(f, x, strict=True)) for f in signs]
        order = sorted(range(50), key=lambda i, scores=scores: (-scores[i], i))
        n_tied += scores[order[4]] == scores[order[5]]
        assert np.flatnonzero(row).tolist() == sorted(order[:5])
    assert n_tied > 100


@pytest.mark.parametrize("kind", ["rademacher", "spherical", "float"])
def test_map_threshold_and_posterior(kind):
    """Equation (2): log odds = rho (lambda - 1/2) + ln(k / (N - k)), rho = ||f||^2 / v0."""
    source, F, X, Y = make_problem(kind, k=3)
    outputs = X @ F.T / np.sum(F**2, axis=1)
    snr = np.sum(F**2, axis=1) / np.mean(X**2)
    log_odds = snr * (outputs - 0.5) + np.log(3 / 57)
    for given in ({"n_nonzero_coefs": 3}, {}):
        decoder = ThresholdDecoder(source, threshold="map", values="binary", **given).fit(X, Y)
        np.testing.assert_allclose(
            np.broadcast_to(decoder.threshold_, 60), 0.5 + np.log(57 / 3) / snr, rtol=1e-5
        )
        np.testing.assert_allclose(decoder.interference_variance_, np.mean(X**2))
        proba = decoder.predict_proba(X)
        np.testing.assert_allclose(proba, 1 / (1 + np.exp(-log_odds)), rtol=1e-4)
        np.testing.assert_array_equal(decoder.transform(X).toarray(), log_odds >= 0)
        np.testing.assert_array_equal(decoder.predict(X).toarray(), proba >= 0.5)
    top_k = TopKDecoder(source, 3).fit(X, Y)
    np.testing.assert_array_equal(top_k.predict_proba(X), proba)


def test_posterior_is_calibrated():
    """Of the codewords given a probability, that fraction is present (to 4 s.e. and 0.02)."""
    Y = make_sparse_codes(1000, 512, n_nonzero_coefs=8, random_state=0)
    encoder = RademacherEncoder(n_components=80, random_state=0)
    X = encoder.fit_transform(Y)
    proba = ThresholdDecoder(encoder).fit(X, Y).predict_proba(X)
    present = Y.toarray() == 1
    for low, high in ((0.02, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.8), (0.8, 0.98)):
        among = (proba >= low) & (proba < high)
        error = np.sqrt(proba[among].mean() * (1 - proba[among].mean()) / among.sum())
        assert among.sum() > 300
        assert abs(present[among].mean() - proba[among].mean()) < 4 * error + 0.02


def test_a_certain_prior():
    source, _, X, _ = make_problem()
    for k, certain in ((0, 0.0), (60, 1.0), (70, 1.0)):
        decoder = ThresholdDecoder(source, threshold="map", n_nonzero_coefs=k, values="binary").fit(
            X
        )
        np.testing.assert_array_equal(decoder.predict_proba(X), certain)
        np.testing.assert_array_equal(decoder.transform(X).toarray(), certain)


@pytest.mark.parametrize("estimator", [EmpiricalCovariance(), LedoitWolf()])
@pytest.mark.parametrize("kind", ["rademacher", "float"])
def test_covariance_estimator_formula(kind, estimator):
    """lambda = f^T S^-1 x / rho and rho = f^T S^-1 f, with S the covariance of X."""
    source, F, X, Y = make_problem(kind, n_samples=300)
    covariance = type(estimator)().fit(X).covariance_
    filters = np.linalg.solve(covariance, F.T).T
    rho = np.sum(filters * F, axis=1)
    outputs = X @ filters.T / rho
    for decoder in (
        ThresholdDecoder(source, covariance_estimator=estimator, values="binary"),
        TopKDecoder(source, 4, covariance_estimator=estimator, values="binary"),
    ):
        decoder.fit(X, Y)
        np.testing.assert_allclose(decoder.decision_function(X), outputs, rtol=1e-6, atol=1e-9)
        wanted = 1 / (1 + np.exp(-(rho * (outputs - 0.5) + np.log(4 / 56))))
        np.testing.assert_allclose(decoder.predict_proba(X), wanted, rtol=1e-6)
        np.testing.assert_allclose(decoder.covariance_estimator_.covariance_, covariance)
        assert decoder.covariance_estimator_ is not estimator
        assert not hasattr(estimator, "covariance_")
    threshold = ThresholdDecoder(source, covariance_estimator=estimator, values="binary")
    np.testing.assert_array_equal(threshold.fit(X, Y).predict(X).toarray(), outputs >= 0.5)
    threshold.set_params(threshold="map").fit(X, Y)
    np.testing.assert_array_equal(threshold.predict(X).toarray(), wanted >= 0.5)
    np.testing.assert_allclose(threshold.threshold_, 0.5 + np.log(56 / 4) / rho, rtol=1e-6)
    gains = rho * (outputs - 0.5)
    best = np.sort(np.argsort(-gains, axis=1)[:, :4], axis=1)
    np.testing.assert_array_equal(decoder.predict(X).indices.reshape(-1, 4), best)


def test_a_second_fit_forgets_what_depends_on_the_covariance_estimator():
    source, _, X, Y = make_problem("float")
    decoder = TopKDecoder(source, 4)
    names = "interference_variance_", "covariance_estimator_"
    for estimator in (None, EmpiricalCovariance(), None):
        decoder.set_params(covariance_estimator=estimator).fit(X, Y)
        assert [hasattr(decoder, name) for name in names] == [not estimator, bool(estimator)]


def test_covariance_estimator_recovers_what_coloured_noise_hides():
    rng = np.random.default_rng(0)
    Y = make_sparse_codes(1500, 256, n_nonzero_coefs=3, random_state=0)
    encoder = RademacherEncoder(n_components=100, random_state=0)
    noise = rng.standard_normal((1500, 6)) @ rng.standard_normal((6, 100))
    X = encoder.fit_transform(Y) + noise
    fresh, stored = X[:500], Y[:500]
    for decoder in (ThresholdDecoder(encoder, threshold="map"), TopKDecoder(encoder)):
        plain = decoder.fit(X, Y).score(fresh, stored)
        decoder.set_params(covariance_estimator=LedoitWolf())
        assert plain < 0.05
        assert decoder.fit(X, Y).score(fresh, stored) > 0.8


@pytest.mark.parametrize(
    "n_features, k, n_components, noise, rates",
    [
        (1024, 8, 165, 0.0, (0.0, 0.279, 0.572)),
        (1024, 8, 260, 0.01, (0.004, 0.467, 0.763)),
        *long(
            (1024, 8, 238, 0.0, (0.066, 0.706, 0.926)),
            (1024, 5, 110, 0.0, (0.002, 0.492, 0.819)),
            (2048, 3, 60, 0.0, (0.0, 0.508, 0.882)),
        ),
    ],
)
def test_recovery_rates(n_features, k, n_components, noise, rates):
    """A Monte Carlo of 2,400 samples by another program agrees within 4 standard errors.

    Here 20 codebooks of 30 samples each; samples that share one are all but independent, for which
    the 0.01 allows.
    """
    rng = np.random.default_rng(0)
    found = []
    for seed in range(20):
        Y = make_sparse_codes(30, n_features, n_nonzero_coefs=k, random_state=rng)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        X += np.sqrt(noise) * rng.standard_normal(X.shape)
        decoders = (
            ThresholdDecoder(encoder),
            ThresholdDecoder(encoder, threshold="map"),
            TopKDecoder(encoder),
        )
        found.append([decoder.fit(X, Y).score(X, Y) for decoder in decoders])
    rates = np.array(rates)
    error = np.sqrt(rates * (1 - rates) * (1 / 600 + 1 / 2400))
    assert (np.abs(np.mean(found, axis=0) - rates) < 4 * error + 0.01).all()


@pytest.mark.parametrize(
    "params, message",
    [
        ({"threshold": "best"}, "threshold"),
        ({"threshold": None}, "threshold"),
        ({"threshold": np.nan}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"threshold": [0.5]}, "threshold"),
        ({"threshold": "map"}, "n_nonzero_coefs"),
        ({"covariance_estimator": "ledoit"}, "covariance_estimator"),
        ({"covariance_estimator": Ridge()}, "covariance_estimator"),
        ({"covariance_estimator": LedoitWolf}, "covariance_estimator"),
    ],
)
def test_bad_parameters(params, message):
    source, _, X, _ = make_problem()
    with pytest.raises(ValueError, match=message):
        ThresholdDecoder(source, **params).fit(X)


def test_without_a_prior_there_is_no_posterior():
    source, _, X, Y = make_problem()
    decoder = ThresholdDecoder(source).fit(X)
    assert decoder.n_nonzero_coefs_ is None
    assert not hasattr(decoder, "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba"):
        decoder.predict_proba(X)
    assert hasattr(decoder.fit(X, Y), "predict_proba")
