"""What message passing knows of one sample, and when it ends."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# An effective variance of so many times the best, or of the first, is a divergence.
_DIVERGENCE = 4.0
# So many iterations without a smaller effective variance are the end.
_PATIENCE = 30
# Below this part of the power of x a residual is rounding.
_ROUNDING = 1e-12


class SampleState:
    """What message passing knows of one sample: of its coefficients times the codewords' norms."""

    def __init__(self, sample, k, interference):
        self._sample = sample
        self._interference = interference
        self.residual = sample
        self.variance = None
        self.indices = np.empty(0, dtype=np.intp)
        self.probabilities = self.means = self.estimates = np.empty(0)
        self.deviation = np.linalg.norm(sample) / np.sqrt(max(k, 1))
        self.variances = []
        self.has_failed = False
        self._best = None
        self._n_stalled = 0

    def messages(self):
        """Return the residual, each dimension weighted by what it is worth."""
        return self.residual / self._interference.of_dimensions(self.variance)

    def denoise(self, probabilities, kept, means, variances):
        """Take the posterior of all coefficients, and keep those that are not negligible."""
        self.indices = np.flatnonzero(kept)
        self.probabilities = probabilities[self.indices]
        self.means = means[self.indices]
        self.estimates = self.probabilities * self.means
        powers = self.probabilities * (variances[self.indices] + self.means**2)
        self._uncertainties = powers - self.estimates**2
        total = self.probabilities.sum()
        if total > 0:
            self.deviation = np.sqrt(powers.sum() / total)

    def subtract(self, superposition, damping):
        """Take away what is estimated, and correct for what the estimates owe to the residual."""
        unknown = self._interference.from_codewords(self.indices, self._uncertainties)
        memory = self._interference.of_dimensions(unknown / self.variance)
        new = self._sample - superposition + memory * self.residual
        self.residual = (1 - damping) * new + damping * self.residual

    def goes_on(self, tol):
        """Measure the effective variance, and tell whether another iteration is due."""
        t = float(np.mean(self.residual**2))
        lowest = min(self.variances, default=t)
        self._n_stalled = 0 if t < (1 - tol) * lowest else self._n_stalled + 1
        if self._best is None or t <= lowest:
            # The code of all zeros, from which it starts, does not count as the best.
            self._best = (self.indices, self.probabilities, self.means) if self.variances else None
        if self._n_stalled > _PATIENCE or not t <= _DIVERGENCE * lowest:
            self.indices, self.probabilities, self.means = self._best
            self.has_failed = True
            return False
        self.variances.append(t)
        before, self.variance = self.variance, self._interference.measure(self.residual)
        # A wave of decoding may leave the mean as it is.
        changes = before is None or np.any(np.abs(self.variance / before - 1) > tol)
        # What ends no better than the code of all zeros has found nothing.
        self.has_failed = t >= self.variances[0] and before is not None
        return t > _ROUNDING * self.variances[0] and changes
