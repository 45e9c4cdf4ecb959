"""dictionary_learning: ``ae.pt`` and ``config.json``, whose trainer names the class."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._warnings import warn
from sksupercode.sae._formats._config import Config

_MATRICES = {"W_dec": ("decoder.weight", "dN"), "W_enc": ("encoder.weight", "Nd")}
_LINEAR = {**_MATRICES, "b_enc": ("encoder.bias", "N"), "b_dec": ("b_dec", "d")}
_GATES = {"b_gate": ("gate_bias", "N"), "b_mag": ("mag_bias", "N"), "r_mag": ("r_mag", "N")}
_AXES = {"W_dec": "Nd", "W_enc": "dN", "b_enc": "N", "b_dec": "d"}
_PARAMETERS = {key: (key, axes) for key, axes in _AXES.items()}
# For each class its architecture and its arrays.
CLASSES = {
    "AutoEncoder": ("relu", {**_LINEAR, "b_dec": ("bias", "d")}),
    "AutoEncoderNew": ("relu", {**_LINEAR, "b_dec": ("decoder.bias", "d")}),
    "AutoEncoderTopK": ("topk", _LINEAR),
    "BatchTopKSAE": ("jumprelu", _LINEAR),
    "GatedAutoEncoder": ("gated", {**_MATRICES, "b_dec": ("decoder_bias", "d"), **_GATES}),
    "JumpReluAutoEncoder": ("jumprelu", {**_PARAMETERS, "threshold": ("threshold", "N")}),
    "MatryoshkaBatchTopKSAE": ("jumprelu", _PARAMETERS),
}
WITHOUT_PRE_BIAS = ("AutoEncoderNew", "JumpReluAutoEncoder")
# All that is read of a configuration where the weights have k.
_ENOUGH = (
    '; {"trainer": {"dict_class": "AutoEncoder"}}, with the class in dictionary_learning that it '
    "is of, is enough"
)


def read(tensors, given):
    """Read the arrays as they are stored; decoder rows are not normalised.

    "AutoEncoderTopK" selects the k largest of each sample. "BatchTopKSAE" and
    "MatryoshkaBatchTopKSAE" are JumpReLU with the one threshold that training estimated.
    """
    whole = Config.read(tensors.path.with_name("config.json"), enough=_ENOUGH)
    config = whole.part("trainer")
    name = config.option("dict_class", CLASSES)
    architecture, layout = CLASSES[name]
    tensors.refuse_others([*(key for key, _ in layout.values()), "k", "threshold", "group_sizes"])
    sizes = tensors.sizes(N=(layout.get("b_enc") or layout["r_mag"])[0], d=layout["b_dec"][0])
    for axis, key in (("N", "dict_size"), ("d", "activation_dim")):
        if config.has(key):
            sizes[axis] = (config.integer(key), f"trainer.{key} in config.json")

    buffer = whole.part("buffer", optional=True)
    settings = buffer.says_transcoder() | config.says_transcoder()
    if architecture == "topk":
        settings |= _k(config, tensors, given)
    if architecture == "jumprelu" and "threshold" not in layout:
        settings["threshold"] = _constant_threshold(tensors, layout["b_enc"][0])
    return tensors.weights(
        layout,
        sizes,
        given,
        architecture=architecture,
        applies_b_dec=name not in WITHOUT_PRE_BIAS,
        name=f"dictionary_learning {name}",
        **settings,
    )


def _k(config, tensors, given):
    if "k" not in tensors.values:
        return given.k_in(config)
    k = tensors.scalar("k")
    if config.has("k") and config.integer("k") != k:
        raise ValueError(
            f"{tensors.path}: 'k' is {k}, but trainer.k is {config.values['k']} in config.json."
        )
    return {"k": k}


def _constant_threshold(tensors, bias):
    threshold = tensors.scalar("threshold")
    if not np.isfinite(threshold):
        raise ValueError(f"{tensors.path}: 'threshold' must be finite, got {threshold}.")
    if threshold < 0:
        warn(
            f"{tensors.path}: 'threshold' is {threshold}, so training never set it. Every latent "
            f"with a positive pre-activation is active, as in dictionary_learning."
        )
    return np.full(len(tensors.array(bias)), threshold, dtype=np.float32)
