# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import ast
import csv
import runpy
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy.stats import norm

from sksupercode import RademacherEncoder, TopKDecoder, theory
from sksupercode.model_selection import predicted_dimension
from tests.marks import long

# At small sizes a step from d to d + 1 may pass the rate of one half by far.
pytestmark = pytest.mark.filterwarnings("ignore:d = .* is extrapolated")

FOLDER = Path(__file__).parents[1] / "examples" / "figures"
SCRIPTS = {int(path.name.split("_")[2]): path for path in sorted(FOLDER.glob("plot_figure_*.py"))}
# Of the first, which only counts, as many as it takes by itself.
TRIALS = {1: 200, 2: 10, 3: 20, 4: 20, 5: 10, 6: 80}
# Smaller sizes of those that take long, for what does not depend on the numbers.
SMALLER = {
    2: {"(2**10, 6)": "(2**6, 6)", "random_state=0, **size": "random_state=0, n_samples=4, **size"},
    4: {"(1024, 8)": "(64, 4)"},
    6: {"2**8: 2 ** np.arange(2, 7), 2**12: 2 ** np.arange(2, 8)": "64: 4 * np.ones(1, int)"},
}
SMALL_TRIALS = 6


def run(number, *options, path=None):
    """Run a script as the command line does, and return its variables."""
    path = path or SCRIPTS[number]
    with pytest.MonkeyPatch.context() as context:
        context.setattr(sys, "argv", [str(path), *map(str, options)])
        context.syspath_prepend(FOLDER)
        return runpy.run_path(str(path), run_name="__main__")


def figure(number):
    return measured(number, False)


def small_figure(number):
    return measured(number, True)


@cache
def measured(number, smaller):
    """Return the variables of a script with few codes, its folder, and its table."""
    kept = tempfile.TemporaryDirectory()  # until the results are
    folder = Path(kept.name)
    names = {"--output": "figure.png", "--csv": "table.csv", "--checkpoint": "kept"}
    options = [part for name, file in names.items() for part in (name, folder / file)]
    path, trials = SCRIPTS[number], TRIALS[number]
    if smaller:
        source, trials = path.read_text(encoding="utf-8"), SMALL_TRIALS
        for size, other in SMALLER[number].items():
            assert source.count(size) == 1
            source = source.replace(size, other)
        path = folder / path.name
        path.write_text(source, encoding="utf-8")
    script = run(number, "--trials", trials, "--n-jobs", "1", *options, path=path)
    with open(folder / "table.csv", newline="") as file:
        table = list(csv.DictReader(file))
    plt.close("all")
    return script | {"kept": kept}, folder, table


@pytest.mark.parametrize(
    "number",
    # Others draw as they do.
    [3, *long(1, 2, 4, 5, 6)],
)
def test_picture_table_and_checkpoint(number):
    script, folder, table = measured(number, number in SMALLER)
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    axes = script["figure"].axes
    assert len(script["figure"].legends) + sum(ax.get_legend() is not None for ax in axes) == 1
    assert len(table) == len(script["rows"]) > (0 if number == 6 else 10)
    for row, cells in zip(script["rows"], table, strict=True):
        for name, value in row.items():
            if isinstance(value, float):
                assert float(cells[name]) == pytest.approx(value, rel=1e-5)
            else:
                assert cells[name] == ("" if value is None else str(value))
    assert list((folder / "kept").iterdir())


@pytest.mark.parametrize("number", SCRIPTS)
def test_scripts_use_the_public_interface_alone(number):
    for node in ast.walk(ast.parse(SCRIPTS[number].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sksupercode"):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            assert not any(name.startswith("_") for name in names)


def test_fields_are_discs():
    script, *_ = figure(1)
    ticks = (np.arange(9) + 0.5) / 9
    positions = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    fields = script["draw_fields"](positions, 40, 0.2, np.random.default_rng(0))
    assert fields.codewords.shape == (81, 40)
    np.testing.assert_allclose((fields.codewords**2).sum(axis=1), 1, rtol=1e-5)
    inside = np.linalg.norm(positions[:, None] - fields.centers, axis=-1) < 0.2
    np.testing.assert_array_equal(fields.codewords > 0, inside)
    # Each position is covered with probability pi r^2 / W; 5 standard errors of 40 fields.
    p = np.pi * 0.2**2 / 1.4**2
    assert abs(inside.mean() - p) < 5 * np.sqrt(p * (1 - p) / 40)


def test_expected_sharing():
    script, *_ = figure(1)
    for row in script["rows"]:
        # Four standard errors, where an interval has 1.96 of them to each side.
        error = (row["high"] - row["low"]) / (2 * 1.96)
        assert abs(row["sharing"] - row["theory"]) < 4 * error + 0.5
    # The cell of a tessellation by lines; the grid adds the position itself.
    side, r, d = 400, 0.2, 400
    area = (script["expected_sharing"](side, r, d) - 1) / side**2
    formula = np.pi / 8 * ((1 + 2 * r) ** 2 / (r * d)) ** 2
    assert area == pytest.approx(formula, rel=0.05)


@pytest.mark.parametrize("number", [3, *long(4, 5)])
def test_rates_are_those_of_theory(number):
    script, *_ = figure(number)
    rows = [row for row in script["rows"] if row["theory"] is not None]
    rate, low, high, expected = np.array(
        [[row[key] for key in ("success_rate", "low", "high", "theory")] for row in rows]
    ).T
    assert np.all((low <= rate) & (rate <= high))
    # Predictions are good to 0.08, and to 0.03 on average; four standard errors of so many codes.
    variance = np.maximum(expected * (1 - expected), 0.01) / TRIALS[number]
    assert np.all(np.abs(rate - expected) < 0.08 + 5 * np.sqrt(variance))
    assert abs(np.mean(rate - expected)) < 0.03 + 4 * np.sqrt(variance.sum()) / len(rate)


@pytest.mark.long
def test_order_of_decoders():
    script, *_ = figure(4)
    halves = {}
    for row in script["rows"]:
        if row["success_rate"] >= 0.5:
            halves.setdefault(row["decoder"], row["d"])
    assert halves["AMP"] < halves["matching pursuit"] < halves["top-k"] < halves["threshold"]


@pytest.mark.long
def test_decoders_and_their_predictions():
    script, *_ = small_figure(4)
    unpredicted = {row["decoder"] for row in script["rows"] if row["theory"] is None}
    assert unpredicted == {"orthogonal matching pursuit"}
    labels = [text.get_text() for text in script["figure"].legends[0].texts]
    assert labels == [*script["decoders"], "theory"]


@pytest.mark.long
@pytest.mark.parametrize(("number", "name", "largest"), [(2, "d50", 0.3), (6, "d90", 0.25)])
def test_dimensions_are_those_of_theory(number, name, largest):
    script, *_ = figure(number)
    # A normal approximation says little of few codewords with basis pursuit.
    for row in script["rows"]:
        if row[name] is not None:
            assert row["low"] <= row[name] <= row["high"]
            if row["theory"] is not None and row.get("decoder") != "basis pursuit":
                assert abs(row[name] - row["theory"]) < max(largest * row["theory"], 2)


@pytest.mark.long
def test_smallest_dimensions_beyond_what_is_measured():
    script, *_ = small_figure(2)
    unmeasured = {(row["decoder"], row["k"]) for row in script["rows"] if row["d50"] is None}
    assert unmeasured == {("basis pursuit", 32)}
    assert {row["k"] for row in script["rows"] if row["theory"] is None} == {1, 2}
    assert all(row["seconds"] > 0 for row in script["rows"] if row["d50"] is not None)
    left, right = script["figure"].axes
    *_, bp, _ = [line for line in left.lines if line.get_linestyle() == "--"]
    *_, bits = [line for line in right.lines if line.get_linestyle() == "--"]
    N, k = script["N"], bp.get_xdata()
    assert list(k) == [1, 2, 4, 8, 16, 32]
    np.testing.assert_allclose(bits.get_ydata(), bp.get_ydata() / theory.entropy(N, k))


@pytest.mark.long
def test_inverse_capacity_is_the_limit():
    script, *_ = small_figure(6)
    (ax,) = script["figure"].axes
    eta, cost = ax.lines[0].get_data()
    np.testing.assert_allclose(cost, 2 * (1 + np.sqrt(eta)) / (1 - np.sqrt(eta)))
    (bits,) = ax.child_axes
    assert bits.get_ylabel() == "dimensions per bit"


def test_printed_codebook_fails_in_the_band():
    script, *_ = figure(3)
    for ax, P in zip(script["figure"].axes, script["NOISES"], strict=True):
        (band,) = (patch for patch in ax.patches if patch.get_label() == "Prop. 3 is off")
        corners = band.get_patch_transform().transform(band.get_path().vertices)[:, 0]
        limit = 2 / (P * np.log1p(1 / P))
        assert (corners.min(), corners.max()) == pytest.approx((2, limit))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n-jobs", "0"], "--n-jobs must not be 0"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--trials", "1"], "--trials must be at least 2"),
        (["--output", "p.txt"], "--output must end in one of"),
        (["--csv", "no/t.csv"], "--csv no/t.csv is in a folder that does not exist"),
        (["--csv", "."], "--csv . is a folder"),
        (["--csv", "p.svg", "--output", "p.svg"], "--csv and --output must be two files"),
        (["--csv", "t", "--checkpoint", "t"], "--csv and --checkpoint must be two paths"),
        (["--csv", "t", "--checkpoint", "./t/c"], "--csv and --checkpoint must be two paths"),
        (["--checkpoint", "file"], "--checkpoint file must be a folder, or new"),
    ],
)
def test_nothing_is_computed_that_could_not_be_kept(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(plt, "subplots", lambda *_, **__: pytest.fail("ran"))
    with pytest.raises(SystemExit):
        run(5, *arguments)
    assert message in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_files_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    # Permissions do not keep the superuser from writing.
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: open(dir / "no" / "file"))
    with pytest.raises(SystemExit):
        run(5, "--csv", tmp_path / "t.csv")
    assert "t.csv cannot be written" in " ".join(capsys.readouterr().err.split())


@pytest.mark.long
def test_dimensions_at_a_million_codewords():
    """The kept table of figure 2 against theory as it is now."""
    with open(FOLDER / "figure_2.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["decoder"] == "top-k"]
    assert [int(row["k"]) for row in rows] == [2**i for i in range(11)]
    for row in rows[2:]:
        d, low, high = (float(row[key]) for key in ("d50", "low", "high"))
        standard_error = (high - low) / (2 * norm.ppf(0.975))
        decoder = TopKDecoder(RademacherEncoder())
        expected = predicted_dimension(
            decoder, n_features=2**20, n_nonzero_coefs=int(row["k"]), probability=0.5
        )
        assert abs(d - expected) < max(0.03 * expected, 1, 3 * standard_error)
