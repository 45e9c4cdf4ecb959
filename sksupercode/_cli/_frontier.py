"""The decoder frontier: the rate of every decoder at 90 % exact recovery, beside theory."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sksupercode import theory
from sksupercode._cli._frontier_rows import ENTRIES
from sksupercode.model_selection import measured_dimension

RATE = 0.9
COLUMNS = (
    "n_features",
    "n_nonzero_coefs",
    "decoder",
    "dimension_90",
    "bits_per_dimension_90",
    "low_95",
    "high_95",
    "predicted",
    "seconds_per_sample_90",
    "n_samples",
)


@dataclass(frozen=True)
class Row:
    """A decoder at one (N, k); without a result there is the reason."""

    n_features: int
    n_nonzero_coefs: int
    decoder: str
    result: object = None
    predicted: float | None = None
    reason: str | None = None

    def cells(self):
        """Return the values of COLUMNS, None where there is nothing to say."""
        key = (self.n_features, self.n_nonzero_coefs, self.decoder)
        if self.result is None:
            return (*key, None, None, None, None, self.predicted, None, None)
        low, high = self.result.bits_per_dimension_interval
        return (
            *key,
            self.result.n_components,
            self.result.bits_per_dimension,
            low,
            high,
            self.predicted,
            self.result.seconds_per_trial,
            int(self.result.curve.n_trials.sum()),
        )


def measure_row(name, n_features, k, *, n_samples, max_seconds, seed):
    """Measure one decoder at one (N, k)."""
    entry, size = ENTRIES[name], (n_features, k)
    reason, result, predicted = entry.refuse(*size), None, None
    if reason is None:
        try:
            result = measured_dimension(
                entry.decoder.dictionary,
                entry.decoder,
                n_features=n_features,
                n_nonzero_coefs=k,
                probability=RATE,
                n_trials=n_samples,
                max_seconds=max_seconds,
                sections=getattr(entry.decoder, "sections", False),
                random_state=seed,
            )
        except (TimeoutError, MemoryError) as error:
            reason = str(error)
        else:
            if result.low == 1:
                result, reason = None, "too few samples to tell: give it more --time-limit"
    if entry.predict is not None:
        bits = theory.entropy(*size) if result is None else result.entropy_bits
        predicted = float(bits / entry.predict(entry.decoder, *size, RATE, seed))
    return Row(*size, name, result, predicted, reason)


def frontier_table(rows):
    """Return the rows of one (N, k) as a table for the terminal."""
    n_features, k = rows[0].n_features, rows[0].n_nonzero_coefs
    bits = theory.entropy(n_features, k)
    limit = bits / theory.counting_dimension(n_features, k)
    missing = [f"{row.decoder}: {row.reason}" for row in rows if row.result is None]
    table = Table(
        title=f"Decoder frontier at {RATE:.0%}, N = {n_features}, k = {k}, {bits:.1f} bits",
        title_justify="left",
        title_style="bold",
        caption="\n".join([f"No decoder: more than {limit:.2f} bits/dim.", *missing]),
        caption_justify="left",
    )
    table.add_column("decoder", no_wrap=True)
    for heading in ("d", "bits/dim", "95 % interval", "theory", "s/sample"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        _, _, name, dimension, rate, low, high, predicted, seconds, _ = row.cells()
        theirs = "" if predicted is None else f"{predicted:.3f}"
        if rate is None:
            table.add_row(name, "-", "-", "-", theirs, "-")
        else:
            interval = f"{low:.3f} - {high:.3f}"
            table.add_row(name, f"{dimension}", f"{rate:.3f}", interval, theirs, f"{seconds:.2g}")
    return table


def write_csv(rows, path):
    """Write all rows as comma-separated values, floats to four digits."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow(
                f"{cell:.4g}" if isinstance(cell, float) else cell for cell in row.cells()
            )


def draw(groups, path):
    """Draw a panel for each (N, k) side by side."""
    from matplotlib.figure import Figure

    from sksupercode.plotting import FrontierDisplay

    height = 1.4 + 0.28 * max(len(rows) for rows in groups)
    figure = Figure(figsize=(2.2 + 3.0 * len(groups), height), layout="constrained")
    panels = figure.subplots(1, len(groups), sharey=True, sharex=True, squeeze=False)[0]
    for ax, rows in zip(panels, groups, strict=True):
        size = rows[0].n_features, rows[0].n_nonzero_coefs
        cells = np.array([row.cells()[4:8] for row in rows], dtype=float)
        FrontierDisplay(
            [row.decoder for row in rows],
            *cells.T[:3],
            predicted=cells[:, 3],
        ).plot(ax, legend=False)
        ax.set_title(f"N = {size[0]:,}, k = {size[1]:,}")
        ax.label_outer()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside lower center", ncols=len(labels), frameon=False
    )
    figure.savefig(path, dpi=150)


def run(arguments):
    """Measure all rows, print their tables, and save what was asked for."""
    console = Console()
    bar = Progress(
        TextColumn("{task.description:40}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    groups = []
    names = list(dict.fromkeys(arguments.decoders))
    with bar:
        task = bar.add_task("", total=len(names) * len(arguments.sizes))
        for size in arguments.sizes:
            groups.append([])
            for name in names:
                bar.update(task, description=f"N = {size[0]}, k = {size[1]}: {name}")
                row = measure_row(
                    name,
                    *size,
                    n_samples=arguments.trials,
                    max_seconds=arguments.time_limit,
                    seed=arguments.seed,
                )
                groups[-1].append(row)
                bar.advance(task)
            bar.console.print(frontier_table(groups[-1]))
    draw(groups, arguments.output)
    console.print(f"The frontier is drawn in {arguments.output}.", highlight=False)
    if arguments.csv is not None:
        write_csv([row for rows in groups for row in rows], arguments.csv)
        console.print(f"The table is written to {arguments.csv}.", highlight=False)
