"""A dictionary that is a plain array of floats: learned, Gaussian, spherical, anything."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
from sklearn.utils import check_array

from sksupercode._utils._validation import as_array
from sksupercode.dictionaries._base import Dictionary, as_indices
from sksupercode.dictionaries._gram import GramRows

# The scale is 1 for codewords whose largest entry is between 2**-32 and 2**32 and at most so many
# powers of two above that of the smallest.
MODERATE, _SPREAD = 32, {"float32": 64, "float64": 400}
# Beyond this ratio some squares are out of range in any unit.
_LARGEST_SPREAD = 1000


class DenseDictionary(Dictionary):
    """Any real matrix F of shape (N, d); its rows are codewords of any norm.

    Parameters
    ----------
    array : array-like of shape (N, d)
        The codewords. Kept as it is if it is a C-contiguous array of float32 or float64, otherwise
        copied to one. Sums are carried out in that precision.

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
        array = as_array(array, "dictionary")
        try:
            floats = [np.float64, np.float32]
            array = check_array(array, dtype=floats, order="C", input_name="dictionary").view()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"dictionary must be a matrix of finite real numbers, of shape (N, d): {error}"
            ) from error
        array.flags.writeable = False
        super().__init__(array.shape, array.dtype)
        self._array = array

    def __getstate__(self):
        # Hashes differ from process to process.
        return {k: v for k, v in vars(self).items() if k not in ("_gram", "_row_hashes")}

    @property
    def gram(self):
        """Inner products of the normalised codewords, as :class:`GramRows`; kept, not pickled."""
        if self.unnormalized is not self:
            return self.unnormalized.gram
        if self._gram is None:
            self._gram = GramRows(self._array, self.squared_norms, self._row_hashes)
        return self._gram

    @cached_property
    def _exponents(self):
        """Those of the scale, and of the ratio of the largest codeword to the smallest."""
        largest = np.maximum(self._array.max(axis=1), -self._array.min(axis=1))
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

    @cached_property
    def unnormalized(self):
        exponent, spread = self._exponents
        if (exponent, spread) == (0, 0):
            return self
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
        return np.asarray(X, dtype=np.float64) / self.scale

    def codewords(self, indices):
        return self._array[as_indices(indices)]

    def correlate(self, X):
        X = np.asarray(X, dtype=self.dtype)
        if self._distinct is None:
            return X @ self._array.T
        # BLAS rounds equal columns differently; a tie must be a tie.
        first, inverse = self._distinct
        return (X @ self._array[first].T)[:, inverse]

    @cached_property
    def _row_hashes(self):
        return np.fromiter((hash(row.tobytes()) for row in self._array), dtype=np.int64)

    @cached_property
    def _distinct(self):
        """The first of each kind of equal codewords, and which kind each is; None if all differ."""
        keys = self._row_hashes
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        if len(first) == len(keys) or not np.array_equal(self._array, self._array[first][inverse]):
            return None
        return first, inverse

    @property
    def nbytes(self):
        return self._array.nbytes

    @cached_property
    def squared_norms(self):
        norms = np.einsum("ij,ij->i", self._array, self._array, dtype=np.float64)
        norms.flags.writeable = False
        return norms

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype, copy=copy)
