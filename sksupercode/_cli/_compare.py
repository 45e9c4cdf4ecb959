"""A sparse autoencoder beside decoders that use its codewords, on activations in a file."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import closing

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

from sksupercode._cli._compare_files import Samples
from sksupercode._cli._compare_options import AUCS, COLUMNS, DECODERS, TRUTH
from sksupercode._utils._progress import track
from sksupercode._utils._tables import write_csv
from sksupercode.metrics import mean_l0
from sksupercode.sae import compare_decoders

_BLOCK_SIZE = 250
_HEADINGS = {"sample_error": "error", "dead_latents": "dead", "seconds_per_sample": "ms/sample"}


def numbers_of_latents(sae, X):
    """Return half, once and twice the mean L0 of an autoencoder, in whole numbers from 1 to N."""
    k = mean_l0(sae.transform(X))
    n_latents = sae.estimator.n_latents_
    return sorted({int(np.clip(round(factor * k), 1, n_latents)) for factor in (0.5, 1, 2)})


def comparison_table(rows, columns, title, caption=None):
    """Return some columns of the comparison as a table for the terminal."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption=caption,
        caption_justify="left",
    )
    table.add_column("decoder", no_wrap=True)
    for column in columns:
        table.add_column(_HEADINGS.get(column, column), justify="right", no_wrap=True)
    last = None
    for row in rows:
        name = row["decoder"]
        decoder, _, kind = name.rpartition(", ")
        shown = f"  {kind}" if decoder else name
        cells = (_cell(column, row[column]) for column in columns)
        table.add_row("" if name == last else shown, *cells)
        last = name
    return table


def _cell(column, value):
    if column == "seconds_per_sample":
        return f"{1000 * value:.3g}"
    if column == "dead_latents":
        return f"{value}"
    return f"{value:.1f}" if column == "L0" else f"{value:.4f}"


def draw(comparison, y, title, path):
    """Draw a column of a comparison against L0.

    Parameters
    ----------
    comparison : DataFrame or list of dict
        What :func:`~sksupercode.sae.compare_decoders` returned.

    y : str
        The column.

    title : str
        Title of the axes.

    path : str or path
        Where the picture is saved, in the format of its suffix.
    """
    from matplotlib.figure import Figure

    from sksupercode.plotting import ParetoDisplay

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    display = ParetoDisplay.from_result(comparison, y=y, ax=figure.subplots())
    ax = display.ax_
    if y in ("FVU", "sample_error"):
        # Whatever is worse than the mean activation, or than 0, is in the table alone.
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
    name, n_samples = f"--activations {arguments.activations}", arguments.max_samples
    few = Samples(X, n_samples, name)
    targets = arguments.Y
    if targets is not None:
        targets = Samples(targets, n_samples, f"--targets {arguments.targets}")
    n_blocks = -(-few.shape[0] // _BLOCK_SIZE)
    bar = track(iter(range(n_blocks)), "Blocks of samples", n_blocks, verbose=True)
    with closing(bar), warnings.catch_warnings():
        # Samples that a pursuit explains entirely, or cannot, are counted like others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        comparison = compare_decoders(
            {name: DECODERS[name](sae) for name in dict.fromkeys(arguments.decoders)},
            Samples(X, n_samples, name, lambda _: next(bar, None)),
            targets=targets,
            n_nonzero_coefs=arguments.numbers_of_latents
            or numbers_of_latents(sae, few[:_BLOCK_SIZE]),
            truth=arguments.truth,
            labels=arguments.labels,
            baselines=arguments.baselines,
            max_norm=arguments.max_norm,
            block_size=_BLOCK_SIZE,
            random_state=arguments.seed,
        )
        next(bar, None)  # the last block is finished
    rows = comparison
    if hasattr(comparison, "to_dict"):
        rows = comparison.reset_index().to_dict("records")
    autoencoder = sae.estimator
    architecture = autoencoder.weights_.architecture
    title = f"{architecture}, N = {autoencoder.n_latents_:,}, d = {X.shape[1]:,}"
    caption = _caption(arguments, few.shape[0], comparison.attrs["n_left_out"])
    console.print(comparison_table(rows, COLUMNS, f"Decoders at equal L0, {title}", caption))
    for columns, title_of_codes, caption in (
        (TRUTH, "Codes against the truth", "Means over features; MCC: mean correlation."),
        (AUCS, "Probes on few latents", "AUC_k: mean area under the ROC curve, of k latents."),
    ):
        if columns[0] in rows[0]:
            console.print(comparison_table(rows, ("L0", *columns), title_of_codes, caption))
    draw(comparison, arguments.y, f"Sparse autoencoder: {title}", arguments.output)
    console.print(f"The comparison is drawn in {arguments.output}.", highlight=False)
    if arguments.csv is not None:
        write_csv(rows, arguments.csv)
        console.print(f"The table is written to {arguments.csv}.", highlight=False)


def _caption(arguments, n_samples, n_left_out):
    """Return on which samples the table is, and what its columns are."""
    caption = f"On {n_samples:,} samples"
    if n_samples < len(arguments.X):
        caption += f" of {len(arguments.X):,}, evenly spaced (--max-samples)"
    if arguments.max_norm is not None:
        caption += f", less {n_left_out:,} of norm above {arguments.max_norm:g}"
    return (
        f"{caption}. FVU: fraction of variance unexplained; error: squared error over squared "
        "norm, mean over samples; dead: never active."
    )
