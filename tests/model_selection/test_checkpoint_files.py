"""What happens to the file of a checkpoint, and to those next to it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import sqlite3
from contextlib import closing

import pytest
from numpy.testing import assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from sksupercode import TopKDecoder
from sksupercode.model_selection import _checkpoint
from tests.model_selection.test_checkpoint import sweep, table


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("content", [None, b"", b"to do: everything\n" * 100])
def test_files_next_to_it_are_left_alone(tmp_path, ending, content):
    notes = tmp_path / f"cells{ending}"
    notes.write_text("to do: nothing")
    message = rf"cells' is next to cells{ending}, which"
    if content is not None:
        (tmp_path / "cells").write_bytes(content)
        message = "is empty or no checkpoint"
    with pytest.raises(ValueError, match=message):
        sweep(tmp_path / "cells")
    assert notes.read_text() == "to do: nothing"


def test_what_a_killed_process_was_writing_is_rolled_back(tmp_path):
    path = tmp_path / "cells"
    first = sweep(path)
    journal = tmp_path / "cells-journal"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE cells SET n_recovered = 0")
        connection.execute("CREATE TABLE more AS SELECT * FROM cells")
        connection.execute("PRAGMA cache_spill = 1")
        halfway = path.read_bytes(), journal.read_bytes()
        connection.execute("ROLLBACK")
    path.write_bytes(halfway[0])
    journal.write_bytes(halfway[1])
    assert_array_equal(sweep(path).n_recovered, first.n_recovered)
    assert not journal.exists()


def test_cells_that_differ_from_their_checksum_are_refused(tmp_path):
    path = tmp_path / "cells"
    sweep(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE cells SET n_recovered = 10 - n_recovered WHERE codebook = 1")
        connection.commit()
    with pytest.raises(ValueError, match="as if damaged or no checkpoint: a cell differs"):
        sweep(path)


def test_missing_tables_are_a_damage(tmp_path):
    path = tmp_path / "cells"
    sweep(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE cells")
    with pytest.raises(ValueError, match="as if damaged or no checkpoint: no such table: cells"):
        sweep(path)


def test_files_that_are_only_read_are_refused_before_anything_is_run(tmp_path, monkeypatch):
    path = tmp_path / "cells"
    sweep(path, n_trials=10)
    monkeypatch.setattr(TopKDecoder, "score", lambda *_: pytest.fail("ran"))

    # Permissions do not keep the superuser from writing.
    def connect(path):
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr(_checkpoint, "_connect", connect)
    with pytest.raises(ValueError, match="cannot be opened for writing: .*readonly database"):
        sweep(path)


def test_a_full_disk_loses_only_what_did_not_fit(tmp_path, monkeypatch):
    path = tmp_path / "cells"
    roomy = _checkpoint._connect

    def connect(path):
        connection = roomy(path)
        if os.path.basename(path) == "cells":
            (n_pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {n_pages}")
        return connection

    monkeypatch.setattr(_checkpoint, "_connect", connect)
    size = {"n_components": list(range(20, 90)), "n_trials": 3, "n_trials_per_codebook": 1}
    with pytest.raises(OSError, match="cells' cannot be written any more: .*full"):
        sweep(path, **size)
    n_kept = len(table(path))
    assert 0 < n_kept < 210
    monkeypatch.setattr(_checkpoint, "_connect", roomy)
    assert_array_equal(sweep(path, **size).n_recovered, sweep(None, **size).n_recovered)


def test_without_hard_links_nothing_is_overwritten(tmp_path, monkeypatch):
    def link(*_):
        raise PermissionError(1, "no hard links")

    monkeypatch.setattr(os, "link", link)
    first = sweep(tmp_path / "cells")
    assert_array_equal(sweep(tmp_path / "cells").n_recovered, first.n_recovered)
    # Another process is faster, between the look and the leap.
    taken = tmp_path / "taken"
    taken.write_text("to do: everything")
    _checkpoint._create(taken, {})
    assert taken.read_text() == "to do: everything"


def test_a_link_may_lead_to_a_file_that_is_not_there_yet(tmp_path):
    target, link = tmp_path / "cells", tmp_path / "link"
    link.symlink_to(target)
    first = sweep(link)
    assert link.is_symlink() and len(table(target)) > 0
    assert_array_equal(sweep(target).n_recovered, first.n_recovered)


def test_nan_is_nan(tmp_path):
    first = sweep(tmp_path / "cells", channel=SimpleImputer())
    again = sweep(tmp_path / "cells", channel=SimpleImputer())
    assert_array_equal(again.n_recovered, first.n_recovered)


def test_sets_are_known_by_their_elements(tmp_path):
    # In a table of 8 places 1 and 9 collide, so that the order is that of insertion.
    def channel(*elements):
        return FunctionTransformer(kw_args={}, inv_kw_args={"a": frozenset(elements)})

    sweep(tmp_path / "cells", channel=channel(1, 9))
    sweep(tmp_path / "cells", channel=channel(9, 1))
    with pytest.raises(ValueError, match="channel.inv_kw_args.a is .* there"):
        sweep(tmp_path / "cells", channel=channel(1, 8))


def test_what_cannot_be_described_is_named(tmp_path):
    channel = FunctionTransformer(lambda X: X)
    with pytest.raises(ValueError, match="a parameter that cannot be pickled, got channel.func=<"):
        sweep(tmp_path / "cells", channel=channel)
    assert not list(tmp_path.iterdir())
