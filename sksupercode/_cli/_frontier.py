"""The decoder frontier: the rate of every decoder at 90 % exact recovery, beside theory."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from itertools import product

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from sksupercode import theory
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


def frontier_table(rows):
    """Return the rows of one (N, k) as a table for the terminal."""
    n_features, k = rows[0].n_features, rows[0].n_nonzero_coefs
    limit = theory.entropy(n_features, k) / theory.counting_dimension(n_features, k)
    missing = [f"{row.decoder}: {row.reason}" for row in rows if row.reason is not None]
    table = Table(
        title=f"Decoder frontier at {RATE:.0%}, N = {n_features}, k = {k}, "
        f"{theory.entropy(n_features, k):.1f} bits",
        title_justify="left",
        title_style="bold",
        caption="\n".join([f"No decoder: more than {limit:.2f} bits/dim.", *missing]),
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


def draw(frontier, groups, path):
    """Draw a panel for each (N, k) side by side."""
    height = 1.4 + 0.28 * max(map(len, groups.values()))
    figure = Figure(figsize=(2.2 + 3.0 * len(groups), height), layout="constrained")
    panels = figure.subplots(1, len(groups), sharey=True, sharex=True, squeeze=False)[0]
    for ax, size in zip(panels, groups, strict=True):
        FrontierDisplay.from_result(frontier, size=size, ax=ax, legend=False)
        ax.set_title(f"N = {size[0]:,}, k = {size[1]:,}")
        ax.label_outer()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside lower center", ncols=len(labels), frameon=False
    )
    figure.savefig(path, dpi=150)


def run(arguments):
    """Measure the frontier, print its tables, and save what was asked for."""
    console, decoders = Console(), default_decoders()
    names, sizes = dict.fromkeys(arguments.decoders), dict.fromkeys(arguments.sizes)
    groups = {size: [] for size in sizes}
    with Steps(len(names) * len(sizes)) as steps:
        for size, name in product(sizes, names):
            with steps.step(f"{name}, N = {size[0]}, k = {size[1]}"):
                frontier = decoder_frontier(
                    {name: decoders[name]},
                    n_features=size[0],
                    n_nonzero_coefs=size[1],
                    probability=RATE,
                    n_trials=arguments.trials,
                    max_seconds=arguments.time_limit,
                    random_state=arguments.seed,
                )
            groups[size] += frontier.rows
    rows = tuple(row for group in groups.values() for row in group)
    frontier = replace(frontier, rows=rows)
    for group in groups.values():
        console.print(frontier_table(group))
    save(
        console,
        "The frontier is drawn in",
        arguments.output,
        lambda path: draw(frontier, groups, path),
    )
    if arguments.csv is not None:
        cells = [row.to_dict() for row in rows]
        cells = [{k: None if v != v else v for k, v in row.items()} for row in cells]  # nan
        save(
            console,
            "The table is written to",
            arguments.csv,
            lambda path: write_csv(cells, path, COLUMNS),
        )
