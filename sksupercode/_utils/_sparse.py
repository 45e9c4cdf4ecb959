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
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    index_dtype = np.int32 if max(indptr[-1], n_features) < 2**31 else np.int64
    Z = csr_array(
        (values[kept], indices[kept].astype(index_dtype), indptr.astype(index_dtype)),
        shape=(len(values), n_features),
    )
    Z.sum_duplicates()
    Z.eliminate_zeros()
    return Z
