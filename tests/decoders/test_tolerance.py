"""Parameters that decoders share: ``tol`` and ``noise_std``, and their order."""

import inspect

import numpy as np
import pytest

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


@pytest.mark.parametrize("kind", PURSUITS)
@pytest.mark.parametrize("name", ["tol", "noise_std"])
@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf, "1", True, [0.1]])
def test_bad_tolerance(kind, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a finite real number >= 0 or None"):
        kind(np.eye(8), 2, **{name: value}).fit(np.ones((2, 8)))


def test_second_parameter_of_every_decoder_is_k():
    """A threshold in its place once was taken for one."""
    for name in set(decoders.__all__) - {"RefitDecoder"}:
        dictionary, k, *rest = inspect.signature(getattr(decoders, name)).parameters.values()
        assert (dictionary.name, k.name) == ("dictionary", "n_nonzero_coefs"), name
        assert {parameter.kind.name for parameter in rest} == {"KEYWORD_ONLY"}, name
    with pytest.raises(ValueError, match=r"^n_nonzero_coefs must be an integer .* got 0\.5"):
        ThresholdDecoder(np.eye(8), 0.5).fit(np.ones((2, 8)))
