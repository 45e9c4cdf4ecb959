"""
Figure 3: a random codebook over white noise
============================================

One of N messages is sent as a random codeword with d coordinates of unit power, through white noise
of variance P. How large must d be for the message to be read?
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# The codebook is a superposition code with k = 1, and the best decoder takes the codeword with
# the largest inner product. Proposition 3 of the paper says that :math:`(2 + \epsilon) P \ln N`
# dimensions suffice for large N, whatever :math:`\epsilon > 0`.

import matplotlib.pyplot as plt
import numpy as np

from sksupercode import GaussianChannel, SphericalEncoder, TopKDecoder, theory
from sksupercode.figures import figure_3
from sksupercode.model_selection import recovery_curve

figure_3(n_jobs=2)
plt.show()

# %%
# Points are measured, with 95 % Wilson intervals; the curves through them are exact for codewords
# that are uniform on the sphere, and not fitted. As N grows they become a step. It is not at 2:
# the black curve is for 2^60 messages, more than anybody can try, and in the shaded range, where
# Proposition 3 promises success, it goes on to 0. The step is at the capacity of the Gaussian
# channel,
#
# .. math:: d = \frac{2}{\ln(1 + 1/P)} \ln N ,
#
# which is always more than :math:`2 P \ln N`, and tends to it only for large P. The margin
# :math:`\epsilon` from which on the printed statement is right:

for P in (1.0, 4.0, 16.0):
    margin = 1 / (P * theory.channel_capacity(P, unit="nats")) - 2
    print(f"P = {P:4.0f}: epsilon > {margin:.3f}")

# %%
# At P = 1 and :math:`\epsilon = 0.5`, that is in 2.5 ln N dimensions, success falls as N grows,
# slowly; a tenth above the true constant it rises:

for power in (10, 20, 40, 60):
    N = 2**power
    d = [round(2.5 * np.log(N)), round(1.1 * theory.random_codebook_dimension(N, 1.0))]
    below, above = theory.spherical_codebook_success_probability(N, 1.0, d)
    print(f"N = 2^{power}: {below:.3f} in d = {d[0]}, {above:.3f} in d = {d[1]}")

# %%
# The first of these, measured:

encoder = SphericalEncoder()
curve = recovery_curve(
    encoder,
    TopKDecoder(encoder),
    n_features=2**10,
    n_nonzero_coefs=1,
    n_components=round(2.5 * np.log(2**10)),
    n_trials=1000,
    channel=GaussianChannel(1.0, relative=True),
    random_state=0,
)
print(f"{curve.success_rate[0]:.3f}, from {curve.low[0]:.3f} to {curve.high[0]:.3f}")

# %%
# So Proposition 3 does not hold as printed for fixed P; :doc:`/user_guide/corrections` has the
# correct statement. ``python -m sksupercode figure 3 --full`` measures up to N = 2^14.
