"""The forward pass, against one that is literal and slow, and against cases worked by hand."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from sklearn import config_context

from sksupercode.sae import SAEWeights, SparseAutoencoder
from sksupercode.sae._activation import largest_positive
from sksupercode.sae._forward import ForwardPass
from sksupercode.sae._weights import ARCHITECTURES
from tests.marks import long

N, D = 40, 12


def random_weights(architecture, *, dtype=np.float32, seed=0, **settings):
    """Random weights, with a dead latent: row 7 of the decoder is 0."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return (rng.standard_normal(shape) / math.sqrt(shape[0])).astype(dtype)

    arrays = {name: draw(N) for name in ("b_enc", "threshold", "b_gate", "b_mag", "r_mag")}
    arrays |= {"W_enc": draw(D, N), "W_dec": draw(N, D), "b_dec": draw(D)}
    arrays["W_dec"][7] = 0
    if architecture == "matching_pursuit":
        F = arrays["W_dec"].astype(np.float32)
        arrays["W_dec"] = (F / np.maximum(np.linalg.norm(F, axis=1), 1e-9)[:, None]).astype(dtype)
    return SAEWeights(architecture, k=5, **arrays, **settings)


def random_samples(n_samples, seed=1):
    rng = np.random.default_rng(seed)
    return (2 * rng.standard_normal((n_samples, D)) + 0.5).astype(np.float32)


def literal(weights, x):
    """Latents and reconstruction of one sample, in float64 and one number at a time."""
    w = {name: array.astype(np.float64) for name, array in weights.arrays().items()}
    mu, sigma, divisor = 0.0, 1.0, 1.0
    if weights.normalization == "layer_norm":
        mu = x.mean()
        sigma = math.sqrt(sum((x - mu) ** 2) / (len(x) - 1))
        divisor = sigma + 1e-5
    elif weights.normalization == "constant_norm_rescale":
        sigma = divisor = math.sqrt(sum(x**2)) / math.sqrt(len(x))
    elif weights.normalization == "expected_average":
        sigma = divisor = 1 / weights.normalization_scale
    x = (x - mu) / divisor
    if weights.applies_b_dec:
        x = x - w["b_dec"]
    norms = [1.0] * N
    if weights.rescales_by_norm:
        norms = [math.sqrt(sum(row**2)) for row in w["W_dec"]]
    if weights.architecture == "matching_pursuit":
        a = literal_pursuit(weights, w["W_dec"], x)
    else:
        a = literal_activation(weights, w, x, norms)
    x_hat = w["b_dec"].copy()
    if weights.architecture == "matching_pursuit" and not weights.applies_b_dec:
        x_hat[:] = 0
    for i in range(N):
        if a[i]:
            x_hat += a[i] * w["W_dec"][i] / norms[i]
    return a, sigma * x_hat + mu


def literal_activation(weights, w, x, norms):
    a = np.zeros(N)
    z = [sum(x * w["W_enc"][:, i]) for i in range(N)]
    for i in range(N):
        if weights.architecture == "gated":
            gate = z[i] + w["b_gate"][i] > 0
            a[i] = gate * max(z[i] * math.exp(w["r_mag"][i]) + w["b_mag"][i], 0)
            continue
        z[i] = (z[i] + w["b_enc"][i]) * norms[i]
        a[i] = z[i] if weights.architecture == "abstopk" else max(z[i], 0)
        if weights.architecture == "jumprelu":
            a[i] *= z[i] > w["threshold"][i]
    if weights.architecture == "topk":
        a[sorted(range(N), key=lambda i: -z[i])[weights.k :]] = 0
    if weights.architecture == "abstopk":
        a[sorted(range(N), key=lambda i: -abs(z[i]))[weights.k :]] = 0
    if weights.architecture == "groupmax":
        for first in range(0, N, N // weights.k):
            group = range(first, first + N // weights.k)
            a[[i for i in group if i != max(group, key=lambda i: a[i])]] = 0
    return a


def literal_pursuit(weights, F, x):
    a = np.zeros(N)
    residual, support = x.copy(), set()
    for _ in range(D if weights.max_iterations is None else weights.max_iterations):
        scores = [max(sum(residual * row), 0) for row in F]
        i = int(np.argmax(scores))
        a[i] += scores[i]
        residual = residual - scores[i] * F[i]
        before, support = support, set(np.flatnonzero(a))
        if weights.stops_on_duplicate_support and support == before:
            break
        if weights.residual_threshold > 0:
            if math.sqrt(sum(residual**2)) < weights.residual_threshold:
                break
    return a


NORMALIZATIONS = [
    {},
    {"normalization": "layer_norm"},
    {"normalization": "constant_norm_rescale"},
    {"normalization": "expected_average", "normalization_scale": 0.3},
]
SETTINGS = [
    ("relu", {}),
    ("relu", {"rescales_by_norm": True}),
    ("topk", {}),
    ("topk", {"rescales_by_norm": True}),
    ("jumprelu", {}),
    ("jumprelu", {"rescales_by_norm": True}),
    ("gated", {}),
    ("matching_pursuit", {}),
    ("matching_pursuit", {"max_iterations": 3}),
    ("matching_pursuit", {"residual_threshold": 2.0}),
    ("matching_pursuit", {"stops_on_duplicate_support": False, "max_iterations": 40}),
    ("matching_pursuit", {"stops_on_duplicate_support": False, "residual_threshold": 0.0}),
]


# Each architecture with every normalisation, and each of these in one of the precisions.
DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
CASES = [
    (architecture, settings, normalization, DTYPES[(i + j) % 4])
    for i, (architecture, settings) in enumerate(SETTINGS)
    for j, normalization in enumerate(NORMALIZATIONS)
]


@pytest.mark.parametrize("applies_b_dec", [True, False])
@pytest.mark.parametrize("architecture, settings, normalization, dtype", CASES)
def test_equals_the_literal_forward_pass(
    architecture, settings, normalization, dtype, applies_b_dec
):
    weights = random_weights(
        architecture, dtype=dtype, applies_b_dec=applies_b_dec, **normalization, **settings
    )
    sae = SparseAutoencoder.from_weights(weights)
    X = random_samples(10)
    Z, X_hat = sae.transform(X), sae.reconstruct(X)
    expected = [literal(weights, x) for x in X.astype(np.float64)]
    expected_Z, expected_X_hat = (np.array(part) for part in zip(*expected, strict=True))
    assert 0 < np.count_nonzero(expected_Z) < expected_Z.size
    assert Z.dtype == X_hat.dtype == np.float32
    np.testing.assert_array_equal(Z.toarray() != 0, expected_Z != 0)
    np.testing.assert_allclose(Z.toarray(), expected_Z, atol=2e-5)
    np.testing.assert_allclose(X_hat, expected_X_hat, atol=2e-5)
    # Without statistics of samples, the dictionary and the intercept alone reconstruct.
    if not sae.normalizes_samples_:
        np.testing.assert_allclose(sae.inverse_transform(Z), expected_X_hat, atol=2e-5)
    # Row 7 of the decoder is 0.
    dead = settings.get("rescales_by_norm") or architecture == "matching_pursuit"
    assert not dead or Z[:, [7]].nnz == 0


def small(architecture, **settings):
    """Four latents on two dimensions: the directions of the axes."""
    W = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    zeros = np.zeros(4, np.float32)
    defaults = {"W_dec": W, "W_enc": W.T, "b_dec": np.zeros(2, np.float32), "b_enc": zeros}
    return SparseAutoencoder.from_weights(SAEWeights(architecture, **{**defaults, **settings}))


@pytest.mark.parametrize(
    "sae, latents",
    [
        (small("relu"), [3, 0, 0, 1]),
        (small("relu", b_enc=np.float32([0, 0, 4, -2])), [3, 0, 1, 0]),
        (small("topk", k=1), [3, 0, 0, 0]),
        (small("topk", k=4), [3, 0, 0, 1]),
        # A pre-activation equal to its threshold is not active; negative ones never are.
        (small("jumprelu", threshold=np.float32([1, 0, -9, 1])), [3, 0, 0, 0]),
        (
            small(
                "gated",
                b_gate=np.float32([-3, 2, 4, 0]),
                b_mag=np.float32([0, 2, 1, 0]),
                r_mag=np.log(np.float32([1, 1, 1, 2])),
            ),
            [0, 1, 0, 2],
        ),
        (small("matching_pursuit", max_iterations=1), [3, 0, 0, 0]),
        (small("matching_pursuit"), [3, 0, 0, 1]),
        # Steps are not divided by squared norms: 6 times (2, 0) overshoots, and so on back.
        (
            small("matching_pursuit", W_dec=np.float32([[2, 0], [-2, 0]]), max_iterations=2),
            [6, 18],
        ),
    ],
)
def test_by_hand(sae, latents):
    np.testing.assert_allclose(sae.transform([[3.0, -1.0]]).toarray(), [latents], rtol=1e-6)


def test_rescaling_selects_and_returns_by_norm():
    W_dec = np.array([[3, 0], [0, 0.5], [0, 0]], dtype=np.float32)
    W_enc = np.array([[1, 0, 9], [0, 2, 9]], dtype=np.float32)
    sae = small(
        "topk", W_dec=W_dec, W_enc=W_enc, b_enc=np.zeros(3, np.float32), k=1, rescales_by_norm=True
    )
    # Pre-activations 1, 2 and 18; by norms 3, 1 and 0.
    Z = sae.transform([[1.0, 1.0]])
    assert Z.toarray().tolist() == [[3, 0, 0]]
    assert sae.inverse_transform(Z).tolist() == [[3, 0]]
    assert sae.dictionary_.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_pursuit_that_diverges_gives_finite_latents():
    W_dec = np.float32([[100, 0], [-100, 0]])
    sae = small(
        "matching_pursuit", W_dec=W_dec, stops_on_duplicate_support=False, max_iterations=100
    )
    Z = sae.transform(np.float32([[1, 0]]))
    assert Z.nnz and np.isfinite(Z.data).all()


def test_ties_go_to_the_lowest_index():
    Z = np.array([[1, 2, 2, 2, 0], [0, -1, 0, 0, 0], [5, 4, 3, 2, 1]], dtype=np.float32)
    assert largest_positive(Z, 2).tolist() == [1, 2, 10, 11]
    assert largest_positive(Z, 5).tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 14]
    assert largest_positive(-Z, 1).tolist() == [6]


@pytest.mark.parametrize("n_latents", [1, 15, 16, 17, 100, 203])
@pytest.mark.parametrize("k", [1, 2, 15])
def test_largest_of_many_ties(n_latents, k):
    Z = np.random.default_rng(0).integers(-3, 12, (200, n_latents)).astype(np.float32)
    expected = []
    for i, z in enumerate(Z):
        best = sorted(range(n_latents), key=lambda j: (-z[j], j))[:k]
        expected += sorted(i * n_latents + j for j in best if z[j] > 0)
    assert largest_positive(Z, k).tolist() == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_samples_of_zeros_and_constants(architecture, normalization):
    weights = random_weights(architecture, rescales_by_norm=False, **normalization)
    weights = replace(weights, b_dec=np.zeros(D, np.float32))
    sae = SparseAutoencoder.from_weights(weights)
    X = np.array([np.zeros(D), np.full(D, 3.0)], dtype=np.float32)
    assert np.isfinite(sae.transform(X).data).all()
    assert np.isfinite(sae.reconstruct(X)).all()
    if architecture == "matching_pursuit":
        assert sae.transform(X[:1]).nnz == 0


RANGES = [(np.float32, (-100, -70, 70, 100)), (np.float64, (-900, -200, 200, 900))]


@pytest.mark.parametrize("dtype, exponents", RANGES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_ends_of_the_float_range(architecture, dtype, exponents):
    weights = random_weights(architecture, residual_threshold=0.0)
    # Without what is added to samples and compared with them, latents have the unit of samples.
    constants = weights.arrays().keys() - {"W_enc", "W_dec", "r_mag"}
    weights = replace(weights, **{name: 0 * getattr(weights, name) for name in constants})
    sae = SparseAutoencoder.from_weights(weights)
    X = random_samples(20).astype(dtype)
    X[0] = 0
    Z, X_hat = sae.transform(X).toarray(), sae.reconstruct(X)
    assert Z.any()
    for exponent in exponents:
        scaled = np.ldexp(X, exponent)
        found = sae.transform(scaled)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found.toarray() != 0, Z != 0)
        np.testing.assert_allclose(np.ldexp(found.toarray(), -exponent), Z, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            np.ldexp(sae.reconstruct(scaled), -exponent), X_hat, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("dtype, exponents", RANGES)
@pytest.mark.parametrize("normalization", NORMALIZATIONS[1:])
def test_normalisation_at_the_ends_of_the_float_range(normalization, dtype, exponents):
    kind = normalization["normalization"]
    sae = SparseAutoencoder.from_weights(random_weights("topk", **normalization))
    X = random_samples(20).astype(dtype)
    Z, X_hat = sae.transform(X).toarray(), sae.reconstruct(X)
    for exponent in exponents:
        if kind == "expected_average":
            # Codewords are divided by it.
            if dtype == np.float64:
                continue
            scale = math.ldexp(normalization["normalization_scale"], -exponent)
            weights = random_weights("topk", normalization=kind, normalization_scale=scale)
            sae = SparseAutoencoder.from_weights(weights)
        elif kind == "layer_norm" and exponent < 0:
            # Samples are divided by 1e-5, then.
            normalized, *_ = sae.normalize(np.ldexp(X, exponent))
            np.testing.assert_allclose(
                np.ldexp(normalized, -exponent), 1e5 * (X - X.mean(axis=1)[:, None]), rtol=1e-3
            )
            continue
        scaled = np.ldexp(X, exponent)
        np.testing.assert_allclose(sae.transform(scaled).toarray(), Z, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            np.ldexp(sae.reconstruct(scaled), -exponent), X_hat, rtol=1e-3, atol=1e-4
        )


def test_constant_samples_of_any_size_are_normalised_to_zero():
    sae = SparseAutoencoder.from_weights(random_weights("topk", normalization="layer_norm"))
    X = np.repeat(np.float32([[1e-30], [0.1], [1e10 / 3], [1e38]]), D, axis=1)
    normalized, scale, shift = sae.normalize(X)
    assert not normalized.any() and not scale.any() and (shift == X[:, :1]).all()


@pytest.mark.parametrize(
    "dtype, of_W_enc, of_W_dec",
    [(np.float32, -100, -100), (np.float32, 60, 60), (np.float64, 0, -600), (np.float64, 0, 600)],
)
def test_matrices_at_the_ends_of_the_float_range(dtype, of_W_enc, of_W_dec):
    weights = random_weights("topk", rescales_by_norm=True)
    zeros = {"b_dec": np.zeros(D, np.float32), "b_enc": np.zeros(N, np.float32)}
    weights = replace(weights, **zeros)
    X = random_samples(20)
    X_hat = SparseAutoencoder.from_weights(weights).reconstruct(X)
    W_enc = np.ldexp(weights.W_enc.astype(dtype), of_W_enc)
    W_dec = np.ldexp(weights.W_dec.astype(dtype), of_W_dec)
    # Norms multiply latents, and the encoder does once more.
    sae = SparseAutoencoder.from_weights(replace(weights, W_enc=W_enc, W_dec=W_dec))
    expected = np.ldexp(X_hat.astype(np.float64), of_W_enc + of_W_dec)
    np.testing.assert_allclose(
        sae.reconstruct(X.astype(np.float64)), expected, rtol=1e-3, atol=1e-5 * expected.max()
    )


def test_results_beyond_their_dtype_are_refused():
    sae = small("relu", W_dec=np.float32(np.full((4, 2), 2.0)), W_enc=np.ones((2, 4), np.float32))
    X = np.full((1, 2), 3e38, np.float32)
    for method in (sae.transform, sae.reconstruct):
        with pytest.raises(ValueError, match="latents|reconstructions.* float32, .*pass float64"):
            method(X)
        assert np.isfinite(method(X.astype(np.float64)).max())
        with pytest.raises(ValueError, match="latents of X .* float64, .*scale it down"):
            method(4e269 * X.astype(np.float64))
    with pytest.raises(ValueError, match="reconstructions of X .* float32"):
        sae.inverse_transform(np.full((1, 4), 3e38, np.float32))


@pytest.mark.parametrize("architecture, settings", SETTINGS[::2] + long(*SETTINGS[1::2]))
def test_blocks_and_batches_do_not_matter(architecture, settings):
    sae = SparseAutoencoder.from_weights(random_weights(architecture, **settings))
    X = random_samples(200)
    Z, X_hat = sae.transform(X), sae.reconstruct(X)
    with config_context(working_memory=0.01):
        assert sae._forward.block_length() < 20
        blocks, X_hat_blocks = sae.transform(X), sae.reconstruct(X)
    rows = np.vstack([sae.transform(x[None]).toarray() for x in X])
    for other in (blocks.toarray(), rows):
        np.testing.assert_array_equal(other != 0, Z.toarray() != 0)
        np.testing.assert_allclose(other, Z.toarray(), atol=1e-5)
    np.testing.assert_allclose(X_hat_blocks, X_hat, atol=1e-5)


def test_latents_of_all_samples_are_never_held_at_once():
    import tracemalloc

    rng = np.random.default_rng(0)
    d, n_latents, n_samples = 8, 2000, 4000
    weights = SAEWeights(
        "topk",
        rng.standard_normal((n_latents, d)).astype(np.float32),
        np.zeros(d, np.float32),
        rng.standard_normal((d, n_latents)).astype(np.float32),
        np.zeros(n_latents, np.float32),
        k=4,
    )
    sae = SparseAutoencoder.from_weights(weights)
    X = rng.standard_normal((n_samples, d)).astype(np.float32)
    sae.transform(X[:2])  # compiles
    with config_context(working_memory=4):
        tracemalloc.start()
        sae.transform(X)
        sae.reconstruct(X)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4 * 2**20 < n_samples * n_latents


def test_half_precision_is_widened_once():
    weights = random_weights("relu", dtype=ml_dtypes.bfloat16)
    forward = ForwardPass(weights)
    assert forward._W_enc is forward._W_enc and forward._W_enc.dtype == np.float32
    assert forward.dictionary is forward.dictionary and forward.dictionary.flags.c_contiguous
    plain = random_weights("relu")
    assert np.shares_memory(ForwardPass(plain).dictionary, plain.W_dec)
    assert np.shares_memory(ForwardPass(plain)._W_enc, plain.W_enc)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"architecture": "gated", "rescales_by_norm": True}, "rescales_by_norm must be False"),
        ({"normalization_scale": 0.0}, "normalization_scale must be a finite real number > 0"),
        ({"normalization_scale": math.nan}, "normalization_scale must be a finite real number > 0"),
        ({"residual_threshold": "0"}, "residual_threshold must be a finite real number"),
        ({"max_iterations": 2.5}, "max_iterations must be an integer >= 1 or None"),
    ],
)
def test_what_is_not_defined_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SparseAutoencoder.from_weights(replace(random_weights("relu"), **settings))
