"""Running the cells of a sweep: in parallel, with a checkpoint, and with a bar of progress."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import closing, contextmanager
from dataclasses import replace

from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_batches

from sksupercode._utils._discovery import short_name
from sksupercode._utils._jobs import check_jobs
from sksupercode._utils._progress import check_reports, consume
from sksupercode.model_selection._cells import PROCESS, check_entropy, single_threaded
from sksupercode.model_selection._checkpoint import TRIALS, Checkpoint

# Cells for each worker in a batch, where a backend returns nothing before all are done.
_BATCH = 4
# What a bar calls the sizes of cells, those of decoders and of learners.
_LETTERS = {"n_features": "N", "n_latents": "N", "n_nonzero_coefs": "k", "n_components": "d"}


class Runner:
    """Runs the cells that a checkpoint lacks, in batches for its workers."""

    def __init__(self, chain, store, n_jobs, callbacks, verbose):
        self.chain = chain
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.verbose = verbose
        self.store = store
        # What a run that was killed has used of its time is no less than that of its cells.
        self.earlier_seconds = max(store.elapsed, sum(s for *_, s in store.cells.values()))

    def run(self, cells, *, silent=False):
        """Return the results of ``cells``, in their order, such as (n_recovered, seconds)."""
        finished = self.store.cells
        distinct = dict.fromkeys(cells)
        missing = [cell for cell in distinct if cell not in finished]
        report = (None, False) if silent or not missing else (self.callbacks, self.verbose)
        with closing(self._results(missing)) as results:
            n_finished = len(distinct) - len(missing)
            name = self._name(missing)
            consume(results, self.store.add, len(missing), n_finished, *report, name)
        return [finished[cell] for cell in cells]

    def are_finished(self, cells):
        """Return whether none of the cells needs to be run."""
        return all(cell in self.store.cells for cell in cells)

    def _name(self, cells):
        """Return what is swept, such as "top-k N=256 k=4 d=24-110"."""
        decoder = getattr(self.chain, "decoder", None)
        parts = [] if decoder is None else [short_name(type(decoder).__name__)]
        for field, letter in _LETTERS.items():
            values = {getattr(cell, field) for cell in cells if field in cell._fields}
            if values:
                low, high = min(values), max(values)
                parts.append(f"{letter}={low}" + f"-{high}" * (low < high))
        return " ".join(parts)

    def _results(self, cells):
        """Yield each cell and its results as they come."""
        if not cells:
            return
        tasks = [delayed(self.chain.run)(cell, PROCESS) for cell in cells]
        try:
            parallel = Parallel(self.n_jobs, return_as="generator_unordered", batch_size=1)
        except ValueError:  # backends without generators
            n_workers = effective_n_jobs(self.n_jobs)
            for batch in gen_batches(len(tasks), _BATCH * n_workers if n_workers > 1 else 1):
                yield from Parallel(self.n_jobs)(tasks[batch])
        else:
            yield from parallel(tasks)


@contextmanager
def open_runner(
    chain, configuration, random_state, n_jobs, checkpoint, callbacks, verbose, *, table=TRIALS
):
    """Check what the sweeps have in common, and open the checkpoint."""
    check_reports(callbacks, verbose)
    check_jobs(n_jobs)
    configuration = configuration | {name: getattr(chain, name) for name in chain.configured}
    entropy = check_entropy(random_state)
    with closing(Checkpoint(checkpoint, configuration, entropy, table)) as store:
        with single_threaded():
            yield Runner(replace(chain, entropy=store.entropy), store, n_jobs, callbacks, verbose)
