"""What predictions need to know of an encoder, a channel and a decoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

from sksupercode.model_selection._cells import check_list
from sksupercode.model_selection._prediction import find_predictor, noise_of, with_dictionary


def prepare_prediction(
    law,
    steps,
    *,
    n_features=None,
    n_nonzero_coefs=None,
    channel=None,
    sections=False,
    values="binary",
    **_,
):
    """Return the law of a sweep, given its parameters, or refuse, before anything is measured."""
    encoder, decoder = steps
    decoder, noise = with_dictionary(decoder, encoder), noise_of(channel)
    if sections:
        raise ValueError("theory=True: the theory is of arbitrary supports, and sections=True.")
    if values != "binary":
        raise ValueError(f"theory=True: the theory is of binary values, and values={values!r}.")
    for n in check_list(n_features, "n_features"):
        for k in check_list(n_nonzero_coefs, "n_nonzero_coefs", maximum=n):
            find_predictor(decoder, n, k, **noise)
    sizes = {"n_features": n_features, "n_nonzero_coefs": n_nonzero_coefs}
    return partial(law, decoder, **sizes, **noise, random_state=0)
