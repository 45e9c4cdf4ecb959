"""Layers of a cross-layer transcoder: ``W_enc_n.safetensors`` and ``W_dec_n.safetensors``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re

from sksupercode._utils._paths import check_is_downloaded
from sksupercode.sae._formats._safetensors import read_safetensors

KEY = re.compile(r"W_(enc|dec)_(\d{1,9})")


def read(tensors, given):
    """Read the ReLU encoder of a layer, and the sum of its decoders, given either of two files."""
    found = [KEY.fullmatch(key) for key in tensors.values if KEY.fullmatch(key)]
    sides, layers = ({match[i] for match in found} for i in (1, 2))
    if len(layers) != 1:
        raise ValueError(
            f"{tensors.path}: must hold 'W_enc_n' or 'W_dec_n' of one layer n, got "
            f"{', '.join(sorted(match[0] for match in found)[:20]) or 'none'}."
        )
    (n,) = layers
    for side in {"enc", "dec"} - sides:
        path = check_is_downloaded(tensors.path.with_name(f"W_{side}_{n}.safetensors"))
        tensors.values.update(read_safetensors(path).values)
    layout = {
        "W_dec": (f"W_dec_{n}", "Nd"),
        "W_enc": (f"W_enc_{n}", "Nd"),
        "b_dec": (f"b_dec_{n}", "d"),
        "b_enc": (f"b_enc_{n}", "N"),
    }
    tensors.refuse_others([key for key, _ in layout.values()])
    tensors.sum_layers(f"W_dec_{n}")
    return tensors.weights(
        layout,
        tensors.sizes(N=f"b_enc_{n}", d=f"b_dec_{n}"),
        given,
        architecture="relu",
        is_transcoder=True,
        applies_b_dec=False,
        name=f"cross-layer transcoder, layer {n}",
    )
