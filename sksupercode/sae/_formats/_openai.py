"""OpenAI's sparse_autoencoder: one ``.pt`` file with the activation function among its tensors."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

LAYOUT = {
    "W_dec": ("decoder.weight", "dN"),
    "W_enc": ("encoder.weight", "Nd"),
    "b_dec": ("pre_bias", "d"),
    "b_enc": ("latent_bias", "N"),
}
# Statistics of training, and what says which activation function it is.
OTHERS = (
    "activation",
    "activation.k",
    "activation.postact_fn",
    "activation_state_dict",
    "latents_activation_frequency",
    "latents_mean_square",
    "stats_last_nonzero",
)


def read(tensors, given):
    """Read a TopK autoencoder, whose input is layer-normalised, or a ReLU one, whose is not."""
    tensors.refuse_others([*(key for key, _ in LAYOUT.values()), *OTHERS])
    activation = _option(tensors, "activation", tensors.values.get("activation", "ReLU"), "TopK")
    settings = {"architecture": "relu"}
    if activation == "TopK":
        settings = {"architecture": "topk", "normalization": "layer_norm", "k": _k(tensors)}
    return tensors.weights(
        LAYOUT,
        tensors.sizes(N="latent_bias", d="pre_bias"),
        given,
        applies_b_dec=True,
        name=f"OpenAI {activation}",
        **settings,
    )


def _k(tensors):
    """The k of the activation function; its state is in the file once or twice."""
    state = tensors.values.get("activation_state_dict", {})
    if not isinstance(state, dict):
        raise ValueError(f"{tensors.path}: 'activation_state_dict' must be a dictionary.")
    stored = {"activation_state_dict['k']": state.get("k")}
    stored["activation.k"] = tensors.values.get("activation.k")
    found = {key: k for key, k in stored.items() if k is not None}
    if not found or not all(type(k) is int for k in found.values()):
        raise ValueError(
            f"{tensors.path}: activation_state_dict['k'] must be an integer, got "
            f"{', '.join(type(k).__name__ for k in found.values()) or 'nothing'}."
        )
    if len(set(found.values())) > 1:
        differing = " but ".join(f"{key} is {k}" for key, k in found.items())
        raise ValueError(f"{tensors.path}: {differing}: they must be the same.")
    for postact_fn in (state.get("postact_fn"), tensors.values.get("activation.postact_fn")):
        if postact_fn is not None:
            _option(tensors, "postact_fn", postact_fn)
    return next(iter(found.values()))


def _option(tensors, key, value, *others):
    known = ("ReLU", *others)
    if not isinstance(value, str) or value not in known:
        found = value[:40] if isinstance(value, str) else type(value).__name__
        raise ValueError(
            f"{tensors.path}: {key!r} must be one of {', '.join(known)}, got {found!r}."
        )
    return value
