"""The kind of CSR that scikit-learn is configured to give."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from scipy.sparse import csr_array, csr_matrix
from sklearn import get_config


def as_configured_csr(codes):
    """Return CSR as scikit-learn's transformers do: a matrix unless configured otherwise.

    scikit-learn has a setting ``sparse_interface`` since version 1.9; before, it gives matrices.
    """
    cls = csr_array if get_config().get("sparse_interface") == "sparray" else csr_matrix
    return cls(codes)
