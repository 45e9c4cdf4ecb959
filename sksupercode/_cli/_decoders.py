"""Which decoders the commands take, out of the list of all."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode import OrthogonalMatchingPursuitDecoder, RefitDecoder, SwapDecoder
from sksupercode._utils._discovery import all_estimators, short_name
from sksupercode.datasets._sparse_codes import VALUES
from sksupercode.model_selection._frontier_decoders import default_decoders

# Those of the first picture, out of the list of the frontier.
SWEPT = ("threshold", "top-k", "matching-pursuit", "basis-pursuit")


def add_values(parser, *, default):
    """Add the option for the values of random codes."""
    parser.add_argument(
        "--values",
        choices=VALUES,
        default=default,
        help="values of the nonzero entries of random codes, which the decoders look for "
        "(default: binary)",
    )


def check_values(parser, arguments):
    """End with a message for decoders that look for binary values alone."""
    known = default_decoders(arguments.values)
    for name in arguments.decoders:
        if name not in known:
            parser.error(f"{name} looks for binary values alone, got --values {arguments.values}")


def words_of_values(values):
    """Return what a title says of the values of codes, nothing of binary ones."""
    return "" if values == "binary" else f", {values} values"


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
