"""What stands in the table of the decoder frontier: decoders, and what theory says of them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BasisPursuitDecoder,
    CoupledEncoder,
    GradientPursuitDecoder,
    HadamardEncoder,
    MatchingPursuitDecoder,
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
    theory,
)
from sksupercode.model_selection import predicted_dimension


@dataclass(frozen=True)
class Entry:
    """A decoder with its code; the d that theory expects; and why a size is out of reach."""

    decoder: object
    predict: Callable | None = None
    refuse: Callable = lambda n_features, k: None


def _required(decoder, n_features, k, rate, seed):
    # A draw costs k^2 d, and varies the less the larger k is.
    n_samples = int(np.clip(2000 // k, 2, 50))
    return predicted_dimension(
        decoder,
        n_features=n_features,
        n_nonzero_coefs=k,
        probability=rate,
        n_samples=n_samples,
        random_state=seed,
    )


def _state_evolution(decoder, n_features, k, rate, seed):
    return theory.amp_dimension(n_features, k)


def _message_passing(decoder, n_features, k, rate, seed):
    # There is no law for fewer.
    predict = _required if k >= 4 else _state_evolution
    return predict(decoder, n_features, k, rate, seed)


def _unless_few(n_features, k):
    return "takes 20 seconds or more for a sample of so large a k" if k > 512 else None


def _unless_tiny(n_features, k):
    return "an integer program for small N and k" if n_features > 256 or k > 5 else None


def _few_for_coupling(n_features, k):
    return "fewer active codewords than the 32 blocks of its code" if k < 32 else None


RADEMACHER = RademacherEncoder()

ENTRIES = {
    "threshold": Entry(ThresholdDecoder(RADEMACHER, threshold="map"), _required),
    "top-k": Entry(TopKDecoder(RADEMACHER), _required),
    "matching-pursuit": Entry(MatchingPursuitDecoder(RADEMACHER), _required),
    "gradient-pursuit": Entry(GradientPursuitDecoder(RADEMACHER), refuse=_unless_few),
    "omp": Entry(OrthogonalMatchingPursuitDecoder(RADEMACHER), refuse=_unless_few),
    "basis-pursuit": Entry(BasisPursuitDecoder(RADEMACHER), _required, _unless_few),
    "amp": Entry(AMPDecoder(RADEMACHER), _message_passing),
    "amp-hadamard": Entry(AMPDecoder(HadamardEncoder()), _state_evolution),
    "amp-sections": Entry(AMPDecoder(RADEMACHER, sections=True)),
    "amp-coupled": Entry(AMPDecoder(CoupledEncoder()), refuse=_few_for_coupling),
    "adaptive-successive": Entry(AdaptiveSuccessiveDecoder(RADEMACHER)),
    "maximum-likelihood": Entry(MaximumLikelihoodDecoder(RADEMACHER), refuse=_unless_tiny),
}
