"""Decoders by the bits per dimension that they reach."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping

import numpy as np

from sksupercode.model_selection import MeasuredDimension
from sksupercode.plotting._base import Display, check_numbers, with_defaults


class FrontierDisplay(Display):
    """Bits per dimension of several decoders, with intervals, beside what theory expects.

    Parameters
    ----------
    names : list of str of length n_decoders
        The decoders, from top to bottom.

    bits_per_dimension : array-like of shape (n_decoders,)
        What was measured; nan for a decoder without a result.

    low, high : array-like of shape (n_decoders,)
        Ends of the confidence intervals; a low end of 0 is open.

    predicted : array-like of shape (n_decoders,) or None, default=None
        What theory expects, nan where it says nothing.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    errorbar_ : matplotlib Container
        The measured rates, with their intervals.

    predicted_ : matplotlib Artist or None
        The predicted rates.

    See Also
    --------
    sksupercode.model_selection.measured_dimension : Measures a decoder.

    Examples
    --------
    >>> from sksupercode.plotting import FrontierDisplay
    >>> display = FrontierDisplay(
    ...     ["top-k", "basis pursuit"],
    ...     [0.28, 1.27],
    ...     [0.27, 1.24],
    ...     [0.29, 1.30],
    ...     predicted=[0.29, 1.24],
    ... )
    >>> display.plot().predicted_.get_xdata()
    array([0.29, 1.24])
    """

    def __init__(self, names, bits_per_dimension, low, high, *, predicted=None):
        self.names = list(names)
        shape = (len(self.names),)
        self.bits_per_dimension = check_numbers(bits_per_dimension, "bits_per_dimension", shape)
        self.low = check_numbers(low, "low", shape)
        self.high = check_numbers(high, "high", shape)
        self.predicted = None if predicted is None else check_numbers(predicted, "predicted", shape)

    @classmethod
    def from_result(cls, result, *, predicted=None, ax=None, **kwargs):
        """Draw what :func:`~sksupercode.model_selection.measured_dimension` returned.

        Parameters
        ----------
        result : dict of str to MeasuredDimension
            The decoders and their results.

        predicted : dict of str to float or None, default=None
            The dimensions that theory expects, for some of the decoders.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : FrontierDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``result`` is empty or of anything else.
        """
        if not result:
            raise ValueError(f"result must not be empty, got {result!r}.")
        results = result.values() if isinstance(result, Mapping) else [None]
        if not all(isinstance(one, MeasuredDimension) for one in results):
            raise ValueError(f"result must be a dict of str to MeasuredDimension, got {result!r}.")
        if predicted is not None and not isinstance(predicted, Mapping):
            raise ValueError(
                f"predicted must be None or a dict of str to float, got {predicted!r}."
            )
        rates = [one.bits_per_dimension or np.nan for one in results]
        low, high = np.array([one.bits_per_dimension_interval for one in results]).T
        if predicted is not None:
            predicted = [
                one.entropy_bits / predicted.get(name, np.nan) for name, one in result.items()
            ]
        return cls(result, rates, low, high, predicted=predicted).plot(ax, **kwargs)

    def plot(self, ax=None, *, legend=True, **kwargs):
        """Draw a dot and an interval for each decoder, and hollow diamonds for the predictions.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        legend : bool, default=True
            Whether to draw the legend of the axes.

        **kwargs : dict
            Passed on to ``ax.errorbar``.

        Returns
        -------
        display : FrontierDisplay
            This object, with its artists.
        """
        ax = self._axes(ax)
        rows = np.arange(len(self.names))
        rates = self.bits_per_dimension
        defaults = {"linestyle": "none", "marker": "o", "markersize": 4}
        defaults |= {"capsize": 4, "label": "measured, 95 % interval"}
        self.errorbar_ = ax.errorbar(
            rates,
            rows,
            xerr=np.maximum([rates - self.low, self.high - rates], 0),
            **with_defaults(kwargs, **defaults),
        )
        self.predicted_ = None
        # An end that the samples leave open may be anywhere.
        ends = [np.minimum(self.high, 1.5 * rates)]
        if self.predicted is not None:
            (self.predicted_,) = ax.plot(
                self.predicted,
                rows,
                **{"marker": "D", "ls": "", "ms": 8.5, "mfc": "none", "mec": "0.3"},
                label="theory",
                clip_on=False,
            )
            ends.append(self.predicted)
        # Right of whatever is drawn in the row.
        for row, rate, end in zip(rows, rates, np.fmax.reduce(ends), strict=True):
            if np.isfinite(rate):
                ax.annotate(
                    f"{rate:.2f}",
                    (end, row),
                    xytext=(8, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize="small",
                    color=self.errorbar_[0].get_color(),
                )
        ax.set_yticks(rows, self.names)
        ax.set(xlabel="bits per dimension", ylim=(len(rows) - 0.5, -0.5))
        # Room for the last number; a neighbour that shares the axis may need more.
        right = 0.1 if ax.get_autoscalex_on() else ax.get_xlim()[1]
        ax.set_xlim(0, np.nanmax([right, *(1.17 * np.concatenate([rates, *ends]))]))
        ax.grid(axis="y", color="0.85", ls=":")
        ax.grid(axis="x", color="0.93")
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        return self._finish(ax, legend)

    def _columns(self):
        columns = {"decoder": self.names, "bits_per_dimension": self.bits_per_dimension}
        columns |= {"low": self.low, "high": self.high}
        return columns if self.predicted is None else columns | {"predicted": self.predicted}
