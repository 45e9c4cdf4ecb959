"""The arrays of a weight file, taken by key and put in the order that the package computes in."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode._utils._warnings import warn
from sksupercode.sae._weights import SAEWeights

# Axes of the matrices of SAEWeights: N latents, d dimensions, o of the output where it has others.
_AXES = {"W_enc": ("dN",), "W_dec": ("Nd", "No"), "W_skip": ("do",)}


class Tensors:
    """What a weight file holds by key, arrays for the most, with errors that name file and key."""

    def __init__(self, path, values):
        self.path, self.values = path, values

    def listing(self):
        """Return the first of the keys, for messages."""
        return ", ".join(sorted(map(_short, self.values))[:20]) or "nothing"

    def array(self, key):
        """Return the array of that key."""
        if key not in self.values:
            raise ValueError(f"{self.path}: {key!r} is missing. The file holds {self.listing()}.")
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

    def exponentiate(self, key):
        """Replace the logarithms of that key, in at least single precision."""
        logarithms = self.array(key)
        if logarithms.dtype.kind != "f" and logarithms.dtype.name != "bfloat16":
            raise ValueError(
                f"{self.path}: {key!r} must be an array of floats, got dtype {logarithms.dtype}."
            )
        dtype = np.float64 if logarithms.itemsize == 8 else np.float32
        # What overflows is refused by name.
        with np.errstate(all="ignore"):
            self.values[key] = np.exp(logarithms.astype(dtype))

    def sum_layers(self, key):
        """Replace decoders of shape (N, layers, d) by their sum, in at least single precision."""
        decoders = self.array(key)
        if decoders.ndim != 3 or not decoders.size:
            raise ValueError(
                f"{self.path}: {key!r} must have shape (N, layers, d), got {decoders.shape}."
            )
        warn(
            f"{self.path}: a layer of a cross-layer transcoder, whose {decoders.shape[1]} decoders "
            f"for as many layers are summed. Its latents are right; the sum of what it adds to all "
            f"layers is the output of none."
        )
        dtype = np.float64 if decoders.dtype == np.float64 else np.float32
        n_rows = max(1, MOST_ROWS // decoders.shape[1])
        with np.errstate(all="ignore"):
            self.values[key] = np.concatenate(
                [
                    decoders[rows].astype(dtype).sum(axis=1)
                    for rows in gen_batches(len(decoders), n_rows)
                ]
            )

    def refuse_others(self, known):
        """Raise if there is a key that the forward pass would silently leave out."""
        others = sorted(map(_short, set(self.values) - set(known)))
        if others:
            raise ValueError(
                f"{self.path}: unknown {', '.join(others[:20])} beside "
                f"{', '.join(sorted(known))}: not the file of a known architecture."
            )

    def weights(self, layout, sizes, given, **settings):
        """Return the file as `SAEWeights`, whose other fields are the settings.

        The layout has for each field the key of its array and its axes in the file, such as "Nd",
        "dN", "N" or "d", and "o" for dimensions of the output. The sizes are those of the axes,
        each with where it comes from, for messages. Settings are what the file says, and what it
        leaves open may be `Given`.
        """
        arrays, sizes = {}, {"o": sizes["d"], **sizes}
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
            arrays[field] = array if axes in _AXES.get(field, (axes,)) else array.T
        settings = given.complete(self.path, settings)
        if "W_skip" in arrays or sizes["o"][0] != sizes["d"][0]:
            if settings.setdefault("is_transcoder", True) is not True:
                raise ValueError(
                    f"{self.path}: an autoencoder has no skip connection and as many dimensions on "
                    f"both sides, got {sizes['d'][0]} and {sizes['o'][0]}: it is a transcoder."
                )
        try:
            # The check that follows judges the bits.
            with np.errstate(all="ignore"):
                return SAEWeights(**arrays, **settings)
        except ValueError as error:
            key = layout.get(str(error).split(" ")[0], ("",))[0]
            stored = f" It is {key!r} in the file." if key else ""
            raise ValueError(f"{self.path}: {error}{stored}") from error

    def sizes(self, **axes):
        """Return the sizes of axes, each with where it comes from, for messages.

        It is the length of the vector with that key or, for a key and a number, of that axis of a
        matrix.
        """
        lengths = {}
        for axis, key in axes.items():
            key, place = (key, None) if isinstance(key, str) else key
            array = self.array(key)
            if place is not None and array.ndim == 2 and array.size:
                lengths[axis] = (array.shape[place], f"axis {place} of {key!r}")
                continue
            if place is not None or array.ndim != 1 or not array.size:
                wanted = f"({axis},)" if place is None else "of a matrix"
                raise ValueError(
                    f"{self.path}: {key!r} must have shape {wanted}, got {array.shape}."
                )
            lengths[axis] = (len(array), f"the length of {key!r}")
        return lengths


def _kind(value):
    # Never the value itself: what an untrusted file holds may be endless to print.
    return f"{value[:40]!r}" if isinstance(value, str) else f"a {type(value).__name__}"


def _short(key):
    return key[:80] if isinstance(key, str) else f"<{type(key).__name__}>"
