"""
Passages of text in superposition
=================================

Real sets differ from the model: the number of words in a passage varies, some words are in every
second passage, and words depend on each other. Random codes work all the same, since the codewords
are independent of the words.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# The passages are documentation that every installation has. The vocabulary is fixed before the
# search, so that every fold agrees on which column is which word.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sksupercode import MatchingPursuitDecoder, RademacherEncoder
from sksupercode.datasets import load_passages
from sksupercode.plotting import RecoveryCurveDisplay
from sksupercode.theory import rule_of_thumb_dimension

documents = load_passages(max_words=60).data
vocabulary = CountVectorizer().fit(documents).vocabulary_
vectorizer = CountVectorizer(binary=True, vocabulary=vocabulary)
passages = [documents[i] for i in np.random.default_rng(0).permutation(len(documents))[:100]]
words = vectorizer.transform(passages)
counts = np.diff(words.indptr)
print(f"N = {len(vocabulary)} words, k = {counts.min()} to {counts.max()}")

# %%
# With ``tol`` the decoder stops when the residual is small enough, so that it need not know k. One
# pipeline goes from the text to the set of its words. A warning reports samples that do not reach
# ``tol``; here they are counted as errors.

warnings.simplefilter("ignore", ConvergenceWarning)
encoder = RademacherEncoder(random_state=0)
decoder = MatchingPursuitDecoder(encoder, tol=1e-6)
pipeline = make_pipeline(vectorizer, encoder, decoder)
grid = {"rademacherencoder__n_components": [150, 200, 260, 330, 410, 500, 600]}
search = GridSearchCV(pipeline, grid, cv=KFold(2), refit=False).fit(passages, words)

# %%
# The predictions of the model at the mean and at the largest k are on both sides of the transition.

_, ax = plt.subplots(layout="constrained")
RecoveryCurveDisplay.from_cv_results(search, n_trials=len(passages), ax=ax)
for k, style in ((round(counts.mean()), ":"), (counts.max(), "--")):
    dimension = rule_of_thumb_dimension(len(vocabulary), k, "matching_pursuit")
    ax.axvline(dimension, color="gray", ls=style, label=f"1.3 k log2(eN/k) at k = {k}")
ax.set_title("Passages read back without an error")
ax.legend()
plt.show()
