# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator

from sksupercode import GaussianChannel, MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.model_selection import _checkpoint, phase_transition, recovery_curve
from tests.model_selection.killed_sweeps import (
    N_CELLS,
    finish,
    kill_again_and_again,
    start,
    table,
)

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


def test_killed_sweeps_end_as_if_nothing_had_happened(tmp_path):
    expected = finish(start(tmp_path, "whole"))
    result, cells = kill_again_and_again(tmp_path, 2, np.random.default_rng(0))
    assert result == expected
    assert len(cells) == N_CELLS and cells == table(tmp_path / "whole")
    assert len({n_recovered for *_, n_recovered in cells}) > 3


def test_two_processes_share_a_file(tmp_path):
    both = [start(tmp_path, "shared") for _ in range(2)]
    first, second = map(finish, both)
    alone = finish(start(tmp_path, "alone"))
    assert first == second == alone
    assert table(tmp_path / "shared") == table(tmp_path / "alone")
    # Nothing else is left in the folder.
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "alone", "alone.log", "shared", "shared.log",
    ]  # fmt: skip


def test_finished_cells_are_not_run_again(tmp_path, monkeypatch):
    first = sweep(tmp_path / "cells")
    monkeypatch.setattr(TopKDecoder, "score", lambda *_: pytest.fail("ran again"))
    assert_array_equal(sweep(tmp_path / "cells").n_recovered, first.n_recovered)


def test_sweeps_are_extended(tmp_path):
    path = tmp_path / "cells"
    sweep(path)
    before = table(path)
    longer = {"n_components": [20, 30, 40], "n_trials": 50}
    curve = sweep(path, **longer)
    assert_array_equal(curve.n_recovered, sweep(None, **longer).n_recovered)
    assert set(before) < set(table(path))
    assert len(table(path)) == 15


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
    sweep(path)
    before = table(path)
    encoder = RademacherEncoder(7, n_features=64, random_state=3).fit(np.eye(64))
    channel = GaussianChannel(0.01, random_state=5)
    sweep(path, encoder=encoder, decoder=TopKDecoder(encoder), channel=channel, n_jobs=2)
    assert table(path) == before


def test_frozen_estimators_are_known_by_what_they_learned(tmp_path):
    path = tmp_path / "cells"
    X = np.ones((2, 20))
    first, second = (
        FrozenEstimator(GaussianChannel(noise, random_state=0).fit(X)) for noise in (0.1, 0.2)
    )
    sweep(path, channel=first, n_components=[20])
    sweep(path, channel=first, n_components=[20])
    with pytest.raises(ValueError, match="channel is .*FrozenEstimator .* there"):
        sweep(path, channel=second, n_components=[20])


@pytest.mark.parametrize("length", [0, 1, 50, 1000, 4096, -4096, -1])
def test_truncated_files_are_refused(tmp_path, length):
    path = tmp_path / "cells"
    sweep(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    with pytest.raises(ValueError, match="cells' (cannot be read|is empty)"):
        sweep(path)
    assert path.read_bytes() == whole[:length]


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "cells"
    sweep(path)
    whole = bytearray(path.read_bytes())
    whole[-4096:-4000] = bytes(96)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="cells' cannot be read, as if damaged"):
        sweep(path)


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("to do: everything\n" * 100)
    with pytest.raises(ValueError, match=r"notes.txt' is empty or no checkpoint of a sweep\."):
        sweep(text)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE cells (a)")
    with pytest.raises(ValueError, match=r"other.sqlite' is empty or no checkpoint of a sweep\."):
        sweep(other)
    with pytest.raises(ValueError, match="is a folder, not a file"):
        sweep(tmp_path)
    for path in (5, True, b"cells"):
        with pytest.raises(ValueError, match=r"^checkpoint=.* must be None or the path of a file"):
            sweep(path)
    with pytest.raises(ValueError, match="cells' is in a folder that does not exist"):
        sweep(tmp_path / "missing" / "cells")


def test_files_that_cannot_be_used_are_refused_before_anything_is_run(tmp_path, monkeypatch):
    path = tmp_path / "cells"
    sweep(path, n_trials=10)
    monkeypatch.setattr(TopKDecoder, "score", lambda *_: pytest.fail("ran"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(_checkpoint, "_PATIENCE", 0.1)
        with pytest.raises(
            ValueError, match="cells' cannot be opened for writing: database is locked"
        ):
            sweep(path)
        connection.execute("ROLLBACK")
        connection.execute("DELETE FROM configuration")
        connection.commit()
    with pytest.raises(ValueError, match="cells' cannot be read, as if damaged.*random_state"):
        sweep(path)


def test_paths_have_no_meaning_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = sweep(":memory:")
    assert_array_equal(sweep(":memory:").n_recovered, first.n_recovered)
    assert len(table(tmp_path / ":memory:")) > 0


def test_numbers_are_equal_in_any_spelling(tmp_path):
    path = tmp_path / "cells"
    first = sweep(path, channel=GaussianChannel(1))
    again = sweep(path, channel=GaussianChannel(1.0))
    assert_array_equal(again.n_recovered, first.n_recovered)


def test_files_of_newer_versions_are_refused(tmp_path):
    path = tmp_path / "cells"
    sweep(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(
        ValueError, match="was written by a newer version of sksupercode, in format 99"
    ):
        sweep(path)


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
