"""
A dictionary of activations, learned with a pursuit
===================================================

A sparse autoencoder learns a dictionary together with an encoder of one step.
:class:`~sksupercode.DictionaryLearner` needs no encoder: it finds codes by a pursuit, while it
learns and afterwards. What does it learn from activations of a transformer, and is it the same when
it is run again?
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Activations and an autoencoder come with the package. The autoencoder has 2,048 latents, 32 of
# them active, and was trained on the first 4,000 activations. Two dictionaries of 1,024 codewords
# are learned from the same, with two seeds. Eight passes keep this page short; more help a little.
# No choice was made on the last 500 activations, which are of other passages of text.

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csc_array

from sksupercode import DictionaryLearner, OrthogonalMatchingPursuitDecoder
from sksupercode.datasets import load_activations, load_activations_sae
from sksupercode.metrics import match_dictionaries
from sksupercode.plotting import ParetoDisplay
from sksupercode.sae import compare_decoders

activations = load_activations()
X, X_test = activations.data[:4000], activations.data[4500:]
settings = {"n_latents": 1024, "n_nonzero_coefs": 32, "max_iter": 8}
learner, other = (DictionaryLearner(**settings, random_state=seed).fit(X) for seed in (0, 1))

_, ax = plt.subplots(layout="constrained")
for seed, estimator in enumerate((learner, other)):
    passes = np.arange(1, estimator.n_iter_ + 1)
    ax.plot(passes, estimator.loss_curve_, "o-", label=f"seed {seed}")
ax.set(xlabel="pass over the activations", ylabel="mean squared error / variance")
ax.set_ylim(0)
ax.legend()
plt.show()

# %%
# How much of the last 500 activations is left? The autoencoder's own encoder is compared with
# orthogonal matching pursuit (OMP) on its dictionary, and with the same pursuit on the learned
# dictionary, which has half as many codewords. Lower left is better. With 32 latents OMP leaves
# less than the encoder, on either dictionary. With 4 latents the learned one is better, and from 8
# on that of the autoencoder, whose training started from a learned dictionary of its own size.

sae = load_activations_sae()
decoders = {
    "SAE encoder": sae,
    "OMP, SAE's dictionary": OrthogonalMatchingPursuitDecoder(sae, values="nonnegative"),
    "OMP, learned dictionary": OrthogonalMatchingPursuitDecoder(learner, values="nonnegative"),
}
ks = [4, 8, 16, 32, 64]
comparison = compare_decoders(decoders, X_test, n_nonzero_coefs=ks)
print(comparison[["L0", "FVU"]].round(3))

_, ax = plt.subplots(layout="constrained")
ParetoDisplay.from_result(comparison, ax=ax)
ax.set_xscale("log")
ax.set_xticks(ks, ks)
ax.minorticks_off()
ax.set_title("Activations that were not learned from")
plt.show()

# %%
# There are only four activations for each codeword, so that both dictionaries explain what they
# were learned from far better.

for name, rows in {"learned from": X, "held out": X_test}.items():
    print(f"FVU at k = 32 of activations {name}: {1 - learner.score(rows):.3f}")

# %%
# The same again?
# ---------------
#
# Codewords of the two seeds are paired by :func:`~sksupercode.metrics.match_dictionaries`. Few are
# the same, and about half are similar. Random directions show what chance does. The right panel has
# the energy of a codeword, the sum of its squared coefficients: what carries much is found again
# more often. A codeword that only one seed finds is hardly a fact about the model, whatever its
# tokens look like.

match = match_dictionaries(learner, other, signed=True)
directions = np.random.default_rng(0).standard_normal(other.dictionary_.shape)
chance = match_dictionaries(learner, directions, signed=True)
print(f"mean cosine of pairs: two seeds {match.mcc:.2f}, random directions {chance.mcc:.2f}")

codes = csc_array(learner.transform(X))
energy = codes.power(2).sum(axis=0)
_, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
bins = np.linspace(0, 1, 41)
left.hist(chance.cosines, bins, alpha=0.6, label="random directions", color="C1")
left.hist(match.cosines, bins, alpha=0.6, label="two seeds", color="C0")
left.set(xlabel="cosine of a pair", ylabel="codewords")
left.legend()
right.scatter(energy, match.cosines, s=6)
right.set_xscale("log")
right.set(xlabel="energy of the codeword", ylabel="cosine with its partner", ylim=(0, 1))
plt.show()

# %%
# Tokens in context
# -----------------
#
# What are codewords for? Here are the five tokens that use a codeword most, in their contexts, for
# the dozen codewords that agree best between the two seeds. Most of them are about one token and
# its forms, which a reader can name at once.


def show(codeword):
    column = codes[:, [codeword]]
    largest = np.argsort(-column.data, kind="stable")[:5]
    print(f"codeword {codeword}, cosine {match.cosines[codeword]:.2f}, {column.nnz} tokens")
    for coef, row in zip(column.data[largest], column.indices[largest], strict=True):
        before, _, after = activations.contexts[row].partition("«")
        print(f"{coef:8.2f} {before[-30:]:>30}«{after[:40]}")


for codeword in np.argsort(-match.cosines)[:12]:
    show(codeword)

# %%
# These four are in the middle. Some are about what tokens do in a sentence.

by_cosine = np.argsort(-match.cosines)
for codeword in by_cosine[510:514]:
    show(codeword)

# %%
# And these four agree least. Some of them could be named as well, which shows that a name is not
# enough. Others mix pieces of words that have little in common.

for codeword in by_cosine[-4:]:
    show(codeword)
