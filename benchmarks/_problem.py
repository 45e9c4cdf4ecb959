"""What is decoded: sizes, random sparse codes, and the codebook as a plain array for the peers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import joblib
import numpy as np

from sksupercode import RademacherEncoder
from sksupercode.datasets import make_sparse_codes

_EXPANDED_AT_ONCE = 512


@dataclass(frozen=True)
class Size:
    """N codewords in d dimensions, k of them in each of some samples; d = 0 is not known yet."""

    n_features: int
    n_nonzero_coefs: int
    n_components: int
    n_samples: int

    def __str__(self):
        sizes = {"N": self.n_features, "k": self.n_nonzero_coefs, "d": self.n_components}
        known = ", ".join(f"{name} = {size:,}" for name, size in sizes.items() if size)
        return f"{known}, samples: {self.n_samples:,}"


class Problem:
    """Random binary codes, superposed by an encoder of random signs.

    Parameters
    ----------
    size : Size
        N, k, d and the number of samples.

    seed : int, default=0
        Of the codes and of the codebook.

    sections : bool, default=False
        Whether codes have one codeword in each of k sections.
    """

    def __init__(self, size, seed=0, *, sections=False):
        self.size = size
        self.codes = make_sparse_codes(
            size.n_samples,
            size.n_features,
            n_nonzero_coefs=size.n_nonzero_coefs,
            sections=sections,
            random_state=seed,
        )
        self.encoder = RademacherEncoder(size.n_components, random_state=seed)
        self.samples = self.encoder.fit_transform(self.codes)

    def first(self, n_samples):
        """Return the problem of the first samples alone, with the same codebook."""
        problem = copy(self)
        problem.size = replace(self.size, n_samples=n_samples)
        problem.codes, problem.samples = self.codes[:n_samples], self.samples[:n_samples]
        for name in ("float_samples", "integer_samples"):
            vars(problem).pop(name, None)
        return problem

    @cached_property
    def float_samples(self):
        """The samples in float32."""
        return self.samples.astype(np.float32)

    @cached_property
    def integer_samples(self):
        """The samples in units of the signs, which are integers."""
        return np.rint(self.encoder.dictionary_.to_units(self.samples)).astype(np.int64)

    @cached_property
    def signs(self):
        """The codebook as an int8 array of +1 and -1, of shape (N, d)."""
        return expand(self.encoder.dictionary_)

    @cached_property
    def dictionary(self):
        """The codebook as a float32 array of codewords of unit norm, of shape (N, d)."""
        return self.signs * np.float32(self.size.n_components**-0.5)


def expand(dictionary):
    """Return the signs of a dictionary as an int8 array."""
    n_features = dictionary.shape[0]
    signs = np.empty(dictionary.shape, dtype=np.int8)

    def fill(start):
        rows = np.arange(start, min(start + _EXPANDED_AT_ONCE, n_features))
        signs[rows[0] : rows[-1] + 1] = np.sign(dictionary.codewords(rows))

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        list(pool.map(fill, range(0, n_features, _EXPANDED_AT_ONCE)))
    return signs
