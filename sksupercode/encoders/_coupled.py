"""Codewords that are coupled in space: blocks of random signs along a band."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._memory import require_memory
from sksupercode._utils._sections import section_bounds
from sksupercode._utils._validation import check_integer
from sksupercode.dictionaries import BandedDictionary, PackedSignDictionary, SignDictionary
from sksupercode.dictionaries._signs import n_words
from sksupercode.encoders._base import BaseEncoder
from sksupercode.encoders._rademacher import DENSE_ENTRIES

# Into so many steps a block is divided: waves run further where windows move smoothly.
_STEPS = 2


class CoupledEncoder(BaseEncoder):
    r"""Superpose codewords of random signs in overlapping windows: ``x = F^T y``.

    .. math::
        x = \sum_{i \in y} f_i, \qquad f_{ij} = \pm 1 / \sqrt{w} \text{ with equal odds for } j
        \text{ in the window of } i, \text{ else } 0

    The d dimensions are divided into C + W - 1 equal blocks, and the window of a codeword, of w
    dimensions, is W of them long. From the first codeword to the last it moves over the dimensions,
    in steps of half a block. The first and the last dimensions are in few windows, and the
    interference there is weak. A message-passing decoder finds the codewords at both ends first. It
    then finds their neighbours, without the interference of those found, and so on in two waves
    towards the middle. This works at rates at which the same decoder recovers no code whose
    codewords are not coupled.

    Parameters
    ----------
    n_components : int, default=256
        Number d of dimensions of a codeword.

    n_features : int or None, default=None
        Number N of codewords. None learns it from the columns of the codes in ``fit``; with a
        number, the recipe is complete and a decoder's ``fit`` needs no y.

    n_blocks : int, default=32
        Number C of blocks over which windows move; 1 is no coupling. There are fewer where there
        are too few codewords or dimensions for so many steps.

    coupling_width : int, default=3
        Length W of a window, in blocks.

    power_allocation : array-like of shape (n_sections,) or None, default=None
        Relative powers of the sections of a sparse regression code, which are as many contiguous
        runs of codewords: the squared norms of their codewords, up to a factor that makes their
        mean 1. None gives every codeword the same power.

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
    AMPDecoder : The decoder that coupling is made for.
    RademacherEncoder : Codewords that all share all dimensions.
    sksupercode.theory.coupled_amp_dimension : The d that suffices for large codes.

    Notes
    -----
    One-step decoders and pursuits gain nothing from coupling: for them a codeword has fewer
    dimensions, and as much interference in each.

    With few active codewords coupling loses more at the ends than it gains, most of all with the
    default of 32 blocks: 16 sections of 64 codewords at a signal-to-noise ratio of 5 need some 390
    dimensions, and 106 uncoupled. Measure before choosing it at small k.

    In terms of :func:`~sksupercode.theory.coupled_amp_dimension` these are 2 C - 1 blocks of
    codewords, each 2 W blocks of dimensions wide. In wide windows the number of active codewords
    varies less, and decoding takes fewer iterations. With many blocks fewer dimensions are lost at
    the ends.

    Widths of windows differ by at most one dimension, and squared norms by as little, around 1;
    they are all the same if 2 (C + W - 1) divides d. Superpositions of 0/1 codes are integers
    times one number.

    Spatial coupling was found in convolutional codes, where Kudekar, Richardson and Urbanke [1]_
    proved what it does. Krzakala et al. [2]_ brought it to compressed sensing, Donoho, Javanmard
    and Montanari [3]_ proved that message passing is then limited by information alone, and Barbier
    and Krzakala [4]_ applied it to superposition codes.

    References
    ----------
    .. [1] S. Kudekar, T. J. Richardson and R. L. Urbanke, "Threshold saturation via spatial
       coupling: why convolutional LDPC ensembles perform so well over the BEC", IEEE Transactions
       on Information Theory 57(2), 2011.
    .. [2] F. Krzakala, M. Mezard, F. Sausset, Y. Sun and L. Zdeborova, "Probabilistic
       reconstruction in compressed sensing: algorithms, phase diagrams, and threshold achieving
       matrices", Journal of Statistical Mechanics, P08009, 2012.
    .. [3] D. L. Donoho, A. Javanmard and A. Montanari, "Information-theoretically optimal
       compressed sensing via spatial coupling and approximate message passing", IEEE Transactions
       on Information Theory 59(11), 2013.
    .. [4] J. Barbier and F. Krzakala, "Approximate message-passing decoder and capacity achieving
       sparse superposition codes", IEEE Transactions on Information Theory 63(8), 2017.

    Examples
    --------
    >>> from sksupercode import AMPDecoder, CoupledEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=5, n_features=4096, n_nonzero_coefs=64, random_state=0)
    >>> encoder = CoupledEncoder(n_components=400, n_blocks=8, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> X.shape
    (5, 400)
    >>> AMPDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    _kind = "coupled"

    def __init__(
        self,
        n_components=256,
        *,
        n_features=None,
        n_blocks=32,
        coupling_width=3,
        power_allocation=None,
        random_state=None,
    ):
        super().__init__(
            n_components,
            n_features=n_features,
            power_allocation=power_allocation,
            random_state=random_state,
        )
        self.n_blocks = n_blocks
        self.coupling_width = coupling_width

    def _variant(self, n_features, n_components):
        """Return how many windows there are, and their length in steps."""
        n_blocks = check_integer(self.n_blocks, "n_blocks", minimum=1)
        width = check_integer(self.coupling_width, "coupling_width", minimum=1)
        length = min(_STEPS * width, n_components)
        n_windows = _STEPS * (n_blocks - 1) + 1
        return min(n_windows, n_features, n_components + 1 - length), length

    def _draw(self, n_features, n_components, seed):
        n_windows, length = self._variant(n_features, n_components)
        steps = section_bounds(n_components, n_windows + length - 1)
        starts = steps[:n_windows]
        counts = np.diff(section_bounds(n_features, n_windows))
        shapes = list(zip(counts.tolist(), (steps[length:] - starts).tolist(), strict=True))
        storage, nbytes = SignDictionary, sum(4 * n * width for n, width in shapes)
        if nbytes > 4 * DENSE_ENTRIES:
            storage, nbytes = PackedSignDictionary, sum(8 * n * n_words(d) for n, d in shapes)
        require_memory(nbytes, f"A coupled codebook of {n_features} x {n_components} signs")
        seeds = seed.spawn(n_windows)
        parts = [storage.random(*shape, seed) for shape, seed in zip(shapes, seeds, strict=True)]
        return BandedDictionary(parts, starts, n_components)
