"""Spectrum and cosines of a dictionary, over those of random codewords."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import theory
from sksupercode.inspection import DictionaryReport
from sksupercode.plotting._base import Display, import_pyplot


class DictionaryReportDisplay(Display):
    """Eigenvalues of the Gram matrix and cosines of codewords, beside the laws of random ones.

    Eigenvalues, the largest first, stand beside quantiles of the law of Marchenko and Pastur, and
    the density of cosines beside that of random directions.

    Parameters
    ----------
    report : DictionaryReport
        What :func:`~sksupercode.inspection.dictionary_report` returned.

    name : str, default="dictionary"
        Label of what is measured.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (2,)
        The axes drawn on: the spectrum, and the cosines.

    figure_ : matplotlib Figure
        Their figure.

    spectrum_ : list of matplotlib Artist
        Eigenvalues, and what to expect of them.

    cosines_ : list of matplotlib Artist
        The density of cosines, and what to expect of it.

    See Also
    --------
    sksupercode.inspection.dictionary_report : The numbers.

    Examples
    --------
    >>> from sksupercode import SphericalEncoder
    >>> from sksupercode.plotting import DictionaryReportDisplay
    >>> from sksupercode.inspection import dictionary_report
    >>> report = dictionary_report(SphericalEncoder(64, n_features=500, random_state=0))
    >>> display = DictionaryReportDisplay.from_result(report)
    >>> measured, expected = display.spectrum_
    >>> measured.get_ydata()[[0, -1]].round(1)
    array([14. ,  3.5])
    >>> expected.get_ydata()[[0, -1]].round(1)
    array([13.9,  3.4])
    """

    def __init__(self, report, *, name="dictionary"):
        self.report = report
        self.name = name

    @classmethod
    def from_result(cls, result, *, name="dictionary", axes=None, **kwargs):
        """Draw a report.

        Parameters
        ----------
        result : DictionaryReport
            What :func:`~sksupercode.inspection.dictionary_report` returned.

        name : str, default="dictionary"
            Label of what is measured.

        axes : array-like of two matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : DictionaryReportDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``result`` is anything else.
        """
        if not isinstance(result, DictionaryReport):
            raise ValueError(f"result must be a DictionaryReport, got {result!r}.")
        return cls(result, name=name).plot(axes, **kwargs)

    def plot(self, axes=None, *, legend=True):
        """Draw both.

        Parameters
        ----------
        axes : array-like of two matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        legend : bool, default=True
            Whether to draw the legend, which is in the first of the axes.

        Returns
        -------
        display : DictionaryReportDisplay
            This object, with its artists.

        Raises
        ------
        ValueError
            If there are not two axes.
        """
        if axes is None:
            _, axes = import_pyplot().subplots(1, 2, figsize=(9, 3.8), layout="constrained")
        axes = np.ravel(axes)
        if len(axes) != 2:
            raise ValueError(f"axes must be two, got {len(axes)}.")
        self.spectrum_ = self._plot_spectrum(axes[0])
        self.cosines_ = self._plot_cosines(axes[1])
        for ax in axes:
            ax.grid(color="0.93")
            ax.set_axisbelow(True)
            ax.spines[["top", "right"]].set_visible(False)
        self._finish(axes[0], legend)
        self.axes_ = axes
        return self

    def _spectrum(self):
        report = self.report
        rank = min(report.n_features, report.n_components)
        p = 1 - (np.arange(rank) + 0.5) / rank
        expected = theory.marchenko_pastur_quantile(p, report.n_features, report.n_components)
        return np.arange(1, rank + 1), report.eigenvalues[:rank], expected

    def _cosines(self):
        counts, n_pairs = self.report.cosines.counts, self.report.cosines.n_pairs
        edges = np.linspace(-1, 1, len(counts) + 1)
        return edges, counts / (n_pairs * (edges[1] - edges[0]))

    def _plot_spectrum(self, ax):
        numbers, eigenvalues, expected = self._spectrum()
        artists = ax.plot(numbers, eigenvalues, "." * (len(numbers) < 20) + "-", label=self.name)
        artists += self._plot_law(ax, numbers, expected)
        ax.set(xlabel="number", ylabel="eigenvalue of $F^T F$")
        ax.locator_params(axis="x", integer=True, nbins=7)
        # Eigenvalues that are 0 but for rounding are not drawn, and set no limit.
        top = max(eigenvalues[0], expected[0])
        _set_log_scale(ax, max(min(eigenvalues[-1], expected[-1]), 1e-4 * top) / 1.5, 1.5 * top)
        return artists

    def _plot_cosines(self, ax):
        report = self.report
        edges, density = self._cosines()
        artists = [ax.stairs(density, edges, label=self.name)]
        # Bars at the ends, of equal codewords, would be hidden by the frame.
        reach = min(1.03, 1.1 * max(report.coherence, report.coherence_random))
        one_pair = 1 / (report.cosines.n_pairs * (edges[1] - edges[0]))
        bottom, top = one_pair / 2, density.max()
        if report.n_components > 1:  # Else, all cosines are 1 or -1, which has no density.
            end = min(reach, 1)
            t = np.linspace(-end, end, 501)[1:-1]
            law = theory.random_cosine_density(t, report.n_components)
            artists += self._plot_law(ax, t, law)
            # The law falls far below one pair, but where pairs are few it is all there.
            bottom, top = min(bottom, law.max() / 100), max(top, law.max())
        ax.set(xlabel="cosine of two codewords", ylabel="density", xlim=(-reach, reach))
        ax.locator_params(axis="x", nbins=5)
        _set_log_scale(ax, bottom, 3 * top)
        return artists

    def _plot_law(self, ax, x, y):
        label, style = "random, theory", "k--"
        if label in ax.get_legend_handles_labels()[1]:
            # Of another report on the same axes.
            label, style = f"random as {self.name}, theory", "k:"
        return ax.plot(x, y, style, linewidth=1, label=label)

    def _columns(self):
        edges, density = self._cosines()
        centers = (edges[1:] + edges[:-1]) / 2
        law = np.full(len(centers), np.nan)
        if self.report.n_components > 1:
            law = theory.random_cosine_density(centers, self.report.n_components)
        tables = [self._spectrum(), (centers, density, law)]
        sizes = [len(table[0]) for table in tables]
        columns = map(np.concatenate, zip(*tables, strict=True))
        return {"quantity": np.repeat(["eigenvalue", "density of cosines"], sizes)} | dict(
            zip(("at", "measured", "predicted"), columns, strict=True)
        )


def _set_log_scale(ax, bottom, top):
    """Let numbers, not powers, stand beside an axis that spans less than two decades."""
    ax.set(yscale="log", ylim=(bottom, top))
    if top < 100 * bottom:
        from matplotlib.ticker import LogLocator

        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
