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
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.frozen import FrozenEstimator

import sksupercode
from sksupercode.model_selection._cells import Cell

# Marks our files among those of SQLite: "supc".
_APPLICATION = 0x73757063
_FORMAT = 4
# Seconds to wait while another process writes.
_PATIENCE = 120
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
# What a damaged file answers, if not that it cannot be opened.
_DAMAGED = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_SCHEMA = (
    f"PRAGMA application_id = {_APPLICATION}",
    "CREATE TABLE configuration (part TEXT, name TEXT, value TEXT NOT NULL, "
    "PRIMARY KEY (part, name))",
)
_TYPES = {int: "INTEGER NOT NULL", str: "TEXT NOT NULL"}


class CellTable(NamedTuple):
    """The table of the cells of one kind of sweep, and what SQL is told of their results."""

    name: str
    cell: type
    results: dict

    @property
    def columns(self):
        """Names of what a cell is, and of its results."""
        return (*self.cell._fields, *self.results)

    @property
    def definition(self):
        """The statement that makes the table."""
        fields = {name: _TYPES[kind] for name, kind in self.cell.__annotations__.items()}
        columns = {"part": "TEXT NOT NULL"} | fields | self.results
        columns = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        key = ", ".join(("part", *fields))
        return f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY ({key}))"


TRIALS = CellTable(
    "cells",
    Cell,
    {
        "n_recovered": "INTEGER NOT NULL CHECK (n_recovered BETWEEN 0 AND n_trials)",
        "seconds": "REAL NOT NULL CHECK (seconds >= 0)",
    },
)


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

    table : CellTable, default=TRIALS
        Where the cells are. The last result is the seconds that a cell took.

    Attributes
    ----------
    entropy : int
        Of the seeds.

    cells : dict
        From each finished cell to its results, such as the number of recovered trials of a `Cell`
        and the seconds that they took.

    elapsed : float
        Seconds that finished runs took, where they had a limit; else 0.
    """

    def __init__(self, path, configuration, entropy, table=TRIALS):
        versions = {"sksupercode": sksupercode.__version__, "numpy": np.__version__}
        # What is kept in memory alone will never be compared.
        wanted = {} if path is None else dict(_flatten(configuration | {"version": versions}))
        self._table = table
        self._path, self._part = path if isinstance(path, Part) else (path, "")
        self._connection = None
        try:
            if path is not None:
                self._path = _check_path(self._path)
            self._connection = _connect(self._path or ":memory:")
            with self._connection:
                self._open(wanted, entropy)
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            message = str(error)
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED:
                message = f"is damaged, or no checkpoint of a sweep: {error}"
            elif isinstance(error, OSError | sqlite3.Error):
                message = f"cannot be opened for writing: {error}"
            raise ValueError(f"{self._shown} {message}.") from error

    def _open(self, wanted, entropy):
        """Make or read the file, in one transaction."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        application = execute("PRAGMA application_id").fetchone()[0]
        version = execute("PRAGMA user_version").fetchone()[0]
        if application == version == 0 and not execute("SELECT * FROM sqlite_master").fetchone():
            for statement in (*_SCHEMA, self._table.definition):
                execute(statement)
        elif application != _APPLICATION:
            raise ValueError("is no checkpoint of a sweep")
        elif version != _FORMAT:
            age = "a newer" if version > _FORMAT else "another"
            raise ValueError(
                f"was written by {age} version of sksupercode, in format {version}; "
                f"this version reads format {_FORMAT}"
            )
        if (report := execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
            raise ValueError(f"is damaged: {report}")
        # What cannot be written is better known now than after the first cell.
        execute(f"PRAGMA user_version = {_FORMAT}")
        parts = {part for (part,) in execute("SELECT DISTINCT part FROM configuration")}
        if parts and bool(self._part) != all(parts):
            kinds = ("one sweep", "a decoder frontier")
            raise ValueError(f"is of {kinds[all(parts)]}, not of {kinds[bool(self._part)]}")
        if self._part not in parts:
            drawn = np.random.SeedSequence(entropy).entropy
            rows = wanted | {"random_state": json.dumps(drawn)}
            rows = [(self._part, *row) for row in rows.items()]
            self._connection.executemany("INSERT INTO configuration VALUES (?, ?, ?)", rows)
        query = "SELECT name, value FROM configuration WHERE part = ?"
        stored = dict(execute(query, (self._part,)).fetchall())
        self.elapsed = json.loads(stored.pop("elapsed", "0"))
        self.entropy = json.loads(stored["random_state"])
        seeds = {"random_state": json.dumps(self.entropy if entropy is None else entropy)}
        _require_equal(stored, wanted | seeds)
        cell, n_fields = self._table.cell, len(self._table.cell._fields)
        query = f"SELECT {', '.join(self._table.columns)} FROM {self._table.name} WHERE part = ?"
        rows = execute(query, (self._part,)).fetchall()
        self.cells = {cell(*row[:n_fields]): row[n_fields:] for row in rows}

    def add(self, cell, *results):
        """Keep a cell; when this returns, it is on the disk."""
        # Another process may have been here first, with the same number.
        values = (self._part, *cell, *results)
        marks = ", ".join("?" * len(values))
        self._write(
            f"INSERT INTO {self._table.name} VALUES ({marks}) ON CONFLICT DO NOTHING", values
        )
        self.cells[cell] = results

    def keep_elapsed(self, seconds):
        """Keep the seconds that this run and those before took."""
        statement = "INSERT OR REPLACE INTO configuration VALUES (?, 'elapsed', ?)"
        self._write(statement, (self._part, json.dumps(seconds)))

    def _write(self, statement, values):
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            message = f"cannot be written any more: {error}. The cells that it has are kept."
            raise OSError(f"{self._shown} {message}") from error

    @property
    def _shown(self):
        path = self._path
        return f"checkpoint={(str(path) if isinstance(path, Path) else path)!r}"

    def close(self):
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


def _check_path(path):
    """Return the path of a file that SQLite may use, or a new one."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError("must be None or the path of a file")
    # SQLite has meanings of its own for some relative paths; a link may lead to no file yet.
    path = Path(os.path.realpath(os.path.expanduser(path)))
    if not path.parent.is_dir():
        raise ValueError("is in a folder that does not exist")
    if path.is_dir():
        raise ValueError("is a folder, not a file")
    # To SQLite one byte is an empty file, which it fills.
    if path.exists() and path.stat().st_size == 1:
        raise ValueError("is no checkpoint of a sweep")
    # SQLite removes what has these names, whoever wrote it. What a killed process left is ours.
    for ending in ("-journal", "-wal", "-shm"):
        neighbour = path.with_name(path.name + ending)
        with suppress(FileNotFoundError), neighbour.open("rb") as file:
            start = file.read(len(_JOURNAL))
            if ending != "-journal" or start not in (_JOURNAL, bytes(len(start))):
                raise ValueError(f"is next to {neighbour.name}, which SQLite would remove")
    return path


def _connect(path):
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)


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


def describe(**estimators):
    """Return estimators and their parameters as a text, in the words of a configuration."""
    return json.dumps(dict(_flatten(estimators)))


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
