"""Compiled copying of rows of a Gram matrix into 16 bits a number."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled

LARGEST = 2**15 - 1


@compiled
def quantize(values, order, numbers):
    """Write ``numbers[order] = values / scale``, rounded, and return the scale."""
    largest = np.float32(0)
    for value in values:
        value = abs(value)
        largest = value if value > largest else largest
    factor = np.float32(LARGEST / largest) if largest > 0 else np.float32(0)
    for c in range(len(values)):
        numbers[order[c]] = np.int16(np.rint(values[c] * factor))
    return largest / LARGEST


@compiled
def copy_columns(numbers, scales, slots, columns, out):
    """Write ``out[b, i] = scale_i q[slot_i, column_b]``: rows that others of the matrix tell."""
    for i in range(len(slots)):
        row, scale = numbers[slots[i]], np.float32(scales[slots[i]])
        for b in range(len(columns)):
            out[b, i] = scale * np.float32(row[columns[b]])
