r"""Compiled Walsh-Hadamard transforms, and sums of few codewords without one.

The transform of n = 2^m numbers takes m rounds of sums and differences of pairs, in any order of
the bits of their positions. The numbers are laid out as a matrix of about sqrt(n) rows, so that
memory is passed over twice, not m times: once for each row, which fits in the processor's first
cache, and once for each strip of a few columns, which is copied to a buffer in the second.

All arithmetic is that of float64 on numbers whose sums are exact there, so neither the order nor
the number of threads can be told from a result.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.dictionaries._sign_kernels import compiled

# Numbers in the buffer of a strip: half a megabyte.
_STRIP_NUMBERS = 2**16
# Columns of a strip, if they fit: whole lines of the cache.
_MOST_COLUMNS = 64
_FEWEST_COLUMNS = 8


@compiled
def row_length(n):
    """Return how long the rows are in which n numbers are laid out: n itself if it is small."""
    if n <= _STRIP_NUMBERS // 2:
        return n
    length = _MOST_COLUMNS
    while length * length < n:
        length *= 2
    return length


@compiled
def transform(x):
    """Replace n = 2^m numbers by their unnormalised Walsh-Hadamard transform."""
    length = row_length(len(x))
    transform_rows(x, length, 0, len(x) // length)
    transform_columns(x, length, 0, n_strips(len(x)))


@compiled
def transform_rows(x, length, start, stop):
    """Transform rows ``start:stop`` of x, laid out in rows of a length."""
    for row in range(start, stop):
        _butterflies(x[row * length : (row + 1) * length], 1)


@compiled
def n_strips(n):
    """Return how many strips :func:`transform_columns` divides the columns into."""
    length = row_length(n)
    return length // _n_columns(n // length)


@compiled
def _n_columns(n_rows):
    """Return how many columns a strip has."""
    return max(_FEWEST_COLUMNS, min(_MOST_COLUMNS, _STRIP_NUMBERS // n_rows))


@compiled
def transform_columns(x, length, start, stop):
    """Transform the columns of strips ``start:stop``."""
    n_rows = len(x) // length
    if n_rows == 1:
        return
    width = _n_columns(n_rows)
    # Columns are too far apart for the cache to hold many of their lines.
    strip = np.empty(n_rows * width)
    for s in range(start, stop):
        for row in range(n_rows):
            first = row * length + s * width
            strip[row * width : (row + 1) * width] = x[first : first + width]
        _butterflies(strip, width)
        for row in range(n_rows):
            first = row * length + s * width
            x[first : first + width] = strip[row * width : (row + 1) * width]


@compiled
def _butterflies(x, h):
    """Replace pairs at distances h, 2 h, ..., len(x) / 2 by their sums and differences."""
    n = len(x)
    if h == 1 and n >= 8:
        for i in range(0, n, 8):
            a0, a1 = x[i] + x[i + 1], x[i] - x[i + 1]
            a2, a3 = x[i + 2] + x[i + 3], x[i + 2] - x[i + 3]
            a4, a5 = x[i + 4] + x[i + 5], x[i + 4] - x[i + 5]
            a6, a7 = x[i + 6] + x[i + 7], x[i + 6] - x[i + 7]
            b0, b2, b1, b3 = a0 + a2, a0 - a2, a1 + a3, a1 - a3
            b4, b6, b5, b7 = a4 + a6, a4 - a6, a5 + a7, a5 - a7
            x[i], x[i + 4], x[i + 1], x[i + 5] = b0 + b4, b0 - b4, b1 + b5, b1 - b5
            x[i + 2], x[i + 6], x[i + 3], x[i + 7] = b2 + b6, b2 - b6, b3 + b7, b3 - b7
        h = 8
    while 4 * h <= n:
        for i in range(0, n, 4 * h):
            p, q = x[i : i + h], x[i + h : i + 2 * h]
            u, v = x[i + 2 * h : i + 3 * h], x[i + 3 * h : i + 4 * h]
            for j in range(h):
                a, b, c, d = p[j] + q[j], p[j] - q[j], u[j] + v[j], u[j] - v[j]
                p[j], q[j], u[j], v[j] = a + c, b + d, a - c, b - d
        h *= 4
    while 2 * h <= n:
        for i in range(0, n, 2 * h):
            p, q = x[i : i + h], x[i + h : i + 2 * h]
            for j in range(h):
                p[j], q[j] = p[j] + q[j], p[j] - q[j]
        h *= 2


@compiled
def scatter(vector, places, x):
    """Add the numbers of a vector to x at their places."""
    for j in range(len(vector)):
        x[places[j]] += vector[j]


@compiled
def gather(x, places, signs, factor, out, start, stop):
    """Set ``out[i] = signs[i] x[places[i]] factor`` for i in ``start:stop``."""
    for i in range(start, stop):
        out[i] = signs[i] * x[places[i]] * factor


@compiled
def correlate(vectors, rows, columns, signs, order, factor, scores, start, stop):
    """Set ``scores[m, i] = factor signs[i] sum_j H[columns[i], rows[j]] vectors[m, j]``.

    For the vectors m in ``start:stop``; H is the Hadamard matrix of an order.
    """
    x = np.empty(order)
    for m in range(start, stop):
        x[:] = 0
        scatter(vectors[m], rows, x)
        transform(x)
        gather(x, columns, signs, factor, scores[m], 0, len(columns))


@compiled
def superpose(indptr, indices, data, rows, columns, signs, order, most_direct, out, start, stop):
    """Set ``out[m, j] = sum_i H[columns[i], rows[j]] signs[i] y_i`` for rows m of CSR codes y.

    Up to ``most_direct`` nonzeros are added one after the other, more are transformed.
    """
    x = np.empty(0)
    for m in range(start, stop):
        first, last = indptr[m], indptr[m + 1]
        if last - first <= most_direct:
            out[m] = 0
            for place in range(first, last):
                i = indices[place]
                add_codeword(columns[i], signs[i] * data[place], rows, out[m])
        else:
            if not len(x):
                x = np.empty(order)
            x[:] = 0
            for place in range(first, last):
                i = indices[place]
                x[columns[i]] = signs[i] * data[place]
            transform(x)
            for j in range(len(rows)):
                out[m, j] = x[rows[j]]


@compiled
def add_codeword(column, value, rows, out):
    """Add ``value H[column, rows[j]]``, whose sign is the parity of the common bits, to out."""
    for j in range(len(rows)):
        bits = np.int64(column & rows[j])
        bits ^= bits >> 32
        bits ^= bits >> 16
        bits ^= bits >> 8
        bits ^= bits >> 4
        bits ^= bits >> 2
        bits ^= bits >> 1
        out[j] += value * (1.0 - 2.0 * (bits & 1))
