"""Codewords that are columns of a Hadamard matrix: correlated by a fast transform, never stored."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import block_length
from sksupercode._utils._threads import in_threads, shared_threads
from sksupercode.dictionaries._packed_signs import checked_csr, compilation_is_enabled
from sksupercode.dictionaries._signs import (
    SignDictionary,
    _to_fixed_point,
    n_words,
    pack_signs,
    unpack_signs,
)

# Variances of inner products are smaller than those of random signs by one part in so many.
_ROWS_TO_CHOOSE_FROM = 64
# Numbers, or numbers times bits, that are worth a thread of their own.
_WORTH_A_THREAD = 2**16
# A codeword is added in the time in which this many times d numbers go through one round.
_COST_OF_A_CODEWORD = 3.0
# Scores that decoders are given at a time.
_BLOCK_SCORES = 2**18


def hadamard_order(n_features, n_components):
    """Return the order of the Hadamard matrix, the least power of two of at least N and 64 d."""
    return 1 << (max(n_features, _ROWS_TO_CHOOSE_FROM * n_components) - 1).bit_length()


class HadamardDictionary(SignDictionary):
    r"""Randomly signed columns of a Hadamard matrix, at d of its rows; none of it is stored.

    .. math::
        F_{ij} = \frac{s_i}{\sqrt d} (-1)^{\langle a_i, r_j \rangle} ,

    where a_i and r_j are numbers below n, the least power of two that is at least N and 64 d, and
    their product is the parity of the bits that both have. Sylvester's Hadamard matrix H of order n
    has the entries :math:`(-1)^{\langle a, r \rangle}`. The columns a_1, ..., a_N are random but
    distinct, and so are the rows r_1, ..., r_d; s_i = +-1 are independent signs with equal odds.

    Parameters
    ----------
    n_features, n_components : int
        Shape (N, d).

    seed : numpy.random.SeedSequence
        Names the codebook.

    Notes
    -----
    :meth:`correlate` adds the sample to a vector of n zeros at the places r_j, transforms this
    vector by H in n log2 n additions, and takes the scores at the places a_i. :meth:`superpose`
    does the inverse, unless it is faster to add few codewords one by one.

    Of two codewords, the number of dimensions where they differ has the hypergeometric law of d
    draws without replacement from n signs of which half are negative, since a_i XOR a_i' is not 0.
    Their inner product has mean 0 and variance (n - d) / (n - 1) / d, within 1/64 of that of random
    signs, and different pairs are uncorrelated, so matched filters have the interference of random
    signs. With rows drawn with replacement the law would be binomial and equal to that of random
    signs. But a row that is drawn twice gives F a singular value sqrt(2) times the typical one, and
    message passing then diverges more often.

    Higher moments differ, since F has only 2 N + d random numbers: if the XOR of four columns is 0,
    the product of their codewords has the same sign in all dimensions. The columns are random so
    that this does not happen to particular codes, such as those of consecutive codewords.

    Sums are exact, as those of :class:`SignDictionary`: sums of integers, and of other numbers on a
    fixed-point grid of 52 bits. So the results are those of the same signs in any other storage,
    bit for bit.

    References
    ----------
    .. [1] N. Ailon and B. Chazelle, "The fast Johnson-Lindenstrauss transform and approximate
       nearest neighbors", SIAM Journal on Computing 39(1), 2009.
    .. [2] J. A. Tropp, "Improved analysis of the subsampled randomized Hadamard transform",
       Advances in Adaptive Data Analysis 3(1-2), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.dictionaries import HadamardDictionary
    >>> dictionary = HadamardDictionary(1000, 64, np.random.SeedSequence(0))
    >>> dictionary.shape, dictionary.nbytes
    ((1000, 64), 5256)
    >>> scores = dictionary.correlate(dictionary.codewords([3]))
    >>> scores.argmax(), scores.max()
    (np.int64(3), np.float64(1.0))
    """

    # What is not an integer takes no longer.
    prefers_integers = False

    def __init__(self, n_features, n_components, seed):
        self._order = hadamard_order(n_features, n_components)
        bits = self._order.bit_length() - 1
        dtype = np.int32 if bits <= 31 else np.int64
        generator = np.random.Generator(np.random.PCG64(seed))

        def draw(size):
            # Over the whole range these are the generator's raw words, which never change.
            return generator.integers(0, 2**64, size, dtype=np.uint64)

        def choose(size):
            # Sorting random numbers shuffles what stands in their last bits.
            mask = np.uint64(self._order - 1)
            keys = draw(self._order)
            keys &= ~mask
            keys |= np.arange(self._order, dtype=np.uint64)
            keys.sort()
            return (keys[:size] & mask).astype(dtype)

        self._columns, self._rows = choose(n_features), choose(n_components)
        flips = unpack_signs(draw((1, n_words(n_features))), n_features)
        self._flips = flips[0].astype(np.int8)
        for array in (self._columns, self._rows, self._flips):
            array.flags.writeable = False
        # Fresh memory takes longer to come than a transform takes.
        self._buffers = []
        self._set_shape((n_features, n_components), None)

    def __getstate__(self):
        return super().__getstate__() | {"_buffers": []}

    @classmethod
    def random(cls, n_features, n_components, seed):
        return cls(n_features, n_components, seed)

    def _signs(self, rows):
        columns = self._columns[rows][..., np.newaxis]
        parities = np.bitwise_count(columns & self._rows) & np.uint8(1)
        signs = self._flips[rows][..., np.newaxis] * (1 - 2 * parities.astype(np.int8))
        return signs.astype(np.float32)

    def _words(self, indices):
        """Return rows of packed signs."""
        words = np.empty((len(indices), n_words(self.shape[1])), dtype=np.uint64)
        step = self._block_length(self.shape[1])
        for start in range(0, len(indices), step):
            block = slice(start, start + step)
            words[block] = pack_signs(self._signs(indices[block]))
        return words

    @property
    def nbytes(self):
        return self._columns.nbytes + self._flips.nbytes + self._rows.nbytes

    def correlate(self, X):
        V = self._to_summands(X)
        scores = np.empty((len(V), self.shape[0]))
        if not compilation_is_enabled():
            step = block_length(32 * self._order, share=0.25)
            for start in range(0, len(V), step):
                vectors = V[start : start + step]
                x = np.zeros((len(vectors), self._order))
                np.add.at(x, (slice(None), self._rows), vectors)
                scores[start : start + step] = transformed(x)[:, self._columns] * self._flips
            scores *= self.scale**2
            return scores
        from sksupercode.dictionaries._hadamard_kernels import correlate, gather, scatter

        places = self._rows, self._columns, self._flips

        def correlate_part(start, stop):
            correlate(V, *places, self._order, self.scale**2, scores, start, stop)

        with shared_threads() as (n_threads, _):
            if len(V) >= n_threads:
                in_threads(correlate_part, len(V), least=1 + _WORTH_A_THREAD // self._order)
                return scores
            x = self._buffer()
            for v, row in zip(V, scores, strict=True):
                x[:] = 0
                scatter(v, self._rows, x)
                self._transform(x)

                def gather_part(start, stop, row=row):
                    gather(x, *places[1:], self.scale**2, row, start, stop)

                in_threads(gather_part, len(row), least=_WORTH_A_THREAD)
            self._buffers[:] = [x]
        return scores

    def _buffer(self):
        """Return as many numbers as the order, which no other thread has."""
        try:
            return self._buffers.pop()
        except IndexError:
            return np.empty(self._order)

    def correlate_blocks(self, X):
        scores = self.correlate(X)
        for block in gen_batches(self.shape[0], _BLOCK_SCORES):
            yield block.start, scores[:, block]

    def _transform(self, x):
        """Transform a vector in place, on all threads."""
        from sksupercode.dictionaries import _hadamard_kernels as kernels

        length = kernels.row_length(len(x))
        for transform, n_parts in (
            (kernels.transform_rows, len(x) // length),
            (kernels.transform_columns, kernels.n_strips(len(x))),
        ):
            in_threads(
                lambda start, stop, transform=transform: transform(x, length, start, stop),
                n_parts,
                least=1 + _WORTH_A_THREAD * n_parts // len(x),
            )

    def _to_summands(self, X):
        """Return samples in units of the signs, on a grid on which all their sums are exact."""
        V, total = self._finite_samples(X)
        real = (np.rint(V) != V).any(axis=1) | (total >= 2**52)
        if real.all():
            return _to_fixed_point(V, total)
        V = V.copy()
        V[real] = _to_fixed_point(V[real], total[real])
        return V

    def superpose(self, Y):
        if self.scale != 1.0:
            return self.unnormalized.superpose(Y) * self.scale
        Y = checked_csr(Y).copy()
        self._check_codes(Y)
        Y.sum_duplicates()
        Y.data[:] = _summands_of_rows(Y)
        cost = self._order * max(1, self._order.bit_length() - 1)
        most_direct = int(cost // (_COST_OF_A_CODEWORD * self.shape[1]))
        X = np.zeros((Y.shape[0], self.shape[1]))
        if not compilation_is_enabled():
            for x, first, last in zip(X, Y.indptr[:-1], Y.indptr[1:], strict=True):
                self._superpose_one(Y.indices[first:last], Y.data[first:last], most_direct, x)
            return X
        from sksupercode.dictionaries._hadamard_kernels import superpose

        indptr, indices = Y.indptr.astype(np.int64), Y.indices.astype(np.int64)
        places = self._rows, self._columns, self._flips

        def superpose_part(start, stop):
            superpose(indptr, indices, Y.data, *places, self._order, most_direct, X, start, stop)

        in_threads(superpose_part, len(X), least=1 + _WORTH_A_THREAD * len(X) // (1 + Y.nnz * 4))
        return X

    def _superpose_one(self, indices, values, most_direct, x):
        if len(indices) <= most_direct:
            step = self._block_length(self.shape[1])
            for start in range(0, len(indices), step):
                x += values[start : start + step] @ self._signs(indices[start : start + step])
            return
        codes = np.zeros((1, self._order))
        codes[0, self._columns[indices]] = values * self._flips[indices]
        x[:] = transformed(codes)[0, self._rows]


def transformed(X):
    """Return the unnormalised Walsh-Hadamard transform of each row of 2^m numbers."""
    for _ in range(X.shape[1].bit_length() - 1):
        # Each round moves the last bit of a position to the front.
        X = np.hstack([X[:, ::2] + X[:, 1::2], X[:, ::2] - X[:, 1::2]])
    return X


def _summands_of_rows(Y):
    """Return the entries of CSR codes on grids on which all sums of a row are exact."""
    n_samples = Y.shape[0]
    rows = np.repeat(np.arange(n_samples), np.diff(Y.indptr))
    total = np.bincount(rows, np.abs(Y.data), minlength=n_samples)
    has_fractions = np.bincount(rows, np.rint(Y.data) != Y.data, minlength=n_samples) > 0
    rounded = ((has_fractions | (total >= 2**52)) & np.isfinite(total))[rows]
    data = Y.data.copy()
    data[rounded] = _to_fixed_point(data[rounded, np.newaxis], total[rows[rounded]])[:, 0]
    return data
