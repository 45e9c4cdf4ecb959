"""Compiled widening of float16, several times as fast as NumPy's."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled


def widen(array):
    """Return a finite matrix of float16 in float32, the same numbers."""
    floats = np.empty(array.shape, dtype=np.float32)
    _widen(array.view(np.int16), floats, floats.view(np.int32))
    return floats


@compiled
def _widen(halves, floats, words):
    # Five bits of exponent become eight, whose zero is at 127 instead of 15.
    more = np.int32((127 - 15) << 23)
    unit = np.float32(2.0**-24)
    for i in range(len(halves)):
        for j in range(halves.shape[1]):
            half = np.int32(halves[i, j])
            sign = half & np.int32(-(2**31))
            words[i, j] = sign | (((half & np.int32(0x7FFF)) << np.int32(13)) + more)
        for j in range(halves.shape[1]):
            # Numbers without a leading one, 0 among them.
            half = np.int32(halves[i, j])
            size = half & np.int32(0x7FFF)
            small = np.float32(size) * unit
            small = -small if half < 0 else small
            floats[i, j] = small if size < np.int32(0x400) else floats[i, j]
