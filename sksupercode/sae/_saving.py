"""Sparse autoencoders to SAELens directories: ``sae_weights.safetensors`` and ``cfg.json``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import os
import uuid
from dataclasses import replace

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode._utils._paths import check_path

_DTYPES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64"}
_WEIGHTS, _CONFIG = "sae_weights.safetensors", "cfg.json"
# Since version 6 the configuration has the form that is written here.
_VERSION = "6.0.0"


def save_saelens(weights, path, metadata=None):
    """Write `SAEWeights` in their precision to a directory, each file as a whole or not at all.

    A scale of the inputs becomes a part of the weights, which are then float32 at least. A dict of
    ``metadata`` is added to that of the configuration.
    """
    path, weights = check_path(path), _without_scale(weights)
    arrays = weights.arrays()
    if weights.W_skip is not None:
        arrays["W_skip"] = weights.W_skip.T
    config = _configuration(weights)
    config["metadata"] |= _check_metadata(metadata or {}, config["metadata"])
    text = json.dumps(config, indent=2) + "\n"
    if path.exists():
        found = {entry.name for entry in path.iterdir()} if path.is_dir() else None
        if found not in (set(), {_WEIGHTS, _CONFIG}):
            raise FileExistsError(
                f"path must be a new or empty directory, or one that holds {_WEIGHTS} and "
                f"{_CONFIG} and nothing else, got {str(path)!r}."
            )
    path.mkdir(parents=True, exist_ok=True)
    parts = []
    try:
        # Both are written before either is put in its place.
        parts.append(_write(path, lambda file: _write_safetensors(file, arrays)))
        parts.append(_write(path, lambda file: file.write(text.encode())))
        os.replace(parts[0], path / _WEIGHTS)
        os.replace(parts[1], path / _CONFIG)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _check_metadata(metadata, known):
    """Return metadata if JSON holds it and it changes nothing that is known of the weights."""
    for name in metadata.keys() & known.keys():
        raise ValueError(f"{name} follows from the weights: it is {known[name]!r}.")
    try:
        json.dumps(metadata, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"metadata must be what JSON holds, got {metadata!r}: {error}.") from error
    return metadata


def _without_scale(weights):
    """Return weights of the same latents and reconstructions whose inputs are not scaled."""
    if weights.normalization != "expected_average":
        return weights
    if weights.architecture == "matching_pursuit" or weights.rescales_by_norm:
        what = "rescales_by_norm" if weights.rescales_by_norm else "architecture 'matching_pursuit'"
        raise ValueError(
            f"normalization='expected_average' cannot be saved with {what}: SAELens does not store "
            "its scale, and the weights cannot contain it."
        )
    scale = weights.normalization_scale
    dtype = np.dtype(np.float64 if weights.W_dec.dtype == np.float64 else np.float32)
    arrays = {"W_enc": weights.W_enc.astype(dtype) * dtype.type(scale)}
    if not weights.is_transcoder:
        for name in ("W_dec", "b_dec"):
            arrays[name] = getattr(weights, name).astype(dtype) / dtype.type(scale)
    return replace(weights, normalization="none", normalization_scale=1.0, **arrays)


def _configuration(weights):
    if weights.rescales_by_norm and weights.architecture not in ("topk", "abstopk"):
        raise ValueError(
            f"rescales_by_norm cannot be saved for architecture {weights.architecture!r}: SAELens "
            f"has it for topk alone."
        )
    architecture = _architecture(weights)
    dtypes = [array.dtype for array in weights.arrays().values()]
    config = {
        "architecture": architecture,
        "d_in": weights.d_in,
        "d_sae": weights.shape[0],
        # SAELens casts all arrays to this.
        "dtype": max(dtypes, key=lambda dtype: (dtype.itemsize, dtype.name)).name,
        "device": "cpu",
        "apply_b_dec_to_input": bool(weights.applies_b_dec),
        "normalize_activations": weights.normalization,
        "reshape_activations": "none",
    }
    if weights.is_transcoder:
        config["d_out"] = weights.shape[1]
    if architecture in ("topk", "abstopk"):
        config["k"] = weights.k
        config["rescale_acts_by_decoder_norm"] = bool(weights.rescales_by_norm)
    if architecture == "matching_pursuit":
        config["residual_threshold"] = float(weights.residual_threshold)
        config["max_iterations"] = weights.max_iterations
        config["stop_on_duplicate_support"] = bool(weights.stops_on_duplicate_support)
    trained_as = weights.name.split(" ")[-1]
    if architecture != "jumprelu" or trained_as not in ("batchtopk", "matryoshka_batchtopk"):
        trained_as = architecture
    config["metadata"] = {"sae_lens_version": _VERSION, "training_architecture": trained_as}
    return config


def _architecture(weights):
    """The name that SAELens has for the architecture; of transcoders it has those without k."""
    name = weights.architecture
    if weights.is_transcoder and name in ("relu", "jumprelu") and not weights.applies_b_dec:
        kind = "transcoder" if weights.W_skip is None else "skip_transcoder"
        return kind if name == "relu" else f"jumprelu_{kind}"
    if weights.is_transcoder or name == "groupmax":
        kind = "a transcoder of " * weights.is_transcoder
        b_dec = " that subtracts b_dec" * (weights.is_transcoder and bool(weights.applies_b_dec))
        raise ValueError(
            f"{kind}architecture {name!r}{b_dec} cannot be saved: SAELens has none of this kind. "
            "joblib.dump keeps the estimator."
        )
    return "standard" if name == "relu" else name


def _write(folder, write):
    """Write a temporary file beside its destination; return its path."""
    path = folder / f".{uuid.uuid4().hex}.part"
    try:
        with open(path, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _write_safetensors(file, arrays):
    header, end = {}, 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        # In parts, since those of a transposed view are copied.
        for rows in gen_batches(len(array), MOST_ROWS):
            file.write(array[rows].astype(array.dtype.newbyteorder("<")).tobytes())
