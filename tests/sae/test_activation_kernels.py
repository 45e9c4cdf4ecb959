"""The compiled activations against the plain ones of NumPy."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from sksupercode.sae._activation import _activate_by_numpy
from tests.marks import needs_kernels

pytestmark = needs_kernels


def activate(Z, *settings):
    from sksupercode.sae._activation_kernels import activate

    return activate(Z, *settings, np.empty(0, f"i{Z.itemsize}"))


def pre_activations(shape, kind, rng):
    if kind == "ties":
        return rng.integers(-3, 12, shape)
    if kind == "few":
        return np.where(rng.random(shape) < 2 / shape[1], 1.0, -1.0)
    Z = rng.standard_normal(shape)
    # The largest come last, so that thresholds rise all the way.
    return np.sort(Z, axis=1) if kind == "increasing" else Z


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["gaussian", "ties", "few", "increasing"])
@pytest.mark.parametrize(
    "n_latents, k",
    [(1, 1), (17, 1), (40, 39), (40, 40), (256, 128), (257, 129), (1000, 3), (3000, 512)],
)
def test_equals_numpy(n_latents, k, kind, dtype):
    rng = np.random.default_rng(0)
    Z = pre_activations((30, n_latents), kind, rng).astype(dtype)
    Z[3] = -1
    plain = np.ones(n_latents), np.zeros(n_latents), np.ones(n_latents)
    everywhere = np.full(n_latents, -np.inf), np.zeros(n_latents)
    gain, bias, least_input = rng.integers(-2, 3, (3, n_latents))
    gated = gain, bias, np.ones(n_latents), least_input, rng.integers(0, 3, n_latents)
    rescaled = *plain[:2], rng.random(n_latents), *everywhere
    for arrays in ((*plain, *everywhere), gated, rescaled):
        settings = *(array.astype(dtype) for array in arrays), k
        *found, is_finite = activate(Z, *settings)
        *expected, _ = _activate_by_numpy(Z, *settings)
        assert is_finite
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert found[2].dtype == dtype


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_inputs_that_are_not_finite_are_told(bad):
    n_latents = 300
    ones, zeros = np.ones(n_latents), np.zeros(n_latents)
    settings = ones, zeros, ones, np.full(n_latents, -np.inf), zeros, 5
    Z = np.random.default_rng(0).standard_normal((3, n_latents))
    Z[1, 299] = bad
    assert not activate(Z, *settings)[-1]
    assert not _activate_by_numpy(Z, *settings)[-1]
