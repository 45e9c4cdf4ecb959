"""The arrays of a weight file, taken by key and put in the order that the package computes in."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.sae._weights import SAEWeights

# Axes of what SAEWeights has: N latents, d dimensions.
_AXES = {"W_enc": "dN", "W_dec": "Nd", "b_dec": "d"}


class Tensors:
    """What a weight file holds by key, arrays for the most, with errors that name file and key."""

    def __init__(self, path, values):
        self.path, self.values = path, values

    def array(self, key):
        """Return the array of that key."""
        if key not in self.values:
            found = ", ".join(sorted(map(_short, self.values))[:20]) or "nothing"
            raise ValueError(f"{self.path}: {key!r} is missing. The file holds {found}.")
        array = self.values[key]
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{self.path}: {key!r} must be an array, got {_kind(array)}.")
        return array

    def scalar(self, key):
        """Return the one number of that key as a Python number."""
        array = self.array(key)
        kind = "f" if array.dtype.name == "bfloat16" else array.dtype.kind
        if array.size != 1 or kind not in "fiu":
            raise ValueError(
                f"{self.path}: {key!r} must be one number, got shape {array.shape} and dtype "
                f"{array.dtype}."
            )
        number = array.reshape(-1)[0]
        return float(number) if kind == "f" else int(number)

    def refuse_others(self, known):
        """Raise if there is a key that the forward pass would silently leave out."""
        others = sorted(map(_short, set(self.values) - set(known)))
        if others:
            raise ValueError(
                f"{self.path}: unknown {', '.join(others[:20])} beside "
                f"{', '.join(sorted(known))}: not the file of a known architecture."
            )

    def weights(self, layout, sizes, **settings):
        """Return the file as `SAEWeights`, whose other fields are the settings.

        The layout has for each field the key of its array and its axes in the file: "Nd", "dN", "N"
        or "d". The sizes are N and d, each with where it comes from, for messages.
        """
        arrays = {}
        for field, (key, axes) in layout.items():
            array = self.array(key)
            shape = tuple(sizes[axis][0] for axis in axes)
            if array.shape != shape:
                reasons = ", ".join(
                    f"{axis} = {sizes[axis][0]} is {sizes[axis][1]}" for axis in axes
                )
                raise ValueError(
                    f"{self.path}: {key!r} must have shape {shape}, got {array.shape} ({reasons})."
                )
            arrays[field] = array if axes == _AXES.get(field, "N") else array.T
        try:
            # The check that follows judges the bits.
            with np.errstate(all="ignore"):
                return SAEWeights(**arrays, **settings)
        except ValueError as error:
            key = layout.get(str(error).split(" ")[0], ("",))[0]
            stored = f" It is {key!r} in the file." if key else ""
            raise ValueError(f"{self.path}: {error}{stored}") from error

    def sizes(self, *, N, d):
        """Return N and d as the lengths of the vectors with these keys."""
        lengths = {}
        for axis, key in (("N", N), ("d", d)):
            array = self.array(key)
            if array.ndim != 1 or not array.size:
                raise ValueError(
                    f"{self.path}: {key!r} must have shape ({axis},), got {array.shape}."
                )
            lengths[axis] = (len(array), f"the length of {key!r}")
        return lengths


def _kind(value):
    # Never the value itself: what an untrusted file holds may be endless to print.
    return f"{value[:40]!r}" if isinstance(value, str) else f"a {type(value).__name__}"


def _short(key):
    return key[:80] if isinstance(key, str) else f"<{type(key).__name__}>"
