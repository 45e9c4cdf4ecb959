"""A sparse autoencoder beside decoders that use its codewords, on activations in a file."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

from sksupercode._cli._compare_files import Samples
from sksupercode._cli._compare_options import AUCS, COLUMNS, DECODERS, TRUTH
from sksupercode._cli._files import save
from sksupercode._cli._steps import Steps
from sksupercode._utils._tables import write_csv
from sksupercode.exceptions import MassiveActivationsWarning
from sksupercode.metrics import mean_l0
from sksupercode.sae import compare_decoders

# Blocks after which the bar moves, and the samples that tell how many latents are active.
_BLOCK_SIZE, _N_FIRST = 100, 250
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
    comparison : list of dict
        The rows.

    y : str
        The column.

    title : str
        Title of the axes.

    path : str or path
        Where the picture is saved, in the format of its suffix.
    """
    from matplotlib.figure import Figure

    from sksupercode.plotting import ParetoDisplay

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = ParetoDisplay.from_result(comparison, y=y, ax=figure.subplots()).ax_
    ax.set_title(title)
    figure.savefig(path, dpi=150)


def run(arguments):
    """Compare the decoders, print the table, and save what was asked for.

    Raises
    ------
    ValueError
        If activations are not finite.
    """
    sae, X, console = arguments.autoencoder, arguments.X, Console()
    few = Samples(X, arguments.max_samples, "--activations")
    k = arguments.numbers_of_latents
    names, rows = list(dict.fromkeys(arguments.decoders)), []
    with Steps(len(names)) as steps, _kept_of_massive() as massive:
        # Samples that a pursuit explains entirely, or cannot, are counted like others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        k = numbers_of_latents(sae, few[:_N_FIRST]) if k is None else k
        # One by one: that of each is the same, and a user sees which of them takes how long.
        for name in names:
            with steps.step(name) as parts:
                comparison = _compare_one(arguments, name, k, steps.reach)
                if arguments.labels is not None:
                    parts["probes"] = comparison.attrs["seconds_of_probes"]
            is_frame = hasattr(comparison, "to_dict")
            rows += comparison.reset_index().to_dict("records") if is_frame else comparison
    autoencoder = sae.estimator
    architecture = autoencoder.weights_.architecture
    title = f"{architecture}, N = {autoencoder.n_latents_:,}, d = {X.shape[1]:,}"
    caption = _caption(arguments, few.shape[0], comparison.attrs["n_left_out"])
    console.print(comparison_table(rows, COLUMNS, f"Decoders on an autoencoder, {title}", caption))
    for columns, title_of_codes, caption in (
        (TRUTH, "Codes against the truth", "Means over features; MCC: mean correlation."),
        (AUCS, "Probes on few latents", "AUC_k: mean area under the ROC curve, of k latents."),
    ):
        if columns[0] in rows[0]:
            console.print(comparison_table(rows, ("L0", *columns), title_of_codes, caption))
    if massive:
        advice = massive[0].replace("max_norm=", "--max-norm ")
        Console(stderr=True).print(f"Warning: {advice}", highlight=False, soft_wrap=True)
    save(
        console,
        "The comparison is drawn in",
        arguments.output,
        lambda path: draw(rows, arguments.y, f"Sparse autoencoder: {title}", path),
    )
    if arguments.csv is not None:
        save(console, "The table is written to", arguments.csv, lambda path: write_csv(rows, path))


@contextmanager
def _kept_of_massive():
    """Give a list of what is warned of massive activations, which is the same for all decoders."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", MassiveActivationsWarning)
        messages, show = [], warnings.showwarning

        def keep(message, category, *place, **options):
            if issubclass(category, MassiveActivationsWarning):
                messages.append(str(message))
            else:
                show(message, category, *place, **options)

        warnings.showwarning = keep
        yield messages


def _compare_one(arguments, name, n_nonzero_coefs, reach):
    """Compare one decoder with different numbers of latents, and with its baselines."""
    n_samples, n_rows = arguments.max_samples, len(arguments.X)
    samples = Samples(
        arguments.X,
        n_samples,
        "--activations",
        lambda n_read: reach(n_read / min(n_samples, n_rows)),
    )
    targets = arguments.Y
    if targets is not None:
        targets = Samples(targets, n_samples, "--targets")
    return compare_decoders(
        {name: DECODERS[name](arguments.autoencoder)},
        samples,
        targets=targets,
        n_nonzero_coefs=n_nonzero_coefs,
        truth=arguments.truth,
        labels=arguments.labels,
        baselines=arguments.baselines,
        max_norm=arguments.max_norm,
        block_size=_BLOCK_SIZE,
        random_state=arguments.seed,
    )


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
