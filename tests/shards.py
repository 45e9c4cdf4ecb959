"""Files of activations as one array of Dask."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest


def shards(X, folder):
    """Return X as three files of different lengths that are mapped when they are read."""
    array = pytest.importorskip("dask.array", reason="needs Dask")
    delayed = pytest.importorskip("dask", reason="needs Dask").delayed
    parts = []
    for start, stop in ((0, 90), (90, 230), (230, len(X))):
        path = folder / f"shard_{start}.npy"
        np.save(path, X[start:stop])
        lazy = delayed(np.load)(path, mmap_mode="r")
        parts.append(array.from_delayed(lazy, (stop - start, X.shape[1]), X.dtype))
    return array.concatenate(parts)
