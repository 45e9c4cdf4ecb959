r"""Pursuits in the Gram domain, for dictionaries that are arrays of floats.

After one correlation :math:`c = F r` a pursuit needs rows of the Gram matrix G of the codewords
alone: k N operations a sample, and not the k N d of correlations. Rows are computed when a codeword
is first selected, together for all samples that wait for one, and kept by the dictionary, since few
codewords serve most samples.

Each sample takes steps by compiled code until it ends or needs what many samples should get at
once: a row of G, or scores from a correlation. What is selected is what precise scores select.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._threads import in_threads, single_blas_thread
from sksupercode.decoders._gram_state import ENDED, FRAGILE, FULL, STALE, WAITS, Samples

# Codewords that a sample has room for at first; memory is taken as they come.
_FIRST_CAPACITY = 128
# Samples correlated at a time, beside their scores.
_AT_A_TIME = 1024


def bytes_per_sample(shape, most):
    """Return the memory that a sample of at most so many codewords takes."""
    n_features, n_components = shape
    return 5 * n_features + 24 * n_components + 24 * most * (most + 3)


class GramPursuit:
    """Decodes samples V by one of the algorithms, "matching", "orthogonal" or "gradient".

    ``norms`` are those of the samples, ``enough`` the norms of residuals at which they end and
    ``least`` what a codeword must gain.
    """

    def __init__(self, codewords, algorithm, n_iter, *, is_signed, is_nonnegative):
        self._gram = codewords.gram
        self._algorithm = algorithm
        self._n_iter = n_iter
        self._is_signed, self._is_nonnegative = is_signed, is_nonnegative
        self._has_products = algorithm != "matching"
        self._has_factors = algorithm == "orthogonal"

    def decode(self, V, norms, enough, least):
        """Return the supports, coefficients and sizes of samples, and which are left undone.

        Those undone have a support that holds as far as it goes.
        """
        # In a unit in which the last residual is not too short for float32.
        _, exponents = np.frexp(norms)
        V, norms = np.ldexp(V, -exponents[:, np.newaxis]), np.ldexp(norms, -exponents)
        enough, least = np.ldexp(enough, -exponents), np.ldexp(least, -exponents)
        samples = self._start(V, norms, enough, least)
        rows = np.arange(len(V))
        # Held by all products, since each change of it takes milliseconds.
        with single_blas_thread():
            while len(rows):
                status = samples.status[rows]
                self._correlate(samples, rows[status == STALE])
                if (status == FULL).any():
                    samples = self._grow(samples)
                wanted = samples.wanted[rows[status == WAITS]]
                self._advance(samples, rows, _most_wanted_first(wanted))
                status = samples.status[rows]
                rows = rows[(status != ENDED) & (status != FRAGILE)]
        sizes, status = samples.sizes, samples.status
        is_selected = np.arange(samples.supports.shape[1]) < sizes[:, np.newaxis]
        norms = np.where(is_selected, self._gram.norms[samples.supports], np.inf)
        values = np.ldexp(samples.coefs, exponents[:, np.newaxis]) / norms
        return samples.supports, values, sizes, status == FRAGILE

    def _start(self, V, norms, enough, least):
        n_samples, n_features = len(V), self._gram.shape[0]
        capacity = min(self._n_iter, _FIRST_CAPACITY)
        n_blocks = -(-n_features // _block())
        square = (n_samples, capacity, capacity)
        return Samples(
            samples=V,
            residuals=V.copy(),
            is_fresh=np.ones(n_samples, dtype=bool),
            norms=norms,
            enough=enough,
            least=np.ascontiguousarray(least),
            scores=np.empty((n_samples, n_features), dtype=np.float32),
            maxima=np.empty((n_samples, n_blocks), dtype=np.float32),
            noise=np.zeros(n_samples),
            sizes=np.zeros(n_samples, dtype=np.int64),
            n_steps=np.zeros(n_samples, dtype=np.int64),
            supports=np.zeros((n_samples, capacity), dtype=np.int64),
            coefs=np.zeros((n_samples, capacity)),
            applied=np.zeros((n_samples, capacity)),
            products=np.zeros(square if self._has_products else (0, 0, 0)),
            targets=np.zeros((n_samples, capacity)),
            passive=np.zeros((n_samples, capacity), dtype=np.int64),
            n_passive=np.zeros(n_samples, dtype=np.int64),
            factors=np.zeros(square if self._has_factors else (0, 0, 0)),
            least_pivot=np.ones(n_samples),
            wanted=np.full(n_samples, -1, dtype=np.int64),
            status=np.full(n_samples, STALE, dtype=np.int64),
        )

    def _grow(self, samples):
        capacity = samples.supports.shape[1]
        more = min(capacity, self._n_iter - capacity)
        vectors = ("supports", "coefs", "applied", "targets", "passive")
        changes = {name: np.pad(getattr(samples, name), ((0, 0), (0, more))) for name in vectors}
        for name in ("products", "factors"):
            matrices = getattr(samples, name)
            if len(matrices):
                changes[name] = np.pad(matrices, ((0, 0), (0, more), (0, more)))
        return samples._replace(**changes)

    def _correlate(self, samples, rows):
        """Compute the scores of some samples from their residuals."""
        from sksupercode.decoders._gram_kernels import find_maxima

        if not len(rows):
            return
        for part in gen_batches(len(rows), _AT_A_TIME):
            some = rows[part]
            residuals = samples.residuals[some]
            samples.scores[some], error = self._gram.correlate(residuals)
            samples.noise[some] = error * np.linalg.norm(residuals, axis=1)
            samples.applied[some] = samples.coefs[some]

        def find(start, stop):
            for row in rows[start:stop]:
                find_maxima(samples.scores[row], samples.maxima[row], self._is_signed)

        in_threads(find, len(rows))

    def _advance(self, samples, rows, wanted):
        """Let samples take as many steps as they can with the rows of G that are wanted."""
        from sksupercode.decoders import _gram_gradient, _gram_orthogonal

        with self._gram.rows(wanted) as held:
            gram = held.slots, held.numbers, held.scales, held.errors
            words = self._gram.codewords, self._gram.norms
            limits = self._n_iter, self._gram.error

            def advance(start, stop):
                some = samples, gram, words, self._is_signed
                if self._algorithm == "orthogonal":
                    _gram_orthogonal.orthogonal(
                        rows[start:stop], *some, self._is_nonnegative, *limits
                    )
                elif self._algorithm == "matching":
                    _gram_gradient.matching(rows[start:stop], *some, *limits)
                else:
                    _gram_gradient.gradient(rows[start:stop], *some, *limits)

            in_threads(advance, len(rows))


def _block():
    from sksupercode.decoders._gram_kernels import BLOCK

    return BLOCK


def _most_wanted_first(wanted):
    codewords, counts = np.unique(wanted, return_counts=True)
    return codewords[np.argsort(-counts, kind="stable")]
