"""
Figure 5: one-step decoding, and Proposition 5
==============================================

Reading k of N codewords by the k largest scores succeeds for large N in d dimensions, if d is more
than a constant times k ln N. How large must N be for that to say something?
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# Proposition 5, with the factor k that is missing in print: let :math:`k = N^\eta`. In
#
# .. math:: d > \kappa(\eta)\, k \ln N, \qquad \kappa(\eta) = 2 (1 + \sqrt\eta)^2
#
# dimensions the probability of exact recovery tends to 1; in fewer it tends to 0. The figure has
# d in units of this dimension.

import matplotlib.pyplot as plt
import numpy as np

from sksupercode import RademacherEncoder, TopKDecoder, theory
from sksupercode.figures import figure_5
from sksupercode.model_selection import recovery_curve

figure_5(n_jobs=2)
plt.show()

# %%
# Points are measured, with 95 % Wilson intervals; dashed is the theory at finite size, which is
# not fitted. The proposition is right and far from sharp at sizes that can be measured: the
# curves approach the step at 1 from the left, so that the dimension of the proposition is on the
# safe side. The black curve is the theory for N = 2^28. How far off a rate of one half still is,
# for :math:`\eta = 1/2`:

for power in (8, 16, 28):
    N, k = 2**power, 2 ** (power // 2)
    ratio = theory.topk_dimension(N, k, 0.5) / theory.one_step_dimension(N, k)
    rate = theory.topk_success_probability(N, k, theory.one_step_dimension(N, k))
    print(f"N = 2^{power}: half at {ratio:.2f}; success {rate:.3f} in the dimension of Prop. 5")

# %%
# The lines in colour are simpler forms. The one that is printed, :math:`4 k \ln(N/k)`, is to the
# left of 1, and fails for large N as soon as :math:`\eta > 1/9`; what was meant is :math:`4 k
# \ln(kN)`, to the right of it. Both, measured once:

N, k = 2**10, 2**5
encoder = RademacherEncoder()
curve = recovery_curve(
    encoder,
    TopKDecoder(encoder),
    n_features=N,
    n_nonzero_coefs=k,
    n_components=[
        round(4 * k * np.log(N / k)),
        round(theory.rule_of_thumb_dimension(N, k, "topk")),
    ],
    n_trials=200,
    random_state=0,
)
for rule, i in (("4 k ln(N/k)", 0), ("4 k ln(kN)", 1)):
    d, rate, low, high = (
        values[i] for values in (curve.n_components, curve.success_rate, curve.low, curve.high)
    )
    print(f"{rule}: d = {d}, {rate:.3f} recovered, from {low:.3f} to {high:.3f}")

# %%
# And without any factor k, which is how the proposition is printed:

d = theory.one_step_constant(0.5) * np.log(N)
exponent = theory.topk_success_probability(N, k, d, output="log") / np.log(10)
print(f"kappa ln N: d = {d:.0f}, success 10^{exponent:.0f}")

# %%
# See :doc:`/user_guide/corrections`.
#
# ``python -m sksupercode figure 5 --full`` measures up to N = 2^12.
