"""The decoder frontier: the bits per dimension of each decoder, measured and predicted."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np

from sksupercode import theory
from sksupercode._utils._progress import check_reports, consume
from sksupercode._utils._tables import TableMixin
from sksupercode._utils._validation import check_integer
from sksupercode.decoders import AMPDecoder
from sksupercode.encoders import HadamardEncoder, RademacherEncoder
from sksupercode.model_selection._cells import check_entropy, own_parts
from sksupercode.model_selection._checkpoint import Part
from sksupercode.model_selection._frontier_decoders import (
    check_decoders,
    default_decoders,
    encoder_of,
    out_of_reach,
)
from sksupercode.model_selection._measured_dimension import MeasuredDimension, measured_dimension
from sksupercode.model_selection._predicted_dimension import (
    predicted_dimension,
    without_warning_of_none,
)
from sksupercode.model_selection._prediction import noise_of, with_dictionary
from sksupercode.model_selection._transition_search import code_entropy


@dataclass(frozen=True)
class FrontierRow:
    """One decoder at one N and k.

    Attributes
    ----------
    n_features, n_nonzero_coefs : int
        N and k.

    decoder : str
        Name of the decoder.

    entropy_bits : float
        Bits that the support of a code holds.

    result : MeasuredDimension or None
        What was measured.

    predicted_dimension : float
        The dimension that theory predicts, nan where there is no prediction.

    reason : str or None
        Why there is no result.
    """

    n_features: int
    n_nonzero_coefs: int
    decoder: str
    entropy_bits: float
    result: MeasuredDimension | None = None
    predicted_dimension: float = np.nan
    reason: str | None = None

    def to_dict(self):
        """Return the numbers by name, nan and None where there are none.

        Returns
        -------
        numbers : dict
            The columns of :meth:`DecoderFrontier.to_frame`.
        """
        found, nan = self.result, np.nan
        measured = dict.fromkeys(
            ("n_components", "low", "high", "bits_per_dimension", "seconds_per_trial"), nan
        )
        if found is not None:
            measured = {name: getattr(found, name) for name in measured}
        return {
            "n_features": self.n_features,
            "n_nonzero_coefs": self.n_nonzero_coefs,
            "decoder": self.decoder,
            **measured,
            "bits_low": self.entropy_bits / measured["high"],
            "bits_high": self.entropy_bits / measured["low"],
            "predicted_dimension": self.predicted_dimension,
            "predicted_bits": self.entropy_bits / self.predicted_dimension,
            "n_trials": 0 if found is None else found.n_trials,
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False, repr=False)
class DecoderFrontier(TableMixin):
    """Decoders by the bits per dimension that they reach.

    Attributes
    ----------
    rows : tuple of FrontierRow
        For each N and k the decoders, in the order in which they were given.

    probability, confidence : float
        The exact-recovery rate, and the level of the intervals.
    """

    rows: tuple[FrontierRow, ...]
    probability: float = 0.9
    confidence: float = 0.95

    def _columns(self):
        numbers = [row.to_dict() for row in self.rows]
        return {name: [row[name] for row in numbers] for name in numbers[0]}


def decoder_frontier(
    decoders=None,
    *,
    n_features,
    n_nonzero_coefs,
    probability=0.9,
    n_trials=800,
    confidence=0.95,
    channel=None,
    values="binary",
    n_trials_per_codebook=10,
    max_seconds=None,
    random_state=None,
    n_jobs=None,
    checkpoint=None,
    callbacks=None,
    verbose=False,
):
    r"""Measure the bits per dimension that each decoder reaches at a given recovery rate.

    .. math:: \frac{H}{d(p)}, \qquad d(p) = \min \{ d \ge 1 : P_d(\hat y = y) \ge p \}

    with the entropy H of a support in bits: :math:`\log_2 \binom{N}{k}`, or less with sections.
    Codes are equal if their supports are.

    Parameters
    ----------
    decoders : dict of str to decoder, or None, default=None
        The decoders to measure, by name. The ``dictionary`` of each is an encoder, which draws the
        codebooks. Decoders of this package with ``sections=True`` get codes with sections. None
        takes every public decoder with a ``RademacherEncoder``, and message passing with the codes
        that are made for it; all look for the `values` of the codes, and those that cannot are left
        out.

    n_features : int or array-like of int
        Numbers N of codewords, each at least 1.

    n_nonzero_coefs : int or array-like of int
        Numbers k of codewords in a superposition, as many as there are N: each N has its k.

    probability : float, default=0.9
        The exact-recovery rate p, in (0, 1).

    n_trials : int, default=800
        Trials for each decoder at each N and k.

    confidence : float, default=0.95
        Level of the intervals, in (0, 1).

    channel : transformer or None, default=None
        The channel between encoder and decoder; its ``random_state`` does not matter.

    values : {"binary", "exponential", "gaussian"}, default="binary"
        The values of the nonzero entries of codes: ones, or independent draws from the exponential
        or the standard normal law, as of :func:`~sksupercode.datasets.make_sparse_codes`. A decoder
        of other ``values`` is measured as it is, with a warning.

    n_trials_per_codebook : int, default=10
        Codes that share a codebook.

    max_seconds : float or None, default=None
        About how long each measurement may take. Slow decoders get fewer trials, or a reason
        instead of a result. Decoders that are known to take too long at some N and k are not tried.

    random_state : int, RandomState, Generator or None, default=None
        Seed of all codes, codebooks and noise. None is fresh entropy, or that of the checkpoint.

    n_jobs : int or None, default=None
        Number of jobs in parallel; without ``max_seconds`` results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A file that keeps what is finished, from which the measurement goes on. It may have more
        decoders and more N and k than before.

    callbacks : list of callbacks or None, default=None
        Callbacks of scikit-learn 1.9 or newer, which are told of each measurement.

    verbose : bool, default=False
        Whether to show a progress bar with the time that is left; needs rich.

    Returns
    -------
    frontier : DecoderFrontier
        A row for each decoder at each N and k.

    Raises
    ------
    ValueError
        If a parameter is outside its range; or if the checkpoint is damaged, of another
        configuration, or of a newer version.

    See Also
    --------
    measured_dimension : Measures one decoder, with an encoder apart.
    sksupercode.plotting.FrontierDisplay : Draws the frontier.

    Notes
    -----
    Theory is :func:`predicted_dimension` where there is a law for a finite N, and state evolution
    for message passing where there is none. Both are of binary values; there is none for others.

    Examples
    --------
    >>> from sksupercode import MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import decoder_frontier
    >>> encoder = RademacherEncoder()
    >>> frontier = decoder_frontier(
    ...     {"top-k": TopKDecoder(encoder), "pursuit": MatchingPursuitDecoder(encoder)},
    ...     n_features=256,
    ...     n_nonzero_coefs=4,
    ...     n_trials=100,
    ...     random_state=0,
    ... )
    >>> top_k, pursuit = frontier.rows
    >>> top_k.result.bits_per_dimension < pursuit.result.bits_per_dimension
    True
    """
    decoders = default_decoders(values) if decoders is None else check_decoders(decoders)
    sizes = _check_sizes(n_features, n_nonzero_coefs)
    check_reports(callbacks, verbose)
    options = {
        "probability": probability,
        "n_trials": n_trials,
        "confidence": confidence,
        "channel": channel,
        "values": values,
        "n_trials_per_codebook": n_trials_per_codebook,
        "max_seconds": max_seconds,
        "random_state": check_entropy(random_state),
        "n_jobs": n_jobs,
    }
    rows, points = [], [(*named, *size) for size in sizes for named in decoders.items()]
    results = ((_measure(*point, checkpoint, options),) for point in points)
    name = f"decoders ({len(decoders)}) at sizes ({len(sizes)})"
    consume(results, rows.append, len(points), 0, callbacks, verbose, name)
    return DecoderFrontier(tuple(rows), probability, confidence)


def _check_sizes(n_features, n_nonzero_coefs):
    try:
        sizes = np.broadcast(
            np.asarray(n_features, dtype=object), np.asarray(n_nonzero_coefs, dtype=object)
        )
    except ValueError as error:
        raise ValueError(
            "n_features and n_nonzero_coefs must be integers, or lists of as many, got "
            f"{n_features!r} and {n_nonzero_coefs!r}."
        ) from error
    sizes = [
        (N, check_integer(k, "n_nonzero_coefs", minimum=1, maximum=N))
        for N, k in ((check_integer(N, "n_features", minimum=1), k) for N, k in sizes)
    ]
    if not sizes:
        raise ValueError(f"n_features must not be empty, got {n_features!r}.")
    return list(dict.fromkeys(sizes))


def _measure(name, decoder, n_features, k, checkpoint, options):
    size = {"n_features": n_features, "n_nonzero_coefs": k}
    encoder = encoder_of(decoder)
    sections = any(part._has_sections for part in own_parts(decoder))
    limited = options["max_seconds"] is not None
    reason, result = out_of_reach(decoder, encoder, **size) if limited else None, None
    if reason is None:
        if checkpoint is not None:
            checkpoint = Part(checkpoint, f"{name}, N={n_features}, k={k}")
        try:
            with without_warning_of_none():
                result = measured_dimension(
                    encoder, decoder, sections=sections, checkpoint=checkpoint, **size, **options
                )
        except (TimeoutError, MemoryError) as error:
            reason = str(error)
        else:
            if limited and result.low == 1:
                result, reason = None, "too few trials to tell: give it more seconds"
    has_law = options["values"] == "binary" and not sections
    predicted = _predict(decoder, encoder, options, **size) if has_law else np.nan
    bits = code_entropy(n_features, k, sections)
    return FrontierRow(n_features, k, name, bits, result, predicted, reason)


def _predict(decoder, encoder, options, **size):
    """Return the dimension that theory predicts, by the law for finite N or state evolution."""
    try:
        wanted = {name: options[name] for name in ("probability", "random_state")}
        wanted |= size | noise_of(options["channel"])
        with without_warning_of_none():
            return float(predicted_dimension(with_dictionary(decoder, encoder), **wanted))
    except ValueError:
        signs = type(encoder) in (HadamardEncoder, RademacherEncoder)
        if isinstance(decoder, AMPDecoder) and signs and options["channel"] is None:
            return max(1.0, float(theory.amp_dimension(*size.values())))
        return np.nan
