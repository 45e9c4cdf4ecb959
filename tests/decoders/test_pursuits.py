"""What all pursuits promise: ``tol``, ``noise_std``, and the same code in other units."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    ThresholdDecoder,
    decoders,
)

PURSUITS = [
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
]


@pytest.mark.parametrize("kind", PURSUITS)
def test_noise_std_is_a_tolerance_relative_to_the_dimensions(kind):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((60, 25))
    X = F[:20] + F[20:40] + 0.1 * rng.standard_normal((20, 25))
    decoder = kind(F, noise_std=0.2).fit(X)
    assert decoder.tol_ == pytest.approx(0.2 * 5)
    codes = decoder.transform(X).toarray()
    np.testing.assert_array_equal(codes, kind(F, tol=decoder.tol_).fit(X).transform(X).toarray())
    assert (np.linalg.norm(X - codes @ F, axis=1) <= decoder.tol_).all()
    assert kind(F, 2).fit(X).tol_ is None
    with pytest.raises(ValueError, match=r"tol=1\.0 and noise_std=0\.2 .* give one of them"):
        kind(F, tol=1.0, noise_std=0.2).fit(X)


def bumps(n_features, n_components):
    """Return codewords that are nearly dependent: neighbours differ by little."""
    u, t = np.linspace(0, 1, n_features)[:, np.newaxis], np.linspace(0, 1, n_components)
    return np.exp(-((t - u) ** 2) / 0.02)


def signs_and_a_short_codeword(rng):
    return np.vstack([rng.choice([-1.0, 1.0], (30, 25)), 1e-7 * np.ones((1, 25))])


PROBLEMS = {
    "independent": lambda rng: rng.standard_normal((40, 20)),
    "few": lambda rng: rng.standard_normal((5, 20)),
    "dependent": lambda rng: bumps(40, 25),
    "norms": lambda rng: rng.standard_normal((40, 20)) * np.logspace(-8, 0, 40)[:, np.newaxis],
    "short": signs_and_a_short_codeword,
}


@pytest.mark.parametrize("kind", PURSUITS)
@pytest.mark.parametrize("values", ["binary", "nonnegative", "real"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_codes_that_exceed_the_tolerance_are_reported(kind, values, problem):
    """Whether they are: the residuals of the codes that come back, not those on the way."""
    rng = np.random.default_rng(0)
    F = PROBLEMS[problem](rng)
    Y = rng.integers(0, 3, (30, len(F))) * (rng.random((30, len(F))) < 3 / len(F))
    X = Y @ F + np.repeat([0, 1e-8, 1e-3], 10)[:, np.newaxis] * rng.standard_normal(
        (30, F.shape[1])
    )
    for tol in (0.0, 1e-9, 1e-2):
        decoder = kind(F, tol=tol, values=values).fit(X)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            codes = decoder.transform(X).toarray()
        assert {warning.category for warning in caught} <= {ConvergenceWarning}
        message = str(caught[0].message) if caught else "0"
        n_failed = int(message.split()[0])
        # Coefficients of what they have selected may be 0, so that nobody can tell the two apart.
        assert kind is MatchingPursuitDecoder or ": " not in message
        residuals, norms = np.linalg.norm([X - codes @ F, X], axis=2)
        assert n_failed == np.sum(residuals > tol + 1e-12 * norms)
        assert values == "real" or (codes >= 0).all()


@pytest.mark.parametrize("kind", PURSUITS)
@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("decades", [1, 12, 100])
def test_other_norms_scale_the_coefficients(kind, values, decades):
    """Also those so different that a fit without regard to them takes the shortest for zero."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((60, 16))
    F[:30] += 1
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    norms = 10.0 ** rng.uniform(-decades, decades, size=60)
    X = rng.standard_normal((30, 16))
    for k in (3, 8, 14):
        wanted = kind(F, k, values=values).fit(X).transform(X).toarray()
        codes = kind(F * norms[:, np.newaxis], k, values=values).fit(X).transform(X).toarray()
        np.testing.assert_array_equal(codes != 0, wanted != 0)
        np.testing.assert_allclose(codes * norms, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", PURSUITS)
@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_rounding_is_not_selected(kind, values):
    """Nothing correlates with what is left, which is large, but by rounding."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    F = Q[:20]
    X = F[np.arange(20)] + 1e3 * Q[20:]
    codes = kind(F, 12, values=values).fit(X).transform(X).toarray()
    np.testing.assert_array_equal(codes != 0, np.eye(20) > 0)
    np.testing.assert_allclose(np.diag(codes), 1, rtol=1e-9)


@pytest.mark.parametrize("kind", PURSUITS)
@pytest.mark.parametrize("name", ["tol", "noise_std"])
def test_bad_tolerance(kind, name):
    for value in (-1e-9, np.nan, np.inf, "1", True, [0.1]):
        with pytest.raises(ValueError, match=f"^{name} must be a finite real number >= 0 or None"):
            kind(np.eye(8), 2, **{name: value}).fit(np.ones((2, 8)))


def test_second_parameter_of_every_decoder_is_k():
    """A threshold in its place once was taken for one."""
    for name in set(decoders.__all__) - {"RefitDecoder", "SwapDecoder"}:
        dictionary, k, *rest = inspect.signature(getattr(decoders, name)).parameters.values()
        assert (dictionary.name, k.name) == ("dictionary", "n_nonzero_coefs"), name
        assert {parameter.kind.name for parameter in rest} == {"KEYWORD_ONLY"}, name
    with pytest.raises(ValueError, match=r"^n_nonzero_coefs must be an integer .* got 0\.5"):
        ThresholdDecoder(np.eye(8), 0.5).fit(np.ones((2, 8)))
