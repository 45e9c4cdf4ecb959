"""Arguments of the command that draws the figures of the paper."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import inspect
from pathlib import Path

_MISSING = {
    "checkpoint": "keeps no checkpoint",
    "csv": "has no table",
    "n_jobs": "takes one process",
}


def figures():
    """Return the functions that draw the figures, by number."""
    from sksupercode import figures

    names = (name for name in figures.__all__ if name.startswith("figure_"))
    return {int(name.removeprefix("figure_")): getattr(figures, name) for name in sorted(names)}


def add_figure(commands):
    """Add the command."""
    parser = commands.add_parser(
        "figure",
        help="compute a figure of the paper again, and stop",
        description="Compute a figure of the paper again, and save it as figure_N.png: in a "
        "minute at a small size, or in full.",
    )
    add = parser.add_argument
    add("number", type=int, metavar="N", help="the number of the figure in the paper, from 1 to 6")
    add("--full", action="store_true", help="the size of the paper, which may take hours")
    add(
        "--output",
        type=Path,
        default=argparse.SUPPRESS,
        help="picture to save (default: figure_N.png)",
    )
    add(
        "--csv",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="also write the table to this file",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="PATH",
        help="where to keep what is finished; the same command goes on from there",
    )
    add(
        "--n-jobs",
        type=int,
        default=argparse.SUPPRESS,
        metavar="J",
        help="processes (default: 1)",
    )
    add(
        "--seed",
        type=int,
        default=argparse.SUPPRESS,
        help="seed of everything random (default: 0)",
    )
    parser.set_defaults(parser=parser)


def complete_figure(parser, arguments):
    """Find the function and its options, and end with a message for what cannot be run."""
    functions = figures()
    if arguments.number not in functions:
        numbers = ", ".join(map(str, functions))
        parser.error(f"N must be one of {numbers}, got {arguments.number}")
    if arguments.n_jobs == 0:
        parser.error("--n-jobs must not be 0")
    arguments.function = functions[arguments.number]
    options = {
        "full": arguments.full,
        "random_state": arguments.seed,
        "n_jobs": arguments.n_jobs,
        "checkpoint": arguments.checkpoint,
        "csv": arguments.csv,
    }
    known = inspect.signature(arguments.function).parameters
    for name, what in _MISSING.items():
        if options[name] not in (None, 1) and name not in known:
            option = name.replace("_", "-")
            parser.error(f"--{option} is not for figure {arguments.number}, which {what}")
    arguments.options = {name: value for name, value in options.items() if name in known}
