"""Samples and dictionaries at the ends of the range of floats."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from sklearn.covariance import EmpiricalCovariance

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    DropoutChannel,
    GaussianChannel,
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SphericalEncoder,
    SwapDecoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.dictionaries import DenseDictionary
from tests.marks import long

# Exponents of X and of the dictionary.
SCALES = [(-660, 0), (-660, -660), (-100, 66), (66, 66), (66, -100), (515, 0), (515, 515), (830, 0)]


def make_problem():
    rng = np.random.default_rng(0)
    F, Y = rng.standard_normal((60, 20)), np.zeros((6, 60))
    for row in Y:
        row[rng.choice(60, 2, replace=False)] = 1 + rng.random(2)
    return F, Y, Y @ F


def equivariant(F, values):
    yield MatchingPursuitDecoder(F, 2, values=values)
    yield OrthogonalMatchingPursuitDecoder(F, 2, values=values)
    yield OrthogonalMatchingPursuitDecoder(F, 2, values=values, selection="decrease")
    yield GradientPursuitDecoder(F, 2, values=values)
    yield BasisPursuitDecoder(F, 2, values=values)
    yield AMPDecoder(F, 2, values=values, max_iter=20)
    yield TopKDecoder(F, 2, values=values)
    yield TopKDecoder(F, 2, values=values, covariance_estimator=EmpiricalCovariance())
    yield RefitDecoder(TopKDecoder(F, 2, values=values), values=values)
    yield SwapDecoder(TopKDecoder(F, 2, values=values), values=values)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "values, dtype",
    [
        ("real", np.float64),
        ("nonnegative", np.float32),
        *long(("real", np.float32), ("nonnegative", np.float64)),
    ],
)
def test_powers_of_two_change_exponents_alone(values, dtype):
    """To the last bit, for float64 samples and dictionaries of either dtype."""
    F, Y, _ = make_problem()
    F = F.astype(dtype)
    X = Y[:2] @ F
    plain = [decoder.fit(X) for decoder in equivariant(F, values)]
    wanted = [(decoder.transform(X).toarray(), decoder.reconstruct(X)) for decoder in plain]
    for of_samples, of_codewords in SCALES:
        if dtype == np.float32 and abs(of_codewords) > 110:
            continue
        scaled = np.ldexp(X, of_samples), np.ldexp(F, of_codewords)
        for decoder, (of_plain, plain_X_hat) in zip(
            equivariant(scaled[1], values), wanted, strict=True
        ):
            codes = decoder.fit(scaled[0]).transform(scaled[0]).toarray()
            np.testing.assert_array_equal(
                np.ldexp(codes, of_codewords - of_samples), of_plain, err_msg=type(decoder).__name__
            )
            np.testing.assert_array_equal(decoder.predict(scaled[0]).toarray(), of_plain != 0)
            X_hat = decoder.reconstruct(scaled[0])
            np.testing.assert_array_equal(np.ldexp(X_hat, -of_samples), plain_X_hat)


def test_samples_of_every_size_in_one_batch():
    F, Y, X = make_problem()
    exponents = np.array([-1000, 0, 900, -300, 0, 40])[:, np.newaxis]
    mixed = np.vstack([np.ldexp(X, exponents), np.zeros(20)])
    decoder = OrthogonalMatchingPursuitDecoder(F, 2).fit(mixed)
    codes = decoder.transform(mixed).toarray()
    np.testing.assert_allclose(np.ldexp(codes[:-1], -exponents), Y, rtol=1e-12, atol=1e-12)
    assert not codes[-1].any()
    np.testing.assert_allclose(decoder.reconstruct(mixed), mixed, rtol=1e-10)


@pytest.mark.parametrize("exponent", [-600, -60, 60, 500])
def test_tolerances_and_thresholds_are_in_the_units_of_samples(exponent):
    """A sample far larger or smaller than the codewords is stopped by ``tol`` in its own units."""
    F, _, X = make_problem()
    noisy = X + 0.1 * np.random.default_rng(1).standard_normal(X.shape)
    scaled = np.ldexp(noisy, exponent)
    for cls in (MatchingPursuitDecoder, OrthogonalMatchingPursuitDecoder, GradientPursuitDecoder):
        wanted = cls(F, tol=0.6).fit(noisy).transform(noisy).toarray()
        codes = cls(F, tol=np.ldexp(0.6, exponent)).fit(scaled).transform(scaled).toarray()
        np.testing.assert_array_equal(np.ldexp(codes, -exponent), wanted)
    for values in ("real", "binary"):
        plain = ThresholdDecoder(F, threshold=0.7, values=values).fit(noisy)
        threshold = np.ldexp(0.7, exponent)
        decoder = ThresholdDecoder(F, threshold=threshold, values=values).fit(scaled)
        np.testing.assert_array_equal(
            decoder.predict(scaled).toarray(), plain.predict(noisy).toarray()
        )
        np.testing.assert_array_equal(
            np.ldexp(decoder.decision_function(scaled), -exponent), plain.decision_function(noisy)
        )


@pytest.mark.parametrize("covariance_estimator", [None, EmpiricalCovariance()])
@pytest.mark.parametrize("exponent", [-600, 500])
def test_posteriors_know_no_units(exponent, covariance_estimator):
    F, _, X = make_problem()
    params = {"n_nonzero_coefs": 2, "covariance_estimator": covariance_estimator}
    probabilities, supports, thresholds = [], [], []
    for m in (0, exponent):
        decoder = ThresholdDecoder(np.ldexp(F, m), threshold="map", **params).fit(np.ldexp(X, m))
        probabilities.append(decoder.predict_proba(np.ldexp(X, m)))
        supports.append(decoder.predict(np.ldexp(X, m)).toarray())
        thresholds.append(decoder.threshold_)
    np.testing.assert_allclose(*probabilities, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(*thresholds, rtol=1e-12)
    np.testing.assert_array_equal(*supports)


def test_norms_far_apart():
    """Codewords of norms from 1e-140 to 1e140, and for float32 from 1e-35 to 1e35."""
    F, _, _ = make_problem()
    for dtype, largest in ((np.float64, 465), (np.float32, 116)):
        sizes = np.rint(np.linspace(-largest, largest, 60)).astype(int)[:, np.newaxis]
        dictionary = np.ldexp(F, sizes).astype(dtype)
        codes = np.ldexp(np.eye(60), -sizes)
        X = codes @ dictionary
        decoder = OrthogonalMatchingPursuitDecoder(dictionary, 1).fit(X)
        np.testing.assert_allclose(decoder.transform(X).toarray(), codes, rtol=1e-6)
    with pytest.raises(ValueError, match="dictionary must have codewords whose norms differ by"):
        MatchingPursuitDecoder(np.ldexp(F, np.arange(-600, 600, 20)[:, np.newaxis]), 1).fit(X)


def test_the_check_of_codebooks_knows_no_units():
    """Neither a warning where all is right nor silence where it is not."""
    _, Y, _ = make_problem()
    encoder = RademacherEncoder(256, random_state=0)
    Y = np.vstack([Y, Y[::-1], Y])
    X = encoder.fit_transform(Y)
    for exponent in (-1070, -700, 600):
        scaled = np.ldexp(X, max(exponent, -700)), np.ldexp(Y, exponent)
        TopKDecoder(encoder).fit(*scaled)
        with pytest.warns(match="uncorrelated"):
            TopKDecoder(RademacherEncoder(random_state=1)).fit(*scaled)


@pytest.mark.parametrize("exponent", [-700, -60, 600])
def test_top_k_ranks_codewords_of_equal_norm_in_any_unit(exponent):
    """Norms of spherical codewords differ by rounding alone."""
    _, Y, _ = make_problem()
    encoder = SphericalEncoder(256, random_state=0)
    X = np.ldexp(encoder.fit_transform(np.sign(Y)), exponent)
    assert TopKDecoder(encoder).fit(X, Y).score(X, Y) == 1.0


def test_what_no_float_holds_is_refused():
    F, Y, X = make_problem()
    small = np.float32(2.0**-66) * F.astype(np.float32)
    large = np.ldexp(X, 66).astype(np.float32)
    decoder = OrthogonalMatchingPursuitDecoder(small, 2).fit(large)
    with pytest.raises(ValueError, match=r"codes of X .* float32.* or pass float64"):
        decoder.transform(large)
    np.testing.assert_array_equal(decoder.predict(large).toarray(), Y != 0)
    assert np.isfinite(decoder.transform(large.astype(np.float64)).data).all()
    huge = DenseDictionary(np.ldexp(F, 900))
    with pytest.raises(ValueError, match=r"superpositions of X .* float64"):
        TopKDecoder(huge, 2).fit(X).inverse_transform(np.ldexp(Y, 900))
    with pytest.raises(ValueError, match=r"superpositions of X .* float32"):
        RademacherEncoder(8, random_state=0).fit(Y).transform(np.full((2, 60), 3e38, np.float32))


@pytest.mark.parametrize(
    ("channel", "X"),
    [
        (DropoutChannel(0.5, random_state=0), np.full((2, 9), 3e38, np.float32)),
        (GaussianChannel(1e80, random_state=0), np.ones((2, 9), np.float32)),
        (GaussianChannel(0.1, relative=True), np.full((2, 9), 1e-200)),
        (GaussianChannel(0.1, relative=True), np.full((2, 9), 1e200)),
    ],
)
def test_channels_refuse_what_they_cannot_send(channel, X):
    with pytest.raises(ValueError, match=r"X .*(float32|float64)"):
        channel.fit(X).transform(X)
