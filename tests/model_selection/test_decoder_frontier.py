"""Many decoders, measured side by side."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    GaussianChannel,
    HadamardEncoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    TopKDecoder,
    theory,
)
from sksupercode._utils._discovery import all_estimators
from sksupercode.model_selection import (
    decoder_frontier,
    measured_dimension,
    predicted_dimension,
    recovery_curve,
)
from sksupercode.model_selection._frontier_decoders import default_decoders
from tests.marks import long

ENCODER = RademacherEncoder()
SIZE = {"n_features": 64, "n_nonzero_coefs": 3}
OPTIONS = {"n_trials": 20, "random_state": 0}


class Foreign(BaseEstimator):
    """A decoder of someone else, which reads as top-k does."""

    def __init__(self, dictionary=None):
        self.dictionary = dictionary

    def fit(self, X, y):
        self.decoder_ = TopKDecoder(self.dictionary).fit(X, y)
        return self

    def score(self, X, y):
        return self.decoder_.score(X, y)


@pytest.mark.long
def test_rows_are_measured_dimensions(tmp_path):
    decoders = {"top-k": TopKDecoder(ENCODER), "foreign": Foreign(SphericalEncoder())}
    decoders["sections"] = TopKDecoder(ENCODER, sections=True)
    frontier = decoder_frontier(decoders, n_features=[64, 128], n_nonzero_coefs=3, **OPTIONS)
    assert [(row.n_features, row.decoder) for row in frontier.rows] == [
        (N, name) for N in (64, 128) for name in decoders
    ]
    for row in frontier.rows[::2]:
        decoder = decoders[row.decoder]
        expected = measured_dimension(
            decoder.dictionary,
            decoder,
            n_features=row.n_features,
            n_nonzero_coefs=3,
            sections=row.decoder == "sections",
            **OPTIONS,
        )
        found = row.result
        assert (found.low, found.n_components, found.high) == (
            expected.low,
            expected.n_components,
            expected.high,
        )
        assert row.entropy_bits == expected.entropy_bits and row.reason is None
    top_k, foreign, sections = frontier.rows[:3]
    assert top_k.predicted_dimension == predicted_dimension(
        TopKDecoder(ENCODER), probability=0.9, **SIZE
    )
    assert np.isnan(foreign.predicted_dimension) and np.isnan(sections.predicted_dimension)
    frame = frontier.to_frame()
    assert frame["n_components"].tolist() == [row.result.n_components for row in frontier.rows]
    assert str(frontier.rows[0].result.n_components) in repr(frontier)


@pytest.mark.parametrize(("encoder", "k"), [(HadamardEncoder(), 4), *long((ENCODER, 2))])
def test_message_passing_without_a_law_is_predicted_by_state_evolution(encoder, k):
    options = {"n_features": 64, "n_nonzero_coefs": k, "n_trials": 10, "random_state": 0}
    (row,) = decoder_frontier({"amp": AMPDecoder(encoder)}, **options).rows
    assert row.predicted_dimension == theory.amp_dimension(64, k)
    if k == 2:
        noise = {"channel": GaussianChannel(0.01)}
        (row,) = decoder_frontier({"amp": AMPDecoder(encoder)}, **options, **noise).rows
        assert np.isnan(row.predicted_dimension)


def test_a_code_without_information_is_predicted_one_dimension():
    options = {"n_features": 1, "n_nonzero_coefs": 1, "n_trials": 20, "random_state": 0}
    frontier = decoder_frontier({"amp": AMPDecoder(ENCODER)}, **options)
    assert frontier.to_frame().predicted_dimension[0] == 1
    assert frontier.to_frame().predicted_bits[0] == 0


@pytest.mark.long
def test_frontiers_go_on_and_grow(tmp_path, monkeypatch):
    path = tmp_path / "cells"
    decoders = {"top-k": TopKDecoder(ENCODER), "pursuit": MatchingPursuitDecoder(ENCODER)}
    first = decoder_frontier(decoders, checkpoint=path, **SIZE, **OPTIONS)
    score = TopKDecoder.score
    monkeypatch.setattr(MatchingPursuitDecoder, "score", lambda *_: pytest.fail("ran again"))

    def only_new(self, X, y):
        assert y.shape[1] == 32
        return score(self, X, y)

    monkeypatch.setattr(TopKDecoder, "score", only_new)
    again = decoder_frontier(decoders, checkpoint=path, **SIZE, **OPTIONS)
    assert repr(again) == repr(first)
    more = {"n_features": [64, 32], "n_nonzero_coefs": 3}
    grown = decoder_frontier({"top-k": decoders["top-k"]}, checkpoint=path, **more, **OPTIONS)
    assert grown.rows[0].result.n_components == first.rows[0].result.n_components
    with pytest.raises(ValueError, match="cells' is of another configuration: decoder.values"):
        other = {"top-k": TopKDecoder(ENCODER, values="real")}
        decoder_frontier(other, checkpoint=path, **SIZE, **OPTIONS)
    sweep = SIZE | {"n_components": [20], "n_trials": 10}
    with pytest.raises(ValueError, match="cells' is of a decoder frontier, not of one sweep"):
        recovery_curve(ENCODER, TopKDecoder(ENCODER), checkpoint=path, **sweep)
    monkeypatch.undo()
    recovery_curve(ENCODER, TopKDecoder(ENCODER), checkpoint=tmp_path / "curve", **sweep)
    with pytest.raises(ValueError, match="curve' is of one sweep, not of a decoder frontier"):
        decoder_frontier(decoders, checkpoint=tmp_path / "curve", **SIZE, **OPTIONS)


def test_the_default_set_has_every_decoder():
    decoders = default_decoders()
    classes = [cls for _, cls in all_estimators("decoder")]
    assert [type(decoder) for decoder in decoders.values()][: len(classes)] == classes


def test_what_is_out_of_reach_has_a_reason():
    decoders = {"basis-pursuit": BasisPursuitDecoder(ENCODER)}
    size = {"n_features": 2048, "n_nonzero_coefs": 513}
    (row,) = decoder_frontier(decoders, max_seconds=1, **size, **OPTIONS).rows
    assert row.result is None and "so large a k" in row.reason
    assert row.predicted_dimension > 900 and np.isnan(row.to_dict()["n_components"])
    # Without a dimension that is enough there is a row all the same.
    (row,) = decoder_frontier(
        {"top-k": TopKDecoder(ENCODER)}, channel=GaussianChannel(10.0), **SIZE, **OPTIONS
    ).rows
    assert row.result.n_components == row.predicted_dimension == np.inf
    assert row.to_dict()["bits_per_dimension"] == 0


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"decoders": {}}, "decoders must be None or a dict"),
        ({"decoders": [TopKDecoder(ENCODER)]}, "decoders must be None or a dict"),
        ({"decoders": {"a": ENCODER}}, r"decoders\['a'\] must have the parameters dictionary"),
        ({"decoders": {"a": TopKDecoder(None)}}, r"dictionary of decoders\['a'\] must be an estim"),
        ({"n_features": [8, 9], "n_nonzero_coefs": [1, 2, 3]}, "must be integers, or lists of as"),
        ({"n_nonzero_coefs": 65}, "n_nonzero_coefs must be"),
        ({"n_features": []}, "n_features must not be empty"),
        ({"probability": 1.0}, "probability must be"),
        ({"callbacks": 3}, "callbacks "),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ValueError, match=message):
        decoder_frontier(**{"decoders": {"top-k": TopKDecoder(ENCODER)}} | SIZE | changes)
