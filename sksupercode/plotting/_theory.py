"""What predictions need to know of an encoder, a channel and a decoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.model_selection._cells import check_list
from sksupercode.model_selection._prediction import find_predictor, noise_of, with_dictionary

__all__ = ["noise_of", "require_prediction", "with_dictionary"]


def require_prediction(
    decoder, noise, *, n_features=None, n_nonzero_coefs=None, sections=False, **sweep
):
    """Refuse what cannot be predicted, before anything is measured."""
    if sections:
        raise ValueError("theory=True: the theory is of arbitrary supports, and sections=True.")
    for n in check_list(n_features, "n_features"):
        for k in check_list(n_nonzero_coefs, "n_nonzero_coefs", maximum=n):
            find_predictor(decoder, n, k, **noise)
