# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import gc

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Keep BLAS to one thread: the matrices of the tests are too small to share."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def small_heap():
    """Let ``gc.collect`` pass over all that was there before, of which packages hold much."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
