"""Dictionaries that are learned from the activations of a language model."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode import DictionaryLearner, SparseAutoencoder


def train(X, N, k, passes, seed):
    """Return a TopK autoencoder of activations X."""
    settings = {"n_nonzero_coefs": k, "max_iter": passes, "random_state": seed}
    return SparseAutoencoder(N, **settings).fit(X)


def learn(X, sae, k, passes, seed):
    """Return a learner that goes on from the dictionary of an autoencoder."""
    settings = {"n_nonzero_coefs": k, "max_iter": passes, "random_state": seed}
    return DictionaryLearner(len(sae.dictionary_), init=sae, **settings).fit(X)
