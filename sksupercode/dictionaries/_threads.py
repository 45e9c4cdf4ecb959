"""Threads for compiled code that releases the GIL.

They live for one call, so that forked workers inherit none, and no threading layer of numba is ever
started.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from joblib import cpu_count


def thread_count():
    """Return how many threads a call may use.

    As many as there are processors, as far as affinity, container and the environment variables
    ``NUMBA_NUM_THREADS`` and ``OMP_NUM_THREADS`` allow; joblib sets these in its workers. One where
    the caller is a thread of somebody's pool already.
    """
    if threading.current_thread() is not threading.main_thread():
        return 1
    limits = [cpu_count()]
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdecimal():
            limits.append(int(value))
    return max(1, min(limits))


def in_threads(function, n_items, *, least=1):
    """Call ``function(start, stop)`` on contiguous parts of ``range(n_items)``, one a thread.

    Parameters
    ----------
    function : callable
        Releases the GIL.

    n_items : int
        Length of the range.

    least : int, default=1
        Parts are not made shorter than this, which should be worth some 100 microseconds.

    Returns
    -------
    results : list
        What the calls returned, in the order of the parts.
    """
    n_threads = min(thread_count(), max(1, n_items // least))
    bounds = [n_items * i // n_threads for i in range(n_threads + 1)]
    parts = list(pairwise(bounds))
    if n_threads == 1:
        return [function(*part) for part in parts]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(lambda part: function(*part), parts))
