"""
How much better than an autoencoder's encoder can a decoder be?
================================================================

A sparse autoencoder (SAE) finds its latents in one step. How much better can as many of the same
directions explain the activations? This example compares the decoders of the package, on
activations of a real transformer that were not used in training.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# The activations and the autoencoder come with the package: the residual stream of a small
# transformer, and a TopK autoencoder of 2,048 latents, 32 of them active, that was trained on
# others of these activations. The last 500 are of passages that were not used in training.

import matplotlib.pyplot as plt

from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    TopKDecoder,
)
from sksupercode.datasets import load_activations, load_activations_sae
from sksupercode.plotting import ParetoDisplay
from sksupercode.sae import compare_decoders

sae = load_activations_sae()
X = load_activations().data[4500:]
print(f"{X.shape[0]} activations of {X.shape[1]} dimensions")

# %%
# Every decoder takes the autoencoder as its dictionary. ``RefitDecoder`` keeps the latents that
# the encoder selects, and replaces their values by the best ones. This shows how much is lost by
# the values, and how much by the selection. Decoders are compared at several numbers k of latents,
# and the encoder at its own.

decoders = {
    "SAE encoder": sae,
    "SAE encoder, refit": RefitDecoder(sae),
    "top-k, refit": RefitDecoder(TopKDecoder(sae)),
    "matching pursuit": MatchingPursuitDecoder(sae),
    "gradient pursuit": GradientPursuitDecoder(sae),
    "orthogonal matching pursuit": OrthogonalMatchingPursuitDecoder(sae),
}
ks = [4, 8, 16, 32, 64]
comparison = compare_decoders(decoders, X, n_nonzero_coefs=ks)
print(comparison[["L0", "FVU", "cosine"]].round(3))

# %%
# Lower left is better. A ninth of the encoder's FVU is due to the values that it gives to its
# latents, and more than a quarter to their selection: pursuits correlate with the residual before
# they select the next latent. With 16 latents orthogonal matching pursuit explains more than the
# encoder with 32. Gradient pursuit, which takes one step for each latent, is almost as good.

_, ax = plt.subplots(layout="constrained")
display = ParetoDisplay.from_result(comparison, ax=ax)
ax.set_xscale("log")
ax.set_xticks(ks, ks)
ax.minorticks_off()
ax.set_title("Activations of MiniLM, N = 2,048 latents")
plt.show()
