"""What happens to the file of a checkpoint, and to those next to it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import sqlite3
from contextlib import closing

import pytest
from numpy.testing import assert_array_equal

from sksupercode import TopKDecoder
from sksupercode.model_selection import _checkpoint
from tests.model_selection.test_checkpoint import sweep, table


@pytest.fixture
def path(tmp_path):
    """The file of a sweep."""
    sweep(tmp_path / "cells")
    return tmp_path / "cells"


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("content", ["none", "empty", "text", "cells"])
def test_files_next_to_it_are_left_alone(tmp_path, ending, content):
    path = tmp_path / "cells"
    if content == "cells":
        sweep(path)
    elif content != "none":
        path.write_text("to do: everything\n" * 100 if content == "text" else "")
    notes = tmp_path / f"cells{ending}"
    notes.write_text("to do: nothing")
    with pytest.raises(ValueError, match=rf"cells' is next to cells{ending}, which SQLite would"):
        sweep(path)
    assert notes.read_text() == "to do: nothing"


def test_what_a_killed_process_was_writing_is_rolled_back(path):
    first = sweep(path)
    journal = path.with_name("cells-journal")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE cells SET n_recovered = 0")
        connection.execute("CREATE TABLE more AS SELECT * FROM cells")
        connection.execute("PRAGMA cache_spill = 1")
        halfway = path.read_bytes(), journal.read_bytes()
        connection.execute("ROLLBACK")
    # Within a cell, and within the making of the file.
    for content, begun in (halfway, (b"", bytes(512)), (b"", halfway[1])):
        path.write_bytes(content)
        journal.write_bytes(begun)
        assert_array_equal(sweep(path).n_recovered, first.n_recovered)
        assert not journal.exists()


@pytest.mark.parametrize("length", [50, 1000, 4096, -4096, -1])
def test_truncated_files_are_refused(path, length):
    truncated = path.read_bytes()[:length]
    path.write_bytes(truncated)
    with pytest.raises(ValueError, match="cells' is damaged"):
        sweep(path)
    assert path.read_bytes() == truncated


@pytest.mark.parametrize("damage", ["zeros", "value", "missing"])
def test_damaged_files_are_refused(path, damage):
    if damage == "zeros":
        whole = bytearray(path.read_bytes())
        whole[-4096:-4000] = bytes(96)
        path.write_bytes(whole)
    else:
        statement = "DROP TABLE cells" if damage == "missing" else "UPDATE cells SET n_recovered=99"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(statement)
    with pytest.raises(ValueError, match="cells' is damaged"):
        sweep(path)


@pytest.mark.parametrize("version, age", [(99, "a newer"), (3, "another")])
def test_files_of_other_versions_are_refused(path, version, age):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    message = f"was written by {age} version of sksupercode, in format {version}"
    with pytest.raises(ValueError, match=message):
        sweep(path)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    text, other, short = tmp_path / "notes", tmp_path / "other", tmp_path / "short"
    text.write_text("to do: everything\n" * 100)
    short.write_text("1")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE cells (a)")
    for foreign, message in (
        (text, "or no checkpoint of a sweep: file is not a database"),
        (other, r"other' is no checkpoint of a sweep\."),
        (short, r"short' is no checkpoint of a sweep\."),
    ):
        before = foreign.read_bytes()
        with pytest.raises(ValueError, match=message):
            sweep(foreign)
        assert foreign.read_bytes() == before
    for folder in (tmp_path, ""):
        with pytest.raises(ValueError, match="is a folder, not a file"):
            sweep(folder)
    for number in (5, True, b"cells"):
        with pytest.raises(ValueError, match=r"^checkpoint=.* must be None or the path of a file"):
            sweep(number)
    with pytest.raises(ValueError, match="cells' is in a folder that does not exist"):
        sweep(tmp_path / "missing" / "cells")


def test_paths_have_no_meaning_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    for given, path in ((":memory:", ":memory:"), ("~/home", "home"), (link, "target")):
        first = sweep(given)
        assert_array_equal(sweep(given).n_recovered, first.n_recovered)
        assert len(table(tmp_path / path)) > 0
    assert link.is_symlink()


@pytest.fixture
def nothing_is_run(path, monkeypatch):
    monkeypatch.setattr(TopKDecoder, "score", lambda *_: pytest.fail("ran"))


def limited(monkeypatch, *statements, mode="rwc"):
    """Let every connection begin with these statements."""

    def connect(path):
        connection = sqlite3.connect(f"file:{path}?mode={mode}", uri=True, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        return connection

    monkeypatch.setattr(_checkpoint, "_connect", connect)


def test_files_in_use_are_refused_before_anything_is_run(path, monkeypatch, nothing_is_run):
    monkeypatch.setattr(_checkpoint, "_PATIENCE", 0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ValueError, match="cells' cannot be opened for writing: .*locked"):
            sweep(path, n_trials=100)


def test_files_that_are_only_read_are_refused_before_anything_is_run(
    path, monkeypatch, nothing_is_run
):
    # Permissions do not keep the superuser from writing.
    limited(monkeypatch, mode="ro")
    with pytest.raises(ValueError, match="cannot be opened for writing: .*readonly database"):
        sweep(path, n_trials=100)


def test_a_full_disk_is_told_before_anything_is_run(tmp_path, monkeypatch, nothing_is_run):
    limited(monkeypatch, "PRAGMA max_page_count = 2")
    with pytest.raises(ValueError, match="new' cannot be opened for writing: .*full"):
        sweep(tmp_path / "new")


@pytest.mark.long
def test_a_full_disk_loses_only_what_did_not_fit(path, monkeypatch):
    size = {"n_components": list(range(20, 90)), "n_trials": 3, "n_trials_per_codebook": 1}
    with monkeypatch.context() as context:
        limited(context, f"PRAGMA max_page_count = {os.path.getsize(path) // 4096}")
        with pytest.raises(OSError, match="cells' cannot be written any more: .*full"):
            sweep(path, **size)
    assert 6 < len(table(path)) < 216
    assert_array_equal(sweep(path, **size).n_recovered, sweep(None, **size).n_recovered)
