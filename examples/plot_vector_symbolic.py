"""
How many symbols does a bundle hold?
====================================

A sequence of symbols is stored as one vector: the vector of each symbol is multiplied by the key of
its position, and the products are added. Hyperdimensional computing, also called vector-symbolic
architectures, calls this vector a bundle, and reads it back by clean-up. Other decoders read
several times as much from the same bundle.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Bundles have 500 dimensions. Their symbols come from a codebook of 5 or of 100. Keys and symbols
# are random signs.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BoundEncoder,
    MatchingPursuitDecoder,
    TopKDecoder,
)
from sksupercode.metrics import decoded_information
from sksupercode.symbols import codes_from_symbols, symbols_from_codes

n_dimensions, n_bundles = 500, 10
symbols = np.random.default_rng(0).integers(100, size=(n_bundles, 30))
Y = codes_from_symbols(symbols, n_symbols=100)
encoder = BoundEncoder(n_dimensions, n_sections=30, random_state=0)
X = encoder.fit_transform(Y)
print(X.shape)

# %%
# Clean-up multiplies a bundle by the key of a position and takes the symbol that is most similar.
# :class:`~sksupercode.TopKDecoder` does this for all positions. To each symbol the other 29 are
# noise, and some are read wrong. Message passing reads all symbols at once, and again: what it
# knows of the others it subtracts, as far as it is sure of it.

for decoder in (TopKDecoder(encoder, sections=True), AMPDecoder(encoder, sections=True)):
    found = symbols_from_codes(decoder.fit(X, Y).predict(X), n_sections=30)
    print(f"{type(decoder).__name__}: {np.mean(found == symbols):.1%} of the symbols")

# %%
# The more symbols there are, the more information a bundle has, and the harder it is to read. The
# information that is read is the measure of the literature [1]_: for S symbols out of V, of which a
# fraction p is right, ``S (log2 V + p log2 p + (1 - p) log2((1 - p) / (V - 1)))`` bits.

decoders = {
    "clean-up": TopKDecoder(None, sections=True),
    "successive cancellation": AdaptiveSuccessiveDecoder(None),
    "matching pursuit": MatchingPursuitDecoder(None),
    "message passing": AMPDecoder(None, sections=True, damping=0.2),
}
loads = np.array([0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5, 1.6, 1.8])


def measure(decoder, n_symbols, load):
    """Return the bits per dimension that are read of sequences of so many bits per dimension."""
    n_sections = round(load * n_dimensions / np.log2(n_symbols))
    sequences = np.random.default_rng(1).integers(n_symbols, size=(n_bundles, n_sections))
    Y = codes_from_symbols(sequences, n_symbols)
    encoder = BoundEncoder(n_dimensions, n_sections=n_sections, random_state=1)
    X = encoder.fit_transform(Y)
    found = decoder.set_params(dictionary=encoder).fit(X, Y).predict(X)
    return decoded_information(Y, found, n_sections=n_sections, n_components=n_dimensions)


_, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
with warnings.catch_warnings():
    # Beyond its limit message passing does not converge.
    warnings.simplefilter("ignore", ConvergenceWarning)
    for ax, n_symbols, published in zip(axes, (5, 100), (1.40, 1.26), strict=True):
        ax.plot(loads, loads, color="0.7", linewidth=1, label="all that is stored")
        ax.axhline(published, color="0.5", linestyle=":", label="best published [2]")
        for name, decoder in decoders.items():
            ax.plot(loads, [measure(decoder, n_symbols, load) for load in loads], ".-", label=name)
        ax.set(title=f"codebook of {n_symbols} symbols", xlabel="bits stored per dimension")
axes[0].set_ylabel("bits read per dimension")
axes[0].legend(loc="upper left", fontsize="small")
plt.show()

# %%
# Clean-up reads less than half a bit per dimension, whatever is stored. Message passing reads
# everything up to a limit, and less beyond it. At its limit it is above the best published rates
# [2]_. With 5 symbols it needs damping, since all positions share the same few vectors. These are
# single codebooks and few bundles: :doc:`/user_guide/vector_symbolic` has intervals, and more
# decoders.
#
# References
# ----------
#
# .. [1] E. P. Frady, D. Kleyko and F. T. Sommer, "A theory of sequence indexing and working memory
#    in recurrent neural networks", Neural Computation 30(6), 2018.
# .. [2] D. Kleyko, C. Bybee, P.-C. Huang, C. J. Kymn, B. A. Olshausen, E. P. Frady and
#    F. T. Sommer, "Efficient decoding of compositional structure in holistic representations",
#    Neural Computation 35(7), 2023.
