"""Figure 6: what a nat costs one-step decoding, in dimensions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import theory
from sksupercode.decoders import TopKDecoder
from sksupercode.encoders import RademacherEncoder
from sksupercode.figures._files import check_outputs, sweep_file, write_table
from sksupercode.model_selection import measured_dimension

_RATE = 0.9
_LARGE = 2**40
_STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))


def figure_6(*, full=False, random_state=0, n_jobs=None, checkpoint=None, csv=None):
    r"""Draw the inverse capacity of one-step decoding, in dimensions per nat.

    .. math:: \frac{1}{C(\eta)} = \frac{2 (1 + \sqrt\eta)}{1 - \sqrt\eta}, \quad
              \eta = \frac{\ln k}{\ln N}, \qquad \text{measured: } \frac{d_{0.9}}{\ln \binom{N}{k}}

    where at :math:`d_{0.9}` dimensions nine of ten codes are read without an error.

    Parameters
    ----------
    full : bool, default=False
        Whether to take N = 2**8, 2**12 and 2**16 with 800 random codes for a point, which takes
        many minutes, instead of 2**8 and 2**12 with 200.

    random_state : int, RandomState or Generator, default=0
        Names all codebooks and codes.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A folder, made if there is none, for what is finished: one SQLite file for each N and k.
        Where they exist, the computation goes on from there.

    csv : str, PathLike or None, default=None
        File to which to write the table: for each N and k the measured dimension ``d90``, the ends
        of its 95 % interval, the one that theory expects, and the number of codes.

    Returns
    -------
    figure : matplotlib Figure
        The cost against eta: dimensions per nat on the left axis, per bit on the right.

    Raises
    ------
    ValueError
        If a file in ``checkpoint`` is damaged, or of another configuration.

    See Also
    --------
    sksupercode.theory.one_step_capacity : The limit for large N.
    sksupercode.model_selection.measured_dimension : How it is measured.

    Notes
    -----
    Codewords have random signs, and the k largest scores are chosen, for k = 4, 8, ... up to
    :math:`N^{3/4}`.

    Examples
    --------
    >>> from sksupercode.figures import figure_6
    >>> figure_6().savefig("figure_6.png")  # doctest: +SKIP
    """
    check_outputs(csv=csv, checkpoint=checkpoint)
    sizes = {2**8: 2 ** np.arange(2, 7), 2**12: 2 ** np.arange(2, 8)}
    if full:
        sizes = {2**8: 2 ** np.arange(2, 7), 2**12: 2 ** np.arange(2, 10)}
        sizes[2**16] = 2 ** np.arange(2, 9)
    rows = measure(
        sizes,
        n_trials=800 if full else 200,
        random_state=random_state,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
    )
    if csv is not None:
        write_table(rows, csv)
    return draw(rows)


def measure(sizes, *, n_trials, random_state=0, n_jobs=None, checkpoint=None):
    """Return a list of dicts, one for each N and k; ``sizes`` has the list of k's for each N."""
    encoder, rows = RademacherEncoder(), []
    for N, numbers in sizes.items():
        for k in map(int, numbers):
            result = measured_dimension(
                encoder,
                TopKDecoder(encoder),
                n_features=N,
                n_nonzero_coefs=k,
                probability=_RATE,
                n_trials=n_trials,
                random_state=random_state,
                n_jobs=n_jobs,
                checkpoint=sweep_file(checkpoint, f"inverse_capacity_N{N}_k{k}"),
            )
            row = {"N": N, "k": k, "d90": float(result.n_components)}
            row |= {"low": float(result.low), "high": float(result.high)}
            row["theory"] = float(theory.topk_dimension(N, k, _RATE, approximation="refined"))
            rows.append(row | {"trials": result.n_trials})
    return rows


def draw(rows):
    """Draw the rows of ``measure``, with the theory at finite size dashed, and the limit."""
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    eta = np.linspace(0, 0.85, 200)
    ax.plot(
        eta, 1 / theory.one_step_capacity(eta, unit="nats"), color="black", label="1 / C, N → ∞"
    )
    k = 2.0 ** np.arange(2, 35)
    k = np.rint(k).astype(np.int64)
    d = theory.topk_dimension(_LARGE, k, _RATE)
    ax.plot(
        theory.sparsity_exponent(_LARGE, k),
        d / theory.entropy(_LARGE, k, unit="nats"),
        color="0.6",
        label=rf"$N = 2^{{{int(np.log2(_LARGE))}}}$, theory",
    )
    for N, (color, marker) in zip(dict.fromkeys(row["N"] for row in rows), _STYLES, strict=False):
        mine = [row for row in rows if row["N"] == N]
        k, d, low, high, predicted = (
            np.array([row[key] for row in mine]) for key in ("k", "d90", "low", "high", "theory")
        )
        eta, nats = theory.sparsity_exponent(N, k), theory.entropy(N, k, unit="nats")
        label = rf"$N = 2^{{{int(np.log2(N))}}}$, measured"
        ax.errorbar(
            eta,
            d / nats,
            np.array([d - low, high - d]) / nats,
            fmt=marker,
            markersize=4,
            capsize=2,
            color=color,
            label=label,
        )
        ax.plot(eta, predicted / nats, "--", color=color)
    ax.set(
        xlabel=r"$\eta = \ln k / \ln N$",
        ylabel="dimensions per nat",
        xlim=(0, 0.85),
        ylim=(0, 30),
    )
    bits = ax.secondary_yaxis("right", functions=(lambda y: y * np.log(2), lambda y: y / np.log(2)))
    bits.set_ylabel("dimensions per bit")
    ax.legend(loc="upper left")
    ax.grid(alpha=0.3)
    return figure
