"""Threads for compiled code that releases the GIL.

They live for one call, or for a block of calls, so that forked workers inherit none, and no
threading layer of numba is ever started.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise

from joblib import cpu_count
from threadpoolctl import ThreadpoolController


class _Shared(threading.local):
    threads, is_single = None, False


_shared = _Shared()


def thread_count():
    """Return how many threads a call may use: one in a thread of somebody's pool, or if told so.

    Else as many as there are processors, as far as affinity, container and what joblib sets in its
    workers, ``NUMBA_NUM_THREADS`` and ``OMP_NUM_THREADS``, allow.
    """
    if threading.current_thread() is not threading.main_thread() or _shared.is_single:
        return 1
    limits = [cpu_count()]
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdecimal():
            limits.append(int(value))
    return max(1, min(limits))


@contextmanager
def shared_threads():
    """Start threads that all calls of :func:`in_threads` from this block use.

    Yields how many there are, the caller's included, and a pool of all others.
    """
    if _shared.threads is not None:
        yield _shared.threads
        return
    n_threads = thread_count()
    with ThreadPoolExecutor(max(1, n_threads - 1)) as pool:
        _shared.threads = n_threads, pool
        try:
            yield _shared.threads
        finally:
            _shared.threads = None


def in_threads(function, n_items, *, least=1):
    """Call ``function(start, stop)`` on contiguous parts of ``range(n_items)``, one a thread.

    Returns the results in order. The function releases the GIL, and parts are not shorter than
    ``least``, which should be worth some 100 microseconds.
    """
    if n_items < 2 * least:
        return [function(0, n_items)]
    with shared_threads() as (n_threads, pool):
        n_parts = min(n_threads, n_items // least)
        bounds = [n_items * i // n_parts for i in range(n_parts + 1)]
        first, *others = pairwise(bounds)
        others = [pool.submit(function, *part) for part in others]
        return [function(*first), *(other.result() for other in others)]


@lru_cache(maxsize=1)
def thread_pools(n_modules):
    """Return the thread pools of the libraries that so many modules have loaded.

    To look for them takes longer than many a product; who imports nothing need not do it again.
    """
    return ThreadpoolController()


_single = threading.Lock()
_single_users = 0
_single_limits = None


@contextmanager
def single_blas_thread():
    """Keep BLAS to one thread: products that are small take longer where threads share them.

    The limit is the process's: blocks that overlap share it, and the last to end lifts it.
    """
    global _single_users, _single_limits
    with _single:
        if _single_users == 0:
            limit = thread_pools(len(sys.modules)).limit
            _single_limits = limit(limits=1, user_api="blas")
        _single_users += 1
    try:
        yield
    finally:
        with _single:
            _single_users -= 1
            if _single_users == 0:
                _single_limits.restore_original_limits()


@contextmanager
def one_thread():
    """Keep BLAS and this thread's calls of :func:`in_threads` to one thread.

    BLAS rounds differently with another number of threads.
    """
    before, _shared.is_single = _shared.is_single, True
    try:
        with single_blas_thread():
            yield
    finally:
        _shared.is_single = before
