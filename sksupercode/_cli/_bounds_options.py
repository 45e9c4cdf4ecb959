"""Arguments of the command that prints what theory says for one N and k."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import math
from pathlib import Path

from sksupercode._cli._files import check_file


def add_bounds(commands):
    """Add the command ``bounds``, and return its parser."""
    parser = commands.add_parser(
        "bounds",
        help="print what theory says for one N and k, and stop",
        description="Print every limit, and the dimensions that each decoder needs for exact "
        "recovery, as theory predicts them.",
    )
    add = parser.add_argument
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument(
        "--noise-variance",
        type=float,
        default=0.0,
        metavar="V",
        help="of Gaussian noise, on each coordinate of the code (default: %(default)g)",
    )
    noise.add_argument(
        "--snr",
        type=float,
        metavar="R",
        help="in place of a variance, the ratio of the code's power to that of the noise, not in "
        "dB: what noise_variance=1/R and relative=True are in Python",
    )
    add(
        "--probability",
        nargs="+",
        type=float,
        default=[0.5, 0.9],
        metavar="P",
        help="rates of exact recovery to predict; guarantees are for the largest "
        "(default: 0.5 0.9)",
    )
    add(
        "--csv",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="also write the tables to this file",
    )
    parser.set_defaults(parser=parser)
    return parser


def check_bounds(parser, arguments):
    """End with a message for what cannot be computed or written."""
    if not 0 <= arguments.noise_variance < math.inf:
        parser.error(f"--noise-variance must be at least 0, got {arguments.noise_variance}")
    if arguments.snr is not None and not 1e-9 <= arguments.snr <= 1e9:
        parser.error(f"--snr must be from 1e-9 to 1e9, got {arguments.snr}")
    for rate in arguments.probability:
        if not 0 < rate < 1:
            parser.error(f"--probability must be between 0 and 1, got {rate}")
    check_file(parser, arguments.csv)
