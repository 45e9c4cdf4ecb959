"""Features that fire in trees below their parents, correlated by a Gaussian copula."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from sklearn.utils import gen_batches

from sksupercode._utils._sparse import assemble_csr

# Normal variables that are drawn at a time: a constant, so that draws depend on the seed alone.
_BLOCK_ENTRIES = 2**22
# A copula leaves each feature at least this variance of its own.
_LEAST_VARIANCE = 0.01


def zipf_between(n, largest, smallest, exponent):
    """Powers of the rank, moved and scaled to reach from the largest to the smallest number."""
    powers = np.arange(1, n + 1) ** -float(exponent)
    return smallest + (largest - smallest) * (powers - powers[-1]) / (powers[0] - powers[-1])


def tree_parents(n, n_trees, n_children, depth):
    """Return the parent of each feature, -1 for roots and those in no tree.

    Trees are numbered level by level: first all roots, then all of their children.
    """
    parents = np.full(n, -1)
    start, width = 0, n_trees
    for _ in range(depth):
        first, width = start + width, width * n_children
        parents[first : first + width] = start + np.arange(width) // n_children
        start = first
    return parents


def firing_given_parents(frequencies, parents):
    """Return how often each feature tries to fire where its parent does.

    Of children that try, one is drawn. So that they keep about their frequencies p_c, they try with
    ``p_c / P (1 + sum_s p_s / P)``, P the frequency of the parent, over all other children s.
    """
    tries = frequencies.copy()
    children = np.flatnonzero(parents >= 0)
    relative = frequencies[children] / frequencies[parents[children]]
    siblings = np.bincount(parents[children], relative, minlength=len(parents))
    tries[children] = relative * (1 + siblings[parents[children]] - relative)
    return np.minimum(tries, 1)


def copula_factors(n, rank, scale, rng):
    """Normal factors L of which ``L L^T`` are the correlations, and the rest of the variances."""
    factors = scale * rng.standard_normal((n, rank))
    squares = np.einsum("nr,nr->n", factors, factors)
    most = 1 - _LEAST_VARIANCE
    factors *= np.sqrt(np.minimum(1, most / squares))[:, np.newaxis]
    return factors, 1 - np.minimum(squares, most)


def tight_frame(codewords, n_rounds=3):
    """Unit codewords near the given ones whose squared cosines have the least sum, N^2 / d."""
    for _ in range(n_rounds):
        eigenvalues, vectors = np.linalg.eigh(codewords.T @ codewords)
        codewords = codewords @ ((vectors / np.sqrt(eigenvalues)) @ vectors.T)
        codewords /= np.linalg.norm(codewords, axis=1, keepdims=True)
    return codewords


@dataclass(frozen=True)
class FiringTrees:
    """The law of codes whose features fire in trees; arrays have one entry for each feature.

    Where its parent fires, feature i tries to if ``L_i . e + sqrt(v_i) u`` is large enough, with
    normal e of the sample and u of its own. One of the children that try does fire. Its amplitude
    is normal, 0 where that is negative, and times that of its parent over the mean of that.
    """

    parents: np.ndarray
    tries: np.ndarray
    factors: np.ndarray
    variances: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    n_children: int

    def draw(self, n_samples, rng):
        """Return codes of so many samples in CSR."""
        tops = np.flatnonzero(self.parents < 0)
        children = np.flatnonzero(self.parents >= 0)
        first_child = np.full(len(self.parents), -1)
        first_child[self.parents[children[:: self.n_children]]] = children[:: self.n_children]
        # Where the variables of a feature exceed its threshold, it tries to fire.
        own = np.sqrt(self.variances)
        thresholds = (ndtri(1 - self.tries) / own).astype(np.float32)
        slopes = (self.factors / own[:, np.newaxis]).astype(np.float32)
        parts = [(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))]
        for block in gen_batches(n_samples, max(1, _BLOCK_ENTRIES // len(tops))):
            shared = rng.standard_normal((block.stop - block.start, slopes.shape[1]), np.float32)
            normal = rng.standard_normal((len(shared), len(tops)), np.float32)
            normal += shared @ slopes[tops].T
            rows, places = np.nonzero(normal > thresholds[tops])
            level = self._tops(rows, tops[places], rng)
            while len(level[0]):
                parts.append((level[0] + block.start, *level[1:]))
                level = self._below(level, first_child, shared, slopes, thresholds, rng)
        rows, features, amplitudes = (np.concatenate(x) for x in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=n_samples)
        return assemble_csr(counts, features[order], amplitudes[order], len(self.parents))

    def _amplitudes(self, features, rng):
        normal = rng.standard_normal(features.shape)
        return self.means[features] + self.deviations[features] * normal

    def _tops(self, rows, features, rng):
        amplitudes = self._amplitudes(features, rng)
        fires = amplitudes > 0
        return rows[fires], features[fires], amplitudes[fires]

    def _below(self, level, first_child, shared, slopes, thresholds, rng):
        """Return the children that fire below the features of a level."""
        rows, features, amplitudes = (part[first_child[level[1]] >= 0] for part in level)
        children = first_child[features][:, np.newaxis] + np.arange(self.n_children)
        normal = rng.standard_normal(children.shape, np.float32)
        for member, own in enumerate(children.T):
            normal[:, member] += np.einsum("mr,mr->m", shared[rows], slopes[own])
        drawn = self._amplitudes(children, rng)
        tries = (normal > thresholds[children]) & (drawn > 0)
        winners = np.where(tries, rng.random(tries.shape), -1).argmax(axis=1)
        some = np.flatnonzero(tries.any(axis=1))
        chosen = some, winners[some]
        scale = amplitudes[some] / self.means[features[some]]
        return rows[some], children[chosen], scale * drawn[chosen]
