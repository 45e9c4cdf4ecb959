r"""Where rows of a Gram matrix are kept, 16 bits a number, within a budget.

Every row has a scale s of its own, with which :math:`G_{ij} \approx s q_{ij}` for integers
:math:`\lvert q \rvert < 2^{15}`. Of a large matrix that would not fit in whole they are below
:math:`2^7`, since a row that is given up takes much longer to compute than what its error costs.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager, nullcontext
from itertools import count
from weakref import WeakValueDictionary

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import block_length
from sksupercode._utils._config import get_config
from sksupercode._utils._shared_lock import LockOfProcess
from sksupercode._utils._threads import in_threads

# Half a unit, and the rounding of the quotients that are rounded to integers.
_ROUNDING = 0.51
# From so many codewords on, numbers may have 8 bits.
_LARGE = 2**14
# Of rows computed at a time: more take memory and spare no time.
_MOST_ROWS = 1024
# Sums of at least so many products are worth to be copied from other rows, where one of so many
# columns is: memory is read in lines.
_WORTH_COPYING, _COLUMNS_IN_A_LINE = 256, 32


class Rows:
    """Some rows of the Gram matrix of N normalised codewords, without its diagonal.

    Attributes
    ----------
    slots : int32 ndarray of shape (N,)
        Where the row of each codeword is, -1 where it is not here.

    numbers : int16 or int8 ndarray of shape (capacity, N)
        The integers q; those of the diagonal are 0.

    scales : float64 ndarray of shape (capacity,)
        Row i of G is ``scales[slots[i]] * numbers[slots[i]]``.

    errors : float64 ndarray of shape (capacity,)
        Bounds on the error of any number of a row, in floating-point sums and by rounding to q.
    """

    def __init__(self, capacity, n_features, n_components, dtype):
        # Memory of these is taken as rows come.
        self.numbers = np.empty((capacity, n_features), dtype=dtype)
        self.scales = np.zeros(capacity)
        self.errors = np.zeros(capacity)
        self.slots = np.full(n_features, -1, dtype=np.int32)
        self._last_use = np.zeros(capacity, dtype=np.int64)
        self._clock = count(1)
        # Whether numbers are copied from other rows. Once rows are given up, nobody knows which of
        # them were copied already, and less precise.
        self._copies = n_components >= _WORTH_COPYING

    @property
    def capacity(self):
        """How many rows there is room for."""
        return len(self.scales)

    @property
    def error(self):
        """The largest of the bounds of rows that are here."""
        held = self.slots[self.slots >= 0]
        return float(self.errors[held].max(initial=0.0))

    def missing(self, indices):
        """Return those of some codewords whose rows are not here; the others count as used."""
        slots = self.slots[indices]
        self._last_use[slots[slots >= 0]] = next(self._clock)
        return indices[slots < 0]

    def room_for(self, indices, kept):
        """Return slots for new rows, and the codewords whose rows are there now.

        Empty slots come first, then those not used for longest, but for the ``kept`` codewords.
        """
        owners = np.full(self.capacity, -1)
        held = np.flatnonzero(self.slots >= 0)
        owners[self.slots[held]] = held
        order = np.where(owners >= 0, self._last_use, -1)
        order[self.slots[kept][self.slots[kept] >= 0]] = np.iinfo(np.int64).max
        slots = np.argsort(order, kind="stable")[: len(indices)]
        return slots, owners[slots][owners[slots] >= 0]

    def move(self, gone, come, slots):
        """Change whose rows are here. Who reads keeps the ``slots`` that it has."""
        changed = self.slots.copy()
        changed[gone] = -1
        self._copies &= len(gone) == 0
        changed[come] = slots
        self.slots = changed
        self._last_use[slots] = next(self._clock)

    def compute(self, indices, compute, error, out):
        """Compute rows in float32; return the order of their columns, and a bound on the error.

        The order is None where columns are in that of codewords. What rows that are here tell,
        since G is symmetric, is not computed again.
        """
        from sksupercode.dictionaries._gram_store_kernels import copy_columns

        held = np.flatnonzero(self.slots >= 0)
        is_worth = _COLUMNS_IN_A_LINE * len(indices) >= len(self.slots)
        if not (self._copies and is_worth and len(held)):
            compute(indices, None, out)
            return None, error
        columns, slots = np.flatnonzero(self.slots < 0), self.slots[held]
        compute(indices, columns, out[:, : len(columns)])

        def copy(start, stop):
            some = out[:, len(columns) + start : len(columns) + stop]
            copy_columns(self.numbers, self.scales, slots[start:stop], indices, some)

        in_threads(copy, len(held), least=max(1, 2**18 // len(indices)))
        # These numbers were computed, and not copied: their rows were first.
        return np.concatenate([columns, held]), error + (_ROUNDING + 2**-8) * self.scales[
            slots
        ].max()

    def write(self, slots, indices, rows, order, error):
        """Store rows in float32 with columns in some order, of an error of at most ``error``."""
        from sksupercode.dictionaries._gram_store_kernels import quantize

        if order is not None:
            places = np.empty(len(order), dtype=np.intp)
            places[order] = np.arange(len(order))
            indices = places[indices]
        rows[np.arange(len(rows)), indices] = 0

        def write(start, stop):
            ordered = np.empty(rows.shape[1], self.numbers.dtype)
            for slot, row in zip(slots[start:stop], rows[start:stop], strict=True):
                numbers = self.numbers[slot] if order is None else ordered
                self.scales[slot] = quantize(row, numbers)
                if order is not None:
                    self.numbers[slot, order] = numbers
                self.errors[slot] = error + _ROUNDING * self.scales[slot]

        in_threads(write, len(rows), least=max(1, 2**16 // rows.shape[1]))


class GramStore:
    """Rows that were computed, kept for later calls as far as ``gram_memory`` allows.

    Any number of threads read at the same time. Rows that find room are added meanwhile; others are
    given up, those not used for longest first, when nobody reads.
    """

    def __init__(self, n_features, n_components):
        self._n_features, self._n_components = n_features, n_components
        self._rows = self._new_rows(0, np.dtype(np.int16))
        self._lock = LockOfProcess()
        # Those whose rows these are, by their identity.
        self.arrays = WeakValueDictionary()

    @property
    def nbytes(self):
        """Bytes of the rows that are kept."""
        numbers = self._rows.numbers
        return numbers.itemsize * self._n_features * int((self._rows.slots >= 0).sum())

    def _budget(self):
        """How many rows are kept, how many one call may drop after use, and their dtype."""
        n_features, budget = self._n_features, int(get_config()["gram_memory"] * 2**20)
        is_short = n_features >= _LARGE and budget < 2 * n_features**2
        dtype = np.dtype(np.int8 if is_short else np.int16)
        n_bytes = dtype.itemsize * n_features
        n_dropped = min(n_features, block_length(n_bytes, share=0.125))
        return min(n_features, budget // n_bytes), n_dropped, dtype

    def _new_rows(self, capacity, dtype):
        return Rows(capacity, self._n_features, self._n_components, dtype)

    @property
    def capacity(self):
        """How many rows one call can have."""
        return max(self._budget()[:2])

    @contextmanager
    def rows(self, indices, compute, error):
        """Give rows for a block of code; see :meth:`GramRows.rows`.

        ``compute(indices, columns, out)`` writes some columns of rows in float32, with an error of
        at most ``error``.
        """
        _, first = np.unique(indices, return_index=True)
        indices = indices[np.sort(first)]
        lock = self._lock.get()
        capacity, n_dropped, dtype = self._budget()
        if (self._rows.capacity, self._rows.numbers.dtype) != (capacity, dtype):
            with lock.updating:
                self._rows = self._new_rows(capacity, dtype)
        if capacity < min(len(indices), n_dropped):
            indices = indices[:n_dropped]
            rows = self._new_rows(len(indices), dtype)
            _fill(rows, indices, indices, compute, error, nullcontext)
            yield rows
            return
        rows = self._begin_reading(lock, indices[:capacity], compute, error)
        try:
            yield rows
        finally:
            lock.end_reading()

    def _begin_reading(self, lock, indices, compute, error):
        """Return the rows when those of all indices are there, and cannot go."""
        lock.begin_reading()
        rows = self._rows
        if not len(rows.missing(indices)):
            return rows
        lock.end_reading()
        with lock.updating:
            rows = self._rows
            indices = indices[: rows.capacity]
            _fill(rows, rows.missing(indices), indices, compute, error, lock.exclusive)
            lock.begin_reading()
            return rows


def _fill(rows, missing, kept, compute, error, exclusive):
    """Put in rows that are missing, without giving up those that are to be ``kept``."""
    if not len(missing):
        return
    n_features = len(rows.slots)
    length = min(_MOST_ROWS, len(missing), block_length(8 * n_features, share=0.25))
    computed = np.empty((length, n_features), dtype=np.float32)
    for part in gen_batches(len(missing), length):
        indices = missing[part]
        some = computed[: len(indices)]
        order, bound = rows.compute(indices, compute, error, some)
        slots, gone = rows.room_for(indices, kept)
        with exclusive() if len(gone) else nullcontext():
            rows.move(gone, [], [])
            rows.write(slots, indices, some, order, bound)
            rows.move([], indices, slots)
