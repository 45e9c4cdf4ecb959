r"""Select the codeword that lowers the error most once all coefficients are fitted again.

With P the projection on the span of what is selected, r what it leaves of x, and codewords of
norm 1, one codeword more lowers the squared error of least squares by

.. math::
    \frac{\langle f_i, r \rangle^2}{e_i} , \qquad e_i = \lVert f_i - P f_i \rVert^2 .

A basis vector q that joins the span lowers all e_i by :math:`\langle f_i, q \rangle^2`, so that
each step takes one correlation more. Errors of correlations are bounded, they sum up in e_i, and
they bound every quotient from both sides. Codewords that may be the best are projected in float64,
and the best of them is selected.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._blocks import block_length
from sksupercode.decoders._nonnegative_fit import NonnegativeFit
from sksupercode.decoders._orthogonal_bases import DEPENDENT, OrthogonalBases

# Inner products with the residual of this part of the norm of x are rounding.
_NO_GAIN = 1e-14
# Gains that differ by this part are equal.
_TIE = 1e-12
# The relative error of a few operations in float32.
_ROUNDING = 2.0**-20


class LargestDecrease:
    """Fits coefficients to what samples V have selected, and selects the next codewords.

    It is the fit and the search of a :class:`PursuitDecoder` at once. With nonnegative
    ``values`` the span is that of the codewords whose coefficients are positive.
    """

    def __init__(self, codewords, V, most, values):
        self._codewords = codewords
        self._is_signed = values != "real"
        self._is_nonnegative = values == "nonnegative"
        norms = np.sqrt(codewords.squared_norms)
        self._norms = np.where(norms == 0, 1.0, norms)
        self._fit = (NonnegativeFit if self._is_nonnegative else OrthogonalBases)(V, most)
        self._floors = _NO_GAIN * np.linalg.norm(V, axis=1)
        # The squared distances, and how much larger or smaller they may be; infinite ones are never
        # selected.
        self._distances = np.ones((len(V), len(norms)), dtype=np.float32)
        self._distances[:, norms == 0] = np.inf
        self._lost = np.zeros(len(V))

    @property
    def residuals(self):
        """What the fits leave of the samples."""
        return self._fit.residuals

    @property
    def _bases(self):
        return self._fit.bases if self._is_nonnegative else self._fit

    def coefs(self, rows):
        """Return the coefficients of some samples, in the order of selection."""
        return self._fit.coefs(rows)

    def keep(self, kept):
        """Forget all samples but some, given as a mask."""
        self._fit.keep(kept)
        self._floors, self._lost = self._floors[kept], self._lost[kept]
        self._distances = self._distances[kept]

    def add(self, codewords):
        """Select one more codeword for each sample; return where there was none to select."""
        is_over = self._fit.add(codewords)
        self._approach(self._distances, self._lost, self._bases.vectors[:, -1])
        return is_over

    def _correlate(self, V):
        """Return inner products with normalised codewords, and a bound on their error."""
        if self._codewords.has_array:
            return self._codewords.gram.correlate(V)
        scores = self._codewords.correlate(V) / self._norms
        return scores, (V.shape[1] + 8) * np.finfo(scores.dtype).eps

    def _approach(self, distances, lost, vectors):
        """Lower the distances by what one more basis vector for each sample explains."""
        products, error = self._correlate(vectors)
        largest = np.abs(products).max(axis=1, initial=0.0)
        lost += error * (2 * largest + error) + _ROUNDING
        np.square(products, out=products)
        np.maximum(distances - products, 0, out=distances, casting="same_kind")

    def _spans(self):
        """Return orthonormal vectors of the spans, and the distances from these."""
        vectors, distances, lost = self._bases.vectors, self._distances, self._lost
        if not self._is_nonnegative:
            return vectors, distances, lost
        coefs = self._fit.coefs(slice(None))
        rows = np.flatnonzero((coefs == 0).any(axis=1))
        if not len(rows):
            return vectors, distances, lost
        vectors, distances, lost = vectors.copy(), distances.copy(), lost.copy()
        for row in rows:
            triangle = self._bases.triangles[row][coefs[row] > 0]
            Q = np.linalg.qr(triangle.T)[0].T
            vectors[row, : len(Q)] = Q @ vectors[row]
            vectors[row, len(Q) :] = 0
        distances[rows] = np.where(np.isinf(distances[rows]), np.inf, 1)
        lost[rows] = 0
        for step in range(vectors.shape[1]):
            some, more = distances[rows], lost[rows]
            self._approach(some, more, vectors[rows, step])
            distances[rows], lost[rows] = some, more
        return vectors, distances, lost

    def select(self, residuals, taken):
        """Return the best codeword for each residual, its inner product, and the codeword itself.

        As :meth:`CoarseScores.select` does, by another rule.
        """
        lengths = np.linalg.norm(residuals, axis=1)
        directions = residuals / lengths[:, np.newaxis]
        np.put_along_axis(self._distances, taken[:, -1:], np.inf, axis=1)
        vectors, distances, lost = self._spans()
        rows, columns = self._candidates(directions, distances, lost)
        scores, gains = np.empty((2, len(rows)))
        length = block_length(8 * residuals.shape[1] * (3 + vectors.shape[1]), share=0.25)
        for part in (slice(start, start + length) for start in range(0, len(rows), length)):
            of_row, some = rows[part], columns[part]
            rest = self._codewords.codewords(some) / self._norms[some, np.newaxis]
            bases = vectors[of_row]
            for _ in range(2):
                inner = np.matmul(bases, rest[..., np.newaxis])
                rest = rest - np.matmul(inner.transpose(0, 2, 1), bases)[:, 0]
            far = np.linalg.norm(rest, axis=1)
            scores[part] = (rest * directions[of_row]).sum(axis=1) * lengths[of_row]
            far[far <= DEPENDENT] = 0
            if distances is self._distances:
                # It will depend on any larger selection, too.
                distances[of_row[far == 0], some[far == 0]] = np.inf
            with np.errstate(divide="ignore", invalid="ignore"):
                gains[part] = np.where(far > 0, scores[part] / far, -np.inf)
        if not self._is_signed:
            np.abs(scores, out=scores)
            np.abs(gains, out=gains, where=gains > -np.inf)
        gains[scores <= self._floors[rows]] = -np.inf
        top = np.full(len(residuals), -np.inf)
        np.maximum.at(top, rows, gains)
        # Codewords that depend on each other, given the span, differ by rounding.
        ties = np.flatnonzero((gains >= (1 - _TIE) * top[rows]) & (gains > -np.inf))
        found, first = np.unique(rows[ties], return_index=True)
        best, products = np.zeros(len(residuals), dtype=np.intp), np.full(len(residuals), -np.inf)
        best[found], products[found] = columns[ties[first]], scores[ties[first]]
        selected = np.zeros(residuals.shape)
        selected[found] = self._codewords.codewords(best[found])
        return best, products, selected

    def _candidates(self, directions, distances, lost):
        """Return the codewords that may be the best, as rows and columns."""
        scores, error = self._correlate(directions)
        scores = scores.astype(np.float32, copy=False)
        error += _ROUNDING
        if not self._is_signed:
            np.abs(scores, out=scores)
        lost = lost[:, np.newaxis].astype(np.float32)
        lower = (scores - error) / np.sqrt(distances + lost)
        least = np.maximum(lower.max(axis=1, keepdims=True), 0) * (1 - _ROUNDING)
        scores += error
        with np.errstate(invalid="ignore"):
            lower = least * np.sqrt(np.maximum(distances - lost, 0))
        return np.nonzero((scores > 0) & (scores >= lower))
