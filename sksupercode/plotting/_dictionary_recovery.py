"""How much of a dictionary is found, against samples and bits per dimension."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_option
from sksupercode.model_selection import DictionaryRecovery, dictionary_recovery
from sksupercode.plotting._base import Display, check_numbers, import_pyplot, widen_hidden
from sksupercode.plotting._scales import edges_of, label_log, scale_of

_SCORES = {
    "found": "codewords found",
    "mcc": "mean |cosine|",
    "fvu": "variance unexplained by own codes",
    "omp_fvu": "variance unexplained by OMP",
}


class DictionaryRecoveryDisplay(Display):
    """Codewords found by learners: curves for one dimension, a phase diagram for several.

    Parameters
    ----------
    learners : list of str
        Names of the learners.

    bits_per_dimension : array-like of shape (n_dimensions,)
        Bits of a code over d. With one there is a curve for each learner; with several a panel,
        where the score is a colour.

    samples_per_latent : array-like of shape (n_sizes,)
        Numbers of samples over N, increasing.

    score : array-like of shape (n_learners, n_dimensions, n_sizes)
        The fractions of codewords found, or another score.

    label : str, default="codewords found"
        What the score is.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of matplotlib Axes
        The axes drawn on; with several dimensions an array, one for each learner.

    figure_ : matplotlib Figure
        Their figure.

    artists_ : list of matplotlib Artist
        For each learner its curve or its colours.

    colorbar_ : matplotlib Colorbar or None
        The scale of the colours.

    See Also
    --------
    sksupercode.model_selection.dictionary_recovery : Measures the scores.

    Examples
    --------
    >>> from sksupercode.plotting import DictionaryRecoveryDisplay
    >>> found = [[[0.1, 0.9, 1.0], [0.0, 0.2, 0.8]]]
    >>> display = DictionaryRecoveryDisplay(["OMP"], [0.8, 0.5], [10, 20, 40], found).plot()
    >>> display.ax_[0].get_title()
    'OMP'
    """

    def __init__(
        self,
        learners,
        bits_per_dimension,
        samples_per_latent,
        score,
        *,
        label="codewords found",
    ):
        self.learners = list(learners)
        self.bits_per_dimension = check_numbers(bits_per_dimension, "bits_per_dimension")
        self.samples_per_latent = check_numbers(samples_per_latent, "samples_per_latent")
        shape = len(self.learners), len(self.bits_per_dimension), len(self.samples_per_latent)
        self.score = check_numbers(score, "score", shape)
        self.label = label

    @classmethod
    def from_estimator(cls, learners, *, score="found", ax=None, plot_kw=None, **sweep):
        """Measure how much of planted dictionaries learners find, and draw it.

        Parameters
        ----------
        learners : dict of str to estimator
            The learners, by name.

        score : {"found", "mcc", "fvu", "omp_fvu"}, default="found"
            What to draw.

        ax : matplotlib Axes, array of matplotlib Axes or None, default=None
            Where to draw, as for :meth:`plot`.

        plot_kw : dict or None, default=None
            Passed on to :meth:`plot`.

        **sweep : dict
            Passed on to :func:`~sksupercode.model_selection.dictionary_recovery`.

        Returns
        -------
        display : DictionaryRecoveryDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If a parameter of the sweep is illegal, or the score is none of these.
        """
        import_pyplot()  # before what may take long
        check_option(score, "score", _SCORES)
        result = dictionary_recovery(learners, **sweep)
        return cls.from_result(result, score=score, ax=ax, **(plot_kw or {}))

    @classmethod
    def from_result(cls, result, *, score="found", ax=None, **kwargs):
        """Draw the means over the trials of a sweep.

        Parameters
        ----------
        result : DictionaryRecovery
            What :func:`~sksupercode.model_selection.dictionary_recovery` returned.

        score : {"found", "mcc", "fvu", "omp_fvu"}, default="found"
            What to draw.

        ax : matplotlib Axes, array of matplotlib Axes or None, default=None
            Where to draw, as for :meth:`plot`.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : DictionaryRecoveryDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``result`` is of another sweep, or the score is none of these.
        """
        if not isinstance(result, DictionaryRecovery):
            raise ValueError(f"result must be a DictionaryRecovery, got {result!r}.")
        check_option(score, "score", _SCORES)
        sides = result.bits_per_dimension, result.samples_per_latent
        means = getattr(result, score).mean(axis=-1)
        return cls(result.learners, *sides, means, label=_SCORES[score]).plot(ax, **kwargs)

    def plot(self, ax=None, *, legend=True, **kwargs):
        """Draw a curve for each learner, or a panel for each.

        Parameters
        ----------
        ax : matplotlib Axes, array of matplotlib Axes or None, default=None
            Where to draw: one with one dimension, else as many as there are learners. None makes
            a new figure.

        legend : bool, default=True
            Whether to draw the legend of the curves.

        **kwargs : dict
            Passed on to ``ax.plot`` for curves, and to ``ax.pcolormesh`` for panels.

        Returns
        -------
        display : DictionaryRecoveryDisplay
            This object, with its artists.

        Raises
        ------
        ValueError
            If there are not as many axes as panels.
        """
        scale = scale_of(self.samples_per_latent)
        if len(self.bits_per_dimension) == 1:
            ax = self._axes(ax)
            options = {"marker": "o", "markersize": 4} | kwargs
            self.artists_ = [
                ax.plot(self.samples_per_latent, score[0], label=name, **options)[0]
                for name, score in zip(self.learners, self.score, strict=True)
            ]
            self.colorbar_ = None
            self._set_samples(ax, scale)
            ax.set(ylabel=self.label)
            widen_hidden(ax, self.artists_)
            return self._finish(ax, legend)
        n_panels = len(self.learners)
        if ax is None:
            size = {"figsize": (1 + 2.4 * n_panels, 3), "layout": "constrained"}
            ax = import_pyplot().subplots(1, n_panels, squeeze=False, sharey=True, **size)[1]
        panels = np.ravel(ax)
        if len(panels) != n_panels:
            raise ValueError(f"ax must be None or {n_panels} axes, got {len(panels)}.")
        order = np.argsort(self.bits_per_dimension)
        bits = self.bits_per_dimension[order]
        edges = edges_of(self.samples_per_latent, scale), edges_of(bits, "linear")
        limits = {} if "norm" in kwargs else {"vmin": 0, "vmax": 1}
        options = {"cmap": "Blues"} | limits | kwargs
        self.artists_ = []
        for panel, name, score in zip(panels, self.learners, self.score, strict=True):
            self.artists_.append(panel.pcolormesh(*edges, score[order], **options))
            self._set_samples(panel, scale)
            panel.set(title=name)
        panels[0].set(ylabel="bits per dimension")
        self.figure_, self.ax_ = panels[0].figure, panels
        self.colorbar_ = self.figure_.colorbar(self.artists_[-1], ax=list(panels), label=self.label)
        return self

    @staticmethod
    def _set_samples(ax, scale):
        ax.set(xscale=scale, xlabel="samples per codeword")
        if scale == "log":
            label_log(ax.xaxis)

    def _columns(self):
        i, j, m = np.indices(self.score.shape).reshape(3, -1)
        return {
            "learner": np.array(self.learners, dtype=object)[i],
            "bits_per_dimension": self.bits_per_dimension[j],
            "samples_per_latent": self.samples_per_latent[m],
            self.label: self.score.ravel(),
        }
