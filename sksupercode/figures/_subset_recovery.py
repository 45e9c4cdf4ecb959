"""Figure 4: success against the dimension, for all decoders at reading subsets."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.decoders import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.encoders import RademacherEncoder
from sksupercode.figures._files import check_outputs, sweep_file, write_table
from sksupercode.model_selection import predicted_dimension, recovery_curve, recovery_probability
from sksupercode.plotting import RecoveryCurveDisplay

ENCODER = RademacherEncoder()
DECODERS = {
    "threshold": ThresholdDecoder(ENCODER, threshold="map"),
    "top-k": TopKDecoder(ENCODER),
    "matching pursuit": MatchingPursuitDecoder(ENCODER),
    "orthogonal matching pursuit": OrthogonalMatchingPursuitDecoder(ENCODER),
    "basis pursuit": BasisPursuitDecoder(ENCODER),
    "AMP": AMPDecoder(ENCODER),
}
# What theory does not cover is measured where these are between failure and success.
_BETWEEN = {"orthogonal matching pursuit": ("AMP", "matching pursuit")}
_RATES = (0.02, 0.98)
_N_DIMENSIONS = 8


def figure_4(*, full=False, random_state=0, n_jobs=None, checkpoint=None, csv=None):
    r"""Draw the success of all decoders at reading k-subsets, against the dimension.

    .. math:: P_d(\hat y = y), \qquad x = F^T y, \quad |y| = k

    Parameters
    ----------
    full : bool, default=False
        Whether to take N = 4096 and k = 16, with 1000 random codes at each dimension, which takes
        ten minutes or so. Otherwise N = 1024 and k = 8, with 100 codes.

    random_state : int, RandomState or Generator, default=0
        Names all codes and codebooks.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A folder, made if there is none, for what is finished: one SQLite file for each decoder.
        Where they exist, the computation goes on from there.

    csv : str, PathLike or None, default=None
        File to which to write the table: for each decoder and dimension the measured rate, the ends
        of its 95 % interval, and the rate that theory expects; empty where there is no prediction.

    Returns
    -------
    figure : matplotlib Figure
        One curve for each decoder, with the theory for five of six.

    Raises
    ------
    ValueError
        If a file in ``checkpoint`` is damaged, or of another configuration.

    Notes
    -----
    Maximum likelihood, which would need the fewest dimensions, is out of reach at these sizes.
    The threshold is the one of maximum posterior probability.
    """
    check_outputs(csv=csv, checkpoint=checkpoint)
    n_features, k, n_trials = (4096, 16, 1000) if full else (1024, 8, 100)
    curves = measure(
        n_features,
        k,
        n_trials=n_trials,
        random_state=random_state,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
    )
    if csv is not None:
        write_table(tabulate(curves), csv)
    return draw(curves, f"N = {n_features}, k = {k}, {n_trials} codes a point")


def measure(n_features, k, *, n_trials, random_state=0, n_jobs=None, checkpoint=None):
    """Return a dict of pairs by decoder: a recovery curve, and the predicted rates or None."""
    size = {"n_features": n_features, "n_nonzero_coefs": k}
    grids = {
        name: [predicted_dimension(decoder, probability=p, random_state=0, **size) for p in _RATES]
        for name, decoder in DECODERS.items()
        if name not in _BETWEEN
    }
    for name, (first, last) in _BETWEEN.items():
        grids[name] = [grids[first][0], grids[last][1]]
    curves = {}
    for name, decoder in DECODERS.items():
        d = np.unique(np.rint(np.geomspace(*grids[name], _N_DIMENSIONS)).astype(int))
        curve = recovery_curve(
            ENCODER,
            decoder,
            n_components=d,
            n_trials=n_trials,
            random_state=random_state,
            n_jobs=n_jobs,
            checkpoint=sweep_file(checkpoint, f"{name}_N{n_features}_k{k}"),
            **size,
        )
        predicted = None
        if name not in _BETWEEN:
            predicted, _ = recovery_probability(decoder, n_components=d, random_state=0, **size)
        curves[name] = curve, predicted
    return curves


def tabulate(curves):
    """Return a list of dicts, one for each decoder and dimension."""
    return [
        {
            "decoder": name,
            "d": int(curve.n_components[i]),
            "success_rate": float(curve.success_rate[i]),
            "low": float(curve.low[i]),
            "high": float(curve.high[i]),
            "theory": None if predicted is None else float(predicted[i]),
            "trials": int(curve.n_trials[i]),
        }
        for name, (curve, predicted) in curves.items()
        for i in range(len(curve.n_components))
    ]


def draw(curves, title):
    """Draw the curves, with the theory dashed."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for name, (curve, predicted) in curves.items():
        display = RecoveryCurveDisplay.from_result(
            curve, predicted=predicted, name=name, ax=ax, legend=False
        )
        display.line_.set_linestyle("none" if predicted is not None else ":")
        if display.predicted_ is not None:
            display.predicted_.set_label(None)
    ax.plot([], [], "--", color="gray", label="theory")
    ax.set(xscale="log", title=title)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.xaxis.set_minor_formatter("")
    figure.legend(loc="outside right center", frameon=False)
    return figure
