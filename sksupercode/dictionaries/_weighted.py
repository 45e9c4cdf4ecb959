"""Codewords of a dictionary, each times a number of its own: the power allocation of a code."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array

from sksupercode._utils._validation import as_array
from sksupercode.dictionaries._base import Dictionary, as_codes, as_indices
from sksupercode.dictionaries._dense import MODERATE


class WeightedDictionary(Dictionary):
    """The dictionary ``diag(w) F``.

    Parameters
    ----------
    dictionary : Dictionary of shape (N, d)
        The codewords F, which are shared, not copied.

    weights : array-like of shape (N,)
        The numbers w.

    Raises
    ------
    ValueError
        If ``weights`` are not N finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import DenseDictionary, WeightedDictionary
    >>> dictionary = WeightedDictionary(DenseDictionary([[1.0, 0.0], [0.0, 1.0]]), [2.0, 3.0])
    >>> dictionary.correlate(np.array([[1.0, 1.0]]))
    array([[2., 3.]])
    """

    def __init__(self, dictionary, weights):
        weights = np.array(as_array(weights, "weights"), dtype=np.float64)
        if weights.shape != dictionary.shape[:1] or not np.isfinite(weights).all():
            raise ValueError(
                f"weights must be {dictionary.shape[0]} finite numbers, got an array of shape "
                f"{weights.shape}."
            )
        weights.flags.writeable = False
        super().__init__(dictionary.shape, np.result_type(dictionary.dtype, np.float64))
        self._dictionary = dictionary
        self._weights = weights
        # As in a dense dictionary, a power of two where squares would over- or underflow.
        _, exponent = np.frexp(np.abs(weights).max(initial=0.0))
        self._exponent = int(exponent) if abs(exponent) > MODERATE else 0
        self.scale = float(np.ldexp(dictionary.scale, self._exponent))

    def codewords(self, indices):
        indices = as_indices(indices)
        return self._dictionary.codewords(indices) * self._weights[indices, np.newaxis]

    def correlate(self, X):
        return self._dictionary.correlate(X) * self._weights

    def correlate_blocks(self, X):
        for first, scores in self._dictionary.correlate_blocks(X):
            yield first, scores * self._weights[first : first + scores.shape[1]]

    def superpose(self, Y):
        Y = csr_array(as_codes(Y)).astype(np.float64)
        self._check_codes(Y)
        Y.data *= self._weights[Y.indices]
        return self._dictionary.superpose(Y)

    @property
    def nbytes(self):
        return self._dictionary.nbytes + self._weights.nbytes

    @property
    def squared_norms(self):
        return self._dictionary.squared_norms * self._weights**2

    @property
    def blocks(self):
        return self._dictionary.blocks

    @property
    def prefers_integers(self):
        return self._dictionary.prefers_integers

    @property
    def unnormalized(self):
        if self.scale == 1.0:
            return self
        weights = np.ldexp(self._weights, -self._exponent)
        return WeightedDictionary(self._dictionary.unnormalized, weights)

    def to_units(self, X):
        return self._dictionary.to_units(np.ldexp(as_array(X), -self._exponent))
