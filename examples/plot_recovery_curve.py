"""
How many dimensions does a decoder need?
========================================

A superposition code writes k of N codewords as their sum, in d dimensions. This example measures
the smallest d at which the sum can be read back, for two decoders, with only a pipeline and a grid
search.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# The data are random subsets. They are the input of the pipeline and its target as well: what is
# decoded should equal what was encoded.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.plotting import RecoveryCurveDisplay

Y = make_sparse_codes(n_samples=200, n_features=2048, n_nonzero_coefs=8, random_state=0)

# %%
# The decoder is given the encoder, and draws the same codebook by its seed. The grid is over the
# decoder and the number of dimensions: the decoder takes the d of the points that it is fitted on.
# Each decoder has a curve in the picture.

encoder = RademacherEncoder(random_state=0)
decoders = {
    TopKDecoder(encoder): [80, 110, 140, 170, 200, 240, 280, 320],
    MatchingPursuitDecoder(encoder): [30, 40, 50, 60, 70, 80, 100, 120],
}
grids = [
    {"decoder": [decoder], "encoder__n_components": dimensions}
    for decoder, dimensions in decoders.items()
]
pipeline = Pipeline([("encoder", encoder), ("decoder", TopKDecoder(encoder))])
search = GridSearchCV(pipeline, grids, cv=KFold(2), refit=False).fit(Y, Y)
display = RecoveryCurveDisplay.from_cv_results(search, n_trials=Y.shape[0])
display.ax_.set_title("N = 2,048, k = 8")
plt.show()

# %%
# Matching pursuit correlates again after each codeword that it finds, and needs about a third of
# the dimensions. The bands are 95 % Wilson intervals of the 200 trials at each dimension.
