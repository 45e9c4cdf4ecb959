# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sksupercode import GaussianChannel, RademacherEncoder, TopKDecoder
from sksupercode.model_selection import phase_transition, predicted_dimension, recovery_curve
from tests.marks import long

ENCODER = RademacherEncoder()
DECODER = TopKDecoder(ENCODER)
GRID = {"n_components": [20, 35, 60, 110], "n_trials": 60, "random_state": 0}
SIZES = [
    {"n_features": 128, "n_nonzero_coefs": [3, 6]},
    {"n_features": [64, 512], "n_nonzero_coefs": 4},
]


@pytest.mark.parametrize("size", SIZES[:1] + long(SIZES[1]))
def test_rows_are_recovery_curves(size):
    channel = GaussianChannel(0.005)
    transition = phase_transition(ENCODER, DECODER, channel=channel, **size, **GRID)
    (parameter,) = (name for name, value in size.items() if isinstance(value, list))
    assert transition.parameter == parameter
    assert_array_equal(transition.values, size[parameter])
    assert transition.success_rate.shape == transition.n_trials.shape == (2, 4)
    for value, row, curve in zip(
        size[parameter], transition.success_rate, transition.curves, strict=True
    ):
        one = size | {parameter: value}
        expected = recovery_curve(ENCODER, DECODER, channel=channel, **one, **GRID)
        assert_array_equal(row, expected.success_rate)
        assert curve.design_effect == expected.design_effect
    assert np.all(np.diff(transition.success_rate.mean(axis=1)) < 0)


@pytest.mark.parametrize("size", [SIZES[0], *long(*SIZES[1:])])
def test_dimensions_agree_with_the_prediction(size):
    transition = phase_transition(ENCODER, DECODER, **size, **GRID | {"n_trials": 200})
    estimate, low, high = transition.dimension_at(0.5, confidence=0.999)
    for value, *interval in zip(transition.values.tolist(), low, high, strict=True):
        one = size | {transition.parameter: value}
        predicted = predicted_dimension(DECODER, probability=0.5, **one)
        # The law is good to 0.03, which is 2 % of d where the slope is 4.
        assert interval[0] * 0.98 < predicted < interval[1] * 1.02
    assert np.all((low < estimate) & (estimate < high) & (high < 1.5 * low))


@pytest.mark.long
def test_grids_grow(tmp_path):
    options = GRID | {"n_features": 64, "checkpoint": tmp_path / "cells"}
    small = phase_transition(ENCODER, DECODER, n_nonzero_coefs=[3], **options)
    ran = []

    class Counting(GaussianChannel):
        def transform(self, X):
            ran.append(X.shape)
            return super().transform(X)

    large = phase_transition(ENCODER, DECODER, n_nonzero_coefs=[2, 3], **options)
    assert_array_equal(large.success_rate[1], small.success_rate[0])
    options |= {"channel": Counting(0.01), "checkpoint": tmp_path / "others", "n_trials": 10}
    phase_transition(ENCODER, DECODER, n_nonzero_coefs=[3], **options)
    assert len(ran) == 4
    phase_transition(ENCODER, DECODER, n_nonzero_coefs=[2, 3], **options)
    assert len(ran) == 8


@pytest.mark.parametrize(
    "size, message",
    [
        ({"n_features": 64, "n_nonzero_coefs": 4}, "one of n_features and n_nonzero_coefs must"),
        (
            {"n_features": [64], "n_nonzero_coefs": [4]},
            "one of n_features and n_nonzero_coefs must",
        ),
        (
            {"n_features": 64, "n_nonzero_coefs": [4, 65]},
            "n_nonzero_coefs must be .* <= 64, got 65",
        ),
        (
            {"n_features": [3, 64], "n_nonzero_coefs": 4},
            "n_features must be an integer >= 4, got 3",
        ),
        ({"n_features": [64], "n_nonzero_coefs": 0}, "n_nonzero_coefs must be an integer >= 1"),
        ({"n_features": [], "n_nonzero_coefs": 4}, "n_features must be a list"),
    ],
)
def test_bad_sizes(size, message):
    with pytest.raises(ValueError, match=message):
        phase_transition(ENCODER, DECODER, **size, **GRID)
