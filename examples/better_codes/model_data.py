"""Activations of a language model to learn from, and others to measure the loss on."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cache

import numpy as np
import torch
from language_model import MASSIVE, activations_behind, draw_texts, load_model, losses_above

BLOCK = 15


@cache
def the_model():
    return load_model()


def draw_activations(n_texts, n_test):
    """Return tokens of the test texts, and activations of shape (n_texts, 128, d) of both kinds.

    The training texts are the first, so that a larger ``n_texts`` has other tests.
    """
    model, tokenizer = the_model()
    texts = draw_texts(tokenizer, n_texts + n_test)
    activations = activations_behind(model, BLOCK, texts).numpy()
    return texts[n_texts:].numpy(), activations[:n_texts], activations[n_texts:]


class ModelData:
    """Activations without massive ones, and what the model loses with reconstructions of them.

    Parameters
    ----------
    tokens : int ndarray of shape (n_test, 128)
    training, test : float32 ndarrays of shape (n_texts, 128, d) and (n_test, 128, d)
    """

    def __init__(self, tokens, training, test):
        self.tokens, self.test = tokens, test
        norms = np.linalg.norm(training, axis=-1)
        limit = MASSIVE * np.median(norms)
        self.X = training[norms <= limit]
        self.is_kept = np.linalg.norm(test, axis=-1) <= limit
        self.X_test = test[self.is_kept]

    def losses(self, X_hat):
        """Return the loss of each test token, with reconstructions of ``X_test`` put back."""
        activations = self.test.copy()
        activations[self.is_kept] = X_hat
        model, _ = the_model()
        tensors = torch.from_numpy(activations), torch.from_numpy(self.tokens)
        return losses_above(model, BLOCK, *tensors).numpy()
