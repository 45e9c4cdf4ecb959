"""A lock that many may hold to read, and one alone to change things."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import threading
from contextlib import contextmanager


class SharedLock:
    """Threads that read share it; who changes what they read waits until none of them is left.

    One thread at a time may be ``updating``. It alone may ask for ``exclusive`` access, during
    which nobody reads, and may begin to read before it lets others update.
    """

    def __init__(self):
        self.updating = threading.Lock()
        self._condition = threading.Condition()
        self._n_readers = 0
        self._is_exclusive = False

    def begin_reading(self):
        with self._condition:
            self._condition.wait_for(lambda: not self._is_exclusive)
            self._n_readers += 1

    def end_reading(self):
        with self._condition:
            self._n_readers -= 1
            self._condition.notify_all()

    @contextmanager
    def exclusive(self):
        """Keep readers that come from now on waiting, and wait for the others to end."""
        with self._condition:
            self._is_exclusive = True
            try:
                self._condition.wait_for(lambda: self._n_readers == 0)
            except BaseException:
                self._end_exclusion()
                raise
        try:
            yield
        finally:
            with self._condition:
                self._end_exclusion()

    def _end_exclusion(self):
        self._is_exclusive = False
        self._condition.notify_all()


class LockOfProcess:
    """A :class:`SharedLock` for each process: a fork does not inherit what other threads held."""

    def __init__(self):
        self._locks = {}

    def get(self):
        # Atomic, so that threads of a new process get the same.
        return self._locks.setdefault(os.getpid(), SharedLock())
