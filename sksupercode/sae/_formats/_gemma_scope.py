"""Gemma Scope: ``params.npz`` with the five arrays of a JumpReLU autoencoder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.sae._formats._npz import read_npz


def read(path):
    """Read the arrays; ``b_dec`` is not subtracted from the input.

    Some files call the matrices ``w_enc`` and ``w_dec``.
    """
    tensors = read_npz(path)
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
        architecture="jumprelu",
        applies_b_dec=False,
        name="Gemma Scope",
    )


def _either(tensors, usual, other):
    return other if other in tensors.values and usual not in tensors.values else usual
