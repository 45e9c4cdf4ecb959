# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from sksupercode import AMPDecoder, RademacherEncoder, SphericalEncoder, theory
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _message_passing
from sksupercode.decoders._block_interference import BlockInterference
from sksupercode.decoders._denoisers import log_evidence
from sksupercode.decoders._sample_state import SampleState
from sksupercode.dictionaries import DenseDictionary
from tests.marks import long


def problem(n_samples, n_features, k, d, values="binary", storage="auto", seed=0):
    Y = make_sparse_codes(
        n_samples, n_features, n_nonzero_coefs=k, values=values, random_state=seed
    )
    encoder = RademacherEncoder(d, storage=storage, random_state=seed)
    return encoder, encoder.fit_transform(Y), Y


# Denoisers


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
@pytest.mark.parametrize("t", [0.3, *long(0.01, 2.0)])
def test_evidence_is_that_of_bayes(values, t):
    for u in (-1.0, 0.0, 0.4, 2.5):
        assert_evidence(values, u, t)


def assert_evidence(values, u, t):
    scale = 1.3
    given = [part[0] for part in log_evidence(np.array([u]), t, values, scale)]
    noise = norm(scale=np.sqrt(t))
    if values == "binary":
        moments = [scale**power * noise.pdf(u - scale) for power in range(3)]
    else:
        low, weight = (0, 2) if values == "nonnegative" else (-15, 1)
        prior = norm(scale=scale)
        moments = [
            quad(
                lambda y, p=power: weight * y**p * prior.pdf(y) * noise.pdf(u - y),
                low,
                15,
                points=[0, max(u, 0)],
                epsabs=1e-30,
                limit=500,
            )[0]
            for power in range(3)
        ]
    mean = moments[1] / moments[0]
    expected = [np.log(moments[0] / noise.pdf(u)), mean]
    assert_allclose(given[:2], expected, rtol=1e-6, atol=1e-9)
    # The variance is a difference of squares: its error is that of the larger.
    assert_allclose(given[2], moments[2] / moments[0] - mean**2, rtol=1e-6, atol=1e-6 * mean**2)


@pytest.mark.parametrize("values", ["nonnegative", "real", "binary"])
def test_evidence_is_finite_far_out(values):
    u = np.array([-1e6, -1e3, 0.0, 1e3, 1e6])
    for t in (1e-12, 1.0, 1e12):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            for part in log_evidence(u, t, values, 1.0):
                assert np.isfinite(part).all()


# Recovery


def test_needs_fewer_dimensions_than_matching_pursuit():
    """0.8 dimensions per bit, where the recovery rate is 0.99 (its standard error 0.01)."""
    d = round(0.8 * theory.entropy(4096, 16))
    encoder, X, Y = problem(100, 4096, 16, d)
    assert AMPDecoder(encoder).fit(X, Y).score(X, Y) >= 0.93


@pytest.mark.parametrize("values, drawn", [("nonnegative", "exponential"), ("real", "gaussian")])
@pytest.mark.parametrize("kind", [RademacherEncoder, SphericalEncoder])
def test_recovers_other_values(values, drawn, kind):
    Y = make_sparse_codes(20, 1000, n_nonzero_coefs=5, values=drawn, random_state=1)
    encoder = kind(200, random_state=0)
    X = encoder.fit_transform(Y)
    Z = AMPDecoder(encoder, values=values).fit(X, Y).transform(X)
    assert abs(Z - Y).max() < 1e-4 * abs(Y).max()


def test_noise_needs_no_parameter():
    """At a noise of 0.1 per coordinate u = y + noise of deviation 0.1: error-free at 8 sigma."""
    encoder, X, Y = problem(50, 2000, 8, 300)
    noisy = X + 0.05 * np.random.default_rng(0).standard_normal(X.shape)
    decoder = AMPDecoder(encoder).fit(noisy, Y)
    assert decoder.score(noisy, Y) == 1.0
    last = np.array([row[np.isfinite(row)][-1] for row in decoder.effective_variance(noisy)])
    # The residual is the noise then: 300 squares have a relative deviation of sqrt(2 / 300).
    assert_allclose(last, 0.05**2, rtol=6 * np.sqrt(2 / 300))


def test_effective_variance_follows_state_evolution():
    """The mean of 100 samples; five standard errors of it and 3 % for the finite size."""
    n_features, k, d = 16_384, 128, 1100
    encoder, X, Y = problem(100, n_features, k, d)
    measured = AMPDecoder(encoder, max_iter=6).fit(X, Y).effective_variance(X)
    expected = theory.amp_state_evolution(k / n_features, d / n_features, n_iter=6)
    for step in range(5):
        mean = measured[:, step].mean()
        error = measured[:, step].std() / np.sqrt(len(X))
        assert abs(mean - expected[step]) < 5 * error + 0.03 * expected[step], step


def test_result_is_the_same_in_every_storage_and_batch():
    answers = []
    for storage in ("dense", "packed", "seed"):
        encoder, X, Y = problem(10, 600, 6, 90, storage=storage)
        decoder = AMPDecoder(encoder).fit(X, Y)
        answers.append(decoder.transform(X).toarray())
        alone = np.vstack([decoder.transform(x[np.newaxis]).toarray() for x in X])
        assert_array_equal(alone, answers[-1])
    assert_array_equal(answers[0], answers[1])
    assert_array_equal(answers[0], answers[2])


def test_predict_keeps_the_k_most_probable_or_what_is_more_probable_than_not():
    encoder, X, Y = problem(30, 300, 6, 30)
    with pytest.warns(ConvergenceWarning, match="samples diverged"):
        counts = np.diff(AMPDecoder(encoder).fit(X, Y).predict(X).indptr)
    assert counts.max() == 6
    Y = make_sparse_codes(50, 300, n_nonzero_coefs=6, support="bernoulli", random_state=0)
    X = encoder.set_params(n_components=120).fit_transform(Y)
    found = AMPDecoder(encoder).fit(X, Y).predict(X)
    assert (np.diff(found.indptr) == np.diff(Y.indptr)).mean() > 0.9


# What must not break it


def decode_quietly(decoder, X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        return decoder.transform(X).toarray()


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_duplicated_codewords_give_a_finite_answer(values):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((60, 20))
    F[10:40] = F[10]
    X = rng.standard_normal((8, 20))
    decoder = AMPDecoder(F, 3, values=values).fit(X)
    codes = decode_quietly(decoder, np.vstack([X, 100 * F[10:11], np.zeros((1, 20))]))
    assert np.isfinite(codes).all()
    assert not codes[-1].any()


def test_divergence_ends_in_a_warning_and_a_finite_answer():
    # All codewords nearly the same: each iteration takes away far too much.
    rng = np.random.default_rng(0)
    F = 1 + 0.01 * rng.standard_normal((200, 10))
    X = rng.standard_normal((5, 10)) + 3
    decoder = AMPDecoder(F, 5, values="real").fit(X)
    with pytest.warns(ConvergenceWarning, match="5 of 5 samples diverged"):
        codes = decoder.transform(X).toarray()
    assert np.isfinite(codes).all()
    assert codes.any(axis=1).all()


def test_four_times_the_best_variance_is_a_divergence():
    rng = np.random.default_rng(0)
    F = 0.3 + rng.standard_normal((200, 40))
    X = F[:30] + F[30:60]
    variances = AMPDecoder(F, 2, values="real").fit(X).effective_variance(X)
    growth = np.nanmax(variances / np.fmin.accumulate(variances, axis=1))
    assert 3 < growth <= 4


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_zero_codewords_are_never_selected(values):
    """Not even where there are fewer others than k."""
    F = np.vstack([np.random.default_rng(0).standard_normal((6, 40)), np.zeros((6, 40))])
    X = F[:3] + F[3:6]
    codes = decode_quietly(AMPDecoder(F, 10, values=values).fit(X), X)
    assert not codes[:, 6:].any()
    assert (codes[:, :6] > 0.5).sum(axis=1).tolist() == [2, 2, 2]


@pytest.mark.parametrize("k", [2, 50])
def test_variance_of_the_coefficients_is_learned(k):
    """The first guess is that of k coefficients in x; here are 3, of probability 0.9."""
    interference = BlockInterference(DenseDictionary(np.ones((100, 10))))
    state = SampleState(np.ones(10), k, interference)
    assert_allclose(state.deviation**2, 10 / k)
    y = np.zeros(100)
    y[:3] = 1, -2, 4
    state.denoise(0.9 * (y != 0), y != 0, y, np.full(100, 0.5))
    assert_allclose(state.deviation**2, 7 + 0.5)


def test_too_few_iterations_are_a_warning():
    encoder, X, Y = problem(5, 600, 6, 60)
    with pytest.warns(ConvergenceWarning, match="within 1 iterations"):
        AMPDecoder(encoder, max_iter=1).fit(X, Y).transform(X)


@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
def test_thirty_iterations_without_progress_are_the_end(values):
    """Too few dimensions: some samples wander, and none of them for longer."""
    encoder, X, Y = problem(30, 300, 6, 30)
    decoder = AMPDecoder(encoder, values=values).fit(X, Y)
    variances = decoder.effective_variance(X)
    n_since_the_best = np.isfinite(variances).sum(axis=1) - 1 - np.nanargmin(variances, axis=1)
    assert n_since_the_best.max() == 30
    with pytest.warns(ConvergenceWarning, match="of 30 samples diverged, or did not converge"):
        decoder.transform(X)


def test_no_progress_is_a_warning():
    """Samples that are orthogonal to all codewords, or noise that no codeword is like."""
    F = np.eye(40)[:8]
    X = np.zeros((3, 40))
    X[0, 20:] = 1.0
    decoder = AMPDecoder(F, 2, values="nonnegative").fit(X)
    with pytest.warns(ConvergenceWarning, match="^1 of 3 samples"):
        assert decoder.transform(X).nnz <= 2


def test_damping_reaches_the_same_codes():
    encoder, X, Y = problem(20, 1000, 8, 150)
    decoders = [AMPDecoder(encoder, damping=damping).fit(X, Y) for damping in (0.0, 0.3)]
    assert_array_equal(decoders[0].predict(X).toarray(), decoders[1].predict(X).toarray())
    lengths = [decoder.effective_variance(X).shape[1] for decoder in decoders]
    assert lengths[0] < lengths[1]


@pytest.mark.parametrize(
    "params, message",
    [
        ({"max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"convergence_tol": -1.0}, "convergence_tol must be a finite real number >= 0"),
        ({"damping": 1.0}, "damping must be a"),
        ({"n_nonzero_coefs": None}, "n_nonzero_coefs=None of AMPDecoder is learned from"),
    ],
)
def test_illegal_parameters(params, message):
    decoder = AMPDecoder(np.eye(3), **{"n_nonzero_coefs": 1, **params})
    with pytest.raises(ValueError, match=message):
        decoder.fit(np.ones((2, 3)))


def test_messages_may_be_rounded(monkeypatch):
    """A hundred times finer messages change the variances by less than their rounding."""
    encoder, X, Y = problem(5, 1000, 8, 150)
    decoder = AMPDecoder(encoder, max_iter=5).fit(X, Y)
    coarse = decoder.effective_variance(X)
    monkeypatch.setattr(_message_passing, "_LEVELS", 100 * _message_passing._LEVELS)
    fine = decoder.effective_variance(X)
    assert_allclose(coarse[:, :4], fine[:, :4], rtol=1e-2, atol=1e-7)
