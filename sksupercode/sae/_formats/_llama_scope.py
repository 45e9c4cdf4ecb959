r"""Llama Scope, and what OpenMOSS released after it: JumpReLU, ReLU and TopK on scaled inputs.

.. math::
    z = s_{in}\, x W_{enc} + b_{enc}, \qquad \hat y = (a W_{dec} + b_{dec}) / s_{out}, \qquad
    s = \sqrt d / \text{mean norm}

with the mean norms of what is read and of what is written, which differ for transcoders.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode.sae._formats._config import Config

OLD = {
    "W_dec": ("decoder.weight", "dN"),
    "W_enc": ("encoder.weight", "Nd"),
    "b_dec": ("decoder.bias", "d"),
    "b_enc": ("encoder.bias", "N"),
}
NEW = {"W_dec": ("W_D", "Nd"), "W_enc": ("W_E", "dN"), "b_dec": ("b_D", "d"), "b_enc": ("b_E", "N")}
LOG_THRESHOLDS = ("log_jumprelu_threshold", "activation_function.log_jumprelu_threshold")
_NORM = "dataset_average_activation_norm"


def read_llama_scope(tensors, given):
    """Read ``checkpoints/final.safetensors``, which has one threshold in ``hyperparams.json``.

    It is a threshold of ``z / s_out`` times the norm of the codeword, as the file is meant for
    weights into which the scales are folded. SAELens has it for codewords of unit norm.
    """
    folder = tensors.path.parent
    beside = folder / "hyperparams.json"
    config = Config.read(beside if beside.is_file() else folder.parent / "hyperparams.json")
    config.option("act_fn", ("jumprelu",), default="jumprelu")
    sizes = {
        "N": (config.integer("d_sae"), "d_sae in hyperparams.json"),
        "d": (config.integer("d_model"), "d_model in hyperparams.json"),
    }
    scales = [1.0]
    if _is_scaled(config) and given.scale is not None and not config.has(_NORM):
        scales = [given.scale]
    elif _is_scaled(config):
        part = config.part(_NORM)
        sides = ("in", "out") if part.has("out") else ("in",)
        scales = [_scale(sizes["d"][0], part.number(side), part, side) for side in sides]
    threshold = config.number("jump_relu_threshold")
    if _includes_norms(config):
        norms_of_codewords = _norms(tensors, "decoder.weight", axis=0)
        thresholds = _divided(threshold * scales[-1], norms_of_codewords)
    else:
        n_latents = tensors.sizes(N="encoder.bias")["N"][0]
        thresholds = np.full(n_latents, threshold * scales[0])
    tensors.refuse_others([key for key, _ in OLD.values()])
    tensors.values["jump_relu_threshold"] = thresholds
    layout = {**OLD, "threshold": ("jump_relu_threshold", "N")}
    settings = config.says_transcoder() or given.transcoder_of(tensors.path)
    is_transcoder = settings.get("is_transcoder") or given.transcoder
    _complete(tensors, config, layout)
    settings |= _fold_scales(tensors, config, layout, scales, is_transcoder)
    name = "Llama Scope transcoder" if is_transcoder else "Llama Scope"
    return tensors.weights(layout, sizes, given, architecture="jumprelu", name=name, **settings)


def read_llama_scope_r1(tensors, given):
    """Read ``sae_weights.safetensors`` beside ``config.json``, by older or newer keys.

    Thresholds are those of z times the norm of the codeword, by ``sparsity_include_decoder_norm``.
    """
    config = Config.read(tensors.path.with_name("config.json"))
    is_new = "W_E" in tensors.values or "W_D" in tensors.values
    layout, values = dict(NEW if is_new else OLD), tensors.values
    thresholds = [key for key in LOG_THRESHOLDS if key in values]
    default = "jumprelu" if thresholds else None
    architecture = config.option("act_fn", ("jumprelu", "relu", "topk"), default=default)
    if architecture is None:
        config.refuse("act_fn", "one of jumprelu, relu, topk")
    settings = config.says_transcoder() or given.transcoder_of(tensors.path)
    includes_norms = _includes_norms(config)
    if architecture == "jumprelu":
        name = thresholds[0] if thresholds else LOG_THRESHOLDS[1 if is_new else 0]
        tensors.exponentiate(name)
        if includes_norms:
            norms = _norms(tensors, layout["W_dec"][0], axis=1 if is_new else 0)
            if tensors.array(name).shape == norms.shape:
                values[name] = _divided(values[name], norms)
        layout["threshold"] = (name, "N")
    if architecture == "topk":
        if includes_norms:
            _fold_norms(tensors, layout)
        settings |= given.k_in(config, "top_k")
    sizes = {"d": (config.integer("d_model"), "d_model in config.json")}
    n_latents = sizes["d"][0] * _positive(config, "expansion_factor")
    sizes["N"] = (int(min(n_latents, 2**62)), "d_model * expansion_factor in config.json")

    prefix = f"{_NORM}."
    norms = [key for key in values if isinstance(key, str) and key.startswith(prefix)]
    tensors.refuse_others([*(key for key, _ in layout.values()), *norms])
    scales = [1.0]
    if _is_scaled(config):
        scales = _scales(tensors, config, given, prefix, norms, sizes["d"][0])
    is_transcoder = settings.get("is_transcoder") or given.transcoder
    _complete(tensors, config, layout)
    settings |= _fold_scales(tensors, config, layout, scales, is_transcoder)
    name = "Llama Scope R1 transcoder" if is_transcoder else "Llama Scope R1"
    return tensors.weights(layout, sizes, given, architecture=architecture, name=name, **settings)


def _scales(tensors, config, given, prefix, norms, d):
    """The scales of what is read and of what is written, by the names of hooks."""
    if not norms:
        if given.scale is not None:
            return [given.scale]
        raise ValueError(
            f"{tensors.path}: '{prefix}{config.values.get('hook_point_in', '')}' is missing, the "
            f"mean norm of inputs: pass scale=, what inputs are multiplied by."
        )
    hooks = [key for key in ("hook_point_in", "hook_point_out") if config.has(key)]
    found = [f"{prefix}{config.values[key]}" for key in hooks]
    if not found and len(norms) > 1:
        config.refuse("hook_point_in", "the name of a hook")
    found = found or norms
    return [_scale(d, tensors.scalar(key), tensors, key) for key in found]


def _scale(d, norm, source, key):
    """Return what makes the mean norm the root of d."""
    if not 0 < norm < math.inf or not math.isfinite(scale := math.sqrt(d) / norm):
        raise ValueError(f"{source.path}: {key!r} must be a positive mean norm, got {norm}.")
    return scale


def _complete(tensors, config, layout):
    """Refuse a configuration of what is not read here, and add b_dec where there is none."""
    for key in ("use_glu_encoder", "apply_decoder_bias_to_pre_encoder"):
        if config.boolean(key, default=False):
            config.refuse(key, "false")
    bias = layout["b_dec"][0]
    if not config.boolean("use_decoder_bias", default=True) and bias not in tensors.values:
        d = tensors.sizes(d=(layout["W_dec"][0], layout["W_dec"][1].index("d")))["d"][0]
        tensors.values[bias] = np.zeros(d, np.float32)


def _fold_scales(tensors, config, layout, scales, is_transcoder):
    """Make W_dec and b_dec those of the outputs, and return the settings for the inputs."""
    s_in, s_out = scales[0], scales[-1]
    # Outputs of autoencoders are divided by s_in, and those of transcoders by nothing.
    factor = (1.0 if is_transcoder else s_in) / s_out
    if factor != 1.0:
        for field in ("W_dec", "b_dec"):
            array = tensors.array(layout[field][0])
            with np.errstate(all="ignore"):
                tensors.values[layout[field][0]] = _wide(tensors, layout[field][0], array) * factor
    settings = {"applies_b_dec": False, "normalization": "none"}
    if _is_scaled(config):
        settings |= {"normalization": "expected_average", "normalization_scale": s_in}
    return settings


def _is_scaled(config):
    known = ("dataset-wise", "inference")
    return config.option("norm_activation", known, default="dataset-wise") == "dataset-wise"


def _includes_norms(config):
    # SAELens, which never has norms, reads files that do not say it.
    return config.boolean("sparsity_include_decoder_norm", default=False)


def _positive(config, key):
    number = config.number(key)
    if not number > 0:
        config.refuse(key, "a positive number")
    return number


def _wide(tensors, key, array):
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise ValueError(
            f"{tensors.path}: {key!r} must be an array of floats, got dtype {array.dtype}."
        )
    return array if array.dtype == np.float64 else array.astype(np.float32)


def _norms(tensors, key, axis):
    """Norms along an axis of a mapped matrix, block by block."""
    array = tensors.array(key)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{tensors.path}: {key!r} must be a matrix, got shape {array.shape}.")
    blocks = (_wide(tensors, key, array[rows]) for rows in gen_batches(len(array), MOST_ROWS))
    with np.errstate(all="ignore"):
        squares = [np.square(block).sum(axis=axis) for block in blocks]
        return np.sqrt(sum(squares) if axis == 0 else np.concatenate(squares))


def _fold_norms(tensors, layout):
    """Make codewords of unit norm, whose latents have the norms that they are selected by."""
    key, axes = layout["W_dec"]
    norms = _norms(tensors, key, axis=axes.index("d"))
    for field in ("W_enc", "b_enc", "W_dec"):
        key, axes = layout[field]
        array = _wide(tensors, key, tensors.array(key))
        if array.ndim != len(axes) or array.shape[axes.index("N")] != len(norms):
            continue  # Shapes are refused by name when the weights are made.
        factors = 1 / np.where(norms > 0, norms, 1) if field == "W_dec" else norms
        with np.errstate(all="ignore"):
            tensors.values[key] = array * (factors[:, None] if axes == "Nd" else factors)


def _divided(threshold, norms):
    """Thresholds of z, given those of z times the norms; latents without a codeword are dead."""
    most = np.finfo(np.float32).max
    with np.errstate(all="ignore"):
        thresholds = np.where(norms > 0, threshold / norms, most).astype(norms.dtype)
    return np.clip(thresholds, -most, most) if np.isfinite(threshold).all() else thresholds
