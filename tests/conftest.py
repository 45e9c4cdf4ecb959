# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import gc

import pytest
from threadpoolctl import threadpool_limits

WITHOUT_DECODERS = {"datasets", "dictionaries", "theory"}


def pytest_collection_modifyitems(items):
    """Let one worker begin with decoders and the other with what does without them.

    What uses decoders comes later for both, or they would compile the same at once.
    """
    folders = [item.path.parent.name for item in items]

    def of(is_one):
        return [item for item, folder in zip(items, folders, strict=True) if is_one(folder)]

    decoders = of(lambda folder: folder == "decoders")
    others = of(lambda folder: folder in WITHOUT_DECODERS)
    users = of(lambda folder: folder not in {"decoders", *WITHOUT_DECODERS})
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
