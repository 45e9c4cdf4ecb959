"""Binary matching pursuit on random signs that correlates seldom and selects the same.

The method, and why it is exact, is told in :mod:`sksupercode.decoders._pool_kernels`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import gammaln, ndtri

from sksupercode._utils._threads import in_threads, shared_threads

_LOG_INVERSE_PROBABILITY = 9 * np.log(10)
# Most selections between two passes.
_MOST_SELECTIONS = 1024
# The pool holds about this part of the codewords, or all of them if they are few.
_POOL_SHARE = 1 / 128
_SMALLEST_POOL = 1024


def can_be_lazy(dictionary):
    """Return whether the method applies: independent random signs, and compiled kernels."""
    return dictionary.has_random_signs and dictionary.has_packed_signs


def lazy_pursuit(dictionary, V, n_iter, enough, least_gain):
    """Select codewords as plain binary matching pursuit does.

    The dictionary is of random signs +-1, and samples in their units on the grid of
    :func:`exact_samples`. A sample ends with ``n_iter`` codewords, at a residual of norm ``enough``
    or when its best codeword scores at most d / 2 more than ``least_gain``. Returns the codewords
    of each sample in the order of selection, and the residuals.
    """
    from sksupercode.decoders._pool_kernels import is_greedy

    n_features, n_components = dictionary.shape
    residuals = V.copy()
    found = [np.empty(0, dtype=np.int64)] * len(V)

    def run(rows, slack, least_lambda):
        results = _run(dictionary, V[rows], enough[rows], n_iter, least_gain, slack, least_lambda)
        for row, selected, residual in zip(rows, *results, strict=True):
            found[row], residuals[row] = selected, residual

    def is_recovered(row):
        groups = dictionary.lanes(found[row])
        return not residuals[row].any() and is_greedy(groups, n_components, found[row])

    rows = np.flatnonzero((V == np.rint(V)).all(axis=1))
    run(rows, _slack_for_one_sample(n_features, n_iter), 0.0)
    recovered = [row for row in rows if is_recovered(row)]
    run(np.delete(np.arange(len(V)), recovered), _slack_for_all_sums(n_features), 1.0)
    return found, residuals


def _slack_for_one_sample(n_features, n_iter):
    """Return 2 L for each number of selections since a pass."""
    log_events = np.log(n_features) + np.log(max(1.0, n_iter * (n_iter + 1.0) / 2))
    return np.full(_MOST_SELECTIONS + 1, 2 * (log_events + _LOG_INVERSE_PROBABILITY))


def _slack_for_all_sums(n_features):
    """Return ``2 L_t`` for t = 0, ..., _MOST_SELECTIONS."""
    t = np.arange(_MOST_SELECTIONS + 1)
    log_multisets = gammaln(n_features + t) - gammaln(t + 1) - gammaln(n_features)
    return 2 * (np.log(n_features) + log_multisets + t * np.log(2) + _LOG_INVERSE_PROBABILITY)


def exact_samples(V, largest_change):
    """Round samples so that they, their residuals and all scores are exact.

    They become multiples of a power of two, of at most 1, which leaves room for residuals whose
    sums of magnitudes exceed the sample's by ``largest_change``. Returns the samples, and where
    that is not so: those so large that their sums have no room for units.
    """
    total = np.abs(V).sum(axis=1) + largest_change
    _, exponent = np.frexp(total)
    quantum = np.ldexp(1.0, np.clip(exponent - 52, -1074, 0))[:, np.newaxis]
    return np.rint(V / quantum) * quantum, (exponent <= 52) & np.isfinite(total)


def _run(dictionary, V, enough, n_iter, least_gain, slack, least_lambda):
    """Alternate full passes, shared by the samples, with selections from each sample's pool."""
    from sksupercode.decoders._pool_kernels import collect, pursue

    n_features = dictionary.shape[0]
    pool_size = max(_SMALLEST_POOL, int(_POOL_SHARE * n_features))
    # Scores of codewords that are not in x are normal, of the residual's norm.
    quantile = -ndtri(min(pool_size / n_features, 1.0))
    found = np.zeros((len(V), min(n_iter, _MOST_SELECTIONS)), dtype=np.int64)
    n_found = np.zeros(len(V), dtype=np.int64)
    scores = np.zeros((len(V), n_features))
    residuals = V.copy()
    changes = V.copy()
    has_ended = np.zeros(len(V), dtype=bool)

    def select(start, stop):
        for row in rows[start:stop]:
            tau = quantile * max(np.linalg.norm(residuals[row]), 1.0)
            pool, tau = collect(scores[row], tau, 4 * pool_size)
            n_found[row], has_ended[row] = pursue(
                dictionary.lanes(pool),
                pool,
                scores[row],
                tau,
                slack,
                least_lambda,
                enough[row],
                least_gain,
                residuals[row],
                found[row],
                n_found[row],
                changes[row],
            )

    rows = np.arange(len(V))
    with shared_threads():
        while len(rows):
            dictionary.add_correlations(changes[rows], rows, scores)
            in_threads(select, len(rows))
            is_full = n_found == found.shape[1]
            if is_full.any() and found.shape[1] < n_iter:
                found = np.pad(found, ((0, 0), (0, min(found.shape[1], n_iter - found.shape[1]))))
                has_ended[is_full] = False
            rows = rows[~has_ended[rows]]
    return [row[:n] for row, n in zip(found, n_found, strict=True)], residuals
