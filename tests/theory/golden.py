"""Calls of ``sksupercode.theory`` for the formulas of the table of reference values.

``FORMULAS`` maps the name of each formula to a callable that takes the inputs of a record by
keyword, under the short names of the table: N, k and d for the sizes, ``sigma2`` for the noise
variance per coordinate, ``P`` for the noise variance of the Gaussian channel, ``eps`` for a
coherence, a margin or a density, and ``p`` for a probability of failure or, in ``dim_at_p_*``, of
success.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from scipy.special import entr

from sksupercode import theory


def _stirling_entropy(N, k):
    density = k / N
    variance = k * (1 - density)
    return N * (entr(density) + entr(1 - density)) - np.log(2 * np.pi * variance) / 2


def _dimensions_per_nat(P):
    return 1 / theory.channel_capacity(P, unit="nats")


def _dimension_at(threshold):
    def call(N, k, sigma2, p):
        return theory.threshold_dimension(N, k, p, threshold, sigma2)

    return call


def _undersampling(constraint, eps):
    return theory.basis_pursuit_phase_transition(eps, constraint=constraint)


def _soft_threshold(constraint, eps):
    return theory.basis_pursuit_phase_transition(eps, constraint=constraint, return_threshold=True)[
        1
    ]


def _basis_pursuit_dimension(constraint, N, k):
    return theory.basis_pursuit_dimension(N, k, constraint=constraint)


FORMULAS = {
    # Entropy and rates.
    "eta": lambda N, k: theory.sparsity_exponent(N, k),
    "entropy_bits_exact": lambda N, k: theory.entropy(N, k),
    "entropy_nats_exact": lambda N, k: theory.entropy(N, k, unit="nats"),
    "stirling_bound_bits": lambda N, k: theory.entropy_bound(N, k),
    "stirling_bound_nats": lambda N, k: theory.entropy_bound(N, k, unit="nats"),
    "stirling_refined_nats": lambda N, k: _stirling_entropy(N, k),
    "stirling_bound_relerr": lambda N, k: theory.entropy_bound(N, k) / theory.entropy(N, k) - 1,
    "dims_per_bit": lambda N, k, d: theory.dimensions_per_bit(N, k, d),
    # Propositions 1 to 3 and Corollary 1.
    "coherence_dim": lambda N, eps, p: theory.coherence_dimension(N, eps, p),
    "coherence_dim_sharp": lambda N, eps, p: theory.coherence_dimension(N, eps, p, sharp=True),
    "fano_dim": lambda N, P, p: theory.fano_dimension(N, P, p),
    "fano_dim_tight": lambda N, P, p: theory.fano_dimension(N, P, p, tight=True),
    "capacity_slope": lambda P: _dimensions_per_nat(P),
    "cor1_dim": lambda N, P, eps: theory.random_codebook_dimension(N, P, -eps),
    # As printed, from the correct capacity.
    "cor1_success_limit_avg_power": lambda P, eps: (
        1 / (P * np.expm1(2 / (_dimensions_per_nat(P) - eps)))
    ),
    "cor1_success_limit_fano": lambda P, eps: 1 - eps / _dimensions_per_nat(P),
    "prop3_dim_paper": lambda N, P, eps: (2 + eps) * P * np.log(N),
    "prop3_eps_min": lambda P: _dimensions_per_nat(P) / P - 2,
    "bpsk_information_nats": lambda P: theory.channel_capacity(
        P, codebook="rademacher", unit="nats"
    ),
    "bpsk_slope": lambda P: 1 / theory.channel_capacity(P, codebook="rademacher", unit="nats"),
    "spherical_codebook_success": lambda N, P, d: theory.spherical_codebook_success_probability(
        N, P, d
    ),
    # Propositions 4 and 5.
    "rademacher_constant": lambda k: (
        theory.threshold_converse_dimension(2**60, k) / (k * np.log(2.0**60))
    ),
    "kappa": lambda eta: theory.one_step_constant(eta),
    "prop5_dim": lambda N, k: theory.one_step_dimension(N, k),
    "prop5_tau": lambda N, k: 1 / (1 + np.sqrt(theory.sparsity_exponent(N, k))),
    "prop5_capacity_nats": lambda eta: theory.one_step_capacity(eta, unit="nats"),
    "prop5_capacity_bits": lambda eta: theory.one_step_capacity(eta),
    "prop5_inverse_capacity_nats": lambda eta: 1 / theory.one_step_capacity(eta, unit="nats"),
    "threshold_guarantee_dim": lambda N, k, p: theory.threshold_guarantee_dimension(N, k, p),
    "topk_guarantee_dim": lambda N, k, p: theory.topk_guarantee_dimension(N, k, p),
    "one_step_noise_dim": lambda N, k, sigma2: theory.one_step_dimension(N, k, sigma2),
    # Rules of thumb and pursuits.
    "threshold_rule_dim": lambda N, k: theory.rule_of_thumb_dimension(N, k, "threshold"),
    "topk_rule_dim": lambda N, k: theory.rule_of_thumb_dimension(N, k, "topk"),
    "mp_rule_dim": lambda N, k: theory.rule_of_thumb_dimension(N, k, "matching_pursuit"),
    "bp_rule_dim": lambda N, k: theory.rule_of_thumb_dimension(N, k, "basis_pursuit"),
    "mp_first_step_dim": lambda N, k: 2 * k * (np.sqrt(np.log(N)) - np.sqrt(np.log(k))) ** 2,
    "omp_dim": lambda N, k: theory.omp_dimension(N, k),
    "omp_dim_tropp_gilbert": lambda N, k: 4 * k * np.log(N),
    # Matched filters.
    "var_active": lambda k, d, sigma2: theory.score_variance(k, d, sigma2),
    "var_inactive": lambda k, d, sigma2: theory.score_variance(k, d, sigma2, active=False),
    "map_threshold": lambda N, k, d, sigma2: theory.map_threshold(N, k, d, sigma2),
    "map_threshold_exact": lambda N, k, d, sigma2: theory.map_threshold(
        N, k, d, sigma2, equal_variance=False
    ),
    "log_odds": lambda N, k, d, sigma2, lam: theory.log_odds(N, k, d, lam, sigma2),
    "optimal_threshold": lambda N, k, d, sigma2: theory.optimal_threshold(N, k, d, sigma2),
    "false_negative_rate": lambda k, d, sigma2, tau: theory.false_negative_rate(k, d, tau, sigma2),
    "false_positive_rate": lambda k, d, sigma2, tau: theory.false_positive_rate(k, d, tau, sigma2),
    "fn_exact_rademacher": lambda k, d, tau: theory.false_negative_rate(k, d, tau, exact=True),
    "fp_exact_rademacher": lambda k, d, tau: theory.false_positive_rate(k, d, tau, exact=True),
    # Success of one-step decoders, and its inversion.
    "p_threshold": lambda N, k, d, sigma2, tau: theory.threshold_success_probability(
        N, k, d, tau, sigma2
    ),
    "log_p_threshold": lambda N, k, d, sigma2, tau: theory.threshold_success_probability(
        N, k, d, tau, sigma2, output="log"
    ),
    "p_topk": lambda N, k, d, sigma2: theory.topk_success_probability(N, k, d, sigma2),
    "p_topk_fail": lambda N, k, d, sigma2: theory.topk_success_probability(
        N, k, d, sigma2, output="failure"
    ),
    "p_topk_refined": lambda N, k, d, sigma2: theory.topk_success_probability(
        N, k, d, sigma2, approximation="refined"
    ),
    "p_topk_exact_k1": lambda N, d: theory.topk_success_probability(N, 1, d, approximation="exact"),
    "p_topk_exact_k2": lambda N, d: theory.topk_success_probability(N, 2, d, approximation="exact"),
    "dim_at_p_threshold_half": _dimension_at(0.5),
    "dim_at_p_threshold_map": _dimension_at("map"),
    "dim_at_p_threshold_opt": _dimension_at("optimal"),
    "dim_at_p_topk": lambda N, k, sigma2, p: theory.topk_dimension(N, k, p, sigma2),
    # Basis pursuit.
    **{
        f"dt_{short}_{quantity}": partial(function, constraint)
        for short, constraint in (("signed", "signed"), ("nonneg", "nonnegative"), ("box", "box"))
        for quantity, function in (
            ("delta", _undersampling),
            ("tau", _soft_threshold),
            ("dim", _basis_pursuit_dimension),
        )
    },
    # Message passing.
    "mmse_bernoulli": lambda eps, tau2: theory.bernoulli_mmse(eps, tau2),
    "amp_delta": lambda eps: theory.amp_phase_transition(eps),
    "amp_inv_tau": lambda eps: theory.amp_phase_transition(eps, return_variance=True)[1] ** -0.5,
    "amp_dim": lambda N, k: theory.amp_dimension(N, k),
    "amp_se_fixed_point_tau2": lambda eps, delta, sigma2: theory.amp_fixed_point(
        eps, delta, sigma2
    ),
    # Limits.
    "binomial_entropy_bits": lambda k: (
        theory.entropy(2**60, k) / theory.counting_dimension(2**60, k)
    ),
    "counting_dim": lambda N, k: theory.counting_dimension(N, k),
    "unique_decoding_dim": lambda N, k, p: theory.unique_decoding_dimension(N, k, p),
    "aon_dim": lambda N, k, Delta: theory.all_or_nothing_dimension(N, k, squared_noise_norm=Delta),
    "aon_dim_sigma2": lambda N, k, sigma2: theory.all_or_nothing_dimension(N, k, sigma2),
    "sparc_amp_rate_nats": lambda snr: theory.sparc_rate(snr, unit="nats"),
}
