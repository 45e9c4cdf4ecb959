"""Dictionaries of bound pairs: products of keys and symbols, of which only the factors are kept."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._sections import section_bounds
from sksupercode._utils._threads import in_threads
from sksupercode._utils._validation import check_integer
from sksupercode.dictionaries._packed_signs import PackedSignDictionary, interleaved
from sksupercode.dictionaries._signs import SignDictionary, check_signs, unpack_signs

# Operations on words that are worth a thread of their own.
_WORTH_A_THREAD = 2**20


class BoundDictionary(PackedSignDictionary):
    r"""Codewords that are element-wise products of a key and a symbol, both of random signs.

    .. math::
        f_{s V + v} = c \, k_s \odot w_v, \qquad k_s, w_v \in \{-1, +1\}^d

    Each of S keys makes a section of V codewords: the same V symbols, *bound* to a position of a
    sequence or to a role of a record. S + V sign vectors are stored for S V codewords, at one bit
    an entry, and the codewords are correlated and superposed without ever being written out. The
    numbers are those that :class:`SignDictionary` gives for the products.

    Parameters
    ----------
    keys : ndarray or SignDictionary of shape (S, d)
        Nonzero numbers, of which only the sign matters.

    symbols : ndarray or SignDictionary of shape (V, d)
        Nonzero numbers, of which only the sign matters.

    n_features : int or None, default=None
        Number N of codewords, if it is no multiple of S: sections then have the first floor(N / S)
        or ceil(N / S) symbols, and V is the latter. None stands for S V.

    scale : float, default=1 / sqrt(d)
        Magnitude c of the entries of F; the default makes codewords of unit norm.

    Raises
    ------
    ValueError
        If keys and symbols are not two matrices of real numbers other than 0, of the same number of
        columns, have no row, or are too few for ``n_features`` codewords; or if scale is not a
        finite number > 0.

    See Also
    --------
    sksupercode.encoders.BoundEncoder : Draws keys and symbols.

    Notes
    -----
    Binding distributes over addition: :math:`\langle k_s \odot w_v, x \rangle = \langle w_v, k_s
    \odot x \rangle`. In the packed form a sample is a few planes of bits, and binding it is one XOR
    for each, so that correlations take the time of packed signs.

    Two codewords are independent, and so are three; but :math:`f_{s v} \odot f_{s v'} \odot f_{t v}
    \odot f_{t v'}` is constant, so that not all of them are, as those of a Rademacher codebook.

    References
    ----------
    .. [1] R. W. Gayler, "Multiplicative binding, representation operators and analogy", in Advances
       in Analogy Research, New Bulgarian University, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import BoundDictionary
    >>> rng = np.random.default_rng(0)
    >>> keys, symbols = rng.choice([-1, 1], (3, 64)), rng.choice([-1, 1], (26, 64))
    >>> dictionary = BoundDictionary(keys, symbols)
    >>> dictionary.shape
    (78, 64)
    >>> bundle = (keys[0] * symbols[2] + keys[1] * symbols[0] + keys[2] * symbols[19]) / 8
    >>> dictionary.correlate(bundle[np.newaxis]).reshape(3, 26).argmax(axis=1)
    array([ 2,  0, 19])
    """

    def __init__(self, keys, symbols, n_features=None, scale=None):
        self._keys = _packed(keys, "keys")
        self._symbols = _packed(symbols, "symbols")
        (n_keys, n_components), (n_symbols, width) = self._keys.shape, self._symbols.shape
        if n_components != width:
            raise ValueError(
                f"keys and symbols must have the same number of columns, got {n_components} and "
                f"{width}."
            )
        n_features = check_integer(n_features, "n_features", minimum=1, allow_none=True)
        if n_features is None:
            n_features = n_keys * n_symbols
        if n_features > n_keys * n_symbols:
            raise ValueError(
                f"n_features={n_features} is more than the products of {n_keys} keys and "
                f"{n_symbols} symbols."
            )
        self._bounds = section_bounds(n_features, n_keys)
        self._set_shape((n_features, n_components), scale)

    def _set_shape(self, shape, scale):
        SignDictionary._set_shape(self, shape, scale)

    @classmethod
    def random(cls, n_features, n_components, seed):
        """Raise a TypeError: :class:`~sksupercode.encoders.BoundEncoder` draws them.

        Parameters
        ----------
        n_features, n_components, seed : object
            Ignored.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("BoundDictionary is made of keys and symbols, which BoundEncoder draws.")

    @classmethod
    def from_words(cls, words, n_components, scale=None):
        """Raise a TypeError: keys and symbols may be of :class:`PackedSignDictionary`.

        Parameters
        ----------
        words, n_components, scale : object
            Ignored.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            "BoundDictionary is made of keys and symbols, which may come from "
            "PackedSignDictionary.from_words."
        )

    @property
    def keys(self):
        """The keys, float64 array of +-1 of shape (S, d)."""
        return np.asarray(self._keys)

    @property
    def symbols(self):
        """The symbols, float64 array of +-1 of shape (V, d)."""
        return np.asarray(self._symbols)

    @property
    def nbytes(self):
        return self._keys.nbytes + self._symbols.nbytes

    def _factors(self, indices):
        """Return which key and which symbol each codeword has."""
        sections = np.searchsorted(self._bounds, indices, side="right") - 1
        return sections, indices - self._bounds[sections]

    def _words(self, rows):
        sections, symbols = self._factors(np.arange(self.shape[0])[rows])
        return self._keys._words(sections) ^ self._symbols._words(symbols)

    def _signs(self, rows):
        return unpack_signs(self._words(rows), self.shape[1])

    def lanes(self, indices):
        return interleaved(self._words(indices))

    def add_correlations(self, vectors, rows, scores, *, first=0):
        from sksupercode.dictionaries._bound_kernels import add_bound_correlations

        bounds = self._bounds - first
        last = first + scores.shape[1]
        start = np.searchsorted(self._bounds, first, side="right") - 1
        stop = np.searchsorted(self._bounds, last, side="left")
        keys = self._keys._words(slice(start, stop))
        symbols = self._symbols._lanes

        def add_part(low, high):
            part = bounds[start + low : start + high + 1]
            add_bound_correlations(symbols, keys[low:high], part, vectors, rows, scores)

        work = symbols[0].size * len(symbols) * max(1, len(rows))
        in_threads(add_part, stop - start, least=1 + _WORTH_A_THREAD // work)

    def _superpose_entries(self, indptr, indices, data, *, first=0):
        from sksupercode.dictionaries._bound_kernels import superpose_bound

        n_words = self._symbols._lanes.shape[1]
        X = np.zeros((len(indptr) - 1, 64 * n_words))
        keys = self._keys._words(slice(None))
        bounds = self._bounds + first

        def add_part(*words):
            superpose_bound(self._symbols._lanes, keys, bounds, words, indptr, indices, data, X)

        in_threads(add_part, n_words, least=1 + _WORTH_A_THREAD // (1 + 8 * len(data)))
        return np.ascontiguousarray(X[:, : self.shape[1]])


def _packed(signs, name):
    """Return signs as a packed dictionary of entries +-1."""
    if type(signs) is PackedSignDictionary:
        return signs.unnormalized
    if isinstance(signs, SignDictionary):
        return PackedSignDictionary(signs._signs(slice(None)), scale=1.0)
    return PackedSignDictionary(check_signs(signs, name), scale=1.0)
