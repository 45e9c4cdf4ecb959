"""Compiled sums over the samples of each codeword, for codes that stay as they are."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

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


@reassociated
def principal_directions(pointers, rows, residuals, directions, energies, n_iter, start, stop):
    """Find the direction that most of the residuals of a codeword's samples are along.

    By power iteration, from the longest of them. ``energies`` get the sum of their squares along
    it.
    """
    n_components = residuals.shape[1]
    following = np.empty(n_components, dtype=np.float32)
    for j in range(start, stop):
        first, last = pointers[j], pointers[j + 1]
        direction, longest = directions[j], np.float32(0)
        for t in range(first, last):
            residual, squared = residuals[rows[t]], np.float32(0)
            for c in range(n_components):
                squared += residual[c] * residual[c]
            if squared > longest:
                longest = squared
                direction[:] = residual
        norm = math.sqrt(longest)
        energies[j] = 0.0
        for _ in range(n_iter):
            if not norm > 0:
                break
            for c in range(n_components):
                direction[c] /= norm
            following[:] = 0
            for t in range(first, last):
                residual, product = residuals[rows[t]], np.float32(0)
                for c in range(n_components):
                    product += residual[c] * direction[c]
                for c in range(n_components):
                    following[c] += product * residual[c]
            squared = np.float32(0)
            for c in range(n_components):
                squared += following[c] * following[c]
            norm = energies[j] = math.sqrt(squared)
            direction[:] = following
        if norm > 0:
            for c in range(n_components):
                direction[c] /= norm
