# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import subprocess
import sys

import numpy as np
import pytest
from sklearn.utils import Bunch

from sksupercode._cli._frontier import measure_row
from sksupercode._cli._frontier_options import complete_frontier
from sksupercode._cli._frontier_rows import ENTRIES
from sksupercode._cli._main import build_parser, main
from sksupercode._cli._passages import PassagesReport
from sksupercode._cli._sweep import DECODERS, RecoveryCurve, default_dimensions
from sksupercode.datasets import load_passages

SMALL = ["--n-features", "64", "--n-nonzero-coefs", "3", "--trials", "10", "--seed", "1"]


@pytest.fixture
def few_documents(monkeypatch):
    """Let real passages be two hundred, for runs that look at other things."""
    documents = Bunch(data=load_passages().data[:200])
    monkeypatch.setattr("sksupercode._cli._passages.load_passages", lambda: documents)


def run(capsys, *arguments):
    """Return what a run prints to the terminal."""
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_main_job(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    output = run(capsys, *SMALL, "--csv", "table.csv")
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    for name in DECODERS:
        assert name in output
    assert "real passages" in output
    assert "stored without an error" in output
    assert (tmp_path / "recovery_curves.png").read_bytes().startswith(b"\x89PNG")
    with open("table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["decoder"] for row in rows] == list(DECODERS)
    for row in rows:
        half, most = int(row["dimension_50"]), int(row["dimension_90"])
        assert half <= most
        # log2 C(64, 3) = 15.35 bits
        assert float(row["bits_per_dimension_90"]) == pytest.approx(15.3465 / most, rel=1e-4)
        assert float(row["seconds_per_sample_90"]) > 0
    dimensions = {row["decoder"]: int(row["dimension_90"]) for row in rows}
    assert dimensions["matching-pursuit"] < dimensions["top-k"] < dimensions["threshold"]


@pytest.mark.usefixtures("few_documents")
def test_choice_of_decoders_and_dimensions(capsys, tmp_path):
    table, picture = tmp_path / "t.csv", tmp_path / "curves.pdf"
    arguments = ["--decoders", "top-k", "top-k", "--dimensions", "200", "1", "200"]
    run(capsys, *SMALL, *arguments, "--output", picture, "--csv", table, "--n-jobs", "2")
    (row,) = csv.DictReader(table.open(newline=""))
    assert row["decoder"] == "top-k"
    assert 1 < int(row["dimension_50"]) < int(row["dimension_90"]) <= 200
    assert picture.stat().st_size > 0


@pytest.mark.usefixtures("few_documents")
def test_seeds_reproduce_the_table(capsys, tmp_path):
    tables = []
    for seed in (0, 0, 1):
        path = tmp_path / "table.csv"
        arguments = ["--decoders", "top-k", "--output", tmp_path / "p.png", "--csv", path]
        run(capsys, *SMALL[:-1], seed, *arguments)
        (row,) = csv.DictReader(path.open(newline=""))
        tables.append((row["dimension_50"], row["dimension_90"]))
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--n-features", "0"], "--n-features"),
        (["--n-features", "many"], "--n-features"),
        (["--n-nonzero-coefs", "0"], "--n-nonzero-coefs"),
        (["--n-features", "10", "--n-nonzero-coefs", "11"], "--n-nonzero-coefs"),
        (["--dimensions", "0"], "--dimensions"),
        (["--decoders", "oracle"], "--decoders"),
        (["--trials", "1"], "--trials"),
        (["--seed", "-1"], "--seed"),
        (["--n-jobs", "0"], "--n-jobs"),
        (["--output", "no/such/folder/p.png"], "no/such/folder"),
        (["--output", "picture.xyz"], "picture.xyz"),
        (["bounds", "--n-features", str(2**60 + 1)], "--n-features"),
        (["bounds", "--n-nonzero-coefs", "2000"], "--n-nonzero-coefs"),
        (["bounds", "--noise-variance", "-1"], "--noise-variance"),
        (["bounds", "--noise-variance", "nan"], "--noise-variance"),
        (["limits"], "limits"),
        (["frontier", "--sizes", "1024"], "1024"),
        (["frontier", "--sizes", "8:9"], "8:9"),
        (["frontier", "--sizes", "a:b"], "a:b"),
        (["frontier", "--decoders", "oracle"], "--decoders"),
        (["frontier", "--trials", "0"], "--trials"),
        (["frontier", "--time-limit", "0"], "--time-limit"),
        (["frontier", "--seed", "-1"], "--seed"),
        (["frontier", "--output", "picture.xyz"], "picture.xyz"),
        (["frontier", "--csv", "no/such/folder/t.csv"], "no/such/folder"),
    ],
)
def test_bad_arguments_end_with_a_message(capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("noise_variance", ["0", "0.01"])
def test_bounds(capsys, monkeypatch, noise_variance):
    monkeypatch.setenv("COLUMNS", "80")
    sizes = ["--n-features", "512", "--n-nonzero-coefs", "4"]
    output = run(capsys, "bounds", *sizes, "--noise-variance", noise_variance)
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    # log2 C(512, 4) = 31.40
    assert "31.4 bits" in output
    assert ("all or nothing" in output) == (noise_variance != "0")
    assert ("│ basis pursuit  " in output) == (noise_variance == "0")
    rows = [line.split("│")[1:-1] for line in output.splitlines() if line.startswith("│ top-k")]
    # dims/bit and bits/dim are each other's inverse, up to their three decimals.
    for row in rows:
        assert float(row[-1]) * float(row[-2]) == pytest.approx(1, abs=0.02)
    assert [row[1].strip() for row in rows[-2:]] == ["50%", "90%"]


@pytest.mark.parametrize("n_features, k", [(1, 1), (3, 3), (2, 1)])
def test_bounds_of_the_smallest_codes(capsys, n_features, k):
    output = run(capsys, "bounds", "--n-features", n_features, "--n-nonzero-coefs", k)
    assert "matching pursuit" in output


def test_frontier(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    names = ["top-k", "matching-pursuit", "basis-pursuit"]
    sizes = ["--sizes", "64:3", "16:1", "--trials", "160", "--time-limit", "30"]
    arguments = ["--decoders", *names, *sizes, "--csv", "table.csv", "--seed", "1"]
    output = run(capsys, "frontier", *arguments)
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    assert "15.3 bits" in output and "4.0 bits" in output
    assert (tmp_path / "decoder_frontier.png").read_bytes().startswith(b"\x89PNG")
    with open("table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["n_features"], row["decoder"]) for row in rows] == [
        (n_features, name) for n_features in ("64", "16") for name in names
    ]
    for row in rows:
        low, rate, high = (
            float(row[key]) for key in ("low_95", "bits_per_dimension_90", "high_95")
        )
        assert low <= rate <= high
        bits = {"64": 15.3465, "16": 4.0}[row["n_features"]]
        assert rate == pytest.approx(bits / int(row["dimension_90"]), rel=1e-3)
        assert row["decoder"] in output and f"{rate:.3f}" in output
    top_k, matching_pursuit, _ = rows[:3]
    assert float(top_k["high_95"]) < float(matching_pursuit["low_95"])
    # The law of top-k for k = 3 is good to 0.03, which is some 5 % of d.
    assert float(top_k["low_95"]) / 1.05 < float(top_k["predicted"])
    assert float(top_k["predicted"]) < float(top_k["high_95"]) * 1.05


def test_frontier_says_what_is_out_of_reach(capsys, tmp_path):
    picture, table = tmp_path / "p.png", tmp_path / "t.csv"
    arguments = ["--decoders", "basis-pursuit", "--sizes", "2048:600", "--output", picture]
    output = run(capsys, "--csv", table, "frontier", *arguments)
    assert "basis-pursuit: takes 20 seconds or more" in output.replace("\n", " ")
    (row,) = csv.DictReader(table.open(newline=""))
    assert row["dimension_90"] == row["seconds_per_sample_90"] == ""
    assert float(row["predicted"]) > 0
    assert picture.stat().st_size > 0


@pytest.mark.parametrize("name", ENTRIES)
def test_frontier_entries_can_be_measured(name):
    entry = ENTRIES[name]
    if entry.refuse(64, 3) is None:
        row = measure_row(name, 64, 3, n_samples=160, max_seconds=60.0, seed=0)
        assert 1 < row.result.n_components < 1000
        assert 0.5 < row.result.bits_per_dimension / (row.predicted or 1) < 2 or not row.predicted


def test_frontier_quick_gives_way():
    parser = build_parser()
    for given, expected in [
        ([], (800, 4)),
        (["--quick"], (240, 2)),
        (["--quick", "--trials", "7"], (7, 2)),
    ]:
        arguments = parser.parse_args(["frontier", *given])
        complete_frontier(parser, arguments)
        assert (arguments.trials, len(arguments.sizes)) == expected


def test_runs_as_a_module():
    command = [sys.executable, "-m", "sksupercode", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    for option in ("--n-features", "--decoders", "--dimensions", "--csv", "--n-jobs"):
        assert option in result.stdout


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("n_features, k", [(1, 1), (2, 1), (10, 10), (1024, 8), (2**20, 256)])
def test_default_dimensions_are_legal_and_increase(name, n_features, k):
    grid = default_dimensions(name, n_features, k)
    assert grid[0] >= 1
    assert np.all(np.diff(grid) > 0)


def curve(rates):
    dimensions = np.array([10, 20, 30])
    return RecoveryCurve("top-k", dimensions, np.array(rates), np.array([1.0, 2.0, 3.0]), 10)


@pytest.mark.parametrize(
    "rates, rate, expected",
    [
        ([0.0, 0.5, 1.0], 0.5, 20),
        ([0.0, 0.5, 1.0], 0.75, 25),
        ([0.0, 0.5, 1.0], 0.9, 28),
        ([0.9, 0.9, 1.0], 0.5, None),
        ([0.0, 0.1, 0.2], 0.5, None),
        # 0.6 and 0.4 are pooled to 0.5
        ([0.0, 0.6, 0.4], 0.5, 20),
    ],
)
def test_dimension_at_a_rate(rates, rate, expected):
    assert curve(rates).dimension_at(rate) == expected


def test_seconds_are_interpolated():
    assert curve([0, 0, 0]).seconds_at(15) == pytest.approx(1.5)


@pytest.mark.parametrize(
    "rates, expected",
    [([1, 1, 1], 10), ([0, 1, 1], 20), ([1, 0.9, 1], 30), ([0, 0, 0.9], None)],
)
def test_dimension_without_an_error(rates, expected):
    report = PassagesReport(100, 1000, np.array([3, 5]), curve(rates), np.array([0.5, 0.94, 0.96]))
    assert report.dimension == expected
    # 10 trials: half a passage is a rate of 0.95
    assert report.predicted_dimension == 30
