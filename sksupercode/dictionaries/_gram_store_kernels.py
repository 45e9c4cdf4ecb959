"""Compiled copying of rows of a Gram matrix into 8 or 16 bits a number."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled

_LANES = 16


@compiled
def quantize(values, numbers):
    """Write ``numbers = values / scale``, rounded, and return the scale."""
    largest = _largest_magnitude(values)
    most = 2 ** (8 * numbers.itemsize - 1) - 1
    factor = np.float32(most / largest) if largest > 0 else np.float32(0)
    for c in range(len(values)):
        # Of as many bits as the array has.
        numbers[c] = np.int32(np.rint(values[c] * factor))
    return largest / most


@partial(compiled, fastmath={"nnan", "nsz", "reassoc"})
def _largest_magnitude(values):
    largest = np.zeros(_LANES, dtype=np.float32)
    for first in range(0, len(values) - _LANES + 1, _LANES):
        for lane in range(_LANES):
            value = abs(values[first + lane])
            largest[lane] = value if value > largest[lane] else largest[lane]
    for c in range(len(values) - len(values) % _LANES, len(values)):
        largest[0] = max(largest[0], abs(values[c]))
    return largest.max()


@compiled
def copy_columns(numbers, scales, slots, columns, out):
    """Write ``out[b, i] = scale_i q[slot_i, column_b]``: rows that others of the matrix tell."""
    for first in range(0, len(slots), _LANES):
        last = min(first + _LANES, len(slots))
        for b in range(len(columns)):
            for i in range(first, last):
                number = np.float32(numbers[slots[i], columns[b]])
                out[b, i] = np.float32(scales[slots[i]]) * number
