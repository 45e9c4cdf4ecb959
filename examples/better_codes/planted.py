"""Codes against true ones: samples of dictionaries that are known, learned or not."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import DictionaryLearner, SparseAutoencoder, TopKDecoder
from sksupercode.datasets import make_planted_activations, make_synth_sae_bench
from sksupercode.metrics import match_codes, match_dictionaries

from .decoders import baselines, decode, decoders_on, reconstruction, tied

N_TEST = 4000
# Families of a parent and 7 children, of which one fires with it on average, by Zipf's law.
HIERARCHY = {
    "n_latents": 1024,
    "n_components": 128,
    "n_nonzero_coefs": 8,
    "support": "zipf",
    "zipf_exponent": 0.5,
    "group_size": 8,
    "group_firing": "hierarchical",
    "member_probability": 1 / 7,
    "noise": 0.05,
    "dtype": np.float32,
}


def draw(data, n_samples, seed):
    """Return samples, codes, the dictionary and its intercept; seeds have other dictionaries."""
    if data == "hierarchy":
        return *make_planted_activations(n_samples, **HIERARCHY, random_state=seed), 0.0
    size = data.removeprefix("SynthSAEBench ")
    return make_synth_sae_bench(
        n_samples, size, dtype=np.float32, random_state=seed, model_seed=seed
    )


def learn(kind, X, N, k, passes, seed):
    """Return an estimator that has learned a dictionary of N codewords."""
    settings = {"n_nonzero_coefs": k, "max_iter": passes, "random_state": seed}
    if kind == "learner":
        return DictionaryLearner(N, **settings).fit(X)
    return SparseAutoencoder(N, architecture=kind, **settings).fit(X)


def learn_by_top_k(kind, X, N, k, passes, seed):
    """Return top-k on a dictionary that was learned as that of the learner, but by top-k."""
    decoder = TopKDecoder(None, values="nonnegative")
    settings = {"n_nonzero_coefs": k, "max_iter": passes, "random_state": seed}
    learner = DictionaryLearner(N, decoder=decoder, **settings).fit(X)
    return tied(learner.dictionary_, learner.intercept_, k)


# The dictionaries, and the passes over the samples of those that are learned.
DICTIONARIES = {"true": 0, "topk": 20, "batchtopk": 20, "learner": 4, "learner by top-k": 4}
FITS = {"learner by top-k": learn_by_top_k}


def measure_planted(data, n_samples, seed, share, dictionary, fit=learn):
    """Return a row for each decoder on one kind of dictionary, OMP for baselines.

    ``share`` is that of the passes of learning, and ``fit`` is :func:`learn`, perhaps cached.
    """
    X, codes, truth, intercept = draw(data, n_samples + N_TEST, seed)
    X, X_test, codes = X[:-N_TEST], X[-N_TEST:], codes[-N_TEST:]
    k = round(codes.nnz / codes.shape[0])
    source, match = tied(truth, intercept, k), None
    if dictionary != "true":
        passes = max(1, round(share * DICTIONARIES[dictionary]))
        source = fit(dictionary, X, len(truth), k, passes, seed)
        match = match_dictionaries(truth, source)
    encoder = source
    if dictionary == "learner":
        encoder = tied(source.dictionary_, source.intercept_, k)
    candidates = [(name, match, one) for name, one in decoders_on(source, k, encoder).items()]
    if dictionary == "topk":
        for name, other, decoder in baselines(source, k, seed):
            candidates.append((name, match_dictionaries(truth, other), decoder))

    rows = []
    for name, pairs, decoder in candidates:
        Z, X_hat, seconds = decode(decoder, X_test)
        agreement = match_codes(codes, Z, pairs)
        row = {"dictionary": dictionary, "decoder": name, "seed": seed}
        row |= reconstruction(X_test, Z, X_hat, seconds)
        row |= {"F1": agreement.f1, "MCC": agreement.mcc}
        rows.append(row | {"precision": agreement.precision, "recall": agreement.recall})
    return rows
