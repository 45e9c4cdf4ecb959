"""
Figure 2: the smallest dimension, from one codeword to a thousand
=================================================================

How many dimensions does it take to write k of N codewords as one vector, so that half of all such
vectors are read back without an error? And how many dimensions is that for each bit?
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# A subset of k out of N carries :math:`H = \log_2 \binom{N}{k}` bits. For every k and decoder,
# random codes are decoded at five dimensions where theory expects rates from 10 % to 90 %; a
# logistic curve through the five rates gives the dimension for one half. AMP is measured up to
# k = 64, and basis pursuit up to k = 16. Here N = 2^10.

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from figure_options import checkpoint_file, columns, finish, parse_options, read_table

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    TopKDecoder,
    theory,
)
from sksupercode.model_selection import predicted_dimension, recovery_curve

options = parse_options("Figure 2: the dimensions that decoders need, from one codeword to 1024.")
N, n_powers = (2**20, 11) if options.full else (2**10, 6)
encoder = RademacherEncoder()
# Each decoder with the smallest k that is predicted, and the largest that is measured.
decoders = {
    "top-k": (TopKDecoder(encoder), 1, 2**10),
    "matching pursuit": (MatchingPursuitDecoder(encoder), 1, 2**10),
    "AMP": (AMPDecoder(encoder), 4, 2**6),
    "basis pursuit": (BasisPursuitDecoder(encoder), 1, 2**4),
}


@cache
def predict(name, k):
    """Return the dimensions for rates of 10, 50 and 90 %."""
    decoder, size = decoders[name][0], {"n_features": N, "n_nonzero_coefs": k}
    return [
        float(predicted_dimension(decoder, probability=p, random_state=0, **size))
        for p in (0.1, 0.5, 0.9)
    ]


def measure(name, k, low, high):
    """Return the curve between two dimensions."""
    d = np.unique(np.rint(np.geomspace(low, high, 5)).astype(int))
    return recovery_curve(
        encoder,
        decoders[name][0],
        n_features=N,
        n_nonzero_coefs=k,
        n_components=d,
        n_trials=options.trials or (50 if options.full and k < 512 else 20),
        random_state=options.seed,
        # Codebooks of more signs, which are 8 GiB, are not held by several processes at once.
        n_jobs=1 if N * int(d[-1]) > 2**36 else options.n_jobs,
        checkpoint=checkpoint_file(options, f"{name}_N{N}_k{k}"),
    )


rows = []
for k in (2 ** np.arange(n_powers)).tolist():
    for name, (_, smallest, largest) in decoders.items():
        levels = predict(name, k) if k >= smallest else None
        row = dict.fromkeys(("k", "decoder", "d50", "low", "high", "theory", "trials", "seconds"))
        row |= {"k": k, "decoder": name, "theory": levels and levels[1]}
        if k <= largest:
            # For few codewords AMP needs about as many dimensions as matching pursuit.
            low, _, high = levels or predict("matching pursuit", k)
            curve = measure(name, k, low, high)
            row["d50"], row["low"], row["high"] = map(float, curve.dimension_at(0.5))
            row["trials"] = int(curve.n_trials.sum())
            row["seconds"] = float(curve.n_trials @ curve.seconds_per_trial)
        rows.append(row)


def draw(rows, n_features):
    """Return a figure of the dimensions, and of those for each bit."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    for name, color in zip(decoders, ("C0", "C1", "C2", "C3"), strict=True):
        mine = [row for row in rows if row["decoder"] == name]
        measured = [row for row in mine if row["d50"] is not None]
        predicted = [row for row in mine if row["theory"] is not None]
        for ax, unit in ((left, np.ones_like), (right, lambda k: theory.entropy(n_features, k))):
            k, d, low, high = columns(measured, "k", "d50", "low", "high")
            ax.errorbar(
                k,
                d / unit(k),
                yerr=np.array([d - low, high - d]) / unit(k),
                fmt="o",
                markersize=4,
                capsize=2,
                color=color,
                label=name,
            )
            k, d = columns(predicted, "k", "theory")
            ax.plot(k, d / unit(k), "--", color=color)
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
    figure.suptitle(
        rf"Smallest dimensions at $N = 2^{{{int(np.log2(n_features))}}}$, and dimensions per bit"
    )
    return figure


figure = draw(rows, N)
finish(figure, rows, options)

# %%
# On the left, all curves rise about as fast as k. On the right they are divided by H. *Top-k*,
# which selects the k largest scores, needs more dimensions for each bit the larger k is: the other
# active codewords add interference to the scores, which is never subtracted. *Matching pursuit*
# subtracts the codewords that it has found before it correlates again, and its cost for a bit
# hardly depends on k. *AMP*, which revises all of its estimates at each step, and *basis pursuit*,
# which solves a linear program, need about one dimension for a bit or less.
#
# Dashed is theory: closed forms for top-k, AMP and basis pursuit, and for matching pursuit a
# simulation of the k active codewords alone, whose cost does not depend on N. At the smallest k
# the normal approximation for basis pursuit gives a few dimensions too many. There is no
# prediction for AMP below k = 4. Bars are 95 % intervals.
#
# The manuscript gives the cost in "bits per dimension" where it means dimensions per bit; see
# :doc:`/user_guide/corrections`.
#
# In full
# -------
#
# The figure of the manuscript has N = 2^20 and k up to 1024. The command
#
# .. code-block:: text
#
#    python examples/figures/plot_figure_2_smallest_dimensions.py --full \
#        --checkpoint figure_2 --csv figure_2.csv --output figure_2.png
#
# measures that, in half an hour on two cores and with 10 GiB of memory, and writes the picture and
# the table. It may be stopped at any time: the same command goes on from the finished part in the
# folder of ``--checkpoint``.
#
# The table has 50 codes at each of five dimensions, and 20 from k = 512 on:

if options.output is None:
    draw(read_table("figure_2.csv"), 2**20)
    plt.show()

# %%
# With 1024 codewords in a superposition top-k needs 5.7 dimensions for each bit and matching
# pursuit 1.2; theory expects 0.7 for basis pursuit and 0.6 for AMP. Where something was measured,
# ``d50`` is the dimension for one half, and ``low`` and ``high`` are the ends of its 95 %
# interval; ``seconds`` are those of decoding, of all runs together.
#
# .. csv-table::
#    :file: ../../../examples/figures/figure_2.csv
#    :header-rows: 1
