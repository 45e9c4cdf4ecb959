"""Train the sparse autoencoder that ``load_activations_sae`` has, on ``load_activations``.

Needs PyTorch, and some minutes::

    pip install torch
    OMP_NUM_THREADS=1 python examples/make_sae.py minilm_sae

``DictionaryLearner`` learns a dictionary, from which the training of the autoencoder starts. Both
are trained on the first 4,000 activations. The start and the number of passes were chosen on the
next 500, by the FVU of the encoder; the last 500 were not used for any choice, and are for
comparing decoders. FVU on the 500 of the choice, of the encoder and of nonnegative orthogonal
matching pursuit with as many latents:

==================  ======  =======  =====
start               passes  encoder  OMP
==================  ======  =======  =====
random directions       40    .2917  .1884
samples                 10    .2768  .1442
samples                 20    .2585  .1444
samples                 40    .2525  .1486
samples                 80    .2561  .1549
dictionary learned      20    .2482  .1453
dictionary learned      40    .2437  .1478
dictionary learned      80    .2481  .1525
==================  ======  =======  =====

With 40 passes, starts at samples by three seeds are between .2508 and .2525. The files are those of
PyTorch 2.13.0 on one thread; other versions and processors round differently.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sksupercode import DictionaryLearner, SparseAutoencoder, load_sae
from sksupercode.datasets import load_activations

SETTINGS = {"n_latents": 2048, "n_nonzero_coefs": 32, "random_state": 0}


def main(folder):
    X = load_activations().data
    learner = DictionaryLearner(**SETTINGS, verbose=True).fit(X[:4000])
    trained = SparseAutoencoder(**SETTINGS, init=learner, max_iter=40, verbose=True).fit(X[:4000])
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
