"""Configurations in JSON, each value checked on its way out."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import math

from sksupercode._utils._paths import check_path, existing_path, listing

MAX_BYTES = 2**20
_REQUIRED = object()


class Config:
    """The values of a JSON object, with errors that name the file and the key.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    values : dict
        Its object, or a part of it.

    section : str, default=""
        The key of that part, with a dot behind it, for messages.
    """

    def __init__(self, path, values, section=""):
        self.path = path
        self.values = values
        self.section = section

    @classmethod
    def read(cls, path):
        """Read a file of at most a MiB that holds one object."""
        if not check_path(path).is_file():
            raise FileNotFoundError(
                f"{path}: missing; it is the configuration that belongs to the weights. "
                f"{path.parent} holds {listing(path.parent)}."
            )
        existing_path(path)
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path}: a configuration of more than {MAX_BYTES} bytes.")
        try:
            values = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: not a JSON file: {error}") from error
        if not isinstance(values, dict):
            raise ValueError(f"{path}: must hold a JSON object, got a {type(values).__name__}.")
        return cls(path, values)

    def refuse(self, key, wanted):
        """Raise the error that says which value ``key`` has, and what was wanted."""
        found = repr(self.values[key])[:80] if key in self.values else "nothing"
        raise ValueError(f"{self.path}: {self.section}{key} must be {wanted}, got {found}.")

    def has(self, key):
        """Whether there is a value that is not null."""
        return self.values.get(key) is not None

    def part(self, key, *, optional=False):
        """Return the object within, which is empty where it is optional and absent."""
        if optional and not self.has(key):
            return Config(self.path, {}, f"{self.section}{key}.")
        if not isinstance(self.values.get(key), dict):
            self.refuse(key, "an object")
        return Config(self.path, self.values[key], f"{self.section}{key}.")

    def integer(self, key, *, default=_REQUIRED, minimum=1):
        """Return an integer of at least ``minimum``."""
        if default is not _REQUIRED and not self.has(key):
            return default
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            self.refuse(key, f"an integer >= {minimum}")
        return value

    def number(self, key, *, default=_REQUIRED):
        """Return a finite float."""
        if default is not _REQUIRED and not self.has(key):
            return default
        value = self.values.get(key)
        legal = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            if legal and math.isfinite(value):
                return float(value)
        except OverflowError:
            pass
        self.refuse(key, "a finite number")

    def boolean(self, key, *, default=_REQUIRED):
        """Return True or False."""
        if default is not _REQUIRED and not self.has(key):
            return default
        if not isinstance(self.values.get(key), bool):
            self.refuse(key, "true or false")
        return self.values[key]

    def option(self, key, known, *, default=_REQUIRED):
        """Return one of the known strings."""
        if default is not _REQUIRED and not self.has(key):
            return default
        value = self.values.get(key)
        if not isinstance(value, str) or value not in known:
            self.refuse(key, "one of " + ", ".join(known))
        return value
