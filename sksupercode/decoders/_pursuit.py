"""The base class of pursuits: select the codeword that fits best, subtract, and repeat."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod

import numpy as np

from sksupercode._utils._sparse import to_csr
from sksupercode._utils._threads import shared_threads
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._coarse_scores import CoarseScores
from sksupercode.decoders._gram_pursuit import GramPursuit, bytes_per_sample
from sksupercode.decoders._tolerance import ToleranceMixin
from sksupercode.dictionaries._packed_signs import compilation_is_enabled

# Gains of this part of the norm of x are rounding.
_NO_GAIN = 1e-14
# Why a residual is too long: no iteration is left, or no codeword that shortens it.
_OUT_OF_ITERATIONS, _ENDED = 1, 2
# A residual of this part of the norm of x is rounding, of float64 and of float32 samples.
_ROUNDING, _ROUNDING_32 = 1e-12, 1e-6


class PursuitDecoder(ToleranceMixin, BaseDecoder):
    """Base class of the pursuits.

    All samples of a block take their steps together. A concrete pursuit implements ``_new_fit``,
    and ``_new_search`` if the codewords are not compared as :class:`CoarseScores` does.
    """

    # The algorithm's name in the Gram domain.
    _algorithm = None
    # Whether a codeword may be selected again, and whether it then counts as one more.
    _selects_again = _counts_again = False

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        tol=None,
        noise_std=None,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.tol = tol
        self.noise_std = noise_std

    @abstractmethod
    def _new_fit(self, V):
        """Return what fits coefficients to the selected codewords of samples V.

        Its ``add(codewords)`` selects one more codeword for each sample, or none where that is
        zero, and returns where nothing more is to be gained; ``coefs(rows)`` gives the coefficients
        of some samples in the order of selection, ``residuals`` what they leave, and ``keep(mask)``
        forgets the other samples.
        """

    def _new_search(self, fit):
        """Return what selects codewords, by a method as :meth:`CoarseScores.select`."""
        return CoarseScores(self._codewords, is_signed=self.values_ != "real")

    def _least_gains(self, norms):
        """Return what the best codeword must gain at least, given the norms of the samples."""
        return _NO_GAIN * norms

    @property
    def _rounding(self):
        # Coefficients of binary codes are known, so that nothing is lost.
        return _ROUNDING_32 if self.values_ == "binary" else _ROUNDING

    def _needs_fixed_k(self):
        return not self._has_tolerance

    def _learn_sparsity(self, Y):
        return super()._learn_sparsity(Y) if self._needs_fixed_k() else None

    def _fit_decoder(self, X):
        self._learn_tolerance()
        self._is_precise = X.dtype == np.float64

    def _n_iter(self):
        n_features, n_components = self.dictionary_.shape
        if self.n_nonzero_coefs_ is None:
            return n_components
        return min(self.n_nonzero_coefs_, n_features)

    def _bytes_per_sample(self):
        n_features, n_components = self.dictionary_.shape
        most = min(self._n_iter(), n_components)
        if self._has_gram:
            return bytes_per_sample(self.dictionary_.shape, most)
        return 24 * n_features + 24 * most * (n_components + most)

    def _failure_of(self, failed):
        text, n_iter = f"did not reach tol={self.tol_:g}", self._n_iter()
        n_out, n_ended = ((failed == why).sum() for why in (_OUT_OF_ITERATIONS, _ENDED))
        if not n_ended:
            return f"{text} within {n_iter} iterations"
        none_left = "no further codeword shortens the residual"
        if not self._counts_again:
            # Coefficients of what they have selected may be 0.
            return f"{text} within {n_iter} iterations, or ended as {none_left}"
        rest = f", and {n_out} after {n_iter} iterations" if n_out else ""
        return f"{text}: {n_ended} ended as {none_left}{rest}"

    def _decode(self, V):
        norms = np.linalg.norm(V, axis=1)
        tol = self._in_units(self.tol_ or 0.0)
        enough = np.maximum(tol, self._rounding * norms)
        with shared_threads():
            indices, values = self._pursue(V, norms, enough)
        if self.tol_ is None:
            return indices, values
        # What the code that the user gets stands for.
        Z = to_csr(indices, values, self.dictionary_.shape[0])
        if self.values_ == "binary":
            Z.data[:] = 1
        left = np.linalg.norm(V - self._codewords.superpose(Z), axis=1)
        if self._is_precise:
            enough = np.maximum(tol, _ROUNDING * norms)
        has_ended = np.count_nonzero(values, axis=1) < self._n_iter()
        is_long = left > enough + _NO_GAIN * norms
        return indices, values, is_long * np.where(has_ended, _ENDED, _OUT_OF_ITERATIONS)

    @property
    def _has_gram(self):
        """Whether rows of the Gram matrix of the codewords are to be had, and code to use them."""
        has_rows = self._algorithm is not None and self._codewords.has_array
        return has_rows and compilation_is_enabled()

    def _pursue(self, V, norms, enough):
        """Return the codes of samples whose residuals of norm ``enough`` are short enough."""
        least = np.broadcast_to(self._least_gains(norms), norms.shape)
        if not self._has_gram:
            return _gather([self._follow(np.arange(len(V)), V, enough, least)], len(V))
        pursuit = GramPursuit(
            self._codewords,
            self._algorithm,
            self._n_iter(),
            is_signed=self.values_ != "real",
            is_nonnegative=self.values_ == "nonnegative",
        )
        supports, values, sizes, is_undone = pursuit.decode(V, norms, enough, least)
        codes = [(np.flatnonzero(~is_undone), supports[~is_undone], values[~is_undone])]
        for size in np.unique(sizes[is_undone]):
            rows = np.flatnonzero(is_undone & (sizes == size))
            some = V[rows], enough[rows], least[rows], supports[rows, :size]
            codes.append(self._follow(rows, *some))
        return _gather(codes, len(V))

    def _follow(self, rows, V, enough, least, supports=None):
        """Return some samples, their supports and coefficients, all of which take steps together.

        They go on from ``supports``.
        """
        fit = self._new_fit(V)
        search = self._new_search(fit)
        n_samples, everyone = len(V), rows
        rows = np.arange(n_samples)
        if supports is None:
            supports = np.empty((n_samples, 0), dtype=np.intp)
        for column in supports.T:
            fit.add(self._codewords.codewords(column).astype(np.float64))
        is_over = np.zeros(n_samples, dtype=bool)
        ended = []
        for step in range(supports.shape[1], self._n_iter() + 1):
            lengths = np.linalg.norm(fit.residuals, axis=1)
            is_over |= (lengths <= enough[rows]) | (step == self._n_iter())
            if is_over.any():
                ended.append((rows[is_over], supports[is_over], fit.coefs(is_over)))
                fit.keep(~is_over)
                rows, supports = rows[~is_over], supports[~is_over]
            if not len(rows):
                break
            taken = supports[:, :0] if self._selects_again else supports
            best, gains, codewords = search.select(fit.residuals, taken)
            is_selected = gains > least[rows]
            if not self._counts_again:
                is_selected &= (supports != best[:, np.newaxis]).all(axis=1)
            codewords[~is_selected] = 0
            is_over = fit.add(codewords)
            supports = np.column_stack([supports, best])
        return everyone, *_gather(ended, n_samples)


def _gather(ended, n_samples):
    """Return the codes of samples that have ended at different times."""
    length = max((supports.shape[1] for _, supports, _ in ended), default=0)
    indices, values = np.zeros((n_samples, length), dtype=np.intp), np.zeros((n_samples, length))
    for rows, supports, coefs in ended:
        indices[rows, : supports.shape[1]] = supports
        values[rows, : supports.shape[1]] = coefs
    return indices, values
