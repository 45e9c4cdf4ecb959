"""Small weight files of every format, and the forward passes of the libraries that write them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import io
import json
import signal
import struct
import tracemalloc
from contextlib import contextmanager

import ml_dtypes
import numpy as np

N, D, K = 12, 6, 3
# A file system may have to be waited for; a loop over 2**40 entries is to be told from that.
DEADLINE_SECONDS = 30
DTYPES = {"F16": np.float16, "BF16": ml_dtypes.bfloat16, "F32": np.float32, "F64": np.float64}


def draw(seed=0, dtype=np.float32, **shapes):
    """Return random arrays of these shapes."""
    rng = np.random.default_rng(seed)
    return {key: rng.standard_normal(shape).astype(dtype) for key, shape in shapes.items()}


def wide(array):
    return np.asarray(array, dtype=np.float32)


def relu(x):
    return np.maximum(x, 0)


def top_k(z, k):
    """Return the k largest entries of each row of z where they are positive."""
    kept = np.argsort(-z, axis=1)[:, :k]
    a = np.zeros_like(z)
    np.put_along_axis(a, kept, relu(np.take_along_axis(z, kept, axis=1)), axis=1)
    return a


def latents(weights, X):
    """Return the latents of the canonical form, as it is documented, for unnormalised X."""
    X = wide(X) - weights.applies_b_dec * wide(weights.b_dec)
    W_enc = wide(weights.W_enc)
    if weights.architecture == "gated":
        gate = X @ W_enc + wide(weights.b_gate)
        return (gate > 0) * relu(X @ W_enc * np.exp(wide(weights.r_mag)) + wide(weights.b_mag))
    z = X @ W_enc + wide(weights.b_enc)
    if weights.rescales_by_norm:
        z = z * np.linalg.norm(wide(weights.W_dec), axis=1)
    if weights.architecture == "topk":
        return top_k(z, weights.k)
    return relu(z) * (z > wide(weights.threshold)) if weights.threshold is not None else relu(z)


def write_safetensors(path, arrays):
    """Write the format by hand, as `safetensors.numpy` does not know bfloat16 in all versions."""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    header, data = {}, b""
    for key, array in arrays.items():
        blob = np.ascontiguousarray(array).tobytes()
        header[key] = {
            "dtype": names[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(blob)],
        }
        data += blob
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


SAELENS_SHAPES = {
    "standard": {"W_enc": (D, N), "W_dec": (N, D), "b_enc": N, "b_dec": D},
    "gated": {"W_enc": (D, N), "W_dec": (N, D), "b_dec": D, "b_gate": N, "b_mag": N, "r_mag": N},
    "matching_pursuit": {"W_dec": (N, D), "b_dec": D},
}
SAELENS_SHAPES["topk"] = SAELENS_SHAPES["standard"]
SAELENS_SHAPES["abstopk"] = SAELENS_SHAPES["standard"]
SAELENS_SHAPES["jumprelu"] = {**SAELENS_SHAPES["standard"], "threshold": N}
D_OUT = 5
_OUT = {"W_dec": (N, D_OUT), "b_dec": D_OUT}
TRANSCODER_SHAPES = {
    "transcoder": {**SAELENS_SHAPES["standard"], **_OUT},
    "jumprelu_transcoder": {**SAELENS_SHAPES["jumprelu"], **_OUT},
}
TRANSCODER_SHAPES |= {
    name.replace("transcoder", "skip_transcoder"): {**shapes, "W_skip": (D_OUT, D)}
    for name, shapes in TRANSCODER_SHAPES.items()
}


def saelens(folder, shapes="topk", *, dtype="F32", arrays=None, **config):
    """Write a SAELens directory with a current configuration; None leaves a key out."""
    defaults = {
        "architecture": shapes,
        "d_in": D,
        "d_sae": N,
        "dtype": "float32",
        "device": "cuda",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": "6.54.12", "training_architecture": shapes},
    }
    if shapes in ("topk", "abstopk"):
        defaults |= {"k": K, "rescale_acts_by_decoder_norm": False}
    if shapes in TRANSCODER_SHAPES:
        defaults |= {"d_out": D_OUT, "apply_b_dec_to_input": False}
    drawn = draw(dtype=DTYPES[dtype], **{**SAELENS_SHAPES, **TRANSCODER_SHAPES}[shapes])
    arrays = _present(drawn | (arrays or {}))
    _write(folder, "cfg.json", defaults | config)
    write_safetensors(folder / "sae_weights.safetensors", arrays)
    return arrays


def flat_saelens(folder, shapes="standard", *, arrays=None, **config):
    """Write a SAELens directory with a configuration from before version 6."""
    defaults = {"d_in": D, "d_sae": N, "dtype": "torch.float32", "device": "cuda"}
    arrays = draw(**SAELENS_SHAPES[shapes]) | (arrays or {})
    _write(folder, "cfg.json", defaults | config)
    write_safetensors(folder / "sae_weights.safetensors", arrays)
    return arrays


def gemma_scope(folder, **arrays):
    """Write ``params.npz``; None leaves a key out."""
    arrays = _present(draw(**SAELENS_SHAPES["jumprelu"]) | arrays)
    np.savez(folder / "params.npz", **arrays)
    return arrays


def sparsify(folder, *, arrays=None, **config):
    """Write a sparsify directory; None leaves a key out."""
    defaults = {
        "activation": "topk",
        "expansion_factor": 32,
        "normalize_decoder": True,
        "num_latents": N,
        "k": K,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": D,
    }
    shapes = {"encoder.weight": (N, D), "encoder.bias": N, "W_dec": (N, D), "b_dec": D}
    if config.get("skip_connection"):
        shapes["W_skip"] = (D, D)
    arrays = _present(draw(**shapes) | (arrays or {}))
    _write(folder, "cfg.json", defaults | config)
    write_safetensors(folder / "sae.safetensors", arrays)
    return arrays


_LINEAR = {"encoder.weight": (N, D), "decoder.weight": (D, N), "encoder.bias": N}
DICTIONARY_SHAPES = {
    "AutoEncoder": {**_LINEAR, "bias": D},
    "AutoEncoderNew": {**_LINEAR, "decoder.bias": D},
    "AutoEncoderTopK": {**_LINEAR, "b_dec": D},
    "BatchTopKSAE": {**_LINEAR, "b_dec": D},
    "GatedAutoEncoder": {
        "encoder.weight": (N, D),
        "decoder.weight": (D, N),
        "decoder_bias": D,
        "r_mag": N,
        "gate_bias": N,
        "mag_bias": N,
    },
    "JumpReluAutoEncoder": SAELENS_SHAPES["jumprelu"],
    "MatryoshkaBatchTopKSAE": SAELENS_SHAPES["standard"],
}


def dictionary_learning(torch, folder, name="AutoEncoderTopK", *, tensors=None, **config):
    """Write ``ae.pt`` and ``config.json``; None leaves a key out."""
    arrays = draw(**DICTIONARY_SHAPES[name])
    # What comes from a transposed clone has these strides in the file.
    stored = {key: torch.tensor(array.T.copy().T) for key, array in arrays.items()}
    trainer = {"dict_class": name, "activation_dim": D, "dict_size": N, "k": None, "device": "cuda"}
    if "TopK" in name:
        stored["k"] = torch.tensor(K, dtype=torch.int)
        stored["threshold"] = torch.tensor(0.25)
        trainer["k"] = K
    if name == "MatryoshkaBatchTopKSAE":
        stored["group_sizes"] = torch.tensor([4, 8])
    stored |= tensors or {}
    torch.save(_present(stored), folder / "ae.pt")
    _write(folder, "config.json", {"trainer": _present(trainer | config), "buffer": {}})
    return arrays


def openai(torch, path, *, activation="TopK", **entries):
    """Write a file as OpenAI's library does; None leaves a key out."""
    arrays = draw(
        **{"encoder.weight": (N, D), "decoder.weight": (D, N), "pre_bias": D, "latent_bias": N}
    )
    module = torch.nn.Linear(1, 1)
    state = module.state_dict()  # with the _metadata that real files have
    state.clear()
    state |= {key: torch.tensor(array) for key, array in arrays.items()}
    state["stats_last_nonzero"] = torch.zeros(N, dtype=torch.long)
    state["latents_activation_frequency"] = torch.ones(N)
    state["latents_mean_square"] = torch.zeros(N)
    state["activation"] = activation
    if activation is None:
        del state["activation"]
    if activation == "TopK":
        state["activation_state_dict"] = {"k": K, "postact_fn": "ReLU"}
    for key, value in entries.items():
        state[key] = value
        if value is None:
            del state[key]
    torch.save(state, path)
    return arrays


def _write(folder, name, values):
    (folder / name).write_text(json.dumps(_present(values)))


def _present(values):
    return {key: value for key, value in values.items() if value is not None}


@contextmanager
def deadline():
    """Interrupt what does not end."""

    def interrupt(signum, frame):
        raise TimeoutError(f"no end after {DEADLINE_SECONDS} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(DEADLINE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def bounded_memory(limit=2**24):
    """Fail where more than 16 MiB are allocated."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


def npy(shape, dtype="<f4", data=b"", version=(1, 0)):
    """An array file whose header may promise anything."""
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    write_header = {
        (1, 0): np.lib.format.write_array_header_1_0,
        (2, 0): np.lib.format.write_array_header_2_0,
    }[version]
    write_header(file, header)
    return file.getvalue() + data
