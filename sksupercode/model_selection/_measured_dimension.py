"""The smallest dimension at which a decoder recovers a code with a given probability, measured."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sksupercode import theory
from sksupercode._sections import section_bounds
from sksupercode._validation import check_generator, check_integer, check_real
from sksupercode.channels import GaussianChannel
from sksupercode.datasets import make_sparse_codes
from sksupercode.model_selection._transition import fit_transition, guess_transition

# Samples that share a codebook; there is a fresh one for each batch of them.
_BATCH = 10
# Where the transition is looked for: the first pair around it, and then so many more looks.
_LOOKS = 8
_LARGEST_RATIO = 16
# Where it is measured: at so many dimensions, at rates this far from the wanted one (in standard
# deviations of the normal law), no narrower than this in ln d.
_N_DIMENSIONS = 8
_SPREAD = 1.1
_NARROWEST = 0.02
# Whatever the time limit, there are so many samples for each of the dimensions.
_FEWEST = 5
# Seconds that compilation may take, whatever the time limit.
_PATIENCE = 30.0


@dataclass(frozen=True)
class MeasuredDimension:
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
        Bits that a code holds.

    dimensions, n_recovered, n_samples : ndarray of int of shape (n_dimensions,)
        What the estimate is fitted to: at each d, how many of how many samples were recovered.

    seconds_per_sample : float
        What decoding takes at d, in batches of up to ten samples.
    """

    n_components: int | float
    low: int | float
    high: int | float
    probability: float
    confidence: float
    entropy_bits: float
    dimensions: np.ndarray
    n_recovered: np.ndarray
    n_samples: np.ndarray
    seconds_per_sample: float

    @property
    def bits_per_dimension(self):
        """Bits that a code holds, divided by d."""
        return self.entropy_bits / self.n_components

    @property
    def bits_per_dimension_interval(self):
        """Ends of the confidence interval of the bits per dimension, the lower first."""
        return self.entropy_bits / self.high, self.entropy_bits / self.low


def measured_dimension(
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    probability=0.9,
    noise_variance=0.0,
    n_samples=100,
    confidence=0.95,
    max_seconds=None,
    random_state=None,
):
    r"""Measure the dimension that a decoder needs for a given exact-recovery rate.

    .. math:: d(p) = \min \{ d \ge 1 : P_d(\hat y = y) \ge p \}, \qquad
              P_d(\hat y = y) \approx \Phi(a + b \ln d)

    over the draw of the k-sparse y, of the codebook and of the noise: codes are drawn, superposed
    and decoded at dimensions around the transition, and a and b fitted by maximum likelihood.

    Parameters
    ----------
    decoder : decoder
        What reads the code; it is not changed. Its ``dictionary`` is an encoder, of which the
        ``n_components``, ``n_features`` and ``random_state`` do not matter. Where it has
        ``sections=True``, the codes have one codeword in each of k sections.

    n_features : int
        Number N of codewords, at least 1.

    n_nonzero_coefs : int
        Number k of codewords in a superposition, from 1 to N.

    probability : float, default=0.9
        The exact-recovery rate p, in (0, 1).

    noise_variance : float, default=0.0
        Variance of the noise per coordinate of the code.

    n_samples : int, default=100
        Samples at each of the eight dimensions that the estimate is made from.

    confidence : float, default=0.95
        Level of the interval, in (0, 1).

    max_seconds : float or None, default=None
        About how long it may take. Slow decoders then get fewer samples than ``n_samples``, the
        slowest five and up to three times as long; and a result depends on the speed of the
        machine. Without a limit it depends on ``random_state`` alone.

    random_state : int, RandomState, Generator or None, default=None
        Names all codes and codebooks.

    Returns
    -------
    result : MeasuredDimension
        The dimension, its interval, the rates it comes from, and the seconds for a sample.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or if the decoder's dictionary is not an encoder.

    TimeoutError
        If ``max_seconds`` are not enough for twenty samples.

    See Also
    --------
    required_dimension : What theory expects, without decoding anything.

    Notes
    -----
    A first search, by doubling and then by small samples where the transition seems to be, chooses
    the dimensions. Its samples are not used again: given the dimensions, those of the measurement
    are independent, so that the search cannot bias the estimate. There is a fresh codebook for
    every ten samples.

    The interval is that of the profile likelihood: all d for which some b makes the logarithm of
    the likelihood no less than its maximum minus half a quantile of the chi-squared law with one
    degree of freedom. It holds what the samples leave open, and not that the recovery curve is only
    nearly normal in ln d: it is fitted where rates are near p, where that matters little.

    References
    ----------
    .. [1] D. J. Finney, "Probit Analysis", 3rd ed., Cambridge University Press, 1971.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import measured_dimension, required_dimension
    >>> decoder, size = TopKDecoder(RademacherEncoder()), {"n_features": 256, "n_nonzero_coefs": 4}
    >>> result = measured_dimension(decoder, random_state=0, **size)
    >>> result.low <= required_dimension(decoder, probability=0.9, **size) <= result.high
    True
    """
    N = check_integer(n_features, "n_features", minimum=1)
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=N)
    noise = check_real(
        noise_variance, "noise_variance", minimum=0, maximum=np.inf, max_inclusive=False
    )
    inside = {"minimum": 0, "maximum": 1, "min_inclusive": False, "max_inclusive": False}
    p = check_real(probability, "probability", **inside)
    confidence = check_real(confidence, "confidence", **inside)
    check_integer(n_samples, "n_samples", minimum=1)
    if max_seconds is not None:
        check_real(max_seconds, "max_seconds", minimum=0, min_inclusive=False)
    encoder = getattr(decoder, "dictionary", None)
    if not {"n_components", "n_features", "random_state"} <= set(dir(encoder)):
        raise ValueError(
            f"the dictionary of the decoder must be an encoder, got {type(encoder).__name__}: "
            "there has to be a codebook for every dimension."
        )
    trials = _Trials(decoder, N, k, noise, check_generator(random_state))
    with warnings.catch_warnings():
        # Samples that cannot be decoded are what is counted here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return _measure(trials, p, n_samples, confidence, max_seconds)


class _Trials:
    """Encodes and decodes fresh codes with fresh codebooks, and keeps the time."""

    def __init__(self, decoder, n_features, n_nonzero_coefs, noise_variance, rng):
        self.decoder = decoder
        self.size = (n_features, n_nonzero_coefs)
        self.noise_variance = noise_variance
        self.sections = bool(getattr(decoder, "sections", False))
        self._rng = rng

    @property
    def entropy_bits(self):
        n_features, k = self.size
        if self.sections:
            return float(np.log2(np.diff(section_bounds(n_features, k))).sum())
        return float(theory.entropy_bits(n_features, k))

    def run(self, n_components, n_samples):
        """Return the d that the encoder made of it, how many samples came back, and the seconds."""
        (n_features, k), rng = self.size, self._rng
        codes = make_sparse_codes(
            n_samples, n_features, n_nonzero_coefs=k, sections=self.sections, random_state=rng
        )
        encoder = clone(self.decoder.dictionary).set_params(
            n_components=n_components, n_features=None, random_state=int(rng.integers(2**62))
        )
        X = encoder.fit_transform(codes)
        if self.noise_variance > 0:
            X = GaussianChannel(self.noise_variance, random_state=rng).fit_transform(X)
        decoder = clone(self.decoder).set_params(dictionary=encoder).fit(X, codes)
        start = time.perf_counter()
        rate = decoder.score(X, codes)
        return X.shape[1], round(rate * n_samples), time.perf_counter() - start


def _measure(trials, p, n_samples, confidence, max_seconds):
    n_first = max(1, round(trials.entropy_bits))
    clock, batch = _Clock(max_seconds), _BATCH
    if max_seconds is not None:
        batch = _affordable_batch(trials, n_first, clock)
    center, deviation = _search(trials, n_first, p, batch, clock)
    if center == np.inf:
        nothing = np.empty(0, dtype=int)
        return MeasuredDimension(
            np.inf, np.inf, np.inf, p, confidence, trials.entropy_bits, *3 * [nothing], np.nan
        )

    grid = np.exp(center + max(deviation, _NARROWEST) * np.linspace(-1, 1, _N_DIMENSIONS))
    grid = np.unique(np.maximum(np.rint(grid), 1).astype(int))
    totals = {}
    rounds = np.diff([*range(0, n_samples, batch), n_samples])
    for i, size in enumerate(rounds.tolist()):
        # Rounds are whole, and time does not know of successes: where it ends, there is no bias.
        if i * batch >= _FEWEST and clock.used > 1:
            break
        for d in grid.tolist():
            d, n_recovered, seconds = trials.run(d, size)
            totals[d] = totals.get(d, 0) + np.array([n_recovered, size, seconds])
    dimensions = np.array(sorted(totals))
    n_recovered, n_tried, seconds = np.array([totals[d] for d in dimensions.tolist()]).T
    fitted = fit_transition(dimensions, n_recovered, n_tried, p, confidence)
    estimate, low, high = (int(np.ceil(d)) if np.isfinite(d) else d for d in np.maximum(fitted, 1))
    return MeasuredDimension(
        estimate,
        low,
        high,
        p,
        confidence,
        trials.entropy_bits,
        dimensions,
        n_recovered.astype(int),
        n_tried.astype(int),
        float(np.interp(estimate, dimensions, seconds / n_tried)),
    )


class _Clock:
    """What part of the time that was given is used."""

    def __init__(self, max_seconds):
        self.max_seconds = np.inf if max_seconds is None else max_seconds
        self.restart()

    def restart(self):
        self._start = time.perf_counter()

    @property
    def seconds(self):
        return time.perf_counter() - self._start

    @property
    def used(self):
        return self.seconds / self.max_seconds


def _affordable_batch(trials, d, clock):
    """Return how many samples a batch may have, and restart the clock."""
    trials.run(d, 1)
    if clock.seconds < max(clock.max_seconds, _PATIENCE):
        # What was compiled or imported on the way is not the decoder's time.
        clock.restart()
        trials.run(d, 1)
    seconds, n_affordable = clock.seconds, 1 / clock.used
    if n_affordable < 4 * _FEWEST:
        raise TimeoutError(f"a sample takes {seconds:.2g} s, of {clock.max_seconds:g} s in all")
    clock.restart()
    # Some twelve batches find the transition, and more of them should be left to measure it.
    return int(np.clip(n_affordable / 40, 2, _BATCH))


def _search(trials, d, p, batch, clock):
    """Return about where ln d has rate p, and how far around to measure; inf for nowhere."""
    points = []

    def fails(d):
        points.append(trials.run(d, batch)[:2])
        return points[-1][1] < batch / 2

    largest = _LARGEST_RATIO * max(trials.size[0], d)
    # Whichever side of the transition d is on, the other is looked for.
    step = 2 if fails(d) else 0.5
    while 1 <= (d := int(d * step)) and fails(d) == (step == 2):
        if d > largest:
            return np.inf, np.nan
    for i in range(_LOOKS):
        if i > 2 and clock.used > 0.4:
            break
        center, _, slope = guess_transition(points, batch, p)
        # In turn near the wanted rate, and at one half.
        x = center if i % 2 else center - ndtri(p) / slope
        fails(max(1, round(np.exp(x))))
    center, deviation, slope = guess_transition(points, batch, p)
    return center, np.hypot(_SPREAD / slope, deviation)
