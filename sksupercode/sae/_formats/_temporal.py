"""Temporal autoencoders, whose latents depend on earlier tokens: refused, with what can be used."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause


def read(tensors, given):
    """Raise a ValueError that says why, and where the dictionary is."""
    keys = " and ".join(f"{key!r} {tensors.array(key).shape}" for key in ("D", "b"))
    raise ValueError(
        f"{tensors.path}: a temporal autoencoder, whose attention layers predict latents from "
        f"earlier tokens: no map of single samples, and not supported. Its dictionary can be used "
        f"by any decoder: {keys} in the file are the codewords and the intercept of samples times "
        f"scaling_factor, which is in conf.yaml."
    )
