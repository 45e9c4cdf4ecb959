# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import inspect
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.stats import norm

from sksupercode import RademacherEncoder, TopKDecoder, figures, theory
from sksupercode.figures import (
    _coarse_coding,
    _inverse_capacity,
    _proposition_5,
    _random_codebook,
)
from sksupercode.model_selection import predicted_dimension


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(ax, color):
    """Return the points and the dashed line of one colour."""
    (line,) = (x for x in ax.lines if x.get_linestyle() == "--" and x.get_color() == color)
    (points,) = (x.lines[0] for x in ax.containers if x.lines[0].get_color() == color)
    return points.get_xydata(), line.get_xydata()


def test_fields_are_discs():
    code = _coarse_coding.draw_code(9, 40, 0.2, np.random.default_rng(0))
    assert code.codewords.shape == (81, 40)
    np.testing.assert_allclose((code.codewords**2).sum(axis=1), 1, rtol=1e-5)
    i, j = 30, 7
    inside = np.linalg.norm(code.positions[i] - code.centers[j]) < 0.2
    assert (code.codewords[i, j] > 0) == inside
    # Each position is covered with probability pi r^2 / W; 5 standard errors of 40 fields.
    p = np.pi * 0.2**2 / 1.4**2
    assert abs((code.codewords > 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / 40)


def test_expected_sharing_is_that_of_codewords():
    rng = np.random.default_rng(1)
    side, d, r, counts = 12, 30, 0.2, []
    for _ in range(300):
        codewords = _coarse_coding.draw_code(side, d, r, rng).codewords
        sizes = np.unique(codewords, axis=0, return_counts=True)[1]
        counts.append((sizes**2).sum() / side**2)
    error = np.std(counts) / np.sqrt(len(counts))
    expected = _coarse_coding.expected_sharing(side, r, d)
    assert error < 0.05 * expected
    assert abs(np.mean(counts) - expected) < 4 * error


def test_sharing_tends_to_the_cell_of_a_line_tessellation():
    # The grid adds the position itself; the cells hold dozens of others.
    side, r, d = 400, 0.2, 400
    area = (_coarse_coding.expected_sharing(side, r, d) - 1) / side**2
    formula = np.pi / 8 * ((1 + 2 * r) ** 2 / (r * d)) ** 2
    assert area == pytest.approx(formula, rel=0.05)


@pytest.mark.parametrize("radius", [0.05, 0.2])
def test_sharing_is_measured_as_expected(radius):
    numbers = np.array([8, 16, 64])
    rng = np.random.default_rng(0)
    rows = _coarse_coding.measure(16, numbers, n_trials=300, rng=rng, radii=(radius,))
    for row in rows:
        # Four standard errors, where an interval has 1.96 of them to each side.
        error = (row["high"] - row["low"]) / (2 * 1.96)
        assert abs(row["sharing"] - row["theory"]) < 4 * error + 1e-9
    sharing = [row["sharing"] for row in rows]
    assert sharing == sorted(sharing, reverse=True)


def coarse_coding(seed):
    rng = np.random.default_rng(seed)
    rows = _coarse_coding.measure(16, np.array([16, 64]), n_trials=50, rng=rng)
    return rows, _coarse_coding.draw(_coarse_coding.draw_code(16, 20, 0.2, rng), 0.2, rows, rng)


def test_coarse_coding():
    rows, figure = coarse_coding(0)
    assert isinstance(figure, Figure)
    ax = figure.axes[2]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    for r, color in zip((0.05, 0.1, 0.2), _coarse_coding._COLORS, strict=True):
        points, line = drawn(ax, color)
        mine = [row for row in rows if row["radius"] == r]
        np.testing.assert_array_equal(points[:, 1], [row["sharing"] for row in mine])
        np.testing.assert_allclose(
            line[:, 1], _coarse_coding.expected_sharing(16, r, np.array([16, 64]))
        )
    assert coarse_coding(0)[0] == rows
    assert coarse_coding(1)[0] != rows


def test_random_codebook():
    sweep = {"noises": (1.0, 4.0), "n_trials": 40}
    rows = _random_codebook.measure((8, 32), **sweep)
    figure = _random_codebook.draw(rows)
    assert isinstance(figure, Figure)
    assert [ax.get_title() for ax in figure.axes] == ["P = 1", "P = 4"]
    for ax, P in zip(figure.axes, (1.0, 4.0), strict=True):
        for N, (color, _) in zip((8, 32), _random_codebook._STYLES, strict=False):
            points, line = drawn(ax, color)
            mine = [row for row in rows if (row["N"], row["P"]) == (N, P)]
            np.testing.assert_array_equal(points[:, 1], [row["success_rate"] for row in mine])
            d = np.rint(line[:, 0] * P * np.log(N)).astype(int)
            exact = theory.spherical_codebook_success_probability(N, P, d)
            np.testing.assert_allclose(line[:, 1], exact)
        (band,) = (x for x in ax.patches if x.get_label() == "Prop. 3 is off")
        limit = 2 / (P * np.log1p(1 / P))
        corners = band.get_patch_transform().transform(band.get_path().vertices)
        assert (corners[:, 0].min(), corners[:, 0].max()) == pytest.approx((2, limit))
    assert _random_codebook.measure((8, 32), **sweep) == rows
    assert _random_codebook.measure((8, 32), random_state=1, **sweep) != rows


def test_proposition_5():
    sweep = {"exponents": (0.5,), "n_trials": 40}
    rows = _proposition_5.measure((64, 144), **sweep)
    figure = _proposition_5.draw(rows)
    assert isinstance(figure, Figure)
    (ax,) = figure.axes
    for (N, k), (color, _) in zip(((64, 8), (144, 12)), _proposition_5._STYLES, strict=False):
        points, line = drawn(ax, color)
        mine = [row for row in rows if row["N"] == N]
        assert {row["k"] for row in mine} == {k}
        np.testing.assert_array_equal(points[:, 1], [row["success_rate"] for row in mine])
        d = line[:, 0] * theory.one_step_constant(0.5) * k * np.log(N)
        rate = theory.topk_success_probability(N, k, d, approximation="refined")
        np.testing.assert_allclose(line[:, 1], rate)
    assert _proposition_5.measure((64, 144), **sweep) == rows
    assert _proposition_5.measure((64, 144), random_state=1, **sweep) != rows


def test_inverse_capacity():
    sizes = {64: [4, 8], 256: [4]}
    rows = _inverse_capacity.measure(sizes, n_trials=100)
    figure = _inverse_capacity.draw(rows)
    assert isinstance(figure, Figure)
    (ax,) = figure.axes
    eta, cost = ax.lines[0].get_data()
    np.testing.assert_allclose(cost, 2 * (1 + np.sqrt(eta)) / (1 - np.sqrt(eta)))
    for N, (color, _) in zip(sizes, _inverse_capacity._STYLES, strict=False):
        points, line = drawn(ax, color)
        k = np.array(sizes[N])
        nats = theory.entropy(N, k, unit="nats")
        np.testing.assert_allclose(points[:, 0], np.log(k) / np.log(N))
        np.testing.assert_allclose(
            points[:, 1] * nats, [row["d90"] for row in rows if row["N"] == N]
        )
        expected = theory.topk_dimension(N, k, 0.9, approximation="refined") / nats
        np.testing.assert_allclose(line[:, 1], expected)
    (bits,) = ax.child_axes
    assert bits.get_ylabel() == "dimensions per bit"
    assert _inverse_capacity.measure(sizes, n_trials=100) == rows
    assert _inverse_capacity.measure(sizes, n_trials=100, random_state=1) != rows


@pytest.mark.parametrize(
    "module, name",
    [
        (_coarse_coding, "figure_1"),
        (_random_codebook, "figure_3"),
        (_proposition_5, "figure_5"),
        (_inverse_capacity, "figure_6"),
    ],
)
def test_figures_measure_draw_and_write(module, name, tmp_path, monkeypatch):
    seen = {}

    def measure(*args, **options):
        seen.update(options)
        return [{"a": 1, "b": 0.5}]

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(module, "draw", lambda *args: plt.figure())
    short = {}
    for full in (False, True):
        path = tmp_path / "table.csv"
        assert isinstance(getattr(module, name)(full=full, csv=path), Figure)
        assert list(csv.reader(path.open())) == [["a", "b"], ["1", "0.5"]]
        short[full] = seen["n_trials"]
    assert short[False] < short[True]


@pytest.mark.parametrize("number", range(1, 7))
def test_nothing_is_computed_that_could_not_be_kept(number, tmp_path, monkeypatch):
    draw = getattr(figures, f"figure_{number}")
    monkeypatch.setattr(inspect.getmodule(draw), "measure", lambda *_, **__: pytest.fail("ran"))
    with pytest.raises(ValueError, match="csv='.*' is in a folder that does not exist"):
        draw(csv=tmp_path / "missing" / "table.csv")
    with pytest.raises(ValueError, match="csv='.*' is a folder"):
        draw(csv=tmp_path)
    with monkeypatch.context() as context, pytest.raises(ValueError, match="csv='.*' cannot be"):
        context.setattr(tempfile, "TemporaryFile", lambda dir: open(dir / "no" / "file"))
        draw(csv=tmp_path / "table.csv")
    with pytest.raises(ValueError, match="csv must be None or a path, got 5"):
        draw(csv=5)
    if "checkpoint" in inspect.signature(draw).parameters:
        file = tmp_path / "file"
        file.touch()
        with pytest.raises(ValueError, match="checkpoint='.*' is a file; it must be a folder"):
            draw(checkpoint=file)
        with pytest.raises(ValueError, match="csv and checkpoint must be two paths, got '.*new'"):
            draw(csv=tmp_path / "new", checkpoint=tmp_path / "new")
        assert not (tmp_path / "new").exists()
    with monkeypatch.context() as context, pytest.raises(ImportError, match="need Matplotlib"):
        context.setitem(sys.modules, "matplotlib", None)
        draw()


def test_dimensions_at_a_million_codewords():
    """The kept table of figure 2 against theory as it is now."""
    path = Path(__file__).parents[1] / "examples" / "figures" / "figure_2.csv"
    rows = [row for row in csv.DictReader(path.open()) if row["decoder"] == "top-k"]
    assert [int(row["k"]) for row in rows] == [2**i for i in range(11)]
    for row in rows[2:]:
        d, low, high = (float(row[key]) for key in ("d50", "low", "high"))
        standard_error = (high - low) / (2 * norm.ppf(0.975))
        decoder = TopKDecoder(RademacherEncoder())
        expected = predicted_dimension(
            decoder, n_features=2**20, n_nonzero_coefs=int(row["k"]), probability=0.5
        )
        assert abs(d - expected) < max(0.03 * expected, 1, 3 * standard_error)
