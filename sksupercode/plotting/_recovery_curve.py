"""Recovery rates against dimensions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_integer
from sksupercode.model_selection import RecoveryCurve, recovery_curve, recovery_probability
from sksupercode.model_selection._intervals import wilson_interval
from sksupercode.plotting._base import (
    Display,
    check_numbers,
    import_pyplot,
    widen_hidden,
    with_defaults,
)
from sksupercode.plotting._search_results import curve_labels, last_of_each, read_search
from sksupercode.plotting._theory import prepare_prediction


class RecoveryCurveDisplay(Display):
    """Exact-recovery rate against the dimension d, with Wilson intervals.

    Parameters
    ----------
    n_components : array-like of shape (n_points,)
        The dimensions d.

    success_rate : array-like of shape (n_points,)
        Fraction of the trials that were recovered exactly.

    n_trials : float, array-like of shape (n_points,) or None, default=None
        Number of independent trials of each rate; None draws no intervals.

    predicted : array-like of shape (n_points,) or None, default=None
        The rates that theory expects. NaN is where there is none: it is not drawn, and a curve of
        NaN alone has no line and no entry in the legend.

    name : str, array-like of str of shape (n_points,) or None, default=None
        Label of the curve; or for each point the label of its curve, if there are several.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    line_ : matplotlib Artist or list of matplotlib Artist
        The curve, or a list of the curves where ``name`` is an array.

    fill_ : matplotlib Artist, list of matplotlib Artist or None
        The bands of the 95 % intervals.

    predicted_ : matplotlib Artist, list of matplotlib Artist or None
        The rates that theory expects; None for a curve without.

    See Also
    --------
    sksupercode.model_selection.recovery_curve : Measures the rates.
    sksupercode.model_selection.recovery_probability : Predicts them.

    Examples
    --------
    >>> from sksupercode.plotting import RecoveryCurveDisplay
    >>> display = RecoveryCurveDisplay([50, 70, 100], [0.2, 0.8, 1.0], n_trials=100)
    >>> display.plot().line_.get_xdata()
    array([ 50,  70, 100])
    >>> display
    RecoveryCurveDisplay(n_components=[ 50,  70, 100], success_rate=[0.2, 0.8, 1. ], ...)
    """

    def __init__(self, n_components, success_rate, *, n_trials=None, predicted=None, name=None):
        self.n_components = check_numbers(n_components, "n_components")
        shape = self.n_components.shape
        self.success_rate = check_numbers(success_rate, "success_rate", shape)
        if n_trials is not None:
            n_trials = check_numbers(n_trials, "n_trials", shape if np.ndim(n_trials) else ())
            if not (np.isfinite(n_trials).all() and (n_trials > 0).all()):
                raise ValueError(f"n_trials must be None or positive, got {n_trials}.")
        self.n_trials = n_trials
        self.predicted = check_numbers(predicted, "predicted", shape, allow_none=True)
        if np.ndim(name) and np.shape(name) != shape:
            raise ValueError(f"name must be None, a str or of shape {shape}, got {name!r}.")
        self.name = name

    @classmethod
    def from_estimator(
        cls, encoder, decoder, *, theory=False, name=None, ax=None, line_kw=None, **sweep
    ):
        """Measure a recovery curve and draw it.

        Parameters
        ----------
        encoder : encoder
            The encoder, which draws the codebooks.

        decoder : decoder
            The decoder.

        theory : bool, default=False
            Whether to draw the prediction of theory, too. There has to be a prediction for the
            decoder, and no channel but a ``GaussianChannel``; codes have binary values.

        name : str or None, default=None
            Label of the curve; None is the name of the decoder's class.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        line_kw : dict or None, default=None
            Passed on to ``ax.plot``.

        **sweep : dict
            Passed on to :func:`~sksupercode.model_selection.recovery_curve`.

        Returns
        -------
        display : RecoveryCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If a parameter of the sweep is illegal, or if there is no such prediction.
        """
        import_pyplot()  # before what may take long
        steps = encoder, decoder
        law = prepare_prediction(recovery_probability, steps, **sweep) if theory else None
        curve = recovery_curve(*steps, **sweep)
        predicted = law and law(n_components=curve.n_components)[0]
        name = type(decoder).__name__ if name is None else name
        return cls.from_result(curve, predicted=predicted, name=name, ax=ax, **(line_kw or {}))

    @classmethod
    def from_result(cls, result, *, predicted=None, name=None, ax=None, **kwargs):
        """Draw a curve that was measured by a sweep.

        Parameters
        ----------
        result : RecoveryCurve
            What :func:`~sksupercode.model_selection.recovery_curve` returned.

        predicted : array-like of shape (n_dimensions,) or None, default=None
            The rates that theory expects, in the order of increasing dimensions.

        name : str or None, default=None
            Label of the curve.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : RecoveryCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``result`` is no recovery curve.
        """
        if not isinstance(result, RecoveryCurve):
            raise ValueError(f"result must be a RecoveryCurve, got {result!r}.")
        n_trials = result.n_trials / result.design_effect
        curve = result.n_components, result.success_rate
        return cls(*curve, n_trials=n_trials, predicted=predicted, name=name).plot(ax, **kwargs)

    @classmethod
    def from_cv_results(
        cls, cv_results, *, n_trials=None, predicted=None, name=None, ax=None, **kwargs
    ):
        """Draw the results of a search of scikit-learn: a curve for each decoder that it tried.

        Parameters
        ----------
        cv_results : search or dict
            A fitted grid search or halving search, scored by exact recovery, or its
            ``cv_results_``. One of its parameters ends in ``n_components``; there is a curve for
            each combination of the others, such as the decoders that a step is set to.

        n_trials : int or None, default=None
            The number of samples that were scored at each dimension, all folds together. None takes
            the number of a halving search, and draws no intervals for other searches.

        predicted : array-like of shape (n_points,) or None, default=None
            The rates that theory expects, one curve after another, by increasing dimensions; NaN
            for curves without a prediction.

        name : str, list of str or None, default=None
            Labels of the curves, in the order in which the search tried them. None takes the
            classes of the decoders, and the parameters in which they differ; a single curve has no
            label.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : RecoveryCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If not exactly one parameter of the search ends in ``n_components``, or if there are
            not as many names as curves.
        """
        search = read_search(cv_results)
        n_trials = check_integer(n_trials, "n_trials", minimum=1, allow_none=True)
        labels = curve_labels(search.others, len(search.score))
        distinct = list(dict.fromkeys(labels))
        rows = last_of_each(map(distinct.index, labels), search.n_components.tolist())
        if n_trials is None and search.n_resources is not None:
            n_trials = search.n_resources[rows]
        if len(distinct) > 1 or np.ndim(name):
            names = distinct if name is None else name
            if not np.ndim(names) or len(set(names)) != len(names) or len(names) != len(distinct):
                raise ValueError(
                    f"name must be None or {len(distinct)} distinct names, for the curves of "
                    f"{distinct}, got {name!r}."
                )
            name = [names[distinct.index(labels[row])] for row in rows]
        curve = search.n_components[rows], search.score[rows]
        return cls(*curve, n_trials=n_trials, predicted=predicted, name=name).plot(ax, **kwargs)

    def plot(self, ax=None, *, name=None, legend=True, **kwargs):
        """Draw the curve, or all curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        name : str or None, default=None
            Label of the curve, instead of the display's own; several curves keep theirs.

        legend : bool, default=True
            Whether to draw the legend of the axes, if anything there has a label.

        **kwargs : dict
            Passed on to ``ax.plot``.

        Returns
        -------
        display : RecoveryCurveDisplay
            This object, with its artists.

        Raises
        ------
        ValueError
            If there is one ``name`` for several curves.
        """
        if name is not None and np.ndim(self.name):
            raise ValueError(f"name must be None for several curves, got {name!r}.")
        ax = self._axes(ax)
        name = self.name if name is None else name
        names = np.array(name) if np.ndim(name) else np.full(len(self.n_components), name)
        curves = [
            self._plot_curve(ax, names == label, label, kwargs)
            for label in (dict.fromkeys(name) if np.ndim(name) else [name])
        ]
        artists = zip(*curves, strict=True) if np.ndim(name) else curves[0]
        self.line_, self.fill_, self.predicted_ = (
            list(some) if isinstance(some, tuple) else some for some in artists
        )
        ax.set(xlabel="dimensions d", ylabel="exact-recovery rate", ylim=(-0.02, 1.02))
        widen_hidden(ax, [line for line, *_ in curves])
        return self._finish(ax, legend)

    def _plot_curve(self, ax, points, name, kwargs):
        d, rate = self.n_components[points], self.success_rate[points]
        options = with_defaults(kwargs, marker="o", markersize=4, label=name)
        (line,) = ax.plot(d, rate, **options)
        fill = predicted = None
        if self.n_trials is not None:
            interval = wilson_interval(rate, np.broadcast_to(self.n_trials, points.shape)[points])
            fill = ax.fill_between(d, *interval, color=line.get_color(), alpha=0.15, lw=0)
        if self.predicted is not None and not np.isnan(self.predicted[points]).all():
            label = "theory" if name is None else f"{name}, theory"
            options = {"color": line.get_color(), "label": label}
            (predicted,) = ax.plot(d, self.predicted[points], "--", **options)
        return line, fill, predicted

    def _columns(self):
        columns = {} if self.name is None else {"name": self.name}
        columns |= {"n_components": self.n_components, "success_rate": self.success_rate}
        if self.n_trials is not None:
            columns["n_trials"] = self.n_trials
            columns["low"], columns["high"] = wilson_interval(self.success_rate, self.n_trials)
        return columns if self.predicted is None else columns | {"predicted": self.predicted}
