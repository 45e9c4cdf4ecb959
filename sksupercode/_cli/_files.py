"""Files that the commands write."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tempfile
from itertools import combinations
from pathlib import Path


def add_checkpoint(parser, **options):
    """Add the file from which sweeps go on; ``options`` are those of ``add_argument``."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep what is measured in this file, and go on from what is there",
        **options,
    )


def check_files(parser, arguments):
    """End with a message for a picture or a table that cannot be written."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if arguments.output.suffix[1:].lower() not in formats:
        parser.error(
            f"--output must end in one of {', '.join(sorted(formats))}, got {arguments.output}"
        )
    given = {f"--{name}": getattr(arguments, name) for name in ("csv", "output", "checkpoint")}
    given = {name: path for name, path in given.items() if path is not None}
    for one, other in combinations(given, 2):
        if given[one].absolute() == given[other].absolute():
            parser.error(f"{one} and {other} must be two files, got {given[one]} for both")
    check_file(parser, arguments.output)
    check_file(parser, arguments.csv)


def check_file(parser, path):
    """End with a message for a file that cannot be written, if there is to be one."""
    if path is None:
        return
    if not path.parent.is_dir():
        parser.error(f"there is no folder {path.parent} to write {path.name} to")
    if path.is_dir():
        parser.error(f"{path} is a folder, not a file to write to")
    try:
        # Of permissions alone the superuser has all, even where there is nothing to write.
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        parser.error(f"cannot write {path}: {error}")


def save(console, sentence, path, write):
    """Write a file, and say so in a sentence that ends with its name, and what it replaces."""
    was_there = path.exists()
    write(path)
    end = ", in place of the file that was there." if was_there else "."
    console.print(f"{sentence} {path}{end}", highlight=False)
