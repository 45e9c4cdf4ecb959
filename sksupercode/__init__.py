"""Superposition codes for scikit-learn.

A superposition code stores a sparse subset y of N codewords as one vector x = F^T y in d << N
dimensions: encoders write it, channels add noise to it, decoders read it back.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

# Not in __all__: scikit-learn has functions of the same names.
from sksupercode._utils._config import config_context as config_context
from sksupercode._utils._config import get_config as get_config
from sksupercode._utils._config import set_config as set_config
from sksupercode.channels import DropoutChannel, GaussianChannel, QuantizationChannel
from sksupercode.decoders import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BasisPursuitDecoder,
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SwapDecoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.encoders import (
    BoundEncoder,
    CoupledEncoder,
    HadamardEncoder,
    RademacherEncoder,
    SphericalEncoder,
)
from sksupercode.exceptions import CodebookMismatchWarning
from sksupercode.learning import DictionaryLearner
from sksupercode.sae import SparseAutoencoder, Transcoder, load_sae

__version__ = "0.1.0"

__all__ = [
    "AMPDecoder",
    "AdaptiveSuccessiveDecoder",
    "BasisPursuitDecoder",
    "BoundEncoder",
    "CodebookMismatchWarning",
    "CoupledEncoder",
    "DictionaryLearner",
    "DropoutChannel",
    "GaussianChannel",
    "GradientPursuitDecoder",
    "HadamardEncoder",
    "MatchingPursuitDecoder",
    "MaximumLikelihoodDecoder",
    "OrthogonalMatchingPursuitDecoder",
    "QuantizationChannel",
    "RademacherEncoder",
    "RefitDecoder",
    "SparseAutoencoder",
    "SphericalEncoder",
    "SwapDecoder",
    "ThresholdDecoder",
    "TopKDecoder",
    "Transcoder",
    "load_sae",
]
