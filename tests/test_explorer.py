"""The explorer page of the documentation: its tables against the theory, and the page itself."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sksupercode import theory

DOCS = Path(__file__).parents[1] / "docs"
# Between the points of the tables, and those of the table that such k need.
STATES = [(3_000, 45, 0.0), (70_000, 37, 0.0), (70_000, 37, 0.01), (5_000_000, 57, 0.01)]
SIZES, NOISE_VARIANCES = [16, 32, 64, 128], [0.0, 0.01]
NAMES = ["AMP", "basis pursuit", "matching pursuit", "top-k", "threshold"]
TOLERANCE = 0.02


@pytest.fixture(scope="module")
def explorer():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_extensions")
        explorer = importlib.import_module("explorer_tables")
        # Those between which the states are.
        patch.setattr(explorer, "RATIO", explorer.RATIO[3:12])
        yield explorer


@pytest.fixture(scope="module")
def tables(explorer):
    tables = {name: explorer.decoder_table(name, SIZES, NOISE_VARIANCES) for name in NAMES}
    for table in tables.values():
        table.error = TOLERANCE
    return tables


def transition(table, n, k, noise_variance):
    """Dimensions from a success of about 0.07 to one of about 0.93."""
    rates = table.interpolate(n, k, noise_variance)[[3, 5, 6, 7, 9]]
    return np.unique((theory.entropy(n, k) / rates[rates > 0]).round().astype(int))


def applicable(table):
    return [state for state in STATES if state[2] in table.noise_variance]


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMES if name != "matching pursuit"])
def test_tables_are_near_theory_between_their_points(explorer, tables, name):
    for n, k, noise_variance in applicable(tables[name]):
        d = transition(tables[name], n, k, noise_variance)
        found = tables[name].probability(n, k, d, noise_variance)
        exact = explorer.exact_probability(name, n, k, d, noise_variance)
        assert np.ptp(exact) > 0.3
        np.testing.assert_allclose(found, exact, rtol=0, atol=TOLERANCE)


@pytest.mark.long
@pytest.mark.parametrize("state", STATES)
def test_pursuit_table_is_near_simulation(explorer, tables, state):
    n, k, noise_variance = state
    d = transition(tables["matching pursuit"], *state)[[0, 2, 4]]
    found = tables["matching pursuit"].probability(n, k, d, noise_variance)
    estimate, error = theory.matching_pursuit_active_only(
        n, k, d, noise_variance, n_samples=100, n_draws=64, random_state=0
    )
    assert np.ptp(estimate) > 0.3
    assert np.all(np.abs(found - estimate) < explorer.PURSUIT_ERROR + 4 * error)


@pytest.mark.long
def test_probability_stays_below_what_noise_allows(explorer, tables):
    n, k, noise_variance = 5_000_000, 57, 0.01
    exact = theory.threshold_success_probability(n, k, 10**9, "map", noise_variance)
    found = tables["threshold"].probability(n, k, 10**9, noise_variance)
    assert 0.01 < exact < 0.999
    assert found == pytest.approx(exact, abs=0.05)


def test_limits_between_their_points(explorer, monkeypatch):
    monkeypatch.setattr(explorer, "RATIO", 2 ** np.r_[2:6, 6:23:2])
    for name, (find, noise_variances) in explorer.LIMITS.items():
        table = explorer.limit_table(name)
        for n, k, noise_variance in [(70, 5, 0.001), (70_000, 37, 0.005), (9_999_999, 700, 0.01)]:
            noise_variance = noise_variance if noise_variance in noise_variances else 0.0
            if noise_variance in noise_variances:
                (rate,) = table.interpolate(n, k, noise_variance)
                expected = theory.entropy(n, k) / find(n, k, noise_variance)
                assert rate == pytest.approx(expected, rel=0.01)


class Page:
    """The page, built from its tables alone and opened from a file."""

    def __init__(self, explorer, tables, directory):
        names = ["counting", "all or nothing", "guarantee"]
        limits = [explorer.limit_table(name) for name in names]
        scripts = ["explorer_tables.js", "explorer_model.js", "explorer.js"]
        for script in scripts[1:]:
            shutil.copy(DOCS / "_static" / script, directory)
        Path(directory, scripts[0]).write_text(explorer.as_javascript(tables.values(), limits))
        tags = "".join(f'<script src="{script}"></script>' for script in scripts)
        self.path = Path(directory, "index.html")
        self.path.write_text(
            f'<!doctype html><meta charset="utf-8"><div id="explorer-app"></div>{tags}'
        )

    def open(self, address):
        command = [
            self.browser(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            f"--user-data-dir={self.path.parent / 'profile'}",
            *("--virtual-time-budget=3000", "--dump-dom", f"{self.path.as_uri()}#{address}"),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout

    @staticmethod
    def browser():
        names = ["chromium", "chromium-browser", "google-chrome", "chrome"]
        return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():
    if Page.browser() is None:
        pytest.skip("no Chromium or Chrome is installed")


@pytest.fixture(scope="module")
def page(browser, explorer, tables, tmp_path_factory):
    return Page(explorer, tables, tmp_path_factory.mktemp("explorer"))


@pytest.mark.parametrize("state, decoder", [*zip(STATES, ["AMP", "top-k"] * 2, strict=True)])
def test_page_shows_the_probabilities(page, explorer, tables, state, decoder):
    n, k, noise_variance = state
    d = int(transition(tables[decoder], *state)[1])
    html = page.open(f"N={n}&k={k}&d={d}&noise={noise_variance}")
    cells = re.findall(r'data-decoder="([^"]*)" data-probability="([^"]*)"', html)
    shown = {name: float(text) for name, text in cells}
    assert list(shown) == [name for name in NAMES if state in applicable(tables[name])]
    for name, probability in shown.items():
        expected = tables[name].probability(n, k, d, noise_variance)
        assert probability == pytest.approx(expected, abs=0.001), name
    exact = explorer.exact_probability(decoder, n, k, d, noise_variance)
    assert 0.05 < shown[decoder] < 0.95
    assert shown[decoder] == pytest.approx(exact, abs=TOLERANCE)
    # With noise there is no prediction for basis pursuit, and the page says so.
    without = 'basis pursuit</th><td colspan="3">not with noise</td>' in html
    assert without == (noise_variance > 0)
    assert html.count('class="curve" d="M') == len(shown)


def test_page_survives_any_address(page):
    html = page.open("N=20&k=10000&d=-3&noise=x&other=1")
    inputs = {name: html.count(f'id="explorer-{name}"') for name in ("N", "k", "d", "noise")}
    assert set(inputs.values()) == {1}
    assert all(f'<label for="explorer-{name}">' in html for name in inputs)
    assert "success at d = 1<" in html
    assert "NaN" not in html and "undefined" not in html
