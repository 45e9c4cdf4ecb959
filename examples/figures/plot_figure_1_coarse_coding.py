"""
Figure 1: coarse coding of a point in the plane
===============================================

A point in the plane makes every receptive field active that it lies in. One field says little of
where the point is; many wide ones that overlap say it precisely.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Positions are the points of a grid in the unit square, and fields are discs of radius r at
# random places. The codeword of a position has a +1 for each field that it lies in, and a -1 for
# each other one: a dictionary of positions, in as many dimensions as there are fields. Decoding
# takes the position whose codeword has the largest inner product with the code, which is
# :class:`~sksupercode.TopKDecoder` with k = 1.

import matplotlib.pyplot as plt
import numpy as np

from sksupercode.figures import figure_1

figure_1()
plt.show()

# %%
# On the left are the fields, the active ones in blue, and the point as a dot. In the middle are
# the scores of all positions. They fall off from the point, as what is near lies in much the same
# fields, and they are the same throughout a cell that no edge of a field divides: the cross is
# the middle of the best cell.
#
# On the right is how many positions share their code with a random one, which is what the code
# leaves open. Bars are 95 % intervals of the mean over random points and fields; dashed is the
# exact expectation, from the area that belongs to one of two discs but not to both. Wide fields
# tell more than narrow ones: a code changes where an edge is crossed, and wide fields have long
# edges. The uncertainty for many fields, as an area A, should be that of a random tessellation by
# lines,
#
# .. math:: A \approx \frac{\pi}{8} \Big(\frac{W}{r d}\Big)^2
#
# for d fields in an area W. Here it is measured for points anywhere in the middle of the square, as
# the share of grid positions with the code of the point, with a standard error:

rng = np.random.default_rng(0)
side, r = 64, 0.2
ticks = (np.arange(side) + 0.5) / side
positions = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
for d in (64, 128, 256):
    area = []
    for _ in range(1000):
        centers = rng.uniform(-r, 1 + r, size=(d, 2))
        point = rng.uniform(0.25, 0.75, size=2)
        code = ((point - centers) ** 2).sum(axis=1) < r**2
        same = positions
        for some in np.split(np.arange(d), 8):
            squares = ((same[:, None] - centers[some]) ** 2).sum(axis=-1)
            same = same[((squares < r**2) == code[some]).all(axis=1)]
        area.append(len(same) / len(positions))
    error = np.std(area) / np.sqrt(len(area))
    formula = np.pi / 8 * ((1 + 2 * r) ** 2 / (r * d)) ** 2
    print(f"d = {d}: {np.mean(area):.5f} +- {error:.5f}, formula {formula:.5f}")

# %%
# Twice the fields, or twice their radius, halve the error of the position: the claim of coarse
# coding, as long as only one point is shown. Several points at once are a superposition, and
# reading it is what the other figures are about.
#
# ``python -m sksupercode figure 1 --full`` takes a finer grid and ten times the points.
