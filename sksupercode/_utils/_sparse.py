"""The kinds of output that scikit-learn is configured to give, where output is CSR."""

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


def refuse_sparse_frames(transformer):
    """Raise a ValueError where CSR would have to become a data frame.

    Parameters
    ----------
    transformer : estimator
        One whose ``transform`` is about to return CSR.

    Raises
    ------
    ValueError
        If pandas or polars output is configured, for this transformer or globally.
    """
    configured = getattr(transformer, "_sklearn_output_config", {})
    container = configured.get("transform", get_config()["transform_output"])
    if container != "default":
        raise ValueError(
            f"{container} output does not support sparse data: set sparse_output=False, or "
            "set_output(transform='default')."
        )
