# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.utils import get_tags

from sksupercode import RademacherEncoder, SphericalEncoder
from sksupercode.dictionaries import PackedSignDictionary, SeededSignDictionary, SignDictionary
from sksupercode.dictionaries._signs import pack_signs
from sksupercode.testing import all_estimators, encoder_checks

KINDS = [RademacherEncoder, SphericalEncoder]
ENCODERS = [
    RademacherEncoder(70, storage="dense", random_state=0),
    RademacherEncoder(70, storage="packed", random_state=0),
    SphericalEncoder(70, random_state=0),
]
each_kind = pytest.mark.parametrize("kind", KINDS)
each_encoder = pytest.mark.parametrize("encoder", ENCODERS, ids=str)


def codes(n_samples=8, n_features=30):
    """Return small integers, mostly 0; the first row is empty."""
    rng = np.random.default_rng(0)
    Y = rng.integers(-2, 4, (n_samples, n_features)) * (rng.random((n_samples, n_features)) < 0.3)
    Y[0] = 0
    return Y


@pytest.mark.parametrize(
    "encoder, check",
    [
        pytest.param(encoder, check, id=f"{type(encoder).__name__}-{check.__name__}")
        for encoder in [cls() for _, cls in all_estimators("encoder")]
        + [RademacherEncoder(storage="packed"), RademacherEncoder(storage="seed")]
        for check in encoder_checks(encoder)
    ],
)
def test_contract(encoder, check):
    check(encoder)


# The codebook


def test_known_rademacher_codebook():
    # Whoever shares a seed shares the codebook: it must never change.
    signs = np.asarray(RademacherEncoder(random_state=0).codebook(3, 70))
    expected = [
        [0x055CA423FCB63E18, 0x1F],
        [0x2214CD7CFE273173, 0x3A],
        [0x7370609ACF2CE9DE, 0x03],
    ]
    assert_array_equal(pack_signs(signs), np.array(expected, dtype=np.uint64))


def test_known_spherical_codebook():
    codebook = np.asarray(SphericalEncoder(random_state=0).codebook(2, 3))
    expected = [
        [-0.3300403654575348, -0.7108479738235474, 0.6211026310920715],
        [0.5470395088195801, 0.6735261678695679, 0.49710187315940857],
    ]
    assert_allclose(codebook, expected, rtol=1e-6)


@pytest.mark.parametrize("n_features, n_components", [(1, 1), (5, 7), (40, 64), (300, 65)])
def test_codebook_is_the_same_in_every_storage(n_features, n_components):
    codebooks = {
        storage: RademacherEncoder(storage=storage, random_state=3).codebook(
            n_features, n_components
        )
        for storage in ("auto", "dense", "packed", "seed")
    }
    assert type(codebooks["dense"]) is SignDictionary
    assert type(codebooks["packed"]) is PackedSignDictionary
    assert type(codebooks["seed"]) is SeededSignDictionary
    for codebook in codebooks.values():
        assert codebook.shape == (n_features, n_components)
        assert_array_equal(np.asarray(codebook), np.asarray(codebooks["dense"]))


def test_auto_storage_packs_large_codebooks():
    encoder = RademacherEncoder(random_state=0)
    assert type(encoder.codebook(2**9, 2**9)) is SignDictionary
    assert type(encoder.codebook(2**9 + 1, 2**9)) is PackedSignDictionary


def overlap(F, G):
    """Return the mean cosine of rows, times the root of its number of terms: z if unrelated."""
    n_features, n_components = F.shape
    return np.sum(np.asarray(F, dtype=float) * np.asarray(G)) * np.sqrt(n_components / n_features)


# None of them may ever change: they read what was written with them years ago.
DIGESTS = {
    "BoundEncoder": "5cb95550747178a5",
    "CoupledEncoder": "e1f1f99a410705ea",
    "HadamardEncoder": "40eeb40650781311",
    "RademacherEncoder": "b831e1507b08bbd4",
}


def test_a_seed_names_the_same_codebook_for_ever():
    kinds = dict(all_estimators("encoder"))
    assert set(DIGESTS) == set(kinds) - {"SphericalEncoder"}
    for name, digest in DIGESTS.items():
        signs = np.sign(np.asarray(kinds[name](random_state=11).codebook(200, 64)))
        assert hashlib.sha256(signs.astype(np.int8).tobytes()).hexdigest()[:16] == digest
    F = np.asarray(SphericalEncoder(random_state=11).codebook(200, 64))
    # Lengths are rounded in ways that differ.
    np.testing.assert_allclose(
        F[0, :3], [-0.00416932, 0.02698941, -0.10066748], rtol=1e-6, atol=1e-8
    )


def test_kinds_are_unrelated():
    F, G = (np.asarray(kind(random_state=0).codebook(50, 40)) for kind in KINDS)
    assert abs(overlap(F, G)) < 4
    assert abs(overlap(np.sign(F), np.sign(G)) / 40) < 4


def test_seeds_may_be_large():
    F, G = (
        np.asarray(RademacherEncoder(random_state=seed).codebook(50, 40))
        for seed in (2**200, 2**200 + 1)
    )
    assert abs(overlap(F, G)) < 4


SCRIPT = """
import hashlib, numpy as np
from sksupercode import RademacherEncoder, SphericalEncoder
for kind in RademacherEncoder, SphericalEncoder:
    codebook = np.asarray(kind(random_state=11).codebook(200, 65))
    print(hashlib.sha256(codebook.tobytes()).hexdigest())
"""


def test_other_processes_draw_the_same_codebook():
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    expected = [
        hashlib.sha256(np.asarray(kind(random_state=11).codebook(200, 65)).tobytes()).hexdigest()
        for kind in KINDS
    ]
    assert result.stdout.split() == expected


@each_encoder
@pytest.mark.parametrize("n_components", [1, 2, 64, 1000])
def test_codewords_have_unit_norm(encoder, n_components):
    codebook = encoder.codebook(100, n_components)
    norms = np.linalg.norm(np.asarray(codebook, dtype=np.float64), axis=1)
    assert_allclose(norms, 1, rtol=1e-6)
    assert_allclose(codebook.squared_norms, 1, rtol=1e-6)


def test_spherical_codewords_are_uniform():
    n_features, n_components = 20_000, 8
    F = np.asarray(SphericalEncoder(random_state=0).codebook(n_features, n_components), float)
    assert len(np.unique(F, axis=0)) == n_features
    # Entries have mean 0 and variance 1/d; a coordinate's square is Beta(1/2, (d-1)/2), of variance
    # 2 (d-1) / (d^2 (d+2)), and a product of two coordinates has variance 1 / (d (d+2)).
    d = n_components
    assert np.abs(F.mean(axis=0)).max() < 4 / np.sqrt(d * n_features)
    second_moments = F.T @ F / n_features
    error = np.full((d, d), np.sqrt(1 / (d * (d + 2)) / n_features))
    np.fill_diagonal(error, np.sqrt(2 * (d - 1) / (d**2 * (d + 2)) / n_features))
    assert np.all(np.abs(second_moments - np.eye(d) / d) < 4 * error)
    # Beyond second moments: the mean fourth power along any direction is 3 / (d (d + 2)), with an
    # error from E f^8 = 105 / (d (d+2) (d+4) (d+6)).
    directions = np.linalg.qr(np.random.default_rng(1).standard_normal((d, d)))[0]
    fourth = ((F @ directions) ** 4).mean(axis=0)
    expected = 3 / (d * (d + 2))
    error = np.sqrt((105 / (d * (d + 2) * (d + 4) * (d + 6)) - expected**2) / n_features)
    assert np.abs(fourth - expected).max() < 4 * error


def test_spherical_codewords_in_one_dimension_are_signs():
    F = np.asarray(SphericalEncoder(random_state=0).codebook(1000, 1))
    assert_array_equal(np.unique(F), [-1, 1])
    assert abs(F.mean()) < 4 / np.sqrt(1000)


# Encoding


def test_exact_encoding_is_the_same_in_both_storages():
    Y = np.random.default_rng(0).random((50, 400)) < 0.1
    dense, packed = (
        RademacherEncoder(65, storage=storage, random_state=1).fit_transform(csr_array(Y))
        for storage in ("dense", "packed")
    )
    assert_array_equal(dense, packed)


# Parameters and input


def test_defaults():
    assert RademacherEncoder().get_params() == {
        "n_components": 256,
        "n_features": None,
        "power_allocation": None,
        "storage": "auto",
        "random_state": None,
    }
    assert SphericalEncoder().get_params() == {
        "n_components": 256,
        "n_features": None,
        "power_allocation": None,
        "random_state": None,
    }
    assert RademacherEncoder(n_components=3).fit_transform(codes()).shape == (8, 3)


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("value", ["x", "", None, 1, True], ids=str)
def test_illegal_storage(random_state, value):
    message = "storage must be one of 'auto', 'dense', 'packed', 'seed'"
    with pytest.raises(ValueError, match=message):
        RademacherEncoder(storage=value, random_state=random_state).fit(codes())


# Randomness


@each_encoder
def test_numpy_s_global_state_does_not_matter(encoder):
    codebooks = []
    saved = np.random.get_state()  # noqa: NPY002
    try:
        for seed in (0, 1):
            np.random.seed(seed)  # noqa: NPY002
            # Nobody keeps the first codebook, so the second is drawn anew.
            codebooks.append(np.array(encoder.codebook(13, 9)))
    finally:
        np.random.set_state(saved)  # noqa: NPY002
    assert_array_equal(*codebooks)


# scikit-learn


@each_encoder
def test_tags(encoder):
    tags = get_tags(encoder)
    assert tags.input_tags.sparse
    assert set(tags.transformer_tags.preserves_dtype) == {"float32", "float64"}
    assert not tags.target_tags.required
