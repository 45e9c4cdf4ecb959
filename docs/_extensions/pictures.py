"""The pictures of README and the guide, drawn from the tables that are kept beside them.

``python docs/_extensions/pictures.py`` draws them anew into docs/images, and with ``--measure`` it
first measures the recovery curves again, as ``python -m sksupercode`` does. The tables of the
others are written by the commands that their pages name. Each picture keeps in its metadata what it
shows, and a test compares that with what the code draws today.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import csv
import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from matplotlib.collections import QuadMesh

from sksupercode._cli._decoders import SWEPT
from sksupercode._cli._frontier import draw
from sksupercode._cli._main import build_parser
from sksupercode._cli._sweep import draw_curves
from sksupercode._utils._tables import write_csv
from sksupercode.datasets import load_activations, load_activations_sae
from sksupercode.inspection import dictionary_report
from sksupercode.model_selection import RecoveryCurve, recovery_curve
from sksupercode.model_selection._frontier_decoders import default_decoders, encoder_of
from sksupercode.plotting import DictionaryRecoveryDisplay, DictionaryReportDisplay

DOCS = Path(__file__).parents[1]
IMAGES, GUIDE = DOCS / "images", DOCS / "user_guide"
CURVES = IMAGES / "recovery_curves.csv"
# So many points of a line are kept.
_POINTS = 12


def read_rows(path):
    """Return the rows of a table, dicts of texts."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text):
    """Return the number of a cell, None where it is empty, and other texts as they are."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


def script(name):
    """Return the module of a script that measures."""
    folder = str(DOCS.parent / "examples")
    if folder not in sys.path:
        sys.path.append(folder)
    return import_module(name)


def measure_curve(name):
    """Return the curve of a decoder, as the command measures it without other instructions."""
    given, decoder = build_parser().parse_args([]), default_decoders()[name]
    return recovery_curve(
        encoder_of(decoder),
        decoder,
        n_features=given.n_features,
        n_nonzero_coefs=given.n_nonzero_coefs,
        n_components="auto",
        n_trials=given.trials,
        random_state=given.seed,
    )


def curve_rows(name, curve):
    """Return a dict for each dimension of a curve."""
    counts = np.transpose([curve.n_components, curve.n_recovered, curve.n_trials]).tolist()
    columns = ("n_components", "n_recovered", "n_trials")
    shared = {"decoder": name, "design_effect": float(curve.design_effect)}
    return [shared | dict(zip(columns, row, strict=True)) for row in counts]


def recovery_curves():
    """Return README's first figure, of the curves that are kept."""
    rows, curves = read_rows(CURVES), {}
    for name in dict.fromkeys(row["decoder"] for row in rows):
        own = [row for row in rows if row["decoder"] == name]
        counts = (
            np.array([int(row[key]) for row in own])
            for key in ("n_components", "n_recovered", "n_trials")
        )
        curves[name] = RecoveryCurve(*counts, float(own[0]["design_effect"]))
    given = build_parser().parse_args([])
    size = f"N = {given.n_features}, k = {given.n_nonzero_coefs}"
    return draw_curves(curves, f"Superposition codes, {size}, {given.trials} trials a point")


def decoder_frontier():
    """Return the figure of the frontier, of the table that the guide shows."""
    rows = read_rows(GUIDE / "frontier.csv")
    for row in rows:
        for key in row.keys() - {"decoder"}:
            row[key] = float(row[key] or "nan")
        for key in ("n_features", "n_nonzero_coefs"):
            row[key] = int(row[key])
    return draw(rows)


def report():
    """Return the figure of the report on the dictionary that comes with the package."""
    numbers = dictionary_report(load_activations_sae(), load_activations().data[4500:])
    return DictionaryReportDisplay.from_result(numbers, name="SAE").figure_


def better_codes():
    """Return the figure of the tables on planted features, MiniLM and a language model."""

    def table(name):
        return read_rows(GUIDE / f"better_codes_{name}.csv")

    planted = {data: table(name) for data, name in script("make_better_codes").PLANTED.items()}
    return script("better_codes.picture").draw(planted, table("minilm"), table("model"))


def right_l0():
    """Return the figure of statistics that are said to find the right L0."""
    rows = read_rows(GUIDE / "right_l0.csv")
    rows = [{key: number(text) for key, text in row.items()} for row in rows]
    return script("make_right_l0").draw(rows)


def recovery_of_dictionaries():
    """Return the phase diagram of codewords found."""
    rows = read_rows(GUIDE / "dictionary_recovery.csv")
    learners, bits = (
        list(dict.fromkeys(row[key] for row in rows)) for key in ("learner", "bits/dim")
    )
    sizes = [key for key in rows[0] if key.startswith("found, ")]
    found = np.array([[float(row[key]) for key in sizes] for row in rows])
    found = found.reshape(len(bits), len(learners), len(sizes)).swapaxes(0, 1)
    samples = [int(key.removeprefix("found, ")) for key in sizes]
    bits = [float(text) for text in bits]
    return DictionaryRecoveryDisplay(learners, bits, samples, found).plot().figure_


def recovery_of_short_codewords():
    """Return the figure of codewords that are shorter than others."""
    rows = read_rows(GUIDE / "dictionary_recovery_weak.csv")
    return script("make_dictionary_recovery").draw_weak(rows)


FIGURES = {
    "recovery_curves": recovery_curves,
    "decoder_frontier": decoder_frontier,
    "dictionary_report": report,
    "better_codes": better_codes,
    "right_l0": right_l0,
    "dictionary_recovery": recovery_of_dictionaries,
    "dictionary_recovery_weak": recovery_of_short_codewords,
}


def description(figure):
    """Return what a figure shows, as lists and dicts: its texts, limits, and points of lines."""
    panels = []
    for ax in figure.axes:
        lines = [
            {"label": line.get_label(), "x": _some(line.get_xdata()), "y": _some(line.get_ydata())}
            for line in ax.lines
        ]
        legend = ax.get_legend()
        panels.append(
            {
                "texts": [ax.get_title(), ax.get_xlabel(), ax.get_ylabel()],
                "notes": [text.get_text() for text in ax.texts],
                "legend": [] if legend is None else [text.get_text() for text in legend.texts],
                "scales": [ax.get_xscale(), ax.get_yscale()],
                "limits": [*map(float, (*ax.get_xlim(), *ax.get_ylim()))],
                "lines": lines,
                "colors": [_some(np.ravel(mesh.get_array())) for mesh in _meshes(ax)],
            }
        )
    legends = [[text.get_text() for text in legend.texts] for legend in figure.legends]
    return {"size": figure.get_size_inches().tolist(), "legends": legends, "panels": panels}


def _meshes(ax):
    is_scale = ax.get_label() == "<colorbar>"
    return [] if is_scale else [c for c in ax.collections if isinstance(c, QuadMesh)]


def _some(values):
    values = np.asarray(values, dtype=float)
    chosen = np.unique(np.linspace(0, len(values) - 1, _POINTS).astype(int)) if len(values) else []
    return [None if np.isnan(values[i]) else float(f"{values[i]:.5g}") for i in chosen]


def main():
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="measure the curves again")
    if parser.parse_args().measure:
        rows = [row for name in SWEPT for row in curve_rows(name, measure_curve(name))]
        write_csv(rows, CURVES)
    for name, make in FIGURES.items():
        figure = make()
        shown = json.dumps(description(figure))
        figure.savefig(IMAGES / f"{name}.png", dpi=150, metadata={"Description": shown})
        print(f"{IMAGES / name}.png")


if __name__ == "__main__":
    main()
