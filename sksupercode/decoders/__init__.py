"""Decoders: points x in d dimensions become sparse codes y of N columns."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.decoders._adaptive_successive import AdaptiveSuccessiveDecoder
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._basis_pursuit import BasisPursuitDecoder
from sksupercode.decoders._gradient_pursuit import GradientPursuitDecoder
from sksupercode.decoders._matching_pursuit import MatchingPursuitDecoder
from sksupercode.decoders._maximum_likelihood import MaximumLikelihoodDecoder
from sksupercode.decoders._message_passing import AMPDecoder
from sksupercode.decoders._orthogonal_matching_pursuit import OrthogonalMatchingPursuitDecoder
from sksupercode.decoders._refit import RefitDecoder
from sksupercode.decoders._swap import SwapDecoder
from sksupercode.decoders._threshold import ThresholdDecoder
from sksupercode.decoders._top_k import TopKDecoder

__all__ = [
    "AMPDecoder",
    "AdaptiveSuccessiveDecoder",
    "BaseDecoder",
    "BasisPursuitDecoder",
    "GradientPursuitDecoder",
    "MatchingPursuitDecoder",
    "MaximumLikelihoodDecoder",
    "OrthogonalMatchingPursuitDecoder",
    "RefitDecoder",
    "SwapDecoder",
    "ThresholdDecoder",
    "TopKDecoder",
]
