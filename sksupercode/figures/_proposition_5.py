"""Figure 5: how sharp Proposition 5 is, for codes of finite size."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import theory
from sksupercode.decoders import TopKDecoder
from sksupercode.encoders import RademacherEncoder
from sksupercode.figures._files import check_outputs, sweep_file, write_table
from sksupercode.model_selection import recovery_curve

_EXPONENTS = (0.25, 0.5, 0.75)
_RATIOS = (0.45, 0.6, 0.75, 0.9, 1.1, 1.4)
_LARGE = 2**28
_STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))


def figure_5(*, full=False, random_state=0, n_jobs=None, checkpoint=None, csv=None):
    r"""Draw the success of one-step decoding, against the dimension of Proposition 5.

    .. math:: P_d(\hat y = y) \text{ against } \frac{d}{\kappa(\eta)\, k \ln N}, \qquad
              \kappa(\eta) = 2 (1 + \sqrt\eta)^2, \quad \eta = \frac{\ln k}{\ln N}

    Parameters
    ----------
    full : bool, default=False
        Whether to take N up to 2**12 and 1000 random codes for each dimension, which takes many
        minutes, instead of 2**10 and 100.

    random_state : int, RandomState or Generator, default=0
        Names all codebooks and codes.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A folder, made if there is none, for what is finished: one SQLite file for each N and k.
        Where they exist, the computation goes on from there.

    csv : str, PathLike or None, default=None
        File to which to write the table: for each N, k and d the measured rate, the ends of its
        95 % Wilson interval, and the rate that theory expects.

    Returns
    -------
    figure : matplotlib Figure
        A panel for each eta, with a curve for each N.

    Raises
    ------
    ValueError
        If a file in ``checkpoint`` is damaged, or of another configuration.

    See Also
    --------
    sksupercode.theory.one_step_dimension : The dimension of Proposition 5.
    sksupercode.theory.topk_success_probability : The theory at finite size.

    Notes
    -----
    Codewords have random signs, and the k largest scores are chosen. The theory at finite size is
    the refined one, and for N beyond what is measured the Gaussian.

    Examples
    --------
    >>> from sksupercode.figures import figure_5
    >>> figure_5().savefig("figure_5.png")  # doctest: +SKIP
    """
    check_outputs(csv=csv, checkpoint=checkpoint)
    numbers, n_trials = ((2**6, 2**9, 2**12), 1000) if full else ((2**6, 2**8, 2**10), 100)
    rows = measure(
        numbers,
        n_trials=n_trials,
        random_state=random_state,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
    )
    if csv is not None:
        write_table(rows, csv)
    return draw(rows)


def measure(
    numbers, *, exponents=_EXPONENTS, n_trials, random_state=0, n_jobs=None, checkpoint=None
):
    """Return a list of dicts, one for each eta, N and d."""
    encoder, rows = RademacherEncoder(), []
    for eta in exponents:
        for N in numbers:
            k = round(N**eta)
            scale = theory.one_step_dimension(N, k)
            curve = recovery_curve(
                encoder,
                TopKDecoder(encoder),
                n_features=N,
                n_nonzero_coefs=k,
                n_components=np.rint(np.multiply(_RATIOS, scale)).astype(int),
                n_trials=n_trials,
                random_state=random_state,
                n_jobs=n_jobs,
                checkpoint=sweep_file(checkpoint, f"one_step_N{N}_k{k}"),
            )
            d = curve.n_components
            predicted = theory.topk_success_probability(N, k, d, approximation="refined")
            columns = zip(d, curve.success_rate, curve.low, curve.high, predicted, strict=True)
            rows += [
                {
                    "eta": eta,
                    "N": N,
                    "k": k,
                    "d": int(d),
                    "success_rate": float(rate),
                    "low": float(low),
                    "high": float(high),
                    "theory": float(predicted),
                }
                for d, rate, low, high, predicted in columns
            ]
    return rows


def draw(rows):
    """Draw the rows of ``measure``, a panel for each eta, with the theory dashed."""
    from matplotlib import pyplot as plt

    exponents = dict.fromkeys(row["eta"] for row in rows)
    figure, axes = plt.subplots(
        1, len(exponents), figsize=(3.2 * len(exponents), 3.8), sharey=True, squeeze=False
    )
    figure.set_layout_engine("constrained")
    for ax, eta in zip(axes[0], exponents, strict=True):
        numbers = dict.fromkeys(row["N"] for row in rows)
        for N, (color, marker) in zip(numbers, _STYLES, strict=False):
            mine = [row for row in rows if (row["eta"], row["N"]) == (eta, N)]
            k = mine[0]["k"]
            d, rate, low, high = (
                np.array([row[key] for row in mine]) for key in ("d", "success_rate", "low", "high")
            )
            ax.errorbar(
                d / theory.one_step_dimension(N, k),
                rate,
                [rate - low, high - rate],
                fmt=marker,
                markersize=4,
                capsize=2,
                color=color,
                label=f"{N:,}, {k}",
            )
            _draw_theory(ax, N, k, "refined", color=color, linestyle="--")
        power = np.log2(_LARGE)
        label = rf"$2^{{{power:.0f}}}, 2^{{{eta * power:.0f}}}$"
        _draw_theory(ax, _LARGE, round(_LARGE**eta), "gaussian", color="black", lw=1, label=label)
        ax.axvline(1, color="0.4", lw=0.8, ls=":")
        for ratio, rule in ((1 - eta, "4k ln(N/k)"), (1 + eta, "4k ln(kN)")):
            ratio *= 4 / theory.one_step_constant(eta)
            ax.axvline(ratio, color="#CC79A7", lw=1.2)
            side = {"ha": "right"} if ratio < 1 else {"ha": "left"}
            ax.text(ratio, 0.02, rule, rotation=90, va="bottom", fontsize=8, **side)
        ax.set(
            title=rf"$\eta = {eta:g}$",
            xlabel=r"$d\,/\,(\kappa(\eta)\, k \ln N)$",
            xlim=(0, max(_RATIOS) + 0.3),
            ylim=(-0.02, 1.02),
        )
        ax.legend(title="N, k", fontsize=8, loc="center right")
        ax.grid(alpha=0.3)
    axes[0, 0].set_ylabel("exact-recovery rate")
    return figure


def _draw_theory(ax, n_features, k, approximation, **style):
    ratio = np.linspace(0.1, max(_RATIOS) + 0.3, 33)
    d = ratio * theory.one_step_dimension(n_features, k)
    rate = theory.topk_success_probability(n_features, k, d, approximation=approximation)
    ax.plot(ratio, rate, **style)
