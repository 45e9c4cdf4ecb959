"""Marks of tests that cannot run everywhere."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pytest

from sksupercode.dictionaries._packed_signs import compilation_is_enabled

needs_kernels = pytest.mark.skipif(
    not compilation_is_enabled(), reason="NUMBA_DISABLE_JIT: there are no compiled kernels"
)
