"""Paths that are given by users: what is there, or an error that says what to do."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import re
from pathlib import Path

_MOST_NAMES = 20
_LFS = b"version https://git-lfs"


def check_path(path):
    """Return the Path of a parameter, with ``~`` for the home directory.

    Raises ValueError for what is no path, and FileNotFoundError for a link to nothing.
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be a str or a path, got {type(path).__name__}.")
    if not os.fspath(path):
        raise ValueError("path must not be empty: '.' is the current folder.")
    path = Path(os.path.expanduser(os.fsdecode(path)))
    for part in (path, *path.parents):
        if part.is_symlink() and not os.path.exists(part):
            raise FileNotFoundError(
                f"{part}: a link to {os.readlink(part)}, which does not exist. If it is in a "
                f"cache of downloads, download it again."
            )
    return path


def existing_path(path):
    """Return the Path of a parameter, as :func:`check_path`, to something that can be read.

    Raises FileNotFoundError if nothing is there, which tells a path from what may be the name of a
    repository on a hub, and PermissionError if it may not be read.
    """
    given, path = path, check_path(path)
    if not os.path.exists(path):
        parent = next(part for part in path.parents if os.path.exists(part))
        if parent.is_file():
            raise FileNotFoundError(f"{path}: {parent} is a file, not a folder.")
        _require_readable(parent)
        message = f"{path}: no such file or directory. {parent.absolute()} holds {listing(parent)}."
        raise FileNotFoundError(message + _hub_advice(given))
    _require_readable(path)
    return path


def check_is_downloaded(path):
    """Return a path as :func:`existing_path`, unless the file is what git has in place of another.

    Raises ValueError for a pointer to a large file, and for what is no file of its own: a folder,
    or a pipe or device, which may have no end.
    """
    if not existing_path(path).is_file():
        raise ValueError(f"{path}: must be a file, got a folder, pipe or device.")
    with open(path, "rb") as file:
        if file.read(len(_LFS)) == _LFS:
            raise ValueError(f"{path}: not the weights but a pointer to them: git lfs pull.")
    return path


def listing(folder):
    """Return the names of what is in a folder, for messages."""
    return enumerated(sorted(os.listdir(folder)))


def name_of(folder):
    """Return the path of a folder for messages, in which a dot alone reads as a misprint."""
    return "the current folder" if str(folder) == "." else str(folder)


def enumerated(names):
    """Return the first of many names, and how many there are."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(map(str, names[:_MOST_NAMES])) or "nothing") + more


def _require_readable(path):
    mode = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    if not os.access(path, mode):
        raise PermissionError(f"{path}: may not be read by this user: see its permissions.")


def _hub_advice(path):
    """Return how to download what looks like ``owner/name`` on a hub, or like an address of it."""
    name = re.sub(r"^(hf://|https?://[^/]+/)", "", os.fsdecode(path))
    owner, *rest = name.rstrip("/").split("/")
    if not re.fullmatch(r"([\w-][\w.-]*/?)+", name) or os.path.exists(owner):
        return ""
    call, folder = repr("/".join([owner, *rest[:1]])), "/".join(rest[1:])
    within = f" and {folder!r} behind it" if folder else ""
    if folder:
        call += f", allow_patterns={folder + '/*'!r}"
    return (
        f" If it is a name on a hub: download first, by huggingface_hub.snapshot_download({call}), "
        f"and pass the folder that this returns{within}."
    )
