# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from sksupercode import GaussianChannel, MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.model_selection import phase_transition, recovery_curve
from tests.model_selection.killed_sweeps import N_CELLS, finish, kill, start, table, whole

ENCODER = RademacherEncoder()
SWEEP = {
    "n_features": 64,
    "n_nonzero_coefs": 4,
    "n_components": [20, 40],
    "n_trials": 30,
    "channel": GaussianChannel(0.01),
    "random_state": 0,
}


def sweep(path, **changes):
    options = SWEEP | changes
    decoder = options.pop("decoder", TopKDecoder(ENCODER))
    return recovery_curve(options.pop("encoder", ENCODER), decoder, checkpoint=path, **options)


@pytest.mark.long
def test_killed_sweeps_end_as_if_nothing_had_happened(tmp_path):
    path = tmp_path / "killed"
    kill(start(path), 5, within_a_cell=True)
    assert len(table(path)) == 5
    kill(start(path), 7, within_a_cell=False)
    n_finished = len(table(path))
    assert n_finished in (11, 12)
    # Two processes share the rest.
    both = [start(path) for _ in range(2)]
    (first, n_first), (second, n_second) = map(finish, both)
    assert first == second == whole(tmp_path / "whole")
    assert max(n_first, n_second) == N_CELLS - n_finished
    assert table(path) == table(tmp_path / "whole")
    assert len({n_recovered for *_, n_recovered in table(path)}) > 3
    # Nothing else is left in the folder.
    assert sorted(file.name for file in tmp_path.iterdir()) == ["killed", "whole"]


def test_sweeps_are_extended(tmp_path, monkeypatch):
    path = tmp_path / "cells"
    sweep(path)
    before = table(path)
    longer = {"n_components": [20, 30, 40], "n_trials": 50}
    curve = sweep(path, **longer)
    assert_array_equal(curve.n_recovered, sweep(None, **longer).n_recovered)
    assert set(before) < set(table(path))
    assert len(table(path)) == 15
    # Finished cells are not run again.
    monkeypatch.setattr(TopKDecoder, "score", lambda *_: pytest.fail("ran again"))
    assert_array_equal(sweep(path, **longer).n_recovered, curve.n_recovered)


def test_fresh_entropy_is_kept(tmp_path):
    path = tmp_path / "cells"
    first = sweep(path, random_state=None, n_components=[20])
    again = sweep(path, random_state=None, n_components=[20, 40])
    assert first.n_recovered[0] == again.n_recovered[0]
    other = sweep(tmp_path / "other", random_state=None, n_components=[20, 40])
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT value FROM configuration WHERE name = 'random_state'"
        entropy = int(connection.execute(query).fetchone()[0])
    assert entropy > 2**64
    assert_array_equal(sweep(path, random_state=entropy).n_recovered, again.n_recovered)
    assert table(tmp_path / "other") != table(path) and len(other.n_trials) == 2


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"n_features": 65}, "n_features is 64 there, 65 here"),
        ({"n_nonzero_coefs": 3}, "n_nonzero_coefs is 4 there, 3 here"),
        ({"random_state": 1}, "random_state is 0 there, 1 here"),
        ({"channel": GaussianChannel(0.02)}, "channel.noise_variance is 0.01 there, 0.02 here"),
        ({"channel": None}, r'channel is "[\w.]*GaussianChannel" there, null here\.$'),
        (
            {"decoder": TopKDecoder(ENCODER, values="real")},
            'decoder.values is "auto" there, "real"',
        ),
        (
            {"decoder": MatchingPursuitDecoder(ENCODER)},
            r'decoder is "[\w.]*TopKDecoder" there, "[\w.]*MatchingPursuitDecoder" here\.$',
        ),
        ({"encoder": RademacherEncoder(storage="packed")}, 'encoder.storage is "auto" there'),
    ],
)
def test_other_configurations_are_refused(tmp_path, changes, message):
    path = tmp_path / "cells"
    sweep(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"cells' is of another configuration: {message}"):
        sweep(path, **changes)
    assert path.read_bytes() == before


def test_other_sweeps_and_versions_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "cells"
    sweep(path)
    options = SWEEP | {"n_nonzero_coefs": [2, 4]}
    with pytest.raises(ValueError, match='sweep is "recovery_curve" there, "phase_transition"'):
        phase_transition(ENCODER, TopKDecoder(ENCODER), checkpoint=path, **options)
    monkeypatch.setattr("sksupercode.__version__", "99.0")
    with pytest.raises(ValueError, match=r'version.sksupercode is ".*" there, "99.0" here'):
        sweep(path)


def test_what_does_not_matter_may_differ(tmp_path):
    path = tmp_path / "cells"
    sweep(path, channel=GaussianChannel(1))
    before = table(path)
    encoder = RademacherEncoder(7, n_features=64, random_state=3).fit(np.eye(64))
    channel = GaussianChannel(1.0, random_state=5)
    sweep(path, encoder=encoder, decoder=TopKDecoder(encoder), channel=channel, n_jobs=2)
    assert table(path) == before


def test_parameters_are_known_by_what_they_hold(tmp_path):
    def frozen(noise):
        return FrozenEstimator(GaussianChannel(noise, random_state=0).fit(np.ones((2, 20))))

    # In a table of 8 places 1 and 9 collide, so that the order is that of insertion.
    def with_set(*elements):
        return FunctionTransformer(kw_args={}, inv_kw_args={"a": frozenset(elements)})

    for name, same, others, message in [
        ("frozen", (frozen(0.1), frozen(0.1)), frozen(0.2), "channel is .*FrozenEstimator .* th"),
        ("set", (with_set(1, 9), with_set(9, 1)), with_set(1, 8), "inv_kw_args.a is .* there"),
        ("nan", (SimpleImputer(), SimpleImputer()), SimpleImputer(missing_values=0), "NaN there"),
    ]:
        for channel in same:
            sweep(tmp_path / name, channel=channel, n_components=[20])
        with pytest.raises(ValueError, match=message):
            sweep(tmp_path / name, channel=others, n_components=[20])
    channel = FunctionTransformer(lambda X: X)
    with pytest.raises(ValueError, match="a parameter that cannot be pickled, got channel.func=<"):
        sweep(tmp_path / "function", channel=channel)
    assert not (tmp_path / "function").exists()
    assert sweep(None, channel=channel).n_trials[0] == 30


def test_cells_are_kept_when_one_fails(tmp_path):
    class Fragile(TopKDecoder):
        def score(self, X, y):
            if X.shape[1] == 40:
                raise RuntimeError("out of luck")
            return super().score(X, y)

    decoder = Fragile(ENCODER)
    with pytest.raises(RuntimeError, match="out of luck"):
        sweep(tmp_path / "cells", decoder=decoder)
    assert len(table(tmp_path / "cells")) == 3
