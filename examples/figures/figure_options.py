"""Options that the scripts of the figures share, and the files that they write."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import csv
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np


def parse_options(description):
    """Return the options of the command line, once what they name can be written."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--full", action="store_true", help="the size of the original figure, which may take hours")
    add("--output", type=Path, help="picture to save, instead of a window")
    add("--csv", type=Path, metavar="FILE", help="also write the table to this file")
    add(
        "--checkpoint",
        type=Path,
        metavar="FOLDER",
        help="where to keep what is finished; the same command goes on from there",
    )
    add("--trials", type=int, metavar="T", help="codes for each point, for a draft")
    add("--n-jobs", type=int, default=2, metavar="J", help="processes (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed of everything random (default: %(default)s)")
    options = parser.parse_args()
    if options.n_jobs == 0:
        parser.error("--n-jobs must not be 0")
    if options.trials is not None and options.trials < 2:
        parser.error(f"--trials must be at least 2, got {options.trials}")
    if options.seed < 0:
        parser.error(f"--seed must be at least 0, got {options.seed}")
    _check_files(parser, options)
    return options


def _check_files(parser, options):
    formats = plt.figure().canvas.get_supported_filetypes()
    plt.close()
    if options.output is not None and options.output.suffix[1:].lower() not in formats:
        parser.error(f"--output must end in one of {', '.join(formats)}, got {options.output}")
    files = {name: getattr(options, name) for name in ("output", "csv") if getattr(options, name)}
    if len({path.resolve() for path in files.values()}) < len(files):
        parser.error(f"--csv and --output must be two files, got {options.csv} for both")
    for name, path in files.items():
        if not path.absolute().parent.is_dir():
            parser.error(f"--{name} {path} is in a folder that does not exist")
        if path.is_dir():
            parser.error(f"--{name} {path} is a folder, not a file to write to")
        if options.checkpoint and options.checkpoint.resolve().is_relative_to(path.resolve()):
            parser.error(f"--{name} and --checkpoint must be two paths, got {path} for both")
        try:
            tempfile.TemporaryFile(dir=path.absolute().parent).close()
        except OSError as error:
            parser.error(f"--{name} {path} cannot be written: {error}")
    if options.checkpoint is not None:
        try:
            options.checkpoint.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--checkpoint {options.checkpoint} must be a folder, or new: {error}")


def checkpoint_file(options, name):
    """Return the file in the folder of ``--checkpoint`` that keeps one sweep, if any does."""
    return options.checkpoint and options.checkpoint / f"{name.replace(' ', '-')}.sqlite"


def columns(rows, *keys):
    """Return an array of the values for each key, of rows that are dicts."""
    return [np.array([row[key] for row in rows]) for key in keys]


def read_table(name):
    """Return the rows of a table that is kept beside the scripts; an empty cell is None."""
    with Path(__file__).with_name(name).open(newline="", encoding="utf-8") as file:
        return [
            {
                key: text if key == "decoder" else float(text) if text else None
                for key, text in row.items()
            }
            for row in csv.DictReader(file)
        ]


def finish(figure, rows, options):
    """Write the table and the picture, or show the picture."""
    if options.csv is not None:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for row in rows:
                writer.writerow(
                    {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
                )
    if options.output is None:
        plt.show()
    else:
        figure.savefig(options.output, dpi=150)
