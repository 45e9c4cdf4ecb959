"""The decoders that are compared, and dictionaries that know nothing of the samples."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from dataclasses import replace

import numpy as np

from sksupercode import (
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
)
from sksupercode.metrics import fraction_of_variance_unexplained, mean_l0
from sksupercode.sae import SAEWeights

OWN = "encoder"


def with_k(sae, k):
    """Return a TopK autoencoder that keeps k latents; others as they are."""
    if sae.weights_.architecture != "topk":
        return sae
    return SparseAutoencoder.from_weights(replace(sae.weights_, k=k))


def decoders_on(dictionary, k, encoder):
    """Return decoders by name, on one dictionary, that find k codewords where they can.

    ``encoder`` is what the dictionary has for itself: an autoencoder, or top-k. Pruned are supports
    of OMP of 2 k codewords.
    """
    pursuits = {
        f"{short}, {values}": kind(dictionary, k, values=values)
        for short, kind in {
            "MP": MatchingPursuitDecoder,
            "OMP": OrthogonalMatchingPursuitDecoder,
        }.items()
        for values in ("nonnegative", "real")
    }
    swaps = {
        f"swaps, {values}": SwapDecoder(pursuits[f"OMP, {values}"], max_swaps=2 * k)
        for values in ("nonnegative", "real")
    }
    pruned = {
        f"pruned, {values}": RefitDecoder(
            OrthogonalMatchingPursuitDecoder(dictionary, 2 * k, values=values), prune=k
        )
        for values in ("nonnegative", "real")
    }
    return {OWN: encoder, "encoder, refit": RefitDecoder(encoder)} | pursuits | swaps | pruned


def tied(dictionary, intercept, k):
    """Return top-k on a dictionary, as an autoencoder whose encoder is the dictionary itself."""
    F = np.asarray(dictionary, dtype=np.float32)
    b = np.broadcast_to(np.asarray(intercept, dtype=np.float32), F.shape[1:])
    weights = SAEWeights("topk", F, b, F.T, np.zeros(len(F), dtype=np.float32), k=k)
    return SparseAutoencoder.from_weights(weights)


def baselines(source, k, seed):
    """Return names, dictionaries and OMP on them, of random and shuffled codewords.

    Random directions, and coordinates that are permuted each by itself, with the norms of the
    codewords of ``source``.
    """
    rng, F = np.random.default_rng([seed, 1]), np.array(source.dictionary_)
    others = {
        "random dictionary": rng.standard_normal(F.shape),
        "shuffled codewords": rng.permuted(F, axis=0),
    }
    norms = np.linalg.norm(F, axis=1, keepdims=True)
    for name, other in others.items():
        other *= norms / np.linalg.norm(other, axis=1, keepdims=True)
        sae = tied(other, source.intercept_, k)
        yield name, sae, OrthogonalMatchingPursuitDecoder(sae, k, values="real")


def decode(decoder, X):
    """Return the codes of X, the reconstructions, and the seconds that each sample took."""
    if not isinstance(decoder, SparseAutoencoder):
        decoder.fit(X)
    decoder.transform(X[:2])  # compiles
    start = time.perf_counter()
    Z = decoder.transform(X)
    seconds = (time.perf_counter() - start) / len(X)
    return Z, decoder.inverse_transform(Z), seconds


def reconstruction(X, Z, X_hat, seconds):
    """Return the measures that need no truth and no model."""
    return {
        "L0": mean_l0(Z),
        "FVU": fraction_of_variance_unexplained(X, X_hat),
        "ms": 1000 * seconds,
    }
