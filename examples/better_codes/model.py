"""Reconstructions by every decoder put back into a language model."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode import OrthogonalMatchingPursuitDecoder

from .decoders import OWN, baselines, decode, decoders_on, reconstruction, with_k
from .model_data import ModelData, draw_activations
from .model_dictionaries import learn, train

LEARNED = "OMP, real, learned dictionary"
# What is measured of other seeds and k than the first.
FEW = (OWN, "MP, real", "OMP, nonnegative", "OMP, real")


def measure_decoder(key, data, decoder):
    """Return a row with the mean loss of each text. ``key`` says what the decoder is."""
    Z, X_hat, seconds = decode(decoder, data.X_test)
    losses = data.losses(X_hat).mean(axis=1)
    return key | reconstruction(data.X_test, Z, X_hat, seconds) | {"losses": losses}


def measure_references(key, data):
    """Return rows of what is not decoded: the activations, their mean, and zero."""
    X, mean = data.X_test, data.X.mean(axis=0)
    references = {
        "the activations": X,
        "their mean": np.broadcast_to(mean, X.shape),
        "zero": np.zeros_like(X),
    }
    return [
        key | {"decoder": name, "losses": data.losses(X_hat).mean(axis=1)}
        for name, X_hat in references.items()
    ]


def measure_model(settings, memory, log):
    """Return rows of all decoders at each seed and k, and of the references."""
    draw, fit, go_on = map(memory.cache, (draw_activations, train, learn))
    refer = memory.cache(measure_references, ignore=["data"])
    measure = memory.cache(measure_decoder, ignore=["data", "decoder"])
    size = {"n_texts": settings.n_texts, "n_test": settings.n_test}
    data = ModelData(*draw(**size))
    log(f"{len(data.X)} activations to learn from, {len(data.X_test)} to decode")
    rows = refer(size, data)
    log("references")

    def add(seed, k, decoders, **more):
        for name, decoder in decoders.items():
            key = size | {"learning": (*learning, seed), "k": k, "decoder": name} | more
            rows.append({"seed": seed} | measure(key, data, decoder))
            log(f"seed {seed}, k = {k}, {name}: {rows[-1]['losses'].mean():.3f} nats")

    learning = (settings.n_latents, settings.n_nonzero_coefs, settings.passes)
    for seed, k in settings.points:
        source = with_k(fit(data.X, *learning, seed), k)
        decoders = decoders_on(source, k, source)
        if (seed, k) != settings.points[0]:
            add(seed, k, {name: decoders[name] for name in FEW})
            continue
        add(seed, k, decoders)
        add(seed, k, {name: decoder for name, _, decoder in baselines(source, k, seed)})
        passes = settings.passes_of_learner
        learner = go_on(data.X, source, k, passes, seed)
        log("a dictionary is learned")
        learned = OrthogonalMatchingPursuitDecoder(learner, k, values="real")
        add(seed, k, {LEARNED: learned}, passes=passes)
    return rows
