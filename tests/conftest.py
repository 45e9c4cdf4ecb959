# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import gc

import pytest
from threadpoolctl import threadpool_limits


def pytest_collection_modifyitems(items):
    """Test decoders first, what uses them last: else two workers compile the same at once."""
    items.sort(key=lambda item: item.path.parent.name in ("learning", "sae"))


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Keep BLAS to one thread: the matrices of the tests are too small to share."""
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True, scope="session")
def frozen():
    """Let the garbage collector pass over packages and collected tests, which stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def small_heap():
    """Let ``gc.collect`` pass over all that earlier tests have left, too."""
    gc.collect()
    gc.freeze()
