"""The recovery curves of decoders: measured, printed, drawn and saved."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from rich.console import Console
from rich.table import Table

from sksupercode._cli._decoders import words_of_values
from sksupercode._cli._files import save
from sksupercode._cli._passages import passages_summary, passages_table, store_passages
from sksupercode._cli._steps import Steps
from sksupercode._utils._tables import write_csv
from sksupercode.model_selection import recovery_curve
from sksupercode.model_selection._checkpoint import Part
from sksupercode.model_selection._frontier_decoders import (
    default_decoders,
    encoder_of,
    out_of_reach,
)
from sksupercode.model_selection._transition_search import code_entropy
from sksupercode.plotting import RecoveryCurveDisplay

COLUMNS = {
    "decoder": "decoder",
    "dimension_50": "d (50 %)",
    "dimension_90": "d (90 %)",
    "bits_per_dimension_90": "bits/dimension",
    "seconds_per_sample_90": "s/sample",
}


def summarize(curves, n_features, n_nonzero_coefs, sectioned=()):
    """Return a row for each curve, a dict with the keys of COLUMNS; None is outside the sweep.

    ``sectioned`` are the names of the curves of codes with sections.
    """
    rows = []
    for name, curve in curves.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of what is outside
            estimates = [curve.dimension_at(rate).n_components for rate in (0.5, 0.9)]
        first, last = curve.n_components[[0, -1]]
        half, most = (int(np.ceil(d)) if first <= d <= last else None for d in estimates)
        row = dict.fromkeys(COLUMNS) | {"decoder": name, "dimension_50": half}
        if most is not None:
            row["dimension_90"] = most
            bits = code_entropy(n_features, n_nonzero_coefs, name in sectioned)
            row["bits_per_dimension_90"] = bits / most
            seconds = np.interp(most, curve.n_components, curve.seconds_per_trial)
            row["seconds_per_sample_90"] = float(seconds)
        rows.append(row)
    return rows


def recovery_table(rows, title):
    """Return the summary as a table for the terminal; its rates and times are those at 90 %."""
    caption = "Bits per dimension and s/sample are those at 90 %."
    if any(None in row.values() for row in rows):
        caption += "\nOutside: not reached within the dimensions that were tried."
    style = {"title_justify": "left", "title_style": "bold", "caption_justify": "left"}
    table = Table(title=title, caption=caption, **style)
    for key, heading in COLUMNS.items():
        table.add_column(heading, justify="left" if key == "decoder" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in COLUMNS))
    return table


def _cell(value):
    if value is None:
        return "outside"
    return f"{value:.2g}" if isinstance(value, float) else f"{value}"


def draw_curves(curves, title):
    """Return a figure of the recovery curves of all decoders."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    for name, curve in curves.items():
        RecoveryCurveDisplay.from_result(curve, name=name, ax=ax, legend=False)
    ax.set(xscale="log", title=title)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.xaxis.set_minor_formatter("")
    ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=min(len(curves), 4), frameon=False)
    return figure


def _part_of(arguments, name):
    """Return where the sweep of a decoder is in the checkpoint, which all of them share."""
    if arguments.checkpoint is None:
        return None
    size = f"N={arguments.n_features}, k={arguments.n_nonzero_coefs}"
    return Part(arguments.checkpoint, f"sweep of {name}, {size}")


def run(arguments):
    """Sweep random codes, then real passages unless they are left out, and report both.

    Raises
    ------
    ValueError
        If none of the decoders can be swept, or the checkpoint is damaged, or of other sweeps.
    """
    size = {"n_features": arguments.n_features, "n_nonzero_coefs": arguments.n_nonzero_coefs}
    decoders, console = default_decoders(arguments.values), Console()
    names, reasons = [], {}
    for name in dict.fromkeys(arguments.decoders):
        reasons[name] = out_of_reach(decoders[name], encoder_of(decoders[name]), *size.values())
        if reasons[name] is None:
            names.append(name)
    missing = [f"{name}: {reason}." for name, reason in reasons.items() if reason is not None]
    if not names:
        raise ValueError(f"there is nothing to sweep. {' '.join(missing)}")
    sectioned = [name for name in names if decoders[name]._has_sections]
    curves = {}
    passages = None
    with Steps(len(names) + (not arguments.no_passages)) as steps:
        for name in names:
            with steps.step(name):
                curves[name] = recovery_curve(
                    encoder_of(decoders[name]),
                    decoders[name],
                    n_components=arguments.dimensions or "auto",
                    n_trials=arguments.trials,
                    sections=name in sectioned,
                    values=arguments.values,
                    random_state=arguments.seed,
                    n_jobs=arguments.n_jobs,
                    checkpoint=_part_of(arguments, name),
                    **size,
                )
        if not arguments.no_passages:
            with steps.step("real passages"):
                passages = store_passages(2 * arguments.trials, arguments.seed, arguments.n_jobs)
    title = "N = {n_features}, k = {n_nonzero_coefs}".format(**size)
    title += f"{words_of_values(arguments.values)}, {arguments.trials} trials a point"
    rows = summarize(curves, **size, sectioned=sectioned)
    console.print(recovery_table(rows, f"Exact recovery, {title}"))
    for reason in missing:
        console.print(reason, highlight=False)
    figure = draw_curves(curves, f"Superposition codes, {title}")
    save(
        console,
        "The recovery curves are drawn in",
        arguments.output,
        lambda path: figure.savefig(path, dpi=150),
    )
    if arguments.csv is not None:
        save(console, "The table is written to", arguments.csv, lambda path: write_csv(rows, path))
    if passages is not None:
        console.print()
        console.print(passages_table(passages))
        console.print(passages_summary(passages), highlight=False)
