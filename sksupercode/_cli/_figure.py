"""A figure of the paper, computed again and saved."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import logging
import warnings

import matplotlib
from rich.console import Console
from sklearn.exceptions import ConvergenceWarning


class _Printer(logging.Handler):
    """Prints what a computation says of its progress."""

    def __init__(self, console):
        super().__init__()
        self._console = console

    def emit(self, record):
        self._console.print(record.getMessage(), highlight=False)


def run(arguments):
    """Compute the figure, telling what is done, and save it.

    Raises
    ------
    ValueError
        If a checkpoint is of another configuration.
    """
    # A picture in a file needs no window.
    matplotlib.use("agg")
    console = Console()
    log, printer = logging.getLogger("sksupercode.figures"), _Printer(console)
    log.addHandler(printer)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        with console.status(f"computing figure {arguments.number}"), warnings.catch_warnings():
            # Codes that a decoder cannot explain are what is counted.
            warnings.simplefilter("ignore", ConvergenceWarning)
            figure = arguments.function(**arguments.options)
    finally:
        log.removeHandler(printer)
        log.setLevel(level)
    figure.savefig(arguments.output, dpi=150)
    console.print(f"Figure {arguments.number} is drawn in {arguments.output}.", highlight=False)
    if arguments.csv is not None:
        console.print(f"The table is written to {arguments.csv}.", highlight=False)
