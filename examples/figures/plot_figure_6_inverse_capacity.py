"""
Figure 6: dimensions per nat of one-step decoding
=================================================

The inverse capacity of one-step decoding, in dimensions for each nat that a code carries.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# A subset of :math:`k = N^\eta` out of N carries about :math:`(1 - \eta)\, k \ln N` nats, and
# Proposition 5 of the manuscript asks for :math:`2 (1 + \sqrt\eta)^2\, k \ln N` dimensions. The
# quotient is
#
# .. math:: \frac{1}{C(\eta)} = \frac{2 (1 + \sqrt\eta)}{1 - \sqrt\eta}
#
# dimensions per nat. On it are measured dimensions at which nine of ten codes are read back
# without an error, by the k largest scores, divided by :math:`\ln \binom{N}{k}`.

import matplotlib.pyplot as plt
import numpy as np
from figure_options import checkpoint_file, columns, finish, parse_options

from sksupercode import RademacherEncoder, TopKDecoder, theory
from sksupercode.model_selection import measured_dimension

options = parse_options("Figure 6: dimensions per nat of one-step decoding.")
n_trials = options.trials or (800 if options.full else 200)
# The largest k for each N is N^(3/4).
sizes = {2**8: 2 ** np.arange(2, 7), 2**12: 2 ** np.arange(2, 8)}
if options.full:
    sizes |= {2**12: 2 ** np.arange(2, 10), 2**16: 2 ** np.arange(2, 9)}
STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))
encoder = RademacherEncoder()
decoder = TopKDecoder(encoder)

rows = []
for N, numbers in sizes.items():
    for k in numbers.tolist():
        result = measured_dimension(
            encoder,
            decoder,
            n_features=N,
            n_nonzero_coefs=k,
            probability=0.9,
            n_trials=n_trials,
            random_state=options.seed,
            n_jobs=options.n_jobs,
            checkpoint=checkpoint_file(options, f"inverse_capacity_N{N}_k{k}"),
        )
        row = {"N": N, "k": k, "d90": float(result.n_components)}
        row |= {"low": float(result.low), "high": float(result.high)}
        row["theory"] = float(theory.topk_dimension(N, k, 0.9, approximation="refined"))
        rows.append(row | {"trials": result.n_trials})

figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
eta = np.linspace(0, 0.85, 200)
ax.plot(eta, 1 / theory.one_step_capacity(eta, unit="nats"), color="black", label="1 / C, N → ∞")
k = 2 ** np.arange(2, 35)
ax.plot(
    theory.sparsity_exponent(2**40, k),
    theory.topk_dimension(2**40, k, 0.9) / theory.entropy(2**40, k, unit="nats"),
    color="0.6",
    label="$N = 2^{40}$, theory",
)
for N, (color, marker) in zip(sizes, STYLES, strict=False):
    mine = [row for row in rows if row["N"] == N]
    k, d, low, high, predicted = columns(mine, "k", "d90", "low", "high", "theory")
    eta, nats = theory.sparsity_exponent(N, k), theory.entropy(N, k, unit="nats")
    ax.errorbar(
        eta,
        d / nats,
        np.array([d - low, high - d]) / nats,
        fmt=marker,
        markersize=4,
        capsize=2,
        color=color,
        label=rf"$N = 2^{{{int(np.log2(N))}}}$, measured",
    )
    ax.plot(eta, predicted / nats, "--", color=color)
ax.set(
    xlabel=r"$\eta = \ln k / \ln N$",
    ylabel="dimensions per nat",
    xlim=(0, 0.85),
    ylim=(0, 30),
)
bits = ax.secondary_yaxis("right", functions=(lambda y: y * np.log(2), lambda y: y / np.log(2)))
bits.set_ylabel("dimensions per bit")
ax.legend(loc="upper left")
ax.grid(alpha=0.3)
finish(figure, rows, options)

# %%
# Bars are 95 % intervals; dashed is the theory at finite size. The cost rises with :math:`\eta`
# without bound: with more codewords in a superposition there is more interference, and each of
# them carries fewer nats. Finite codes need fewer dimensions than the limit, which they approach
# slowly, as the grey curve for N = 2^40 shows.
#
# The manuscript has "at least :math:`4 \ln 2`" and calls it bits per dimension, while d/H is
# dimensions per bit. And it is no lower bound. What theory has for the limit, and for k = 8:

print(f"4 ln 2 = {4 * np.log(2):.2f}")
print(f"limit, eta = 0: {1 / theory.one_step_capacity(0.0):.2f} per bit")
N, k = 2**12, 2**3
d = theory.topk_dimension(N, k, [0.5, 0.9], approximation="refined")
half, most = theory.dimensions_per_bit(N, k, d)
print(f"N = 2^12, k = 8: {half:.2f} per bit for one half, {most:.2f} for nine tenths")

# %%
# The half, measured:

result = measured_dimension(
    encoder,
    decoder,
    n_features=N,
    n_nonzero_coefs=k,
    probability=0.5,
    n_trials=options.trials or 400,
    random_state=0,
)
estimate, low, high = theory.dimensions_per_bit(
    N, k, [result.n_components, result.low, result.high]
)
print(f"{estimate:.2f} dimensions per bit, from {low:.2f} to {high:.2f}")

# %%
# The capacity in bits per dimension, and the :math:`\eta` from which on it is "less than 1/6", as
# the manuscript says of one-step decoding:

root = (1 - np.log(2) / 3) / (1 + np.log(2) / 3)
print(f"C(0) = {theory.one_step_capacity(0.0):.3f}")
print(f"C({root**2:.3f}) = {theory.one_step_capacity(root**2):.4f}, 1/6 = {1 / 6:.4f}")

# %%
# ``--full`` adds N = 2^16, and more codes. See
# :doc:`/user_guide/corrections` for the units.
