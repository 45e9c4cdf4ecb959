"""The pictures of README and the guide, beside what the code draws today."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
_SPEC = spec_from_file_location("pictures", ROOT / "docs/_extensions/pictures.py")
pictures = module_from_spec(_SPEC)
_SPEC.loader.exec_module(pictures)


@pytest.fixture(params=pictures.FIGURES, scope="module")
def picture(request):
    """A name and the figure of today, drawn once."""
    figure = pictures.FIGURES[request.param]()
    figure.set_dpi(150)
    figure.draw_without_rendering()
    return request.param, figure


def assert_same(stored, drawn):
    """Compare lists and dicts with numbers up to rounding."""
    if isinstance(drawn, dict):
        assert set(stored) == set(drawn)
        for key, value in drawn.items():
            assert_same(stored[key], value)
    elif isinstance(drawn, list):
        assert len(stored) == len(drawn)
        for pair in zip(stored, drawn, strict=True):
            assert_same(*pair)
    elif isinstance(drawn, float):
        # Small eigenvalues are differences of large numbers, whose rounding varies.
        assert stored == pytest.approx(drawn, rel=1e-2, abs=1e-9)
    else:
        assert stored == drawn


def test_stored_pictures_show_what_is_drawn_today(picture):
    """Else, run ``python docs/_extensions/pictures.py`` and look at them."""
    name, figure = picture
    with Image.open(pictures.IMAGES / f"{name}.png") as image:
        stored, size = json.loads(image.text["Description"]), image.size
    assert_same(stored, pictures.description(figure))
    assert size == tuple(np.round(figure.get_size_inches() * 150))


def test_one_legend_and_no_text_cut_or_over_another(picture):
    _, figure = picture
    in_axes = [ax.get_legend() for ax in figure.axes if ax.get_legend() is not None]
    has_scale = any(ax.get_label() == "<colorbar>" for ax in figure.axes)
    assert len(in_axes) + len(figure.legends) + has_scale == 1
    boxes = {}
    for i, ax in enumerate(figure.axes):
        assert not ax.axison or ax.get_title() or ax.get_ylabel() or ax.get_xlabel()
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks() + axis.get_minor_ticks()
            texts += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
        for text in texts:
            if text.get_visible() and text.get_text():
                boxes[i, text.get_text(), id(text)] = text.get_window_extent()
    for legend in (*figure.legends, *in_axes):
        for text in legend.texts:
            boxes["legend", text.get_text(), id(text)] = text.get_window_extent()
    for (_, name, _), box in boxes.items():
        inside = box.x0 >= 0 and box.y0 >= 0
        inside &= box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert inside, f"{name} is cut"
    for (one, box), (other, other_box) in combinations(boxes.items(), 2):
        assert not box.overlaps(other_box), f"{one[1]} lies over {other[1]}"
    # Read at 800 pixels, letters are as high as those of small print.
    scale = 800 / figure.bbox.width
    assert min(box.height for box in boxes.values() if box.height) * scale > 8


def test_kept_curves_are_those_that_are_measured_today():
    with open(pictures.CURVES, newline="") as file:
        kept = [row for row in csv.DictReader(file) if row["decoder"] == "top-k"]
    curve = pictures.measure_curve("top-k")
    assert [int(row["n_components"]) for row in kept] == curve.n_components.tolist()
    counts = np.array([int(row["n_recovered"]) for row in kept])
    # Scores are sums of integers; a tie may be broken in another way.
    assert np.abs(counts - curve.n_recovered).max() <= 1


def test_readme_has_the_table_of_the_curves():
    figure = pictures.FIGURES["recovery_curves"]()
    names = [text.get_text() for text in figure.legends[0].texts]
    readme = (ROOT / "README.md").read_text("utf-8")
    table = (
        re.search(r"\ndecoder +d \(50 %\).*?\n```", readme, re.DOTALL).group().splitlines()[2:-1]
    )
    assert [line.split()[0] for line in table] == names
    for line, drawn in zip(table, figure.axes[0].lines, strict=True):
        x, rates = drawn.get_data()
        for d, rate in zip(line.split()[1:3], (0.5, 0.9), strict=True):
            # The fit to the counts crosses the rate where the line does, within a step or two.
            crossed = np.interp(rate, np.maximum.accumulate(rates), x)
            assert int(d) == pytest.approx(crossed, rel=0.15)
