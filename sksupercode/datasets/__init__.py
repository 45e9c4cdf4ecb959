"""Sparse codes to superpose, random ones and the words of real documents, and activations.

Activations are real ones, and planted ones with a known dictionary. Word embeddings are real.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.datasets._activations import (
    load_activations,
    load_activations_sae,
    load_token_embeddings,
)
from sksupercode.datasets._passages import load_passages
from sksupercode.datasets._planted_activations import make_planted_activations
from sksupercode.datasets._sparse_codes import make_sparse_codes
from sksupercode.datasets._synth_sae_bench import make_synth_sae_bench
from sksupercode.datasets._word_embeddings import load_word_embeddings

__all__ = [
    "load_activations",
    "load_activations_sae",
    "load_passages",
    "load_token_embeddings",
    "load_word_embeddings",
    "make_planted_activations",
    "make_sparse_codes",
    "make_synth_sae_bench",
]
