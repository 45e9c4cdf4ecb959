"""Weight files without a configuration, which are told apart by their keys and shapes."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.sae._formats._config import Config

_BIASES = {"b_dec": ("b_dec", "d"), "b_enc": ("b_enc", "N")}
HOOK_Z = {"W_dec": ("W_dec", "Nd"), "W_enc": ("W_enc", "dN"), **_BIASES}
QWEN_SCOPE = {"W_dec": ("W_dec", "dN"), "W_enc": ("W_enc", "Nd"), **_BIASES}
QWEN_TRANSCODER = {"W_dec": ("W_dec", "Nd"), "W_enc": ("W_enc", "Nd"), **_BIASES}


def _linear(encoder, decoder):
    return {
        "W_dec": (f"{decoder}.weight", "dN"),
        "W_enc": (f"{encoder}.weight", "Nd"),
        "b_dec": (f"{decoder}.bias", "d"),
        "b_enc": (f"{encoder}.bias", "N"),
    }


DEEPSEEK_R1 = _linear("encoder", "decoder")
GOODFIRE = _linear("encoder_linear", "decoder_linear")


def _read(tensors, given, layout, **settings):
    tensors.refuse_others([key for key, _ in layout.values()])
    sizes = tensors.sizes(N=layout["b_enc"][0], d=layout["b_dec"][0])
    return tensors.weights(layout, sizes, given, **{"applies_b_dec": False, **settings})


def read_qwen_scope(tensors, given):
    """Read a TopK autoencoder of Qwen Scope, whose k is in the name of its repository alone."""
    k = given.k_of(tensors.path)
    return _read(tensors, given, QWEN_SCOPE, architecture="topk", name="Qwen Scope", **k)


def read_qwen_transcoder(tensors, given):
    """Read a ReLU transcoder of a layer, both of whose matrices have a row for each latent."""
    return _read(
        tensors,
        given,
        QWEN_TRANSCODER,
        architecture="relu",
        is_transcoder=True,
        name="Qwen3 transcoder",
    )


def read_goodfire(tensors, given):
    """Read a ReLU autoencoder of Goodfire, which does not subtract ``b_dec`` from the input."""
    return _read(tensors, given, GOODFIRE, architecture="relu", name="Goodfire")


def read_deepseek_r1(tensors, given):
    """Read a ReLU autoencoder whose layers are called encoder and decoder, as of DeepSeek R1."""
    return _read(tensors, given, DEEPSEEK_R1, architecture="relu", name="DeepSeek R1")


def read_hook_z(tensors, given):
    """Read a ReLU autoencoder of concatenated heads, beside which ``..._cfg.json`` lies."""
    tensors.refuse_others([key for key, _ in HOOK_Z.values()])
    config = Config.read(hook_z_config(tensors.path))
    sizes = {
        "N": (config.integer("dict_size"), f"dict_size in {config.path.name}"),
        "d": (config.integer("act_size"), f"act_size in {config.path.name}"),
    }
    return tensors.weights(
        HOOK_Z, sizes, given, architecture="relu", applies_b_dec=True, name="hook_z"
    )


def hook_z_config(path):
    """Return the path of the configuration: names have dots within."""
    return path.with_name(f"{path.name.removesuffix('.pth').removesuffix('.pt')}_cfg.json")
