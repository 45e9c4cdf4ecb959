# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.model_selection import MeasuredDimension
from sksupercode.plotting import FrontierDisplay, ParetoDisplay, RecoveryCurveDisplay


def test_curve_and_intervals():
    display = RecoveryCurveDisplay([10, 20, 40], [0.0, 0.3, 1.0], n_trials=50, name="mine").plot()
    assert display.line_.get_label() == "mine"
    np.testing.assert_array_equal(display.line_.get_xdata(), [10, 20, 40])
    np.testing.assert_array_equal(display.line_.get_ydata(), [0.0, 0.3, 1.0])
    # Wilson's interval, written out
    z, n, p = norm.ppf(0.975), 50, np.array([0.0, 0.3, 1.0])
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    (band,) = display.fill_.get_paths()
    heights = band.vertices[:, 1]
    for low, high in zip(center - half, center + half, strict=True):
        assert np.abs(heights - low).min() < 1e-9
        assert np.abs(heights - high).min() < 1e-9


def test_from_cv_results_sorts_by_dimension():
    Y = make_sparse_codes(30, 64, n_nonzero_coefs=2, random_state=0)
    encoder = RademacherEncoder(random_state=0)
    grid = {"rademacherencoder__n_components": [60, 5, 20]}
    pipeline = make_pipeline(encoder, TopKDecoder(encoder))
    search = GridSearchCV(pipeline, grid, cv=2, refit=False).fit(Y, Y)
    ax = Figure().subplots()
    display = RecoveryCurveDisplay.from_cv_results(
        search.cv_results_, n_trials=30, name="top-k", ax=ax, color="k"
    )
    assert display.ax_ is ax
    assert display.line_.get_color() == "k"
    np.testing.assert_array_equal(display.n_components, [5, 20, 60])
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(display.success_rate, scores[[1, 2, 0]])


@pytest.mark.parametrize("keys", [[], ["param_a__n_components", "param_b__n_components"]])
def test_from_cv_results_wants_one_dimension(keys):
    results = {"mean_test_score": [1.0], **{key: [3] for key in keys}}
    with pytest.raises(ValueError, match="exactly one n_components"):
        RecoveryCurveDisplay.from_cv_results(results, n_trials=10)


def measured(n_components, low, high):
    counts = np.array([1])
    return MeasuredDimension(
        n_components, low, high, 0.9, 0.95, 60.0, counts, counts, counts, seconds_per_sample=0.1
    )


def test_frontier_from_measurements():
    results = {"one": measured(300, 200, 400), "two": measured(60, 50, np.inf)}
    ax = Figure().subplots()
    display = FrontierDisplay.from_measurements(results, predicted={"two": 40}, ax=ax, color="k")
    assert display.ax_ is ax
    dots, _, (intervals,) = display.errorbar_
    np.testing.assert_allclose(dots.get_xydata(), [[0.2, 0], [1.0, 1]])
    # 60 bits in 400 to 200 dimensions, and in 50 or more
    ends = np.array([segment[:, 0] for segment in intervals.get_segments()])
    np.testing.assert_allclose(ends, [[0.15, 0.3], [0.0, 1.2]])
    np.testing.assert_allclose(display.predicted_.get_xydata(), [[np.nan, 0], [1.5, 1]])
    assert dots.get_color() == "k"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    assert [text.get_text() for text in ax.texts] == ["0.20", "1.00"]
    # The first row is on top, and everything is within the axes.
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert ax.get_xlim()[1] > 1.5


def test_frontier_without_results_or_predictions():
    nothing = [np.nan, np.nan]
    display = FrontierDisplay(["one", "two"], nothing, nothing, nothing).plot()
    assert display.predicted_ is None
    assert not display.ax_.texts
    display.figure_.canvas.draw()
    display = FrontierDisplay(["one"], [np.nan], [np.nan], [np.nan], predicted=[1.5]).plot()
    assert display.ax_.get_xlim()[1] > 1.5


def test_frontiers_that_share_an_axis_keep_the_wider_range():
    panels = Figure().subplots(1, 2, sharex=True)
    for ax, rate in zip(panels, [2.0, 0.5], strict=True):
        FrontierDisplay(["one"], [rate], [rate - 0.1], [rate + 0.1]).plot(ax)
    assert 2.1 < panels[1].get_xlim()[1] < 3


def test_pareto_display():
    ax = Figure().subplots()
    names, l0, fvu = ["b", "a", "b", "b"], [8, 4, 2, 4], [0.1, 0.5, 0.4, 0.2]
    display = ParetoDisplay(names, l0, fvu).plot(ax, lw=3)
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert [line.get_label() for line in display.lines_] == ["b", "a"]
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [2, 4, 8])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [0.4, 0.2, 0.1])
    np.testing.assert_array_equal(display.lines_[1].get_xdata(), [4])
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["b", "a"]
    assert ax.get_ylim()[0] == 0


def test_pareto_display_from_comparison():
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    rows = [
        {"decoder": "SAE", "L0": 8.0, "FVU": 0.3, "cosine": 0.9},
        {"decoder": "OMP", "L0": 8.0, "FVU": 0.2, "cosine": 0.9},
    ]
    for comparison in (rows, pandas.DataFrame(rows).set_index("decoder")):
        display = ParetoDisplay.from_comparison(comparison, ax=Figure().subplots())
        assert display.names == ["SAE", "OMP"]
        np.testing.assert_array_equal(display.fvu, [0.3, 0.2])


def test_pareto_display_wants_equal_lengths():
    with pytest.raises(ValueError, match="equally long"):
        ParetoDisplay(["a"], [1, 2], [0.1, 0.2])
