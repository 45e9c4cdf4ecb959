"""Configurations in JSON, each value checked on its way out."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import sys

from sksupercode._utils._paths import check_path, existing_path, listing, name_of

MAX_BYTES = 2**20
_REQUIRED = object()
# Where libraries say what is read and what is written, which differ for transcoders.
_HOOKS = (
    ("hf_hook_point_in", "hf_hook_point_out"),
    ("hook_point_in", "hook_point_out"),
    ("hook_point", "out_hook_point"),
    ("hook_name", "hook_name_out"),
)


class Config:
    """The object in a JSON file, or a section of it, with errors that name the file and the key."""

    def __init__(self, path, values, section=""):
        self.path, self.values, self.section = path, values, section

    @classmethod
    def read(cls, path, *, enough=""):
        """Read a file of at most a MiB that holds one object; ``enough`` helps if it is missing."""
        if not check_path(path).is_file():
            raise FileNotFoundError(
                f"{path}: missing; it is the configuration that belongs to the weights{enough}. "
                f"Found in {name_of(path.parent)}: {listing(path.parent)}."
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

    def says_transcoder(self):
        """Return settings by the keys with which libraries tell transcoders from autoencoders."""
        for key in ("is_transcoder", "transcode"):
            if self.has(key):
                return {"is_transcoder": self.boolean(key)}
        if self.values.get("type") == "sae":
            return {"is_transcoder": False}
        pairs = [[self.values.get(key) for key in pair] for pair in _HOOKS]
        differs = any(None not in pair and pair[0] != pair[1] for pair in pairs)
        # Of dictionary_learning's buffers: which side of a module is read.
        is_both = self.values.get("io") in ("in_and_out", "in_to_out")
        is_named = self.values.get("type") in ("transcoder", "clt")
        return {"is_transcoder": True} if differs or is_both or is_named else {}

    def _value(self, key, default, wanted, is_legal):
        if default is not _REQUIRED and not self.has(key):
            return default
        if not is_legal(self.values.get(key)):
            self.refuse(key, wanted)
        return self.values[key]

    def integer(self, key, *, default=_REQUIRED, minimum=1):
        """Return an integer of at least ``minimum``, and no more than sizes may be."""
        wanted = f"an integer >= {minimum}"
        return self._value(
            key, default, wanted, lambda v: type(v) is int and minimum <= v <= sys.maxsize
        )

    def number(self, key, *, default=_REQUIRED):
        """Return a finite float."""

        def is_legal(value):
            return type(value) in (int, float) and abs(value) <= sys.float_info.max

        return float(self._value(key, default, "a finite number", is_legal))

    def boolean(self, key, *, default=_REQUIRED):
        """Return True or False."""
        return self._value(key, default, "true or false", lambda v: isinstance(v, bool))

    def option(self, key, known, *, default=_REQUIRED):
        """Return one of the known strings."""
        wanted = "one of " + ", ".join(known)
        return self._value(key, default, wanted, lambda v: isinstance(v, str) and v in known)
