"""What the command prints, draws and saves."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv

from matplotlib.figure import Figure
from rich.table import Table

from sksupercode import theory
from sksupercode.plotting import RecoveryCurveDisplay

COLUMNS = {
    "decoder": "decoder",
    "dimension_50": "d (50 %)",
    "dimension_90": "d (90 %)",
    "bits_per_dimension_90": "bits/dimension",
    "seconds_per_sample_90": "s/sample",
}


def summarize(curves, n_features, n_nonzero_coefs):
    """Return a row for each curve, a dict with the keys of COLUMNS; None is outside the sweep."""
    rows = []
    for curve in curves:
        half, most = curve.dimension_at(0.5), curve.dimension_at(0.9)
        beyond = most is None
        rows.append(
            {
                "decoder": curve.name,
                "dimension_50": half,
                "dimension_90": most,
                "bits_per_dimension_90": None
                if beyond
                else float(theory.bits_per_dimension(n_features, n_nonzero_coefs, most)),
                "seconds_per_sample_90": None if beyond else curve.seconds_at(most),
            }
        )
    return rows


def recovery_table(rows, title):
    """Return the summary as a table for the terminal; its rates and times are those at 90 %."""
    caption = "Bits per dimension and s/sample are those at 90 %."
    if any(None in row.values() for row in rows):
        caption += "\nOutside: not reached within the dimensions that were tried."
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption=caption,
        caption_justify="left",
    )
    for key, heading in COLUMNS.items():
        table.add_column(heading, justify="left" if key == "decoder" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in COLUMNS))
    return table


def _cell(value):
    if value is None:
        return "outside"
    return f"{value:.2g}" if isinstance(value, float) else f"{value}"


def write_csv(rows, path):
    """Write the summary as a table of comma-separated values."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def draw_curves(curves, title, path):
    """Draw the recovery curves of all decoders into one picture."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    for curve in curves:
        RecoveryCurveDisplay(
            curve.n_components, curve.success_rate, n_trials=curve.n_trials, name=curve.name
        ).plot(ax, legend=False)
    ax.set_xscale("log")
    ticks = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000]
    low, high = ax.get_xlim()
    ax.set_xticks([tick for tick in ticks if low <= tick <= high], minor=False)
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.xaxis.set_minor_formatter("")
    ax.set_title(title)
    ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=len(curves), frameon=False)
    figure.savefig(path, dpi=150)


def passages_table(report):
    """Return the sweep over real passages as a table for the terminal."""
    table = Table(title="Real passages, as sets of words", title_justify="left", title_style="bold")
    table.add_column("dimensions d", justify="right")
    table.add_column("read back without an error", justify="right")
    table.add_column("predicted by the model", justify="right")
    curve = report.curve
    for dimension, rate, predicted in zip(
        curve.n_components, curve.success_rate, report.predicted_rate, strict=True
    ):
        table.add_row(
            f"{dimension}",
            f"{round(rate * curve.n_trials)} of {curve.n_trials}",
            f"{predicted * curve.n_trials:.1f}",
        )
    return table


def passages_summary(report):
    """Return in words what the sweep over real passages found."""
    counts = report.row_counts
    return (
        f"{report.curve.n_trials} of {report.n_documents} passages, N = {report.n_features} words, "
        f"k = {counts.min()} to {counts.max()} (mean {counts.mean():.1f}). All of them are stored "
        f"without an error {_from(report.dimension)}; the model of random codes with these N and k "
        f"expects that {_from(report.predicted_dimension)}."
    )


def _from(dimension):
    return "at no d of the sweep" if dimension is None else f"from d = {dimension} on"
