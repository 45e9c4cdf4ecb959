"""What pursuits share that fit coefficients to all that they have selected, once a selection."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod

import numpy as np

from sksupercode._utils._threads import shared_threads
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._coarse_scores import CoarseScores
from sksupercode.decoders._tolerance import ToleranceMixin

# Gains of this part of the norm of x are rounding.
_NO_GAIN = 1e-14


class SupportPursuitDecoder(ToleranceMixin, BaseDecoder):
    """Base class: select the codeword that correlates most with what is left, fit, and look again.

    All samples of a block take their steps together. Codewords are compared after division by their
    norms, with their signs except for real values. A concrete pursuit implements ``_new_fit``.
    """

    _selects_again = False

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

        Its method ``add(codewords)`` selects one more codeword for each sample, or none where that
        is zero, and returns where nothing more is to be gained; ``coefs(rows)`` gives the
        coefficients of some samples in the order of selection, ``residuals`` what they leave, and
        ``keep(mask)`` forgets the other samples.
        """

    def _needs_fixed_k(self):
        return not self._has_tolerance

    def _learn_sparsity(self, Y):
        return super()._learn_sparsity(Y) if self._needs_fixed_k() else None

    def _fit_decoder(self, X):
        self._learn_tolerance()

    def _bytes_per_sample(self):
        n_features, n_components = self.dictionary_.shape
        most = min(self._n_iter(), n_components)
        return 24 * n_features + 24 * most * (n_components + most)

    def _n_iter(self):
        n_features, n_components = self.dictionary_.shape
        if self.n_nonzero_coefs_ is None:
            return n_components
        return min(self.n_nonzero_coefs_, n_features)

    def _failure(self):
        return f"did not reach tol={self.tol_:g} within {self._n_iter()} iterations"

    def _decode(self, V):
        with shared_threads():
            return self._pursue(V)

    def _pursue(self, V):
        norms = np.linalg.norm(V, axis=1)
        rounding = 1e-6 if self.values_ == "binary" else 1e-12
        enough = np.maximum((self.tol_ or 0.0) / self.dictionary_.scale, rounding * norms)
        search = CoarseScores(self._codewords, is_signed=self.values_ != "real")
        fit = self._new_fit(V)
        rows = np.arange(len(V))
        supports = np.empty((len(V), 0), dtype=np.intp)
        is_over = np.zeros(len(V), dtype=bool)
        failed = np.zeros(len(V), dtype=bool)
        ended = []
        for step in range(self._n_iter() + 1):
            lengths = np.linalg.norm(fit.residuals, axis=1)
            is_over |= (lengths <= enough[rows]) | (step == self._n_iter())
            if is_over.any():
                ended.append((rows[is_over], supports[is_over], fit.coefs(is_over)))
                failed[rows[is_over]] = lengths[is_over] > enough[rows[is_over]]
                fit.keep(~is_over)
                rows, supports = rows[~is_over], supports[~is_over]
            if not len(rows):
                break
            taken = supports[:, :0] if self._selects_again else supports
            best, gains, codewords = search.select(fit.residuals, taken)
            is_new = (supports != best[:, np.newaxis]).all(axis=1)
            codewords[~is_new | (gains <= _NO_GAIN * norms[rows])] = 0
            is_over = fit.add(codewords)
            supports = np.column_stack([supports, best])
        return *_gather(ended, len(V)), failed & (self.tol_ is not None)


def _gather(ended, n_samples):
    """Return the codes of samples that have ended at different times."""
    length = max((supports.shape[1] for _, supports, _ in ended), default=0)
    indices, values = np.zeros((n_samples, length), dtype=np.intp), np.zeros((n_samples, length))
    for rows, supports, coefs in ended:
        indices[rows, : supports.shape[1]] = supports
        values[rows, : supports.shape[1]] = coefs
    return indices, values
