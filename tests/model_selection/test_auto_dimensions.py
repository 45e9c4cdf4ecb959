"""Dimensions that a sweep places by itself."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import ndtr

from sksupercode import (
    DropoutChannel,
    GaussianChannel,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    TopKDecoder,
)
from sksupercode.model_selection import _auto_dimensions, phase_transition, recovery_curve

ENCODER = RademacherEncoder()
AUTO = {"n_features": 128, "n_components": "auto", "n_trials": 60, "random_state": 0}


@pytest.mark.long
@pytest.mark.parametrize(
    "decoder, options",
    [
        (TopKDecoder(ENCODER), {}),
        (TopKDecoder(ENCODER), {"channel": GaussianChannel(0.3, relative=True)}),
        (MatchingPursuitDecoder(ENCODER), {}),
        # There is no law for these, and they are searched for.
        (TopKDecoder(ENCODER), {"channel": DropoutChannel(0.2)}),
        (TopKDecoder(ENCODER, sections=True), {"sections": True}),
    ],
    ids=str,
)
def test_the_transition_is_covered(decoder, options, tmp_path):
    options = AUTO | options | {"n_nonzero_coefs": 4, "checkpoint": tmp_path / "cells"}
    curve = recovery_curve(ENCODER, decoder, **options)
    assert 8 <= len(curve.n_components) <= 10
    rates = curve.success_rate
    assert rates[0] <= 0.15 and rates[-1] >= 0.85
    # Half of the dimensions or more tell something of the transition.
    assert np.count_nonzero((rates > 0.03) & (rates < 0.97)) >= 4
    again = recovery_curve(ENCODER, decoder, **options)
    assert_array_equal(again.n_components, curve.n_components)


@pytest.mark.long
def test_one_grid_for_all_transitions():
    transition = phase_transition(ENCODER, TopKDecoder(ENCODER), n_nonzero_coefs=[2, 4], **AUTO)
    rates = transition.success_rate
    assert 10 <= len(transition.n_components) <= 40
    assert rates[:, 0].max() <= 0.15 and rates[:, -1].min() >= 0.85


@pytest.mark.parametrize("encoder", [ENCODER, SphericalEncoder()], ids=str)
def test_where_noise_keeps_the_last_codes_from_recovery_dimensions_are_few(encoder):
    """98 % of the codes need billions of dimensions, or are out of reach."""
    options = AUTO | {"n_features": 32, "n_nonzero_coefs": 2, "n_trials": 20}
    curve = recovery_curve(encoder, TopKDecoder(encoder), channel=GaussianChannel(0.1), **options)
    assert 200 < curve.n_components[-1] < 4000
    assert curve.success_rate[0] <= 0.15 and curve.success_rate[-1] >= 0.5


@pytest.mark.parametrize(
    "slope, half, guessed", [(1.5, 80, 80), (3, 80, 80), (3, 80, 110), (8, 80, 80)]
)
def test_ends_are_moved_outwards_until_they_are_ends(slope, half, guessed, monkeypatch):
    """From the guess of a transition that is too narrow, and by no more than it takes."""

    class KnownTrials:
        entropy_bits = 100

        def __init__(self, runner, n_features, n_nonzero_coefs, first_codebook):
            pass

        def look(self, d, n_trials):
            return round(n_trials * rate(d)), 0.0

    def rate(d):
        return ndtr(slope * np.log(d / half))

    monkeypatch.setattr(_auto_dimensions, "Trials", KnownTrials)
    monkeypatch.setattr(_auto_dimensions, "find_transition", lambda *_: [(guessed, 5, 10)])
    monkeypatch.setattr(_auto_dimensions, "guess_transition", lambda *_: (np.log(guessed), 0, 60))
    low, high = _auto_dimensions._search_ends(None, 64, 4)
    assert 0.04 < rate(low) < 0.15
    assert 0.85 < rate(high) < 0.96


def test_without_a_transition_it_says_so():
    options = AUTO | {"n_nonzero_coefs": 4, "n_trials": 20, "channel": GaussianChannel(10.0)}
    with pytest.raises(ValueError, match=r'^n_components must be a list where "auto" finds none'):
        recovery_curve(ENCODER, TopKDecoder(ENCODER), **options)
    with pytest.raises(ValueError, match='^n_components must be integers or "auto", got \'automa'):
        recovery_curve(ENCODER, TopKDecoder(ENCODER), **options | {"n_components": "automatic"})
