"""What the computation of a figure leaves on disk."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
from pathlib import Path


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
