# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import gc

import pytest
from threadpoolctl import threadpool_limits

USERS_OF_DECODERS = {
    "learning",
    "model_selection",
    "sae",
    "test_benchmarks.py",
    "test_cli_compare.py",
}


def pytest_collection_modifyitems(items):
    """Test decoders first, what uses them last: else two workers compile the same at once."""
    items.sort(key=lambda item: not USERS_OF_DECODERS.isdisjoint(item.path.parts))


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
