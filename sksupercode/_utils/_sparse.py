"""CSR arrays of codes, and the kinds of output that scikit-learn is configured to give."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn import get_config


def as_configured_csr(codes):
    """Return CSR as scikit-learn's transformers do: a matrix unless configured otherwise.

    scikit-learn has a setting ``sparse_interface`` since version 1.9; before, it gives matrices.
    """
    cls = csr_array if get_config().get("sparse_interface") == "sparray" else csr_matrix
    return cls(codes)


def refuse_sparse_frames(transformer):
    """Raise a ValueError where pandas or polars output is configured, and CSR is about to come."""
    configured = getattr(transformer, "_sklearn_output_config", {})
    container = configured.get("transform", get_config()["transform_output"])
    if container != "default":
        raise ValueError(
            f"{container} output does not support sparse data: set sparse_output=False, or "
            "set_output(transform='default')."
        )


def to_csr(indices, values, n_features):
    """Make a CSR array of (indices, values), without the empty places."""
    kept = values != 0
    Z = assemble_csr(kept.sum(axis=1), indices[kept], values[kept], n_features)
    Z.eliminate_zeros()
    return Z


def assemble_csr(counts, indices, values, n_features):
    """Make a CSR array of the entries of all rows, of which there are so many in each.

    Those of one row that are named twice are summed.
    """
    indptr = np.concatenate([[0], np.cumsum(counts)])
    index_dtype = np.int32 if max(indptr[-1], n_features) < 2**31 else np.int64
    parts = values, indices.astype(index_dtype), indptr.astype(index_dtype)
    Z = csr_array(parts, shape=(len(counts), n_features))
    Z.sum_duplicates()
    return Z


def pad_rows(codes):
    """Stack (indices, values) of different lengths, filling up with values of 0."""
    length = max((len(indices) for indices, _ in codes), default=0)
    indices = np.zeros((len(codes), length), dtype=np.intp)
    values = np.zeros((len(codes), length))
    for row, (columns, data) in enumerate(codes):
        indices[row, : len(columns)] = columns
        values[row, : len(columns)] = data
    return indices, values
