"""Small weight files as single releases on hubs have them, and their outputs by NumPy alone.

Each writer returns the path of the weights and a function of samples, which gives latents and
outputs in float64.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json

import numpy as np

from tests.sae.weight_files import draw, relu, top_k, write_safetensors

N, D, D_OUT, K = 14, 6, 5, 3


def drawn(seed=3, **shapes):
    """Return random arrays whose biases and thresholds leave some latents active."""
    arrays = draw(seed, **shapes)
    for key in arrays:
        if "threshold" in key:
            arrays[key] = np.abs(arrays[key]) / 2
    return arrays


def forward(encode, decode, activation):
    """Return the function of samples of these maps, which are pairs of a matrix and a vector."""

    def outputs(X):
        X = X.astype(np.float64)
        z = X @ encode[0].astype(np.float64) + encode[1]
        latents = activation(z)
        return latents, latents @ decode[0].astype(np.float64) + decode[1]

    return outputs


def jumprelu(threshold):
    return lambda z: relu(z) * (z > threshold)


def write_config(path, values):
    path.write_text(json.dumps({key: v for key, v in values.items() if v is not None}))


def gemma_scope_2(folder, *, d_out=D, skip=False, config=True, **keys):
    """Write ``params.safetensors``; ``config=False`` leaves out the configuration."""
    a = drawn(w_enc=(D, N), w_dec=(N, d_out), b_enc=N, b_dec=d_out, threshold=N)
    if skip:
        a |= draw(7, affine_skip_connection=(D, d_out))
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "params.safetensors", a)
    write_safetensors(folder / "examples.safetensors", draw(tokens=(4, 4)))
    if config:
        hooks = {"hf_hook_point_in": "model.layers.1.output"}
        defaults = {"architecture": "jump_relu", "width": N, "affine_connection": skip, **hooks}
        write_config(folder / "config.json", defaults | keys)
    base = forward((a["w_enc"], a["b_enc"]), (a["w_dec"], a["b_dec"]), jumprelu(a["threshold"]))
    added = a.get("affine_skip_connection", np.zeros((D, d_out))).astype(np.float64)
    return folder / "params.safetensors", lambda X: (base(X)[0], base(X)[1] + X @ added)


def gemma_scope_2_clt(folder):
    """Write a layer of a cross-layer transcoder, which is no folder but a file."""
    a = drawn(w_enc=(D, N), w_dec=(N, 4, D), b_enc=N, b_dec=D, threshold=N)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "params_layer_2.safetensors"
    write_safetensors(path, a)
    decode = (a["w_dec"].astype(np.float64).sum(axis=1), a["b_dec"])
    return path, forward((a["w_enc"], a["b_enc"]), decode, jumprelu(a["threshold"]))


def qwen_transcoder(folder):
    a = drawn(W_enc=(N, D), W_dec=(N, D), b_enc=N, b_dec=D)
    path = folder / "layer_11.safetensors"
    write_safetensors(path, a)
    return path, forward((a["W_enc"].T, a["b_enc"]), (a["W_dec"], a["b_dec"]), relu)


def clt(folder, n=4):
    a = drawn(W_enc=(N, D), W_dec=(N, 3, D), b_enc=N, b_dec=D)
    path = folder / f"W_enc_{n}.safetensors"
    write_safetensors(path, {f"{key}_{n}": a[key] for key in ("W_enc", "b_enc", "b_dec")})
    write_safetensors(folder / f"W_dec_{n}.safetensors", {f"W_dec_{n}": a["W_dec"]})
    decode = (a["W_dec"].astype(np.float64).sum(axis=1), a["b_dec"])
    return path, forward((a["W_enc"].T, a["b_enc"]), decode, relu)


def llama_scope(folder, *, norms=(3.0, 3.0), unit=True, includes_norms=True, **keys):
    """Write ``checkpoints/final.safetensors`` and ``hyperparams.json``."""
    shapes = {"encoder.weight": (N, D), "encoder.bias": N, "decoder.weight": (D, N)}
    a = drawn(**shapes, **{"decoder.bias": D})
    if unit:
        a["decoder.weight"] /= np.linalg.norm(a["decoder.weight"], axis=0)
    path = folder / "checkpoints" / "final.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_safetensors(path, a)
    defaults = {
        "d_model": D,
        "d_sae": N,
        "act_fn": "jumprelu",
        "jump_relu_threshold": 0.4,
        "norm_activation": "dataset-wise",
        "dataset_average_activation_norm": dict(zip(("in", "out"), norms, strict=True)),
        "sparsity_include_decoder_norm": includes_norms,
        "use_decoder_bias": True,
        "hook_point_in": "blocks.3.hook_resid_post",
        "hook_point_out": "blocks.3.hook_resid_post",
    }
    write_config(folder / "hyperparams.json", defaults | keys)
    a = {key: array.astype(np.float64) for key, array in a.items()}
    s_in, s_out = (np.sqrt(D) / norm for norm in norms)
    # As OpenMOSS computes it: scales are folded, then latents are compared.
    bias, W_dec = a["encoder.bias"] / s_in, a["decoder.weight"].T * s_in / s_out
    compared = np.linalg.norm(W_dec, axis=1) if includes_norms else 1.0

    def outputs(X):
        z = X.astype(np.float64) @ a["encoder.weight"].T + bias
        latents = relu(z) * (z * compared > 0.4)
        return latents * s_in, latents @ W_dec + a["decoder.bias"] / s_out

    return path, outputs


def llama_scope_r1(folder, *, kind="old", norms=(2.5, 2.5), act_fn="jumprelu", **keys):
    """Write ``sae_weights.safetensors`` and ``config.json`` with older or newer keys."""
    a = drawn(W_E=(D, N), b_E=N, W_D=(N, D), b_D=D, log_threshold=N)
    if act_fn == "topk":
        a["W_D"] /= np.linalg.norm(a["W_D"], axis=1, keepdims=True)
    hooks = ["blocks.1.hook_mlp_in", "blocks.1.hook_mlp_out"][: 2 if norms[0] != norms[1] else 1]
    hooks = [hooks[0], hooks[-1]]
    if kind == "old":
        stored = {"encoder.weight": a["W_E"].T, "encoder.bias": a["b_E"]}
        stored |= {"decoder.weight": a["W_D"].T, "decoder.bias": a["b_D"]}
    else:
        stored = {key: a[key] for key in ("W_E", "b_E", "W_D", "b_D")}
    if act_fn == "jumprelu":
        prefix = "" if kind == "old" else "activation_function."
        stored[f"{prefix}log_jumprelu_threshold"] = a["log_threshold"]
    stored |= {
        f"dataset_average_activation_norm.{hook}": np.array(norm, np.float32)
        for hook, norm in zip(hooks, norms, strict=True)
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "sae_weights.safetensors", stored)
    defaults = {
        "d_model": D,
        "expansion_factor": N / D,
        "act_fn": act_fn,
        "top_k": K,
        "norm_activation": "dataset-wise",
        "sparsity_include_decoder_norm": True,
        "hook_point_in": hooks[0],
        "hook_point_out": hooks[1],
    }
    write_config(folder / "config.json", defaults | keys)
    a = {key: array.astype(np.float64) for key, array in a.items()}
    s_in, s_out = (np.sqrt(D) / norm for norm in norms)
    lengths = np.linalg.norm(a["W_D"], axis=1)

    def outputs(X):
        z = s_in * X.astype(np.float64) @ a["W_E"] + a["b_E"]
        threshold = np.exp(a["log_threshold"])
        latents = top_k(z, K) if act_fn == "topk" else relu(z) * (z * lengths > threshold)
        return latents, (latents @ a["W_D"] + a["b_D"]) / s_out

    return folder / "sae_weights.safetensors", outputs


def _save(torch, path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({key: torch.tensor(array) for key, array in arrays.items()}, path)


def qwen_scope(torch, folder, k=K):
    a = drawn(W_enc=(N, D), W_dec=(D, N), b_enc=N, b_dec=D)
    path = folder / "layer7.sae.pt"
    _save(torch, path, a)
    decode = (a["W_dec"].T, a["b_dec"])
    return path, forward((a["W_enc"].T, a["b_enc"]), decode, lambda z: top_k(z, k))


def hook_z(torch, folder):
    a = drawn(W_enc=(D, N), W_dec=(N, D), b_enc=N, b_dec=D)
    path = folder / "gpt2-small_L0_Hcat_z_lr1.20e-03_v9.pt"
    _save(torch, path, a)
    config = {"act_size": D, "dict_size": N, "act_name": "blocks.0.attn.hook_z"}
    write_config(folder / "gpt2-small_L0_Hcat_z_lr1.20e-03_v9_cfg.json", config)
    encode = (a["W_enc"], a["b_enc"] - a["b_dec"].astype(np.float64) @ a["W_enc"])
    return path, forward(encode, (a["W_dec"], a["b_dec"]), relu)


def _linear(torch, path, encoder, decoder):
    shapes = {f"{encoder}.weight": (N, D), f"{encoder}.bias": N}
    a = drawn(**shapes, **{f"{decoder}.weight": (D, N), f"{decoder}.bias": D})
    _save(torch, path, a)
    W_enc, b_enc, W_dec, b_dec = a.values()
    return path, forward((W_enc.T, b_enc), (W_dec.T, b_dec), relu)


def goodfire(torch, folder):
    return _linear(torch, folder / "SAE-l19.pth", "encoder_linear", "decoder_linear")


def deepseek_r1(torch, folder):
    return _linear(torch, folder / "SAE-l19.pt", "encoder", "decoder")


WITHOUT_TORCH = {
    "gemma_scope_2": gemma_scope_2,
    "qwen_transcoder": qwen_transcoder,
    "clt": clt,
    "llama_scope": llama_scope,
    "llama_scope_r1": llama_scope_r1,
}
WITH_TORCH = {
    "qwen_scope": qwen_scope,
    "hook_z": hook_z,
    "goodfire": goodfire,
    "deepseek_r1": deepseek_r1,
}
