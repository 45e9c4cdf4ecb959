"""Codewords from a randomised Hadamard matrix, which is never stored."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode._utils._memory import require_memory
from sksupercode.dictionaries import HadamardDictionary
from sksupercode.dictionaries._hadamard import hadamard_order
from sksupercode.encoders._base import BaseEncoder


class HadamardEncoder(BaseEncoder):
    r"""Superpose columns of a subsampled, randomly signed Hadamard matrix: ``x = F^T y``.

    .. math::
        x = \sum_{i \in y} f_i, \qquad
        f_{ij} = \frac{s_i}{\sqrt d} (-1)^{\langle a_i, r_j \rangle} ,

    where :math:`\langle a, r \rangle` is the parity of the common bits of two numbers, a_i are N
    different random numbers below a power of two n, r_j are d such numbers, and s_i = +-1 are
    independent signs with equal odds. Here n is the least power of two that is at least N and 64 d.
    Recovery is the same as with :class:`RademacherEncoder`, but all N inner products of a sample
    take n log2 n additions instead of N d, and the codebook is stored as 2 N + d numbers.

    Without power allocation every codeword has norm exactly 1. The codebook is a pure function of
    (kind, N, d, seed): an encoder with an integer ``random_state`` is a recipe. A decoder that is
    given the encoder has the same codebook.

    Parameters
    ----------
    n_components : int, default=256
        Number d of dimensions of a codeword.

    n_features : int or None, default=None
        Number N of codewords. None learns it from the columns of the codes in ``fit``; with a
        number, the recipe is complete and a decoder's ``fit`` needs no y.

    power_allocation : array-like of shape (n_sections,) or None, default=None
        Relative powers of the sections of a sparse regression code, which are as many contiguous
        runs of codewords: the squared norms of their codewords, up to a factor that makes their
        mean 1. None gives every codeword the norm 1.

    random_state : int, RandomState instance, Generator or None, default=None
        Names the codebook. Only an integer makes a recipe that can be shared with a decoder.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    n_features_in_ : int
        Number N of columns of the codes.

    feature_names_in_ : ndarray of shape (N,)
        Names of the columns of the codes in ``fit``, if all are strings.

    See Also
    --------
    RademacherEncoder : Codewords of independent random signs.
    AMPDecoder : Correlates with real numbers in every iteration, where this encoder gains most.

    Notes
    -----
    Superpositions of 0/1 codes are integers over sqrt(d); decoders use that to compute without any
    rounding error.

    Ailon and Chazelle [1]_ introduced the randomised Hadamard matrix as a fast random projection;
    Tropp [2]_ analyses it with sampled rows. Rush, Greig and Venkataramanan [3]_ decode sparse
    regression codes with such codewords by approximate message passing, and find the same error
    rates as with Gaussian ones.

    References
    ----------
    .. [1] N. Ailon and B. Chazelle, "The fast Johnson-Lindenstrauss transform and approximate
       nearest neighbors", SIAM Journal on Computing 39(1), 2009.
    .. [2] J. A. Tropp, "Improved analysis of the subsampled randomized Hadamard transform",
       Advances in Adaptive Data Analysis 3(1-2), 2011.
    .. [3] C. Rush, A. Greig and R. Venkataramanan, "Capacity-achieving sparse superposition codes
       via approximate message passing decoding", IEEE Trans. Inf. Theory 63(3), 2017.

    Examples
    --------
    >>> from sksupercode import HadamardEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=5, n_features=1000, n_nonzero_coefs=3, random_state=0)
    >>> HadamardEncoder(n_components=64, random_state=0).fit_transform(Y).shape
    (5, 64)
    """

    _kind = "hadamard"

    def _draw(self, n_features, n_components, seed):
        # Choosing the columns takes 8 bytes for each of the order, which are freed again.
        nbytes = 8 * (hadamard_order(n_features, n_components) + 2 * n_features + n_components)
        require_memory(nbytes, f"A Hadamard codebook of {n_features} x {n_components} signs")
        return HadamardDictionary(n_features, n_components, seed)
