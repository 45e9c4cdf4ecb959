"""Zip archives, which npz files and those of PyTorch are, checked before they are read."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import zipfile
from contextlib import contextmanager


@contextmanager
def open_archive(path, *, max_ratio):
    """Open an archive, and turn every error while it is read into a ``ValueError``.

    Its members have together at most ``max_ratio`` times the size of the file, and are as large as
    they say when read, or their checksum raises an error.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(set(names)) < len(names):
                raise ValueError("two members have the same name")
            total, size = sum(member.file_size for member in members), path.stat().st_size
            if total > max_ratio * size:
                raise ValueError(f"members of {total} bytes in a file of {size}")
            yield archive
    # zipfile raises what its parsers happen to stumble over.
    except Exception as error:
        raise ValueError(f"{path}: not a valid archive: {error}") from error
