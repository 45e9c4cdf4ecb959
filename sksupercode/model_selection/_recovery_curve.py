"""Success of a decoder against the dimension of the code, measured."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sksupercode._utils._tables import TableMixin
from sksupercode._utils._validation import check_integer, check_option
from sksupercode._utils._warnings import warn
from sksupercode.model_selection._auto_dimensions import check_dimensions, place_dimensions
from sksupercode.model_selection._cells import Chain, cells_of, check_fraction, check_trials
from sksupercode.model_selection._intervals import design_effect, wilson_interval
from sksupercode.model_selection._sweep import open_runner
from sksupercode.model_selection._transition import LAWS, fit_transition


class DimensionEstimate(NamedTuple):
    """The dimension at which a fitted curve has a given rate, and the ends of its interval."""

    n_components: float
    low: float
    high: float


@dataclass(frozen=True, eq=False, repr=False)
class RecoveryCurve(TableMixin):
    """Exact-recovery rates against the dimension d.

    Attributes
    ----------
    n_components : ndarray of int of shape (n_dimensions,)
        The dimensions d, increasing.

    n_recovered, n_trials : ndarray of int of shape (n_dimensions,)
        At each d, how many of how many trials were recovered exactly.

    design_effect : float
        Ratio of the variance of the rates to that of independent trials, at least 1: the trials of
        one codebook may depend on each other.

    seconds_per_trial : ndarray of float of shape (n_dimensions,) or None
        Seconds of decoding for one trial, at each d, without compilation.
    """

    n_components: np.ndarray
    n_recovered: np.ndarray
    n_trials: np.ndarray
    design_effect: float = 1.0
    seconds_per_trial: np.ndarray | None = None

    @property
    def success_rate(self):
        """Fraction of the trials that were recovered, at each d."""
        return self.n_recovered / self.n_trials

    @property
    def low(self):
        """Lower ends of the 95 % Wilson intervals of the rates."""
        return self.interval()[0]

    @property
    def high(self):
        """Upper ends of the 95 % Wilson intervals of the rates."""
        return self.interval()[1]

    def _columns(self):
        names = ("n_components", "n_recovered", "n_trials", "success_rate", "low", "high")
        columns = {name: getattr(self, name) for name in names}
        if self.seconds_per_trial is not None:
            columns["seconds_per_trial"] = self.seconds_per_trial
        return columns

    def interval(self, confidence=0.95):
        """Return the ends of Wilson's intervals of the rates, for ``n_trials / design_effect``.

        Parameters
        ----------
        confidence : float, default=0.95
            Level of the intervals, in (0, 1).

        Returns
        -------
        low, high : ndarray of float of shape (n_dimensions,)
            Ends of the intervals.
        """
        confidence = check_fraction(confidence, "confidence")
        return wilson_interval(self.success_rate, self.n_trials / self.design_effect, confidence)

    def dimension_at(self, probability, *, confidence=0.95, link="logit"):
        r"""Return where the curve has a given rate.

        .. math:: P_d = L(a + b \ln d), \qquad \ln d(p) = (L^{-1}(p) - a) / b

        with a and b > 0 of maximum likelihood, and the interval of the profile likelihood, for
        counts divided by ``design_effect``.

        Parameters
        ----------
        probability : float
            The rate p, in (0, 1).

        confidence : float, default=0.95
            Level of the interval, in (0, 1).

        link : {"logit", "probit"}, default="logit"
            The law L, logistic or normal.

        Returns
        -------
        estimate : DimensionEstimate
            A named tuple ``(n_components, low, high)``. An end that the counts do not bound is 0 or
            infinite, and so is d where no code was recovered, or all were, or where rates do not
            rise to p.

        Warns
        -----
        UserWarning
            If d is outside of the dimensions that were measured, or none were; or if rates even
            close to d are not of the law, by a probability of less than 0.001.

        Notes
        -----
        The two laws differ by little between rates of 0.1 and 0.9, and neither is the exact law of
        a decoder. Where the rates are not of the law, by a deviance that has a probability of less
        than 0.05, the dimensions farthest from d are left out one by one, down to four. The fit
        searches b from 0.1 to 1000, and d from a twentieth of the smallest of the dimensions to 20
        times the largest.

        References
        ----------
        .. [1] D. J. Finney, "Probit Analysis", 3rd ed., Cambridge University Press, 1971.
        """
        p = check_fraction(probability, "probability")
        confidence = check_fraction(confidence, "confidence")
        check_option(link, "link", tuple(LAWS))
        if not len(self.n_components):
            warn("No dimension was measured.")
            return DimensionEstimate(np.inf, 0.0, np.inf)
        counts = self.n_recovered / self.design_effect, self.n_trials / self.design_effect
        d, low, high, is_of_law = fit_transition(self.n_components, *counts, p, confidence, link)
        first, last, rates = *self.n_components[[0, -1]].tolist(), self.success_rate
        if rates.min() == rates.max() and rates[0] in (0, 1):
            d = np.inf if rates[0] == 0 else 0.0
        if not first <= d <= last:
            warn(
                f"d = {d:.4g} for a rate of {p:g} is extrapolated: from d = {first} to {last} "
                f"rates are from {rates.min():.3g} to {rates.max():.3g}."
            )
        elif not is_of_law:
            warn(
                f"d = {d:.4g} for a rate of {p:g} is doubtful: the rates at the dimensions around "
                f"it are not those of a {link} law in ln d. Measure at more dimensions near it."
            )
        return DimensionEstimate(d, low, high)


def recovery_curve(
    encoder,
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    n_components,
    n_trials,
    channel=None,
    sections=False,
    values="binary",
    n_trials_per_codebook=10,
    random_state=None,
    n_jobs=None,
    checkpoint=None,
    callbacks=None,
    verbose=False,
):
    r"""Measure the exact-recovery rate of a decoder at a list of dimensions.

    .. math:: P_d(\hat y = y), \qquad x = \mathrm{channel}(F^T y)

    over the draw of the k-sparse y, of the codebook F and of the noise of the channel, where codes
    are equal if their supports are.

    Parameters
    ----------
    encoder : encoder
        The encoder, which draws the codebooks; its ``n_components``, ``n_features`` and
        ``random_state`` do not matter.

    decoder : decoder
        The decoder; its ``dictionary`` is set to the encoder of each codebook.

    n_features : int
        Number N of codewords, at least 1.

    n_nonzero_coefs : int
        Number k of codewords in a superposition, from 1 to N.

    n_components : int, array-like of int or "auto"
        The dimensions d. With "auto" they are some ten dimensions from a rate of about 0.02 to one
        of 0.98, or to sixteen times those of one half where noise keeps the last codes from being
        recovered. They come from the prediction, or where there is none, as for values that are not
        binary, from a search with some 100 trials.

    n_trials : int
        Number of codes that are decoded at each d.

    channel : transformer or None, default=None
        The channel between encoder and decoder; its ``random_state`` does not matter. It is fitted
        to the vectors of each codebook.

    sections : bool, default=False
        Whether the codes have one codeword in each of k contiguous sections, as sparse regression
        codes do, and as a decoder with ``sections=True`` expects.

    values : {"binary", "exponential", "gaussian"}, default="binary"
        The values of the nonzero entries of codes: ones, or independent draws from the exponential
        or the standard normal law, as of :func:`~sksupercode.datasets.make_sparse_codes`. A code
        is recovered where its support is. A decoder of other ``values`` is measured as it is, with
        a warning.

    n_trials_per_codebook : int, default=10
        Number of codes that share a codebook, which takes less time than a codebook for each.
        Intervals allow for it from two codebooks on, and do so well from five on. With one codebook
        they take its codes for independent, and are too narrow if N and d are small.

    random_state : int, RandomState, Generator or None, default=None
        Seed of all codes, codebooks and noise. None is fresh entropy, or that of the checkpoint.

    n_jobs : int or None, default=None
        Number of jobs in parallel, as everywhere in scikit-learn: processes by default, or the
        backend that ``joblib.parallel_config`` names, such as ``backend="dask"``. Results do not
        depend on it.

    checkpoint : str, PathLike or None, default=None
        An SQLite file that keeps what is finished. Where it exists, the sweep goes on from there,
        and may have more dimensions and more trials than before.

    callbacks : list of callbacks or None, default=None
        Callbacks of scikit-learn 1.9 or newer, which are told of each cell.

    verbose : bool, default=False
        Whether to show a progress bar with the time that is left; needs rich.

    Returns
    -------
    curve : RecoveryCurve
        Rates and intervals, and the dimension for any rate by a logistic fit.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or ``sections`` is not that of the decoder; or if the
        checkpoint is damaged, of another configuration, or of a newer version.

    See Also
    --------
    phase_transition : Curves for several N or k.
    measured_dimension : Looks for the dimensions itself.
    recovery_probability : What theory expects, without decoding anything.
    sksupercode.plotting.RecoveryCurveDisplay : Draws the curve.

    Notes
    -----
    A cell of the sweep is one codebook with its codes. Its seeds are those of
    ``SeedSequence(entropy, spawn_key=(N, k, d, i))`` for the i-th codebook, so that a cell does not
    depend on the other cells. The user's estimators are cloned, never changed. Codes that a decoder
    reports by a ``ConvergenceWarning`` count like all others. Linear algebra runs in one thread,
    since its rounding depends on the number of threads.

    Each finished cell is a transaction, synchronised to disk: a process that is killed loses only
    unfinished cells, and the next one ends with the same numbers as a run without interruption.
    With a backend of joblib that returns nothing before all is done, such as "multiprocessing" and
    that of Ray, cells come in batches of four for each worker.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import recovery_curve
    >>> encoder = RademacherEncoder()
    >>> curve = recovery_curve(
    ...     encoder,
    ...     TopKDecoder(encoder),
    ...     n_features=256,
    ...     n_nonzero_coefs=4,
    ...     n_components=[30, 50, 70, 90],
    ...     n_trials=100,
    ...     random_state=0,
    ... )
    >>> curve.success_rate
    array([0.08, 0.49, 0.88, 0.97])
    >>> [round(d) for d in curve.dimension_at(0.9)]
    [74, 68, 81]
    """
    N = check_integer(n_features, "n_features", minimum=1)
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=N)
    configuration = {"sweep": "recovery_curve", "n_features": N, "n_nonzero_coefs": k}
    chain = Chain.of(encoder, channel, decoder, sections, [k], values=values)
    sweep = open_runner(chain, configuration, random_state, n_jobs, checkpoint, callbacks, verbose)
    return measure_curves(sweep, [(N, k)], n_components, n_trials, n_trials_per_codebook)[0]


def measure_curves(sweep, sizes, n_components, n_trials, per_codebook):
    """Return the curves for all sizes (N, k), measured by the runner that ``sweep`` opens."""
    n_components = check_dimensions(n_components)
    n_trials, per_codebook = check_trials(n_trials, per_codebook)
    with sweep as runner:
        dimensions = place_dimensions(n_components, runner, sizes)
        rows = [[cells_of(*size, d, n_trials, per_codebook) for d in dimensions] for size in sizes]
        runner.run([cell for row in rows for group in row for cell in group])
        return [collect_curve(runner, row) for row in rows]


def collect_curve(runner, groups):
    """Return the curve of lists of cells, one list for each dimension."""
    counts, seconds = [], []
    for group in groups:
        recovered, times = zip(*runner.run(group), strict=True)
        counts.append((np.array(recovered), np.array([cell.n_trials for cell in group])))
        seconds.append(sum(times))
    n_recovered, n_trials = np.array([[n.sum() for n in pair] for pair in counts]).T
    dimensions = np.array([group[0].n_components for group in groups])
    effect = design_effect(counts)
    return RecoveryCurve(dimensions, n_recovered, n_trials, effect, np.array(seconds) / n_trials)
