"""Figure 3: one of N messages, sent by a random codebook through white noise."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import theory
from sksupercode.channels import GaussianChannel
from sksupercode.decoders import TopKDecoder
from sksupercode.encoders import SphericalEncoder
from sksupercode.figures._files import check_outputs, sweep_file, write_table
from sksupercode.model_selection import recovery_curve

_NOISES = (1.0, 4.0, 16.0)
_RATIOS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
_LARGE = 2**60
_STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))


def figure_3(*, full=False, random_state=0, n_jobs=None, checkpoint=None, csv=None):
    r"""Draw the success of a random codebook over white noise, against the dimension.

    .. math:: x = f_i + z, \quad |f_i|^2 = d, \quad z \sim N(0, P\,I_d), \qquad
              \hat\imath = \arg\max_j \langle f_j, x \rangle, \qquad
              P_d(\hat\imath = i) \text{ against } \frac{d}{P \ln N}

    Parameters
    ----------
    full : bool, default=False
        Whether to take N up to 2**14 and 1000 random messages for each dimension, which takes
        minutes, instead of 2**11 and 200.

    random_state : int, RandomState or Generator, default=0
        Names all codebooks, messages and noise.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A folder, made if there is none, for what is finished: one SQLite file for each N and P.
        Where they exist, the computation goes on from there.

    csv : str, PathLike or None, default=None
        File to which to write the table: for each N, P and d the measured rate, the ends of its
        95 % Wilson interval, and the exact probability.

    Returns
    -------
    figure : matplotlib Figure
        A panel for each P, with a curve for each N. Codewords are uniform on a sphere.

    Raises
    ------
    ValueError
        If a file in ``checkpoint`` is damaged, or of another configuration.

    See Also
    --------
    sksupercode.theory.spherical_codebook_success_probability : The exact probability.
    sksupercode.theory.random_codebook_dimension : Proposition 3, corrected.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of error for optimal codes in a Gaussian channel", Bell
       System Technical Journal 38(3), 1959.

    Examples
    --------
    >>> from sksupercode.figures import figure_3
    >>> figure_3().savefig("figure_3.png")  # doctest: +SKIP
    """
    check_outputs(csv=csv, checkpoint=checkpoint)
    numbers, n_trials = ((2**6, 2**10, 2**14), 1000) if full else ((2**5, 2**8, 2**11), 200)
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


def measure(numbers, *, noises=_NOISES, n_trials, random_state=0, n_jobs=None, checkpoint=None):
    """Return a list of dicts, one for each N, P and d."""
    encoder, rows = SphericalEncoder(), []
    for P in noises:
        for N in numbers:
            d = np.unique(np.rint(np.multiply(_RATIOS, P * np.log(N))).astype(int))
            curve = recovery_curve(
                encoder,
                TopKDecoder(encoder),
                n_features=N,
                n_nonzero_coefs=1,
                n_components=d,
                n_trials=n_trials,
                channel=GaussianChannel(P, relative=True),
                n_trials_per_codebook=40,
                random_state=random_state,
                n_jobs=n_jobs,
                checkpoint=sweep_file(checkpoint, f"codebook_N{N}_P{P:g}"),
            )
            exact = theory.spherical_codebook_success_probability(N, P, d)
            columns = zip(d, curve.success_rate, curve.low, curve.high, exact, strict=True)
            rows += [
                {
                    "N": N,
                    "P": P,
                    "d": int(d),
                    "success_rate": float(rate),
                    "low": float(low),
                    "high": float(high),
                    "theory": float(exact),
                }
                for d, rate, low, high, exact in columns
            ]
    return rows


def draw(rows):
    """Draw the rows of ``measure``, a panel for each P, with the exact curves dashed."""
    from matplotlib import pyplot as plt

    noises = dict.fromkeys(row["P"] for row in rows)
    figure, axes = plt.subplots(
        1, len(noises), figsize=(3.2 * len(noises), 3.6), sharey=True, squeeze=False
    )
    figure.set_layout_engine("constrained")
    for ax, P in zip(axes[0], noises, strict=True):
        numbers = dict.fromkeys(row["N"] for row in rows)
        for N, (color, marker) in zip(numbers, _STYLES, strict=False):
            mine = [row for row in rows if (row["N"], row["P"]) == (N, P)]
            d, rate, low, high = (
                np.array([row[key] for row in mine]) for key in ("d", "success_rate", "low", "high")
            )
            ax.errorbar(
                d / (P * np.log(N)),
                rate,
                [rate - low, high - rate],
                fmt=marker,
                markersize=4,
                capsize=2,
                color=color,
                label=f"N = {N:,}",
            )
            _draw_exact(ax, N, P, color=color, linestyle="--")
        _draw_exact(ax, _LARGE, P, color="black", linewidth=1, label=r"$N = 2^{60}$, exact")
        limit = 1 / (P * theory.channel_capacity(P, unit="nats"))
        ax.axvspan(2, limit, color="#CC79A7", alpha=0.35, lw=0, label="Prop. 3 is off")
        ax.set(
            title=f"P = {P:g}",
            xlabel=r"$d\,/\,(P \ln N)$",
            xlim=(0.7, max(_RATIOS) + 0.3),
            ylim=(-0.02, 1.02),
        )
        ax.grid(alpha=0.3)
    axes[0, 0].set_ylabel("messages read without an error")
    axes[0, -1].legend(loc="lower right", fontsize=8)
    return figure


def _draw_exact(ax, n_features, noise, **style):
    scale = noise * np.log(n_features)
    d = np.unique(np.rint(np.linspace(0.7, max(_RATIOS) + 0.3, 25) * scale).astype(int))
    d = d[d > 0]
    exact = theory.spherical_codebook_success_probability(n_features, noise, d)
    ax.plot(d / scale, exact, **style)
