"""EleutherAI sparsify: ``sae.safetensors`` and ``cfg.json``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.sae._formats._config import Config

LAYOUT = {
    "W_dec": ("W_dec", "Nd"),
    "W_enc": ("encoder.weight", "Nd"),
    "b_dec": ("b_dec", "d"),
    "b_enc": ("encoder.bias", "N"),
}


def read(tensors, given):
    """Read a TopK or GroupMax autoencoder, or a transcoder, which does not subtract ``b_dec``."""
    config = Config.read(tensors.path.with_name("cfg.json"))
    architecture = config.option("activation", ("topk", "groupmax"), default="topk")
    # Read by the package's forerunner: latents by their magnitude, of either sign.
    if config.boolean("signed", default=False):
        config.refuse("signed", "false")
    subtracts = not config.boolean("transcode", default=False)
    has_skip = config.boolean("skip_connection", default=False)
    # Until a key told it, transcoders subtracted b_dec as well.
    if has_skip or config.has("transcode"):
        kind = {"is_transcoder": has_skip or not subtracts}
    else:
        kind = given.transcoder_of(tensors.path)
    layout = LAYOUT | ({"W_skip": ("W_skip", "od")} if has_skip else {})
    tensors.refuse_others([key for key, _ in layout.values()])

    d = config.integer("d_in")
    n_latents, origin = config.integer("num_latents", default=0, minimum=0), "num_latents"
    if n_latents == 0:
        n_latents, origin = d * config.integer("expansion_factor"), "d_in * expansion_factor"
    return tensors.weights(
        layout,
        {"N": (n_latents, f"{origin} in cfg.json"), "d": (d, "d_in in cfg.json")},
        given,
        architecture=architecture,
        applies_b_dec=subtracts,
        name="sparsify transcoder" if kind.get("is_transcoder") else "sparsify",
        **kind,
        **given.k_in(config),
    )
