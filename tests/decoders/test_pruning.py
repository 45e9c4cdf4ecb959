"""Latents that leave a support: as least squares on every smaller support say, one at a time."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn import config_context

from sksupercode import (
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_planted_activations
from sksupercode.metrics import support_precision_recall_f1
from sksupercode.sae import SAEWeights
from tests.marks import long

N_FEATURES, N_DIMENSIONS, N_SELECTED = 60, 24, 10


def draw(kind="general", seed=0):
    """Return codewords of many norms, and samples."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((N_FEATURES, N_DIMENSIONS))
    if kind == "nearly dependent":
        F[1::2] = F[::2] + 1e-4 * rng.standard_normal(F[::2].shape)
    F *= rng.uniform(0.01, 100, (N_FEATURES, 1))
    return F, rng.standard_normal((30, N_DIMENSIONS))


def fitted(F, x, support, values):
    """Return the coefficients on a support and the squared error, by other solvers than ours."""
    A = F[support].T
    z = nnls(A, x)[0] if values == "nonnegative" else np.linalg.lstsq(A, x, rcond=1e-12)[0]
    return z, np.sum((x - A @ z) ** 2)


def eliminated(F, x, support, values, n_most, least):
    """Return the code of backward elimination that tries every removal."""
    code = np.zeros(len(F))
    while True:
        z, error = fitted(F, x, support, values) if len(support) else (np.zeros(0), x @ x)
        support, z = support[z != 0], z[z != 0]
        trials = [np.delete(support, a) for a in range(len(support))]
        errors = [fitted(F, x, s, values)[1] if len(s) else x @ x for s in trials]
        if not trials or (len(support) <= n_most and min(errors) - error > least):
            code[support] = z
            return code
        support = trials[np.argmin(errors)]


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("kind", ["general", "nearly dependent"])
@pytest.mark.parametrize(
    ("parameters", "n_most", "least"),
    [
        ({"prune": 0.03}, 99, lambda x: 0.03 * x @ x),
        ({"prune": 5, "noise_std": 0.4}, 5, lambda x: 0.16 * 2 * np.log(N_FEATURES)),
        *long(
            ({"prune": 0}, 0, -1),
            ({"prune": 4}, 4, -1),
            ({"noise_std": 0.4}, 99, lambda x: 0.16 * 2 * np.log(N_FEATURES)),
        ),
    ],
)
def test_removals_are_those_of_trying_all(values, kind, parameters, n_most, least):
    F, X = draw(kind)
    omp = OrthogonalMatchingPursuitDecoder(F, N_SELECTED, values=values)
    supports = omp.fit(X).predict(X).toarray().astype(bool)
    Z = RefitDecoder(omp, **parameters).fit(X).transform(X).toarray()
    assert (Z != 0).sum() < supports.sum()
    for x, support, z in zip(X, supports, Z, strict=True):
        most = least(x) if callable(least) else least
        wanted = eliminated(F, x, np.flatnonzero(support), values, n_most, most)
        np.testing.assert_allclose(z, wanted, atol=1e-6 * np.abs(wanted).max(initial=1e-300))


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_of_equal_codewords_one_stays(values):
    F, X = draw()
    F = np.vstack([F, F])
    X = F[:30] + 0.01 * X
    top = TopKDecoder(F, 6, values=values).fit(X)
    Z = RefitDecoder(top, prune=0.0).fit(X).transform(X)
    Z = Z.toarray()
    assert not ((Z[:, :N_FEATURES] != 0) & (Z[:, N_FEATURES:] != 0)).any()
    plain = RefitDecoder(top).fit(X)
    np.testing.assert_allclose(Z @ F, plain.reconstruct(X), atol=1e-8 * np.abs(X).max())


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scales_of_samples_do_not_matter(scale, dtype):
    F, X = draw()
    F, X = F.astype(dtype), X.astype(dtype)
    omp = OrthogonalMatchingPursuitDecoder(F, N_SELECTED, values="nonnegative")
    scaled = (X * scale).astype(dtype)
    for of_samples, of_scaled in (
        ({"prune": 4}, {"prune": 4}),
        ({"prune": 0.03}, {"prune": 0.03}),
        ({"noise_std": 0.4}, {"noise_std": 0.4 * scale}),
    ):
        Z = RefitDecoder(omp, **of_samples).fit(X).transform(X)
        found = RefitDecoder(omp, **of_scaled).fit(scaled).transform(scaled)
        assert found.dtype == dtype
        wanted = Z.toarray().astype(np.float64) * scale
        np.testing.assert_allclose(found.toarray(), wanted, 1e-4, 1e-5 * wanted.max())


def test_random_codes_are_pruned_as_arrays_are():
    encoder = RademacherEncoder(20, n_features=60, random_state=0)
    X = np.random.default_rng(0).standard_normal((40, 20))
    signs = np.asarray(encoder.codebook(60, 20))
    for parameters in ({"prune": 3}, {"prune": 0.02}, {"noise_std": 0.2}):
        found, wanted = (
            RefitDecoder(
                OrthogonalMatchingPursuitDecoder(one, 8, values="nonnegative"), **parameters
            )
            .fit(X)
            .transform(X)
            .toarray()
            for one in (encoder, signs)
        )
        np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_latents_of_an_autoencoder_are_pruned_in_its_units():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((64, 16)).astype(np.float32)
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    bias = 0.3 * rng.standard_normal(16).astype(np.float32)
    weights = SAEWeights(
        "topk", F, bias, F.T, np.zeros(64, np.float32), k=8, normalization="layer_norm"
    )
    sae, X = SparseAutoencoder.from_weights(weights), 3 + 2 * rng.exponential(size=(40, 16))
    normalized, scale, _ = sae.normalize(X)
    supports, noise = sae.transform(X).toarray() != 0, 2 * np.log(64) * (0.3 / scale[:, 0]) ** 2
    for parameters, share, limits in (
        ({"prune": 0.02}, 0.02, 0 * noise),
        ({"noise_std": 0.3}, 0, noise),
    ):
        Z = RefitDecoder(sae, **parameters).fit(X).transform(X).toarray()
        for x, support, limit, z in zip(normalized - bias, supports, limits, Z, strict=True):
            least = share * x @ x + limit
            wanted = eliminated(F, x, np.flatnonzero(support), "nonnegative", 99, least)
            np.testing.assert_allclose(z, wanted, atol=1e-4)
    X[0] = 1
    assert RefitDecoder(sae, noise_std=0.3).fit(X).transform(X)[[0]].nnz == 0


def test_exchanges_come_first():
    F, X = draw()
    top = TopKDecoder(F, N_SELECTED, values="nonnegative")
    swap = SwapDecoder(top).fit(X)
    Z, n_swaps = SwapDecoder(top, prune=5).fit(X).swap(X)
    np.testing.assert_array_equal(n_swaps, swap.swap(X)[1])
    for x, before, z in zip(X, swap.transform(X).toarray(), Z.toarray(), strict=True):
        wanted = eliminated(F, x, np.flatnonzero(before), "nonnegative", 5, -1)
        np.testing.assert_allclose(z, wanted, atol=1e-8 * wanted.max())


def test_too_many_codewords_and_pruning_find_more_supports():
    # Of 1,000 samples plain OMP misses 8 in 1,000 latents, each a false one as well.
    X, Z, F = make_planted_activations(1000, 512, 64, n_nonzero_coefs=8, random_state=0)
    omp, more = (
        OrthogonalMatchingPursuitDecoder(F, k, values="nonnegative").fit(X) for k in (8, 12)
    )
    f1s = [
        support_precision_recall_f1(Z, decoder.fit(X).transform(X))[2]
        for decoder in (omp, more, RefitDecoder(more, prune=8), RefitDecoder(more, prune=0.001))
    ]
    assert f1s[0] < 0.995 and f1s[1] < f1s[0] + 0.01
    assert f1s[2] > 0.997 and f1s[3] > 0.997


def test_latents_of_noise_leave():
    # 256 coefficients of pure noise, of which 20 are selected: one exceeds sqrt(2 log 256) standard
    # errors with a probability of some 256 * 4.4e-4 * 2, so that samples keep about 0.2.
    rng = np.random.default_rng(0)
    F = np.linalg.qr(rng.standard_normal((256, 256)))[0]
    X = 0.1 * rng.standard_normal((400, 256))
    omp = OrthogonalMatchingPursuitDecoder(F, 20)
    left = RefitDecoder(omp, noise_std=0.1).fit(X).transform(X).nnz / len(X)
    expected = 256 * 2 * 4.35e-4
    assert abs(left - expected) < 5 * np.sqrt(expected / len(X))


def test_blocks_do_not_matter():
    F, X = draw()
    X = np.tile(X, (10, 1)) + np.random.default_rng(1).standard_normal((300, N_DIMENSIONS))
    decoder = RefitDecoder(TopKDecoder(F, 9), prune=0.02, noise_std=0.01).fit(X)
    wanted = decoder.transform(X)
    with config_context(working_memory=0.01):
        assert abs(decoder.transform(X) - wanted).max() == 0


def test_numbers_of_latents():
    F, X = draw()
    top = TopKDecoder(F, N_SELECTED)
    for prune, k in ((4, 4), (np.int32(4), 4), (99, N_SELECTED), (0.1, N_SELECTED), (0, 0)):
        assert RefitDecoder(top, prune=prune).fit(X).n_nonzero_coefs_ == k
    assert RefitDecoder(top, prune=np.float32(0)).fit(X).transform(X).nnz > 0
    assert RefitDecoder(top, prune=0).fit(X).transform(X).nnz == 0
    assert RefitDecoder(top, prune=0.1).fit(X).transform(np.zeros_like(X)).nnz == 0


@pytest.mark.parametrize("prune", [-1, -0.1, 1.0, np.nan, np.inf, True, False, "4", [4]])
def test_numbers_refused(prune):
    F, X = draw()
    with pytest.raises(ValueError, match="prune must be an integer >= 0"):
        SwapDecoder(TopKDecoder(F, 4), prune=prune).fit(X)


def test_noise_beyond_all_samples_leaves_nothing():
    F, X = draw()
    decoder = RefitDecoder(TopKDecoder(F, 4), noise_std=1e300).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decoder.transform(X).nnz == 0


def test_noise_refused():
    F, X = draw()
    with pytest.raises(ValueError, match="noise_std must be a finite real number >= 0 or None"):
        RefitDecoder(TopKDecoder(F, 4), noise_std=-1.0).fit(X)
