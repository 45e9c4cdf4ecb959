"""Bundles of symbols that are bound to positions, and decoders of them that others describe."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
from scipy.special import softmax

from sksupercode import BoundEncoder
from sksupercode.symbols import codes_from_symbols, symbols_from_codes

# Iterations of feedback at most, and sweeps over all positions.
_ITERATIONS, _SWEEPS = 100, 50
# Ridge of the linear regression: without noise its result is that of the pseudo-inverse.
_RIDGE = 1e-3


class Bundles:
    """Sequences of random symbols, each position bound to a key, and their sums in d dimensions.

    Parameters
    ----------
    n_components, n_sections, n_symbols, n_samples : int
        Dimensions, positions, size of the codebook, and number of bundles.

    seed : list of int
        Of the keys and symbols, and of the sequences.
    """

    def __init__(self, n_components, n_sections, n_symbols, n_samples, seed):
        rng = np.random.default_rng(seed)
        self.n_sections, self.n_symbols = n_sections, n_symbols
        self.symbols = rng.integers(n_symbols, size=(n_samples, n_sections))
        self.codes = codes_from_symbols(self.symbols, n_symbols)
        self.encoder = BoundEncoder(
            n_components, n_sections=n_sections, random_state=int(rng.integers(2**31))
        )
        self.samples = self.encoder.fit_transform(self.codes)

    @cached_property
    def dictionary(self):
        """The codewords as a float32 array, of shape (N, d)."""
        return np.asarray(self.encoder.dictionary_).astype(np.float32)

    def scores(self, residuals):
        """Return inner products, of shape (n_samples, n_sections, n_symbols)."""
        flat = np.asarray(residuals, dtype=np.float32) @ self.dictionary.T
        return flat.reshape(-1, self.n_sections, self.n_symbols)

    def residuals(self, estimates):
        """Return what is left of the samples, given estimates of the shape of scores."""
        flat = estimates.reshape(len(estimates), -1).astype(np.float32)
        return self.samples - flat @ self.dictionary

    def estimates(self, symbols):
        """Return ones where symbols are, in the shape of scores."""
        return np.eye(self.n_symbols, dtype=np.float32)[symbols]

    def read(self, decoder):
        """Return the symbols that a decoder of the package finds."""
        found = decoder.fit(self.samples, self.codes).transform(self.samples)
        return symbols_from_codes(found, self.n_sections)


def linear_regression(bundles):
    """Return the symbols of the largest coefficients of least squares."""
    F = bundles.dictionary.astype(np.float64)
    inner = F.T @ F + _RIDGE * np.eye(F.shape[1])
    return bundles.scores(np.linalg.solve(inner, bundles.samples.T).T).argmax(axis=2)


def clearest_first(bundles):
    """Explain symbols away one after the other, that of the largest inner product first."""
    n_samples, samples = len(bundles.samples), np.arange(len(bundles.samples))
    found = np.full(bundles.symbols.shape, -1)
    residuals = bundles.samples.copy()
    for _ in range(bundles.n_sections):
        scores = bundles.scores(residuals)
        scores[found >= 0] = -np.inf
        best = scores.reshape(n_samples, -1).argmax(axis=1)
        found[samples, best // bundles.n_symbols] = best % bundles.n_symbols
        residuals -= bundles.dictionary[best]
    return found


def all_at_once(bundles):
    """Explain away all others in each section, from all decisions of the iteration before."""
    found = bundles.scores(bundles.samples).argmax(axis=2)
    best = _Best(found)
    for _ in range(_ITERATIONS):
        estimates = bundles.estimates(found)
        residuals = bundles.residuals(estimates)
        best.take(found, residuals)
        new = (bundles.scores(residuals) + estimates).argmax(axis=2)
        if np.array_equal(new, found):
            break
        found = new
    return best.kept


def in_turns(bundles, found=None):
    """Decide section after section with all others explained away, again until nothing changes."""
    if found is None:
        found = bundles.scores(bundles.samples).argmax(axis=2)
    estimates = bundles.estimates(found)
    residuals = bundles.residuals(estimates)
    codewords = bundles.dictionary.reshape(bundles.n_sections, bundles.n_symbols, -1)
    for _ in range(_SWEEPS):
        has_changed = False
        for section, F in enumerate(codewords):
            scores = residuals @ F.T + estimates[:, section]
            new = bundles.estimates(scores.argmax(axis=1))
            if not np.array_equal(new, estimates[:, section]):
                has_changed = True
                residuals -= (new - estimates[:, section]) @ F
                estimates[:, section] = new
        if not has_changed:
            break
    return estimates.argmax(axis=2)


def soft_feedback(bundles, damping=0.0):
    """Subtract the posterior means of all other sections, given the power of the residual.

    It is message passing without its memory term.
    """
    estimates = np.zeros((len(bundles.samples), bundles.n_sections, bundles.n_symbols), np.float32)
    residuals, best = bundles.samples, None
    for _ in range(_ITERATIONS):
        variances = np.mean(residuals**2, axis=1)[:, np.newaxis, np.newaxis]
        scores = bundles.scores(residuals) + estimates
        new = softmax(scores / np.maximum(variances, 1e-9), axis=2)
        residuals = (1 - damping) * bundles.residuals(new) + damping * residuals
        found = new.argmax(axis=2)
        best = best or _Best(found)
        best.take(found, residuals)
        if np.abs(new - estimates).max() < 1e-3:
            break
        estimates = new
    return best.kept


class _Best:
    """Of each sample the decisions that left least of it."""

    def __init__(self, found):
        self.kept = found.copy()
        self.errors = np.full(len(found), np.inf)

    def take(self, found, residuals):
        errors = np.sum(residuals**2, axis=1)
        better = errors < self.errors
        self.kept[better], self.errors[better] = found[better], errors[better]
