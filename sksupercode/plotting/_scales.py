"""Axes of numbers that may span decades, and the boundaries of cells along them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# Axes that span more are logarithmic.
_WIDEST_LINEAR = 8


def scale_of(values):
    """Return the scale of an axis of increasing numbers, "linear" or "log"."""
    return "log" if 0 < _WIDEST_LINEAR * values[0] <= values[-1] else "linear"


def label_log(axis):
    """Label a logarithmic axis with numbers as they are."""
    from matplotlib.ticker import LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,.6g}")
    axis.set_minor_formatter("")


def edges_of(values, scale):
    """Return the boundaries of the cells around values."""
    x = np.log(values) if scale == "log" else values.astype(float)
    half_steps = np.diff(x) / 2 if len(x) > 1 else np.array([0.5])
    edges = np.concatenate(
        [[x[0] - half_steps[0]], x[:-1] + half_steps[: len(x) - 1], [x[-1] + half_steps[-1]]]
    )
    return np.exp(edges) if scale == "log" else edges
