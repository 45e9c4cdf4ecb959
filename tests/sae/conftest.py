# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pytest


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch")
