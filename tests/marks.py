"""Marks of tests that cannot run everywhere."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pytest

from sksupercode.dictionaries._packed_signs import compilation_is_enabled


def long(*values):
    """Values of a parameter, or tuples for several, with which a test is among the long ones."""
    each = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*value, marks=pytest.mark.long) for value in each]


needs_kernels = pytest.mark.skipif(
    not compilation_is_enabled(), reason="NUMBA_DISABLE_JIT: there are no compiled kernels"
)
