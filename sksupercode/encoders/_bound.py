"""Codewords of bound keys and symbols: bundles of vector-symbolic architectures."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._memory import require_memory
from sksupercode._utils._validation import check_integer, check_samples
from sksupercode.dictionaries import BoundDictionary, PackedSignDictionary
from sksupercode.dictionaries._signs import n_words
from sksupercode.encoders._base import BaseEncoder, check_powers
from sksupercode.symbols import refuse_symbols


class BoundEncoder(BaseEncoder):
    r"""Superpose symbols that are bound to keys: ``f_{s V + v} = k_s * w_v / sqrt(d)``, all signs.

    .. math::
        x = \frac{1}{\sqrt d} \sum_{s=1}^{S} k_s \odot w_{v_s},
        \qquad k_s, w_v \in \{-1, +1\}^d

    A sequence or a record of S symbols out of V is one vector: each position, or role, has a random
    key, each symbol a random sign vector, and the codeword of a symbol at a position is their
    element-wise product. Vector-symbolic architectures call the vectors *hypervectors* of the MAP
    model (multiply, add, permute), the product *binding* and the sum a *bundle*. Here it is a
    sparse regression code of S sections, and all decoders read it. Only S + V sign vectors are
    stored for its N = S V codewords. They have norm 1, and inner products of mean 0 and variance
    1/d.

    Parameters
    ----------
    n_components : int, default=256
        Number d of dimensions of a codeword.

    n_features : int or None, default=None
        Number N of codewords, n_sections times the number of symbols. None learns it from the
        columns of the codes in ``fit``; with a number, the recipe is complete and a decoder's
        ``fit`` needs no y. If it is no multiple of n_sections, sections differ by one symbol.

    n_sections : int, default=8
        Number S of keys: of positions of a sequence, or of roles of a record. Of more sections
        than codewords only N have a key.

    power_allocation : array-like of shape (n_sections,) or None, default=None
        Relative powers of the sections: the squared norms of their codewords, up to a factor that
        makes their mean 1. None gives every codeword the norm 1.

    random_state : int, RandomState instance, Generator or None, default=None
        Names the codebook. Only an integer makes a recipe that can be shared with a decoder.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords. Without power allocation it is a
        :class:`~sksupercode.dictionaries.BoundDictionary`, whose ``keys`` and ``symbols`` are the
        factors.

    n_features_in_ : int
        Number N of columns of the codes.

    feature_names_in_ : ndarray of shape (N,)
        Names of the columns of the codes in ``fit``, if all are strings.

    See Also
    --------
    RademacherEncoder : Codewords without structure.
    sksupercode.symbols.codes_from_symbols : Codes of sequences of symbols.
    sksupercode.metrics.decoded_information : What a decoder reads of them, in bits.

    Notes
    -----
    Decoders that know of sections are told by ``sections=True``: then each reads one symbol at each
    position. A key vector of your own, or hypervectors that were made elsewhere, go into a
    :class:`~sksupercode.dictionaries.BoundDictionary`, which decoders take in place of an encoder.

    Codebooks of different ``n_sections`` are unrelated. Where a sweep draws codes of k sections, as
    :func:`~sksupercode.model_selection.recovery_curve` does for decoders with ``sections=True``,
    ``n_sections`` has to be k.

    References
    ----------
    .. [1] R. W. Gayler, "Multiplicative binding, representation operators and analogy", in Advances
       in Analogy Research, New Bulgarian University, 1998.
    .. [2] D. Kleyko, C. Bybee, P.-C. Huang, C. J. Kymn, B. A. Olshausen, E. P. Frady and
       F. T. Sommer, "Efficient decoding of compositional structure in holistic representations",
       Neural Computation 35(7), 2023.

    Examples
    --------
    >>> from sksupercode import BoundEncoder, TopKDecoder
    >>> from sksupercode.symbols import codes_from_symbols, symbols_from_codes
    >>> Y = codes_from_symbols([[2, 0, 19], [3, 14, 6]], n_symbols=26)
    >>> encoder = BoundEncoder(n_components=256, n_sections=3, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> decoder = TopKDecoder(encoder, sections=True).fit(X, Y)
    >>> symbols_from_codes(decoder.predict(X), n_sections=3)
    array([[ 2,  0, 19],
           [ 3, 14,  6]])
    """

    _kind = "bound"

    def __init__(
        self,
        n_components=256,
        *,
        n_features=None,
        n_sections=8,
        power_allocation=None,
        random_state=None,
    ):
        super().__init__(
            n_components,
            n_features=n_features,
            power_allocation=power_allocation,
            random_state=random_state,
        )
        self.n_sections = n_sections

    def fit(self, X, y=None):
        codes = check_samples(self, X, reset=True, accept_sparse=["csr", "csc"])
        refuse_symbols(codes, "X", self.n_sections)
        return super().fit(X, y)

    def _variant(self, n_features, n_components):
        return min(check_integer(self.n_sections, "n_sections", minimum=1), n_features)

    def _allocate_power(self, dictionary):
        if self.power_allocation is not None:
            n_powers = len(check_powers(self.power_allocation))
            if n_powers != self.n_sections:
                raise ValueError(
                    f"power_allocation must have one number for each of n_sections="
                    f"{self.n_sections}, got {n_powers}."
                )
        return super()._allocate_power(dictionary)

    def _draw(self, n_features, n_components, seed):
        n_sections = self._variant(n_features, n_components)
        n_symbols = -(-n_features // n_sections)
        nbytes = 8 * (n_sections + n_symbols) * n_words(n_components)
        require_memory(nbytes, f"A codebook of {n_sections} keys and {n_symbols} symbols")
        # Codebooks of other numbers of sections have nothing in common with this one.
        seed = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, n_sections))
        keys, symbols = (
            PackedSignDictionary.random(n, n_components, part)
            for n, part in zip((n_sections, n_symbols), seed.spawn(2), strict=True)
        )
        return BoundDictionary(keys, symbols, n_features)
