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
    "test_common.py",
    "test_tensors.py",
}


def pytest_collection_modifyitems(items):
    """Let one worker begin with decoders and the other with what does without them.

    What uses decoders comes later for both, or they would compile the same at once.
    """
    decoders, users, others = [], [], []
    for item in items:
        parts = set(item.path.parts)
        is_user = not parts.isdisjoint(USERS_OF_DECODERS)
        (users if is_user else decoders if "decoders" in parts else others).append(item)
    # Each of two workers starts with half of them.
    n = max(0, len(items) // 2 - len(decoders))
    items[:] = decoders + users[:n] + others + users[n:]


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
