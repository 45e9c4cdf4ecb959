"""Arrays of numbers that belong together."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


def check_numbers(values, name, shape=None):
    """Return an array of numbers of a shape, by default a row of any length; None is nan."""
    try:
        array = np.asarray(values)
        array = array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError):
        array = np.asarray("")
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be an array of numbers, got {values!r}.")
    if array.ndim != 1 if shape is None else array.shape != shape:
        raise ValueError(f"{name} must be of shape {shape or '(n,)'}, got {array.shape}.")
    return array
