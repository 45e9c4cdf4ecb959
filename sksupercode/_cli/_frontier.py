"""The decoder frontier: the rate of every decoder at 90 % exact recovery, beside theory."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import product

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from sksupercode import theory
from sksupercode._cli._decoders import words_of_values
from sksupercode._cli._files import save
from sksupercode._cli._steps import Steps
from sksupercode._utils._tables import write_csv
from sksupercode.model_selection import decoder_frontier
from sksupercode.model_selection._frontier_decoders import default_decoders
from sksupercode.plotting import FrontierDisplay

RATE = 0.9
COLUMNS = (
    "n_features",
    "n_nonzero_coefs",
    "decoder",
    "n_components",
    "bits_per_dimension",
    "bits_low",
    "bits_high",
    "predicted_bits",
    "seconds_per_trial",
    "n_trials",
)


def frontier_table(rows, values="binary"):
    """Return the rows of one (N, k) as a table for the terminal."""
    n_features, k = rows[0].n_features, rows[0].n_nonzero_coefs
    notes = [f"{row.decoder}: {row.reason}" for row in rows if row.reason is not None]
    if values == "binary":
        limit = theory.entropy(n_features, k) / theory.counting_dimension(n_features, k)
        notes.insert(0, f"No decoder: more than {limit:.2f} bits/dim.")
    table = Table(
        title=f"Decoder frontier at {RATE:.0%}, N = {n_features}, k = {k}, "
        f"{theory.entropy(n_features, k):.1f} bits{words_of_values(values)}",
        title_justify="left",
        title_style="bold",
        caption="\n".join(notes),
        caption_justify="left",
    )
    table.add_column("decoder", no_wrap=True)
    for heading in ("d", "bits/dim", "95 % interval", "theory", "s/sample"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        numbers = row.to_dict()
        interval = f"{numbers['bits_low']:.3f} - {numbers['bits_high']:.3f}"
        cells = (
            f"{numbers['n_components']:.0f}",
            f"{numbers['bits_per_dimension']:.3f}",
            interval,
            f"{numbers['predicted_bits']:.3f}",
            f"{numbers['seconds_per_trial']:.2g}",
        )
        table.add_row(row.decoder, *("-" if "nan" in cell else cell for cell in cells))
    return table


def draw(rows):
    """Return a figure with a panel for each (N, k), two in a row, for the width of a page.

    ``rows`` are dicts, those of ``FrontierRow.to_dict`` or of the file that ``--csv`` writes.
    """
    groups = {}
    for row in rows:
        groups.setdefault((row["n_features"], row["n_nonzero_coefs"]), []).append(row)
    n_columns = min(2, len(groups))
    n_rows = -(-len(groups) // n_columns)
    height = 0.5 + n_rows * (0.9 + 0.24 * max(map(len, groups.values())))
    figure = Figure(figsize=(2.0 + 3.2 * n_columns, height), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharey=True, sharex=True, squeeze=False).ravel()
    for ax, (size, group) in zip(panels, groups.items(), strict=False):
        FrontierDisplay._of_rows(group).plot(ax, legend=False)
        ax.set_title(f"N = {size[0]:,}, k = {size[1]:,}", fontsize="medium")
        ax.label_outer()
    for ax in panels[len(groups) :]:
        ax.set_axis_off()
    # Not every panel has predictions.
    handles, labels = max(
        (ax.get_legend_handles_labels() for ax in panels), key=lambda legend: len(legend[1])
    )
    figure.legend(
        handles[::-1], labels[::-1], loc="outside lower center", ncols=len(labels), frameon=False
    )
    return figure


def run(arguments):
    """Measure the frontier, print its tables, and save what was asked for.

    Raises
    ------
    ValueError
        If the checkpoint is damaged, or of other measurements.
    """
    console, decoders = Console(), default_decoders(arguments.values)
    names, sizes = dict.fromkeys(arguments.decoders), dict.fromkeys(arguments.sizes)
    groups = {size: [] for size in sizes}
    with Steps(len(names) * len(sizes)) as steps:
        for size, name in product(sizes, names):
            with steps.step(f"{name}, N = {size[0]}, k = {size[1]}"):
                groups[size] += decoder_frontier(
                    {name: decoders[name]},
                    n_features=size[0],
                    n_nonzero_coefs=size[1],
                    probability=RATE,
                    n_trials=arguments.trials,
                    values=arguments.values,
                    max_seconds=arguments.time_limit,
                    random_state=arguments.seed,
                    checkpoint=arguments.checkpoint,
                ).rows
    for group in groups.values():
        console.print(frontier_table(group, arguments.values))
    rows = [row.to_dict() for group in groups.values() for row in group]
    save(
        console,
        "The frontier is drawn in",
        arguments.output,
        lambda path: draw(rows).savefig(path, dpi=150),
    )
    if arguments.csv is not None:
        cells = [{k: None if v != v else v for k, v in row.items()} for row in rows]  # nan
        save(
            console,
            "The table is written to",
            arguments.csv,
            lambda path: write_csv(cells, path, COLUMNS),
        )
