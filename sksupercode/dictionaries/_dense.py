"""A dictionary that is a plain array of floats: learned, Gaussian, spherical, anything."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
from sklearn.utils import check_array

from sksupercode._utils._blocks import MOST_ROWS, batches, block_length
from sksupercode._utils._validation import as_array, is_bfloat16
from sksupercode.dictionaries._base import Dictionary, as_indices
from sksupercode.dictionaries._gram import GramRows

# The scale is 1 for codewords whose largest entry is between 2**-32 and 2**32 and at most so many
# powers of two above that of the smallest.
MODERATE, _SPREAD = 32, {"float32": 64, "float64": 400}
# Beyond this ratio some squares are out of range in any unit.
_LARGEST_SPREAD = 1000
# Numbers in half precision that are widened at a time.
_BLOCK = 2**22
# Bits that are all ones in infinities and nan of bfloat16, and only there.
_EXPONENT = 0x7F80


class DenseDictionary(Dictionary):
    """Any real matrix F of shape (N, d); its rows are codewords of any norm.

    Parameters
    ----------
    array : array-like of shape (N, d)
        The codewords. Kept as it is if it is a C-contiguous array of floats, bfloat16 of ml_dtypes
        included, otherwise copied to one. Sums are carried out in that precision, but in float32
        for half precision, which is widened block by block, or once if it is but one block.

    Raises
    ------
    ValueError
        If ``array`` is not a two-dimensional array of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import DenseDictionary
    >>> dictionary = DenseDictionary([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> dictionary.correlate(np.array([[1.0, 2.0]]))
    array([[1. , 2. , 2.2]])
    >>> dictionary.superpose(np.array([[0, 1, 1]]))
    array([[0.6, 1.8]])
    """

    has_array = True
    _gram = None

    def __init__(self, array):
        array = as_array(array, "dictionary", keeps_half=True)
        try:
            array = _checked(array).view()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"dictionary must be a matrix of finite real numbers, of shape (N, d): {error}"
            ) from error
        array.flags.writeable = False
        is_half = array.dtype.itemsize == 2
        super().__init__(array.shape, np.float32 if is_half else array.dtype)
        self._array = array

    def __getstate__(self):
        # Hashes differ from process to process.
        dropped = ("_gram", "_row_hashes", "_widened")
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in dropped}

    @property
    def gram(self):
        """Inner products of the normalised codewords, as :class:`GramRows`; kept, not pickled."""
        if self.unnormalized is not self:
            return self.unnormalized.gram
        if self._gram is None:
            self._gram = GramRows(self._source, self.squared_norms, self._row_hashes)
        return self._gram

    @cached_property
    def _exponents(self):
        """Those of the scale, and of the ratio of the largest codeword to the smallest."""
        largest = self._of_blocks(lambda F: np.maximum(F.max(axis=1), -F.min(axis=1)))
        _, exponents = np.frexp(largest[largest > 0])
        if not len(exponents):
            return 0, 0
        high, spread = int(exponents.max()), int(np.ptp(exponents))
        if abs(high) <= MODERATE and spread <= _SPREAD[self.dtype.name]:
            return 0, 0
        return high if spread <= _SPREAD["float64"] else high - spread // 2, spread

    @property
    def scale(self):
        """A power of two: 1, unless sums of squares of such codewords over- or underflow."""
        return float(np.ldexp(1.0, self._exponents[0]))

    @property
    def unnormalized(self):
        # Not kept where it is itself: in a cycle, rows of its Gram matrix wait for the collector.
        return self if self._exponents == (0, 0) else self._in_moderate_units

    @cached_property
    def _in_moderate_units(self):
        exponent, spread = self._exponents
        if spread > _LARGEST_SPREAD:
            raise ValueError(
                "dictionary must have codewords whose norms differ by less than a factor 1e300, "
                f"got a factor of about 2**{spread}: scale them, or set the smallest to 0."
            )
        # What float32 holds of very different norms is lost in its products.
        dtype = np.float64 if spread > _SPREAD["float32"] else self.dtype
        other = DenseDictionary(np.ldexp(self._array.astype(dtype, copy=False), -exponent))
        other._exponents = (0, 0)
        return other

    def to_units(self, X):
        return np.asarray(as_array(X), dtype=np.float64) / self.scale

    @property
    def _source(self):
        """The array that is multiplied: a copy if it is small and of half precision."""
        is_wide = self._array.dtype == self.dtype
        return self._array if is_wide or self._array.size > _BLOCK else self._widened

    @cached_property
    def _widened(self):
        return self._array.astype(self.dtype)

    def _floats(self, rows):
        """Return rows, given as a slice or an array of indices, in the dtype of the dictionary."""
        return self._source[rows].astype(self.dtype, copy=False)

    def _blocks(self):
        """Yield slices of codewords to be widened at a time: of all that are wide as they are."""
        n_features, d = self.shape
        is_wide = self._source.dtype == self.dtype
        length = n_features if is_wide else min(_BLOCK // d + 1, block_length(8 * d, share=0.25))
        return batches(n_features, length)

    def _of_blocks(self, function):
        """Apply a function, which gives one number for each codeword, to all of them."""
        return np.concatenate([function(self._floats(rows)) for rows in self._blocks()])

    def codewords(self, indices):
        return self._floats(as_indices(indices))

    def correlate(self, X):
        X = np.asarray(as_array(X), dtype=self.dtype)
        self._check_shape(X)
        scores = np.empty((len(X), self.shape[0]), dtype=self.dtype)
        for rows in self._blocks():
            np.matmul(X, self._floats(rows).T, out=scores[:, rows])
        # BLAS rounds equal columns differently; a tie must be a tie.
        copies, originals = self._copies
        scores[:, copies] = scores[:, originals]
        return scores

    @cached_property
    def _row_hashes(self):
        return np.fromiter((hash(row.tobytes()) for row in self._array), dtype=np.int64)

    @cached_property
    def _copies(self):
        """Codewords that are equal to earlier ones, and the first of these."""
        _, first, inverse = np.unique(self._row_hashes, return_index=True, return_inverse=True)
        originals = first[inverse]
        copies = np.flatnonzero(originals != np.arange(len(originals)))
        originals = originals[copies]
        # Codewords that differ have the same hash once in 2**64 pairs.
        for start in range(0, len(copies), MOST_ROWS):
            part = slice(start, start + MOST_ROWS)
            if not np.array_equal(self._array[copies[part]], self._array[originals[part]]):
                return copies[:0], copies[:0]
        return copies, originals

    @property
    def nbytes(self):
        return self._array.nbytes

    @cached_property
    def squared_norms(self):
        norms = self._of_blocks(lambda F: np.einsum("ij,ij->i", F, F, dtype=np.float64))
        norms.flags.writeable = False
        return norms

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype or self.dtype, copy=copy)


def _checked(array):
    """Return a C-contiguous matrix of finite numbers, in a float format."""
    if is_bfloat16(array):
        bits = check_array(np.asarray(array).view(np.uint16), dtype=None, order="C")
        blocks = (bits[rows] & _EXPONENT for rows in batches(len(bits), MOST_ROWS))
        if not any((block == _EXPONENT).any() for block in blocks):
            return bits.view(array.dtype)
        array = np.asarray(array).astype(np.float32)
    floats = [np.float64, np.float32, np.float16]
    return check_array(array, dtype=floats, order="C", input_name="dictionary")
