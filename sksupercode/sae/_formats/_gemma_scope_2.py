"""Gemma Scope 2: ``params.safetensors``, whose names are in lower case, and ``config.json``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.sae._formats._config import Config

LAYOUT = {
    "W_dec": ("w_dec", "No"),
    "W_enc": ("w_enc", "dN"),
    "b_dec": ("b_dec", "o"),
    "b_enc": ("b_enc", "N"),
    "threshold": ("threshold", "N"),
}
_SKIP = "affine_skip_connection"


def read(tensors, given):
    """Read a JumpReLU autoencoder, or a transcoder, perhaps with a skip connection.

    ``b_dec`` is not subtracted from the input. Some folders have no configuration. A layer of a
    cross-layer transcoder has a decoder for each later layer, which are summed.
    """
    layout, settings = dict(LAYOUT), {}
    path = tensors.path.with_name("config.json")
    config = Config.read(path) if path.is_file() else Config(path, {})
    config.option("architecture", ("jump_relu",), default="jump_relu")
    # Crosscoders have the same keys, and several layers at once.
    config.option("type", ("sae", "transcoder", "clt"), default="sae")
    settings |= config.says_transcoder() or given.transcoder_of(tensors.path)
    has_skip = config.boolean("affine_connection", default=_SKIP in tensors.values)
    if has_skip:
        layout["W_skip"] = (_SKIP, "do")
    tensors.refuse_others([key for key, _ in layout.values()])
    if tensors.array("w_dec").ndim == 3:
        tensors.sum_layers("w_dec")
        settings["is_transcoder"] = True
    kind = "transcoder" if settings.get("is_transcoder") or has_skip else ""
    return tensors.weights(
        layout,
        tensors.sizes(N="b_enc", d=("w_enc", 0), o="b_dec"),
        given,
        architecture="jumprelu",
        applies_b_dec=False,
        name=f"Gemma Scope 2 {kind}".strip(),
        **settings,
    )
