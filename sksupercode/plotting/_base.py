"""What all displays share."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._tables import TableMixin


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
