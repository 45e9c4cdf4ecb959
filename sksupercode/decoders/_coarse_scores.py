r"""The codeword that fits best, by correlations that are only as precise as they have to be.

Let s_i be the inner product of a residual r of norm 1 with the codeword of index i, divided by the
norm of the codeword, and let :math:`\tilde s_i` be what is computed at low precision. If no error
exceeds :math:`\delta`, then the best of all has

.. math::
    \tilde s_{\rm best} \ge s_{\rm best} - \delta \ge s_j - \delta \ge \tilde s_j - 2 \delta

for every j, so it is among those whose computed value is within :math:`2 \delta` of the largest.
These few are computed again in float64, and the best of them is what precise correlations of all
codewords would have selected. The same holds for magnitudes.

* Sums of floats come with a bound of :class:`~sksupercode.dictionaries._gram.GramRows`.
* Dictionaries of signs are the faster the fewer levels a residual has. It is rounded to a multiple
  q of a unit u, with which sums are exact; Cauchy and Schwarz bound what is lost by
  :math:`\lVert r - u q \rVert`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode._utils._blocks import block_length

# Levels of a rounded residual on either side of 0, as a multiple of sqrt(d). Half a dozen codewords
# or a few dozen are then candidates, which takes less time than to correlate all with more digits.
_LEVELS = 1.25


class CoarseScores:
    """Selects, for each of some residuals, the codeword that lowers it most.

    A coefficient that is free lowers the squared norm of r by ``<f, r>^2 / ||f||^2``; one that may
    not be negative (``is_signed``) does so only where the inner product is positive. Codewords of
    norm 0 are never selected.
    """

    def __init__(self, codewords, *, is_signed):
        self._codewords = codewords
        self._is_signed = is_signed
        norms = np.sqrt(codewords.squared_norms)
        self._zeros = np.flatnonzero(norms == 0)
        self._norms = np.where(norms == 0, 1.0, norms)
        self._divisors = self._norms if (self._norms != self._norms[0]).any() else None
        # All of L levels, that is as many as n digits of balanced ternary hold.
        n_digits = math.ceil(math.log(1 + 2 * _LEVELS * math.sqrt(codewords.shape[1]), 3))
        self._n_levels = (3**n_digits - 1) // 2
        if codewords.has_array:
            self._divisors = None

    def select(self, residuals, taken):
        """Return the best codeword for each residual, its gain, and the codeword itself.

        Residuals, of shape (n_samples, d), are not zero, and ``taken``, of shape (n_samples, m),
        has those that a sample must not get. Of equals the first is best. Gains are ``<f, r> /
        ||f||``, or its magnitude; -inf where no codeword is left.
        """
        lengths = np.linalg.norm(residuals, axis=1)
        directions = residuals / lengths[:, np.newaxis]
        found = [
            self._candidates(row, error, of_row)
            for row, error, of_row in zip(*self._correlate(directions), taken, strict=True)
        ]
        rows = np.repeat(np.arange(len(found)), [len(columns) for columns in found])
        columns = np.concatenate(found)
        best = np.zeros(len(residuals), dtype=np.intp)
        top = np.full(len(residuals), -np.inf)
        selected = np.zeros(residuals.shape)
        length = block_length(32 * residuals.shape[1], share=0.25)
        for part in (slice(i, i + length) for i in range(0, len(rows), length)):
            codewords = self._codewords.codewords(columns[part]).astype(np.float64, copy=False)
            # Not by BLAS: a row's sum must not depend on where it stands.
            gains = (codewords * directions[rows[part]]).sum(axis=1) / self._norms[columns[part]]
            if not self._is_signed:
                np.abs(gains, out=gains)
            order = np.lexsort((columns[part], -gains, rows[part]))
            owners, first = np.unique(rows[part][order], return_index=True)
            places = order[first]
            better = gains[places] > top[owners]
            owners, places = owners[better], places[better]
            top[owners] = gains[places]
            best[owners] = columns[part][places]
            selected[owners] = codewords[places]
        return best, top * lengths, selected

    def _candidates(self, coarse, error, taken):
        """Return the codewords that may be the best of a sample, given its coarse scores."""
        if self._divisors is not None:
            coarse /= self._divisors
        if not self._is_signed:
            np.abs(coarse, out=coarse)
        coarse[self._zeros] = coarse[taken] = -np.inf
        largest = coarse.max()
        if largest == -np.inf:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(coarse >= largest - 2 * error)

    def _correlate(self, directions):
        """Return s in units of each sample's own, and how large an error may be in these units."""
        norm = self._norms[0] if self._divisors is None else 1.0
        rounding = self._codewords.shape[1] + 8
        if self._codewords.has_array:
            coarse, error = self._codewords.gram.correlate(directions)
            return coarse, np.full(len(coarse), error)
        if not self._codewords.prefers_integers:
            coarse = self._codewords.correlate(directions)
            return coarse, np.full(len(coarse), norm * rounding * np.finfo(coarse.dtype).eps)
        units = np.abs(directions).max(axis=1, keepdims=True) / self._n_levels
        levels = np.rint(directions / units)
        lost = np.linalg.norm(directions - levels * units, axis=1)
        coarse = self._codewords.correlate(levels)
        return coarse, norm * (lost + rounding * np.finfo(np.float64).eps) / units[:, 0]
