"""Matching pursuit against slow references that share no code with it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, SphericalEncoder
from sksupercode.datasets import make_sparse_codes
from tests.marks import long


def binary_reference(signs, x, k):
    """The decoder by its definition, in integers: k times the argmax, the first of equals.

    Ours ends at a residual of exactly zero, where that would go on to add codewords.
    """
    y, residual = [0] * len(signs), list(x)
    for _ in range(k):
        if not any(residual):
            break
        scores = [sum(a * b for a, b in zip(f, residual, strict=True)) for f in signs]
        best = scores.index(max(scores))
        y[best] += 1
        residual = [a - b for a, b in zip(residual, signs[best], strict=True)]
    return y


def float_reference(F, x, n_iter, *, nonnegative, tol=0.0):
    """Mallat and Zhang's pursuit of one sample, and the norms of its residuals."""
    y, residual, norms = np.zeros(len(F)), x.copy(), [np.linalg.norm(x)]
    lengths = np.array([np.linalg.norm(f) for f in F])
    for _ in range(n_iter):
        if norms[-1] <= tol:
            break
        gains = np.array([f @ residual for f in F]) / lengths
        best = np.argmax(gains if nonnegative else np.abs(gains))
        if nonnegative and gains[best] <= 0:
            break
        coef = gains[best] / lengths[best]
        y[best] += coef
        residual = residual - coef * F[best]
        norms.append(np.linalg.norm(residual))
    return y, norms


@pytest.mark.parametrize("storage", ["dense", "packed"])
@pytest.mark.parametrize("n_features, n_components, k", [(40, 7, 4), (60, 12, 6), (30, 40, 5)])
def test_binary_is_the_papers_decoder(n_features, n_components, k, storage):
    Y = make_sparse_codes(60, n_features, n_nonzero_coefs=k, random_state=0)
    encoder = RademacherEncoder(n_components=n_components, storage=storage, random_state=0)
    root = np.sqrt(n_components)
    noise = np.random.default_rng(0).integers(-1, 2, size=(60, n_components))
    noise[:20] = 0
    X = encoder.fit_transform(Y) + noise / root
    signs = np.rint(np.asarray(encoder.dictionary_) * root).astype(int).tolist()
    decoder = MatchingPursuitDecoder(encoder, k).fit(X, Y)
    codes = decoder.transform(X)
    np.testing.assert_array_equal(decoder.predict(X).toarray(), codes.toarray())
    counts = [binary_reference(signs, x, k) for x in np.rint(X * root).astype(int).tolist()]
    np.testing.assert_array_equal(codes.toarray(), np.array(counts) > 0)
    if n_components < 12:
        assert np.max(counts) > 1, "no codeword was selected again: the case is not tested"
    for repetitions in (1, 10):
        extended = MatchingPursuitDecoder(encoder, k + repetitions).fit(X, Y).transform(X)
        counts = [
            binary_reference(signs, x, min(k + repetitions, n_features))
            for x in np.rint(X * root).astype(int).tolist()
        ]
        np.testing.assert_array_equal(extended.toarray(), np.array(counts) > 0)


def test_repeated_codewords_in_x_are_selected_again():
    encoder = RademacherEncoder(n_components=64, n_features=50, random_state=0)
    Y = np.zeros((1, 50))
    Y[0, [3, 7]] = 2, 1
    X = encoder.fit(Y).transform(Y)
    decoder = MatchingPursuitDecoder(encoder, 3).fit(X)
    np.testing.assert_array_equal(decoder.transform(X).toarray(), Y > 0)
    np.testing.assert_array_equal(decoder.predict(X).toarray(), Y > 0)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("norms", ["equal", "unequal"])
def test_real_and_nonnegative_are_classic_matching_pursuit(values, norms):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((50, 16))
    if norms == "unequal":
        F *= rng.uniform(0.2, 5, size=(50, 1))
    X = rng.standard_normal((20, 16))
    last = np.full(20, np.inf)
    for k in (1, 3, 12, 40):
        decoder = MatchingPursuitDecoder(F, k, values=values).fit(X)
        references = [float_reference(F, x, k, nonnegative=values == "nonnegative") for x in X]
        codes = decoder.transform(X)
        wanted = np.array([y for y, _ in references])
        np.testing.assert_allclose(codes.toarray(), wanted, rtol=1e-8, atol=1e-10)
        residual = np.linalg.norm(X - decoder.inverse_transform(codes), axis=1)
        np.testing.assert_allclose(residual, [errors[-1] for _, errors in references], rtol=1e-6)
        assert (residual < last).all()
        last = residual


def test_nonnegative_stops_where_nothing_correlates():
    F = np.array([[1.0, 0.0], [0.0, 1.0]])
    X = np.array([[-1.0, -2.0], [3.0, -2.0], [1.0, 2.0]])
    decoder = MatchingPursuitDecoder(F, 5, values="nonnegative").fit(X)
    np.testing.assert_array_equal(decoder.transform(X).toarray(), [[0, 0], [3, 0], [1, 2]])
    real = MatchingPursuitDecoder(F, 5).fit(X)
    np.testing.assert_array_equal(real.transform(X).toarray(), X)


def test_tol_finds_codes_of_any_length():
    """Without k and without y: supports of 1 to 10 codewords, read until nothing is left."""
    parts = [make_sparse_codes(5, 200, n_nonzero_coefs=k, random_state=k) for k in range(1, 11)]
    Y = np.vstack([part.toarray() for part in parts])
    encoder = RademacherEncoder(n_components=180, n_features=200, random_state=0)
    X = encoder.fit(Y).transform(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in (None, Y):
            decoder = MatchingPursuitDecoder(encoder, tol=1e-6).fit(X, given)
            assert decoder.n_nonzero_coefs_ is None
            assert decoder.score(X, Y) == 1.0
    capped = MatchingPursuitDecoder(encoder, 4, tol=1e-6).fit(X)
    with pytest.warns(ConvergenceWarning, match=r"^30 of 50 samples did not reach tol=1e-06"):
        codes = capped.transform(X)
    assert np.diff(codes.indptr).tolist() == np.minimum(Y.sum(axis=1), 4).tolist()


def test_binary_samples_in_noise_end_by_themselves():
    """Without k and without the noise; and the warning of a tolerance says so."""
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, support="bernoulli", random_state=0)
    encoder = RademacherEncoder(n_components=150, random_state=0)
    X = encoder.fit_transform(Y)
    X += 0.1 * np.random.default_rng(0).standard_normal(X.shape)
    ended = "ended as no further codeword shortens the residual"
    with pytest.warns(ConvergenceWarning, match=f"^20 of 20 .* tol=0: 20 {ended}.$"):
        assert MatchingPursuitDecoder(encoder, tol=0).fit(X, Y).score(X, Y) == 1.0
    # The norm of the noise is 1.22, and a codeword fits in between.
    assert MatchingPursuitDecoder(encoder, tol=1.9).fit(X, Y).score(X, Y) < 0.2
    out = (Y.sum(axis=1) >= 4).sum()
    match = f"^20 of 20 .* tol=0.1: {20 - out} {ended}, and {out} after 4 iterations.$"
    with pytest.warns(ConvergenceWarning, match=match):
        MatchingPursuitDecoder(encoder, 4, tol=0.1).fit(X, Y).transform(X)


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("tol", [0.5, 1.5])
def test_tol_stops_as_soon_as_it_is_reached(values, tol):
    rng = np.random.default_rng(0)
    F = 3 * rng.standard_normal((60, 12))
    X = rng.standard_normal((20, 12))
    decoder = MatchingPursuitDecoder(F, 60, tol=tol, values=values).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = decoder.transform(X)
    wanted = [float_reference(F, x, 60, nonnegative=values == "nonnegative", tol=tol) for x in X]
    np.testing.assert_allclose(codes.toarray(), [y for y, _ in wanted], rtol=1e-8, atol=1e-10)
    residual = np.linalg.norm(X - decoder.inverse_transform(codes), axis=1)
    assert (residual <= tol).all()
    assert all(errors[-2] > tol for _, errors in wanted if len(errors) > 1)


def test_tol_alone_allows_d_iterations():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((60, 12)), rng.standard_normal((20, 12))
    decoder = MatchingPursuitDecoder(F, tol=1e-9).fit(X)
    with pytest.warns(ConvergenceWarning, match="20 of 20 samples .* within 12 iterations"):
        codes = decoder.transform(X)
    wanted = [float_reference(F, x, 12, nonnegative=False)[0] for x in X]
    np.testing.assert_allclose(codes.toarray(), wanted, rtol=1e-8, atol=1e-10)


def test_tol_is_in_the_units_of_x():
    """Whatever the storage: noise of norm 0.6 is left over at tol = 0.7 and not at 0.5."""
    rng = np.random.default_rng(0)
    Y = make_sparse_codes(20, 100, n_nonzero_coefs=3, random_state=0)
    encoder = RademacherEncoder(n_components=150, random_state=0)
    noise = rng.standard_normal((20, 150))
    noise *= 0.6 / np.linalg.norm(noise, axis=1, keepdims=True)
    X = encoder.fit_transform(Y) + noise
    for source in (encoder, np.asarray(encoder.dictionary_)):
        decoder = MatchingPursuitDecoder(source, tol=0.7, values="binary").fit(X, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert decoder.score(X, Y) == 1.0
        with pytest.warns(ConvergenceWarning, match="20 of 20"):
            # No further codeword shortens what is left, so that binary samples end all the same.
            assert decoder.set_params(tol=0.5).fit(X, Y).score(X, Y) == 1.0


def test_tol_of_zero_is_exact():
    Y = make_sparse_codes(20, 100, n_nonzero_coefs=3, random_state=0)
    encoder = RademacherEncoder(n_components=150, random_state=0)
    X = encoder.fit_transform(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MatchingPursuitDecoder(encoder, tol=0).fit(X, Y).score(X, Y) == 1.0
        X32 = X.astype(np.float32)
        assert MatchingPursuitDecoder(encoder, tol=0).fit(X32, Y).score(X32, Y) == 1.0


@pytest.mark.parametrize(
    "n_components, rate, error", [(52, 0.466, 0.013), *long((72, 0.879, 0.009))]
)
def test_recovery_rates(n_components, rate, error):
    """N = 1024, k = 8, against a Monte Carlo by another program, within 4 standard errors.

    Here 60 codebooks of 20 samples each: the standard error comes from the means of codebooks.
    """
    found = []
    for seed in range(60):
        Y = make_sparse_codes(20, 1024, n_nonzero_coefs=8, random_state=seed)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        found.append(MatchingPursuitDecoder(encoder).fit(X, Y).score(X, Y))
    error = np.hypot(error, np.std(found) / np.sqrt(60))
    assert error < 0.025
    assert abs(np.mean(found) - rate) < 4 * error


def test_k_is_needed_without_tol():
    X = np.ones((3, 8))
    with pytest.raises(ValueError, match="n_nonzero_coefs=None.*MatchingPursuitDecoder"):
        MatchingPursuitDecoder(np.eye(8)).fit(X)
    assert MatchingPursuitDecoder(np.eye(8), tol=0.1).fit(X).transform(X).nnz == 24


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("encoder", [RademacherEncoder, SphericalEncoder])
def test_rounding_is_not_decoded(encoder, dtype):
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, dtype=dtype, random_state=0)
    recipe = encoder(120, random_state=0)
    X = recipe.fit_transform(Y)
    assert X.dtype == dtype
    # One codeword more than there are: what is left is rounding.
    assert MatchingPursuitDecoder(recipe, n_nonzero_coefs=5).fit(X, Y).score(X, Y) == 1.0


def test_nonnegative_values_are_never_negative():
    """In float32 the inner product is 1e-7, in float64 -9e-9."""
    a = float(np.float32(1.999))
    F = np.array([[a, 1]], dtype=np.float32)
    X = np.array([[1 + 6.06e-8, -a * (1 + 6.5e-8)]])
    assert X.astype(np.float32) @ F[0] > 0 > X @ F[0].astype(np.float64)
    assert MatchingPursuitDecoder(F, 1, values="nonnegative").fit(X).transform(X).nnz == 0


def test_one_warning_a_call_counts_all_blocks():
    X = np.random.default_rng(0).standard_normal((50, 8))
    decoder = MatchingPursuitDecoder(np.eye(8), n_nonzero_coefs=1, tol=1e-9).fit(X)
    with config_context(working_memory=0.001), pytest.warns(ConvergenceWarning) as caught:
        decoder.transform(X)
    assert len(caught) == 1
    assert "50 of 50 samples did not reach tol=1e-09" in str(caught[0].message)
