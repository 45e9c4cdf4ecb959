"""A bar that names what is being done, and a line for each thing that is finished."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sksupercode._utils._compilation import time_of_compilation

# Seconds of compilation that a user notices.
_WORTH_A_WORD = 1


class Steps:
    """Steps of a long command, on the standard error: what is printed may go to a file.

    A bar is drawn in a terminal alone, but the lines come everywhere.

    Parameters
    ----------
    n_steps : int
        How many steps there are.
    """

    def __init__(self, n_steps):
        self.n_steps, self.n_finished = n_steps, 0
        columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
        self._progress = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
        self._task = self._progress.add_task("", total=n_steps)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *exception):
        self._progress.stop()

    @contextmanager
    def step(self, name):
        """Say that a step begins, and that it is finished; an error is no end of it.

        Gives a dict for what else has taken how many seconds of it.
        """
        start = time.perf_counter()
        self._progress.update(self._task, description=name)
        with time_of_compilation() as compiled:
            parts = {}
            yield parts
        self.n_finished += 1
        self.reach(0)
        line = f"{name}: {time.perf_counter() - start:.1f} s"
        if compiled() > _WORTH_A_WORD:
            parts = {"compilation, once": compiled(), **parts}
        if parts:
            shares = (f"{seconds:.1f} s {part}" for part, seconds in parts.items())
            line += f", of which {', and '.join(shares)}"
        line += f" ({self.n_finished} of {self.n_steps})"
        self._progress.console.print(line, highlight=False)

    def reach(self, fraction):
        """Let the bar stand at a fraction of the step that goes on."""
        self._progress.update(self._task, completed=self.n_finished + fraction)
