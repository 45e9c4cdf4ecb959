"""
Figure 2: the smallest dimension, from one codeword to a thousand
=================================================================

How many dimensions does it take to write k of N codewords as one vector, so that half of all such
vectors are read back without an error? And how many is that for each bit that they carry?
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# A subset of k out of N carries :math:`H = \log_2 \binom{N}{k}` bits. For every k and decoder,
# random codes are decoded at five dimensions around the one that theory predicts; a logistic
# curve through the five rates gives the dimension for one half. Here N = 2^14, which takes less
# than a minute.

from sksupercode.figures import figure_2

figure = figure_2(n_jobs=2)

# %%
# On the left, all curves rise about as fast as k. Dividing by H shows what is hidden there.
# Choosing the k largest scores, *top-k*, costs ever more dimensions for each bit: every other
# active codeword disturbs the scores, and nothing is ever done about it. *Matching pursuit* takes
# away what it has found before it looks again, and its cost for a bit hardly depends on k. *AMP*,
# which revises all of its estimates at each step, and *basis pursuit*, which solves a linear
# program, need about one dimension for a bit or less.
#
# Dashed is theory: closed forms for top-k, AMP and basis pursuit, and for matching pursuit a
# simulation of the k active codewords alone, whose cost does not depend on N. At the smallest k
# the normal approximation behind the curve of basis pursuit asks for a few dimensions too many;
# there is none for AMP below k = 4. Bars are 95 % intervals.
#
# The paper gives the cost in "bits per dimension" where it means dimensions per bit; see
# :doc:`/user_guide/corrections`.
#
# In full
# -------
#
# The figure of the paper has N = 2^20 and k up to 1024. The command
#
# .. code-block:: text
#
#    python -m sksupercode figure 2 --full --n-jobs 2 --checkpoint figure_2 --csv figure_2.csv
#
# measures that, in half an hour on two cores and with 10 GiB of memory, and writes the picture and
# the table. Stop it whenever you like: run again, it goes on from what is finished in the folder of
# ``--checkpoint``.
#
# .. figure:: ../../images/figure_2.png
#    :alt: Smallest dimensions of four decoders, and dimensions per bit, for a million codewords
#    :width: 100%
#
#    A million codewords: 50 codes at each of five dimensions, and 20 from k = 512 on.
#
# With 1024 codewords in a superposition top-k needs 5.7 dimensions for each bit and matching
# pursuit 1.2; theory expects 0.7 for basis pursuit and 0.6 for AMP. Where something was measured,
# ``d50`` is the dimension for one half, and ``low`` and ``high`` are the ends of its 95 %
# interval; ``seconds`` are those of decoding, of all runs together.
#
# .. csv-table::
#    :file: ../../../examples/figures/figure_2.csv
#    :header-rows: 1
