"""Decoders by what they reconstruct with how many latents."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.plotting._base import Display, check_numbers, with_defaults


class ParetoDisplay(Display):
    """Fraction of variance unexplained against L0, one line per decoder: lower left is better.

    Parameters
    ----------
    names : array-like of str of shape (n_points,)
        The decoder that each point is of.

    l0 : array-like of shape (n_points,)
        Mean number of active latents.

    fvu : array-like of shape (n_points,)
        Fraction of variance unexplained.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    lines_ : list of matplotlib Artist
        One line for each decoder, in the order in which names first appear.

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

    def __init__(self, names, l0, fvu):
        self.names = list(names)
        self.l0 = check_numbers(l0, "l0", (len(self.names),))
        self.fvu = check_numbers(fvu, "fvu", (len(self.names),))

    @classmethod
    def from_result(cls, result, *, ax=None, **kwargs):
        """Draw what :func:`~sksupercode.sae.compare_decoders` returned.

        Parameters
        ----------
        result : pandas.DataFrame or list of dict
            The comparison.

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
            If ``result`` is anything else.
        """
        if hasattr(result, "to_dict"):
            result = result.reset_index().to_dict("records")
        try:
            columns = [[row[key] for row in result] for key in ("decoder", "L0", "FVU")]
        except (KeyError, TypeError) as error:
            raise ValueError(f"result must be of compare_decoders, got {result!r}.") from error
        return cls(*columns).plot(ax, **kwargs)

    def plot(self, ax=None, *, legend=True, **kwargs):
        """Draw a line for each decoder, with a dot for each of its points.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        legend : bool, default=True
            Whether to draw the legend of the axes.

        **kwargs : dict
            Passed on to ``ax.plot``.

        Returns
        -------
        display : ParetoDisplay
            This object, with its artists.
        """
        ax = self._axes(ax)
        self.lines_ = []
        for name in dict.fromkeys(self.names):
            points = np.array([other == name for other in self.names])
            order = np.argsort(self.l0[points], kind="stable")
            options = with_defaults(kwargs, marker="o", markersize=4, label=name)
            self.lines_ += ax.plot(self.l0[points][order], self.fvu[points][order], **options)
        ax.set(xlabel="L0, active latents", ylabel="fraction of variance unexplained")
        ax.set_ylim(bottom=0)
        ax.grid(color="0.93")
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        return self._finish(ax, legend)

    def _columns(self):
        return {"decoder": self.names, "L0": self.l0, "FVU": self.fvu}
