"""What predictions need to know of an encoder, a channel and a decoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn.base import clone

from sksupercode.channels import GaussianChannel
from sksupercode.model_selection._cells import check_list, require_estimator
from sksupercode.model_selection._prediction import find_predictor


def with_dictionary(decoder, encoder):
    """Return a clone of a decoder that reads the code of an encoder."""
    require_estimator(encoder, "encoder", {"n_components", "random_state"})
    require_estimator(decoder, "decoder", set())
    if "dictionary" not in decoder.get_params(deep=False):
        raise ValueError(f"theory=True: there is no prediction for {type(decoder).__name__}.")
    return clone(decoder).set_params(dictionary=clone(encoder))


def noise_of(channel):
    """Return the noise variance per coordinate of a channel."""
    if channel is None:
        return 0.0
    if not isinstance(channel, GaussianChannel) or channel.relative:
        raise ValueError(
            "theory=True needs channel=None or a GaussianChannel with relative=False, got "
            f"channel={channel!r}."
        )
    return channel.noise_variance


def require_prediction(decoder, noise, *, n_features=None, n_nonzero_coefs=None, **sweep):
    """Refuse what cannot be predicted, before anything is measured."""
    for n in check_list(n_features, "n_features"):
        for k in check_list(n_nonzero_coefs, "n_nonzero_coefs", maximum=n):
            find_predictor(decoder, n, k, noise)
