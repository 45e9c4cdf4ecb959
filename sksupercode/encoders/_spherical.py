"""Codewords that are uniform on the unit sphere."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._memory import require_memory
from sksupercode.dictionaries import DenseDictionary
from sksupercode.encoders._base import BaseEncoder

_BLOCK_ENTRIES = 2**20


class SphericalEncoder(BaseEncoder):
    r"""Superpose codewords drawn uniformly from the unit sphere: ``x = F^T y``.

    .. math::
        x = \sum_{i \in y} f_i, \qquad f_i = g_i / \lVert g_i \rVert, \quad g_i \sim N(0, I_d)

    This is the random codebook of Shannon's achievability proof for the Gaussian channel. The
    codebook is a pure function of (kind, N, d, seed), as that of :class:`RademacherEncoder`.

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
        The codewords, in float32.

    n_features_in_ : int
        Number N of columns of the codes.

    feature_names_in_ : ndarray of shape (N,)
        Names of the columns of the codes in ``fit``, if all are strings.

    See Also
    --------
    RademacherEncoder : Codewords of random signs, with exact integer arithmetic.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of error for optimal codes in a Gaussian channel", Bell
       System Technical Journal 38(3), 1959.

    Examples
    --------
    >>> from sksupercode import SphericalEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=5, n_features=1000, n_nonzero_coefs=3, random_state=0)
    >>> SphericalEncoder(n_components=64, random_state=0).fit_transform(Y).shape
    (5, 64)
    """

    _kind = "spherical"

    def _draw(self, n_features, n_components, seed):
        require_memory(
            4 * n_features * n_components,
            f"A codebook of {n_features} x {n_components} float32 numbers",
        )
        codewords = np.empty((n_features, n_components), dtype=np.float32)
        blocks = list(gen_batches(n_features, max(1, _BLOCK_ENTRIES // n_components)))
        # One stream for each block: any block can be drawn without the others.
        for rows, block_seed in zip(blocks, seed.spawn(len(blocks)), strict=True):
            generator = np.random.default_rng(block_seed)
            block = generator.standard_normal((rows.stop - rows.start, n_components))
            block /= np.linalg.norm(block, axis=1, keepdims=True)
            codewords[rows] = block
        return DenseDictionary(codewords)
