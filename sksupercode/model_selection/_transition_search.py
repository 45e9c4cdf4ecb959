"""The search for the dimensions at which a decoder goes from failure to success."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from collections import defaultdict

import numpy as np
from scipy.special import ndtri

from sksupercode import theory
from sksupercode._utils._sections import section_bounds
from sksupercode.model_selection._cells import cells_of
from sksupercode.model_selection._transition import guess_transition

# Looks after the first pair of dimensions around the transition, and the trials of each.
_LOOKS = 8
_TRIALS_PER_LOOK = 5
_LARGEST_RATIO = 16
# The fewest trials for each of the dimensions, for any time limit.
FEWEST = 5
# Seconds that compilation may take, for any time limit.
_PATIENCE = 30.0


def code_entropy(n_features, n_nonzero_coefs, sections):
    """Return the bits that a code of k of N, or of k sections, holds."""
    if sections:
        return float(np.log2(np.diff(section_bounds(n_features, n_nonzero_coefs))).sum())
    return float(theory.entropy(n_features, n_nonzero_coefs))


class Trials:
    """Runs cells, each with a codebook that was not used before, and knows how long it may take.

    ``used`` is the part of ``max_seconds`` that this run and those in a checkpoint have used.
    """

    def __init__(self, runner, n_features, n_nonzero_coefs, max_seconds=None, first_codebook=0):
        self.runner = runner
        self.size = (n_features, n_nonzero_coefs)
        self.entropy_bits = code_entropy(*self.size, runner.chain.sections)
        self.max_seconds = np.inf if max_seconds is None else max_seconds
        self.looks = {}
        # Seconds of the slowest trial so far, what was compiled or imported apart.
        self.slowest = 0.0
        self._next_codebook = defaultdict(lambda: first_codebook)
        self.restart_clock()

    def restart_clock(self):
        self._start = time.perf_counter()

    @property
    def largest(self):
        """The largest dimension that is looked at."""
        return max(1, round(_LARGEST_RATIO * max(self.size[0], self.entropy_bits)))

    @property
    def seconds(self):
        return time.perf_counter() - self._start + self.runner.earlier_seconds

    @property
    def used(self):
        return self.seconds / self.max_seconds

    def cells(self, n_components, n_trials, per_codebook):
        first = self._next_codebook[n_components]
        cells = cells_of(*self.size, n_components, n_trials, per_codebook, first)
        self._next_codebook[n_components] += len(cells)
        return cells

    def look(self, n_components, n_trials):
        """Return how many of a few trials, with one codebook, were recovered; and the seconds."""
        cells = self.cells(n_components, n_trials, n_trials)
        self.looks.setdefault(n_components, []).extend(cells)
        n_recovered, seconds = self.runner.run(cells, silent=True)[0]
        self.note(n_trials, seconds)
        return n_recovered, seconds

    def note(self, n_trials, seconds):
        """Learn how long trials take, which differs between dimensions."""
        self.slowest = max(self.slowest, seconds / n_trials)

    def batch(self, largest):
        """Return how many trials a cell may have, so that some forty cells can be had."""
        n_affordable = self.max_seconds / max(self.slowest, 1e-9)
        return int(np.clip(n_affordable / 40, min(2, largest), largest))

    def has_looked(self, n_components, n_trials):
        first = self._next_codebook[n_components]
        cells = cells_of(*self.size, n_components, n_trials, n_trials, first)
        return self.runner.are_finished(cells)


def affordable_batch(trials, d, largest):
    """Return how many trials a cell may have, and restart the clock."""
    _, seconds = trials.look(d, 1)
    if seconds < max(trials.max_seconds, _PATIENCE):
        # What was compiled or imported on the way is not the decoder's time.
        _, seconds = trials.look(d, 1)
    n_affordable = trials.max_seconds / max(seconds, 1e-9)
    if n_affordable < 4 * FEWEST:
        raise TimeoutError(f"a trial takes {seconds:.2g} s, of {trials.max_seconds:g} s in all")
    trials.restart_clock()
    trials.slowest = seconds
    # Some twelve batches find the transition, and more of them should be left to measure it.
    return trials.batch(largest)


def find_transition(trials, d, p, per_codebook=_TRIALS_PER_LOOK):
    """Look around for the transition; return triples (d, n_recovered, n_trials).

    They are empty where the rate is 0 at all dimensions.
    """
    points, most = [], min(per_codebook, _TRIALS_PER_LOOK)

    def fails(d):
        n = trials.batch(most)
        points.append((d, trials.look(d, n)[0], n))
        return points[-1][1] < n / 2

    # Whichever side of the transition d is on, the other is looked for.
    step = 2 if fails(d) else 0.5
    while 1 <= (d := int(d * step)) and fails(d) == (step == 2):
        if d > trials.largest:
            return []
    for i in range(_LOOKS):
        center, _, slope = guess_transition(points, p)
        # In turn near the wanted rate, and at one half.
        x = center if i % 2 else center - ndtri(p) / slope
        d = int(np.clip(round(np.exp(x)), 1, trials.largest))
        if i > 2 and trials.used > 0.4 and not trials.has_looked(d, trials.batch(most)):
            break
        fails(d)
    return points
