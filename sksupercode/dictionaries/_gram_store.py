r"""Where rows of a Gram matrix are kept, 16 bits a number, within a budget.

Every row has a scale s of its own, with which :math:`G_{ij} \approx s q_{ij}` for integers
:math:`\lvert q \rvert < 2^{15}`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager, nullcontext
from itertools import count
from weakref import WeakValueDictionary

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._config import get_config
from sksupercode._utils._blocks import block_length
from sksupercode._utils._shared_lock import LockOfProcess
from sksupercode._utils._threads import in_threads

_LARGEST = 2**15 - 1
# Half a unit, and the rounding of the quotients that are rounded to integers.
_ROUNDING = 0.51
# Of rows computed at a time: more take memory and spare no time.
_MOST_ROWS = 1024


class Rows:
    """Some rows of the Gram matrix of N normalised codewords, without its diagonal.

    Attributes
    ----------
    slots : int32 ndarray of shape (N,)
        Where the row of each codeword is, -1 where it is not here.

    numbers : int16 ndarray of shape (capacity, N)
        The integers q; those of the diagonal are 0.

    scales : float64 ndarray of shape (capacity,)
        Row i of G is ``scales[slots[i]] * numbers[slots[i]]``.

    errors : float64 ndarray of shape (capacity,)
        Bounds on the error of any number of a row, in floating-point sums and by rounding to q.
    """

    def __init__(self, capacity, n_features):
        # Memory of these is taken as rows come.
        self.numbers = np.empty((capacity, n_features), dtype=np.int16)
        self.scales = np.zeros(capacity)
        self.errors = np.zeros(capacity)
        self.slots = np.full(n_features, -1, dtype=np.int32)
        self._last_use = np.zeros(capacity, dtype=np.int64)
        self._clock = count(1)

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
        changed[come] = slots
        self.slots = changed
        self._last_use[slots] = next(self._clock)

    def write(self, slots, indices, rows, error):
        """Store rows in float32, whose numbers have an error of at most ``error``."""
        rows[np.arange(len(rows)), indices] = 0

        def quantize(start, stop):
            for slot, row in zip(slots[start:stop], rows[start:stop], strict=True):
                largest = max(row.max(), -row.min())
                if largest > 0:
                    row *= np.float32(_LARGEST / largest)
                self.scales[slot] = largest / _LARGEST
                self.errors[slot] = error + _ROUNDING * self.scales[slot]
                self.numbers[slot] = np.rint(row, out=row)

        in_threads(quantize, len(rows), least=max(1, 2**18 // rows.shape[1]))


class GramStore:
    """Rows that were computed, kept for later calls as far as ``gram_memory`` allows.

    Any number of threads read at the same time. Rows that find room are added meanwhile; others are
    given up, those not used for longest first, when nobody reads.
    """

    def __init__(self, n_features):
        self._n_features = n_features
        self._rows = Rows(0, n_features)
        self._lock = LockOfProcess()
        # Those whose rows these are, by their identity.
        self.arrays = WeakValueDictionary()

    @property
    def nbytes(self):
        """Bytes of the rows that are kept."""
        return 2 * self._n_features * int((self._rows.slots >= 0).sum())

    def _capacity(self):
        """How many rows the budget has room for, and how many one call may drop after use."""
        budget = get_config()["gram_memory"] * 2**20
        kept = min(self._n_features, int(budget // (2 * self._n_features)))
        return kept, min(self._n_features, block_length(2 * self._n_features, share=0.125))

    @property
    def capacity(self):
        """How many rows one call can have."""
        return max(self._capacity())

    @contextmanager
    def rows(self, indices, compute, error):
        """Give rows for a block of code; see :meth:`GramRows.rows`.

        ``compute(indices, out)`` writes rows in float32, with an error of at most ``error``.
        """
        _, first = np.unique(indices, return_index=True)
        indices = indices[np.sort(first)]
        lock = self._lock.get()
        capacity, n_dropped = self._capacity()
        if self._rows.capacity != capacity:
            with lock.updating:
                self._rows = Rows(capacity, self._n_features)
        if capacity < min(len(indices), n_dropped):
            indices = indices[:n_dropped]
            rows = Rows(len(indices), self._n_features)
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
        compute(indices, computed[: len(indices)])
        slots, gone = rows.room_for(indices, kept)
        with exclusive() if len(gone) else nullcontext():
            rows.move(gone, [], [])
            rows.write(slots, indices, computed[: len(indices)], error)
            rows.move([], indices, slots)
