"""The known formats, and which of them a path is in."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sksupercode._utils._paths import enumerated, existing_path, listing
from sksupercode._utils._validation import check_option
from sksupercode.sae._formats import (
    _dictionary_learning,
    _gemma_scope,
    _openai,
    _saelens,
    _sparsify,
)
from sksupercode.sae._weights import SAEWeights

_LFS = b"version https://git-lfs"
_MOST_FOLDERS = 10_000


@dataclass(frozen=True)
class Format:
    """How to find the weights of one format and how to read them, given the path of their file."""

    files: str  # what belongs to it, for messages
    read: Callable[[Path], SAEWeights]
    filename: str | None = None
    suffixes: tuple[str, ...] = ()  # by which it is recognised where no file has a known name


_SAELENS_FILE = "sae_weights.safetensors"
FORMATS = {
    "saelens": Format(f"{_SAELENS_FILE} + cfg.json", _saelens.read, _SAELENS_FILE),
    "gemma_scope": Format("params.npz", _gemma_scope.read, "params.npz", (".npz",)),
    "sparsify": Format("sae.safetensors + cfg.json", _sparsify.read, "sae.safetensors"),
    "dictionary_learning": Format("ae.pt + config.json", _dictionary_learning.read, "ae.pt"),
    "openai": Format("a .pt file", _openai.read, suffixes=(".pt", ".pth")),
}


def read_weights(path, *, format=None):
    """Return the `SAEWeights` of the files, in any of the known formats, that `load_sae` takes."""
    if format is not None:
        check_option(format, "format", tuple(FORMATS))
    name, weight_file = _recognise(existing_path(path), format)
    with open(existing_path(weight_file), "rb") as file:
        if file.read(len(_LFS)) == _LFS:
            raise ValueError(f"{weight_file}: not the weights but a pointer to them: git lfs pull.")
    return FORMATS[name].read(weight_file)


def _recognise(path, format):
    """Return the name of the format and the weight file: the only candidate there is."""
    names = FORMATS if format is None else (format,)
    if path.is_file() and format is not None:
        return format, path
    candidates = _candidates(sorted(path.iterdir()) if path.is_dir() else [path], names)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        found = enumerated([f"{file.name} ({name})" for name, file in candidates])
        raise ValueError(
            f"{path}: more than one autoencoder: {found}. Pass the path of a file, or its format."
        )
    known = "; ".join(f"{name!r} ({FORMATS[name].files})" for name in names)
    if path.is_file():
        beside = _candidates(sorted(path.parent.iterdir()), names)
        advice = f" Pass {beside[0][1]}, which is beside it." if beside else ""
        raise ValueError(
            f"{path}: no known format by its name.{advice} If it is one, say its format=. Known: "
            f"{known}."
        )
    within = _folders_within(path, names)
    if within:
        raise ValueError(
            f"{path}: no autoencoder, but folders of them: {enumerated(within)}. Pass one of these."
        )
    raise ValueError(f"{path}: no known format, found {listing(path)}. Known: {known}.")


def _candidates(files, names):
    # Links to nothing included: they are refused by name once one is to be read.
    files = [file for file in files if not file.is_dir()]
    return [
        (name, file) for name in names for file in files if file.name == FORMATS[name].filename
    ] or [(name, file) for name in names for file in files if file.suffix in FORMATS[name].suffixes]


def _folders_within(path, names):
    """Return the folders below that have a candidate, of as many as are looked at."""
    found = []
    for folder, _, files in islice(os.walk(path), _MOST_FOLDERS):
        if _candidates([Path(folder, file) for file in files], names):
            found.append(folder)
    return sorted(found)
