"""Compiled update of codewords one after the other, for codes that stay as they are."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import reassociated


@reassociated
def update_columns(pointers, rows, values, rates, order, residuals, codewords, start, stop):
    """Update the columns from ``start`` to ``stop`` of codewords, and of the residuals.

    The coefficients of codeword j are ``values[pointers[j]:pointers[j + 1]]``, on samples ``rows``;
    its step is ``rates[j]`` times the sum of residuals times coefficients.
    """
    step = np.empty(stop - start, dtype=np.float32)
    for j in order:
        first, last = pointers[j], pointers[j + 1]
        if first == last:
            continue
        step[:] = 0
        for t in range(first, last):
            value, row = values[t], rows[t]
            for c in range(start, stop):
                step[c - start] += value * residuals[row, c]
        for c in range(start, stop):
            step[c - start] *= rates[j]
            codewords[j, c] += step[c - start]
        for t in range(first, last):
            value, row = values[t], rows[t]
            for c in range(start, stop):
                residuals[row, c] -= value * step[c - start]
