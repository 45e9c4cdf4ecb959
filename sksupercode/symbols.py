"""Sequences of symbols as codes, and back: one active codeword in each section.

Symbols are numbers 0, ..., V - 1. Of S sections of V codewords each, section s stands for position
s of a sequence, or role s of a record, and its codeword v for symbol v. For symbols of other kinds,
such as words, :class:`sklearn.preprocessing.OneHotEncoder` with ``categories=[vocabulary] * S``
makes the same codes and reads them again.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array, issparse

from sksupercode._utils._sections import section_bounds
from sksupercode._utils._validation import as_array, check_codes, check_integer

__all__ = ["codes_from_symbols", "symbols_from_codes"]


def codes_from_symbols(symbols, n_symbols):
    """Return the codes of sequences of symbols: ``y[s V + v_s] = 1``.

    Parameters
    ----------
    symbols : array-like of int of shape (n_samples, n_sections)
        The symbol v_s of each position, from 0 to n_symbols - 1; -1 stands for none. Sequences that
        are shorter than others are filled up with -1.

    n_symbols : int
        Number V of symbols.

    Returns
    -------
    Y : csr_array of float64 of shape (n_samples, n_sections * n_symbols)
        Codes of zeros and ones.

    Raises
    ------
    ValueError
        If symbols is not a matrix of integers, has numbers below -1 or above n_symbols - 1, or
        n_symbols is not an integer of at least 1.

    See Also
    --------
    symbols_from_codes : The way back.
    sklearn.preprocessing.OneHotEncoder : For symbols that are not numbers.

    Examples
    --------
    >>> from sksupercode.symbols import codes_from_symbols
    >>> codes_from_symbols([[2, 0], [1, -1]], n_symbols=3).toarray()
    array([[0., 0., 1., 1., 0., 0.],
           [0., 1., 0., 0., 0., 0.]])
    """
    n_symbols = check_integer(n_symbols, "n_symbols", minimum=1)
    try:
        symbols = np.asarray(as_array(symbols, "symbols"))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            "symbols must be a matrix of integers; fill up shorter sequences with -1."
        ) from error
    if symbols.ndim != 2 or symbols.dtype.kind not in "iu":
        raise ValueError(
            "symbols must be a matrix of integers of shape (n_samples, n_sections), got an array "
            f"of shape {symbols.shape} and dtype {symbols.dtype}."
        )
    if symbols.size and not (symbols.min() >= -1 and symbols.max() < n_symbols):
        raise ValueError(
            f"symbols must be from 0 to n_symbols - 1 = {n_symbols - 1}, or -1 for none, got "
            f"numbers from {symbols.min()} to {symbols.max()}."
        )
    symbols = symbols.astype(np.int64, copy=False)
    n_samples, n_sections = symbols.shape
    rows, sections = np.nonzero(symbols != -1)
    columns = sections * n_symbols + symbols[rows, sections]
    indptr = np.searchsorted(rows, np.arange(n_samples + 1))
    shape = n_samples, n_sections * n_symbols
    return csr_array((np.ones(len(rows)), columns, indptr), shape=shape)


def symbols_from_codes(Y, n_sections):
    """Return the symbol of each section: that of its largest coefficient.

    Parameters
    ----------
    Y : array-like or sparse matrix or array of shape (n_samples, N)
        Codes, such as a decoder predicts.

    n_sections : int
        Number S of sections, contiguous runs of codewords whose sizes differ by at most one.

    Returns
    -------
    symbols : ndarray of int64 of shape (n_samples, n_sections)
        Numbers from 0 to V - 1; -1 where a section has no coefficient other than 0. Of equal
        coefficients the first counts, and negative ones count less than positive ones.

    Raises
    ------
    ValueError
        If Y is not a finite matrix, n_sections is not an integer from 1 to N, or Y is a matrix of
        symbols and not of codes.

    See Also
    --------
    codes_from_symbols : The way there.

    Examples
    --------
    >>> from sksupercode.symbols import symbols_from_codes
    >>> symbols_from_codes([[0, 0, 1, 0.4, 0.9, 0], [0, 1, 0, 0, 0, 0]], n_sections=2)
    array([[ 2,  1],
           [ 1, -1]])
    """
    Y = check_codes(Y, "Y")
    n_sections = check_integer(n_sections, "n_sections", minimum=1, maximum=Y.shape[1])
    refuse_symbols(Y, "Y", n_sections)
    bounds = section_bounds(Y.shape[1], n_sections)
    entries = Y.tocoo()
    rows, columns, values = entries.row, entries.col, entries.data
    sections = np.searchsorted(bounds, columns, side="right") - 1
    symbols = np.full((Y.shape[0], n_sections), -1, dtype=np.int64)
    # The last to be written stays: the largest, and of equals the first.
    order = np.lexsort((-columns, values))
    symbols[rows[order], sections[order]] = (columns - bounds[sections])[order]
    return symbols


def refuse_symbols(Y, name, n_sections):
    """Refuse a matrix of symbols where one of codes belongs, as far as it can be told."""
    if Y.shape[1] == n_sections > 1:
        entries = np.asarray(Y.data if issparse(Y) else Y)
        if np.any(entries > 1) and np.array_equal(entries, np.rint(entries)):
            raise ValueError(
                f"{name} has {n_sections} columns for {n_sections} sections, and numbers up to "
                f"{entries.max():g}, as symbols have, not codes: make codes of them by "
                "sksupercode.symbols.codes_from_symbols."
            )
