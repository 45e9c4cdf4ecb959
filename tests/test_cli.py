# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import math
import pkgutil
import re
import runpy

import numpy as np
import pytest
from sklearn.utils import Bunch

from sksupercode import OrthogonalMatchingPursuitDecoder, SwapDecoder, theory
from sksupercode._cli._decoders import SWEPT, comparison_decoders
from sksupercode._cli._frontier_options import complete_frontier
from sksupercode._cli._main import build_parser, main
from sksupercode._cli._passages import PassagesReport, passages_summary
from sksupercode._cli._sweep import draw_curves, summarize
from sksupercode.model_selection import RecoveryCurve, predicted_dimension
from sksupercode.model_selection._frontier_decoders import default_decoders
from sksupercode.testing import all_estimators
from tests.marks import long

SMALL = ["--n-features", "64", "--n-nonzero-coefs", "3", "--trials", "10", "--seed", "1"]


@pytest.fixture
def few_documents(monkeypatch):
    """Let sixty lists of words be all passages, for runs that look at other things."""
    monkeypatch.setattr("sksupercode._cli._passages._GRID_LENGTH", 3)
    monkeypatch.setattr("sksupercode._cli._passages._N_LEVELS", 2)
    rng = np.random.default_rng(0)
    lists = [rng.choice(300, 8, replace=False) for _ in range(60)]
    documents = Bunch(data=[" ".join(f"word{i}" for i in words) for words in lists])
    monkeypatch.setattr("sksupercode._cli._passages.load_passages", lambda: documents)


def run(capsys, *arguments):
    """Return what a run prints, without its bars."""
    assert main([str(argument) for argument in arguments]) == 0
    output = capsys.readouterr().out
    assert "100%" not in output
    return output


@pytest.mark.usefixtures("few_documents")
def test_main_job(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*SMALL, "--csv", "table.csv"]) == 0
    output, errors = capsys.readouterr()
    # Also where no bar can be drawn, each decoder is named when it is finished.
    for i, name in enumerate((*SWEPT, "real passages")):
        assert re.search(rf"^{name}: [\d.]+ s.* \({i + 1} of 5\)$", errors, re.MULTILINE)
    assert "100%" not in output and "in place of" not in output
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    for name in SWEPT:
        assert name in output
    assert re.search(r"20 of 60 passages, N = \d+ words, k = 8 to 8", " ".join(output.split()))
    assert (tmp_path / "recovery_curves.png").read_bytes().startswith(b"\x89PNG")
    with open("table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["decoder"] for row in rows] == list(SWEPT)
    for row in rows:
        half, most = int(row["dimension_50"]), int(row["dimension_90"])
        assert half <= most
        # log2 C(64, 3) = 15.35 bits
        assert float(row["bits_per_dimension_90"]) == pytest.approx(15.3465 / most, rel=1e-4)
        assert float(row["seconds_per_sample_90"]) > 0
    dimensions = {row["decoder"]: int(row["dimension_90"]) for row in rows}
    assert dimensions["matching-pursuit"] < dimensions["top-k"] < dimensions["threshold"]


@pytest.mark.long
def test_choice_of_decoders_and_dimensions(capsys, tmp_path):
    table, picture = tmp_path / "t.csv", tmp_path / "curves.pdf"
    arguments = ["--decoders", "top-k", "top-k", "--dimensions", "160", "20", "80", "30", "20"]
    arguments += ["--output", picture, "--csv", table, "--n-jobs", "2", "--no-passages"]
    assert "passages" not in run(capsys, *SMALL, *arguments)
    (row,) = csv.DictReader(table.open(newline=""))
    assert row["decoder"] == "top-k"
    assert 20 < int(row["dimension_50"]) < int(row["dimension_90"]) <= 160
    assert picture.stat().st_size > 0


@pytest.mark.long
@pytest.mark.usefixtures("few_documents")
def test_every_decoder_of_the_frontier_can_be_swept(capsys, tmp_path):
    table, picture = tmp_path / "t.csv", tmp_path / "p.png"
    names = ["amp-sections", "adaptive-successive", "amp-coupled", "top-k"]
    size = ["--n-features", "64", "--n-nonzero-coefs", "4", "--trials", "10"]
    output = run(capsys, *size, "--decoders", *names, "--output", picture, "--csv", table)
    assert "amp-coupled: fewer active codewords than the 32 blocks of its code." in output
    rows = list(csv.DictReader(table.open(newline="")))
    assert [row["decoder"] for row in rows] == ["amp-sections", "adaptive-successive", "top-k"]
    # A code of four sections of 16 codewords has 16 bits, one of 4 of 64 has log2 C(64, 4) = 19.28.
    for row, bits in zip(rows, (16, 16, 19.2772), strict=True):
        rate = float(row["bits_per_dimension_90"])
        assert rate * int(row["dimension_90"]) == pytest.approx(bits, rel=1e-4)


@pytest.mark.parametrize(
    "command, function",
    [
        ([*SMALL, "--dimensions", "20", "60", "--no-passages"], "_sweep.recovery_curve"),
        (["frontier", "--sizes", "64:3", "--trials", "20"], "_frontier.decoder_frontier"),
    ],
)
def test_commands_go_on_where_they_were_interrupted(
    capsys, tmp_path, monkeypatch, command, function
):
    function = f"sksupercode._cli.{function}"
    measure = pkgutil.resolve_name(function)

    def interrupted(*args, **options):
        measure(*args, **options)
        raise KeyboardInterrupt

    checkpoint = tmp_path / "c.sqlite"
    arguments = [*command, "--decoders", "top-k", "--output", str(tmp_path / "p.svg")]
    arguments += ["--checkpoint", str(checkpoint)]
    monkeypatch.setattr(function, interrupted)
    assert main(arguments) == 130
    error = capsys.readouterr().err
    line = f"interrupted: the same command goes on from what is in {checkpoint}"
    assert error.splitlines()[-1] == line and "Traceback" not in error
    monkeypatch.setattr(function, measure)
    # All is in the file; the picture is not what is tested.
    monkeypatch.setattr(f"{function.rpartition('.')[0]}.save", lambda *arguments: None)
    monkeypatch.setattr("sksupercode.model_selection._cells.Chain.run", None)
    assert "top-k" in run(capsys, *arguments)
    with pytest.raises(SystemExit):
        main([*arguments, "--seed", "5"])
    assert "of another configuration: random_state is" in capsys.readouterr().err


def test_an_interrupted_command_without_checkpoint(capsys, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sksupercode._cli._bounds.run", interrupt)
    assert main(["bounds"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_nothing_to_sweep(capsys):
    with pytest.raises(SystemExit):
        main([*SMALL, "--decoders", "amp-coupled"])
    assert "there is nothing to sweep. amp-coupled: fewer" in capsys.readouterr().err


@pytest.mark.usefixtures("few_documents")
def test_what_is_replaced_is_named(capsys, tmp_path):
    table, picture = tmp_path / "t.csv", tmp_path / "p.png"
    picture.write_text("old")
    arguments = ["--decoders", "top-k", "--output", picture, "--csv", table]
    output = " ".join(run(capsys, *SMALL, *arguments).split())
    assert f"drawn in {picture}, in place of the file that was there." in output
    assert f"written to {table}." in output
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
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
        (["--csv", "t.csv", "--checkpoint", "t.csv"], "--csv and --checkpoint must be two"),
        (["bounds", "--n-features", str(2**60 + 1)], "--n-features"),
        (["bounds", "--n-nonzero-coefs", "2000"], "--n-nonzero-coefs"),
        (["bounds", "--noise-variance", "-1"], "--noise-variance"),
        (["bounds", "--noise-variance", "nan"], "--noise-variance"),
        (["bounds", "--snr", "0"], "--snr"),
        (["bounds", "--snr", "2", "--noise-variance", "1"], "--noise-variance"),
        (["bounds", "--probability", "0.5", "1"], "--probability"),
        (["bounds", "--probability", "nan"], "--probability"),
        (["bounds", "--csv", "no/such/folder/t.csv"], "no/such/folder"),
        (["limits"], "limits"),
        (["frontier", "--sizes", "1024"], "1024"),
        (["frontier", "--sizes", "8:9"], "8:9"),
        (["frontier", "--sizes", "a:b"], "a:b"),
        (["frontier", "--decoders", "oracle"], "--decoders"),
        (["frontier", "--trials", "0"], "--trials"),
        (["frontier", "--values", "ones"], "--values"),
        (
            ["--values", "gaussian", "--decoders", "maximum-likelihood"],
            "error: maximum-likelihood looks for binary values alone, got --values gaussian",
        ),
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
    assert "Traceback" not in error and "usage:" not in error
    command = f" {arguments[0]}" if arguments[0] in ("bounds", "frontier") else ""
    assert error.splitlines()[-1] == f"Try 'python -m sksupercode{command} --help'."


@pytest.mark.parametrize(
    "option, command",
    [
        (["--checkpoint", "cells"], "bounds"),
        (["--no-passages"], "frontier"),
        (["--n-features", "64"], "frontier"),
    ],
)
def test_options_before_a_command_that_has_none_of_the_name(capsys, option, command):
    with pytest.raises(SystemExit):
        main([*option, command])
    error = capsys.readouterr().err
    assert error.startswith(f"python -m sksupercode {command}: error: {option[0]} is no option of")


@pytest.mark.parametrize("noise_variance", ["0.01", *long("0")])
def test_bounds(capsys, monkeypatch, noise_variance):
    monkeypatch.setenv("COLUMNS", "80")
    sizes = ["--n-features", "512", "--n-nonzero-coefs", "4"]
    output = run(capsys, "bounds", *sizes, "--noise-variance", noise_variance)
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    # log2 C(512, 4) = 31.40
    assert "31.4 bits" in output
    assert ("all or nothing" in output) == (noise_variance != "0")
    assert ("without noise" in output) == (noise_variance != "0")
    assert ("│ basis-pursuit  " in output) == (noise_variance == "0")
    rows = [line.split("│")[1:-1] for line in output.splitlines() if line.startswith("│ top-k")]
    # dims/bit and bits/dim are each other's inverse, up to their three decimals.
    for row in rows:
        assert float(row[-1]) * float(row[-2]) == pytest.approx(1, abs=0.02)
    assert [row[1].strip() for row in rows[-2:]] == ["50%", "90%"]
    assert "none: no number of dimensions is enough" not in output


def test_bounds_at_other_rates_in_a_file(capsys, tmp_path):
    table, size = tmp_path / "t.csv", {"n_features": 512, "n_nonzero_coefs": 4}
    arguments = ["--n-features", "512", "--n-nonzero-coefs", "4", "--noise-variance", "0.02"]
    arguments += ["--probability", "0.99", "0.8", "--csv", table]
    output = run(capsys, "bounds", *arguments)
    assert "guarantee of 99%" in output and "unique decoding, 1% failure" in output
    rows = list(csv.DictReader(table.open(newline="")))
    assert {(row["n_features"], row["noise_variance"]) for row in rows} == {("512", "0.02")}
    measured = {(row["name"], row["probability"]): float(row["n_components"]) for row in rows}
    for rate in (0.8, 0.99):
        options = {"probability": rate, "noise_variance": 0.02, **size}
        expected = predicted_dimension(default_decoders()["top-k"], **options)
        assert measured["top-k", str(rate)] == expected
    assert measured["threshold, MAP", "0.8"] < measured["threshold 1/2", "0.8"]
    expected = theory.all_or_nothing_dimension(512, 4, 0.02)
    assert measured["all or nothing", ""] == pytest.approx(expected, rel=1e-5)
    expected = theory.topk_guarantee_dimension(512, 4, 0.01)
    assert measured["top-k, guarantee of 99%", ""] == pytest.approx(expected, rel=1e-5)


def test_bounds_at_a_signal_to_noise_ratio(capsys, tmp_path):
    table, size = tmp_path / "t.csv", {"n_features": 512, "n_nonzero_coefs": 4}
    arguments = ["--n-features", "512", "--n-nonzero-coefs", "4", "--snr", "0.5"]
    output = run(capsys, "bounds", *arguments, "--probability", "0.9", "--csv", table)
    assert "predicted at an SNR of 0.5" in output
    found = {
        (row["table"], row["name"]): float(row["n_components"])
        for row in csv.DictReader(table.open(newline=""))
    }
    noise = {"noise_variance": 2.0, "relative": True}
    expected = predicted_dimension(default_decoders()["top-k"], probability=0.9, **noise, **size)
    assert found["Decoders, predicted at an SNR of 0.5", "top-k"] == expected
    limits = "Limits at an SNR of 0.5"
    # The limits of the variance that noise of this ratio has there.
    for name, law in (
        ("all or nothing", theory.all_or_nothing_dimension),
        ("one-step decoding, large N", theory.one_step_dimension),
    ):
        d = found[limits, name]
        assert law(512, 4, 2.0 * 4 / d) == pytest.approx(d, rel=1e-4)


def test_bounds_say_what_is_missing_and_which_limit_binds(capsys):
    size = ["--n-features", "512", "--n-nonzero-coefs", "4", "--probability", "0.9"]
    output = " ".join(run(capsys, "bounds", *size, "--noise-variance", "0.0001").split())
    counting = math.ceil(theory.counting_dimension(512, 4))
    assert f"less than the counting limit without noise, {counting}." in output
    assert "Not predicted: adaptive-successive, " in output and " omp, " in output
    output = " ".join(run(capsys, "bounds", *size, "--noise-variance", "0.03").split())
    assert "counting limit without noise" not in output


@pytest.mark.filterwarnings("error")
def test_bounds_say_why_no_dimension_is_enough(capsys):
    size = ["--n-features", "64", "--n-nonzero-coefs", "3", "--probability", "0.9"]
    output = " ".join(run(capsys, "bounds", *size, "--noise-variance", "1").split())
    assert "none: no number of dimensions is enough. Codewords have norm 1" in output


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_features, k", [(1, 1), (3, 3), (2, 1)])
def test_bounds_of_the_smallest_codes(capsys, n_features, k):
    output = run(capsys, "bounds", "--n-features", n_features, "--n-nonzero-coefs", k)
    assert "matching-pursuit" in output


def test_frontier(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    names = ["top-k", "matching-pursuit"]
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
            float(row[key]) for key in ("bits_low", "bits_per_dimension", "bits_high")
        )
        assert low <= rate <= high
        bits = {"64": 15.3465, "16": 4.0}[row["n_features"]]
        assert rate == pytest.approx(bits / int(row["n_components"]), rel=1e-3)
        assert row["decoder"] in output and f"{rate:.3f}" in output
    top_k, matching_pursuit = rows[:2]
    assert float(top_k["bits_high"]) < float(matching_pursuit["bits_low"])
    # The law of top-k for k = 3 is good to 0.03, which is some 5 % of d.
    assert float(top_k["bits_low"]) / 1.05 < float(top_k["predicted_bits"])
    assert float(top_k["predicted_bits"]) < float(top_k["bits_high"]) * 1.05


def test_frontier_of_values(capsys, tmp_path):
    options = ["--sizes", "64:3", "--trials", "40", "--output", tmp_path / "p.png"]
    output = run(capsys, "frontier", "--values", "gaussian", "--decoders", "omp", *options)
    assert "15.3 bits, gaussian values" in " ".join(output.split())
    assert "No decoder" not in output
    arguments = build_parser().parse_args(["--values", "gaussian", "frontier"])
    complete_frontier(arguments.parser, arguments)
    assert "omp" in arguments.decoders and "maximum-likelihood" not in arguments.decoders


def test_frontier_says_what_is_out_of_reach(capsys, tmp_path):
    picture, table = tmp_path / "p.png", tmp_path / "t.csv"
    arguments = ["--decoders", "basis-pursuit", "--sizes", "2048:600", "--output", picture]
    output = run(capsys, "--csv", table, "frontier", *arguments)
    assert "basis-pursuit: takes 20 seconds or more" in output.replace("\n", " ")
    (row,) = csv.DictReader(table.open(newline=""))
    assert row["n_components"] == row["seconds_per_trial"] == ""
    assert float(row["predicted_bits"]) > 0
    assert picture.stat().st_size > 0


def test_decoders_come_from_the_one_list():
    decoders = default_decoders()
    assert {type(decoder) for decoder in decoders.values()} == {
        cls for _, cls in all_estimators("decoder")
    }
    assert set(SWEPT) <= set(decoders)
    parser = build_parser()
    for command in ([], ["frontier"]):
        given = parser.parse_args([*command, "--decoders", *decoders]).decoders
        assert given == list(decoders)
    names = ["sae", "sae-refit", "gradient-pursuit", "matching-pursuit", "omp", "top-k"]
    assert list(comparison_decoders()) == [*names, "top-k-refit", "sae-swap", "omp-swap"]
    swap = comparison_decoders()["omp-swap"](None)
    assert isinstance(swap, SwapDecoder)
    assert isinstance(swap.estimator, OrthogonalMatchingPursuitDecoder)


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


def test_runs_as_a_module(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["sksupercode", "--help"])
    with pytest.raises(SystemExit) as exit_info:
        runpy.run_module("sksupercode", run_name="__main__", alter_sys=True)
    assert exit_info.value.code == 0
    output = capsys.readouterr().out
    for option in ("--n-features", "--decoders", "--dimensions", "--csv", "--n-jobs"):
        assert option in output


def curve(n_recovered, n_components=(10, 20, 40)):
    counts = np.array(n_recovered), np.array([100, 100, 100])
    seconds = np.array([1.0, 2.0, 4.0])
    return RecoveryCurve(np.array(n_components), *counts, seconds_per_trial=seconds)


def test_summary_of_curves():
    curves = {"all": curve([0, 50, 100]), "half": curve([10, 40, 60]), "none": curve([0, 0, 1])}
    whole, half, none = summarize(curves, 1024, 8)
    assert 18 <= whole["dimension_50"] <= whole["dimension_90"] <= 30
    # log2 C(1024, 8) = 64.6
    expected = 64.6 / whole["dimension_90"]
    assert whole["bits_per_dimension_90"] == pytest.approx(expected, rel=1e-3)
    assert whole["seconds_per_sample_90"] == pytest.approx(whole["dimension_90"] / 10)
    assert 20 < half["dimension_50"] < 40
    assert half["dimension_90"] is half["seconds_per_sample_90"] is None
    assert set(none.values()) == {"none", None}


def test_picture_of_curves_has_one_legend():
    figure = draw_curves({"a": curve([0, 50, 100]), "b": curve([0, 0, 1])}, "title")
    ((ax,), (legend,)) = figure.axes, figure.legends
    assert ax.get_legend() is None
    assert [text.get_text() for text in legend.texts] == ["a", "b"]


@pytest.mark.parametrize(
    "rates, expected",
    [([1, 1, 1], 10), ([0, 1, 1], 20), ([1, 0.9, 1], 40), ([0, 0, 0.9], None)],
)
def test_dimension_without_an_error(rates, expected):
    d, predicted = np.array([10, 20, 40]), np.array([0.5, 0.94, 0.96])
    report = PassagesReport(100, 1000, np.full(10, 3), d, np.array(rates), predicted)
    assert report.dimension == expected
    # 10 trials: half a passage is a rate of 0.95
    assert report.predicted_dimension == 40
    found = f"from d = {expected} on" if expected else "at no d of the sweep"
    summary = passages_summary(report)
    assert f"stored without an error {found};" in summary
    assert summary.endswith("expects that from d = 40 on.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compare", "--activations", "X.npy", "--sae", "a", "--sae", "b"],
            "--sae may be given only once",
        ),
        (["bounds", "--depth", "1"], "unrecognized arguments: --depth 1"),
    ],
)
def test_repeated_and_unknown_options_end_with_the_help_of_the_command(capsys, arguments, message):
    with pytest.raises(SystemExit):
        main(arguments)
    error = capsys.readouterr().err
    assert message in error
    assert f"Try 'python -m sksupercode {arguments[0]} --help'." in error
