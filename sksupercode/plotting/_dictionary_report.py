"""Spectrum and cosines of a dictionary, over those of random codewords."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import theory
from sksupercode.plotting._pyplot import import_pyplot


class DictionaryReportDisplay:
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
    >>> display = DictionaryReportDisplay(report).plot()
    >>> measured, expected = display.spectrum_
    >>> measured.get_ydata()[[0, -1]].round(1)
    array([14. ,  3.5])
    >>> expected.get_ydata()[[0, -1]].round(1)
    array([13.9,  3.4])
    """

    def __init__(self, report, *, name="dictionary"):
        self.report = report
        self.name = name

    def plot(self, axes=None):
        """Draw both.

        Parameters
        ----------
        axes : array-like of two matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

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
            ax.legend(frameon=False)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _plot_spectrum(self, ax):
        report = self.report
        size = report.n_features, report.n_components
        rank = min(size)
        eigenvalues = report.eigenvalues[:rank]
        expected = theory.marchenko_pastur_quantile(1 - (np.arange(rank) + 0.5) / rank, *size)
        numbers = np.arange(1, rank + 1)
        artists = ax.plot(numbers, eigenvalues, label=self.name)
        artists += ax.plot(numbers, expected, "k--", linewidth=1, label="random, theory")
        ax.set(yscale="log", xlabel="number", ylabel="eigenvalue of $F^T F$")
        # What rounding leaves of eigenvalues that are 0 is of no interest.
        ax.set_ylim(bottom=max(eigenvalues[-1], 1e-4 * eigenvalues[0]) / 1.5)
        return artists

    def _plot_cosines(self, ax):
        report = self.report
        counts, n_pairs = report.cosines.counts, report.cosines.n_pairs
        edges = np.linspace(-1, 1, len(counts) + 1)
        one_pair = 1 / (n_pairs * (edges[1] - edges[0]))
        artists = [ax.stairs(counts * one_pair, edges, label=self.name)]
        reach = min(1.0, 1.1 * max(report.coherence, report.coherence_random))
        t = np.linspace(-reach, reach, 501)[1:-1]
        density = theory.random_cosine_density(t, report.n_components)
        artists += ax.plot(t, density, "k--", linewidth=1, label="random, theory")
        ax.set(yscale="log", xlabel="cosine of two codewords", ylabel="density")
        ax.set_xlim(-reach, reach)
        ax.set_ylim(bottom=one_pair / 2)
        return artists
