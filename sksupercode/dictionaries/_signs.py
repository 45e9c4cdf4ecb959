"""Dictionaries of signs, whose correlations are exact.

The codewords of a Rademacher dictionary are ``F = S / sqrt(d)`` with S in {-1, +1}. A superposition
of 0/1 codes is an integer vector over sqrt(d), and each of its correlations is an integer over d:
all the arithmetic of encoding and decoding can be done on integers. It is done here in floating
point that holds those integers exactly. Every result is then independent of the order of summation,
and so of the batch of a sample, of the block of codewords and of the storage.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from sksupercode._utils._blocks import batches
from sksupercode._utils._threads import in_threads
from sksupercode._utils._validation import as_array, check_real
from sksupercode.dictionaries._base import Dictionary, as_indices

# A superposition that was rounded to float32 lies this close, relative to its largest entry.
_ROUNDING = 1e-6
# Expanded blocks of this many entries stay in the processor's cache.
_BLOCK_ENTRIES = 2**22


def n_words(n_components):
    """Return how many 64-bit words hold the signs of one codeword."""
    return -(-n_components // 64)


def random_sign_words(n_features, n_components, seed, *, start=0, stop=None):
    """Draw rows ``start:stop`` of a Rademacher matrix, packed to one bit an entry.

    Every row has its own place in the stream of one bit generator, so any rows can be drawn without
    the others. Only raw words of PCG64 are used, whose stream NumPy keeps across versions. Bit r of
    a row, counted from the least significant, is 1 where entry r is -1; bits past d are 0.
    """
    width = n_words(n_components)
    stop = n_features if stop is None else stop
    bit_generator = np.random.PCG64(seed)
    bit_generator.advance(start * width)
    generator = np.random.Generator(bit_generator)
    words = np.empty((stop - start, width), dtype=np.uint64)
    step = max(1, _BLOCK_ENTRIES // width)
    for first in range(0, len(words), step):
        block = words[first : first + step]
        # Over the whole range these are the raw words, several times faster than random_raw.
        block[...] = generator.integers(0, 2**64, block.shape, dtype=np.uint64)
    words[:, -1] &= _valid_bits(n_components)
    return words


def random_sign_rows(indices, n_components, seed):
    """Draw single rows of the matrix of :func:`random_sign_words`, packed in the same way."""
    width = n_words(n_components)
    bit_generator = np.random.PCG64(seed)
    generator = np.random.Generator(bit_generator)
    words = np.empty((len(indices), width), dtype=np.uint64)
    position = 0
    for row, i in zip(words, indices.tolist(), strict=True):
        # The generator's period is 2^128, by which it also goes back.
        bit_generator.advance((i * width - position) % 2**128)
        row[:] = generator.integers(0, 2**64, width, dtype=np.uint64)
        position = (i + 1) * width
    words[:, -1] &= _valid_bits(n_components)
    return words


def _valid_bits(n_components):
    """Return the mask of the bits of a row's last word that stand for signs."""
    return np.uint64(2**64 - 1) >> np.uint64(-n_components % 64)


def pack_signs(signs):
    """Pack a matrix of nonzero numbers to one bit an entry, 1 where it is negative."""
    n_features, n_components = signs.shape
    octets = np.zeros((n_features, 8 * n_words(n_components)), dtype=np.uint8)
    packed = np.packbits(signs < 0, axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return octets.view("<u8").astype(np.uint64, copy=False)


def unpack_signs(words, n_components):
    """Expand packed rows to a float32 matrix of +-1, the inverse of :func:`pack_signs`."""
    octets = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, count=n_components, bitorder="little")
    signs = bits.astype(np.float32)
    signs *= -2
    signs += 1
    return signs


def check_signs(signs, name):
    """Return an array of signs: a matrix of real numbers, neither 0 nor inf nor nan."""
    if issparse(signs) or isinstance(signs, BaseEstimator):
        raise ValueError(
            f"{name} must be a matrix of signs, got {type(signs).__name__}: pass an array, or the "
            "dictionary_ of a fitted encoder."
        )
    signs = np.asarray(as_array(signs, name))
    if signs.ndim != 2 or not signs.size:
        raise ValueError(f"{name} must be a matrix of signs, got an array of shape {signs.shape}.")
    if signs.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be a matrix of real numbers +1 and -1, got one of dtype {signs.dtype}"
            + (f": pass 1 - 2 * {name}, where True stands for -1." if signs.dtype == bool else ".")
        )
    # The least and the largest number show what is not finite, without an array of bools.
    if not signs.all() or not np.isfinite([signs.min(), signs.max()]).all():
        raise ValueError(f"{name} must have finite entries that are not 0, such as +1 and -1.")
    return signs


class SignDictionary(Dictionary):
    """Signs stored as a float32 array: ``F = scale * S`` with S in {-1, +1}.

    Correlations of samples on the integer lattice are exact integers (times scale^2), summed in
    float32 where 24 bits suffice and in float64 elsewhere. Any other sample is first rounded to a
    fixed-point grid of 52 bits, on which float64 sums are exact in every order.

    Parameters
    ----------
    signs : ndarray of shape (N, d)
        Nonzero numbers, of which only the sign matters.

    scale : float, default=1 / sqrt(d)
        Magnitude of the entries of F; the default makes codewords of unit norm.

    Raises
    ------
    ValueError
        If signs is not a matrix of finite real numbers other than 0, or scale not a finite number
        > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import SignDictionary
    >>> dictionary = SignDictionary(np.array([[1, 1, -1, 1], [1, -1, -1, -1]]))
    >>> dictionary.superpose(np.array([[1, 1]]))
    array([[ 1.,  0., -1.,  0.]])
    >>> dictionary.correlate(np.array([[1.0, 0.0, -1.0, 0.0]]))
    array([[1., 1.]])
    """

    has_exact_sums = True
    has_signs = True
    prefers_integers = True

    def __init__(self, signs, scale=None):
        signs = check_signs(signs, "signs")
        self._store(signs)
        self._set_shape(signs.shape, scale)

    def _set_shape(self, shape, scale):
        super().__init__(shape, np.float64)
        scale = check_real(scale, "scale", minimum=0, closed="neither", allow_none=True)
        self.scale = 1 / math.sqrt(shape[1]) if scale is None else scale

    def _store(self, signs):
        self._stored = np.where(signs < 0, np.float32(-1), np.float32(1))

    @classmethod
    def random(cls, n_features, n_components, seed):
        """Draw independent signs with equal odds, of unit norm.

        Parameters
        ----------
        n_features, n_components : int
            Shape (N, d).

        seed : numpy.random.SeedSequence
            Names the codebook, which is the same in every storage.

        Returns
        -------
        dictionary : SignDictionary of shape (N, d)
            The codewords.
        """
        self = cls.__new__(cls)
        self._allocate(n_features, n_components)
        blocks = list(batches(n_features, cls._block_length(n_components)))

        def store(first, last):
            for rows in blocks[first:last]:
                span = {"start": rows.start, "stop": rows.stop}
                words = random_sign_words(n_features, n_components, seed, **span)
                self._store_words(words, rows.start, n_components)

        in_threads(store, len(blocks))
        self._set_shape((n_features, n_components), None)
        self.has_random_signs = True
        return self

    @classmethod
    def from_words(cls, words, n_components, scale=None):
        """Build the dictionary from rows of packed signs.

        Parameters
        ----------
        words : uint64 ndarray of shape (N, n_words)
            Rows packed as by ``random_sign_words``.

        n_components : int
            Number d of signs in a row.

        scale : float or None, default=None
            Magnitude of the entries; None is ``1 / sqrt(d)``.

        Returns
        -------
        dictionary : SignDictionary
            The dictionary, of this class.
        """
        if words.ndim != 2 or words.shape[1] != n_words(n_components):
            raise ValueError(
                f"words must have {n_words(n_components)} columns for {n_components} dimensions, "
                f"got an array of shape {words.shape}."
            )
        self = cls.__new__(cls)
        self._allocate(len(words), n_components)
        self._store_words(words, 0, n_components)
        self._set_shape((len(words), n_components), scale)
        return self

    @staticmethod
    def _block_length(n_components):
        """Return how many codewords to expand at a time, a multiple of 32."""
        return 32 * max(1, _BLOCK_ENTRIES // (32 * n_components))

    def _allocate(self, n_features, n_components):
        self._stored = np.empty((n_features, n_components), dtype=np.float32)

    def _store_words(self, words, first, n_components):
        self._stored[first : first + len(words)] = unpack_signs(words, n_components)

    def _signs(self, rows):
        """Return rows of S, given as a slice or an array of indices, in float32."""
        return self._stored[rows]

    @property
    def nbytes(self):
        return self._stored.nbytes

    @property
    def squared_norms(self):
        is_unit = self.scale == 1 / math.sqrt(self.shape[1])
        return np.broadcast_to(1.0 if is_unit else self.shape[1] * self.scale**2, self.shape[:1])

    @property
    def unnormalized(self):
        """The same signs with entries +-1."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._set_shape(self.shape, 1.0)
        return other

    def to_units(self, X):
        """Return ``X / scale``, undoing the rounding of superpositions of integer codes.

        A row that is within floating-point rounding (1e-6 of its largest entry, so float32 input
        counts) of a vector of integers becomes that vector; other rows are left as they are.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        V : float64 ndarray of shape (n_samples, d)
            The samples in these units.
        """
        V = np.asarray(as_array(X), dtype=np.float64) / self.scale
        lattice = np.rint(V)
        largest = np.abs(V).max(axis=1, initial=0.0)
        tolerance = np.minimum(_ROUNDING * largest, 0.01)
        near = (np.abs(V - lattice) <= tolerance[:, np.newaxis]).all(axis=1)
        V[near] = lattice[near]
        return V

    def _finite_samples(self, X):
        """Return samples in units of S, in the layout that kernels take, and their norms in l1."""
        V = np.ascontiguousarray(self._check_samples(X))
        total = np.abs(V).sum(axis=1)
        if not np.isfinite(total).all():
            raise ValueError("X contains numbers that are not finite, or whose sum is not.")
        return V, total

    def codewords(self, indices):
        return self._signs(as_indices(indices)).astype(np.float64) * self.scale

    def superpose(self, Y):
        if self.scale == 1.0:
            return super().superpose(Y)
        return self.unnormalized.superpose(Y) * self.scale

    def correlate(self, X):
        V = self._check_samples(X)
        total = np.abs(V).sum(axis=1)
        is_small = (total < 2**24) & (np.rint(V) == V).all(axis=1)
        small, real = np.flatnonzero(is_small), np.flatnonzero(~is_small)
        scores = np.empty((len(V), self.shape[0]))
        V_small, V_real = V[small].astype(np.float32), _to_fixed_point(V[real], total[real])
        for rows in batches(self.shape[0], self._block_length(self.shape[1])):
            signs = self._signs(rows)
            if len(small):
                scores[small, rows] = V_small @ signs.T
            if len(real):
                scores[real, rows] = V_real @ signs.T.astype(np.float64)
        if self.scale != 1.0:
            scores *= self.scale**2
        return scores


def _to_fixed_point(V, total):
    """Round each row to multiples of 2^-52 of its sum of magnitudes, so that all sums are exact."""
    _, exponent = np.frexp(total)
    quantum = np.ldexp(1.0, np.maximum(exponent - 52, -1074))[:, np.newaxis]
    return np.rint(V / quantum) * quantum
