"""Blocks: how many samples or codewords are held in memory at once."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config

from sksupercode._utils._validation import as_array, check_matrix, require_matrix

# Of rows read at a time: more take memory and spare no time.
MOST_ROWS = 4096


def block_length(bytes_per_item, *, share=1.0):
    """Return how many items fit in a share of scikit-learn's ``working_memory``, at least one."""
    budget = share * get_config()["working_memory"] * 2**20
    return max(1, int(budget // max(1, bytes_per_item)))


def batches(n_items, length):
    """Yield slices of ``length`` items each, and one of those that are left.

    :func:`sklearn.utils.gen_batches` takes a hundred times as long, to check its parameters.
    """
    return (slice(start, min(start + length, n_items)) for start in range(0, n_items, length))


def rows_per_block(n_components):
    """Return how many samples of d dimensions to read at once, with what is computed of them."""
    return min(MOST_ROWS, block_length(80 * n_components))


def check_readable(X, name="X"):
    """Return a dense matrix with samples, whose numbers :func:`read_block` checks when it is read.

    What has a shape stays as it is, perhaps mapped from a file; anything else becomes an array.
    """
    if issparse(X):
        raise ValueError(f"{name} must be dense, got a {type(X).__name__} of shape {X.shape}.")
    require_matrix(X, name)
    X = X if hasattr(X, "shape") else check_matrix(X, name)
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(f"{name} must be a matrix with samples, got shape {tuple(X.shape)}.")
    return X


def read_block(X, rows, name="X"):
    """Return some rows of a matrix that may be mapped from a file, as finite float32 or float64.

    In C order, since the order of numbers in memory is that in which they are summed.
    """
    block = np.asarray(as_array(X[rows], name))
    if block.dtype.itemsize == 2:
        # Half precision, bfloat16 of other packages included.
        block = block.astype(np.float32)
    return check_matrix(block, name, order="C")
