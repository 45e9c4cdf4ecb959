"""Figure 2: the dimensions that decoders need, from one codeword to a thousand."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import logging

import numpy as np

from sksupercode import theory
from sksupercode.decoders import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    TopKDecoder,
)
from sksupercode.encoders import RademacherEncoder
from sksupercode.figures._files import check_outputs, sweep_file, write_table
from sksupercode.model_selection import predicted_dimension, recovery_probability
from sksupercode.model_selection._cells import cells_of
from sksupercode.model_selection._predicted_dimension import _fitted_dimension
from sksupercode.model_selection._recovery_curve import collect_curve
from sksupercode.model_selection._sweep import open_runner

_log = logging.getLogger(__name__)

ENCODER = RademacherEncoder()
# Each decoder with the largest k at which it is measured.
DECODERS = {
    "top-k": (TopKDecoder(ENCODER), 2**10),
    "matching pursuit": (MatchingPursuitDecoder(ENCODER), 2**10),
    "AMP": (AMPDecoder(ENCODER), 2**6),
    "basis pursuit": (BasisPursuitDecoder(ENCODER), 2**4),
}
_RATES = (0.1, 0.5, 0.9)
_N_DIMENSIONS = 5
_SAMPLES_PER_CODEBOOK = 10
# Codebooks of more signs, which are 8 GiB, are not held by several processes at once.
_MOST_SIGNS = 2**36


def figure_2(*, full=False, random_state=0, n_jobs=None, checkpoint=None, csv=None):
    r"""Draw the smallest dimensions of four decoders against the number of codewords.

    .. math:: d_{1/2}(k): \quad P_d(\hat y = y) = \tfrac12, \qquad H = \log_2 \binom{N}{k}

    Parameters
    ----------
    full : bool, default=False
        Whether to take N = 2**20 and k up to 2**10, which takes half an hour on two cores.
        Otherwise N = 2**14 and k up to 2**6.

    random_state : int, RandomState or Generator, default=0
        Names all codes and codebooks.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A folder, made if there is none, for what is finished: one SQLite file for each decoder and
        k. Where they exist, the computation goes on from there.

    csv : str, PathLike or None, default=None
        File to which to write the table: for each k and decoder the measured dimension ``d50`` and
        the ends ``low`` and ``high`` of its 95 % interval, what theory expects, the number of codes
        that were decoded, and the seconds that this took. What was not measured, or cannot be
        predicted, is empty.

    Returns
    -------
    figure : matplotlib Figure
        The dimensions d on the left, and d / H on the right.

    Raises
    ------
    ValueError
        If a file in ``checkpoint`` is damaged, or of another configuration.

    Notes
    -----
    A decoder is measured at five dimensions where theory expects rates from 10 % to 90 %, with 50
    random codes at each (20 from k = 512 on, and in the short version), 10 to a codebook; a
    logistic curve in ln d gives the dimension for one half. AMP is measured up to k = 64 and basis
    pursuit up to k = 16. The theory is that of
    :func:`~sksupercode.model_selection.predicted_dimension`; of matching pursuit it simulates the k
    active codewords alone. Codebooks take up to 10 GiB in the full version.
    """
    check_outputs(csv=csv, checkpoint=checkpoint)
    N, n_powers, n_trials = (2**20, 11, None) if full else (2**14, 7, 20)
    rows = measure(
        N,
        2 ** np.arange(n_powers),
        n_trials=n_trials,
        random_state=random_state,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
    )
    if csv is not None:
        write_table(rows, csv)
    return draw(rows, N)


def measure(n_features, numbers, *, n_trials=None, random_state=0, n_jobs=None, checkpoint=None):
    """Return a list of dicts, one for each k in ``numbers`` and decoder."""
    rows = []
    for k in map(int, numbers):
        levels = {
            name: predicted_dimensions(decoder, n_features, k)
            for name, (decoder, _) in DECODERS.items()
        }
        for name, (decoder, largest) in DECODERS.items():
            predicted = None if levels[name] is None else float(levels[name][1])
            row = dict.fromkeys(("k", "decoder", "d50", "low", "high", "theory", "trials"))
            row |= {"k": k, "decoder": name, "theory": predicted, "seconds": None}
            if k <= largest:
                # For few codewords AMP needs about as many dimensions as matching pursuit.
                low, _, high = levels["matching pursuit" if predicted is None else name]
                curve, row["seconds"] = _recover(
                    decoder,
                    n_features,
                    k,
                    np.unique(np.rint(np.geomspace(low, high, _N_DIMENSIONS)).astype(int)),
                    n_trials or (50 if k < 512 else 20),
                    random_state=random_state,
                    n_jobs=n_jobs,
                    checkpoint=sweep_file(checkpoint, f"{name}_N{n_features}_k{k}"),
                )
                row["d50"], row["low"], row["high"] = map(float, curve.dimension_at(0.5))
                row["trials"] = int(curve.n_trials.sum())
                _log.info(
                    "k = %d, %s: d = %.4g (%.4g to %.4g)%s",
                    *(row[key] for key in ("k", "decoder", "d50", "low", "high")),
                    "" if predicted is None else f", theory {predicted:.4g}",
                )
            rows.append(row)
    return rows


def predicted_dimensions(decoder, n_features, k):
    """Return the d's for rates of 10, 50 and 90 %, or None where there is no prediction."""
    size = {"n_features": n_features, "n_nonzero_coefs": k}
    if isinstance(decoder, AMPDecoder) and k < 4:
        return None
    if isinstance(decoder, MatchingPursuitDecoder):
        center = theory.rule_of_thumb_dimension(n_features, k, "matching_pursuit")
    else:
        dimensions = [predicted_dimension(decoder, probability=p, **size) for p in _RATES]
        if not isinstance(decoder, TopKDecoder) or k >= 3:
            return dimensions
        center = dimensions[1]
    # One simulation for all three rates, on dimensions around the center, and then closer.
    n_samples, points = int(np.clip(2000 // k, 4, 100)), []
    for width in (0.6, 0.15):
        grid = np.rint(center * np.exp(width * np.linspace(-1, 1, 9))).astype(int)
        grid = np.unique(np.maximum(grid, 1))
        rates = recovery_probability(
            decoder, n_components=grid, n_samples=n_samples, random_state=len(points), **size
        )
        points += zip(grid, *rates, strict=True)
        center = _fitted_dimension(points, 0.5, center)
    return [_fitted_dimension(points, p, center) for p in _RATES]


def _recover(decoder, n_features, k, dimensions, n_trials, *, random_state, n_jobs, checkpoint):
    """Return the curve of ``recovery_curve``, and the seconds of decoding, of all runs together."""
    n_jobs = 1 if n_features * int(dimensions[-1]) > _MOST_SIGNS else n_jobs
    with open_runner(
        ENCODER,
        None,
        decoder,
        {"sweep": "recovery_curve", "n_features": n_features, "n_nonzero_coefs": k},
        random_state=random_state,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
        callbacks=None,
        verbose=False,
    ) as runner:
        groups = [
            cells_of(n_features, k, d, n_trials, _SAMPLES_PER_CODEBOOK) for d in dimensions.tolist()
        ]
        results = runner.run([cell for group in groups for cell in group])
    return collect_curve(groups, results), float(sum(seconds for _, seconds in results))


def draw(rows, n_features):
    """Draw the rows of ``measure``: d against k, and d / H against k."""
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")

    def bits(k):
        return theory.entropy(n_features, k)

    for i, name in enumerate(DECODERS):
        mine = [row for row in rows if row["decoder"] == name]
        measured = [row for row in mine if row["d50"] is not None]
        predicted = [row for row in mine if row["theory"] is not None]
        for ax, unit in ((left, np.ones_like), (right, bits)):
            k = np.array([row["k"] for row in measured])
            d, low, high = (np.array([r[key] for r in measured]) for key in ("d50", "low", "high"))
            ax.errorbar(
                k,
                d / unit(k),
                yerr=np.array([d - low, high - d]) / unit(k),
                fmt="o",
                markersize=4,
                capsize=2,
                color=f"C{i}",
                label=name,
            )
            k = np.array([row["k"] for row in predicted])
            d = np.array([row["theory"] for row in predicted])
            ax.plot(k, d / unit(k), "--", color=f"C{i}")
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.set_xlabel("codewords k in a superposition")
        ax.grid(alpha=0.3)
    left.plot([], [], "--", color="gray", label="theory")
    left.set(ylabel="dimensions d for a recovery rate of 1/2", yscale="log")
    left.legend()
    right.set(ylabel="dimensions per bit, d / H", ylim=(0, None))
    right.yaxis.set_label_position("right")
    right.yaxis.tick_right()
    power = int(np.log2(n_features))
    figure.suptitle(rf"Smallest dimensions at $N = 2^{{{power}}}$, and dimensions per bit")
    return figure
