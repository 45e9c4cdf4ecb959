"""Recovery rates over a grid of dimensions and another parameter."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.model_selection import PhaseTransition, phase_transition, predicted_dimension
from sksupercode.plotting._base import Display, check_numbers, import_pyplot
from sksupercode.plotting._scales import edges_of, label_log, scale_of
from sksupercode.plotting._search_results import is_number, last_of_each, read_search
from sksupercode.plotting._theory import prepare_prediction

_LABELS = {"n_features": "codewords N", "n_nonzero_coefs": "active codewords k"}


class PhaseTransitionDisplay(Display):
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
        self.half = check_numbers(half, "half", shape[:1], allow_none=True)
        self.predicted = check_numbers(predicted, "predicted", shape[:1], allow_none=True)

    @classmethod
    def from_estimator(cls, encoder, decoder, *, theory=False, ax=None, mesh_kw=None, **sweep):
        """Measure a phase transition and draw it.

        Parameters
        ----------
        encoder : encoder
            The encoder, which draws the codebooks.

        decoder : decoder
            The decoder.

        theory : bool, default=False
            Whether to draw the line where theory expects a rate of 1/2. There has to be a
            prediction for the decoder, and no channel but a ``GaussianChannel``; codes have binary
            values.

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
        steps = encoder, decoder
        law = prepare_prediction(predicted_dimension, steps, **sweep) if theory else None
        transition = phase_transition(*steps, **sweep)
        cells = [{transition.parameter: value} for value in transition.values.tolist()]
        predicted = law and [law(**cell, probability=0.5) for cell in cells]
        return cls.from_result(transition, predicted=predicted, ax=ax, **(mesh_kw or {}))

    @classmethod
    def from_result(cls, result, *, predicted=None, ax=None, **kwargs):
        """Draw a grid that was measured by a sweep.

        Parameters
        ----------
        result : PhaseTransition
            What :func:`~sksupercode.model_selection.phase_transition` returned.

        predicted : array-like of shape (n_values,) or None, default=None
            The d at which theory expects a rate of 1/2, for each value.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : PhaseTransitionDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If ``result`` is no phase transition.
        """
        if not isinstance(result, PhaseTransition):
            raise ValueError(f"result must be a PhaseTransition, got {result!r}.")
        half, low, high = result.dimension_at(0.5)
        half = np.where((low > 0) & np.isfinite(high), half, np.nan)
        grid = result.values, result.n_components, result.success_rate
        lines = {"half": half, "predicted": predicted}
        return cls(*grid, parameter=result.parameter, **lines).plot(ax, **kwargs)

    @classmethod
    def from_cv_results(cls, cv_results, *, predicted=None, ax=None, **kwargs):
        """Draw a grid that was measured by a search of scikit-learn.

        Parameters
        ----------
        cv_results : search or dict
            A fitted search, scored by exact recovery, or its ``cv_results_``: over a full grid of
            two parameters, of which one ends in ``n_components`` and the other is a number.

        predicted : array-like of shape (n_values,) or None, default=None
            The d at which theory expects a rate of 1/2, for each value.

        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        display : PhaseTransitionDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the search was over other parameters, or not over a full grid.
        """
        search = read_search(cv_results)
        if len(search.others) != 1:
            raise ValueError(
                "cv_results must be of a search over n_components and exactly one other "
                f"parameter, got {list(search.others)} beside it."
            )
        ((parameter, values),) = search.others.items()
        values = list(values)
        if not all(map(is_number, values)):
            raise ValueError(f"cv_results must be of numbers, got {values} for {parameter}.")
        rows = last_of_each(values, search.n_components.tolist())
        distinct, dimensions = np.unique(values), np.unique(search.n_components)
        shape = (distinct.size, dimensions.size)
        if len(rows) != distinct.size * dimensions.size:
            raise ValueError(
                f"cv_results must be of a full grid of n_components and {parameter}, got "
                f"{len(rows)} points of a grid of shape {shape}."
            )
        rates = search.score[rows].reshape(shape)
        display = cls(distinct, dimensions, rates, parameter=parameter, predicted=predicted)
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, *, legend=True, **kwargs):
        """Draw the rates, and lines where they are 1/2.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        legend : bool, default=True
            Whether to draw the legend of the axes, if there are such lines.

        **kwargs : dict
            Passed on to ``ax.pcolormesh``.

        Returns
        -------
        display : PhaseTransitionDisplay
            This object, with its artists.
        """
        ax = self._axes(ax)
        from matplotlib.ticker import MaxNLocator

        sides = self.values, self.n_components
        scales = [scale_of(values) for values in sides]
        edges = map(edges_of, sides, scales)
        limits = {} if "norm" in kwargs else {"vmin": 0, "vmax": 1}
        options = {"cmap": "Blues"} | limits | kwargs
        self.mesh_ = ax.pcolormesh(*edges, self.success_rate.T, **options)
        self.colorbar_ = ax.figure.colorbar(self.mesh_, ax=ax, label="exact-recovery rate")
        limits = ax.get_ylim()
        options = {"color": "tab:orange", "marker": "o", "ms": 4}
        self.half_ = _line(ax, self.values, self.half, "rate 1/2", **options)
        options = {"color": "0.15", "ls": "--"}
        self.predicted_ = _line(ax, self.values, self.predicted, "rate 1/2, theory", **options)
        ax.set(xscale=scales[0], yscale=scales[1], ylim=limits)
        ax.set(xlabel=_LABELS.get(self.parameter, self.parameter), ylabel="dimensions d")
        for axis, scale, values in zip((ax.xaxis, ax.yaxis), scales, sides, strict=True):
            if scale == "linear" and not (values % 1).any():
                axis.set_major_locator(MaxNLocator(integer=True))
            elif scale == "log":
                label_log(axis)
        return self._finish(ax, legend, frameon=True)  # on colours

    def _columns(self):
        n = self.n_components.size
        columns = {
            self.parameter: np.repeat(self.values, n),
            "n_components": np.tile(self.n_components, self.values.size),
            "success_rate": self.success_rate.ravel(),
        }
        lines = {"half": self.half, "predicted": self.predicted}
        return columns | {k: np.repeat(v, n) for k, v in lines.items() if v is not None}


def _line(ax, x, y, label, **options):
    return None if y is None else ax.plot(x, y, label=label, **options)[0]
