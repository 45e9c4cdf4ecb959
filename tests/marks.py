"""Marks of tests that cannot run everywhere."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pytest

from sksupercode.dictionaries._packed_signs import compilation_is_enabled


def long(*values):
    """Values of a parameter with which a test is among the long ones."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


needs_kernels = pytest.mark.skipif(
    not compilation_is_enabled(), reason="NUMBA_DISABLE_JIT: there are no compiled kernels"
)
