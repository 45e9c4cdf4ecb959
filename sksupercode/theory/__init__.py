"""The information theory of superposition codes, as pure functions of numbers.

What the manuscript on superposition codes states that this package began with, corrected where it
is wrong, and predictions of the probability of exact recovery at finite size. Propositions are
those of the manuscript. All functions broadcast their arguments; scalars in give scalars out.

Throughout, N is ``n_features``, the number of codewords; k is ``n_nonzero_coefs``, how many are
active; and d is ``n_components``, the dimension of the code. Codewords have unit norm and, unless
said otherwise, independent random signs. ``noise_variance`` is that of Gaussian noise on each
coordinate of the code.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.theory._active_only import threshold_active_only, topk_active_only
from sksupercode.theory._active_only_pursuit import matching_pursuit_active_only
from sksupercode.theory._channel_capacity import (
    channel_capacity,
    fano_dimension,
    random_codebook_dimension,
)
from sksupercode.theory._coherence import coherence_dimension
from sksupercode.theory._converse import threshold_converse_dimension
from sksupercode.theory._convex import basis_pursuit_dimension, basis_pursuit_phase_transition
from sksupercode.theory._convex_success import basis_pursuit_success_probability
from sksupercode.theory._coupled_message_passing import (
    coupled_amp_dimension,
    coupled_amp_state_evolution,
)
from sksupercode.theory._entropy import entropy, entropy_bound
from sksupercode.theory._error_rates import false_negative_rate, false_positive_rate
from sksupercode.theory._guarantees import threshold_guarantee_dimension, topk_guarantee_dimension
from sksupercode.theory._inversion import threshold_dimension, topk_dimension
from sksupercode.theory._limits import counting_dimension, unique_decoding_dimension
from sksupercode.theory._matched_filter import (
    log_odds,
    map_threshold,
    optimal_threshold,
    score_variance,
)
from sksupercode.theory._message_passing import (
    amp_dimension,
    amp_fixed_point,
    amp_phase_transition,
    amp_state_evolution,
    bernoulli_mmse,
)
from sksupercode.theory._message_passing_success import amp_success_probability
from sksupercode.theory._noisy_limits import all_or_nothing_dimension, sparc_rate
from sksupercode.theory._one_step_bounds import (
    one_step_capacity,
    one_step_constant,
    one_step_dimension,
)
from sksupercode.theory._pursuit_bounds import omp_dimension
from sksupercode.theory._random_dictionary import (
    marchenko_pastur_quantile,
    random_coherence,
    random_cosine_density,
    random_effective_rank,
    random_mean_absolute_cosine,
    random_mean_square_deviation,
)
from sksupercode.theory._rates import bits_per_dimension, dimensions_per_bit, sparsity_exponent
from sksupercode.theory._rules_of_thumb import rule_of_thumb_dimension
from sksupercode.theory._sparse_regression import (
    exponential_power_allocation,
    iterative_power_allocation,
    sparc_state_evolution,
)
from sksupercode.theory._spherical_codebook import spherical_codebook_success_probability
from sksupercode.theory._success import threshold_success_probability, topk_success_probability

__all__ = [
    "all_or_nothing_dimension",
    "amp_dimension",
    "amp_fixed_point",
    "amp_phase_transition",
    "amp_state_evolution",
    "amp_success_probability",
    "basis_pursuit_dimension",
    "basis_pursuit_phase_transition",
    "basis_pursuit_success_probability",
    "bernoulli_mmse",
    "bits_per_dimension",
    "channel_capacity",
    "coherence_dimension",
    "counting_dimension",
    "coupled_amp_dimension",
    "coupled_amp_state_evolution",
    "dimensions_per_bit",
    "entropy",
    "entropy_bound",
    "exponential_power_allocation",
    "false_negative_rate",
    "false_positive_rate",
    "fano_dimension",
    "iterative_power_allocation",
    "log_odds",
    "map_threshold",
    "marchenko_pastur_quantile",
    "matching_pursuit_active_only",
    "omp_dimension",
    "one_step_capacity",
    "one_step_constant",
    "one_step_dimension",
    "optimal_threshold",
    "random_codebook_dimension",
    "random_coherence",
    "random_cosine_density",
    "random_effective_rank",
    "random_mean_absolute_cosine",
    "random_mean_square_deviation",
    "rule_of_thumb_dimension",
    "score_variance",
    "sparc_rate",
    "sparc_state_evolution",
    "sparsity_exponent",
    "spherical_codebook_success_probability",
    "threshold_active_only",
    "threshold_converse_dimension",
    "threshold_dimension",
    "threshold_guarantee_dimension",
    "threshold_success_probability",
    "topk_active_only",
    "topk_dimension",
    "topk_guarantee_dimension",
    "topk_success_probability",
    "unique_decoding_dimension",
]
