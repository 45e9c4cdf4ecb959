"""Activations of MiniLM: what is left of them, and probes of labels that tokens have."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from sksupercode import DictionaryLearner, SparseAutoencoder
from sksupercode.datasets import load_activations
from sksupercode.inspection import probe_latents

from .decoders import baselines, decode, decoders_on, reconstruction

FOLDERS = ("tkinter", "asyncio")


def token_labels(activations):
    """Return labels of tokens, by what they are and by the library that their passage is from."""
    tokens = activations.tokens
    folders = np.array([source.split("/")[0] for source in activations.sources])
    folders = folders[activations.passages]
    labels = {
        "continues a word": [token.startswith("##") for token in tokens],
        "punctuation": [not any(c.isalnum() for c in token) for token in tokens],
        "function word": [token in ENGLISH_STOP_WORDS for token in tokens],
    }
    labels |= {f"of {folder}": folders == folder for folder in FOLDERS}
    return {name: np.asarray(label, dtype=int) for name, label in labels.items()}


def measure_minilm(N, k, passes, n_tasks, seed):
    """Return a row for each decoder, of a split of the passages and an autoencoder by the seed.

    The first ``n_tasks`` of the labels are probed.
    """
    activations = load_activations()
    X, groups = activations.data, activations.passages
    split = GroupShuffleSplit(1, test_size=0.4, random_state=seed)
    ((train, test),) = split.split(X, groups=groups)
    settings = {"n_nonzero_coefs": k, "random_state": seed}
    learner = DictionaryLearner(N, max_iter=max(1, passes // 8), **settings).fit(X[train])
    sae = SparseAutoencoder(N, init=learner, max_iter=passes, **settings).fit(X[train])

    labels = np.column_stack(list(token_labels(activations).values()))[test]
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
    # Passages stay whole. What the folds are stratified by is the rarest label.
    cv = list(folds.split(X[test], labels[:, -1], groups[test]))
    labels = labels[:, :n_tasks]

    decoders = decoders_on(sae, k, sae)
    decoders["OMP, real, learned dictionary"] = learner.decoder_
    decoders |= {name: decoder for name, _, decoder in baselines(sae, k, seed)}
    rows = []
    for name, decoder in decoders.items():
        Z, X_hat, seconds = decode(decoder, X[test])
        rows.append(reconstruction(X[test], Z, X_hat, seconds) | {"decoder": name, "seed": seed})
        rows[-1]["AUC"] = probe_latents(Z, labels, n_latents=(1, 5), cv=cv).scores.mean(axis=2)
    AUC = probe_latents(X[test], labels, n_latents=(1, 5), cv=cv).scores.mean(axis=2)
    rows.append({"decoder": "the activations", "seed": seed, "AUC": AUC})
    return rows
