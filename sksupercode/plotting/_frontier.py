"""Decoders by the bits per dimension that they reach."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.model_selection import DecoderFrontier
from sksupercode.plotting._base import Display, check_names, check_numbers, with_defaults

# Of the width, from where on a diamond to the right of an interval stands apart from it.
_APART = 0.03


class FrontierDisplay(Display):
    """Bits per dimension of several decoders, with intervals and predictions.

    Parameters
    ----------
    names : list of str of length n_decoders
        The decoders, from top to bottom.

    bits_per_dimension : array-like of shape (n_decoders,)
        The measured bits per dimension; nan for a decoder without a result.

    low, high : array-like of shape (n_decoders,)
        Ends of the confidence intervals; a low end of 0 is open.

    predicted : array-like of shape (n_decoders,) or None, default=None
        The prediction of theory; nan where there is none.

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
    sksupercode.model_selection.decoder_frontier : Measures all decoders.

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
        self.names = check_names(names)
        shape = (len(self.names),)
        self.bits_per_dimension = check_numbers(bits_per_dimension, "bits_per_dimension", shape)
        self.low = check_numbers(low, "low", shape)
        self.high = check_numbers(high, "high", shape)
        self.predicted = check_numbers(predicted, "predicted", shape, allow_none=True)

    @classmethod
    def from_result(cls, result, *, size=None, ax=None, **kwargs):
        """Draw what :func:`~sksupercode.model_selection.decoder_frontier` returned.

        Parameters
        ----------
        result : DecoderFrontier
            The frontier.

        size : tuple of (int, int) or None, default=None
            Which N and k to draw, where the frontier is of several.

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
            If ``result`` is anything else, or ``size`` is none of its sizes.
        """
        if not isinstance(result, DecoderFrontier):
            raise ValueError(f"result must be a DecoderFrontier, got {result!r}.")
        sizes = list(dict.fromkeys((row.n_features, row.n_nonzero_coefs) for row in result.rows))
        wanted = sizes[0] if size is None and len(sizes) == 1 else tuple(np.ravel(size).tolist())
        if wanted not in sizes:
            raise ValueError(f"size must be one of {', '.join(map(str, sizes))}, got {size!r}.")
        rows = [
            row.to_dict() for row in result.rows if (row.n_features, row.n_nonzero_coefs) == wanted
        ]
        display = cls._of_rows(rows)
        label = f"measured, {100 * result.confidence:g} % interval"
        return display.plot(ax, **({"label": label} | kwargs))

    @classmethod
    def _of_rows(cls, rows):
        """Return the display of rows of one size, dicts of ``FrontierRow.to_dict``."""
        names, rates, low, high, predicted = (
            [row[key] for row in rows]
            for key in ("decoder", "bits_per_dimension", "bits_low", "bits_high", "predicted_bits")
        )
        # A decoder that needs infinitely many dimensions has no rate to draw.
        rates = [rate or np.nan for rate in rates]
        predicted = None if np.isnan(predicted).all() else predicted
        return cls(names, rates, low, high, predicted=predicted)

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
        widths = np.maximum([rates - self.low, self.high - rates], 0)
        self.errorbar_ = ax.errorbar(rates, rows, xerr=widths, **with_defaults(kwargs, **defaults))
        self.predicted_ = None
        # An end that the samples leave open may be anywhere.
        ends = np.minimum(self.high, 1.5 * rates)
        predicted = np.full(len(rows), np.nan) if self.predicted is None else self.predicted
        if self.predicted is not None:
            diamonds = {"marker": "D", "ls": "", "ms": 8.5, "mfc": "none", "mec": "0.3"}
            diamonds |= {"label": "theory", "clip_on": False}
            (self.predicted_,) = ax.plot(predicted, rows, **diamonds)
        largest = np.nanmax(np.concatenate([rates, ends, predicted, [0]]))
        self._annotate(ax, ends, predicted, largest)
        ax.set_yticks(rows, self.names)
        ax.set(xlabel="bits per dimension", ylim=(len(rows) - 0.5, -0.5))
        # Room for the last number; a neighbour that shares the axis may need more.
        right = 0.1 if ax.get_autoscalex_on() else ax.get_xlim()[1]
        ax.set_xlim(0, max(right, 1.17 * largest))
        ax.grid(axis="y", color="0.85", ls=":")
        ax.grid(axis="x", color="0.93")
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        return self._finish(ax, legend)

    def _annotate(self, ax, ends, predicted, largest):
        """Write each measured rate beside its interval, where no diamond comes between."""
        font = {"fontsize": "small", "color": self.errorbar_[0].get_color()}
        font |= {"textcoords": "offset points", "va": "center"}
        for row, (rate, low, end, theory) in enumerate(
            zip(self.bits_per_dimension, self.low, ends, predicted, strict=True)
        ):
            if not np.isfinite(rate):
                continue
            if theory - end > _APART * largest and min(rate, low) > 0.2 * largest:
                place = {"xy": (low, row), "xytext": (-6, 0), "ha": "right"}
            else:
                place = {"xy": (np.fmax(end, theory), row), "xytext": (8, 0)}
            ax.annotate(f"{rate:.2f}", **place, **font)

    def _columns(self):
        columns = {"decoder": self.names, "bits_per_dimension": self.bits_per_dimension}
        columns |= {"low": self.low, "high": self.high}
        return columns if self.predicted is None else columns | {"predicted": self.predicted}
