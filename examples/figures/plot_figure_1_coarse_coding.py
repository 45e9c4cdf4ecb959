"""
Figure 1: coarse coding of a point in the plane
===============================================

A point in the plane makes every receptive field active in which it lies. One field says little
about the place of the point; many wide fields that overlap give it precisely.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Positions are the points of a grid in the unit square, and fields are discs of radius r at
# random places. The codeword of a position has a +1 for each field that it lies in, and a -1 for
# each other one: a dictionary of positions, in as many dimensions as there are fields. Decoding
# takes the position whose codeword has the largest inner product with the code, which is
# :class:`~sksupercode.TopKDecoder` with k = 1.

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from figure_options import columns, finish, parse_options
from matplotlib.collections import EllipseCollection
from scipy.spatial.distance import cdist
from scipy.special import ndtri

from sksupercode import TopKDecoder

options = parse_options("Figure 1: coarse coding of a point in the plane, and decoding it.")
side = 128 if options.full else 64
n_trials = options.trials or (2000 if options.full else 200)
RADII, COLORS = (0.05, 0.1, 0.2), ("#0072B2", "#D55E00", "#009E73")
numbers = 2 ** np.arange(4, 11)
ticks = (np.arange(side) + 0.5) / side
positions = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


class Fields(NamedTuple):
    """Discs that cover the unit square: their centers, and the codewords of the positions."""

    centers: np.ndarray
    codewords: np.ndarray


def draw_fields(positions, n_fields, radius, rng):
    """Draw random fields for some positions; codewords have the norm 1."""
    centers = rng.uniform(-radius, 1 + radius, size=(n_fields, 2))
    codewords = np.where(cdist(positions, centers) < radius, 1, -1) / np.sqrt(n_fields)
    return Fields(centers, codewords.astype(np.float32))


# %%
# A position shares its code with those that lie in exactly the same fields. Their number is
# counted for random positions and fields, and its expectation is exact,
#
# .. math:: \frac1N \sum_{i, i'} \Big(1 - \frac{A(|p_i - p_{i'}|)}{W}\Big)^d ,
#
# for N positions p, and d fields with centers that are uniform in a square of area W; A(s) is the
# area that belongs to one of two discs at distance s, but not to both.


def count_sharing(point, positions, numbers, radius, rng):
    """Count the positions with the code of a point, by the first so many of random fields."""
    counts = []
    for n_more in np.diff(numbers, prepend=0):
        # Those that differ already need not be looked at again.
        centers = rng.uniform(-radius, 1 + radius, size=(n_more, 2))
        code = cdist([point], centers) < radius
        positions = positions[((cdist(positions, centers) < radius) == code).all(axis=1)]
        counts.append(len(positions))
    return counts


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


def measure_sharing(radius):
    """Return the counts for random positions, from the folder of ``--checkpoint`` if it can."""
    name = f"sharing_{side}_{n_trials}_{radius}_seed{options.seed}.npy"
    path = options.checkpoint and options.checkpoint / name
    if path and path.exists():
        return np.load(path)
    rng = np.random.default_rng([options.seed, round(1000 * radius)])
    points = positions[rng.integers(len(positions), size=n_trials)]
    counts = np.array([count_sharing(p, positions, numbers, radius, rng) for p in points])
    if path:
        np.save(path, counts)
    return counts


rows = []
for radius in RADII:
    counts = measure_sharing(radius)
    mean = counts.mean(axis=0)
    reach = ndtri(0.975) * counts.std(axis=0, ddof=1) / np.sqrt(n_trials)
    table = zip(numbers, mean, mean - reach, mean + reach, strict=True)
    rows += [
        {"radius": radius, "fields": int(d), "sharing": float(m), "low": float(a), "high": float(b)}
        | {"theory": float(expected_sharing(side, radius, d))}
        for d, m, a, b in table
    ]

# %%
# One point, its fields, and the scores of all positions:

rng, radius = np.random.default_rng([options.seed, 3]), 0.2
centers, codewords = draw_fields(positions, 60, radius, rng)
sent = np.ravel_multi_index(rng.integers(side // 4, 3 * side // 4, size=2), (side, side))
x = codewords[[sent]]
scores = TopKDecoder(codewords, n_nonzero_coefs=1).fit(x).decision_function(x)[0]
# Positions in one cell have the same score, of which top-k takes the first.
decoded = positions[np.isclose(scores, scores.max())].mean(axis=0)

figure, (fields, plane, resolution) = plt.subplots(
    1, 3, figsize=(9.6, 3.4), layout="constrained", width_ratios=(1, 1.2, 1.3)
)
active = codewords[sent] > 0
for chosen, color, width in ((~active, "0.75", 0.6), (active, COLORS[0], 1.4)):
    diameters = np.full(chosen.sum(), 2 * radius)
    circles = EllipseCollection(
        diameters,
        diameters,
        np.zeros(len(diameters)),
        units="xy",
        offsets=centers[chosen],
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
    ax.plot(*positions[sent], "o", color=COLORS[1], markersize=5)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=(0, 1), yticks=(0, 1))

for color, r in zip(COLORS, RADII, strict=True):
    mine = [row for row in rows if row["radius"] == r]
    d, mean, low, high, theory = columns(mine, "fields", "sharing", "low", "high", "theory")
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
finish(figure, rows, options)

# %%
# On the left are the fields, the active ones in blue, and the point as a dot. In the middle are
# the scores of all positions. They become smaller with the distance from the point, since positions
# near it lie in almost the same fields. They are the same throughout a cell that no edge of a field
# divides: the cross is the middle of the best cell.
#
# On the right is the number of positions that share their code with a random one, between which the
# code cannot decide. Bars are 95 % intervals of the mean over random points and fields. Dashed is
# the exact expectation, from the area that belongs to one of two discs but not to both. Wide fields
# give more information than narrow ones: a code changes where an edge is crossed, and wide fields
# have long edges. The uncertainty for many fields, as an area A, should be that of a random
# tessellation by lines,
#
# .. math:: A \approx \frac{\pi}{8} \Big(\frac{W}{r d}\Big)^2
#
# for d fields in an area W. Here it is measured for points anywhere in the middle of the square, as
# the share of grid positions with the code of the point, with a standard error:

for d in (64, 128, 256):
    points = rng.uniform(0.25, 0.75, size=(n_trials, 2))
    counts = [count_sharing(p, positions, np.arange(8, d + 1, 8), 0.2, rng)[-1] for p in points]
    area = np.array(counts) / len(positions)
    error = area.std() / np.sqrt(len(area))
    formula = np.pi / 8 * ((1 + 2 * 0.2) ** 2 / (0.2 * d)) ** 2
    print(f"d = {d}: {area.mean():.5f} +- {error:.5f}, formula {formula:.5f}")

# %%
# Twice the fields, or twice their radius, halve the error of the position. This is the claim of
# coarse coding, as long as only one point is shown. Several points at once are a superposition,
# and the other figures are about reading it.
#
# With ``--full`` this script takes a finer grid and ten times the points.
