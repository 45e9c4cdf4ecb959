"""Samples in random order, from arrays in memory, mapped from files, or of Dask."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
import sys

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import MOST_ROWS, read_block
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._norms import MomentsByNorm, row_norms, warn_of_massive
from sksupercode._utils._validation import require_matrix

# Of an array that is computed when it is read, so many batches are read at once.
_AT_A_TIME = 8


def is_lazy(X):
    """Return whether X is an array of Dask, whose slices are computed when they are asked for."""
    dask = sys.modules.get("dask")
    return dask is not None and dask.is_dask_collection(X) and hasattr(X, "ndim")


def check_lazy_samples(estimator, X, *, reset):
    """Return an array of Dask if it has the shape of samples; its numbers are checked when read."""
    require_matrix(X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X must be a matrix with samples, got shape {tuple(X.shape)}.")
    name, n_features = type(estimator).__name__, X.shape[1]
    if reset:
        estimator.n_features_in_ = n_features
        vars(estimator).pop("feature_names_in_", None)
    elif n_features != estimator.n_features_in_:
        raise ValueError(
            f"X has {n_features} features, but {name} is expecting {estimator.n_features_in_} "
            "features as input."
        )
    return X


def shuffled_batches(X, rows, batch_size, rng, run_length=0):
    """Yield all rows once, in random order, as checked float blocks.

    Lazy arrays are read in runs of several batches, or of ``run_length`` rows if that is more, in
    random order, and shuffled inside of these. An array of one run comes as one in memory does.
    """
    if not is_lazy(X):
        order = rng.permutation(rows)
        for batch in gen_batches(len(order), batch_size):
            # In order of storage, for the sake of mapped files.
            yield read_block(X, np.sort(order[batch]))
        return
    runs = list(gen_batches(len(rows), max(run_length, _AT_A_TIME * batch_size)))
    for place in rng.permutation(len(runs)):
        block = read_rows(X, rows[runs[place]])
        order = rng.permutation(len(block))
        for batch in gen_batches(len(order), batch_size):
            yield block[np.sort(order[batch])]


def read_rows(X, rows):
    """Return some rows in increasing order; a range of them is read as one."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        rows = slice(int(rows[0]), int(rows[-1]) + 1)
    return read_block(X, rows)


def rows_to_learn(X, max_norm, *, may_be_none=False):
    """Return the rows of samples of no larger norm than that, which are read once to tell.

    A ValueError is raised where none is left, unless that may be.
    """
    rows = np.arange(len(X))
    if max_norm is None or max_norm == math.inf:
        return rows
    parts = gen_batches(len(X), MOST_ROWS)
    kept = [row_norms(read_rows(X, rows[part])) <= max_norm for part in parts]
    rows = rows[np.concatenate(kept)]
    if not (len(rows) or may_be_none):
        raise ValueError(
            f"max_norm must leave samples to learn from, got {max_norm}, which is less than the "
            f"norms of all {len(X)}."
        )
    return rows


def moments_of(X, rows, moments=None):
    """Return the moments of samples, with others that came before."""
    moments = RunningMoments() if moments is None else moments
    for part in gen_batches(len(rows), MOST_ROWS):
        moments.add(read_rows(X, rows[part]))
    return moments


def first_moments(X, rows):
    """Return the moments of the samples that learning begins with, and warn of massive ones."""
    moments = moments_of(X, rows, MomentsByNorm())
    warn_of_massive(
        moments,
        "these are learned first, and little of the others: pass max_norm={norm} to leave them "
        "out.",
    )
    return moments.total()
