"""Recovery rates against dimensions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_integer
from sksupercode.model_selection import RecoveryCurve, recovery_curve, recovery_probability
from sksupercode.model_selection._intervals import wilson_interval
from sksupercode.plotting._numbers import check_numbers
from sksupercode.plotting._pyplot import import_pyplot, with_defaults
from sksupercode.plotting._search_results import read_search
from sksupercode.plotting._theory import noise_of, require_prediction, with_dictionary


class RecoveryCurveDisplay:
    """Exact-recovery rate against the dimension d, with Wilson intervals.

    Parameters
    ----------
    n_components : array-like of shape (n_dimensions,)
        The dimensions d.

    success_rate : array-like of shape (n_dimensions,)
        Fraction of the trials that were recovered exactly.

    n_trials : float, array-like of shape (n_dimensions,) or None, default=None
        Number of independent trials behind each rate; None draws no intervals.

    predicted : array-like of shape (n_dimensions,) or None, default=None
        The rates that theory expects.

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

    fill_ : matplotlib Artist or None
        The band of the 95 % intervals.

    predicted_ : matplotlib Artist or None
        The rates that theory expects.

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
        self.predicted = None if predicted is None else check_numbers(predicted, "predicted", shape)
        self.name = name

    @classmethod
    def from_estimator(
        cls, encoder, decoder, *, theory=False, name=None, ax=None, line_kw=None, **sweep
    ):
        """Measure a recovery curve and draw it.

        Parameters
        ----------
        encoder : encoder
            Which codebooks are drawn.

        decoder : decoder
            What reads the code.

        theory : bool, default=False
            Whether to lay over what theory expects; there has to be a prediction for the decoder,
            and no channel but a ``GaussianChannel``.

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
        predict = with_dictionary(decoder, encoder) if theory else None
        noise = noise_of(sweep.get("channel")) if theory else None
        if theory:
            require_prediction(predict, noise, **sweep)
        curve = recovery_curve(encoder, decoder, **sweep)
        predicted = None
        if theory:
            predicted, _ = recovery_probability(
                predict,
                n_features=sweep["n_features"],
                n_nonzero_coefs=sweep["n_nonzero_coefs"],
                n_components=curve.n_components,
                noise_variance=noise,
                random_state=0,
            )
        name = type(decoder).__name__ if name is None else name
        return cls.from_results(curve, predicted=predicted, name=name, ax=ax, **(line_kw or {}))

    @classmethod
    def from_results(cls, results, *, n_trials=None, predicted=None, name=None, ax=None, **kwargs):
        """Draw a curve that was measured by a sweep, or by a search of scikit-learn.

        Parameters
        ----------
        results : RecoveryCurve or dict
            What :func:`~sksupercode.model_selection.recovery_curve` returned; or the
            ``cv_results_`` of a grid search or halving search over one parameter that ends in
            ``n_components``, scored by exact recovery.

        n_trials : int or None, default=None
            For ``cv_results_``: the number of samples that were scored at each dimension, all
            folds together. None is what a halving search had of them, and no intervals for others.

        predicted : array-like of shape (n_dimensions,) or None, default=None
            The rates that theory expects, in the order of increasing dimensions.

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
            If a search was over anything else than one parameter that ends in ``n_components``.
        """
        if isinstance(results, RecoveryCurve):
            n_trials = results.n_trials / results.design_effect
            curve = results.n_components, results.success_rate
        else:
            search = read_search(results, n_parameters=1)
            n_trials = check_integer(n_trials, "n_trials", minimum=1, allow_none=True)
            n_trials = search.n_resources if n_trials is None else n_trials
            curve = search.n_components, search.score
        if predicted is not None and np.shape(predicted) != np.shape(curve[0]):
            raise ValueError(
                f"predicted must be None or of shape {np.shape(curve[0])}, a rate for each "
                f"dimension, got shape {np.shape(predicted)}."
            )
        display = cls(*curve, n_trials=n_trials, predicted=predicted, name=name)
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
            _, ax = import_pyplot().subplots(layout="constrained")
        name = self.name if name is None else name
        (self.line_,) = ax.plot(
            self.n_components,
            self.success_rate,
            **with_defaults(kwargs, marker="o", markersize=4, label=name),
        )
        color = self.line_.get_color()
        self.fill_ = self.predicted_ = None
        if self.n_trials is not None:
            interval = wilson_interval(self.success_rate, self.n_trials)
            self.fill_ = ax.fill_between(
                self.n_components, *interval, color=color, alpha=0.15, lw=0
            )
        if self.predicted is not None:
            label = "theory" if name is None else f"{name}, theory"
            (self.predicted_,) = ax.plot(
                self.n_components, self.predicted, "--", color=color, label=label
            )
        ax.set(xlabel="dimensions d", ylabel="exact-recovery rate", ylim=(-0.02, 1.02))
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
