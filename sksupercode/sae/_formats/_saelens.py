"""SAELens directories: ``sae_weights.safetensors`` and ``cfg.json``, old and new."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re

import numpy as np

from sksupercode._utils._warnings import warn
from sksupercode.sae._formats._config import Config

_DECODER = {"W_dec": ("W_dec", "Nd"), "b_dec": ("b_dec", "d")}
_LINEAR = {**_DECODER, "W_enc": ("W_enc", "dN"), "b_enc": ("b_enc", "N")}
_GATES = {key: (key, "N") for key in ("b_gate", "b_mag", "r_mag")}
_THRESHOLD = {"threshold": ("threshold", "N")}
_TRANSCODER = {**_LINEAR, "W_dec": ("W_dec", "No"), "b_dec": ("b_dec", "o")}
_SKIP = {"W_skip": ("W_skip", "od")}
ARCHITECTURES = {
    "gated": {**_DECODER, "W_enc": ("W_enc", "dN"), **_GATES},
    "jumprelu": {**_LINEAR, **_THRESHOLD},
    "jumprelu_skip_transcoder": {**_TRANSCODER, **_THRESHOLD, **_SKIP},
    "jumprelu_transcoder": {**_TRANSCODER, **_THRESHOLD},
    "matching_pursuit": _DECODER,
    "skip_transcoder": {**_TRANSCODER, **_SKIP},
    "standard": _LINEAR,
    "transcoder": _TRANSCODER,
    "abstopk": _LINEAR,
    "topk": _LINEAR,
}
# What the package calls them, where it has another name.
_NAMES = {"standard": "relu", "transcoder": "relu", "skip_transcoder": "relu"}
_NAMES |= dict.fromkeys(("jumprelu_transcoder", "jumprelu_skip_transcoder"), "jumprelu")
_WITHOUT_SCALE = ("expected_average_only_in", "covariance_whitening")
NORMALIZATIONS = {name: name for name in ("none", "layer_norm", "constant_norm_rescale")}
NORMALIZATIONS |= dict.fromkeys(_WITHOUT_SCALE, "none")


def read(tensors, given):
    """Read the weights beside which ``cfg.json`` lies.

    BatchTopK and Matryoshka autoencoders come as "jumprelu", as SAELens writes them.
    """
    config = Config.read(tensors.path.with_name("cfg.json"))
    is_flat = _is_flat(config)
    architecture = _update(config) if is_flat else config.option("architecture", ARCHITECTURES)
    layout, is_transcoder = ARCHITECTURES[architecture], architecture.endswith("transcoder")
    sizes = {
        "N": (config.integer("d_sae"), "d_sae in cfg.json"),
        "d": (config.integer("d_in"), "d_in in cfg.json"),
    }
    settings = {"is_transcoder": is_transcoder, "name": _name(config)}
    settings |= config.says_transcoder() | _normalization(config, given)
    settings["applies_b_dec"] = config.boolean("apply_b_dec_to_input", default=not is_transcoder)
    if is_transcoder:
        sizes["o"] = (config.integer("d_out"), "d_out in cfg.json")
        if settings["applies_b_dec"]:
            config.refuse("apply_b_dec_to_input", f"false where architecture is {architecture}")
    if architecture in ("topk", "abstopk"):
        settings |= given.k_in(config)
        settings["rescales_by_norm"] = config.boolean("rescale_acts_by_decoder_norm", default=False)
    if architecture == "matching_pursuit":
        settings["residual_threshold"] = config.number("residual_threshold", default=1e-2)
        settings["max_iterations"] = config.integer("max_iterations", default=None)
        stops = config.boolean("stop_on_duplicate_support", default=True)
        settings["stops_on_duplicate_support"] = stops
    config.option("reshape_activations", ("none", "hook_z"), default="none")

    _drop_scaling_factor(config, tensors)
    # Of checkpoints of training from before thresholds themselves were stored.
    if "threshold" in layout and "log_threshold" in tensors.values:
        tensors.exponentiate("log_threshold")
        layout = layout | {"threshold": ("log_threshold", "N")}
    tensors.refuse_others([key for key, _ in layout.values()])
    return tensors.weights(
        layout, sizes, given, architecture=_NAMES.get(architecture, architecture), **settings
    )


def _name(config):
    metadata = config.part("metadata", optional=True)
    source = metadata if metadata.has("training_architecture") else config
    key = "training_architecture" if source is metadata else "architecture"
    return f"SAELens {str(source.values.get(key, 'standard'))[:80]}"


def _is_flat(config):
    """Whether the configuration was written before version 6, which put metadata aside."""
    metadata = config.part("metadata", optional=True)
    source = config if config.has("sae_lens_version") else metadata
    if not source.has("sae_lens_version"):
        return True
    major = re.match(r"(\d{1,9})(\.|$)", str(source.values["sae_lens_version"]))
    if major is None:
        source.refuse("sae_lens_version", "a version such as 6.0.0")
    return int(major[1]) < 6


def _update(config):
    """Give a flat configuration the keys of a current one; return its architecture."""
    values = config.values
    architecture = config.option("architecture", ARCHITECTURES, default="standard")
    key = "activation_fn_str" if config.has("activation_fn_str") else "activation_fn"
    activation = config.option(key, ("relu", "topk"), default="relu")
    if activation == "topk" and architecture in ("standard", "topk"):
        architecture = "topk"
    elif activation == "topk":
        config.refuse(key, f"relu where architecture is {architecture}")
    if architecture == "topk" and config.has("activation_fn_kwargs"):
        values["k"] = config.part("activation_fn_kwargs").integer("k")
    if isinstance(values.get("normalize_activations"), bool):
        # False excludes this kind alone, which was the only one.
        normalizes = values["normalize_activations"]
        values["normalize_activations"] = "expected_average_only_in" if normalizes else None
    return architecture


def _drop_scaling_factor(config, tensors):
    """Scale factors of one were stored for a while, whether latents were finetuned or not."""
    if "scaling_factor" not in tensors.values:
        return
    factors = tensors.array("scaling_factor").astype(np.float32)
    if not np.allclose(factors, 1.0):
        raise ValueError(
            f"{tensors.path}: 'scaling_factor' is not 1 everywhere, and finetuned scales are not "
            f"supported (finetuning_scaling_factor is "
            f"{config.values.get('finetuning_scaling_factor')!r} in {config.path.name})."
        )
    del tensors.values["scaling_factor"]


def _normalization(config, given):
    """Return what the configuration says of inputs, whose factor may be given."""
    if not config.has("normalize_activations"):
        return {}
    name = config.option("normalize_activations", NORMALIZATIONS)
    if name == "expected_average_only_in" and given.scale is not None:
        return {"normalization": "expected_average"}
    if name in _WITHOUT_SCALE:
        warn(
            f"{config.path}: normalize_activations is {name!r}, but what activations were "
            f"multiplied by is not in the file. They are taken as they are, as SAELens does: "
            f"normalise them first, or pass scale=."
        )
    return {"normalization": NORMALIZATIONS[name]}
