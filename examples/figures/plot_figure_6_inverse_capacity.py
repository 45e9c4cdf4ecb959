"""
Figure 6: what a nat costs in one step
======================================

The inverse capacity of one-step decoding, in dimensions for each nat that a code carries.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# A subset of :math:`k = N^\eta` out of N carries about :math:`(1 - \eta)\, k \ln N` nats, and
# Proposition 5 asks for :math:`2 (1 + \sqrt\eta)^2\, k \ln N` dimensions. The quotient is
#
# .. math:: \frac{1}{C(\eta)} = \frac{2 (1 + \sqrt\eta)}{1 - \sqrt\eta}
#
# dimensions per nat. On it are measured dimensions at which nine of ten codes are read back
# without an error, by the k largest scores, divided by :math:`\ln \binom{N}{k}`.

import matplotlib.pyplot as plt
import numpy as np

from sksupercode import RademacherEncoder, TopKDecoder, theory
from sksupercode.figures import figure_6
from sksupercode.model_selection import measured_dimension

figure_6(n_jobs=2)
plt.show()

# %%
# Bars are 95 % intervals; dashed is the theory at finite size. The cost rises with :math:`\eta`
# without bound: the more codewords, the more each disturbs the others, and the fewer nats are
# left in which of them it is. Finite codes are cheaper than the limit, which they approach
# slowly, as the grey curve for N = 2^40 shows.
#
# The paper has "at least :math:`4 \ln 2`" and calls it bits per dimension, while d/H is
# dimensions per bit. And it is no lower bound. What theory has for the limit, and for k = 8:

print(f"4 ln 2 = {4 * np.log(2):.2f}")
print(f"limit, eta = 0: {1 / theory.one_step_capacity(0.0):.2f} per bit")
N, k = 2**12, 2**3
d = theory.topk_dimension(N, k, [0.5, 0.9], approximation="refined")
half, most = theory.dimensions_per_bit(N, k, d)
print(f"N = 2^12, k = 8: {half:.2f} per bit for one half, {most:.2f} for nine tenths")

# %%
# The half, measured:

encoder = RademacherEncoder()
result = measured_dimension(
    encoder,
    TopKDecoder(encoder),
    n_features=N,
    n_nonzero_coefs=k,
    probability=0.5,
    n_trials=400,
    random_state=0,
)
estimate, low, high = theory.dimensions_per_bit(
    N, k, [result.n_components, result.low, result.high]
)
print(f"{estimate:.2f} dimensions per bit, from {low:.2f} to {high:.2f}")

# %%
# The capacity in bits per dimension, and the :math:`\eta` from which on it is "less than 1/6", as
# the paper says of one-step decoding:

root = (1 - np.log(2) / 3) / (1 + np.log(2) / 3)
print(f"C(0) = {theory.one_step_capacity(0.0):.3f}")
print(f"C({root**2:.3f}) = {theory.one_step_capacity(root**2):.4f}, 1/6 = {1 / 6:.4f}")

# %%
# ``python -m sksupercode figure 6 --full`` adds N = 2^16, and more codes. See
# :doc:`/user_guide/corrections` for the units.
