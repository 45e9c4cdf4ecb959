"""What all displays share."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterable

import numpy as np

from sksupercode._utils._tables import TableMixin

# Points of lines hide each other where they are nearer than this part of the axes.
_SAME_PLACE = 0.01
# A hidden line is wider by so many points for each line above it.
_WIDER = 3


def import_pyplot():
    """Return ``matplotlib.pyplot``, or say how to get it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("Plots need Matplotlib: python -m pip install matplotlib.") from error
    return pyplot


def with_defaults(kwargs, **defaults):
    """Return keywords of a line, under their full names, over our own."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return defaults | normalize_kwargs(kwargs, Line2D)


def check_numbers(values, name, shape=None, *, allow_none=False):
    """Return an array of numbers of a shape, by default a row of any length; None is nan in it."""
    if values is None and allow_none:
        return None
    try:
        array = np.asarray(values)
        array = array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError):
        array = np.asarray("")
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be an array of numbers, got {values!r}.")
    if array.ndim != 1 if shape is None else array.shape != shape:
        raise ValueError(f"{name} must be of shape {shape or '(n,)'}, got {array.shape}.")
    return array


def check_names(names):
    """Return the parameter ``names`` of a display as a list of str.

    A single str, or what is no list of them, is a ValueError.
    """
    listed = [names] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in listed):
        raise ValueError(f"names must be a list of str, got {names!r}.")
    return listed


def widen_hidden(ax, lines):
    """Widen lines whose points all lie under those of later lines, so that both are seen."""
    ax.autoscale_view()
    to_axes = ax.transData + ax.transAxes.inverted()
    points = [to_axes.transform(line.get_xydata()) for line in lines]
    for i, line in enumerate(lines):
        n_above = sum(_are_among(points[i], later) for later in points[i + 1 :])
        line.set_linewidth(line.get_linewidth() + n_above * _WIDER)
        line.set_markersize(line.get_markersize() + n_above * _WIDER)


def _are_among(points, others):
    if not len(points) or not len(others):
        return False
    distances = np.abs(points[:, np.newaxis] - others).max(axis=2)
    return bool((distances.min(axis=1) < _SAME_PLACE).all())


class Display(TableMixin):
    """Numbers that can be drawn.

    ``plot`` draws one legend of all labels in its axes. With ``legend=False`` it draws none, and
    the caller may place one.
    """

    def _axes(self, ax):
        return import_pyplot().subplots(layout="constrained")[1] if ax is None else ax

    def _finish(self, ax, legend, frameon=False):
        if legend and ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=frameon)
        self.ax_, self.figure_ = ax, ax.figure
        return self
