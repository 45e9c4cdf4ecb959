"""The known formats, and which of them a path is in."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path

from sksupercode._utils._paths import (
    check_is_downloaded,
    enumerated,
    existing_path,
    listing,
    name_of,
)
from sksupercode._utils._validation import check_option
from sksupercode.sae._formats import (
    _bare,
    _clt,
    _dictionary_learning,
    _gemma_scope,
    _gemma_scope_2,
    _llama_scope,
    _openai,
    _saelens,
    _sparsify,
    _temporal,
)
from sksupercode.sae._formats._given import Given
from sksupercode.sae._formats._keys import format_by_keys
from sksupercode.sae._formats._npz import read_npz
from sksupercode.sae._formats._safetensors import read_safetensors
from sksupercode.sae._formats._tensors import Tensors
from sksupercode.sae._formats._torch_files import read_torch_file
from sksupercode.sae._weights import SAEWeights

_MOST_FOLDERS = 10_000


@dataclass(frozen=True)
class Format:
    """How to find the weights of one format and how to read them."""

    files: str  # what belongs to it, for messages
    load: Callable[[Path], Tensors]
    read: Callable[[Tensors, Given], SAEWeights]
    filename: str | None = None  # of the weights, a pattern perhaps

    @property
    def suffixes(self):
        """Suffixes of weight files, whatever their names."""
        return {read_npz: (".npz",), read_safetensors: (".safetensors",)}.get(
            self.load, (".pt", ".pth")
        )


_SAELENS_FILE = "sae_weights.safetensors"
_SAFE, _TORCH = read_safetensors, read_torch_file
FORMATS = {
    "saelens": Format(f"{_SAELENS_FILE} + cfg.json", _SAFE, _saelens.read, _SAELENS_FILE),
    "gemma_scope": Format("params.npz", read_npz, _gemma_scope.read, "params.npz"),
    "gemma_scope_2": Format("params.safetensors", _SAFE, _gemma_scope_2.read, "params.safetensors"),
    "sparsify": Format("sae.safetensors + cfg.json", _SAFE, _sparsify.read, "sae.safetensors"),
    "dictionary_learning": Format(
        "ae.pt + config.json", partial(_TORCH, part="ae"), _dictionary_learning.read, "ae.pt"
    ),
    "llama_scope": Format(
        "checkpoints/final.safetensors + hyperparams.json",
        _SAFE,
        _llama_scope.read_llama_scope,
        "final.safetensors",
    ),
    "llama_scope_r1": Format(
        f"{_SAELENS_FILE} + config.json", _SAFE, _llama_scope.read_llama_scope_r1
    ),
    "qwen_scope": Format("layer*.sae.pt", _TORCH, _bare.read_qwen_scope, "layer*.sae.pt"),
    "qwen_transcoder": Format("layer_*.safetensors", _SAFE, _bare.read_qwen_transcoder),
    "clt": Format(
        "W_enc_*.safetensors + W_dec_*.safetensors", _SAFE, _clt.read, "W_enc_*.safetensors"
    ),
    "temporal": Format("latest_ckpt.safetensors", _SAFE, _temporal.read, "latest_ckpt.safetensors"),
    "hook_z": Format("a .pt file + ..._cfg.json", _TORCH, _bare.read_hook_z),
    "goodfire": Format("a .pt file", _TORCH, _bare.read_goodfire),
    "deepseek_r1": Format("a .pt file", _TORCH, _bare.read_deepseek_r1),
    "openai": Format("a .pt file", _TORCH, _openai.read),
}
_OWN = (
    "Arrays of no format: SparseAutoencoder.from_weights takes them as sksupercode.sae.SAEWeights."
)
# What files may be whose names say no more. Keys decide between the formats of one suffix.
_BY_SUFFIX = {".npz": "gemma_scope", ".pt": "openai", ".pth": "openai", ".safetensors": None}


def read_weights(path, *, format=None, given=None):
    """Return the `SAEWeights` of the files, in any of the known formats, that `load_sae` takes."""
    if format is not None:
        check_option(format, "format", tuple(FORMATS))
    given = Given() if given is None else given
    name, path = _recognise(existing_path(path), format)
    check_is_downloaded(path)
    tensors = (read_safetensors if name is None else FORMATS[name].load)(path)
    if name in (None, "openai") and format is None:
        name = format_by_keys(tensors)
    if name is None:
        raise ValueError(
            f"{path}: no known format by its keys: it holds {tensors.listing()}. If it is one, say "
            f"its format=. Known: {_known(FORMATS)}. {_OWN}"
        )
    try:
        return FORMATS[name].read(tensors, given)
    except (FileNotFoundError, ValueError) as error:
        if format is not None or _by_name(path) is not None:
            raise
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
        raise kind(
            f"{error} The file was taken for {_known([name])}: if it is of another format, say its "
            f"format=. {_OWN}"
        ) from error


def _by_name(path):
    """Return the format of a file by its name and by what lies beside it, or None."""
    for name, format in FORMATS.items():
        if format.filename is not None and fnmatchcase(path.name, format.filename):
            beside = path.with_name
            is_r1 = beside("config.json").is_file() and not os.path.lexists(beside("cfg.json"))
            return "llama_scope_r1" if name == "saelens" and is_r1 else name
    if path.suffix in (".pt", ".pth") and _bare.hook_z_config(path).is_file():
        return "hook_z"
    return None


def _known(names):
    return "; ".join(f"{name!r} ({FORMATS[name].files})" for name in names)


def _recognise(path, format):
    """Return the name of the format and the weight file: the only candidate there is."""
    names = FORMATS if format is None else (format,)
    if path.is_file() and format is not None:
        return format, path
    candidates = _candidates(_files(path) if path.is_dir() else [path], format)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        found = enumerated(
            [f"{file.name} ({name})" if name else file.name for name, file in candidates]
        )
        raise ValueError(
            f"{name_of(path)}: more than one autoencoder: {found}. Pass the path of a file, or its "
            f"format."
        )
    if path.is_file():
        beside = _candidates(_files(path.parent), format)
        advice = f" Pass {beside[0][1]}, which is beside it." if beside else ""
        raise ValueError(
            f"{path}: no known format by its name.{advice} If it is one, say its format=. Known: "
            f"{_known(names)}."
        )
    within = _folders_within(path, format)
    if within:
        raise ValueError(
            f"{name_of(path)}: no autoencoder, but folders of them: {enumerated(within)}. Pass one "
            f"of these."
        )
    raise ValueError(
        f"{name_of(path)}: no known format, found {listing(path)}. Known: {_known(names)}."
    )


def _files(folder):
    """The files of a folder, and the one of Llama Scope, which is a level below.

    Hidden ones are no weights: systems and downloads leave them beside.
    """
    below = folder / "checkpoints" / "final.safetensors"
    shown = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    return [*shown, *([below] if below.is_file() else [])]


def _candidates(files, format):
    """Return names of formats and files: those with a known name, or else with a known suffix."""
    # Links to nothing included: they are refused by name once one is to be read.
    files = [file for file in files if not file.is_dir()]
    named = [(_by_name(file), file) for file in files]
    named = [(name, file) for name, file in named if name and format in (None, name)]
    if named:
        return sorted(named, key=lambda candidate: list(FORMATS).index(candidate[0]))
    suffixes = _BY_SUFFIX
    if format is not None:
        suffixes = dict.fromkeys(FORMATS[format].suffixes, format)
    return [(suffixes[file.suffix], file) for file in files if file.suffix in suffixes]


def _folders_within(path, format):
    """Return the folders below that have a candidate, of as many as are looked at."""
    found = []
    for folder, _, files in islice(os.walk(path), _MOST_FOLDERS):
        if _candidates([Path(folder, file) for file in files], format):
            found.append(folder)
    return sorted(found)
