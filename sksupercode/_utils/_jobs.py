"""Samples that are decoded one by one, in joblib's workers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_even_slices

from sksupercode._utils._threads import single_blas_thread
from sksupercode._utils._validation import check_integer

# So many batches for each worker even out samples that take longer than others.
_BATCHES = 4


def check_jobs(n_jobs):
    """Refuse a number of jobs that joblib does not know."""
    if check_integer(n_jobs, "n_jobs", allow_none=True) == 0:
        raise ValueError("n_jobs must be an integer other than 0, or None; got 0.")


def in_jobs(function, rows, n_jobs):
    """Return ``[function(row) for row in rows]``, computed by ``n_jobs`` workers of joblib.

    The function can be pickled, and makes products too small to share among threads of BLAS.
    """
    n_batches = min(len(rows), _BATCHES * effective_n_jobs(n_jobs))
    if n_batches <= _BATCHES and effective_n_jobs(n_jobs) == 1:
        return _apply(function, rows)
    parts = gen_even_slices(len(rows), n_batches)
    batches = Parallel(n_jobs=n_jobs)(delayed(_apply)(function, rows[part]) for part in parts)
    return [result for batch in batches for result in batch]


def _apply(function, rows):
    with single_blas_thread():
        return [function(row) for row in rows]
