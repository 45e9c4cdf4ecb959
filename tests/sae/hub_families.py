"""Weight files of three libraries with many kinds, and their forward passes.

See :mod:`tests.sae.hub_files`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from tests.sae.hub_files import (
    Released,
    affine,
    arrays,
    draw,
    jump_relu,
    relu,
    scaled,
    select,
    sizes,
    thresholds,
    wide,
    write_json,
    write_safetensors,
)


def _linear(W):
    return {
        "encoder.weight": W["W_enc"].T,
        "encoder.bias": W["b_enc"],
        "decoder.weight": W["W_dec"].T,
        "decoder.bias": W["b_dec"],
    }


def llama_scope(hub, rng, site="R", dtype="BF16", with_norms=True):
    """Llama Scope: JumpReLU with one threshold, on activations of a mean norm of sqrt(d).

    The threshold is for reconstructions in their own units and codewords of unit norm: a latent
    is active where z times the norm of its codeword, over the factor of outputs, is above it.
    SAELens has no norms, and the factor of inputs. Where it is to be the same, codewords have unit
    norm, and outputs are inputs.
    """
    is_transcoder = site == "TC"
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d, dtype, unit=not with_norms)
    norms = {"in": 1 + 5 * rng.random(), "out": 1 + 5 * rng.random()}
    if not is_transcoder:
        norms["out"] = norms["in"]
    layer = int(rng.integers(0, 32))
    hook_in, hook_out = {
        "R": (f"blocks.{layer}.hook_resid_post",) * 2,
        "A": (f"blocks.{layer}.hook_attn_out",) * 2,
        "TC": (f"blocks.{layer}.ln2.hook_normalized", f"blocks.{layer}.hook_mlp_out"),
    }[site]
    scale_in, scale_out = (math.sqrt(d) / norms[side] for side in ("in", "out"))
    threshold = 0.4 / scale_out
    folder = hub(f"fnlp/Llama3_1-8B-Base-LX{site}-8x") / f"Llama3_1-8B-Base-L{layer}{site}-8x"
    path = write_safetensors(folder / "checkpoints" / "final.safetensors", _linear(W))
    write_json(
        folder / "hyperparams.json",
        d_model=d,
        d_sae=n_latents,
        expansion_factor=8,
        act_fn="jumprelu",
        jump_relu_threshold=threshold,
        norm_activation="dataset-wise",
        dataset_average_activation_norm=norms,
        use_decoder_bias=True,
        apply_decoder_bias_to_pre_encoder=False,
        sparsity_include_decoder_norm=with_norms,
        use_glu_encoder=False,
        top_k=50,
        hook_point_in=hook_in,
        hook_point_out=hook_out,
        dtype="torch.bfloat16",
        device="cuda",
    )
    lengths = np.linalg.norm(W["W_dec"].astype(np.float64), axis=1) if with_norms else 1.0
    forward = affine(lambda z: jump_relu(z, threshold * scale_out / lengths), **W)
    forward = scaled(forward, scale_in, scale_out)
    return Released(path, d, forward, "llama_scope", folder, is_transcoder=is_transcoder)


def open_moss(
    hub, rng, keys="linear", act_fn="jumprelu", with_norms=None, norm="dataset-wise", out=False
):
    """Llama Scope R1 ("linear") and later files of OpenMOSS ("W_E").

    Latents of "topk" with norms are those on codewords of unit norm, as OpenMOSS converts its files
    for SAELens; its own are over the norms.
    """
    d, factor = int(rng.integers(5, 20)), int(rng.integers(3, 9))
    n_latents = d * factor
    W = arrays(rng, d, n_latents, d, "BF16" if keys == "linear" else "F32", unit=with_norms is None)
    k = int(rng.integers(2, 9))
    hook_in = "blocks.7.hook_resid_post"
    hook_out = "blocks.7.hook_mlp_out" if out else hook_in
    log_threshold = np.log(thresholds(rng, n_latents))
    means = {hook: np.float32(1 + 5 * rng.random()) for hook in (hook_in, hook_out)}
    scales = [math.sqrt(d) / means[hook] for hook in (hook_in, hook_out)]
    if keys == "linear":
        tensors, name = _linear(W), "log_jumprelu_threshold"
        folder = hub("fnlp/Llama-Scope-R1-Distill") / "400M-Slimpajama-400M-OpenR1-Math-220k/L7R"
    else:
        tensors = {"W_E": W["W_enc"], "b_E": W["b_enc"], "W_D": W["W_dec"], "b_D": W["b_dec"]}
        name = "activation_function.log_jumprelu_threshold"
        folder = hub("OpenMOSS-Team/Llama-Scope-2") / "L7R"
    if act_fn == "jumprelu":
        tensors[name] = log_threshold
    for hook, mean in means.items():
        tensors[f"dataset_average_activation_norm.{hook}"] = np.asarray(mean)
    path = write_safetensors(folder / "sae_weights.safetensors", tensors, version="2.0.0b1")
    config = {
        "sae_type": "sae",
        "dtype": "torch.bfloat16",
        "d_model": d,
        "expansion_factor": factor,
        "act_fn": act_fn,
        "top_k": k,
        "norm_activation": norm,
        "use_decoder_bias": True,
        "use_glu_encoder": False,
        "hook_point_in": hook_in,
        "hook_point_out": hook_out,
        "jumprelu_threshold_window": 2.0,
    }
    if with_norms is not None:
        config["sparsity_include_decoder_norm"] = with_norms
    write_json(folder / "config.json", **config)
    lengths = np.linalg.norm(W["W_dec"].astype(np.float64), axis=1) if with_norms else 1.0

    def activation(z):
        if act_fn == "jumprelu":
            return jump_relu(z, np.exp(log_threshold.astype(np.float64)) / lengths)
        return relu(select(z, z * lengths, k)) if act_fn == "topk" else relu(z)

    forward = affine(activation, **W)
    if act_fn == "topk" and with_norms:
        forward = _on_unit_codewords(forward, lengths)
    if norm == "dataset-wise":
        forward = scaled(forward, *scales)
    return Released(path, d, forward, "llama_scope_r1", folder, is_transcoder=out)


def _on_unit_codewords(forward, lengths):
    def of_norms(X):
        a, Y = forward(X)
        return a * lengths, Y

    return of_norms


def _normalized(X, kind):
    if kind == "layer_norm":
        X = X - X.mean(axis=1, keepdims=True)
        return X / (X.std(axis=1, ddof=1, keepdims=True) + 1e-5)
    if kind == "constant_norm_rescale":
        return X * np.sqrt(X.shape[1]) / np.linalg.norm(X, axis=1, keepdims=True)
    return X


def saelens_transcoder(hub, rng, architecture="transcoder", normalization="none", dtype="F32"):
    """Transcoders as SAELens saves them: inputs are normalised, outputs and skips never."""
    d_in, n_latents, d_out = sizes(rng, square=False)
    W = arrays(rng, d_in, n_latents, d_out, dtype)
    tensors, skip = dict(W), None
    threshold = thresholds(rng, n_latents)
    if "jumprelu" in architecture:
        tensors["threshold"] = threshold
    if "skip" in architecture:
        tensors["W_skip"] = draw(rng, d_out, d_in, dtype=dtype, scale=0.5)
        skip = tensors["W_skip"].T.astype(np.float64)
    folder = hub("me/transcoders") / "blocks.3.hook_mlp_in"
    path = write_safetensors(folder / "sae_weights.safetensors", tensors)
    write_json(
        folder / "cfg.json",
        d_in=d_in,
        d_sae=n_latents,
        dtype="float32",
        device="cuda:0",
        apply_b_dec_to_input=False,
        normalize_activations=normalization,
        reshape_activations="none",
        metadata={"sae_lens_version": "6.54.12", "hook_name": "blocks.3.hook_mlp_in"},
        d_out=d_out,
        architecture=architecture,
    )
    activation = relu
    if "jumprelu" in architecture:

        def activation(z):
            return jump_relu(z, threshold)

    sparse_part = affine(activation, **W)

    def forward(X):
        a, Y = sparse_part(_normalized(X, normalization))
        return a, Y if skip is None else Y + X @ skip

    return Released(path, d_in, forward, "saelens", folder, is_transcoder=True)


def saelens_abstopk(hub, rng, rescales=False, dtype="F16"):
    """The k latents of largest magnitude keep their sign."""
    d, n_latents, _ = sizes(rng)
    k = int(rng.integers(2, 9))
    W = arrays(rng, d, n_latents, d, dtype)
    folder = hub("me/abstopk") / "blocks.3.hook_resid_post"
    path = write_safetensors(folder / "sae_weights.safetensors", W)
    write_json(
        folder / "cfg.json",
        k=k,
        rescale_acts_by_decoder_norm=rescales,
        d_in=d,
        d_sae=n_latents,
        dtype="float16",
        device="cpu",
        apply_b_dec_to_input=True,
        normalize_activations="none",
        reshape_activations="none",
        metadata={"sae_lens_version": "6.54.12"},
        architecture="abstopk",
    )
    W_enc, W_dec, b_enc, b_dec = wide(*W.values())
    lengths = np.linalg.norm(W_dec, axis=1) if rescales else np.ones(n_latents)

    def forward(X):
        z = ((X - b_dec) @ W_enc + b_enc) * lengths
        a = select(z, np.abs(z), k)
        return a, a / lengths @ W_dec + b_dec

    return Released(path, d, forward, "saelens", folder)


def saelens_log_threshold(hub, rng):
    """Checkpoints of training JumpReLU before thresholds were saved as they are."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d)
    log_threshold = np.log(thresholds(rng, n_latents))
    folder = hub("me/jumprelu") / "checkpoint_1000"
    path = write_safetensors(
        folder / "sae_weights.safetensors", {**W, "log_threshold": log_threshold}
    )
    write_json(
        folder / "cfg.json",
        d_in=d,
        d_sae=n_latents,
        dtype="float32",
        apply_b_dec_to_input=True,
        normalize_activations="none",
        metadata={"sae_lens_version": "6.12.0"},
        architecture="jumprelu",
    )
    threshold = np.exp(log_threshold.astype(np.float64))
    forward = affine(lambda z: jump_relu(z, threshold), **W, pre_bias=True)
    return Released(path, d, forward, "saelens", folder)


def saelens_before_6(hub, rng, needs="scale", **in_config):
    """Old files for which SAELens has a scale or a normalisation in its own list."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d)
    name = "v5_32k_layer_0.pt" if needs == "nothing" else "sae_group_gpt2_hook_mlp_out_24576:v1"
    folder = hub("me/gpt2-small") / name.replace(":", "_")
    path = write_safetensors(folder / "sae_weights.safetensors", W)
    config = {"d_in": d, "d_sae": n_latents, "dtype": "torch.float32", "device": "cuda"}
    config |= {"hook_point": "blocks.3.hook_mlp_out", "activation_fn_str": "relu", **in_config}
    write_json(folder / "cfg.json", **config)
    forward = affine(relu, **W, pre_bias=in_config.get("apply_b_dec_to_input", True))
    if needs == "nothing":
        return Released(path, d, forward, "saelens", folder)
    if needs == "scale":
        scale = 0.5 + rng.random()
        return Released(path, d, scaled(forward, scale, scale), "saelens", folder, {"scale": scale})

    def rescaled(X):
        factor = math.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)
        a, Y = forward(X * factor)
        return a, Y / factor

    options = {"normalization": "constant_norm_rescale"}
    return Released(path, d, rescaled, "saelens", folder, options)


def sparsify(hub, rng, activation="topk", has_skip=False, transcode=False, dtype="F32", old=False):
    """Coders of sparsify: b_dec is subtracted unless it is a transcoder, and never for the skip.

    Until February 2025 it was subtracted for transcoders, which the configuration did not tell.
    """
    d = int(rng.integers(5, 20))
    k = int(rng.integers(2, 7))
    n_latents = k * int(rng.integers(6, 12))
    W = arrays(rng, d, n_latents, d, dtype)
    tensors = {"encoder.weight": W["W_enc"].T, "encoder.bias": W["b_enc"]}
    tensors |= {"W_dec": W["W_dec"], "b_dec": W["b_dec"]}
    skip = None
    if has_skip:
        tensors["W_skip"] = draw(rng, d, d, dtype=dtype, scale=0.5)
        skip = tensors["W_skip"].T
    folder = hub("EleutherAI/skip-transcoders") / "layers.4.mlp"
    path = write_safetensors(folder / "sae.safetensors", tensors, format="pt")
    config = {} if old else {"activation": activation, "transcode": transcode}
    write_json(
        folder / "cfg.json",
        **config,
        expansion_factor=32,
        normalize_decoder=not transcode,
        num_latents=n_latents,
        k=k,
        multi_topk=False,
        skip_connection=has_skip,
        d_in=d,
    )

    def activate(z):
        if activation == "topk":
            return select(relu(z), relu(z), k)
        groups = relu(z).reshape(len(z), k, -1)
        largest = np.zeros_like(groups)
        at = groups.argmax(axis=2)[:, :, None]
        np.put_along_axis(largest, at, np.take_along_axis(groups, at, axis=2), axis=2)
        return largest.reshape(z.shape)

    forward = affine(activate, **W, pre_bias=not transcode, skip=skip)
    is_transcoder = transcode or has_skip
    return Released(path, d, forward, "sparsify", folder, is_transcoder=is_transcoder)
