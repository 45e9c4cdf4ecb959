"""Figure 1: coarse coding of a point in the plane, and decoding it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from sksupercode._utils._validation import check_generator
from sksupercode.decoders import TopKDecoder
from sksupercode.figures._files import check_outputs, write_table

_RADII = (0.05, 0.1, 0.2)
_COLORS = ("#0072B2", "#D55E00", "#009E73")
_Z = ndtri(0.975)


class CoarseCode(NamedTuple):
    """Positions in the unit square, and discs that cover it."""

    positions: np.ndarray
    centers: np.ndarray
    codewords: np.ndarray


def figure_1(*, full=False, random_state=0, csv=None):
    r"""Draw a point in the plane, coded by receptive fields, and what its code tells of it.

    .. math:: f_i = \big(\operatorname{sgn}(r - |p_i - c_j|)\big)_{j = 1, \dots, d}, \qquad
              E\,|\{i' : f_{i'} = f_i\}| = \frac1N \sum_{i, i'} \Big(1 - \frac{A(|p_i - p_{i'}|)}{W}
              \Big)^d

    for N positions p, and d discs of radius r with centers c that are uniform in a square of area
    W; A(s) is the area that belongs to one of two discs at distance s, but not to both.

    Parameters
    ----------
    full : bool, default=False
        Whether to take 128 x 128 positions and 2000 random codes for each number of fields, which
        takes a few minutes, instead of 64 x 64 and 200.

    random_state : int, RandomState or Generator, default=0
        Where the fields and the points are.

    csv : str, PathLike or None, default=None
        File to which to write the table of the third panel: for each radius and number of fields
        the mean number of positions that share a code, the ends of its 95 % interval, and its
        expectation.

    Returns
    -------
    figure : matplotlib Figure
        The fields; the scores of the positions; and how many positions share a code, against the
        number of fields.

    Notes
    -----
    For small r and many fields the area of the positions that share a code tends to
    :math:`W^2 \pi/(8 r^2 d^2)`: a field says little of where a point is, but a wide one has a long
    edge, and to cross it is what changes the code. The resolution grows as r d.

    References
    ----------
    .. [1] G. E. Hinton, J. L. McClelland and D. E. Rumelhart, "Distributed Representations", in
       "Parallel Distributed Processing", volume 1, MIT Press, 1986.

    Examples
    --------
    >>> from sksupercode.figures import figure_1
    >>> figure_1().savefig("figure_1.png")  # doctest: +SKIP
    """
    check_outputs(csv=csv)
    side, n_trials = (128, 2000) if full else (64, 200)
    rng = check_generator(random_state)
    rows = measure(side, 2 ** np.arange(4, 11), n_trials=n_trials, rng=rng)
    if csv is not None:
        write_table(rows, csv)
    return draw(draw_code(side, 60, 0.2, rng), 0.2, rows, rng)


def draw_code(side, n_fields, radius, rng):
    """Draw random fields for a grid of positions; codewords have the norm 1."""
    ticks = (np.arange(side) + 0.5) / side
    positions = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    centers = rng.uniform(-radius, 1 + radius, size=(n_fields, 2))
    squares = ((positions[:, None] - centers) ** 2).sum(axis=-1)
    codewords = np.where(squares < radius**2, 1, -1) / np.sqrt(n_fields)
    return CoarseCode(positions, centers, codewords.astype(np.float32))


def expected_sharing(side, radius, n_fields):
    """Return the mean number of positions with the code of a random one, itself included."""
    steps = np.arange(1 - side, side)
    pairs = np.multiply.outer(side - abs(steps), side - abs(steps))
    distance = np.hypot(*np.meshgrid(steps, steps)) / side
    half = np.minimum(distance / (2 * radius), 1)
    lens = 2 * radius**2 * (np.arccos(half) - half * np.sqrt(1 - half**2))
    differing = 2 * (np.pi * radius**2 - lens) / (1 + 2 * radius) ** 2
    n_fields = np.asarray(n_fields)[..., None, None]
    return (pairs * (1 - differing) ** n_fields).sum(axis=(-2, -1)) / side**2


def measure(side, numbers, *, n_trials, rng, radii=_RADII):
    """Return a list of dicts, one for each radius and number of fields."""
    rows = []
    for radius in radii:
        counts = np.array([_count_sharing(side, numbers, radius, rng) for _ in range(n_trials)])
        mean, error = counts.mean(axis=0), _Z * counts.std(axis=0, ddof=1) / np.sqrt(n_trials)
        theory = expected_sharing(side, radius, numbers)
        columns = zip(map(int, numbers), mean, mean - error, mean + error, theory, strict=True)
        rows += [
            {"radius": radius, "fields": d, "sharing": m, "low": low, "high": high, "theory": t}
            for d, m, low, high, t in columns
        ]
    return rows


def _count_sharing(side, numbers, radius, rng):
    """Count the positions with the code of a random one, by the first so many of random fields."""
    target = (rng.integers(side, size=2) + 0.5) / side
    ticks = (np.arange(side) + 0.5) / side
    shared, counts = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), []
    for n_more in np.diff(numbers, prepend=0):
        # Those that differ already need not be looked at again.
        centers = rng.uniform(-radius, 1 + radius, size=(n_more, 2))
        inside = ((shared[:, None] - centers) ** 2).sum(axis=-1) < radius**2
        shared = shared[
            (inside == (((target - centers) ** 2).sum(axis=-1) < radius**2)).all(axis=1)
        ]
        counts.append(len(shared))
    return counts


def draw(code, radius, rows, rng):
    """Draw the fields, the scores that decode a point, and the rows of ``measure``."""
    from matplotlib import pyplot as plt
    from matplotlib.collections import EllipseCollection

    figure, (fields, plane, resolution) = plt.subplots(
        1, 3, figsize=(9.6, 3.4), layout="constrained", width_ratios=(1, 1.2, 1.3)
    )
    side = round(np.sqrt(len(code.positions)))
    sent = np.ravel_multi_index(rng.integers(side // 4, 3 * side // 4, size=2), (side, side))
    x = code.codewords[[sent]]
    decoder = TopKDecoder(code.codewords, n_nonzero_coefs=1).fit(x)
    scores = decoder.decision_function(x)[0]
    # Positions in one cell have the same score, of which top-k takes the first.
    decoded = code.positions[np.isclose(scores, scores.max())].mean(axis=0)

    active = code.codewords[sent] > 0
    for chosen, color, width in ((~active, "0.75", 0.6), (active, _COLORS[0], 1.4)):
        n_chosen, diameter = int(chosen.sum()), 2 * radius
        circles = EllipseCollection(
            np.full(n_chosen, diameter),
            np.full(n_chosen, diameter),
            np.zeros(n_chosen),
            units="xy",
            offsets=code.centers[chosen],
            offset_transform=fields.transData,
            facecolors="none",
            edgecolors=color,
            linewidths=width,
        )
        fields.add_collection(circles)
    fields.set_title(f"{active.sum()} of {len(active)} fields active")
    image = plane.imshow(
        scores.reshape(side, side), origin="lower", extent=(0, 1, 0, 1), cmap="cividis"
    )
    figure.colorbar(image, ax=plane, shrink=0.7)
    plane.plot(*decoded, "+", color="black", markersize=16, markeredgewidth=1.5)
    plane.set_title("scores; + is decoded")
    for ax in (fields, plane):
        ax.plot(*code.positions[sent], "o", color=_COLORS[1], markersize=5)
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=(0, 1), yticks=(0, 1))

    for color, r in zip(_COLORS, dict.fromkeys(row["radius"] for row in rows), strict=False):
        mine = [row for row in rows if row["radius"] == r]
        d, mean, low, high, theory = (
            np.array([row[key] for row in mine])
            for key in ("fields", "sharing", "low", "high", "theory")
        )
        # An interval may reach below 1, which the logarithm cannot show.
        bars = np.array([mean - np.maximum(low, 0.5), high - mean])
        resolution.errorbar(
            d, mean, bars, fmt="o", color=color, markersize=4, capsize=2, label=f"r = {r}"
        )
        resolution.plot(d, theory, "--", color=color)
    resolution.set(
        xscale="log",
        yscale="log",
        xlabel="receptive fields d",
        ylabel="positions with the same code",
        title="measured; -- expected",
    )
    resolution.legend(loc="lower left")
    resolution.grid(alpha=0.3)
    return figure
