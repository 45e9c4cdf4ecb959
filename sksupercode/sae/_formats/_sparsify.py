"""EleutherAI sparsify: ``sae.safetensors`` and ``cfg.json``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.sae._formats._config import Config
from sksupercode.sae._formats._safetensors import read_safetensors

LAYOUT = {
    "W_dec": ("W_dec", "Nd"),
    "W_enc": ("encoder.weight", "Nd"),
    "b_dec": ("b_dec", "d"),
    "b_enc": ("encoder.bias", "N"),
}


def read(path):
    """Read a TopK autoencoder, or a transcoder, which does not subtract ``b_dec``."""
    config = Config.read(path.with_name("cfg.json"))
    tensors = read_safetensors(path)
    config.option("activation", ("topk",), default="topk")
    # Read by the package's forerunner: latents by their magnitude, of either sign.
    if config.boolean("signed", default=False):
        config.refuse("signed", "false")
    if config.boolean("skip_connection", default=False):
        config.refuse("skip_connection", "false: W_skip is not supported")
    tensors.refuse_others([key for key, _ in LAYOUT.values()])

    d = config.integer("d_in")
    n_latents, origin = config.integer("num_latents", default=0, minimum=0), "num_latents"
    if n_latents == 0:
        n_latents, origin = d * config.integer("expansion_factor"), "d_in * expansion_factor"
    return tensors.weights(
        LAYOUT,
        {"N": (n_latents, f"{origin} in cfg.json"), "d": (d, "d_in in cfg.json")},
        architecture="topk",
        k=config.integer("k"),
        applies_b_dec=not config.boolean("transcode", default=False),
        name="sparsify",
    )
