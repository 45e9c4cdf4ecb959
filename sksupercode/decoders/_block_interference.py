r"""How the interference that message passing sees varies over the blocks of a coupled dictionary.

Codeword block c has its power spread evenly over its w_c dimensions. A residual of variance t_r in
row block r, of d_r dimensions, makes in the coefficients of unit codewords noise of variance

.. math:: \tau_c = \Big(\frac{1}{w_c} \sum_{r \in c} \frac{d_r}{t_r}\Big)^{-1}

if each dimension is weighted by 1/t_r. Coefficients of variance v_i make, in turn, a variance of
:math:`\sum_c w_c^{-1} \sum_{i \in c} v_i` in each dimension that their blocks cover. A dictionary
that is one block has one t, and tau = t.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# Row blocks of less than this part of the largest variance have told all that they know.
_LEAST_VARIANCE = 1e-3


class BlockInterference:
    """The ``blocks`` of a dictionary, and averages over them."""

    def __init__(self, dictionary):
        n_features, n_components = dictionary.shape
        blocks = [
            (codewords, dimensions)
            for codewords, dimensions in dictionary.blocks
            if dimensions.stop > dimensions.start and codewords.stop > codewords.start
        ] or [(slice(0, n_features), slice(0, n_components))]
        ends = [end for _, block in blocks for end in (block.start, block.stop)]
        self._rows = np.unique([0, *ends, n_components])
        self._row_sizes = np.diff(self._rows)
        # Zero codewords, which are in no block, count as those of the block before.
        self._firsts = np.array([0, *(codewords.start for codewords, _ in blocks[1:])])
        self._codeword_counts = np.diff([*self._firsts, n_features])
        starts = np.array([block.start for _, block in blocks])[:, np.newaxis]
        stops = np.array([block.stop for _, block in blocks])[:, np.newaxis]
        covers = (self._rows[:-1] >= starts) & (self._rows[1:] <= stops)
        self._shares = covers / (stops - starts)

    def measure(self, residual):
        """Return the variance of a residual in each row block."""
        powers = np.add.reduceat(residual**2, self._rows[:-1]) / self._row_sizes
        return np.maximum(powers, _LEAST_VARIANCE * powers.max())

    def of_dimensions(self, of_rows):
        """Return what each row block has for each of its dimensions."""
        return np.repeat(of_rows, self._row_sizes)

    def of_codewords(self, variance):
        """Return the variance of the noise in the coefficient of each unit codeword."""
        effective = 1 / (self._shares @ (self._row_sizes / variance))
        return np.repeat(effective, self._codeword_counts) if len(effective) > 1 else effective[0]

    def from_codewords(self, indices, variances):
        """Return the variance that some uncertain coefficients make in each row block."""
        of_indices = np.searchsorted(self._firsts, indices, side="right") - 1
        return np.bincount(of_indices, variances, len(self._firsts)) @ self._shares
