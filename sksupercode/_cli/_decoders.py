"""Which decoders the commands take, out of the list of all."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode import OrthogonalMatchingPursuitDecoder, RefitDecoder, SwapDecoder
from sksupercode._utils._discovery import all_estimators, short_name

# Those of the first picture, out of the list of the frontier.
SWEPT = ("threshold", "top-k", "matching-pursuit", "basis-pursuit")


def comparison_decoders():
    """Return what makes a decoder of an autoencoder, by name.

    They are all that take k and real values, and last exchanges of the codewords of two of them.
    """
    found = {"sae": lambda sae: sae, "sae-refit": RefitDecoder}
    for name, cls in all_estimators("decoder"):
        parameters = cls(None).get_params(deep=False)
        if "values" in parameters and cls(None)._needs_fixed_k():
            found[short_name(name)] = cls
            if hasattr(cls, "decision_function"):  # one step, without least squares
                found[f"{short_name(name)}-refit"] = lambda sae, cls=cls: RefitDecoder(cls(sae))
    found["sae-swap"] = SwapDecoder
    found["omp-swap"] = lambda sae: SwapDecoder(OrthogonalMatchingPursuitDecoder(sae))
    return found
