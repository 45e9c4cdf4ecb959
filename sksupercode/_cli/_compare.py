"""A sparse autoencoder beside decoders that use its codewords, on activations in a file."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import closing

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

from sksupercode._cli._compare_options import DECODERS
from sksupercode._utils._progress import track
from sksupercode._utils._tables import write_csv
from sksupercode.metrics import mean_l0
from sksupercode.sae import compare_decoders

COLUMNS = ("decoder", "L0", "FVU", "cosine", "dead_latents", "seconds_per_sample")
_BLOCK_SIZE = 250


class Samples:
    """Some rows of a mapped array, which says how many of them were asked for.

    Parameters
    ----------
    X : memmap of shape (n_rows, d)
        The array.

    max_samples : int
        If there are more rows, so many of them, evenly spaced, are the samples.

    progress : callable
        Is given the number of samples before each block that is read.

    Raises
    ------
    ValueError
        If a block that is read contains NaN or infinity.
    """

    def __init__(self, X, max_samples, progress=lambda n_samples: None):
        n_samples = min(len(X), max_samples)
        self._X, self._progress = X, progress
        self._rows = np.linspace(0, len(X) - 1, n_samples).round().astype(np.intp)
        self.shape = (n_samples, X.shape[1])

    def __getitem__(self, rows):
        start, stop, _ = rows.indices(len(self._rows))
        self._progress(start)
        block = self._X[self._rows[start:stop]]
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            row = self._rows[start + np.argmin(is_finite)]
            raise ValueError(f"row {row} (the first is row 0) contains NaN or infinity")
        return block


def numbers_of_latents(sae, X):
    """Return half, once and twice the mean L0 of an autoencoder, in whole numbers from 1 to N."""
    k = mean_l0(sae.transform(X))
    n_latents = sae.estimator.n_latents_
    return sorted({int(np.clip(round(factor * k), 1, n_latents)) for factor in (0.5, 1, 2)})


def comparison_table(rows, title, caption):
    """Return the comparison as a table for the terminal."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption=caption,
        caption_justify="left",
    )
    table.add_column("decoder", no_wrap=True)
    for heading in ("L0", "FVU", "cosine", "dead", "ms/sample"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = None
    for row in rows:
        name, l0, fvu, cosine, dead, seconds = (row[key] for key in COLUMNS)
        cells = f"{l0:.1f}", f"{fvu:.4f}", f"{cosine:.4f}", f"{dead}", f"{1000 * seconds:.3g}"
        table.add_row("" if name == last else name, *cells)
        last = name
    return table


def draw(comparison, title, path):
    """Draw the fraction of variance unexplained against L0."""
    from matplotlib.figure import Figure

    from sksupercode.plotting import ParetoDisplay

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    display = ParetoDisplay.from_result(comparison, ax=figure.subplots())
    ax = display.ax_
    # Whatever is worse than the mean activation is in the table alone.
    ax.set_ylim(top=min(1.0, ax.get_ylim()[1]))
    ax.set_title(title)
    figure.savefig(path, dpi=150)


def run(arguments):
    """Compare the decoders, print the table, and save what was asked for.

    Raises
    ------
    ValueError
        If activations are not finite.
    """
    sae, X = arguments.autoencoder, arguments.X
    console = Console()
    few = Samples(X, arguments.max_samples)
    n_blocks = -(-few.shape[0] // _BLOCK_SIZE)
    bar = track(iter(range(n_blocks)), "Blocks of samples", n_blocks, verbose=True)
    with closing(bar), warnings.catch_warnings():
        # Samples that a pursuit explains entirely, or cannot, are counted like others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        comparison = compare_decoders(
            {name: DECODERS[name](sae) for name in dict.fromkeys(arguments.decoders)},
            Samples(X, arguments.max_samples, lambda _: next(bar, None)),
            targets=None if arguments.Y is None else Samples(arguments.Y, arguments.max_samples),
            n_nonzero_coefs=arguments.numbers_of_latents
            or numbers_of_latents(sae, few[:_BLOCK_SIZE]),
            block_size=_BLOCK_SIZE,
        )
        next(bar, None)  # the last block is finished
    rows = comparison
    if hasattr(comparison, "to_dict"):
        rows = comparison.reset_index().to_dict("records")
    autoencoder = sae.estimator
    architecture = autoencoder.weights_.architecture
    title = f"{architecture}, N = {autoencoder.n_latents_:,}, d = {X.shape[1]:,}"
    caption = f"On {few.shape[0]:,} samples"
    if few.shape[0] < len(X):
        caption += f" of {len(X):,}, evenly spaced (--max-samples)"
    caption += ". FVU: fraction of variance unexplained; dead: never active."
    console.print(comparison_table(rows, f"Decoders at equal L0, {title}", caption))
    draw(comparison, f"Sparse autoencoder: {title}", arguments.output)
    console.print(f"The comparison is drawn in {arguments.output}.", highlight=False)
    if arguments.csv is not None:
        write_csv(rows, arguments.csv, COLUMNS)
        console.print(f"The table is written to {arguments.csv}.", highlight=False)
