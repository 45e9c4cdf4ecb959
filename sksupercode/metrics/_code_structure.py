"""Features that several latents share, latents of several features, and what children absorb."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.metrics._cofiring import Best, cofiring

# What fires in fewer samples says nothing of splits, merges and absorption.
_LEAST_SAMPLES = 10


def best_by_f1(true, pred, indices, hits):
    """Return the feature that each latent detects best, and the latent that detects each best.

    By F1; of equal ones partners are the best, then the first.
    """
    homes, detectors = Best(pred.shape[1]), Best(true.shape[1])
    features = np.flatnonzero((indices >= 0) & (hits > 0))
    latents = indices[features]
    f1 = 2 * hits[features] / (true.counts[features] + pred.counts[latents])
    homes.offer(latents, features, f1)
    detectors.offer(features, latents, f1)
    for i, j, counts in cofiring(true, pred):
        f1 = 2 * counts / (true.counts[i] + pred.counts[j])
        homes.offer(j, i, f1)
        detectors.offer(i, j, f1)
    return homes.partners, detectors.partners


def shared(true, pred, homes, detectors):
    """Return pairs of features and latents: which share a feature, and which stand for one."""
    at_home = pred.total(pred.columns[true.has(pred.rows, homes[pred.columns])])
    latent_counts = (homes >= 0) & (pred.counts >= _LEAST_SAMPLES)
    feature_counts = true.counts >= _LEAST_SAMPLES
    sharing = np.flatnonzero(latent_counts & (2 * at_home > pred.counts))
    for_home = latent_counts & feature_counts[homes] & (2 * at_home > true.counts[homes])

    # Features that are no latent's home, where it fires for them and its home does not.
    guests = feature_counts & (detectors >= 0)
    guests &= homes[detectors] != np.arange(len(detectors))
    places = np.flatnonzero(guests[true.columns])
    rows, features = true.rows[places], true.columns[places]
    latents = detectors[features]
    alone = pred.has(rows, latents) & ~true.has(rows, homes[latents])
    merged = np.flatnonzero(2 * true.total(features[alone]) > true.counts)
    latents = np.concatenate([np.flatnonzero(for_home), detectors[merged]])
    features = np.concatenate([homes[for_home], merged])
    return _pairs(homes[sharing], sharing), _pairs(features, latents)


def _pairs(features, latents):
    return np.column_stack([features, latents]).astype(np.intp)


def absorption(true, pred, indices, hit, hits):
    """Return the fraction of the samples of each feature that latents of its children absorb."""
    parents, children = _descents(true)
    # For each child the range of its parents.
    bounds = np.searchsorted(children, np.arange(true.shape[1] + 1))
    entries = np.flatnonzero(hit)
    n_parents = np.diff(bounds)[true.columns[entries]]
    pairs = _ranges(bounds[true.columns[entries]], n_parents)
    rows, fathers = np.repeat(true.rows[entries], n_parents), parents[pairs]
    heard = pred.has(rows, indices[fathers])
    # Of the samples with the child, and of all others of the parent: those where its latent fires.
    n = np.bincount(pairs, minlength=len(parents))
    n_heard = np.bincount(pairs[heard], minlength=len(parents))
    n_others, n_others_heard = true.counts[parents] - n, hits[parents] - n_heard
    absorbs = (n >= _LEAST_SAMPLES) & (2 * n_heard * n_others < n * n_others_heard)
    silent = ~heard & absorbs[pairs]
    lost = np.unique(rows[silent] * true.shape[1] + fathers[silent])
    fractions = np.full(true.shape[1], np.nan)
    with_children = true.total(lost % true.shape[1])
    fractions[parents] = with_children[parents] / true.counts[parents]
    return fractions


def _descents(true):
    """Return pairs of a feature and one that fires only where it does, by the latter."""
    by_feature = true.codes.tocsc()
    samples, starts = by_feature.indices.astype(np.intp), by_feature.indptr.astype(np.intp)
    children = np.flatnonzero(true.counts >= _LEAST_SAMPLES)
    # Parents are among the features of the first sample, and few are in the others by chance.
    first = samples[starts[children]]
    sizes = np.diff(true.codes.indptr)[first]
    parents = true.columns[_ranges(true.codes.indptr[first], sizes)]
    children = np.repeat(children, sizes)
    kept = true.counts[parents] > true.counts[children]
    for place in range(1, _LEAST_SAMPLES):
        parents, children = parents[kept], children[kept]
        kept = true.has(samples[starts[children] + place], parents)
    parents, children = parents[kept], children[kept]
    sizes = true.counts[children]
    both = true.has(samples[_ranges(starts[children], sizes)], np.repeat(parents, sizes))
    pairs = np.repeat(np.arange(len(sizes)), sizes)
    kept = np.bincount(pairs[both], minlength=len(sizes)) == sizes
    return parents[kept], children[kept]


def _ranges(starts, sizes):
    """Return ranges of such sizes, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - sizes), sizes)
