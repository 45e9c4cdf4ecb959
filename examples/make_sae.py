"""Train the sparse autoencoder that ``load_activations_sae`` has, on ``load_activations``.

Needs PyTorch, and some minutes on two cores::

    pip install torch
    python examples/make_sae.py minilm_sae

It is trained on the first 4,000 activations. The number of passes and the learning rate, which is
the default, were chosen on the next 500; the last 500 were not used for any choice, and are for
comparing decoders.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sksupercode import SparseAutoencoder, load_sae
from sksupercode.datasets import load_activations

SETTINGS = {
    "n_latents": 2048,
    "architecture": "topk",
    "n_nonzero_coefs": 32,
    "max_iter": 40,
    "init": "random",
    "random_state": 0,
}


def main(folder):
    X = load_activations().data
    trained = SparseAutoencoder(**SETTINGS, verbose=True).fit(X[:4000])
    arrays = trained.weights_.arrays()
    halved = {name: array.astype(np.float16) for name, array in arrays.items()}
    SparseAutoencoder.from_weights(replace(trained.weights_, **halved)).save(folder)
    sae = load_sae(folder)
    for name, rows in {"trained on": slice(4000), "held out": slice(4000, 4500)}.items():
        print(f"FVU of activations {name}: {1 - sae.score(X[rows]):.4f}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {Path(__file__).name} FOLDER")
    main(sys.argv[1])
