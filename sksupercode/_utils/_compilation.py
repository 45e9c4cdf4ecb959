"""The time that numba takes to compile, which is none of an algorithm's."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import threading
from contextlib import contextmanager


@contextmanager
def time_of_compilation():
    """Give a function that tells how many seconds of a block have been compilation so far.

    In the main thread that of all threads, which work for it, and in others their own.
    """
    # Not a module in it: threads would not wait for the one that imports all of it.
    import numba

    event = numba.core.event
    own = threading.current_thread()
    is_main = own is threading.main_thread()

    class Listener(event.TimingListener):
        def notify(self, event):
            if is_main or threading.current_thread() is own:
                super().notify(event)

    listener = Listener()
    with event.install_listener("numba:compile", listener):
        yield lambda: listener.duration if listener.done else 0.0
