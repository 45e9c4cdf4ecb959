"""Samples of known dictionaries, and how well a learned one explains and matches them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, field

import numpy as np
from sklearn.utils import gen_batches

from benchmarks._problem import Size
from sksupercode import OrthogonalMatchingPursuitDecoder
from sksupercode.datasets import make_planted_activations
from sksupercode.metrics import match_dictionaries

_TEST = 1000
_BLOCK = 4096


@dataclass(frozen=True)
class Planted:
    """A kind of planted activations: its name, its size, and parameters of the generator."""

    name: str
    size: Size
    parameters: dict = field(default_factory=dict)

    def scaled(self, latents, components, samples_each):
        """Return the problem with N and d times these factors, and so many samples a codeword.

        k stays, but is at most N / 8.
        """
        group = self.parameters.get("group_size", 1)
        N = group * max(1, round(latents * self.size.n_features / group))
        d = max(1, round(components * self.size.n_components))
        k = min(self.size.n_nonzero_coefs, max(1, N // 8))
        return Planted(self.name, Size(N, k, d, round(samples_each * N)), self.parameters)


def _planted(name, n_features, n_components, n_nonzero_coefs=6, **parameters):
    size = Size(n_features, n_nonzero_coefs, n_components, 40 * n_features)
    return Planted(name, size, parameters)


PLANTED = [
    _planted("uniform, .5 bits/dim", 512, 96),
    _planted("uniform, .85 bits/dim", 512, 64, 8),
    _planted("fours with cosine .5", 512, 96, group_size=4, group_cosine=0.5),
    _planted(
        "Zipf, noise of 5 %",
        1024,
        128,
        8,
        support="zipf",
        zipf_exponent=0.7,
        amplitudes=("exponential", 0.2),
        noise=0.05,
    ),
    _planted(
        "parents, 8 children each",
        576,
        96,
        group_size=9,
        group_firing="hierarchical",
        member_probability=1 / 8,
    ),
]


class PlantedProblem:
    """Samples to learn from, others of the same dictionary, and that dictionary.

    Parameters
    ----------
    size : Size
        N, k, d and the number of samples to learn from.

    seed : int, default=0
        Of all that is random.

    **parameters
        Of :func:`~sksupercode.datasets.make_planted_activations`.
    """

    def __init__(self, size, seed=0, **parameters):
        self.size = size
        X, _, self.dictionary = make_planted_activations(
            size.n_samples + _TEST,
            size.n_features,
            size.n_components,
            n_nonzero_coefs=size.n_nonzero_coefs,
            dtype=np.float32,
            random_state=seed,
            **parameters,
        )
        self.samples, self.test = np.split(X, [size.n_samples])

    def fvu(self, learned):
        """Return the FVU of the other samples by nonnegative OMP of k codewords.

        ``learned`` are codewords of any norm, and what is to be subtracted from samples before.
        """
        return test_fvu(*learned, self.size.n_nonzero_coefs, self.test)

    def measure(self, learned):
        """Return the FVU, the part of the codewords that were found, and the MCC."""
        match = match_dictionaries(self.dictionary, learned[0])
        return {"fvu": self.fvu(learned), "found": float(match.found), "mcc": float(match.mcc)}


def draw_blocks(size):
    """Return samples to learn from and others, of one dictionary, drawn a block at a time."""
    X = np.empty((size.n_samples + _TEST, size.n_components), dtype=np.float32)
    rng, dictionary = np.random.default_rng(0), None
    for block in gen_batches(len(X), _BLOCK):
        part, _, dictionary = make_planted_activations(
            len(X[block]),
            size.n_features,
            size.n_components,
            n_nonzero_coefs=size.n_nonzero_coefs,
            dictionary=dictionary,
            dtype=np.float32,
            random_state=rng,
        )
        X[block] = part
    return np.split(X, [size.n_samples])


def test_fvu(codewords, intercept, n_nonzero_coefs, X):
    """Return the FVU of samples by nonnegative OMP, whoever has learned the codewords."""
    norms = np.linalg.norm(codewords, axis=1, keepdims=True)
    F = (codewords / np.where(norms > 0, norms, 1)).astype(np.float32)
    V = (X - intercept).astype(np.float32)
    decoder = OrthogonalMatchingPursuitDecoder(F, n_nonzero_coefs, values="nonnegative").fit(V[:1])
    errors = np.square(V - decoder.reconstruct(V), dtype=np.float64).sum(axis=1)
    return float(errors.mean() / X.var(axis=0, dtype=np.float64).sum())
