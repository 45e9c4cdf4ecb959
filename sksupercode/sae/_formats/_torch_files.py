"""Files of `torch.save`, read by PyTorch's loader that knows tensors and nothing that runs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import zipfile

from sksupercode.sae._formats._archives import open_archive
from sksupercode.sae._formats._pickles import check_pickle
from sksupercode.sae._formats._tensors import Tensors

MAX_PICKLE_BYTES = 2**20


def read_torch_file(path, *, part=None):
    """Load a dictionary of tensors, memory-mapped, by ``torch.load(weights_only=True)``.

    The file is a zip archive as PyTorch writes it since version 1.6. Where ``part`` is the key of a
    dictionary within, that one is taken. Tensors become arrays, with the strides that they had.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{path}: .pt files are read by PyTorch: python -m pip install torch."
        ) from error

    # PyTorch maps what the archive points to, so the archive has to be sound.
    with open_archive(path, max_ratio=1) as archive:
        n_bytes = {member.file_size for member in archive.infolist()}
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename!r} is compressed")
            if member.filename.endswith(".pkl"):
                if member.file_size > MAX_PICKLE_BYTES:
                    raise ValueError(f"{member.filename!r} has {member.file_size} bytes")
                check_pickle(archive.read(member))
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged!r} is wrong")
    try:
        loaded = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    # An untrusted pickle can make the loader raise anything. Its message is left out, as it
    # recommends to load the file without protection.
    except Exception as error:
        raise ValueError(
            f"{path}: torch.load(weights_only=True) refuses it ({type(error).__name__}): it is "
            f"damaged, or holds what is not a tensor. It is not loaded in any other way."
        ) from error
    if not isinstance(loaded, dict):
        raise ValueError(f"{path}: must hold a dictionary of tensors, got {type(loaded).__name__}.")
    if isinstance(loaded.get(part), dict):
        loaded = loaded[part]
    values = dict(loaded)
    for key, value in values.items():
        if isinstance(value, torch.Tensor):
            values[key] = _array(torch, path, key, value, n_bytes)
    return Tensors(path, values)


def _array(torch, path, key, tensor, n_bytes):
    """Return a tensor as an array; its storage must have as many bytes as some member has."""
    tensor = tensor.detach()
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise ValueError(f"{path}: {key!r} must be a dense tensor, got {tensor.layout}.")
    stored = tensor.untyped_storage().nbytes()
    if stored not in n_bytes or tensor.numel() * tensor.element_size() > stored:
        raise ValueError(
            f"{path}: {key!r} has shape {tuple(tensor.shape)} and a storage of {stored} bytes, "
            f"which disagrees with its data."
        )
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: {key!r} has dtype {tensor.dtype}: {error}") from error
