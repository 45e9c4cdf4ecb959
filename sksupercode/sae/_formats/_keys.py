"""The format of a weight file whose name does not tell it: by its keys, and by shapes."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from fnmatch import fnmatchcase

import numpy as np

from sksupercode.sae._formats import _bare, _clt, _llama_scope

# Keys of which a file has at least one, and which no other format has.
_TELLING = {
    "gemma_scope_2": {"w_enc", "w_dec"},
    "goodfire": {"encoder_linear.weight", "decoder_linear.weight"},
    "llama_scope_r1": {"W_E", "W_D", *_llama_scope.LOG_THRESHOLDS},
    "openai": {"pre_bias", "latent_bias"},
    "temporal": {"attn_layers.0.k_ctx.weight"},
}


def format_by_keys(tensors):
    """Return the name of the format, or None for what is none of these."""
    keys = {key for key in tensors.values if isinstance(key, str)}
    is_torch = tensors.path.suffix != ".safetensors"
    for name, telling in _TELLING.items():
        if keys & telling:
            return name
    if any(_clt.KEY.fullmatch(key) for key in keys):
        return "clt"
    if {"encoder.weight", "W_dec"} <= keys:
        return None if is_torch else "sparsify"
    if {key for key, _ in _bare.DEEPSEEK_R1.values()} <= keys:
        return "deepseek_r1" if is_torch else "llama_scope"
    if {key for key, _ in _bare.HOOK_Z.values()} <= keys:
        return _by_shapes(tensors, is_torch)
    return None


def _by_shapes(tensors, is_torch):
    arrays = [tensors.values[key] for key in ("W_enc", "W_dec", "b_enc", "b_dec")]
    if not all(isinstance(array, np.ndarray) for array in arrays):
        return None
    W_enc, W_dec, N, d = (array.shape for array in arrays)
    if N == d and fnmatchcase(tensors.path.name, "layer_*.safetensors"):
        # Shapes do not tell axes of equal lengths.
        return "qwen_transcoder"
    axes = {N + d: "Nd", d + N: "dN"}
    if is_torch:
        names = {("Nd", "dN"): "qwen_scope", ("dN", "Nd"): "hook_z"}
    else:
        names = {("Nd", "Nd"): "qwen_transcoder", ("dN", "Nd"): "saelens"}
    return names.get((axes.get(W_enc), axes.get(W_dec)))
