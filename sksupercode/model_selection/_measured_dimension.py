"""The smallest dimension at which a decoder recovers a code with a given probability, measured."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from sksupercode._utils._tables import TableMixin
from sksupercode._utils._validation import check_integer, check_real
from sksupercode._utils._warnings import warn
from sksupercode.model_selection._cells import Chain, check_fraction, check_trials
from sksupercode.model_selection._recovery_curve import RecoveryCurve, collect_curve
from sksupercode.model_selection._sweep import open_runner
from sksupercode.model_selection._transition import guess_transition
from sksupercode.model_selection._transition_search import (
    FEWEST,
    Trials,
    affordable_batch,
    find_transition,
)

# It is measured in stages with these parts of the trials, each at so many dimensions, at rates so
# far from the wanted one (in standard deviations of the normal law), no narrower in ln d than this.
_STAGES = (0.25, 0.25, 0.5)
_N_DIMENSIONS = 4
_SPREAD = 0.5
_NARROWEST = 0.02
# In simulations with known laws, the likelihood's intervals are 6 % too narrow on average: earlier
# trials have chosen the dimensions, and recovery curves are only nearly normal in ln d.
_WIDENING = 1.1


@dataclass(frozen=True, eq=False)
class MeasuredDimension(TableMixin):
    """The dimension that a decoder was measured to need, with its confidence interval.

    Attributes
    ----------
    n_components : int or float
        The smallest dimension d at which the exact-recovery rate is at least ``probability``; inf
        if none was found.

    low, high : int or float
        Ends of the confidence interval of d.

    probability, confidence : float
        The exact-recovery rate, and the level of the interval.

    entropy_bits : float
        Bits that the support of a code holds.

    curve : RecoveryCurve
        The rates at dimensions around the transition, to which the estimate is fitted.

    seconds_per_trial : float
        What decoding takes at d. It differs between runs that are otherwise equal.
    """

    n_components: int | float
    low: int | float
    high: int | float
    probability: float
    confidence: float
    entropy_bits: float
    curve: RecoveryCurve = field(repr=False)
    seconds_per_trial: float

    def _columns(self):
        names = ("n_components", "low", "high", "probability", "confidence", "entropy_bits")
        names += ("bits_per_dimension", "n_trials", "seconds_per_trial")
        return {name: [getattr(self, name)] for name in names}

    @property
    def n_trials(self):
        """Number of trials in all."""
        return int(self.curve.n_trials.sum())

    @property
    def bits_per_dimension(self):
        """Bits that the support of a code holds, divided by d."""
        return self.entropy_bits / self.n_components

    @property
    def bits_per_dimension_interval(self):
        """Ends of the confidence interval of the bits per dimension, the lower first."""
        return self.entropy_bits / self.high, self.entropy_bits / self.low


def measured_dimension(
    encoder,
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    probability=0.9,
    n_trials=800,
    confidence=0.95,
    channel=None,
    sections=False,
    values="binary",
    n_trials_per_codebook=10,
    max_seconds=None,
    random_state=None,
    n_jobs=None,
    checkpoint=None,
    callbacks=None,
    verbose=False,
):
    r"""Measure the dimension that a decoder needs for a given exact-recovery rate.

    .. math:: d(p) = \min \{ d \ge 1 : P_d(\hat y = y) \ge p \}, \qquad
              P_d(\hat y = y) \approx \Phi(a + b \ln d)

    over the draw of the k-sparse y, of the codebook and of the noise of the channel, where codes
    are equal if their supports are. Trials are made in sequence, most of them close to the d where,
    by the trials before, the rate is p. The numbers a and b are fitted to all trials by maximum
    likelihood.

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

    probability : float, default=0.9
        The exact-recovery rate p, in (0, 1).

    n_trials : int, default=800
        Trials in all. Some 60 of them are used to find the transition.

    confidence : float, default=0.95
        Level of the interval, in (0, 1).

    channel : transformer or None, default=None
        The channel between encoder and decoder; its ``random_state`` does not matter.

    sections : bool, default=False
        Whether the codes have one codeword in each of k contiguous sections, as sparse regression
        codes do, and as a decoder with ``sections=True`` expects.

    values : {"binary", "exponential", "gaussian"}, default="binary"
        The values of the nonzero entries of codes: ones, or independent draws from the exponential
        or the standard normal law, as of :func:`~sksupercode.datasets.make_sparse_codes`. A code
        is recovered where its support is. A decoder of other ``values`` is measured as it is, with
        a warning.

    n_trials_per_codebook : int, default=10
        Codes that share a codebook.

    max_seconds : float or None, default=None
        About how long it may take. Slow decoders then get fewer trials than ``n_trials``, the
        slowest up to three times as long, and longer where most of the cost is at the transition,
        as of maximum likelihood, since some fifty trials there are the fewest; ``time_limit`` of
        that decoder limits each. A result then depends on the speed of the machine. Without a limit
        it depends on ``random_state`` alone.

    random_state : int, RandomState, Generator or None, default=None
        Seed of all codes, codebooks and noise. None is fresh entropy, or that of the checkpoint.

    n_jobs : int or None, default=None
        Number of jobs in parallel, once the transition is found; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A file that keeps what is finished, from which the measurement goes on. With
        ``max_seconds`` the time that it took counts as well.

    callbacks : list of callbacks or None, default=None
        Callbacks of scikit-learn 1.9 or newer, which are told of each cell.

    verbose : bool, default=False
        Whether to show a progress bar with the time that is left; needs rich.

    Returns
    -------
    result : MeasuredDimension
        The dimension, its interval, the rates it comes from, and the seconds for a trial.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or ``sections`` is not that of the decoder; or if the
        checkpoint is damaged, of another configuration, or of a newer version.

    TimeoutError
        If ``max_seconds`` are not enough for twenty trials.

    Warns
    -----
    UserWarning
        If no dimension is enough, up to 16 times the larger of N and the bits of a code, or rates
        do not rise to p: ``n_components`` is inf. With noise it may be that none is enough. Or
        if rates around the estimate are not of the law that is fitted.

    See Also
    --------
    predicted_dimension : What theory expects, without decoding anything.
    recovery_curve : Rates at given dimensions; there the machinery is described.

    Notes
    -----
    The search starts at as many dimensions as the code has bits. It doubles or halves d until the
    transition lies in between. Then it tries the dimensions where, by the trials so far, the rate
    is p and where it is 1/2, in turn. Three stages follow, with a quarter, a quarter and a half of
    the remaining trials, each at four dimensions around the estimate of d(p) so far. Trials there
    give the most information about d(p): a grid of dimensions that spans the transition takes three
    times as many for the same interval, or more.

    Each trial is independent of those before, given its dimension, and how that was chosen does not
    enter the likelihood [2]_. The interval is that of the profile likelihood: all d for which some
    b makes the logarithm of the likelihood no less than its maximum minus half a quantile of the
    chi-squared law with one degree of freedom, after division of the counts by the design effect of
    the codebooks; and wider by a tenth, because dimensions were chosen by earlier trials, and the
    recovery curve is only nearly normal in ln d.

    References
    ----------
    .. [1] D. J. Finney, "Probit Analysis", 3rd ed., Cambridge University Press, 1971.

    .. [2] C. F. J. Wu, "Efficient Sequential Designs with Binary Data", Journal of the American
       Statistical Association 80, 1985.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import predicted_dimension, measured_dimension
    >>> encoder, size = RademacherEncoder(), {"n_features": 256, "n_nonzero_coefs": 4}
    >>> decoder = TopKDecoder(encoder)
    >>> result = measured_dimension(encoder, decoder, random_state=0, **size)
    >>> result.low <= predicted_dimension(decoder, probability=0.9, **size) <= result.high
    True
    """
    N = check_integer(n_features, "n_features", minimum=1)
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=N)
    p = check_fraction(probability, "probability")
    confidence = check_fraction(confidence, "confidence")
    n_trials, per_codebook = check_trials(n_trials, n_trials_per_codebook)
    if max_seconds is not None:
        check_real(max_seconds, "max_seconds", 0, closed="right")
    configuration = {"sweep": "measured_dimension", "n_features": N, "n_nonzero_coefs": k}
    chain = Chain.of(encoder, channel, decoder, sections, [k], values=values)
    with open_runner(
        chain, configuration, random_state, n_jobs, checkpoint, callbacks, verbose
    ) as runner:
        trials = Trials(runner, N, k, max_seconds)
        result = _measure(trials, p, n_trials, per_codebook, confidence)
        if max_seconds is not None:
            # What is finished stays so, until another run has a larger limit.
            runner.store.keep_elapsed(max(trials.seconds, max_seconds))
        return result


def _measure(trials, p, n_trials, per_codebook, confidence):
    n_first = max(1, round(trials.entropy_bits))
    if trials.max_seconds < np.inf:
        per_codebook = affordable_batch(trials, n_first, per_codebook)
    points = find_transition(trials, n_first, p, per_codebook)
    if points:
        curve = _measure_curve(trials, points, p, n_trials, per_codebook)
        with warnings.catch_warnings():
            # The interval tells where d was only extrapolated.
            warnings.filterwarnings("ignore", ".* is extrapolated", UserWarning)
            found = curve.dimension_at(p, confidence=_widened(confidence), link="probit")
        found = [int(np.ceil(d)) if np.isfinite(d) else d for d in np.maximum(found, 1)]
        if found[0] == np.inf:
            warn(
                f"No dimension was found at which {p:g} of the codes are recovered: from d = "
                f"{curve.n_components[0]} to {curve.n_components[-1]} rates are up to "
                f"{curve.success_rate.max():.3g}. n_components is inf."
            )
        seconds = float(np.interp(found[0], curve.n_components, curve.seconds_per_trial))
    else:
        warn(
            f"No dimension up to {max(trials.looks)} was found at which half of a few trials are "
            "recovered: n_components is inf."
        )
        curve = RecoveryCurve(*3 * [np.empty(0, dtype=int)])
        found, seconds = 3 * [np.inf], np.nan
    return MeasuredDimension(*found, p, confidence, trials.entropy_bits, curve, seconds)


def _measure_curve(trials, points, p, n_trials, per_codebook):
    """Return the rates around the transition."""
    groups, run, start = trials.looks, trials.runner.run, trials.used
    n_left = max(n_trials - sum(n for *_, n in points), 0)
    for part, end in zip(_STAGES, np.cumsum(_STAGES), strict=True):
        dimensions = _place(points, p, trials.largest)
        per_codebook = trials.batch(per_codebook)
        n = max(1, round(n_left * part / len(dimensions)))
        stage = [trials.cells(d, n, per_codebook) for d in dimensions]
        if trials.max_seconds == np.inf:
            run([cell for group in stage for cell in group])
        else:
            stage = _run_in_time(trials, stage, part, start + (1 - start) * end)
        for group in stage:
            groups.setdefault(group[0].n_components, []).extend(group)
            for cell, (n_recovered, seconds) in zip(group, run(group), strict=True):
                trials.note(cell.n_trials, seconds)
                points.append((cell.n_components, n_recovered, cell.n_trials))
    return collect_curve(trials.runner, [groups[d] for d in sorted(groups)])


def _widened(confidence):
    """Return the level at which intervals of the likelihood are wider by a constant factor."""
    level = 2 * ndtr(_WIDENING * ndtri(0.5 + confidence / 2)) - 1
    # Next to 0 and 1 rounding has the last word.
    return min(max(level, confidence), np.nextafter(1, 0))


def _place(points, p, largest):
    """Return dimensions around where the rate seems to be p."""
    center, deviation, slope = guess_transition(points, p)
    width = max(np.hypot(_SPREAD / slope, deviation), _NARROWEST)
    x = center + width * np.linspace(-1, 1, _N_DIMENSIONS)
    return np.unique(np.clip(np.rint(np.exp(x)), 1, largest).astype(int)).tolist()


def _run_in_time(trials, groups, part, limit):
    """Run cells of all groups in turn, and return those that time allowed for."""
    # Rounds are whole, and time does not know of successes: where it ends, there is no bias.
    rounds = []
    for cells in zip(*groups, strict=True):
        enough = sum(row[0].n_trials for row in rounds) >= part * FEWEST and trials.used > limit
        if enough and not trials.runner.are_finished(cells):
            break
        trials.runner.run(cells)
        rounds.append(cells)
    return list(zip(*rounds, strict=True))
