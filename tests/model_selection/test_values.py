"""Sweeps of codes whose nonzero entries are not ones."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re
import warnings

import numpy as np
import pytest
from sklearn.linear_model import orthogonal_mp

from sksupercode import (
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SwapDecoder,
    TopKDecoder,
)
from sksupercode.model_selection import (
    decoder_frontier,
    measured_dimension,
    phase_transition,
    recovery_curve,
)
from sksupercode.model_selection._cells import Chain
from sksupercode.model_selection._frontier_decoders import default_decoders, encoder_of
from sksupercode.plotting import FrontierDisplay, PhaseTransitionDisplay, RecoveryCurveDisplay

ENCODER = RademacherEncoder()
SIZE = {"n_features": 64, "n_nonzero_coefs": 4}
SWEEP = SIZE | {"n_components": [15], "n_trials": 20, "random_state": 0}
PURSUIT = OrthogonalMatchingPursuitDecoder(ENCODER, values="real")


@pytest.fixture
def scored(monkeypatch):
    """What decoders of orthogonal matching pursuit were given to score."""
    calls, score = [], OrthogonalMatchingPursuitDecoder.score

    def record(self, X, y):
        calls.append((self, X, y))
        return score(self, X, y)

    monkeypatch.setattr(OrthogonalMatchingPursuitDecoder, "score", record)
    return calls


@pytest.mark.parametrize("values", ["binary", "exponential", "gaussian"])
def test_the_rate_is_that_of_the_decoder_on_such_codes(scored, values):
    curve = recovery_curve(ENCODER, PURSUIT, values=values, **SWEEP)
    n_recovered = 0
    for decoder, X, Y in scored:
        atoms = decoder.inverse_transform(np.eye(64)).T
        for x, y in zip(X, Y.toarray(), strict=True):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of codewords that are equal
                found = orthogonal_mp(atoms, x, n_nonzero_coefs=4)
            n_recovered += np.array_equal(np.flatnonzero(found), np.flatnonzero(y))
    assert curve.n_recovered[0] == n_recovered and 0 < n_recovered < 20
    strengths = np.concatenate([Y.data for *_, Y in scored])
    assert len(strengths) == 80
    assert (values == "binary") == bool((strengths == 1).all())
    assert (values == "gaussian") == bool((strengths < 0).any())
    # The mean square is 1 or 2, with a standard error of .5 or less.
    assert abs(np.mean(strengths**2) - (2 if values == "exponential" else 1)) < 3 * 0.5


def test_all_sweeps_have_the_same_cells():
    options = SWEEP | {"values": "gaussian"}
    curve = recovery_curve(ENCODER, PURSUIT, **options)
    grid = phase_transition(ENCODER, PURSUIT, **options | {"n_nonzero_coefs": [2, 4]})
    assert grid.curves[1].n_recovered == curve.n_recovered


@pytest.mark.parametrize("values, dimension", [("binary", 33), ("gaussian", 21)])
def test_pursuit_needs_fewer_dimensions_for_strengths_that_differ(values, dimension):
    """Strong codewords are found first; 4,000 trials each measure these dimensions to within 1."""
    result = measured_dimension(
        ENCODER,
        PURSUIT,
        n_features=128,
        n_nonzero_coefs=6,
        probability=0.5,
        n_trials=300,
        confidence=0.999,
        values=values,
        random_state=0,
    )
    # Intervals of 99.9 % that do not overlap.
    assert result.low <= dimension <= result.high
    assert (result.low if values == "binary" else 53 - result.high) > 26


def test_other_values_are_of_another_checkpoint(tmp_path):
    options = SWEEP | {"checkpoint": tmp_path / "cells"}
    recovery_curve(ENCODER, PURSUIT, **options)
    with pytest.raises(ValueError, match=r'uration: values is "binary" there, "gaussian" here\.$'):
        recovery_curve(ENCODER, PURSUIT, values="gaussian", **options)


def test_dimensions_are_not_placed_by_the_law_of_binary_codes():
    """The weakest codeword, of mean strength 1/2, needs many times the dimensions."""
    options = SWEEP | {"n_features": 32, "n_nonzero_coefs": 2, "n_components": "auto"}
    decoder = TopKDecoder(ENCODER, values="binary")
    binary = recovery_curve(ENCODER, decoder, **options)
    with pytest.warns(UserWarning, match="TopKDecoder looks for binary values"):
        curve = recovery_curve(ENCODER, decoder, values="exponential", **options)
    assert curve.n_components[-1] > 2 * binary.n_components[-1]
    assert curve.success_rate[-1] > 0.7


@pytest.mark.parametrize(
    "decoder, values, message",
    [
        (TopKDecoder(ENCODER), "exponential", "TopK.* for binary values: values='nonnegative'"),
        (TopKDecoder(ENCODER), "gaussian", "TopK.* looks for binary values: values='real' suits"),
        (TopKDecoder(ENCODER, values="nonnegative"), "gaussian", "for nonnegative values: values="),
        (MaximumLikelihoodDecoder(ENCODER), "gaussian", "Likelihood.* values: it has no others"),
        (RefitDecoder(TopKDecoder(ENCODER)), "gaussian", "TopK.* for binary values: values='real'"),
        (RefitDecoder(PURSUIT, values="nonnegative"), "gaussian", "Refit.* for nonnegative values"),
        (TopKDecoder(ENCODER, values="nonnegative"), "exponential", None),
        (PURSUIT, "exponential", None),
        (PURSUIT, "binary", None),
        (SwapDecoder(PURSUIT), "gaussian", None),
    ],
)
def test_decoders_of_other_values_are_measured_with_a_warning(decoder, values, message):
    options = {"n_features": 12, "n_nonzero_coefs": 2, "n_components": [9], "n_trials": 2}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        curve = recovery_curve(ENCODER, decoder, values=values, random_state=0, **options)
    assert curve.n_trials == 2
    if message is None:
        assert not caught
    else:
        (warning,) = caught
        assert re.search(message, str(warning.message)) and warning.filename == __file__
    with pytest.raises(ValueError, match="values must be "):
        recovery_curve(ENCODER, decoder, values="ones", **options)


def test_frontiers_have_no_law_of_binary_codes_beside_others():
    decoders = {"top-k": TopKDecoder(ENCODER), "omp": PURSUIT}
    options = SIZE | {"n_trials": 20, "random_state": 0, "values": "gaussian"}
    with pytest.warns(UserWarning, match="TopKDecoder looks for binary values"):
        frontier = decoder_frontier(decoders, **options)
    assert np.isnan(frontier.to_frame()["predicted_dimension"]).all()
    expected = measured_dimension(ENCODER, PURSUIT, **options)
    assert frontier.rows[1].result.n_components == expected.n_components
    assert FrontierDisplay.from_result(frontier).predicted_ is None


@pytest.mark.parametrize("display", [RecoveryCurveDisplay, PhaseTransitionDisplay])
def test_displays_refuse_the_law_of_binary_codes(display):
    k = 4 if display is RecoveryCurveDisplay else [2, 4]
    options = SWEEP | {"n_nonzero_coefs": k, "values": "gaussian"}
    with pytest.raises(ValueError, match="^theory=True: .* binary values, and values='gaussian'"):
        display.from_estimator(ENCODER, TopKDecoder(ENCODER), theory=True, **options)


@pytest.mark.parametrize("values", ["exponential", "gaussian"])
def test_the_default_decoders_look_for_the_values(values):
    decoders = default_decoders(values)
    binary_alone = {"adaptive-successive", "maximum-likelihood"}
    assert decoders.keys() == default_decoders().keys() - binary_alone
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for decoder in decoders.values():
            sections = decoder._has_sections
            Chain.of(encoder_of(decoder), None, decoder, sections, values=values)
