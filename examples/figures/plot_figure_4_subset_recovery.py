"""
Figure 4: recovery of subsets by all decoders
=============================================

The probability that a random k-subset is read back without an error, against the dimension of its
code, for every decoder.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Each point is the rate over random subsets of size 8 of 1024 codewords, with fresh codebooks of
# random signs; the bands are 95 % Wilson intervals. Theory is dashed, and is not fitted to
# anything.

import matplotlib.pyplot as plt
import numpy as np
from figure_options import checkpoint_file, finish, parse_options
from matplotlib.ticker import LogLocator

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.model_selection import predicted_dimension, recovery_curve, recovery_probability
from sksupercode.plotting import RecoveryCurveDisplay

options = parse_options("Figure 4: success against the dimension, for all decoders of subsets.")
N, k = (4096, 16) if options.full else (1024, 8)
n_trials = options.trials or (1000 if options.full else 100)
size = {"n_features": N, "n_nonzero_coefs": k}
encoder = RademacherEncoder()
decoders = {
    "threshold": ThresholdDecoder(encoder, threshold="map"),
    "top-k": TopKDecoder(encoder),
    "matching pursuit": MatchingPursuitDecoder(encoder),
    "orthogonal matching pursuit": OrthogonalMatchingPursuitDecoder(encoder),
    "basis pursuit": BasisPursuitDecoder(encoder),
    "AMP": AMPDecoder(encoder),
}
orthogonal = "orthogonal matching pursuit"
grids = {
    name: [
        predicted_dimension(decoder, probability=p, random_state=0, **size) for p in (0.02, 0.98)
    ]
    for name, decoder in decoders.items()
    if name != orthogonal
}
# What theory does not cover is measured where these are between failure and success.
grids[orthogonal] = [grids["AMP"][0], grids["matching pursuit"][1]]

rows = []
figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
for name, decoder in decoders.items():
    d = np.unique(np.rint(np.geomspace(*grids[name], 8)).astype(int))
    curve = recovery_curve(
        encoder,
        decoder,
        n_components=d,
        n_trials=n_trials,
        random_state=options.seed,
        n_jobs=options.n_jobs,
        checkpoint=checkpoint_file(options, f"{name}_N{N}_k{k}"),
        **size,
    )
    predicted = None
    if name != orthogonal:
        predicted, _ = recovery_probability(decoder, n_components=d, random_state=0, **size)
    display = RecoveryCurveDisplay.from_result(
        curve,
        predicted=predicted,
        name=name,
        ax=ax,
        legend=False,
        linestyle=":" if predicted is None else "none",
    )
    if display.predicted_ is not None:
        display.predicted_.set_label(None)
    rows += [
        {
            "decoder": name,
            "d": int(d[i]),
            "success_rate": float(curve.success_rate[i]),
            "low": float(curve.low[i]),
            "high": float(curve.high[i]),
            "theory": None if predicted is None else float(predicted[i]),
            "trials": int(curve.n_trials[i]),
        }
        for i in range(len(d))
    ]
ax.plot([], [], "--", color="gray", label="theory")
ax.set(xscale="log", title=f"N = {N:,}, k = {k}, {n_trials} codes a point")
ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
ax.xaxis.set_major_formatter("{x:.0f}")
ax.xaxis.set_minor_formatter("")
figure.legend(loc="outside right center", frameon=False)
finish(figure, rows, options)

# %%
# From the right:
#
# * A *threshold* on the scores :math:`\langle f_i, x \rangle` has to be the same for all subsets.
# * *Top-k* knows k, and so has the best threshold for each subset.
# * *Matching pursuit* subtracts the codewords that it has found. Its *orthogonal* version fits all
#   values again at each step. This gains nothing here: the values are known to be one, and it does
#   not use that.
# * *Basis pursuit* and *AMP* estimate the values of all codewords together.
#
# Orthogonal matching pursuit is drawn dotted, as there is no prediction for it at finite size.
#
# With ``--full`` this script does the same for N = 4096 and k = 16, with 1000 codes
# at each point.
