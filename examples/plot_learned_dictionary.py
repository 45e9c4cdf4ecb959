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
# them active, and was trained on the first 4,000 activations. Two dictionaries of as many codewords
# are learned from the same activations, with two seeds. With so few activations, four passes are
# enough: more of them explain the next 500 no better. No choice was made on the last 500, which are
# of other passages of text.

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
settings = {"n_latents": 2048, "n_nonzero_coefs": 32, "max_iter": 4}
learner, other = (DictionaryLearner(**settings, random_state=seed).fit(X) for seed in (0, 1))

_, ax = plt.subplots(layout="constrained")
for seed, estimator in enumerate((learner, other)):
    passes = np.arange(1, estimator.n_iter_ + 1)
    ax.plot(passes, estimator.loss_curve_, "o-", label=f"seed {seed}")
ax.set_xticks(passes)
ax.set(xlabel="pass over the activations", ylabel="mean squared error / variance")
ax.set_ylim(0)
ax.legend()
plt.show()

# %%
# How much of the last 500 activations is left? The autoencoder's own encoder is compared with
# orthogonal matching pursuit (OMP) on its dictionary and on the learned one. A learner can also
# start from the autoencoder, as in the last rows: two passes change little, and nothing for the
# better. Lower left is better. The pursuit gains far more than either way of learning: the
# autoencoder, whose training itself started from a learned dictionary, leaves a slightly better one
# for 32 codewords, and a worse one for few.

sae = load_activations_sae()
continued = DictionaryLearner(**settings | {"max_iter": 2}, init=sae, random_state=0).fit(X)
dictionaries = {"SAE": sae, "learned": learner, "SAE, then learned": continued}
decoders = {"SAE encoder": sae} | {
    f"OMP, {name}": OrthogonalMatchingPursuitDecoder(dictionary, values="nonnegative")
    for name, dictionary in dictionaries.items()
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
# There are only two activations for each codeword, so that the dictionary explains what it was
# learned from far better.

for name, rows in {"learned from": X, "held out": X_test}.items():
    print(f"FVU at k = 32 of activations {name}: {1 - learner.score(rows):.3f}")

# %%
# The same again?
# ---------------
#
# Codewords of the two seeds are paired by :func:`~sksupercode.metrics.match_dictionaries`. They
# agree far better than random directions. But learning starts from 2,048 of the activations, and
# two draws of these agree still better, since half of them are the same. With
# ``init="random"``, where nothing is shared, the mean cosine of two seeds is only .25. So the
# agreement here comes from the start. Two activations for each codeword are too few to settle what
# the codewords are: what one of them stands for is a fact about this dictionary, not about the
# model.

match = match_dictionaries(learner, other, signed=True)
starts = [
    np.random.default_rng(seed).choice(X - X.mean(axis=0), 2048, replace=False) for seed in (0, 1)
]
directions = np.random.default_rng(0).standard_normal((2, 2048, X.shape[1]))
matches = {
    "random directions": match_dictionaries(*directions, signed=True),
    "two draws of activations": match_dictionaries(*starts, signed=True),
    "two seeds of the learner": match,
}

_, ax = plt.subplots(layout="constrained")
for name, found in matches.items():
    ax.hist(found.cosines, np.linspace(0, 1, 41), histtype="step", lw=2, label=name)
    print(f"{name}: mean cosine of pairs {found.mcc:.2f}")
ax.set(xlabel="cosine of a pair", ylabel="codewords")
ax.legend(loc="upper center")
plt.show()

# %%
# Tokens in context
# -----------------
#
# What are codewords for? Here are the five tokens that use a codeword most, in their contexts, for
# the dozen codewords that carry most energy, the sum of squared coefficients.

codes = csc_array(learner.transform(X))
energy = codes.power(2).sum(axis=0)


def show(codeword):
    column = codes[:, [codeword]]
    largest = np.argsort(-column.data, kind="stable")[:5]
    print(f"codeword {codeword}, cosine {match.cosines[codeword]:.2f}, {column.nnz} tokens")
    for coef, row in zip(column.data[largest], column.indices[largest], strict=True):
        before, _, after = activations.contexts[row].partition("«")
        print(f"{coef:8.2f} {before[-30:]:>30}«{after[:40]}")


for codeword in np.argsort(-energy)[:12]:
    show(codeword)

# %%
# Most are about one token and its forms, which a reader can name at once. These four are drawn at
# random.

for codeword in np.random.default_rng(0).choice(len(energy), 4, replace=False):
    show(codeword)

# %%
# And these four agree least with a codeword of the other seed. Their tokens have little in common.

for codeword in np.argsort(match.cosines)[:4]:
    show(codeword)
