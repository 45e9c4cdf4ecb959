"""Labels of two values each, of one task or several."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from sksupercode._utils._validation import as_array, check_matrix


def check_labelled(Z, name, y):
    """Return a matrix of floats, CSR where it is sparse, and the labels of its rows."""
    Z = check_matrix(Z, name, accept_sparse="csr")
    return Z, check_labels(y, "y", Z.shape[0])


def check_labels(y, name, n_samples, least=1):
    """Return labels 0 and 1 of shape (n_samples, n_tasks).

    A ValueError is raised unless each task has two values, of ``least`` samples or more.
    """
    y = as_array(y, name)
    y = y.toarray() if issparse(y) else y
    if np.ndim(y) > 0 and len(y) > 0:
        options = {"dtype": None, "ensure_2d": False, "ensure_min_features": 0}
        y = check_array(y, input_name=name, **options)
    shape = np.shape(y)
    if len(shape) not in (1, 2) or shape[0] != n_samples or 0 in shape:
        raise ValueError(
            f"{name} must be of shape ({n_samples},) or ({n_samples}, n_tasks), got shape {shape}."
        )
    return np.stack(
        [
            _zeros_and_ones(column, f"{name} must have two values", f"in task {task}", least)
            for task, column in enumerate(y.reshape(n_samples, -1).T)
        ],
        axis=1,
    )


def check_groups(groups, n_samples):
    """Return which samples belong together as an array of one value for each, or None."""
    if groups is None:
        return None
    groups = np.asarray(as_array(groups, "groups"))
    if groups.shape != (n_samples,):
        raise ValueError(
            f"groups must be of shape ({n_samples},), a group for each sample, got shape "
            f"{groups.shape}."
        )
    return groups


def _zeros_and_ones(column, wanted, where, least):
    try:
        values, labels, counts = np.unique(column, return_inverse=True, return_counts=True)
    except TypeError as error:
        raise ValueError(f"{wanted} of one type, got several {where} ({error}).") from error
    if len(values) != 2 or counts.min() < least:
        raise ValueError(
            f"{wanted}, each of {least} samples or more, got {len(values)} of "
            f"{', '.join(map(str, counts[:9]))}{', ...' * (len(counts) > 9)} samples {where}."
            + (
                " For several classes pass a column for each, y[:, np.newaxis] == np.unique(y)."
                if len(values) > 2
                else ""
            )
        )
    return labels
