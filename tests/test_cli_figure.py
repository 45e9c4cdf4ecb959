# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import logging
import tempfile

import numpy as np
import pytest
from matplotlib import pyplot as plt

from sksupercode import figures
from sksupercode._cli._figure_options import figures as numbered
from sksupercode._cli._main import main
from sksupercode.figures import _smallest_dimensions, _subset_recovery
from sksupercode.theory import entropy

PNG = b"\x89PNG"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plt.close("all")


def stub(monkeypatch):
    """Let figure 2 be a function that only keeps what it is given."""
    calls = []

    def figure_2(*, full=False, random_state=0, n_jobs=None, checkpoint=None, csv=None):
        calls.append((full, random_state, n_jobs, checkpoint, csv))
        logging.getLogger("sksupercode.figures.stub").info("a step is done")
        return plt.figure()

    monkeypatch.setattr(figures, "figure_2", figure_2)
    return calls


def test_every_figure_is_a_command():
    assert {2, 4} <= set(numbered())
    assert all(f"figure_{number}" in figures.__all__ for number in numbered())


def test_picture_lies_in_the_working_directory(folder, monkeypatch, capsys):
    calls = stub(monkeypatch)
    assert main(["figure", "2"]) == 0
    assert calls == [(False, 0, 1, None, None)]
    assert (folder / "figure_2.png").read_bytes().startswith(PNG)
    output = capsys.readouterr().out
    assert "a step is done" in output and "figure_2.png" in output


def test_options_arrive(folder, monkeypatch):
    calls = stub(monkeypatch)
    options = "--full --seed 3 --n-jobs 2 --checkpoint ck --csv t.csv --output p.pdf"
    assert main(["figure", "2", *options.split()]) == 0
    ((full, seed, n_jobs, checkpoint, table),) = calls
    assert (full, seed, n_jobs, str(checkpoint), str(table)) == (True, 3, 2, "ck", "t.csv")
    assert (folder / "p.pdf").read_bytes().startswith(b"%PDF")


def test_output_before_the_command_holds_as_well(folder, monkeypatch):
    stub(monkeypatch)
    assert main(["--output", "first.png", "figure", "2"]) == 0
    assert [path.name for path in folder.iterdir()] == ["first.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["7"], "N must be one of"),
        (["2", "--n-jobs", "0"], "--n-jobs must not be 0"),
        (["2", "--seed", "-1"], "--seed must be at least 0"),
        (["2", "--output", "p.txt"], "--output must end in one of"),
        (["2", "--csv", "no/t.csv"], "there is no folder no"),
        (["2", "--csv", "p.svg", "--output", "p.svg"], "--csv and --output must be two files"),
        (["2", "--csv", "t", "--checkpoint", "t"], "--csv and --checkpoint must be two paths"),
        (["2", "--csv", "t", "--checkpoint", "./t/c"], "must be two paths, got t and t/c"),
        (["2", "--checkpoint", "figure_2.png"], "--output and --checkpoint must be two paths"),
    ],
)
def test_messages(arguments, message, monkeypatch, capsys):
    calls = stub(monkeypatch)
    with pytest.raises(SystemExit):
        main(["figure", *arguments])
    assert message in " ".join(capsys.readouterr().err.split())
    assert calls == []


def test_folders_that_cannot_be_written_to(folder, monkeypatch, capsys):
    calls = stub(monkeypatch)

    # Permissions do not keep the superuser from writing.
    def refuse(dir):
        raise PermissionError(13, f"no files in {dir}")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(SystemExit):
        main(["figure", "1"])
    message = " ".join(capsys.readouterr().err.split())
    assert "cannot write figure_1.png: [Errno 13] no files in ." in message
    assert calls == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [("checkpoint", "keeps no"), ("csv", "has no table"), ("n-jobs", "takes one process")],
)
def test_options_that_a_figure_lacks(name, reason, monkeypatch, capsys):
    monkeypatch.setattr(figures, "figure_2", lambda *, full, random_state: plt.figure())
    with pytest.raises(SystemExit):
        main(["figure", "2", f"--{name}", "2"])
    message = " ".join(capsys.readouterr().err.split())
    assert f"--{name} is not for figure 2, which {reason}" in message


def test_checkpoint_that_is_no_use(folder, monkeypatch, capsys):
    monkeypatch.setattr(_smallest_dimensions, "DECODERS", top_k_alone())
    (folder / "ck").mkdir()
    (folder / "ck" / "top-k_N16384_k1.sqlite").write_text("no data base")
    with pytest.raises(SystemExit):
        main(["figure", "2", "--checkpoint", "ck"])
    assert "checkpoint=" in capsys.readouterr().err


def top_k_alone():
    return {"top-k": _smallest_dimensions.DECODERS["top-k"]}


def test_smallest_dimensions_are_those_of_theory():
    # The standard error of a d from 5 x 50 codes is 3 % or less, and the theory is good to 1 %.
    rows = _smallest_dimensions.measure(256, [1, 4], n_trials=50)
    assert [(row["k"], row["decoder"]) for row in rows[:4]] == [
        (1, name) for name in _smallest_dimensions.DECODERS
    ]
    for row in rows:
        assert row["low"] < row["d50"] < row["high"]
        assert row["trials"] == 50 * 5 or row["k"] == 1
        assert row["seconds"] > 0
        # A normal approximation says little of so few codewords.
        if row["theory"] is not None and row["decoder"] != "basis pursuit":
            assert abs(row["d50"] - row["theory"]) < max(0.1 * row["theory"], 1)
    assert [row["k"] for row in rows if row["theory"] is None] == [1]


def test_smallest_dimensions_go_on_from_a_checkpoint(folder, monkeypatch):
    monkeypatch.setattr(_smallest_dimensions, "DECODERS", top_k_and_pursuit())
    options = {"n_trials": 20, "checkpoint": folder / "new" / "folder"}
    first = _smallest_dimensions.measure(256, [4], **options)
    assert sorted(path.name for path in options["checkpoint"].iterdir()) == [
        "matching-pursuit_N256_k4.sqlite",
        "top-k_N256_k4.sqlite",
    ]
    # The seconds as well: they are those that were spent, not those of reading files.
    assert _smallest_dimensions.measure(256, [4], **options) == first


def top_k_and_pursuit():
    names = "top-k", "matching pursuit"
    return {name: _smallest_dimensions.DECODERS[name] for name in names}


def test_beyond_the_largest_k_there_is_theory_alone(folder, monkeypatch):
    decoder, _ = _smallest_dimensions.DECODERS["basis pursuit"]
    others = top_k_and_pursuit()
    monkeypatch.setattr(_smallest_dimensions, "DECODERS", others | {"basis pursuit": (decoder, 4)})
    rows = _smallest_dimensions.measure(256, [4, 8], n_trials=10)
    assert rows[-1]["d50"] is None and rows[-1]["theory"] > 0
    left, right = _smallest_dimensions.draw(rows, 256).axes
    *_, bp = [line for line in left.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert list(bp.get_xdata()) == [4, 8]
    *_, bits = [line for line in right.lines if line.get_linestyle() == "--"]
    expected = bp.get_ydata() / entropy(256, np.array([4, 8]))
    np.testing.assert_allclose(bits.get_ydata(), expected)


def test_subset_recovery(folder):
    curves = _subset_recovery.measure(256, 4, n_trials=50, checkpoint=folder / "ck")
    assert list(curves) == list(_subset_recovery.DECODERS)
    assert len(list((folder / "ck").iterdir())) == len(curves)
    halves = {name: curve.dimension_at(0.5).n_components for name, (curve, _) in curves.items()}
    assert halves["AMP"] < halves["matching pursuit"] < halves["top-k"] < halves["threshold"]
    for curve, predicted in curves.values():
        if predicted is not None:
            # Of a rate from 50 codes the standard error is 0.07 or less; 0.08 is AMP's theory.
            assert np.abs(curve.success_rate - predicted).max() < 4 * 0.07 + 0.08
    rows = _subset_recovery.tabulate(curves)
    figures._files.write_table(rows, folder / "t.csv")
    with open(folder / "t.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(rows)
    assert {row["decoder"] for row in table if row["theory"] == ""} == set(
        _subset_recovery._BETWEEN
    )
    (ax,) = _subset_recovery.draw(curves, "title").axes
    assert {line.get_label() for line in ax.lines} >= set(curves) | {"theory"}
