"""Decoders by what they reconstruct with how many latents."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping

import numpy as np

from sksupercode.plotting._base import (
    Display,
    check_names,
    check_numbers,
    widen_hidden,
    with_defaults,
)

# What columns of a comparison are called, of those that are best at 0 and at 1.
_BEST_AT_0 = {
    "FVU": "fraction of variance unexplained",
    "sample_error": "squared error over squared norm, mean over samples",
    "dead_latents": "dead latents",
    "seconds_per_sample": "seconds per sample",
}
_BEST_AT_1 = {
    "cosine": "cosine of samples and reconstructions",
    "F1": "F1, mean over features",
    "precision": "precision, mean over features",
    "recall": "recall, mean over features",
    "MCC": "mean correlation coefficient (MCC)",
}
# Above 1 they are worse than the mean of the samples, or than 0.
_RELATIVE = ("FVU", "sample_error")
# A point that is so many times worse than three of four others sets no limit.
_FAR = 2
# The most names of a legend within the axes.
_MANY = 4
_AUC = "area under the ROC curve, probes on {} latent{}"
# L0s that differ by no more than this part are equal: some samples need less than they may have.
_SAME_L0 = 0.01
# The line styles of baselines, by what follows the name of their decoder.
_BASELINES = {"random": "--", "shuffled": ":"}


class ParetoDisplay(Display):
    """A column of a comparison against L0, one line per decoder.

    Of the fraction of variance unexplained, lower left is better; of F1 and the like, upper left.
    The axis of errors begins at 0 and ends above the good points: a decoder that is far worse than
    the others is beyond it, and the legend says so where none of its points is seen. The axis of
    scores is as long as they need. What several displays share, as with ``sharey=True``, is as long
    as the longest of them needs. Of lines that coincide the earlier are wider. The axis of L0 is
    two latents and a fifth of L0 long at least.

    Rings mark the Pareto front: points than which no line is better at this L0, nor as good before.
    A line begins 1 % before its first point and stays as good behind its last, and baselines have
    none. Only errors and scores have a front.

    Parameters
    ----------
    names : array-like of str of shape (n_points,)
        The decoder that each point is of. The baselines "NAME, random" and "NAME, shuffled" are
        dashed and dotted, in the colour of their decoder.

    l0 : array-like of shape (n_points,)
        Mean number of active latents.

    values : array-like of shape (n_points,)
        The numbers to draw; NaN is left out.

    y : str, default="FVU"
        Name of the column that they are. Those of :func:`~sksupercode.sae.compare_decoders` have a
        label of the axis, and one end of it at most: 0 for errors, and 1 for all else.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    lines_ : list of matplotlib Artist
        One line for each decoder, in the order in which names first appear.

    front_ : matplotlib Artist or None
        The rings.

    See Also
    --------
    sksupercode.sae.compare_decoders : Measures the points.

    Examples
    --------
    >>> from sksupercode.plotting import ParetoDisplay
    >>> display = ParetoDisplay(["SAE", "OMP", "OMP"], [32, 32, 16], [0.3, 0.2, 0.35])
    >>> display.plot().lines_[1].get_xdata()
    array([16, 32])
    """

    def __init__(self, names, l0, values, *, y="FVU"):
        self.names = check_names(names)
        self.l0 = check_numbers(l0, "l0", (len(self.names),))
        self.values = check_numbers(values, "values", (len(self.names),))
        if not isinstance(y, str):
            raise ValueError(f"y must be the name of a column, a str, got {y!r}.")
        self.y = y

    @classmethod
    def from_result(cls, result, *, y="FVU", ax=None, **kwargs):
        """Draw what :func:`~sksupercode.sae.compare_decoders` returned.

        Parameters
        ----------
        result : pandas.DataFrame or list of dict
            The comparison.

        y : str, default="FVU"
            The column to draw.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : ParetoDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``result`` is anything else, or has no such column.
        """
        if hasattr(result, "to_dict"):
            result = result.reset_index().to_dict("records")
        try:
            names, l0 = ([row[key] for row in result] for key in ("decoder", "L0"))
            columns = [key for key in result[0] if key != "decoder"]
        except (IndexError, KeyError, TypeError) as error:
            raise ValueError(f"result must be of compare_decoders, got {result!r}.") from error
        if not isinstance(y, str) or y not in columns:
            raise ValueError(f"y must be a column of result, {', '.join(columns)}, got {y!r}.")
        return cls(names, l0, [row[y] for row in result], y=y).plot(ax, **kwargs)

    def plot(self, ax=None, *, legend=True, colors=None, **kwargs):
        """Draw a line for each decoder, with a dot for each of its points.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        legend : bool, default=True
            Whether to draw the legend of the axes.

        colors : dict of str to color or None, default=None
            Colours of decoders by name, for several figures in which they are to be the same.
            Others have the next of the axes' own.

        **kwargs : dict
            Passed on to ``ax.plot``.

        Returns
        -------
        display : ParetoDisplay
            This object, with its artists.

        Raises
        ------
        ValueError
            If ``colors`` is neither a dict nor None.
        """
        if not isinstance(colors, Mapping | None):
            raise ValueError(f"colors must be a dict of names to colours or None, got {colors!r}.")
        ax = self._axes(ax)
        shown = None
        if any(other.has_data() for other in ax.get_shared_y_axes().get_siblings(ax)):
            shown = ax.get_ylim()
            ax.autoscale(axis="y")
        self.lines_, colors = [], dict(colors or {})
        for name in dict.fromkeys(self.names):
            points = np.array([other == name for other in self.names])
            points &= ~np.isnan(self.values)
            order = np.argsort(self.l0[points], kind="stable")
            options = dict(marker="o", markersize=4, label=name)
            options |= {"color": colors[name]} if name in colors else self._baseline(name, colors)
            options = with_defaults(kwargs, **options)
            self.lines_ += ax.plot(self.l0[points][order], self.values[points][order], **options)
            colors[name] = self.lines_[-1].get_color()
        ax.set(xlabel="L0, active latents", ylabel=self._label())
        self._lengthen(ax)
        if self.y in _RELATIVE:
            self._limit(ax, 0 if shown is None else shown[1])
        elif self.y in _BEST_AT_0:
            ax.set_ylim(bottom=0)
        elif self._label() != self.y:
            ax.set_ylim(top=min(ax.get_ylim()[1], 1))
        if shown is not None:
            low, high = ax.get_ylim()
            ax.set_ylim(min(low, shown[0]), max(high, shown[1]))
        widen_hidden(ax, self.lines_)
        self.front_ = self._ring(ax)
        ax.grid(color="0.93")
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        # So many names would lie over the lines.
        many, can_move = len(self.lines_) > _MANY, ax.figure.get_layout_engine() is not None
        self._finish(ax, legend, frameon=many and not can_move)
        if legend and many and can_move:
            ax.get_legend().set_loc("upper left")
            ax.get_legend().set_bbox_to_anchor((1, 1))
        return self

    def _lengthen(self, ax):
        """Let the axis of L0 be long enough for numbers that are nearly the same."""
        l0 = self.l0[np.isfinite(self.l0) & ~np.isnan(self.values)]
        if len(l0):
            middle = (l0.min() + l0.max()) / 2
            half = max(middle / 10, 1)
            ax.update_datalim([(max(middle - half, 0), 0), (middle + half, 0)], updatey=False)

    def _ring(self, ax):
        """Draw a ring around each point of the Pareto front."""
        front = self._front()
        if not front.any():
            return None
        size = 4 + max(line.get_markersize() for line in self.lines_)
        options = dict(marker="o", markersize=size, markerfacecolor="none", markeredgecolor="0.4")
        options |= dict(linestyle="none", label="Pareto front")
        return ax.plot(self.l0[front], self.values[front], **options)[0]

    def _front(self):
        """Return which points are on the Pareto front, none where no end of ``y`` is good."""
        is_score = self.y in _BEST_AT_1 or self.y.startswith("AUC_")
        if not is_score and self.y not in _RELATIVE:
            return np.zeros(len(self.names), bool)
        cost = -self.values if is_score else self.values
        takes_part = ~np.isnan(cost) & [not self._kind(name) for name in self.names]
        beaten, fewer = np.zeros(len(cost), bool), self.l0 / (1 + _SAME_L0)
        for name in dict.fromkeys(np.array(self.names)[takes_part]):
            points = np.flatnonzero(takes_part & [other == name for other in self.names])
            points = points[np.argsort(self.l0[points], kind="stable")]
            x, y = self.l0[points], np.minimum.accumulate(cost[points])
            beaten |= (np.interp(self.l0, x, y) < cost) & (x[0] <= (1 + _SAME_L0) * self.l0)
            beaten |= (np.interp(fewer, x, y) <= cost) & (x[0] <= fewer)
        return takes_part & ~beaten

    def _kind(self, name):
        """Return the decoder and the kind of a baseline, and nothing of others."""
        decoder, _, kind = name.rpartition(", ")
        return (decoder, kind) if kind in _BASELINES and decoder in self.names else ()

    def _limit(self, ax, least):
        """Let the axis of errors go from 0 to what most points need, and name what is beyond."""
        values = self.values[np.isfinite(self.values)].astype(float)
        near = values[values <= _FAR * np.quantile(values, 0.75)] if len(values) else values
        top = 1.08 * near.max(initial=0)
        top = max(min(top, 1.0) if near.min(initial=np.inf) <= 1 else top, least)
        ax.set_ylim(0, top if top > 0 else None)
        for line in self.lines_:
            y = line.get_ydata()
            if top > 0 and len(y) and np.min(y) > top:
                line.set_label(f"{line.get_label()} (above)")

    def _baseline(self, name, colors):
        """Return the style of a baseline of a decoder that has a colour, and nothing of others."""
        decoder, kind = self._kind(name) or ("", "")
        if decoder not in colors:
            return {}
        return {"linestyle": _BASELINES[kind], "color": colors[decoder], "markerfacecolor": "none"}

    def _label(self):
        kind, _, n_latents = self.y.partition("_")
        if kind == "AUC":
            return _AUC.format(n_latents, "" if n_latents == "1" else "s")
        return (_BEST_AT_0 | _BEST_AT_1).get(self.y, self.y)

    def _columns(self):
        return {"decoder": self.names, "L0": self.l0, self.y: self.values}
