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
from sksupercode.plotting import RecoveryCurveDisplay


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
