"""The laws of the amplitudes of planted activations."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_option, check_real

# The defaults of the parameters of each law.
AMPLITUDES = {
    "binary": (),
    "uniform": (0.5, 1.5),
    "exponential": (0.0, 1.0),
    "gaussian": (0.0, 1.0),
}


def amplitude_law(amplitudes):
    """Return a function of ``(rng, size)`` for the parameter ``amplitudes``."""
    if callable(amplitudes):
        return lambda rng, size: _checked(amplitudes(rng, size), size)
    has_parts = isinstance(amplitudes, tuple | list) and len(amplitudes) > 0
    name, *numbers = amplitudes if has_parts else (amplitudes,)
    check_option(name, "amplitudes", AMPLITUDES)
    defaults = AMPLITUDES[name]
    if len(numbers) > len(defaults):
        raise ValueError(
            f"amplitudes must have at most {len(defaults)} parameters for {name!r}, "
            f"got {amplitudes!r}."
        )
    numbers = [
        check_real(number, f"amplitudes[{place}]", closed="neither")
        for place, number in enumerate(numbers, 1)
    ]
    numbers += defaults[len(numbers) :]
    if name == "binary":
        return lambda rng, size: np.ones(size)
    start, scale = numbers
    if name == "uniform":
        check_real(scale, "amplitudes[2]", start)
        return lambda rng, size: start + (scale - start) * rng.random(size)
    check_real(scale, "amplitudes[2]", 0)
    if name == "exponential":
        return lambda rng, size: start + scale * rng.standard_exponential(size)
    return lambda rng, size: start + scale * rng.standard_normal(size)


def _checked(numbers, size):
    numbers = np.asarray(numbers)
    is_real = numbers.dtype.kind in "biuf"
    if numbers.shape != (size,) or not is_real or not np.isfinite(numbers).all():
        raise ValueError(
            f"amplitudes must return {size} finite real numbers in an array of shape ({size},), "
            f"got {numbers.dtype} of shape {numbers.shape}."
        )
    return numbers
