"""Weights of some of the latents."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from sksupercode import SparseAutoencoder
from sksupercode.sae import SAEWeights
from sksupercode.sae._weights import ARCHITECTURES, WITH_K


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_codes_of_kept_latents_are_those_before(architecture):
    rng = np.random.default_rng(0)
    n, d = 40, 8
    F = rng.standard_normal((n, d))
    vectors = {
        name: np.abs(0.5 * rng.standard_normal(n))
        for name in ("b_enc", "threshold", "b_gate", "b_mag", "r_mag")
    }
    vectors["b_gate"] *= -1
    k = 4 if architecture in WITH_K else None
    weights = SAEWeights(architecture, F, rng.standard_normal(d), F.T, **vectors, k=k)
    if architecture == "groupmax":
        with pytest.raises(ValueError, match="groups"):
            weights.keep_latents([0, 1])
        return
    X = rng.standard_normal((3, d))
    sae = SparseAutoencoder.from_weights(weights)
    Z = sae.transform(X)
    kept = Z.getnnz(axis=0) > 0
    assert 0 < kept.sum() < n
    for latents in (kept, np.flatnonzero(kept)[::-1]):
        pruned = SparseAutoencoder.from_weights(weights.keep_latents(latents))
        Z_pruned = pruned.transform(X)
        np.testing.assert_allclose(Z_pruned.toarray(), Z[:, latents].toarray(), rtol=1e-9)
        np.testing.assert_allclose(pruned.inverse_transform(Z_pruned), sae.inverse_transform(Z))
