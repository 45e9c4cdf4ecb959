"""The decoders of a frontier: every public one, or those of the user."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from functools import partial
from inspect import signature

from sksupercode._utils._discovery import all_estimators, short_name
from sksupercode._utils._validation import check_option
from sksupercode.datasets._sparse_codes import VALUES
from sksupercode.decoders import (
    AMPDecoder,
    BasisPursuitDecoder,
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SwapDecoder,
    ThresholdDecoder,
)
from sksupercode.encoders import CoupledEncoder, HadamardEncoder, RademacherEncoder
from sksupercode.model_selection._cells import SUITABLE, require_estimator

# What the default set needs beside a dictionary.
_MAKERS = {
    "RefitDecoder": lambda encoder, **own: RefitDecoder(MatchingPursuitDecoder(encoder, **own)),
    "SwapDecoder": lambda encoder, **own: SwapDecoder(
        OrthogonalMatchingPursuitDecoder(encoder, **own)
    ),
    "ThresholdDecoder": partial(ThresholdDecoder, threshold="map"),
}
_SLOW = (BasisPursuitDecoder, GradientPursuitDecoder, OrthogonalMatchingPursuitDecoder)


def default_decoders(values="binary"):
    """Return every public decoder with random signs, and message passing with its own codes.

    They are those that can look for the ``values`` of codes, and do.
    """
    check_option(values, "values", VALUES)
    encoder, own, decoders = RademacherEncoder(), {}, {}
    if values != "binary":
        own = {"values": SUITABLE[values][0]}
    for name, cls in all_estimators("decoder"):
        if own.keys() <= signature(cls).parameters.keys():
            decoders[short_name(name)] = _MAKERS.get(name, cls)(encoder, **own)
    return decoders | {
        "amp-hadamard": AMPDecoder(HadamardEncoder(), **own),
        "amp-sections": AMPDecoder(encoder, sections=True, **own),
        "amp-coupled": AMPDecoder(CoupledEncoder(), **own),
    }


def check_decoders(decoders):
    """Return a dict of decoders whose dictionaries are encoders, or raise a ValueError."""
    if not isinstance(decoders, Mapping) or not decoders:
        raise ValueError(
            f"decoders must be None or a dict of str to decoder, and not empty, got {decoders!r}."
        )
    for name, decoder in decoders.items():
        require_estimator(decoder, f"decoders[{name!r}]", {"dictionary"})
        require_estimator(
            encoder_of(decoder), f"dictionary of decoders[{name!r}]", {"n_components"}
        )
    return dict(decoders)


def encoder_of(decoder):
    """Return the dictionary of a decoder, or of the one at the end of a pipeline."""
    parameters = decoder.get_params()
    paths = [path for path in parameters if path.split("__")[-1] == "dictionary"]
    return parameters[min(paths, key=len)]


def out_of_reach(decoder, encoder, n_features, n_nonzero_coefs):
    """Return why it is of no use to try a decoder, where that is known."""
    if isinstance(decoder, _SLOW) and n_nonzero_coefs > 512:
        return "takes 20 seconds or more for a sample of so large a k"
    if isinstance(decoder, SwapDecoder) and n_features > 8192:
        return "takes seconds for each exchange of so many codewords"
    if isinstance(decoder, MaximumLikelihoodDecoder) and (n_features > 256 or n_nonzero_coefs > 5):
        return "an integer program for small N and k"
    if isinstance(encoder, CoupledEncoder) and n_nonzero_coefs < encoder.n_blocks:
        return f"fewer active codewords than the {encoder.n_blocks} blocks of its code"
    return None
