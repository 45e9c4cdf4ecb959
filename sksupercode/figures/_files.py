"""What the computation of a figure leaves on disk."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import os
import tempfile
from pathlib import Path

from sksupercode.plotting._base import import_pyplot


def check_outputs(csv=None, checkpoint=None):
    """Refuse, before anything is computed, what could not be drawn or written in the end."""
    import_pyplot()
    for name, path in {"csv": csv, "checkpoint": checkpoint}.items():
        if path is not None and not isinstance(path, str | os.PathLike):
            raise ValueError(f"{name} must be None or a path, got {path!r}.")
    if csv is not None and not Path(csv).absolute().parent.is_dir():
        raise ValueError(f"csv={str(csv)!r} is in a folder that does not exist.")
    if None not in (csv, checkpoint) and Path(checkpoint).resolve().is_relative_to(
        Path(csv).resolve()
    ):
        raise ValueError(
            f"csv and checkpoint must be two paths, got {str(csv)!r} and {str(checkpoint)!r}."
        )
    if csv is not None and Path(csv).is_dir():
        raise ValueError(f"csv={str(csv)!r} is a folder; it must be a file, or new.")
    if csv is not None:
        try:
            tempfile.TemporaryFile(dir=Path(csv).absolute().parent).close()
        except OSError as error:
            raise ValueError(f"csv={str(csv)!r} cannot be written: {error}.") from error
    if checkpoint is not None and Path(checkpoint).is_file():
        raise ValueError(f"checkpoint={str(checkpoint)!r} is a file; it must be a folder, or new.")


def sweep_file(folder, name):
    """Return the checkpoint of one sweep in a folder, which is made; None stays None."""
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder, f"{name.replace(' ', '-')}.sqlite")


def write_table(rows, path):
    """Write dicts with the same keys as comma-separated values, floats to six digits."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in row.values())
