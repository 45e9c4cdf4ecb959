"""Weight files of autoencoders as they are released, and the forward passes of who released them.

Each function writes one kind of files into a repository of a hub: folders, names, keys, dtypes,
orientation and configuration are those of the releases, sizes are random. The forward passes are
plain NumPy in float64, after the loaders of SAELens 6.54.12 and the libraries' own code.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import ml_dtypes
import numpy as np

DTYPES = {"F32": np.float32, "BF16": ml_dtypes.bfloat16, "F16": np.float16}


@dataclass
class Released:
    """What was written, and what has to come of it."""

    path: Path  # of the weight file
    d_in: int
    forward: Callable  # from samples to latents and outputs
    format: str = ""
    folder: Path | None = None  # where that is enough to load it
    options: dict = field(default_factory=dict)  # what no file says
    is_transcoder: bool = False
    warns: str = ""


def sizes(rng, square=True):
    """Return d_in, N and d_out."""
    d = int(rng.integers(5, 20))
    return d, int(rng.integers(30, 90)), d if square else d + int(rng.integers(1, 9))


def draw(rng, *shape, dtype="F32", scale=1.0, unit=False):
    """Return a random array of some dtype."""
    array = scale * rng.standard_normal(shape)
    if unit:
        array /= np.linalg.norm(array, axis=1, keepdims=True)
    return array.astype(DTYPES[dtype])


def arrays(rng, d_in, n_latents, d_out, dtype="F32", unit=False):
    """Return W_enc (d_in, N), W_dec (N, d_out), b_enc and b_dec."""
    return {
        "W_enc": draw(rng, d_in, n_latents, dtype=dtype, scale=d_in**-0.5),
        "W_dec": draw(rng, n_latents, d_out, dtype=dtype, scale=0.5, unit=unit),
        "b_enc": draw(rng, n_latents, dtype=dtype, scale=0.2),
        "b_dec": draw(rng, d_out, dtype=dtype),
    }


def thresholds(rng, n_latents, dtype="F32"):
    return (0.2 + rng.random(n_latents)).astype(DTYPES[dtype])


def wide(*tensors):
    """Return arrays in float64."""
    return [np.asarray(tensor, dtype=np.float64) for tensor in tensors]


def relu(z):
    return np.maximum(z, 0)


def jump_relu(z, threshold):
    return relu(z) * (z > threshold)


def select(z, scores, k):
    """Return z where scores are the k largest of their row."""
    kept = np.argsort(-scores, axis=1)[:, :k]
    a = np.zeros_like(z)
    np.put_along_axis(a, kept, np.take_along_axis(z, kept, axis=1), axis=1)
    return a


def affine(activation, W_enc, b_enc, W_dec, b_dec, *, pre_bias=False, skip=None):
    """Return the forward pass of an activation between two affine maps."""
    W_enc, b_enc, W_dec, b_dec = wide(W_enc, b_enc, W_dec, b_dec)

    def forward(X):
        a = activation((X - b_dec if pre_bias else X) @ W_enc + b_enc)
        Y = a @ W_dec + b_dec
        return a, Y if skip is None else Y + X @ np.asarray(skip, np.float64)

    return forward


def scaled(forward, scale_in, scale_out):
    """Return the forward pass on inputs times one number, whose outputs are over another."""

    def of_scaled(X):
        a, Y = forward(X * scale_in)
        return a, Y / scale_out

    return of_scaled


def write_safetensors(path, tensors, **metadata):
    """Write arrays as safetensors, in the order of their names."""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for key, array in sorted(tensors.items()):
        stored = np.ascontiguousarray(array).tobytes()
        span = [len(data), len(data) + len(stored)]
        header[key] = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": span}
        data += stored
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def write_pt(path, tensors):
    """Write arrays as PyTorch saves a dict of tensors."""
    import torch

    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            key: torch.tensor(array.astype(np.float32)).to(dtypes[array.dtype.name])
            for key, array in tensors.items()
        },
        path,
    )
    return path


def write_json(path, **config):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))


def gemma_scope_2(hub, rng, site="resid_post_all", dtype="F32", config=True):
    """Autoencoders, transcoders and transcoders with an affine skip of Gemma Scope 2."""
    is_transcoder = site.startswith("transcoder")
    has_skip = is_transcoder and bool(site.endswith("_affine"))
    d_in, n_latents, d_out = sizes(rng, square=not is_transcoder)
    W = arrays(rng, d_in, n_latents, d_out, dtype)
    threshold = thresholds(rng, n_latents, dtype)
    tensors = {key.lower(): array for key, array in W.items()} | {"threshold": threshold}
    skip = None
    if has_skip:
        skip = draw(rng, d_in, d_out, dtype=dtype, scale=0.5)
        tensors["affine_skip_connection"] = skip
    layer = int(rng.integers(0, 34))
    name = f"layer_{layer}_width_16k_l0_medium" + "_affine" * has_skip
    folder = hub("google/gemma-scope-2-4b-it") / site.removesuffix("_affine") / name
    path = write_safetensors(folder / "params.safetensors", tensors)
    # Activations that are examples, not weights.
    write_safetensors(folder / "examples.safetensors", {"tokens": draw(rng, 3, 4)})
    if config:
        hooks = {
            "transcoder": ("pre_feedforward_layernorm.output", "post_feedforward_layernorm.output"),
            "resid_post": ("output", "output"),
            "attn_out": ("self_attn.o_proj.input",) * 2,
            "mlp_out": ("post_feedforward_layernorm.output",) * 2,
        }[site.removesuffix("_affine").removesuffix("_all")]
        write_json(
            folder / "config.json",
            hf_hook_point_in=f"model.layers.{layer}.{hooks[0]}",
            hf_hook_point_out=f"model.layers.{layer}.{hooks[1]}",
            width=16384,
            model_name="gemma-v3-4b-it",
            architecture="jump_relu",
            l0=60,
            affine_connection=has_skip,
            type="transcoder" if is_transcoder else "sae",
        )
    forward = affine(lambda z: jump_relu(z, threshold.astype(np.float64)), **W, skip=skip)
    warns = "transcoder" if is_transcoder and not config else ""
    return Released(
        path, d_in, forward, "gemma_scope_2", folder, {}, is_transcoder=is_transcoder, warns=warns
    )


def gemma_scope_2_clt(hub, rng, has_skip=True):
    """One layer of a cross-layer transcoder of Gemma Scope 2: decoders of all layers, summed."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d)
    threshold = thresholds(rng, n_latents)
    decoders = draw(rng, n_latents, int(rng.integers(2, 6)), d, scale=0.3)
    tensors = {key.lower(): array for key, array in W.items()}
    tensors |= {"threshold": threshold, "w_dec": decoders}
    skip = draw(rng, d, d, scale=0.3) if has_skip else None
    if has_skip:
        tensors["affine_skip_connection"] = skip
    folder = hub("google/gemma-scope-2-1b-pt") / ("clt/width_262k_l0_medium" + "_affine" * has_skip)
    for layer in range(3):
        path = write_safetensors(folder / f"params_layer_{layer}.safetensors", tensors)
    W["W_dec"] = decoders.astype(np.float64).sum(axis=1)
    forward = affine(lambda z: jump_relu(z, threshold), **W, skip=skip)
    warns = f"whose {decoders.shape[1]} decoders for as many layers are summed"
    return Released(path, d, forward, "gemma_scope_2", is_transcoder=True, warns=warns)


def gemma_scope(hub, rng, kind="embedding"):
    """The embeddings of Gemma Scope, trained on embeddings before Gemma's factor, and transcoders.

    SAELens multiplies W_dec by that factor, and forgets b_dec.
    """
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d)
    threshold = thresholds(rng, n_latents)
    repository = "google/gemma-scope-2b-pt-res"
    if kind == "transcoder":
        repository = "google/gemma-scope-2b-pt-transcoders"
    place = "embedding/width_4k/average_l0_6"
    if kind == "transcoder":
        place = "layer_3/width_16k/average_l0_54"
    folder = hub(repository) / place
    folder.mkdir(parents=True)
    np.savez(folder / "params.npz", **W, threshold=threshold)
    forward = affine(lambda z: jump_relu(z, threshold), **W)
    path = folder / "params.npz"
    if kind == "transcoder":
        options = {"transcoder": True}
        return Released(path, d, forward, "gemma_scope", folder, options, is_transcoder=True)
    scale = d**-0.5
    forward = scaled(forward, scale, scale)
    return Released(path, d, forward, "gemma_scope", folder, {"scale": scale})


def qwen_scope(hub, rng, dtype="F32", says_k=True):
    """TopK autoencoders of Qwen: both matrices transposed, k in the name of the repository."""
    d, n_latents, _ = sizes(rng)
    k = int(rng.integers(2, 9))
    W = arrays(rng, d, n_latents, d, dtype)
    folder = hub(f"Qwen/SAE-Res-Qwen3.5-27B-W80K-L0_{k}" if says_k else "me/copies")
    tensors = {**W, "W_enc": W["W_enc"].T, "W_dec": W["W_dec"].T}
    for layer in range(2):
        path = write_pt(folder / f"layer{layer}.sae.pt", tensors)
    forward = affine(lambda z: relu(select(z, z, k)), **W)
    options = {} if says_k else {"k": k}
    warns = str(k) if says_k else ""
    return Released(path, d, forward, "qwen_scope", options=options, warns=warns)


def mwhanna_transcoders(hub, rng, dtype="BF16"):
    """Transcoders of Qwen3: W_enc transposed, W_dec not."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d, dtype)
    folder = hub("mwhanna/qwen3-0.6b-transcoders-lowl0")
    for layer in range(3):
        path = folder / f"layer_{layer}.safetensors"
        write_safetensors(path, {**W, "W_enc": W["W_enc"].T}, format="pt")
    for name in ("config.yaml", "wandb-config.yaml"):
        (folder / name).write_text(f"d_model:\n  value: {d}\n")
    forward = affine(relu, **W)
    return Released(path, d, forward, "qwen_transcoder", is_transcoder=True)


def mntss_clt(hub, rng, dtype="F32"):
    """One layer of a cross-layer transcoder in two files: decoders of later layers, summed."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d, dtype)
    decoders = draw(rng, n_latents, int(rng.integers(1, 6)), d, dtype=dtype, scale=0.3)
    folder = hub("mntss/clt-gemma-2-2b-2.5M")
    for n in (3, 21):
        encoder = {f"W_enc_{n}": W["W_enc"].T, f"b_enc_{n}": W["b_enc"], f"b_dec_{n}": W["b_dec"]}
        path = write_safetensors(folder / f"W_enc_{n}.safetensors", encoder)
        write_safetensors(folder / f"W_dec_{n}.safetensors", {f"W_dec_{n}": decoders})
    (folder / "config.yaml").write_text("model_kind: cross_layer_transcoder\n")
    W["W_dec"] = decoders.astype(np.float64).sum(axis=1)
    warns = f"whose {decoders.shape[1]} decoders for as many layers are summed"
    return Released(path, d, affine(relu, **W), "clt", is_transcoder=True, warns=warns)


def hook_z(hub, rng):
    """Autoencoders of attention heads, with dots in the names of files."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d)
    folder = hub("ckkissane/attn-saes-gpt2-small-all-layers")
    for layer in range(2):
        name = f"gpt2-small_L{layer}_Hcat_z_lr1.20e-03_l11.80e+00_ds24576_bs4096_dc1.00e-06_v9"
        path = write_pt(folder / f"{name}.pt", W)
        write_json(
            folder / f"{name}_cfg.json",
            seed=49,
            batch_size=4096,
            act_name=f"blocks.{layer}.attn.hook_z",
            act_size=d,
            dict_size=n_latents,
            enc_dtype="fp32",
            device="cuda:0",
        )
    return Released(path, d, affine(relu, **W, pre_bias=True), "hook_z")


def linear_layers(hub, rng, kind="goodfire", dtype="BF16"):
    """Autoencoders of Goodfire and for DeepSeek R1: two linear layers, no configuration."""
    d, n_latents, _ = sizes(rng)
    W = arrays(rng, d, n_latents, d, dtype)
    name, suffix = {
        "goodfire": ("Llama-3.3-70B-Instruct-SAE-l50.pt", "_linear"),
        "goodfire pth": ("Llama-3.1-8B-Instruct-SAE-l19.pth", "_linear"),
        "deepseek_r1": ("DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt", ""),
    }[kind]
    folder = hub(f"me/{name.split('.pt')[0]}")
    tensors = {
        f"encoder{suffix}.weight": W["W_enc"].T,
        f"encoder{suffix}.bias": W["b_enc"],
        f"decoder{suffix}.weight": W["W_dec"].T,
        f"decoder{suffix}.bias": W["b_dec"],
    }
    path = write_pt(folder / name, tensors)
    return Released(path, d, affine(relu, **W), kind.split(" ")[0], folder)
