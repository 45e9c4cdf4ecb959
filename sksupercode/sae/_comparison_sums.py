"""The sums over samples that a comparison is made of, block by block."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import dataclass, field

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import gen_batches, gen_even_slices

from sksupercode._utils._blocks import read_block
from sksupercode._utils._norms import MomentsByNorm, row_norms
from sksupercode._utils._tasks import Shared, run_tasks
from sksupercode._utils._validation import as_array
from sksupercode.metrics._reconstruction import sample_cosines, sample_errors

# For each worker, so many blocks are in memory at a time, and so many tasks even out decoders that
# take longer than others.
_BLOCKS, _TASKS = 2, 8


@dataclass
class Sums:
    """Sums over samples; the squared error is in units of ``4**exponent``."""

    n_nonzeros: int = 0
    cosine: float = 0.0
    error: float = 0.0
    exponent: int = 0
    sample_error: float = 0.0
    is_alive: np.ndarray | bool = False
    seconds: float = 0.0
    codes: list = field(default_factory=list)

    def add(self, other):
        """Take in the sums of more samples."""
        if other.error:
            exponent = max(self.exponent, other.exponent) if self.error else other.exponent
            self.error, error = (
                np.ldexp(sums.error, 2 * (sums.exponent - exponent)) for sums in (self, other)
            )
            self.error, self.exponent = self.error + error, exponent
        self.n_nonzeros += other.n_nonzeros
        self.cosine += other.cosine
        self.sample_error += other.sample_error
        self.is_alive = self.is_alive | other.is_alive
        self.seconds += other.seconds
        self.codes += other.codes

    def columns(self, moments):
        """Return columns of the comparison, by name, from the moments of the samples."""
        n_samples, variance = moments.n_samples, moments.squares
        fvu = float(self.error > 0)
        if variance > 0:
            with np.errstate(over="ignore", under="ignore"):
                fvu = np.ldexp(self.error / variance, 2 * (self.exponent - moments.exponent))
        return {
            "L0": self.n_nonzeros / n_samples,
            "FVU": float(fvu),
            "sample_error": float(self.sample_error / n_samples),
            "cosine": float(self.cosine / n_samples),
            "dead_latents": int(np.count_nonzero(~self.is_alive)),
            "seconds_per_sample": self.seconds / n_samples,
        }


@dataclass
class Measurement:
    """What is measured: of which candidates, on samples up to which norm, with codes or without."""

    candidates: list
    max_norm: float | None = None
    keeps_codes: bool = False

    def read(self, X, targets):
        """Return the samples of a block and their targets, less those whose norm is too large.

        Third come bools of shape (n_samples,), which samples these are. Where there are no targets,
        they are the samples.
        """
        X = read_block(X, slice(None))
        targets = X if targets is None else read_block(targets, slice(None), "targets")
        limit = math.inf if self.max_norm is None else self.max_norm
        if limit == math.inf:
            return X, targets, np.ones(len(X), dtype=bool)
        kept = row_norms(targets) <= limit
        return X[kept], targets[kept], kept

    def measure(self, part, block):
        """Return which samples of a block are kept, their moments, and sums of some candidates.

        Moments are those of the first candidates alone, as all have the same.
        """
        X, targets, kept = self.read(*block)
        moments = MomentsByNorm()
        if not len(X):
            return kept, moments, [Sums() for _ in self.candidates[part]]
        if part.start == 0:
            moments.add(targets)
        sums = [self._sums(candidate, X, targets) for candidate in self.candidates[part]]
        return kept, moments, sums

    def _sums(self, candidate, X, targets):
        Z, X_hat, seconds = candidate.decode(X, targets)
        X, X_hat = (np.asarray(A, dtype=np.float64) for A in (targets, X_hat))
        sample_error = float(np.sum(sample_errors(X, X_hat)))
        exponent = int(np.frexp(max(np.abs(X).max(), np.abs(X_hat).max()))[1])
        X, X_hat = np.ldexp(X, -exponent), np.ldexp(X_hat, -exponent)
        error = float(np.sum(np.square(X - X_hat)))
        cosine = float(np.sum(sample_cosines(X, X_hat)))
        is_alive = np.zeros(Z.shape[1], dtype=bool)
        is_alive[Z.indices] = True
        codes = [Z] if self.keeps_codes else []
        return Sums(Z.nnz, cosine, error, exponent, sample_error, is_alive, seconds, codes)


def sums_of_blocks(measurement, baselines, arrays, block_size, n_jobs, taken=None):
    """Return which samples are kept, their moments, and the sums of each candidate, of all blocks.

    The first block with samples fits the candidates, and their baselines join them. ``taken`` is a
    bar that names what is decoded.
    """
    moments, sums, shared = MomentsByNorm(), None, None
    n_samples, n_workers = arrays[0].shape[0], effective_n_jobs(n_jobs)
    kept = np.zeros(n_samples, dtype=bool)
    window = block_size * (_BLOCKS * n_workers if n_workers > 1 else 1)
    for rows in gen_batches(n_samples, window):
        starts = range(rows.start, rows.stop, block_size)
        slices = [slice(i, min(i + block_size, rows.stop)) for i in starts]
        blocks = [tuple(_block(array, part) for array in arrays) for part in slices]
        if shared is None:
            if not _fit(measurement, baselines, blocks):
                continue
            shared = Shared(measurement)
            sums = [Sums() for _ in measurement.candidates]
        n_parts = -(-_TASKS * n_workers // len(blocks)) if n_workers > 1 else 1
        # One by one, so that the bar tells which of them takes long.
        n_parts = n_parts if taken is None else len(sums)
        parts = list(gen_even_slices(len(sums), min(n_parts, len(sums))))
        tasks = [(part, block) for block in blocks for part in parts]
        begun = tasks
        if taken is not None:
            names = [measurement.candidates[part.start].label for part, _ in tasks]
            begun = taken(tasks, names, (rows.stop - rows.start) / n_samples)
        results = run_tasks(Measurement.measure, shared, begun, n_jobs)
        places = [place for place in slices for _ in parts]
        for (part, _), place, (of_rows, of_block, of_part) in zip(
            tasks, places, results, strict=True
        ):
            kept[place] = of_rows
            moments.merge(of_block)
            for of_all, of_candidate in zip(sums[part], of_part, strict=True):
                of_all.add(of_candidate)
    if sums is None:
        raise ValueError(
            f"max_norm must leave samples to compare on, got {measurement.max_norm}, which is "
            f"less than the norms of all {n_samples}."
        )
    return kept, moments, sums


def _fit(measurement, baselines, blocks):
    """Fit candidates and their baselines on the first block with samples, if there is one."""
    for block in blocks:
        X, targets, _ = measurement.read(*block)
        if len(X):
            for candidate in measurement.candidates:
                candidate.fit(X, targets)
            measurement.candidates = baselines.among(measurement.candidates)
            for candidate in measurement.candidates:
                candidate.fit(X, targets)
            return True
    return False


def _block(X, rows):
    """Return some rows as an array that may be mapped from a file; None where there is none."""
    if X is None:
        return None
    block = X[rows]
    return block if isinstance(block, np.ndarray) else np.asarray(as_array(block))
