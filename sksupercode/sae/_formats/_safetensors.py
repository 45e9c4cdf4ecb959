"""safetensors files as memory-mapped arrays in the precision in which they are stored."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import math

import numpy as np

from sksupercode.sae._formats._tensors import Tensors

MAX_HEADER_BYTES = 2**20
_DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def read_safetensors(path):
    """Map a file, after the safetensors library has checked its header against its size.

    It may hold nothing but floats of 16, 32 or 64 bits.
    """
    # NumPy knows no bfloat16; ml_dtypes adds it. Neither library is needed to import the package.
    import ml_dtypes
    from safetensors import safe_open

    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        if start.startswith(b"PK\3\4"):
            raise ValueError(
                f"{path}: a zip file, as PyTorch and NumPy write, and not a safetensors file."
            )
        n_header = int.from_bytes(start, "little")
        if size < 8 or n_header > min(size - 8, MAX_HEADER_BYTES):
            raise ValueError(
                f"{path}: not a safetensors file: a header of {n_header} bytes in a file of {size}."
            )
        header = file.read(n_header)
    try:
        with safe_open(path, framework="np") as checked:
            keys = set(checked.keys())
        entries = json.loads(header)
    except Exception as error:
        raise ValueError(f"{path}: not a safetensors file: {error}") from error
    entries.pop("__metadata__", None)
    if set(entries) != keys:
        raise ValueError(f"{path}: a header that can be read in two ways.")

    dtypes = {**_DTYPES, "BF16": ml_dtypes.bfloat16}
    return Tensors(
        path, {key: _map(path, key, entries[key], 8 + n_header, size, dtypes) for key in keys}
    )


def _map(path, key, entry, start, size, dtypes):
    if entry["dtype"] not in dtypes:
        raise ValueError(
            f"{path}: {key!r} has dtype {entry['dtype']}, which must be one of {', '.join(dtypes)}."
        )
    dtype, shape = np.dtype(dtypes[entry["dtype"]]), tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if math.prod(shape) * dtype.itemsize != end - begin or start + end > size:
        raise ValueError(
            f"{path}: {key!r} has shape {shape} and dtype {dtype}, but {end - begin} bytes from "
            f"{start + begin} on in a file of {size}."
        )
    if begin == end:
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, mode="r", offset=start + begin, shape=shape))
