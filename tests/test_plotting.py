# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re
import sys

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import (
    DropoutChannel,
    GaussianChannel,
    HadamardEncoder,
    RademacherEncoder,
    RefitDecoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.inspection import dictionary_report
from sksupercode.model_selection import (
    DecoderFrontier,
    FrontierRow,
    MeasuredDimension,
    PhaseTransition,
    RecoveryCurve,
    phase_transition,
    recovery_curve,
    recovery_probability,
)
from sksupercode.plotting import (
    DictionaryReportDisplay,
    FrontierDisplay,
    ParetoDisplay,
    PhaseTransitionDisplay,
    RecoveryCurveDisplay,
)
from tests.marks import long


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


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


def searched(make_search=GridSearchCV, **options):
    Y = make_sparse_codes(60, 64, n_nonzero_coefs=2, random_state=0)
    encoder = RademacherEncoder(random_state=0)
    pipeline = make_pipeline(encoder, GaussianChannel(0.0, random_state=0), TopKDecoder(encoder))
    grid = {"rademacherencoder__n_components": [60, 5, 20]} | options.pop("grid", {})
    return make_search(pipeline, grid, cv=2, refit=False, **options).fit(Y, Y)


def test_curves_of_a_grid_search_are_sorted():
    search, ax = searched(), Figure().subplots()
    results = search.cv_results_
    display = RecoveryCurveDisplay.from_cv_results(
        search, n_trials=60, predicted=[0.1, 0.5, 0.9], name="top-k", ax=ax, color="k"
    )
    assert display.ax_ is ax
    assert display.line_.get_color() == "k"
    np.testing.assert_array_equal(display.n_components, [5, 20, 60])
    np.testing.assert_array_equal(display.success_rate, results["mean_test_score"][[1, 2, 0]])
    assert display.success_rate[0] < display.success_rate[-1]
    np.testing.assert_array_equal(display.predicted_.get_ydata(), [0.1, 0.5, 0.9])
    assert display.predicted_.get_label() == "top-k, theory"
    assert RecoveryCurveDisplay.from_cv_results(results).fill_ is None


def test_a_search_over_decoders_has_a_curve_for_each():
    encoder, name = RademacherEncoder(random_state=0), "rademacherencoder__n_components"
    decoders = [ThresholdDecoder(encoder, threshold=t) for t in ("map", 0.5)]
    decoders += [TopKDecoder(encoder)] + [RefitDecoder(TopKDecoder(encoder, k)) for k in (1, 2)]
    search = searched(grid={"topkdecoder": decoders})
    display = RecoveryCurveDisplay.from_cv_results(search, n_trials=60)
    labels = ["ThresholdDecoder(threshold='map')", "ThresholdDecoder(threshold=0.5)"]
    labels += ["TopKDecoder"]
    labels += [f"RefitDecoder(estimator=TopKDecoder(n_nonzero_coefs={k}))" for k in (1, 2)]
    assert [line.get_label() for line in display.line_] == labels
    assert [text.get_text() for text in display.ax_.get_legend().texts] == labels
    assert len(display.fill_) == 5 and display.predicted_ == 5 * [None]
    for line, decoder in zip(display.line_, decoders, strict=True):
        rates = {
            parameters[name]: score
            for parameters, score in zip(
                search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
            )
            if parameters["topkdecoder"] is decoder
        }
        np.testing.assert_array_equal(line.get_xydata(), sorted(rates.items()))
    frame = display.to_frame()
    assert list(frame["name"].unique()) == labels and len(frame) == 15
    names = ["a", "b", "c", "d", "e"]
    display = RecoveryCurveDisplay.from_cv_results(search, name=names, predicted=np.zeros(15))
    assert [line.get_label() for line in display.predicted_] == [f"{n}, theory" for n in names]
    with pytest.raises(ValueError, match="name must be None or 5 distinct names"):
        RecoveryCurveDisplay.from_cv_results(search, name="mine")
    with pytest.raises(ValueError, match="name must be None for several curves, got 'mine'"):
        display.plot(name="mine")


def test_a_curve_without_a_prediction_is_not_in_the_legend():
    names, predicted = ["mp", "mp", "omp"], [0.1, 0.9, np.nan]
    display = RecoveryCurveDisplay([20, 40, 40], [0.1, 1, 1], predicted=predicted, name=names)
    display.plot(Figure().subplots())
    assert [line and line.get_label() for line in display.predicted_] == ["mp, theory", None]
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["mp", "mp, theory", "omp"]


def test_searches_of_several_grids_and_parameters():
    """Each grid has its own dimensions, and parameters that the others lack."""
    d, others = "rademacherencoder__n_components", "topkdecoder__n_nonzero_coefs"
    nan = np.ma.masked
    results = {
        f"param_{d}": [10, 20, 5, 40],
        f"param_{others}": np.ma.array([2, 2, 0, 0], mask=[0, 0, 1, 1]),
        "param_gaussianchannel": np.ma.array([nan, nan, "passthrough", "passthrough"]),
        "mean_test_score": np.array([0.1, 0.2, 0.3, 0.4]),
    }
    lines = RecoveryCurveDisplay.from_cv_results(results).line_
    assert [line.get_label() for line in lines] == [f"{others}=2", "gaussianchannel=passthrough"]
    np.testing.assert_array_equal(lines[1].get_xydata(), [[5, 0.3], [40, 0.4]])


def test_curves_of_a_halving_search_are_of_the_last_round():
    results = searched(HalvingGridSearchCV, factor=2, min_resources=15).cv_results_
    display = RecoveryCurveDisplay.from_cv_results(results)
    np.testing.assert_array_equal(display.n_components, [5, 20, 60])
    last = {}
    columns = ("param_rademacherencoder__n_components", "n_resources", "mean_test_score")
    for d, *rest in zip(*(results[name] for name in columns), strict=True):
        last[d] = rest
    assert len(results["iter"]) > len(last) == 3
    expected = np.array([last[d] for d in (5, 20, 60)])
    np.testing.assert_array_equal(display.n_trials, expected[:, 0])
    np.testing.assert_array_equal(display.success_rate, expected[:, 1])
    assert len(set(display.n_trials)) > 1 and display.fill_ is not None


@pytest.mark.parametrize("keys", [[], ["param_a__n_components", "param_b__n_components"]])
def test_curves_have_one_dimension(keys):
    results = {"mean_test_score": [1.0], **{key: [3] for key in keys}}
    for display in (RecoveryCurveDisplay, PhaseTransitionDisplay):
        with pytest.raises(ValueError, match="exactly one n_components parameter, got"):
            display.from_cv_results(results)
        with pytest.raises(ValueError, match="exactly one n_components parameter, got"):
            masked = np.ma.array([3, 3], mask=[0, 1])  # of a grid that has no dimensions
            display.from_cv_results({"mean_test_score": [1, 1], "param_a__n_components": masked})
        with pytest.raises(ValueError, match="must have a mean_test_score"):
            display.from_cv_results({"param_a__n_components": [3]})


SWEEP = {"n_features": 64, "n_trials": 40, "random_state": 0}


def test_curve_from_estimator():
    encoder = RademacherEncoder()
    options = SWEEP | {"n_nonzero_coefs": 4, "n_components": [15, 25, 40]}
    channel, decoder = GaussianChannel(0.3, relative=True), TopKDecoder(encoder)
    display = RecoveryCurveDisplay.from_estimator(
        encoder, decoder, theory=True, channel=channel, line_kw={"lw": 3}, **options
    )
    curve = recovery_curve(encoder, decoder, channel=channel, **options)
    np.testing.assert_array_equal(display.line_.get_ydata(), curve.success_rate)
    np.testing.assert_array_equal(display.n_trials, 40 / curve.design_effect)
    options = {"n_features": 64, "n_nonzero_coefs": 4, "n_components": [15, 25, 40]}
    predicted, _ = recovery_probability(decoder, noise_variance=0.3, relative=True, **options)
    np.testing.assert_allclose(display.predicted_.get_ydata(), predicted)
    assert display.line_.get_label() == "TopKDecoder" and display.line_.get_lw() == 3


def test_trials_that_share_codebooks_count_for_less():
    curve = RecoveryCurve(np.array([5]), np.array([15]), np.array([50]), design_effect=2.0)
    assert RecoveryCurveDisplay.from_result(curve).n_trials == 25


def test_where_all_dimensions_suffice_there_is_no_half():
    d, trials = np.array([20, 40]), np.full(2, 100)
    curves = tuple(RecoveryCurve(d, np.array(counts), trials) for counts in ([99, 100], [20, 80]))
    transition = PhaseTransition("n_nonzero_coefs", np.array([1, 4]), d, curves)
    half = PhaseTransitionDisplay.from_result(transition).half
    assert np.isnan(half[0]) and np.isfinite(half[1])


def test_there_is_not_always_a_theory():
    encoder = RademacherEncoder()
    options = SWEEP | {"theory": True, "n_nonzero_coefs": 4, "n_components": [15]}
    with pytest.raises(ValueError, match="need channel=None or a GaussianChannel"):
        RecoveryCurveDisplay.from_estimator(
            encoder, TopKDecoder(encoder), channel=DropoutChannel(), **options
        )
    for wrong in ({"values": "real"}, {"sections": True}):
        with pytest.raises(ValueError, match="^theory=True: the theory is of .*, and [vs]"):
            RecoveryCurveDisplay.from_estimator(encoder, TopKDecoder(encoder), **options, **wrong)
    with pytest.raises(ValueError, match="there is no prediction for Pipeline"):
        RecoveryCurveDisplay.from_estimator(encoder, make_pipeline(TopKDecoder(encoder)), **options)


@pytest.mark.parametrize("parameter", ["n_features", *long("n_nonzero_coefs")])
def test_phase_transition_from_estimator(parameter):
    encoder = RademacherEncoder()
    sizes = {"n_nonzero_coefs": (2, [2, 4]), "n_features": (64, [32, 256])}
    size = {name: few for name, (few, _) in sizes.items()} | {parameter: sizes[parameter][1]}
    options = size | {"n_components": [10, 20, 40, 80], "n_trials": 40, "random_state": 0}
    display = PhaseTransitionDisplay.from_estimator(
        encoder, TopKDecoder(encoder), theory=True, mesh_kw={"cmap": "Reds"}, **options
    )
    transition = phase_transition(encoder, TopKDecoder(encoder), **options)
    np.testing.assert_array_equal(display.mesh_.get_array().T, transition.success_rate)
    half = transition.dimension_at(0.5).n_components
    np.testing.assert_allclose(display.half_.get_ydata(), half)
    predicted = display.predicted_.get_ydata()
    # Rates of 40 trials at four dimensions leave some 10 % open.
    np.testing.assert_allclose(predicted, half, rtol=0.3)
    assert predicted[0] < predicted[1]
    assert display.mesh_.get_cmap().name == "Reds"
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_xscale() == ("log" if parameter == "n_features" else "linear")
    assert display.colorbar_.ax.get_ylabel() == "exact-recovery rate"
    display.figure_.canvas.draw()


def test_phase_transition_of_a_grid_search():
    grid = {"gaussianchannel__noise_variance": [0.0, 0.3]}
    results = searched(grid=grid).cv_results_
    display = PhaseTransitionDisplay.from_cv_results(results, ax=Figure().subplots())
    assert display.ax_.get_xlabel() == "gaussianchannel__noise_variance"
    np.testing.assert_array_equal(display.values, [0.0, 0.3])
    np.testing.assert_array_equal(display.n_components, [5, 20, 60])
    for row in range(len(results["params"])):
        d = results["param_rademacherencoder__n_components"][row]
        noise = results["param_gaussianchannel__noise_variance"][row]
        rate = display.success_rate[display.values == noise, display.n_components == d]
        assert rate == results["mean_test_score"][row]
    assert display.half_ is None and display.predicted_ is None
    assert display.success_rate[0, 1] > display.success_rate[1, 1]
    with pytest.raises(ValueError, match="must be of a full grid of n_components and gauss"):
        PhaseTransitionDisplay.from_cv_results(
            {name: values[1:] for name, values in results.items()}
        )
    with pytest.raises(ValueError, match="exactly one other parameter"):
        PhaseTransitionDisplay.from_cv_results(
            {k: v for k, v in results.items() if "noise" not in k}
        )


def test_cells_of_the_grid_are_around_their_values():
    values, dimensions = np.array([1, 10, 100]), np.array([10, 20])
    display = PhaseTransitionDisplay(values, dimensions, np.zeros((3, 2))).plot()
    corners = display.mesh_.get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], 10.0 ** np.array([-0.5, 0.5, 1.5, 2.5]))
    np.testing.assert_allclose(corners[:, 0, 1], [5, 15, 25])
    with pytest.raises(ValueError, match=r"success_rate must be of shape \(3, 2\)"):
        PhaseTransitionDisplay(values, dimensions, np.zeros((2, 3)))


def measured(name, size, d, low, high, predicted=np.nan):
    counts = np.array([1])
    curve = RecoveryCurve(counts, counts, counts)
    result = MeasuredDimension(d, low, high, 0.9, 0.95, 60.0, curve, 0.1)
    return FrontierRow(*size, name, 60.0, result, predicted)


def test_frontier_of_decoders():
    size = (64, 4)
    rows = (measured("one", size, 300, 200, 400), measured("two", size, 60, 50, np.inf, 40))
    ax = Figure().subplots()
    frontier = DecoderFrontier(rows, confidence=0.9)
    display = FrontierDisplay.from_result(frontier, ax=ax, color="k")
    assert display.ax_ is ax
    assert display.errorbar_.get_label() == "measured, 90 % interval"
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


def test_numbers_of_a_frontier_are_beside_what_was_measured():
    """Not beside a diamond that stands apart."""
    names, rates = list("abcd"), np.array([1.0, 1.0, 1.0, 0.1])
    predicted = [1.6, 1.02, 0.5, 0.3]
    display = FrontierDisplay(names, rates, rates - 0.02, rates + 0.02, predicted=predicted).plot()
    display.figure_.canvas.draw()
    places = display.ax_.transData.transform(np.column_stack([rates, np.arange(4)]))
    diamonds = display.ax_.transData.transform(np.column_stack([predicted, np.arange(4)]))
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    assert boxes[0].x1 < places[0, 0] < diamonds[0, 0]
    assert places[1, 0] < diamonds[1, 0] < boxes[1].x0
    assert diamonds[2, 0] < places[2, 0] < boxes[2].x0
    assert boxes[3].x0 > diamonds[3, 0]
    for box, x in zip(boxes, diamonds[:, 0], strict=True):
        assert not box.x0 < x < box.x1


def test_frontier_without_results_or_predictions():
    nothing = [np.nan, np.nan]
    display = FrontierDisplay(["one", "two"], nothing, nothing, nothing).plot()
    assert display.predicted_ is None
    assert not display.ax_.texts
    display.figure_.canvas.draw()
    display = FrontierDisplay(["one"], [1.0], [0.5], [np.inf]).plot()
    assert 1.5 < display.ax_.get_xlim()[1] < 2
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
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["b", "a", "Pareto front"]
    assert ax.get_ylim()[0] == 0
    assert display.front_.get_xydata().tolist() == [[8, 0.1], [2, 0.4], [4, 0.2]]


def test_pareto_front():
    """A pair of nearly equal L0 has one best point, on an axis whose ticks are plain numbers."""
    names, l0 = ["SAE", "OMP", "OMP, random"], [32.0, 31.998, 16.0]
    display = ParetoDisplay(names[:2], l0[:2], [0.3, 0.2]).plot()
    assert display.front_.get_xydata().tolist() == [[31.998, 0.2]]
    display.figure_.canvas.draw()
    assert not display.ax_.xaxis.get_offset_text().get_text()
    low, high = display.ax_.get_xlim()
    assert low < 29 and high > 35
    display = ParetoDisplay(names, l0, [0.9, 0.8, 0.99], y="AUC_1").plot(Figure().subplots())
    assert display.front_.get_xydata().tolist() == [[32, 0.9]]
    # Between the points of another line is no front; a fine sweep is all on it.
    names, l0 = ["a"] * 4 + ["b"], [8, 15, 16, 16.1, 15.7]
    display = ParetoDisplay(names, l0, [0.4, 0.3, 0.2, 0.19, 0.29]).plot(Figure().subplots())
    assert display.front_.get_xdata().tolist() == l0[:4]
    # The same with fewer latents is better, and other columns have no front.
    display = ParetoDisplay(["a", "b"], [8, 4], [0.2, 0.2]).plot(Figure().subplots())
    assert display.front_.get_xydata().tolist() == [[4, 0.2]]
    display = ParetoDisplay(["a", "b"], [8, 4], [1, 2], y="mine").plot(Figure().subplots())
    assert display.front_ is None


def test_pareto_display_from_comparison():
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    rows = [
        {"decoder": "SAE", "L0": 8.0, "FVU": 0.3, "cosine": 0.9},
        {"decoder": "OMP", "L0": 8.0, "FVU": 0.2, "cosine": 0.7},
    ]
    for comparison in (rows, pandas.DataFrame(rows).set_index("decoder")):
        display = ParetoDisplay.from_result(comparison, ax=Figure().subplots())
        assert display.names == ["SAE", "OMP"]
        np.testing.assert_array_equal(display.values, [0.3, 0.2])
        assert display.ax_.get_ylabel() == "fraction of variance unexplained"
        display = ParetoDisplay.from_result(comparison, y="cosine", ax=Figure().subplots())
        np.testing.assert_array_equal(display.lines_[1].get_ydata(), [0.7])
        with pytest.raises(ValueError, match="y must be a column of result, L0, FVU, cosine, got"):
            ParetoDisplay.from_result(comparison, y="F1")
    with pytest.raises(ValueError, match=r"result must be of compare_decoders, got \[\]"):
        ParetoDisplay.from_result([])


@pytest.mark.parametrize(
    "y, bottom, label",
    [
        ("sample_error", 0, "squared error over squared norm, mean over samples"),
        ("F1", None, "F1, mean over features"),
        ("AUC_1", None, "area under the ROC curve, probes on 1 latent"),
        ("AUC_20", None, "area under the ROC curve, probes on 20 latents"),
        ("mine", None, "mine"),
    ],
)
def test_pareto_display_of_other_columns(y, bottom, label):
    """Errors begin at 0, and scores end where they need to, at 1 at most."""
    ax = ParetoDisplay(["a", "b"], [4, 8], [0.7, 0.9], y=y).plot(Figure().subplots()).ax_
    assert ax.get_ylabel() == label
    low, high = ax.get_ylim()
    assert (low == 0) == (bottom == 0)
    assert low < 0.7 and high > 0.9
    top = ParetoDisplay(["a", "b"], [4, 8], [0.7, 1.0], y="F1").plot(Figure().subplots())
    assert top.ax_.get_ylim()[1] == 1


def test_lines_that_coincide_are_all_seen():
    names, l0 = [name for name in "abcd" for _ in range(3)], [8, 16, 32] * 4
    values = [0.3, 0.2, 0.1] * 3 + [0.3, 0.2, 0.15]
    display = ParetoDisplay(names, l0, values).plot(Figure().subplots(), lw=1)
    assert [line.get_linewidth() for line in display.lines_] == [7, 4, 1, 1]
    near = [0.3, 0.2, 0.1, 0.31, 0.21, 0.11]
    display = ParetoDisplay(names[:6], l0[:6], near).plot(Figure().subplots(), lw=1)
    assert [line.get_linewidth() for line in display.lines_] == [1, 1]
    curves = RecoveryCurveDisplay([10, 20] * 2, [0.5, 1] * 2, name=["a", "a", "b", "b"]).plot()
    assert curves.line_[0].get_linewidth() > curves.line_[1].get_linewidth()


@pytest.mark.parametrize("y", ["FVU", "sample_error"])
def test_a_decoder_that_is_far_worse_is_beyond_the_axis(y):
    names, l0 = ["a"] * 3 + ["b"] * 3 + ["c"] * 2, [8, 16, 32] * 2 + [16, 32]
    values = [0.3, 0.2, 0.1, 0.25, 0.15, 0.08, 3.0, 7.0]
    ax = ParetoDisplay(names, l0, values, y=y).plot(Figure().subplots()).ax_
    bottom, top = ax.get_ylim()
    assert bottom == 0 and 0.3 < top < 0.4
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "a", "b", "c (above)", "Pareto front"
    ]  # fmt: skip
    # One that is seen at some L0 has its name alone, and times are drawn however long they are.
    ax = ParetoDisplay(names, l0, [*values[:6], 0.3, 7.0], y=y).plot(Figure().subplots()).ax_
    assert [text.get_text() for text in ax.get_legend().get_texts()][:3] == ["a", "b", "c"]
    ax = ParetoDisplay(names, l0, values, y="seconds_per_sample").plot(Figure().subplots()).ax_
    assert ax.get_ylim()[1] > 7
    # Where all are worse than the mean of the samples, they are drawn.
    ax = ParetoDisplay(["a", "b"], [8, 8], [2.0, 3.0], y=y).plot(Figure().subplots()).ax_
    assert 3 < ax.get_ylim()[1] < 4


def test_names_of_many_decoders_lie_beside_the_axes():
    for n, inside in ((4, True), (7, False)):
        display = ParetoDisplay([f"decoder {i}" for i in range(n)], [8] * n, np.arange(n)).plot()
        display.figure_.canvas.draw()
        legend = display.ax_.get_legend().get_window_extent()
        assert (legend.x0 < display.ax_.get_window_extent().x1) == inside
        assert legend.x1 < display.figure_.bbox.x1


def test_colors_of_the_pareto_display():
    names, l0 = ["a", "b", "b, random"], np.arange(3)
    display = ParetoDisplay(names, l0, l0).plot(Figure().subplots(), colors={"b": "red"})
    assert [to_hex(line.get_color()) for line in display.lines_] == ["#1f77b4", *2 * ["#ff0000"]]
    with pytest.raises(ValueError, match="colors must be a dict of names to colours or None"):
        ParetoDisplay(names, l0, l0).plot(Figure().subplots(), colors="red")


@pytest.mark.parametrize("y", ["FVU", "dead_latents", "F1"])
def test_pareto_displays_that_share_an_axis(y):
    """In either order, all points are seen."""
    for parts in ([0.2, 0.6], [0.6, 0.2]):
        axes = Figure().subplots(1, 2, sharey=True)
        for ax, value in zip(axes, parts, strict=True):
            ParetoDisplay(["a", "a"], [8, 16], [value, value / 2], y=y).plot(ax)
        low, high = axes[0].get_ylim()
        assert low < 0.1 and 0.6 < high < 0.8
        assert all("above" not in line.get_label() for ax in axes for line in ax.lines)


def test_pareto_display_of_baselines():
    names = ["a", "a, random", "a, shuffled", "b, random", "b", "b, random, shuffled"]
    display = ParetoDisplay(names, np.arange(6), [1, 2, 3, 4, np.nan, 5]).plot(Figure().subplots())
    colors = [line.get_color() for line in display.lines_]
    assert [line.get_linestyle() for line in display.lines_] == ["-", "--", ":", "-", "-", ":"]
    assert colors[0] == colors[1] == colors[2] != colors[3] == colors[5] != colors[4]
    assert len(display.lines_[4].get_xdata()) == 0


def test_pareto_display_wants_equal_lengths():
    with pytest.raises(ValueError, match=r"l0 must be of shape \(1,\), got \(2,\)"):
        ParetoDisplay(["a"], [1, 2], [0.1, 0.2])
    for names in ("a", None, 5, [1], [["a"]]):
        with pytest.raises(ValueError, match="names must be a list of str, got"):
            ParetoDisplay(names, [1], [0.1])
        with pytest.raises(ValueError, match="names must be a list of str, got"):
            FrontierDisplay(names, [1], [0.1], [0.2])
    for y in (None, 5, ["FVU"]):
        with pytest.raises(ValueError, match="y must be the name of a column, a str, got"):
            ParetoDisplay(["a"], [1], [0.1], y=y)


def test_styles_by_any_of_their_names():
    assert RecoveryCurveDisplay([1, 2], [0.1, 0.2]).plot(ms=8).line_.get_markersize() == 8
    assert ParetoDisplay(["a"], [1], [2]).plot(ms=3, c="k").lines_[0].get_markersize() == 3
    display = FrontierDisplay(["a"], [1], [0.9], [1.1]).plot(markersize=3, marker="s")
    assert display.errorbar_[0].get_markersize() == 3 and display.errorbar_[0].get_marker() == "s"
    display = PhaseTransitionDisplay([2, 4], [20, 40], [[0.1, 1], [0, 0.5]])
    norm = Normalize(0, 2)
    assert display.plot(norm=norm).mesh_.norm is norm
    assert display.plot(vmax=0.5).mesh_.get_clim() == (0, 0.5)
    assert not (display.ax_.get_xticks() % 1).any()  # there is no k of 2.5


def n_legends(figure):
    return len(figure.legends) + sum(ax.get_legend() is not None for ax in figure.axes)


DISPLAYS = [
    RecoveryCurveDisplay([10, 20], [0.5, 1], n_trials=10, predicted=[0.4, 0.9], name="a"),
    RecoveryCurveDisplay([10, 20, 30], [0.5, 1, 1], n_trials=[9, 9, 5], name=["a", "b", "a"]),
    PhaseTransitionDisplay([2, 4], [10, 20], [[0, 1], [1, 1]], half=[10, np.nan], predicted=[1, 2]),
    FrontierDisplay(["a", "b"], [0.5, 1.0], [0.4, 0.9], [0.6, 1.1], predicted=[0.5, np.nan]),
    ParetoDisplay(["a", "b", "b"], [4, 4, 8], [0.3, 0.2, 0.1]),
    DictionaryReportDisplay(dictionary_report(SphericalEncoder(8, n_features=30, random_state=0))),
]


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: type(display).__name__)
def test_displays_draw_one_legend_and_give_their_numbers(display):
    assert n_legends(display.plot().figure_) == 1
    # Twice into the same axes is still one, and whoever wants it elsewhere gets none.
    display.plot(getattr(display, "axes_", display.ax_))
    assert n_legends(display.figure_) == 1
    assert n_legends(display.plot(legend=False).figure_) == 0
    frame = display.to_frame()
    columns = {name: np.asarray(column) for name, column in display._columns().items()}
    assert list(frame.columns) == list(columns) and len(frame) > 1
    for name, column in columns.items():
        np.testing.assert_array_equal(frame[name], column)
        assert f"{name}=" in repr(display)
    assert not re.search("at 0x|array|float64", repr(display)) and len(repr(display)) < 1000


def test_frames_need_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "sksupercode._utils._frames", raising=False)
    with pytest.raises(ImportError, match="to_frame needs pandas: python -m pip install pandas"):
        DISPLAYS[0].to_frame()


def test_frames_are_printed_with_all_columns(monkeypatch):
    pytest.importorskip("pandas", reason="data frames need pandas")
    monkeypatch.setenv("COLUMNS", "40")
    frame = DISPLAYS[3].to_frame()
    for text in (repr(frame), str(frame[list(frame.columns)])):
        assert all(name in text for name in frame.columns) and "..." not in text
        assert max(map(len, text.splitlines())) <= 40


def test_curves_without_a_name_have_no_legend():
    assert n_legends(RecoveryCurveDisplay([1, 2], [0.1, 0.2]).plot().figure_) == 0


@pytest.mark.parametrize("display", [RecoveryCurveDisplay, PhaseTransitionDisplay])
def test_what_cannot_be_predicted_or_drawn_is_not_measured(display, monkeypatch):
    monkeypatch.setattr(TopKDecoder, "score", lambda *_: pytest.fail("ran"))
    options = SWEEP | {"n_nonzero_coefs": [2, 4], "n_components": [15]}
    if display is RecoveryCurveDisplay:
        options["n_nonzero_coefs"] = 4
    encoder = HadamardEncoder()
    with pytest.raises(ValueError, match="cannot be predicted"):
        display.from_estimator(encoder, TopKDecoder(encoder), theory=True, **options)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="Plots need Matplotlib"):
        display.from_estimator(encoder, TopKDecoder(encoder), **options)


@pytest.mark.parametrize("display", [RecoveryCurveDisplay, PhaseTransitionDisplay])
@pytest.mark.parametrize("encoder", [0, RademacherEncoder, TopKDecoder(None)])
@pytest.mark.parametrize("theory", [True, False])
def test_what_is_no_encoder_or_decoder_is_refused(display, encoder, theory):
    sizes = 4 if display is RecoveryCurveDisplay else [2, 4]
    options = SWEEP | {"n_nonzero_coefs": sizes, "n_components": [15]}
    with pytest.raises((TypeError, ValueError), match="^encoder must (be|have) "):
        display.from_estimator(encoder, TopKDecoder(None), theory=theory, **options)
    with pytest.raises((TypeError, ValueError), match="^decoder must be "):
        display.from_estimator(RademacherEncoder(), 0, theory=theory, **options)


@pytest.mark.parametrize("n_trials", [0, -1, np.nan, True, "a", [60, 60]])
def test_trials_of_a_search_are_a_number(n_trials):
    results = {"param_n_components": [10, 40], "mean_test_score": [0, 1]}
    with pytest.raises(ValueError, match="n_trials must be "):
        RecoveryCurveDisplay.from_cv_results(results, n_trials=n_trials)


def test_predictions_are_for_each_dimension():
    results = {"param_n_components": [10, 40], "mean_test_score": [0, 1]}
    with pytest.raises(ValueError, match=r"predicted must be .* \(2,\), got \(3,\)"):
        RecoveryCurveDisplay.from_cv_results(results, predicted=[0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: RecoveryCurveDisplay([1, 2], [0.5]), r"success_rate must be of shape \(2,\)"),
        (lambda: RecoveryCurveDisplay([1, 2], ["a", "b"]), "success_rate must be an array of num"),
        (lambda: RecoveryCurveDisplay([1, 2], [0, 1], n_trials=0), "n_trials must be .* positive"),
        (lambda: PhaseTransitionDisplay(2, [4], [[0.1]]), r"values must be of shape \(n,\)"),
        (lambda: PhaseTransitionDisplay([2], [4], [[0.1]], half=[1, 2]), r"half must be of shape"),
        (lambda: FrontierDisplay(["a"], [1.0], [0.5], [1.5, 2]), r"high must be of shape \(1,\)"),
        (lambda: FrontierDisplay.from_result([3]), "result must be a DecoderFrontier, got"),
        (lambda: ParetoDisplay.from_result([3]), "result must be of compare_decoders, got"),
        (lambda: DictionaryReportDisplay.from_result(3), "result must be a DictionaryReport, got"),
    ],
)
def test_arrays_that_do_not_belong_together(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_dimensions_of_a_search_are_whole():
    results = {"param_n_components": [10, 12.5], "mean_test_score": [0, 1]}
    with pytest.raises(ValueError, match="cv_results must be of whole numbers, got .*12.5"):
        RecoveryCurveDisplay.from_cv_results(results)


@pytest.mark.parametrize("display", [RecoveryCurveDisplay, PhaseTransitionDisplay])
def test_results_that_are_none(display):
    with pytest.raises(ValueError, match="cv_results must be a fitted search or its cv_results_"):
        display.from_cv_results([1, 2])
    with pytest.raises(ValueError, match="result must be a (RecoveryCurve|PhaseTransition), got"):
        display.from_result([1, 2])


@pytest.mark.parametrize("values", [[None, 2], [TopKDecoder(None), TopKDecoder(None)], [[1], [2]]])
def test_grids_are_of_numbers(values):
    results = {"param_n_components": [10, 40], "param_a": values, "mean_test_score": [0, 1]}
    with pytest.raises(ValueError, match="cv_results must be of numbers"):
        PhaseTransitionDisplay.from_cv_results(results)


def test_frontier_of_what_was_not_found():
    rows = (
        measured("far", (64, 4), *3 * [np.inf]),
        FrontierRow(64, 4, "none", 60.0, reason="slow"),
    )
    display = FrontierDisplay.from_result(DecoderFrontier(rows))
    assert np.isnan(display.bits_per_dimension).all() and not display.ax_.texts
    assert display.predicted_ is None


def test_frontiers_of_several_sizes_are_drawn_one_by_one():
    sizes = (64, 4), (256, 4)
    frontier = DecoderFrontier(tuple(measured("a", size, size[0], 50, 300) for size in sizes))
    for size in sizes:
        display = FrontierDisplay.from_result(frontier, size=size)
        np.testing.assert_allclose(display.bits_per_dimension, 60 / size[0])
    for wrong in (None, 64, (64, 5)):
        with pytest.raises(ValueError, match=r"size must be one of \(64, 4\), \(256, 4\), got"):
            FrontierDisplay.from_result(frontier, size=wrong)


@pytest.mark.parametrize("n_trials", [0, -1, np.nan, np.inf, True, "a", [50, 0], [50, 50, 50]])
def test_curves_are_of_some_trials(n_trials):
    with pytest.raises(ValueError, match="n_trials must be "):
        RecoveryCurveDisplay([10, 40], [0, 1], n_trials=n_trials)


@pytest.mark.parametrize("wrong, got", [([0.1], r"got \(1,\)"), (3, r"got \(\)"), ("a", "got 'a'")])
@pytest.mark.parametrize(
    "name, draw",
    [
        ("success_rate", lambda x: RecoveryCurveDisplay([10, 40], x)),
        ("predicted", lambda x: RecoveryCurveDisplay([10, 40], [0, 1], predicted=x)),
        ("success_rate", lambda x: PhaseTransitionDisplay([2, 4], [10], x)),
        ("half", lambda x: PhaseTransitionDisplay([2, 4], [10], [[0], [1]], half=x)),
        ("predicted", lambda x: PhaseTransitionDisplay([2, 4], [10], [[0], [1]], predicted=x)),
        ("bits_per_dimension", lambda x: FrontierDisplay(["a", "b"], x, [1, 1], [1, 1])),
        ("low", lambda x: FrontierDisplay(["a", "b"], [1, 1], x, [1, 1])),
        ("high", lambda x: FrontierDisplay(["a", "b"], [1, 1], [1, 1], x)),
        ("predicted", lambda x: FrontierDisplay(["a", "b"], *[[1, 1]] * 3, predicted=x)),
    ],
)
def test_what_is_drawn_together_is_of_one_length(name, draw, wrong, got):
    with pytest.raises(ValueError, match=f"{name} must be .*{got}"):
        draw(wrong)


def test_axes_are_rows_of_numbers():
    with pytest.raises(ValueError, match=r"values must be of shape \(n,\), got \(\)"):
        PhaseTransitionDisplay(2, 4, [[0.1]])
    with pytest.raises(ValueError, match=r"n_components must be of shape \(n,\), got \(\)"):
        PhaseTransitionDisplay([2], 4, [[0.1]])
    with pytest.raises(ValueError, match="n_components must be an array of numbers, got 'ab'"):
        RecoveryCurveDisplay("ab", [0.1])
