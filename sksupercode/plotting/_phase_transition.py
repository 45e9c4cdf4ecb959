"""Recovery rates over a grid of dimensions and another parameter."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.model_selection import PhaseTransition, phase_transition, predicted_dimension
from sksupercode.plotting._numbers import check_numbers
from sksupercode.plotting._pyplot import import_pyplot
from sksupercode.plotting._search_results import read_search
from sksupercode.plotting._theory import noise_of, require_prediction, with_dictionary

_LABELS = {"n_features": "codewords N", "n_nonzero_coefs": "active codewords k"}
# Axes that span more are logarithmic.
_WIDEST_LINEAR = 8


class PhaseTransitionDisplay:
    """Exact-recovery rate as a colour, over the dimension d and N, k or another parameter.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Of the parameter, increasing.

    n_components : array-like of shape (n_dimensions,)
        The dimensions d, increasing.

    success_rate : array-like of shape (n_values, n_dimensions)
        Fractions of the trials that were recovered exactly.

    parameter : str, default="n_nonzero_coefs"
        Name of the parameter.

    half : array-like of shape (n_values,) or None, default=None
        The d at which the rate is 1/2, for each value; nan where that is not known.

    predicted : array-like of shape (n_values,) or None, default=None
        The d at which theory expects a rate of 1/2.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    mesh_ : matplotlib Artist
        The rates.

    colorbar_ : matplotlib Colorbar
        Their scale.

    half_, predicted_ : matplotlib Artist or None
        Where the rate is 1/2, measured and by theory.

    See Also
    --------
    sksupercode.model_selection.phase_transition : Measures the rates.

    Examples
    --------
    >>> from sksupercode.plotting import PhaseTransitionDisplay
    >>> rates = [[0.5, 1.0, 1.0], [0.0, 0.5, 1.0]]
    >>> display = PhaseTransitionDisplay([2, 4], [20, 40, 80], rates, half=[20, 40]).plot()
    >>> display.ax_.get_xlabel()
    'active codewords k'
    """

    def __init__(
        self,
        values,
        n_components,
        success_rate,
        *,
        parameter="n_nonzero_coefs",
        half=None,
        predicted=None,
    ):
        self.values = check_numbers(values, "values")
        self.n_components = check_numbers(n_components, "n_components")
        shape = (self.values.size, self.n_components.size)
        self.success_rate = check_numbers(success_rate, "success_rate", shape)
        self.parameter = parameter
        self.half = None if half is None else check_numbers(half, "half", shape[:1])
        self.predicted = None
        if predicted is not None:
            self.predicted = check_numbers(predicted, "predicted", shape[:1])

    @classmethod
    def from_estimator(cls, encoder, decoder, *, theory=False, ax=None, mesh_kw=None, **sweep):
        """Measure a phase transition and draw it.

        Parameters
        ----------
        encoder : encoder
            Which codebooks are drawn.

        decoder : decoder
            What reads the code.

        theory : bool, default=False
            Whether to lay over where theory expects a rate of 1/2; there has to be a prediction for
            the decoder, and no channel but a ``GaussianChannel``.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        mesh_kw : dict or None, default=None
            Passed on to ``ax.pcolormesh``.

        **sweep : dict
            Passed on to :func:`~sksupercode.model_selection.phase_transition`.

        Returns
        -------
        display : PhaseTransitionDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If a parameter of the sweep is illegal, or if there is no such prediction.
        """
        import_pyplot()  # before what may take long
        predict = with_dictionary(decoder, encoder) if theory else None
        noise = noise_of(sweep.get("channel")) if theory else None
        if theory:
            require_prediction(predict, noise, **sweep)
        transition = phase_transition(encoder, decoder, **sweep)
        predicted = None
        if theory:
            size = {name: sweep[name] for name in ("n_features", "n_nonzero_coefs")}
            predicted = [
                predicted_dimension(
                    predict,
                    **size | {transition.parameter: value},
                    probability=0.5,
                    noise_variance=noise,
                    random_state=0,
                )
                for value in transition.values.tolist()
            ]
        return cls.from_results(transition, predicted=predicted, ax=ax, **(mesh_kw or {}))

    @classmethod
    def from_results(cls, results, *, predicted=None, ax=None, **kwargs):
        """Draw a grid that was measured by a sweep, or by a search of scikit-learn.

        Parameters
        ----------
        results : PhaseTransition or dict
            What :func:`~sksupercode.model_selection.phase_transition` returned; or the
            ``cv_results_`` of a search over a full grid of two parameters, of which one ends in
            ``n_components`` and the other is a number.

        predicted : array-like of shape (n_values,) or None, default=None
            The d at which theory expects a rate of 1/2, for each value.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to ``ax.pcolormesh``.

        Returns
        -------
        display : PhaseTransitionDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If a search was over other parameters, or not over a full grid.
        """
        if isinstance(results, PhaseTransition):
            half, low, high = results.dimension_at(0.5)
            known = (low > 0) & np.isfinite(high)
            arguments = results.values, results.n_components, results.success_rate
            options = {"parameter": results.parameter, "half": np.where(known, half, np.nan)}
        else:
            search = read_search(results, n_parameters=2)
            values, dimensions = np.unique(search.other), np.unique(search.n_components)
            if values.dtype.kind not in "iuf" or search.score.size != values.size * dimensions.size:
                raise ValueError(
                    f"cv_results_ must be of a full grid of n_components and numbers, got "
                    f"{search.score.size} points with {search.other_name} in {values.tolist()}."
                )
            rates = search.score.reshape(values.size, dimensions.size)
            arguments, options = (values, dimensions, rates), {"parameter": search.other_name}
        return cls(*arguments, predicted=predicted, **options).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw the rates, and lines where they are 1/2.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to ``ax.pcolormesh``.

        Returns
        -------
        display : PhaseTransitionDisplay
            This object, with its artists.
        """
        if ax is None:
            _, ax = import_pyplot().subplots(layout="constrained")
        from matplotlib.ticker import LogLocator

        scales = [_scale(values) for values in (self.values, self.n_components)]
        edges = map(_edges, (self.values, self.n_components), scales)
        limits = {} if "norm" in kwargs else {"vmin": 0, "vmax": 1}
        options = {"cmap": "Blues"} | limits | kwargs
        self.mesh_ = ax.pcolormesh(*edges, self.success_rate.T, **options)
        self.colorbar_ = ax.figure.colorbar(self.mesh_, ax=ax, label="exact-recovery rate")
        limits = ax.get_ylim()
        options = {"color": "tab:orange", "marker": "o", "ms": 4}
        self.half_ = _line(ax, self.values, self.half, "rate 1/2", **options)
        options = {"color": "0.15", "ls": "--"}
        self.predicted_ = _line(ax, self.values, self.predicted, "rate 1/2, theory", **options)
        if self.half is not None or self.predicted is not None:
            ax.legend()
        ax.set(xscale=scales[0], yscale=scales[1], ylim=limits)
        ax.set(xlabel=_LABELS.get(self.parameter, self.parameter), ylabel="dimensions d")
        for axis, scale in zip((ax.xaxis, ax.yaxis), scales, strict=True):
            if scale == "log":
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.set_major_formatter("{x:,.6g}")
                axis.set_minor_formatter("")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _line(ax, x, y, label, **options):
    return None if y is None else ax.plot(x, y, label=label, **options)[0]


def _scale(values):
    return "log" if 0 < _WIDEST_LINEAR * values[0] <= values[-1] else "linear"


def _edges(values, scale):
    """Return the boundaries of the cells around values."""
    x = np.log(values) if scale == "log" else values.astype(float)
    half_steps = np.diff(x) / 2 if len(x) > 1 else np.array([0.5])
    edges = np.concatenate(
        [[x[0] - half_steps[0]], x[:-1] + half_steps[: len(x) - 1], [x[-1] + half_steps[-1]]]
    )
    return np.exp(edges) if scale == "log" else edges
