"""Arguments of the command that measures the decoder frontier."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from pathlib import Path

from sksupercode._cli._decoders import add_values, check_values
from sksupercode._cli._files import add_checkpoint
from sksupercode.model_selection._frontier_decoders import default_decoders

_SIZES = [(256, 4), (4096, 32), (65536, 64), (65536, 1024)]
_FULL = {"sizes": _SIZES, "trials": 800, "time_limit": 60.0}
_QUICK = {"sizes": [(256, 4), (1024, 8)], "trials": 240, "time_limit": 1.5}


def add_frontier(commands):
    """Add the command ``frontier``, and return its parser."""
    names = list(default_decoders())
    parser = commands.add_parser(
        "frontier",
        help="measure the bits per dimension of every decoder, and stop",
        description="Measure the bits per dimension that every decoder reaches with 90 % exact "
        "recovery, with 95 % intervals, beside what theory expects.",
    )
    add = parser.add_argument
    add(
        "--sizes",
        nargs="+",
        type=_size,
        metavar="N:K",
        help=f"numbers of codewords, and of those in a sample (default: {_text(_FULL['sizes'])})",
    )
    add(
        "--decoders",
        nargs="+",
        choices=names,
        metavar="NAME",
        help="which to measure: " + ", ".join(names) + " (default: all)",
    )
    add_values(parser, default=argparse.SUPPRESS)
    add(
        "--trials",
        type=int,
        metavar="T",
        help=f"samples for a decoder at one size (default: {_FULL['trials']})",
    )
    add(
        "--time-limit",
        type=float,
        metavar="S",
        help="seconds for a decoder at one size, roughly: slow ones get fewer samples "
        f"(default: {_FULL['time_limit']:g})",
    )
    add(
        "--quick",
        action="store_true",
        help=f"without other instructions, --sizes {_text(_QUICK['sizes'])} "
        f"--trials {_QUICK['trials']} --time-limit {_QUICK['time_limit']:g}",
    )
    add(
        "--output",
        type=Path,
        default=argparse.SUPPRESS,
        help="picture to save (default: decoder_frontier.png)",
    )
    add(
        "--csv",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="also write the table to this file",
    )
    add_checkpoint(parser, default=argparse.SUPPRESS)
    add(
        "--seed", type=int, default=argparse.SUPPRESS, help="seed of everything random (default: 0)"
    )
    parser.set_defaults(parser=parser)
    return parser


def complete_frontier(parser, arguments):
    """Fill in what was left out, and end with a message for what cannot be run."""
    for name, value in (_QUICK if arguments.quick else _FULL).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    if arguments.decoders is None:
        arguments.decoders = list(default_decoders(arguments.values))
    check_values(parser, arguments)
    if arguments.trials < 1:
        parser.error(f"--trials must be at least 1, got {arguments.trials}")
    if not arguments.time_limit > 0:
        parser.error(f"--time-limit must be positive, got {arguments.time_limit}")


def _size(text):
    """Read ``N:K``."""
    try:
        n_features, k = (int(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not N:K, such as 1024:8") from None
    if not 1 <= k <= n_features <= 2**30:
        raise argparse.ArgumentTypeError(f"K must be from 1 to N, and N at most 2**30, got {text}")
    return n_features, k


def _text(sizes):
    return " ".join(f"{n_features}:{k}" for n_features, k in sizes)
