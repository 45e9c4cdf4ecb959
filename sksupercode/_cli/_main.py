"""Arguments of the command line, and the order of things."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import importlib.util
import math
import tempfile
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from sksupercode._cli._compare_options import add_compare, complete_compare
from sksupercode._cli._frontier_options import add_frontier, complete_frontier
from sksupercode.datasets import make_sparse_codes

_OUTPUT = Path("recovery_curves.png")
_OUTPUTS = {
    "frontier": "decoder_frontier.png",
    "compare": "decoders.png",
}


def main(argv=None):
    """Run the command line and return its exit status."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    parser = arguments.parser
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
    if arguments.command == "bounds":
        print_bounds(parser, arguments)
        return 0
    if arguments.command == "frontier":
        from sksupercode._cli._frontier import run

        complete_frontier(parser, arguments)
        check_files(parser, arguments)
        run(arguments)
        return 0
    if arguments.command == "compare":
        compare(parser, arguments)
        return 0
    check_arguments(parser, arguments)
    check_files(parser, arguments)
    # Samples that a pursuit cannot explain are what the sweep is there to count.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        run_sweeps(arguments)
    return 0


def build_parser():
    """Return the parser of the command line."""
    from sksupercode._cli._sweep import DECODERS

    parser = argparse.ArgumentParser(
        prog="python -m sksupercode",
        description="Sweep the dimension of superposition codes against exact recovery: random "
        "codes with every decoder, then real passages of text as sets of words.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(parser=parser)
    add_sizes(parser)
    add = parser.add_argument
    add(
        "--decoders",
        nargs="+",
        choices=DECODERS,
        default=list(DECODERS),
        metavar="NAME",
        help="which to sweep: " + ", ".join(DECODERS),
    )
    add(
        "--dimensions",
        nargs="+",
        type=int,
        metavar="D",
        help="dimensions to try, instead of a grid around each decoder's rule of thumb",
    )
    add(
        "--trials",
        type=int,
        default=100,
        metavar="T",
        help="samples for each dimension, and half the number of passages",
    )
    add("--output", type=Path, default=_OUTPUT, help="picture to save")
    add("--csv", type=Path, metavar="FILE", help="also write the table to this file")
    add("--n-jobs", type=int, default=1, metavar="J", help="threads of the grid search")
    commands = parser.add_subparsers(dest="command", metavar="command")
    bounds = commands.add_parser(
        "bounds",
        help="print what theory says for one N and k, and stop",
        description="Print every limit, and the dimensions that each decoder needs for exact "
        "recovery, as theory predicts them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    bounds.set_defaults(parser=bounds)
    # What is given before the command holds for it as well.
    add_sizes(bounds, keep=True)
    bounds.add_argument(
        "--noise-variance", type=float, default=0.0, metavar="V", help="per coordinate of the code"
    )
    add_frontier(commands)
    add_compare(commands)
    return parser


def add_sizes(parser, *, keep=False):
    """Add the options that all commands share; ``keep`` leaves values that are already there."""

    def add(name, *, default, help, **options):
        help = f"{help} (default: {default})" if keep else help
        default = argparse.SUPPRESS if keep else default
        parser.add_argument(name, type=int, default=default, help=help, **options)

    add("--n-features", default=1024, metavar="N", help="number of codewords")
    add("--n-nonzero-coefs", default=8, metavar="K", help="codewords in a sample")
    add("--seed", default=0, help="seed of everything random")


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
    """Print the tables of ``bounds``."""
    from rich.console import Console

    from sksupercode._cli._bounds import bounds_tables

    if not 0 <= arguments.noise_variance < math.inf:
        parser.error(f"--noise-variance must be at least 0, got {arguments.noise_variance}")
    console = Console()
    with console.status("predicting"):
        tables = bounds_tables(
            arguments.n_features,
            arguments.n_nonzero_coefs,
            arguments.noise_variance,
            arguments.seed,
        )
    for table in tables:
        console.print(table)


def compare(parser, arguments):
    """Compare decoders on activations, and end with a message for activations that are no use."""
    from sksupercode._cli._compare import run

    check_files(parser, arguments)
    complete_compare(parser, arguments)
    try:
        run(arguments)
    except ValueError as error:
        parser.error(f"--activations {arguments.activations}: {error}")


def check_arguments(parser, arguments):
    """End with a message for numbers that cannot be run."""
    if arguments.dimensions is not None and min(arguments.dimensions) < 1:
        parser.error(f"--dimensions must be at least 1, got {min(arguments.dimensions)}")
    if arguments.trials < 2:
        parser.error(f"--trials must be at least 2, got {arguments.trials}")
    if arguments.n_jobs == 0:
        parser.error("--n-jobs must not be 0")


def check_files(parser, arguments):
    """End with a message for files that cannot be written."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if arguments.output.suffix[1:].lower() not in formats:
        parser.error(
            f"--output must end in one of {', '.join(sorted(formats))}, got {arguments.output}"
        )
    if arguments.csv is not None and arguments.csv.absolute() == arguments.output.absolute():
        parser.error(f"--csv and --output must be two files, got {arguments.csv} for both")
    for path in (arguments.output, arguments.csv):
        if path is not None and not path.parent.is_dir():
            parser.error(f"there is no folder {path.parent} to write {path.name} to")
        if path is not None and path.is_dir():
            parser.error(f"{path} is a folder, not a file to write to")
        if path is not None:
            try:
                # Of permissions alone the superuser has all, even where there is nothing to write.
                tempfile.TemporaryFile(dir=path.parent).close()
            except OSError as error:
                parser.error(f"cannot write {path}: {error}")


def run_sweeps(arguments):
    """Sweep random codes, then real passages, and report both."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from sksupercode._cli import _report as report
    from sksupercode._cli._passages import store_passages
    from sksupercode._cli._sweep import N_FOLDS, default_dimensions, sweep

    n_features, n_nonzero_coefs = arguments.n_features, arguments.n_nonzero_coefs
    codes = make_sparse_codes(
        arguments.trials,
        n_features,
        n_nonzero_coefs=n_nonzero_coefs,
        random_state=arguments.seed,
    )
    dimensions = {
        name: sorted(set(arguments.dimensions))
        if arguments.dimensions
        else default_dimensions(name, n_features, n_nonzero_coefs)
        for name in dict.fromkeys(arguments.decoders)
    }
    console = Console()
    bar = Progress(
        TextColumn("{task.description:16}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )

    def start(description, n_dimensions):
        task = bar.add_task(description, total=n_dimensions * N_FOLDS)
        return lambda: bar.advance(task)

    with bar:
        curves = [
            sweep(
                name,
                codes,
                grid,
                seed=arguments.seed,
                n_jobs=arguments.n_jobs,
                advance=start(name, len(grid)),
            )
            for name, grid in dimensions.items()
        ]
        passages = store_passages(
            2 * arguments.trials,
            seed=arguments.seed,
            n_jobs=arguments.n_jobs,
            start=lambda n_dimensions: start("real passages", n_dimensions),
        )

    title = f"N = {n_features}, k = {n_nonzero_coefs}, {arguments.trials} trials a point"
    rows = report.summarize(curves, n_features, n_nonzero_coefs)
    console.print(report.recovery_table(rows, f"Exact recovery, {title}"))
    report.draw_curves(curves, f"Superposition codes, {title}", arguments.output)
    console.print(f"The recovery curves are drawn in {arguments.output}.", highlight=False)
    if arguments.csv is not None:
        report.write_csv(rows, arguments.csv)
        console.print(f"The table is written to {arguments.csv}.", highlight=False)
    console.print()
    console.print(report.passages_table(passages))
    console.print(report.passages_summary(passages), highlight=False)
