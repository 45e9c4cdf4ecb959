"""Sparse autoencoders: trained elsewhere or here, and used as dictionaries."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.sae._compare import compare_decoders
from sksupercode.sae._loading import load_sae
from sksupercode.sae._module import as_module
from sksupercode.sae._sparse_autoencoder import SparseAutoencoder
from sksupercode.sae._transcoder import Transcoder
from sksupercode.sae._weights import SAEWeights

__all__ = [
    "SAEWeights",
    "SparseAutoencoder",
    "Transcoder",
    "as_module",
    "compare_decoders",
    "load_sae",
]
