"""Recovery rates against dimensions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.stats import binomtest


class RecoveryCurveDisplay:
    """Exact-recovery rate against the dimension d, with Wilson intervals.

    Parameters
    ----------
    n_components : array-like of shape (n_dimensions,)
        The dimensions d.

    success_rate : array-like of shape (n_dimensions,)
        Fraction of the trials that were recovered exactly.

    n_trials : int
        Number of trials behind each rate.

    name : str or None, default=None
        Label of the curve.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    line_ : matplotlib Artist
        The curve.

    fill_ : matplotlib Artist
        The band of the 95 % intervals.

    Examples
    --------
    >>> from sksupercode.plotting import RecoveryCurveDisplay
    >>> display = RecoveryCurveDisplay([50, 70, 100], [0.2, 0.8, 1.0], n_trials=100)
    >>> display.plot().line_.get_xdata()
    array([ 50,  70, 100])
    """

    def __init__(self, n_components, success_rate, *, n_trials, name=None):
        self.n_components = np.asarray(n_components)
        self.success_rate = np.asarray(success_rate)
        self.n_trials = n_trials
        self.name = name

    @classmethod
    def from_cv_results(cls, cv_results, *, n_trials, name=None, ax=None, **kwargs):
        """Draw the curve of a grid search over the ``n_components`` of a pipeline's encoder.

        Parameters
        ----------
        cv_results : dict
            The ``cv_results_`` of a search over one parameter that ends in ``n_components``, scored
            by exact recovery.

        n_trials : int
            Number of samples that were scored at each dimension, all folds together.

        name : str or None, default=None
            Label of the curve.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to ``ax.plot``.

        Returns
        -------
        display : RecoveryCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the search was over anything else than one parameter that ends in ``n_components``.
        """
        columns = [key for key in cv_results if key.startswith("param_")]
        values = cv_results[columns[0]] if len(columns) == 1 else None
        if values is None or not columns[0].endswith("n_components") or np.ma.is_masked(values):
            raise ValueError(
                "cv_results must come from a search over exactly one n_components parameter, and "
                f"no other; got {columns}."
            )
        n_components = np.asarray(values, dtype=int)
        order = np.argsort(n_components, kind="stable")
        rates = np.asarray(cv_results["mean_test_score"])
        display = cls(n_components[order], rates[order], n_trials=n_trials, name=name)
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        name : str or None, default=None
            Label of the curve, instead of the display's own.

        **kwargs : dict
            Passed on to ``ax.plot``.

        Returns
        -------
        display : RecoveryCurveDisplay
            This object, with its artists.
        """
        if ax is None:
            from matplotlib import pyplot as plt

            _, ax = plt.subplots()
        name = self.name if name is None else name
        (self.line_,) = ax.plot(
            self.n_components,
            self.success_rate,
            **{"marker": "o", "markersize": 4, "label": name} | kwargs,
        )
        self.fill_ = ax.fill_between(
            self.n_components, *self._intervals().T, color=self.line_.get_color(), alpha=0.15, lw=0
        )
        ax.set(xlabel="dimensions d", ylabel="exact-recovery rate", ylim=(-0.02, 1.02))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _intervals(self):
        counts = np.rint(self.success_rate * self.n_trials).astype(int)
        tests = [binomtest(int(count), self.n_trials) for count in counts]
        return np.array([test.proportion_ci(0.95, method="wilson") for test in tests])
