"""What a dictionary learner knows between batches, and how a batch changes it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
import warnings

import numpy as np
from scipy.sparse import csc_array
from sklearn.exceptions import ConvergenceWarning

from sksupercode._utils._batches import first_moments, moments_of, shuffled_batches
from sksupercode._utils._blocks import read_block
from sksupercode._utils._threads import single_blas_thread
from sksupercode.decoders._initial_codewords import initial_codewords
from sksupercode.decoders._matched_filter import MatchedFilterDecoder
from sksupercode.learning._coder import Coder
from sksupercode.learning._redundancy import redundant_codewords
from sksupercode.learning._restarts import WorstExplained, shared_codewords
from sksupercode.learning._update import update_codewords

# Earlier samples count as much as so many activations of each codeword at most and at least, and in
# between as this part of all samples: codes of a dictionary that knows little are soon forgotten.
_MEMORY, _SHARE, _LEAST_MEMORY = 100, 0.1, 32
# Activations of each codeword after which it is looked for those to start again.
_BETWEEN_RESTARTS = 128
# Activations in that time up to which a codeword is dead.
_DEAD = 2
# Samples that are larger by this power of two make those before count for nothing.
_LARGER = 30
# Samples that differ from the mean by this part of the standard deviation are no codewords.
_ALIKE = 1e-3


class Learner:
    """Codewords F, an intercept b, and how much of the past they stand for.

    Samples are taken as ``2**-exponent x``, so that nothing depends on the unit of X.
    """

    def __init__(self, settings, rng, X, rows):
        self.settings, self.rng = settings, rng
        self.shape = settings.n_latents, X.shape[1]
        self.moments = first_moments(X, rows)
        if not self.moments.squares > 0:
            raise ValueError(
                f"X must have samples that differ, got n_samples = {len(rows)}, all equal."
            )
        self.exponent = self._unit()
        self._begin(X, rows)
        self.weights, self.intercept_weight = np.zeros(settings.n_latents), 0.0
        self.n_seen = 0
        self._forget_uses()

    def _unit(self):
        deviation = math.sqrt(self.moments.squares / self.moments.n_samples)
        return self.moments.exponent + math.frexp(deviation)[1]

    def _begin(self, X, rows):
        """Set the codewords and the intercept with which learning begins."""
        n_latents, n_components = self.shape
        mean = np.ldexp(self.moments.mean, self.moments.exponent - self.exponent)
        codewords, intercept = initial_codewords(self.settings.init, *self.shape)
        self.intercept = mean
        if not self.settings.fit_intercept:
            self.intercept = np.zeros(n_components)
        elif intercept is not None:
            self.intercept = np.ldexp(intercept, -self.exponent)
        F = self.rng.standard_normal((n_latents, n_components), dtype=np.float32)
        drawn = np.arange(n_latents)
        if codewords is not None:
            drawn = np.flatnonzero(~codewords.any(axis=1))
            F = np.where(codewords.any(axis=1)[:, np.newaxis], codewords, F).astype(np.float32)
        if codewords is not None or self.settings.init == "samples":
            some = np.sort(self.rng.choice(rows, min(len(drawn), len(rows)), replace=False))
            samples = self._centered(read_block(X, some)) if len(some) else F[:0]
            norms = np.linalg.norm(samples, axis=1)
            F[drawn[: len(some)][norms > _ALIKE]] = samples[norms > _ALIKE]
        F /= np.linalg.norm(F, axis=1, keepdims=True)
        self.codewords = np.ascontiguousarray(F)

    def _centered(self, X):
        """Return samples less the intercept, in the unit of learning, float32."""
        return (np.ldexp(X.astype(np.float64), -self.exponent) - self.intercept).astype(np.float32)

    def _forget_uses(self):
        n_latents, n_components = self.shape
        self.uses, self.n_since = np.zeros(n_latents, dtype=np.int64), 0
        self.worst = WorstExplained(n_latents // 8 + 1, n_components)

    def see(self, X, rows):
        """Take in the moments of further samples, and a unit in which they are no infinities."""
        moments_of(X, rows, self.moments)
        larger = self._unit() - self.exponent
        if larger > _LARGER:
            self.exponent += larger
            self.intercept = np.ldexp(self.intercept, -larger)
            self.weights = np.ldexp(self.weights, -2 * larger)
            self._forget_uses()

    def run_pass(self, X, rows, *, restarts=True):
        """Take each sample once, in random order; return the mean loss."""
        coder = Coder(self.settings.decoder, self.exponent, X.dtype)
        total = 0.0
        with single_blas_thread(), warnings.catch_warnings():
            # Codes of an unfinished dictionary are nobody's result.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for block in shuffled_batches(X, rows, self.settings.batch_size, self.rng):
                total += self._step(coder, block, restarts)
        variance = self.moments.squares / self.moments.n_samples
        variance = math.ldexp(variance, 2 * (self.moments.exponent - self.exponent))
        return total / len(rows) / variance

    def _step(self, coder, X, restarts):
        """Learn from a batch; return the sum of its squared errors before."""
        V = self._centered(X)
        Z = coder.codes(self.codewords, V)
        residuals = V - Z @ self.codewords
        errors = np.square(residuals, dtype=np.float64).sum(axis=1)
        self.worst.add(residuals, errors)
        uses = np.bincount(Z.indices, minlength=len(self.codewords))
        n_per_use = self.shape[0] / max(1.0, Z.nnz / len(X))
        self.n_seen += len(X)
        memory = min(_MEMORY, max(_LEAST_MEMORY, _SHARE * self.n_seen / n_per_use))
        fading = math.exp(-len(X) / (memory * n_per_use))
        self.weights *= fading
        self.intercept_weight = fading * self.intercept_weight + len(X)
        # The codes of one-step decoders overshoot, and an intercept that follows them diverges.
        one_step = isinstance(self.settings.decoder[0], MatchedFilterDecoder)
        if self.settings.fit_intercept and not one_step:
            step = residuals.sum(axis=0) / np.float32(self.intercept_weight)
            residuals -= step
            self.intercept = self.intercept + step
        Z = csc_array(Z)
        self.weights = update_codewords(Z, residuals, self.codewords, self.weights, self.rng)
        self.uses += uses
        self.n_since += len(X)
        if restarts and self.n_since >= _BETWEEN_RESTARTS * n_per_use:
            self._restart(Z, residuals, coder.is_signed)
        return float(errors.sum())

    def _restart(self, Z, residuals, is_signed):
        """Let codewords that are of no use begin again, with what is explained worst."""
        bad = redundant_codewords(self.codewords, self.uses, is_signed=is_signed)
        bad = np.union1d(np.flatnonzero(self.uses <= _DEAD), bad)
        # Nobody knows which of the two helps.
        n_shared = int(self.rng.binomial(len(bad), 0.5))
        shared = shared_codewords(Z, residuals, self.codewords, n_shared)
        missing = self.worst.directions(len(bad) - len(shared))
        directions = np.concatenate([shared, missing])
        bad = bad[: len(directions)]
        self.codewords[bad], self.weights[bad] = directions, 0
        self._forget_uses()

    def learned(self):
        """Return the codewords and the intercept in the unit of X."""
        return self.codewords.copy(), np.ldexp(self.intercept, self.exponent)

    def go_back(self, learned):
        """Go on from what was learned before."""
        self.codewords, intercept = learned[0].copy(), learned[1]
        self.intercept = np.ldexp(intercept, -self.exponent)
