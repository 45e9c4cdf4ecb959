"""Arguments of the command line, and the order of things."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import importlib.util
import sys
from pathlib import Path

from sksupercode._cli._bounds_options import add_bounds, check_bounds
from sksupercode._cli._compare_options import add_compare, complete_compare
from sksupercode._cli._decoders import SWEPT, add_values, check_values
from sksupercode._cli._files import add_checkpoint, check_files
from sksupercode._cli._frontier_options import add_frontier, complete_frontier
from sksupercode.model_selection._frontier_decoders import default_decoders

_OUTPUT = Path("recovery_curves.png")
# The exit status of what ended by the signal 2.
_INTERRUPTED = 128 + 2
# Commands that go on from a checkpoint.
_RESUMED = (None, "frontier")
_OUTPUTS = {"frontier": "decoder_frontier.png", "compare": "decoders.png"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are two lines, without the list of all options; commands have it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\nTry '{self.prog} --help'.\n")


def main(argv=None):
    """Run the command line and return its exit status."""
    whole = build_parser()
    arguments, unknown = whole.parse_known_args(argv)
    parser = arguments.parser
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    refuse_others_options(whole, parser, arguments)
    needed = ["rich"] if arguments.command == "bounds" else ["matplotlib", "rich"]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        parser.error(
            f"the command line needs {' and '.join(missing)}: "
            'python -m pip install ".[cli]" in its sources'
        )
    check_sizes(parser, arguments)
    if arguments.output is _OUTPUT and arguments.command in _OUTPUTS:
        arguments.output = Path(_OUTPUTS[arguments.command])
    try:
        _COMMANDS[arguments.command](parser, arguments)
    except KeyboardInterrupt:
        print(_interrupted(arguments), file=sys.stderr)
        return _INTERRUPTED
    return 0


def _interrupted(arguments):
    """Return the last line of a command that was interrupted."""
    if arguments.command in _RESUMED and arguments.checkpoint is not None:
        return f"interrupted: the same command goes on from what is in {arguments.checkpoint}"
    return "interrupted"


def measure_frontier(parser, arguments):
    """Measure the decoder frontier, print it and draw it."""
    from sksupercode._cli._frontier import run

    complete_frontier(parser, arguments)
    check_files(parser, arguments)
    try:
        run(arguments)
    except ValueError as error:
        parser.error(str(error))


def sweep(parser, arguments):
    """Measure recovery curves, and read real passages back."""
    from sksupercode._cli._sweep import run

    check_arguments(parser, arguments)
    check_files(parser, arguments)
    try:
        run(arguments)
    except ValueError as error:
        parser.error(str(error))


def build_parser():
    """Return the parser of the command line, with all commands."""
    decoders = list(default_decoders())
    parser = Parser(
        prog="python -m sksupercode",
        description="Sweep the dimension of superposition codes against exact recovery: random "
        "codes with several decoders, then real passages of text as sets of words.",
    )
    parser.set_defaults(parser=parser)
    add_sizes(parser)
    add = parser.add_argument
    add(
        "--decoders",
        nargs="+",
        choices=decoders,
        default=list(SWEPT),
        metavar="NAME",
        help=f"which to sweep, of {', '.join(decoders)} (default: {' '.join(SWEPT)})",
    )
    add_values(parser, default="binary")
    add(
        "--dimensions",
        nargs="+",
        type=int,
        metavar="D",
        help="dimensions to try, instead of ten around the transition of each decoder",
    )
    add(
        "--trials",
        type=int,
        default=100,
        metavar="T",
        help="samples for each dimension, and half the number of passages (default: %(default)s)",
    )
    add("--no-passages", action="store_true", help="leave the real passages out")
    add("--output", type=Path, default=_OUTPUT, help="picture to save (default: %(default)s)")
    add("--csv", type=Path, metavar="FILE", help="also write the table to this file")
    add_checkpoint(parser)
    help = "number of jobs in parallel (default: %(default)s)"
    add("--n-jobs", type=int, default=1, metavar="J", help=help)
    commands = parser.add_subparsers(dest="command", metavar="command")
    # What is given before the command holds for it as well.
    add_sizes(add_bounds(commands), keep=True)
    add_frontier(commands)
    add_compare(commands)
    return parser


def add_sizes(parser, *, keep=False):
    """Add the options that all commands share; ``keep`` leaves values that are already there."""

    def add(name, *, default, help, **options):
        help = f"{help} (default: {default})"
        default = argparse.SUPPRESS if keep else default
        parser.add_argument(name, type=int, default=default, help=help, **options)

    add("--n-features", default=1024, metavar="N", help="number of codewords")
    add("--n-nonzero-coefs", default=8, metavar="K", help="codewords in a sample")
    add("--seed", default=0, help="seed of everything random")


def refuse_others_options(whole, parser, arguments):
    """End with a message for what was given before a command that has no such option."""
    known = {action.dest for action in parser._actions}
    for action in whole._actions:
        if action.dest not in known and action.option_strings:
            if getattr(arguments, action.dest, action.default) != action.default:
                parser.error(f"{action.option_strings[0]} is no option of this command")


def check_sizes(parser, arguments):
    """End with a message for an N, k or seed that is out of range."""
    if not 1 <= arguments.n_features <= 2**60:
        parser.error(f"--n-features must be between 1 and 2**60, got {arguments.n_features}")
    if not 1 <= arguments.n_nonzero_coefs <= arguments.n_features:
        parser.error(
            f"--n-nonzero-coefs must be between 1 and --n-features ({arguments.n_features}), "
            f"got {arguments.n_nonzero_coefs}"
        )
    if arguments.seed < 0:
        parser.error(f"--seed must be at least 0, got {arguments.seed}")


def print_bounds(parser, arguments):
    """Print the tables of the command ``bounds``."""
    from sksupercode._cli._bounds import run

    check_bounds(parser, arguments)
    run(arguments)


def compare(parser, arguments):
    """Compare decoders on activations, and end with a message for activations that are no use."""
    from sksupercode._cli._compare import run

    check_files(parser, arguments)
    complete_compare(parser, arguments)
    try:
        run(arguments)
    except ValueError as error:
        parser.error(str(error))


def check_arguments(parser, arguments):
    """End with a message for numbers that cannot be run."""
    check_values(parser, arguments)
    if arguments.dimensions is not None and min(arguments.dimensions) < 1:
        parser.error(f"--dimensions must be at least 1, got {min(arguments.dimensions)}")
    if arguments.trials < 2:
        parser.error(f"--trials must be at least 2, got {arguments.trials}")
    if arguments.n_jobs == 0:
        parser.error("--n-jobs must not be 0")


_COMMANDS = {None: sweep, "bounds": print_bounds, "frontier": measure_frontier, "compare": compare}
