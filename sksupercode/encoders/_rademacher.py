"""Codewords of independent random signs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode._utils._memory import require_memory
from sksupercode._utils._validation import check_option
from sksupercode.dictionaries import PackedSignDictionary, SeededSignDictionary, SignDictionary
from sksupercode.dictionaries._signs import n_words
from sksupercode.encoders._base import BaseEncoder

_STORAGES = {"dense": SignDictionary, "packed": PackedSignDictionary, "seed": SeededSignDictionary}
# Smaller codebooks are decoded before numba is imported.
DENSE_ENTRIES = 2**18


class RademacherEncoder(BaseEncoder):
    r"""Superpose codewords of random signs: ``x = F^T y``, F_ir = +-1 / sqrt(d) with equal odds.

    .. math::
        x = \sum_{i \in y} f_i, \qquad f_i \in \{-1, +1\}^d / \sqrt d

    Without power allocation every codeword has norm exactly 1; two of them have an inner product of
    mean 0 and variance 1/d. The codebook is a pure function of (kind, N, d, seed): an encoder with
    an integer ``random_state`` is a recipe. A decoder that is given the encoder has the same
    codebook.

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

    storage : {"auto", "dense", "packed", "seed"}, default="auto"
        How the codewords are stored: as a float32 array, packed to one bit an entry, or not at all.
        In the last case they are drawn again from the seed whenever they are needed. "auto" keeps
        up to 2^18 entries dense and packs larger codebooks. The codebook of a seed is the same in
        each.

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
    SphericalEncoder : Codewords that are uniform on the unit sphere.
    TopKDecoder : Reads superpositions in one step.

    Notes
    -----
    Superpositions of 0/1 codes are integers over sqrt(d); decoders use that to compute without any
    rounding error.

    References
    ----------
    .. [1] D. Achlioptas, "Database-friendly random projections: Johnson-Lindenstrauss with binary
       coins", Journal of Computer and System Sciences 66(4), 2003.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=5, n_features=1000, n_nonzero_coefs=3, random_state=0)
    >>> RademacherEncoder(n_components=64, random_state=0).fit_transform(Y).shape
    (5, 64)
    """

    _kind = "rademacher"

    def __init__(
        self,
        n_components=256,
        *,
        n_features=None,
        power_allocation=None,
        storage="auto",
        random_state=None,
    ):
        super().__init__(
            n_components,
            n_features=n_features,
            power_allocation=power_allocation,
            random_state=random_state,
        )
        self.storage = storage

    def _variant(self, n_features, n_components):
        check_option(self.storage, "storage", ("auto", *_STORAGES))
        if self.storage == "auto":
            return "dense" if n_features * n_components <= DENSE_ENTRIES else "packed"
        return self.storage

    def _draw(self, n_features, n_components, seed):
        storage = self._variant(n_features, n_components)
        nbytes = {
            "dense": 4 * n_features * n_components,
            "packed": 8 * n_features * n_words(n_components),
            "seed": 0,
        }
        require_memory(
            nbytes[storage], f"A {storage} codebook of {n_features} x {n_components} signs"
        )
        return _STORAGES[storage].random(n_features, n_components, seed)
