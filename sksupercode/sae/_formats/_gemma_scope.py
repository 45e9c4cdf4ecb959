"""Gemma Scope: ``params.npz`` with five arrays of a JumpReLU autoencoder or transcoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause


def read(tensors, given):
    """Read the arrays; ``b_dec`` is not subtracted from the input.

    Some files call the matrices ``w_enc`` and ``w_dec``. That they are of a transcoder is told by
    nothing but the folder.
    """
    layout = {
        "W_dec": (_either(tensors, "W_dec", "w_dec"), "Nd"),
        "W_enc": (_either(tensors, "W_enc", "w_enc"), "dN"),
        "b_dec": ("b_dec", "d"),
        "b_enc": ("b_enc", "N"),
        "threshold": ("threshold", "N"),
    }
    tensors.refuse_others([key for key, _ in layout.values()])
    return tensors.weights(
        layout,
        tensors.sizes(N="b_enc", d="b_dec"),
        given,
        architecture="jumprelu",
        applies_b_dec=False,
        name="Gemma Scope",
        **given.transcoder_of(tensors.path),
    )


def _either(tensors, usual, other):
    return other if other in tensors.values and usual not in tensors.values else usual
