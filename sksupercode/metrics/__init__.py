"""Scores for decoded supports, for latents and for reconstructions, and scorers made of them;
which codeword of one dictionary is which of another, and which latent fires for which feature.

The support of a code is the set of columns where it is nonzero, of either sign. Codes are dense or
sparse in any format, may have explicit zeros, and are never made dense.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.metrics._code_match import CodeMatch
from sksupercode.metrics._code_matching import match_codes
from sksupercode.metrics._decoded_information import decoded_information
from sksupercode.metrics._dictionary_match import DictionaryMatch
from sksupercode.metrics._dictionary_matching import match_dictionaries
from sksupercode.metrics._latents import dead_latent_fraction, dense_latent_fraction, mean_l0
from sksupercode.metrics._reconstruction import (
    fraction_of_variance_unexplained,
    normalized_mean_squared_error,
    reconstruction_cosine,
    relative_reconstruction_bias,
)
from sksupercode.metrics._scorers import exact_recovery_scorer, neg_fvu_scorer
from sksupercode.metrics._supports import (
    exact_recovery_score,
    support_overlap,
    support_precision_recall_f1,
)

__all__ = [
    "CodeMatch",
    "DictionaryMatch",
    "dead_latent_fraction",
    "decoded_information",
    "dense_latent_fraction",
    "exact_recovery_score",
    "exact_recovery_scorer",
    "fraction_of_variance_unexplained",
    "match_codes",
    "match_dictionaries",
    "mean_l0",
    "neg_fvu_scorer",
    "normalized_mean_squared_error",
    "reconstruction_cosine",
    "relative_reconstruction_bias",
    "support_overlap",
    "support_precision_recall_f1",
]
