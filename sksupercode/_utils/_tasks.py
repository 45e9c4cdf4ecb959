"""Tasks of joblib that share an object, and give the same numbers and warnings in any worker."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import threading
import warnings
from contextlib import contextmanager
from uuid import uuid4

from joblib import Parallel, delayed
from sklearn import config_context, get_config

from sksupercode._utils import _config
from sksupercode._utils._threads import one_thread

_lock = threading.Lock()
# What this process unpickled, the latest alone.
_received = {}
# Lists of warnings by thread; what restores the filters once none records; who shows the others.
_logs, _filters, _show = {}, None, None
_registry = {}


class Shared:
    """An object that tasks read. A worker keeps the first copy, with all that it has computed.

    Large arrays in it are mapped from shared memory in joblib's own processes. Dask's workers get
    it once for each call of :func:`run_tasks`.
    """

    def __init__(self, value, key=None):
        self.value = value
        self.key = key or uuid4().hex

    def __reduce__(self):
        return _receive, (self.value, self.key)

    def __sizeof__(self):
        # So large that joblib does not send it to Dask with every task.
        return 2**20


def _receive(value, key):
    with _lock:
        if key not in _received:
            _received.clear()
            _received[key] = Shared(value, key)
        return _received[key]


def run_tasks(function, shared, tasks, n_jobs):
    """Return ``[function(shared.value, *task) for task in tasks]``, computed by joblib's workers.

    Each task has one thread and the caller's configuration, so that it rounds as in any other
    worker. Warnings come in the order of the tasks.
    """
    configs = get_config(), _config.get_config()
    calls = (delayed(_call)(function, shared, configs, *task) for task in tasks)
    results = []
    for result, log in Parallel(n_jobs=n_jobs)(calls):
        for warning in log:
            warnings.warn_explicit(*warning, registry=_registry)
        results.append(result)
    return results


def _call(function, shared, configs, *task):
    sklearn_config, config = configs
    if config != _config.get_config():
        _config.set_config(**config)
    with config_context(**sklearn_config), one_thread(), recorded_warnings() as log:
        return function(shared.value, *task), log


@contextmanager
def recorded_warnings():
    """Yield a list of the arguments of ``warn_explicit``, for all warnings of this thread.

    Filters are the process's: threads that record at a time share them, and the last to end
    restores them. A block in another has its warnings for itself.
    """
    global _filters, _show
    thread, log = threading.get_ident(), []
    with _lock:
        if not _logs:
            _filters, _show = warnings.catch_warnings(), warnings.showwarning
            _filters.__enter__()
            warnings.simplefilter("always")
            warnings.showwarning = _record
        outer, _logs[thread] = _logs.get(thread), log
    try:
        yield log
    finally:
        with _lock:
            if outer is None:
                del _logs[thread]
            else:
                _logs[thread] = outer
            if not _logs:
                _filters.__exit__(None, None, None)


def _record(message, category, filename, lineno, file=None, line=None):
    log = _logs.get(threading.get_ident())
    if log is None:
        _show(message, category, filename, lineno, file, line)
    else:
        log.append((message, category, filename, lineno))
