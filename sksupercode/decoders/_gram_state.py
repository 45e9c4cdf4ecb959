"""What pursuits in the Gram domain know of each sample of a block."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections import namedtuple

# Why a sample does not go on: its scores have to be computed again from its residual; it needs a
# row of G that is not held; its arrays are full; it has ended; it asks for more precision.
STALE, WAITS, FULL, ENDED, FRAGILE = range(5)

# Arrays of one row for each sample; coefficients are those of normalised codewords.
#
# samples, residuals: x and r, of d numbers; ``is_fresh`` tells whether r belongs to ``coefs``.
# norms, enough, least: ||x||, at which ||r|| it ends, and what a codeword must gain.
# scores, maxima: N scores, and the maxima of their blocks; ``noise`` bounds what is wrong with
#   them, but for coefficients that have changed since they were ``applied``.
# sizes, supports, coefs, applied: what is selected; n_steps: iterations of gradient pursuit.
# products, targets: Gram matrix of the support, and its inner products with x.
# passive, n_passive, factors: coefficients that are free, and the factor of their Gram matrix.
# least_pivot: the least squared distance of a codeword from the span of those before it.
# wanted: the codeword to select next, or -1; status: one of the above.
Samples = namedtuple(
    "Samples",
    "samples residuals is_fresh norms enough least scores maxima noise sizes n_steps supports "
    "coefs applied products targets passive n_passive factors least_pivot wanted status",
)
