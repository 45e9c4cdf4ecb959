"""Finished cells of a sweep in an SQLite file, which are kept when the process is killed.

Each cell is a transaction of its own, synchronised to disk before the next one. A file belongs to
one configuration, which is written into it when it is made: the estimators and their parameters,
the seeds, and the versions that the numbers may depend on. The dimensions and the number of trials
are not part of it, so that a sweep can be extended.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import os
import pickle
import sqlite3
import tempfile
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.frozen import FrozenEstimator

import sksupercode
from sksupercode.model_selection._cells import Cell

# Marks our files among those of SQLite: "supc".
_APPLICATION = 0x73757063
_FORMAT = 3
# Seconds to wait while another process writes.
_PATIENCE = 120
# Where an SQLite file has its application id, and what SQLite puts next to a file, or removes.
_PLACE = slice(68, 72)
_NEIGHBOURS = ("-journal", "-wal", "-shm")
# What a damaged file answers, if not that it cannot be opened.
_DAMAGED = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_SCHEMA = f"""
BEGIN;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_FORMAT};
CREATE TABLE configuration (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (part, name)
);
CREATE TABLE cells (
    n_features INTEGER NOT NULL,
    n_nonzero_coefs INTEGER NOT NULL,
    n_components INTEGER NOT NULL,
    codebook INTEGER NOT NULL,
    n_trials INTEGER NOT NULL,
    n_recovered INTEGER NOT NULL CHECK (n_recovered BETWEEN 0 AND n_trials),
    seconds REAL NOT NULL,
    checksum INTEGER NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (part, n_features, n_nonzero_coefs, n_components, codebook, n_trials)
);
"""


class Part(NamedTuple):
    """A sweep that shares its file with others, which have other configurations."""

    path: object
    name: str


class Checkpoint:
    """The finished cells of a sweep.

    Parameters
    ----------
    path : str, PathLike, Part or None
        The file, which is made if there is none; None keeps the cells in memory.

    configuration : dict
        What the numbers depend on. Estimators are described by their classes and parameters.

    entropy : int or None
        Of the seeds; None takes that of the file, and draws it for a new one.

    Attributes
    ----------
    entropy : int
        Of the seeds.

    cells : dict
        From each finished `Cell` to its number of recovered trials, and the seconds they took.

    elapsed : float
        Seconds that finished runs took, where they had a limit; else 0.
    """

    def __init__(self, path, configuration, entropy):
        versions = {"sksupercode": sksupercode.__version__, "numpy": np.__version__}
        # What is kept in memory alone will never be compared.
        wanted = {} if path is None else dict(_flatten(configuration | {"version": versions}))
        drawn = np.random.SeedSequence().entropy if entropy is None else entropy
        initial = wanted | {"random_state": json.dumps(drawn)}
        path, self._part = path if isinstance(path, Part) else (path, "")
        self._connection, self._path = None, path
        try:
            if path is None:
                self._connection = _connect(":memory:")
                _initialize(self._connection, initial, self._part)
            else:
                self._path = path = _check_path(path)
                if path.exists():
                    _require_ours(path)
                else:
                    _create(path, initial, self._part)
                self._connection = _connect(path)
            stored = self._read(initial)
            self.elapsed = json.loads(stored.pop("elapsed", "0"))
            self.entropy = json.loads(stored["random_state"])
            wanted["random_state"] = json.dumps(self.entropy if entropy is None else entropy)
            _require_equal(stored, wanted)
        except (sqlite3.Error, OSError, KeyError, ValueError) as error:
            self.close()
            message = str(error)
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if isinstance(error, OSError) or code not in _DAMAGED:
                message = f"cannot be opened for writing: {error}"
            elif isinstance(error, sqlite3.Error | KeyError):
                message = f"cannot be read, as if damaged or no checkpoint: {error}"
            raise ValueError(f"checkpoint={_shown(path)} {message}.") from error

    def _read(self, initial):
        execute = self._connection.execute
        version = execute("PRAGMA user_version").fetchone()[0]
        if version != _FORMAT:
            age = "a newer" if version > _FORMAT else "another"
            raise ValueError(
                f"was written by {age} version of sksupercode, in format {version}; "
                f"this version reads format {_FORMAT}"
            )
        report = execute("PRAGMA integrity_check(1)").fetchone()[0]
        if report != "ok":
            raise sqlite3.DatabaseError(report)
        rows = execute("SELECT * FROM cells").fetchall()
        if any(_checksum(row[:7]) != row[7] for row in rows):
            raise sqlite3.DatabaseError("a cell differs from its checksum")
        self.cells = {Cell(*row[:5]): row[5:7] for row in rows if row[8] == self._part}
        # What cannot be written is better known now than after the first cell.
        execute("BEGIN IMMEDIATE")
        execute(f"PRAGMA user_version = {_FORMAT}")
        parts = {part for (part,) in execute("SELECT part FROM configuration")}
        if parts and bool(self._part) != all(parts):
            kinds = ("one sweep", "a decoder frontier")
            raise ValueError(f"is of {kinds[all(parts)]}, not of {kinds[bool(self._part)]}")
        is_new = bool(self._part) and self._part not in parts
        if is_new:
            _configure(self._connection, initial, self._part)
        execute("COMMIT" if is_new else "ROLLBACK")
        query = "SELECT name, value FROM configuration WHERE part = ?"
        return dict(execute(query, (self._part,)).fetchall())

    def add(self, cell, n_recovered, seconds):
        """Keep a cell; when this returns, it is on the disk."""
        # Another process may have been here first, with the same number.
        statement = "INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        row = (*cell, n_recovered, seconds)
        self._write(statement, (*row, _checksum(row), self._part))
        self.cells[cell] = (n_recovered, seconds)

    def keep_elapsed(self, seconds):
        """Keep the seconds that this run and those before took."""
        statement = "INSERT OR REPLACE INTO configuration VALUES ('elapsed', ?, ?)"
        self._write(statement, (json.dumps(seconds), self._part))

    def _write(self, statement, values):
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise OSError(
                f"checkpoint={_shown(self._path)} cannot be written any more: {error}. The cells "
                "that it has are kept."
            ) from error

    def close(self):
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _check_path(path):
    if not isinstance(path, str | os.PathLike):
        raise ValueError("must be None or the path of a file")
    # SQLite has meanings of its own for some relative paths; a link may lead to no file yet.
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise ValueError("is in a folder that does not exist")
    if path.is_dir():
        raise ValueError("is a folder, not a file")
    return path


def _require_ours(path):
    """Refuse a file that is no checkpoint before SQLite sees it, and clears up around it."""
    with path.open("rb") as file:
        header = file.read(_PLACE.stop)
    if header[_PLACE] != _APPLICATION.to_bytes(4, "big"):
        raise ValueError("is empty or no checkpoint of a sweep")


def _checksum(row):
    return zlib.crc32(repr(row).encode())


def _shown(path):
    return repr(str(path) if isinstance(path, Path) else path)


def _connect(path):
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)


def _initialize(connection, configuration, part):
    connection.executescript(_SCHEMA)
    _configure(connection, configuration, part)
    connection.execute("COMMIT")


def _configure(connection, configuration, part):
    rows = [(name, value, part) for name, value in configuration.items()]
    connection.executemany("INSERT INTO configuration VALUES (?, ?, ?)", rows)


def _create(path, configuration, part=""):
    """Make a file that is complete from the moment it bears its name."""
    neighbours = [path.with_name(path.name + ending) for ending in _NEIGHBOURS]
    taken = [neighbour.name for neighbour in neighbours if neighbour.exists()]
    # Those of a file that another process has just made are its own.
    if taken and not path.exists():
        raise ValueError(f"is next to {', '.join(taken)}, which SQLite would take for its own")
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as folder:
        draft = os.path.join(folder, "draft")
        with closing(_connect(draft)) as connection:
            _initialize(connection, configuration, part)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was faster, and theirs is as good.
        except OSError:  # A file system without hard links
            with suppress(FileExistsError), path.open("xb") as file:
                file.write(Path(draft).read_bytes())


def _require_equal(stored, wanted):
    """Refuse configurations that differ, and say in what."""
    names = stored.keys() | wanted.keys()
    differing = {name for name in names if not _same(stored.get(name), wanted.get(name))}
    # Another class has other parameters: that goes without saying.
    within = tuple(f"{name}." for name in differing)
    if differing:
        raise ValueError(
            "is of another configuration: "
            + "; ".join(
                f"{name} is {stored.get(name, 'missing')} there, {wanted.get(name, 'missing')} here"
                for name in sorted(differing)
                if not name.startswith(within)
            )
        )


def _same(first, second):
    """Whether two values in JSON are equal, such as 1 and 1.0; None is no value."""
    if first is None or second is None:
        return first is second
    return first == second or json.loads(first) == json.loads(second)


def _flatten(configuration, prefix=""):
    """Yield dotted names and their values in JSON."""
    for name, value in configuration.items():
        if hasattr(value, "get_params") and not isinstance(value, type | FrozenEstimator):
            yield f"{prefix}{name}", json.dumps(_name(value))
            yield from _flatten(value.get_params(deep=False), f"{prefix}{name}.")
            continue
        value = _describe(value, f"{prefix}{name}")
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(value)


def _name(value):
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _describe(value, name):
    """Return what JSON can hold, other objects by their hash."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return value
    if isinstance(value, list | tuple):
        return dict(zip(map(str, range(len(value))), value, strict=True)) or []
    kind = _name(value)
    # The elements of sets are hashed in order, those of frozen ones are not.
    value = set(value) if isinstance(value, frozenset) else value
    try:
        return f"{kind} {joblib.hash(value)}"
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"checkpoint must be None with a parameter that cannot be pickled, got "
            f"{name}={value!r}."
        ) from error
