"""
The decoder frontier
====================

How many bits does a dimension hold, if nine codes in ten are to be read back without an error? This
example measures this number for one code and the decoders of the package, and draws the predictions
of theory beside it.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Each decoder is given an encoder, of which only the kind matters: there is a codebook for every
# dimension that is tried, and a fresh one for every ten samples.

import matplotlib.pyplot as plt

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.model_selection import decoder_frontier
from sksupercode.plotting import FrontierDisplay

encoder = RademacherEncoder()
frontier = decoder_frontier(
    {
        "threshold": ThresholdDecoder(encoder, threshold="map"),
        "top-k": TopKDecoder(encoder),
        "matching pursuit": MatchingPursuitDecoder(encoder),
        "basis pursuit": BasisPursuitDecoder(encoder),
        "message passing": AMPDecoder(encoder),
    },
    n_features=1024,
    n_nonzero_coefs=8,
    n_trials=400,
    random_state=0,
)

# %%
# Diamonds are the predictions of theory at this N and k, without any decoding:

display = FrontierDisplay.from_result(frontier)
display.ax_.set_title("N = 1,024, k = 8, 90 % exact recovery")
display.figure_.set_size_inches(6.4, 3.2)
plt.show()

# %%
# Each dot comes from recovery rates at dimensions around the transition, and a curve that is
# fitted to them:

result = {row.decoder: row.result for row in frontier.rows}["matching pursuit"]
print(result.curve.to_frame()[["n_components", "n_recovered", "n_trials"]])
print(f"d = {result.n_components}, from {result.low} to {result.high}")
