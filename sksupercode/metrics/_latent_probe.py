"""How well few latents tell classes apart, and how that is printed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class LatentProbe:
    """Areas under ROC curves of probes on few latents.

    The result of :func:`probe_latents`. Printed, it is a table.

    Parameters
    ----------
    n_latents : tuple of int
        Numbers k of latents of a probe.

    scores : float64 ndarray of shape (n_tasks, len(n_latents), n_folds)
        Area under the ROC curve on the test samples of each task and fold.

    latents : int ndarray of shape (n_tasks, n_folds, max(n_latents)) or None, default=None
        Indices of the latents that the training samples of each task and fold choose, best first: a
        probe on k latents has the first k. Fewer where there are not so many; None where unknown.
    """

    n_latents: tuple
    scores: np.ndarray
    latents: np.ndarray | None = None

    @property
    def mean(self):
        """Mean score over tasks and folds for each k, of shape (len(n_latents),)."""
        return self.scores.mean(axis=(0, 2))

    @property
    def sem(self):
        """Standard error of the mean over tasks for each k.

        Each task counts with its mean over folds. With one task it is that over folds, which is too
        small, as folds share training samples. NaN where there is one score alone.
        """
        samples = self.scores.mean(axis=2) if len(self.scores) > 1 else self.scores[0].T
        if len(samples) == 1:
            return np.full(len(self.n_latents), np.nan)
        return samples.std(axis=0, ddof=1) / np.sqrt(len(samples))

    def __str__(self):
        n_tasks, _, n_folds = self.scores.shape
        lines = [f"ROC AUC, tasks: {n_tasks}, folds: {n_folds}", "  latents      mean       sem"]
        for row in zip(self.n_latents, self.mean, self.sem, strict=True):
            lines.append("{:9,}{:10.3f}{:10.3f}".format(*row))
        return "\n".join(lines)

    __repr__ = __str__
