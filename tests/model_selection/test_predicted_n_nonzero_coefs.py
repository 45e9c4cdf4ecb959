"""How many codewords a code of a given dimension holds."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pytest
from numpy.testing import assert_array_equal

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.model_selection import (
    predicted_dimension,
    predicted_n_nonzero_coefs,
    recovery_probability,
)

ENCODER = RademacherEncoder()
TOP_K = TopKDecoder(ENCODER)


@pytest.mark.parametrize(
    "decoder, n_components, noise",
    [
        (TOP_K, 100, {"noise_variance": 0.02}),
        (TOP_K, 200, {"noise_variance": 0.5, "relative": True}),
        (ThresholdDecoder(ENCODER, threshold="map"), 150, {}),
        (BasisPursuitDecoder(ENCODER), 40, {}),
        (AMPDecoder(ENCODER), 40, {"noise_variance": 0.001}),
    ],
    ids=str,
)
def test_it_is_where_the_rate_becomes_too_low(decoder, n_components, noise):
    code = {"n_features": 128, "n_components": n_components} | noise
    found = predicted_n_nonzero_coefs(decoder, probability=0.6, **code)
    assert 4 < found < 64
    for k in (4, found - 1, found, found + 1, found + 2):
        rate, _ = recovery_probability(decoder, n_nonzero_coefs=k, **code)
        assert (rate >= 0.6) == (k <= found)


@pytest.mark.long
def test_a_simulation_is_good_to_a_percent_or_two():
    """The dimension for k, which is itself good to a percent, grows a little faster than k."""
    decoder, size = MatchingPursuitDecoder(ENCODER), {"n_features": 1024}
    k = predicted_n_nonzero_coefs(decoder, n_components=200, random_state=0, **size)
    low, high = (
        predicted_dimension(decoder, n_nonzero_coefs=n, random_state=0, **size)
        for n in (k - 1, k + 2)
    )
    assert low < 200 < high


@pytest.mark.parametrize("n_components, k", [(15, 1), (30, 2)])
def test_fewer_than_the_closed_form_is_of(n_components, k):
    assert predicted_n_nonzero_coefs(TOP_K, n_features=64, n_components=n_components) == k
    for n in range(1, 4):
        size = {"n_features": 64, "n_nonzero_coefs": n, "n_components": n_components}
        rate, error = recovery_probability(TOP_K, n_samples=1000, random_state=0, **size)
        assert (rate + 3 * error >= 0.9) if n <= k else (rate - 3 * error < 0.9)
    decoder = AMPDecoder(ENCODER)
    with pytest.raises(ValueError, match="^AMPDecoder cannot be predicted: .* 4 codewords or more"):
        predicted_n_nonzero_coefs(decoder, n_features=64, n_components=2)


def test_half_of_the_codewords_are_the_most():
    """All of them, or all but one, are easy again."""
    for n, most in [(1, 1), (9, 5), (10, 5)]:
        assert predicted_n_nonzero_coefs(TOP_K, n_features=n, n_components=10**6) == most


def test_arrays_of_dimensions_and_noise():
    decoder = ThresholdDecoder(ENCODER)
    options = {"n_features": 256, "noise_variance": [[0.0], [0.02], [9.0]]}
    found = predicted_n_nonzero_coefs(decoder, n_components=[100, 200], **options)
    assert found.dtype.kind == "i" and found.shape == (3, 2)
    assert found[0, 0] < found[0, 1]
    assert_array_equal(found[2], 0)
    size = {"n_features": 256, "n_components": 200}
    assert found[0, 1] == predicted_n_nonzero_coefs(decoder, **size)


@pytest.mark.parametrize(
    "decoder, changes, message",
    [
        (TopKDecoder(ENCODER, 4), {}, "decoder must have n_nonzero_coefs=None, .* got 4"),
        (OrthogonalMatchingPursuitDecoder(ENCODER), {}, "there is no prediction for decoder=Ortho"),
        (None, {}, "there is no prediction for decoder=NoneType"),
        (TOP_K, {"n_components": 0}, "n_components must be "),
        (TOP_K, {"n_components": [4, 2.5]}, "n_components must be "),
        (TOP_K, {"n_features": 0}, "n_features must be "),
        (TOP_K, {"probability": 1.0}, "probability must be "),
        (TOP_K, {"noise_variance": -1}, "noise_variance must be "),
        (TOP_K, {"n_samples": 1}, "n_samples must be "),
    ],
)
def test_bad_parameters(decoder, changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        predicted_n_nonzero_coefs(decoder, **{"n_features": 64, "n_components": 50} | changes)
