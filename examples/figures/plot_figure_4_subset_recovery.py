"""
Figure 4: all decoders at reading subsets
=========================================

The probability that a random k-subset is read back without an error, against the dimension of its
code, for every decoder.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Each point is the rate over random subsets of size 8 of 1024 codewords, with fresh codebooks of
# random signs; the bands are 95 % Wilson intervals. Theory is dashed, and is not fitted to
# anything.

from sksupercode.figures import figure_4

figure = figure_4(n_jobs=2)

# %%
# From the right:
#
# * A *threshold* on the scores :math:`\langle f_i, x \rangle` has to hold for all subsets alike.
# * *Top-k* knows k, and takes as its threshold whatever this subset needs.
# * *Matching pursuit* subtracts what it has found. Its *orthogonal* version fits all values anew
#   at each step, which gains nothing here: the values are known to be one, and it does not make
#   use of that.
# * *Basis pursuit* and *AMP* look at all codewords together.
#
# Orthogonal matching pursuit is drawn dotted, as there is no prediction for it at finite size.
#
# ``python -m sksupercode figure 4 --full`` does the same for N = 4096 and k = 16, with 1000 codes
# at each point.
