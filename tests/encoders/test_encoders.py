# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_matrix, csc_array, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from sksupercode import RademacherEncoder, SphericalEncoder
from sksupercode.dictionaries import PackedSignDictionary, SeededSignDictionary, SignDictionary
from sksupercode.dictionaries._signs import pack_signs

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


@each_kind
def test_codebook_is_a_function_of_its_recipe_alone(kind):
    expected = np.asarray(kind(random_state=5).codebook(30, 20))
    others = [
        kind(n_components=99, random_state=5),
        kind(n_features=12, random_state=5),
        kind(random_state=np.int32(5)),
        kind(n_components=8, random_state=5).fit(codes(4, 6)),
        kind(n_components=20, random_state=5).fit(codes(4, 30)),
        kind(random_state=7).fit(codes()).set_params(random_state=5),
    ]
    for encoder in others:
        assert_array_equal(np.asarray(encoder.codebook(30, 20)), expected)
    fitted = kind(n_components=20, random_state=5).fit(csr_array((1, 30)))
    assert_array_equal(np.asarray(fitted.dictionary_), expected)
    codebook = kind(random_state=5).codebook(np.int64(30), np.int32(20))
    assert_array_equal(np.asarray(codebook), expected)


def overlap(F, G):
    """Return the mean cosine of rows, times the root of its number of terms: z if unrelated."""
    n_features, n_components = F.shape
    return np.sum(np.asarray(F, dtype=float) * np.asarray(G)) * np.sqrt(n_components / n_features)


@each_kind
def test_codebooks_of_other_recipes_are_unrelated(kind):
    F = np.asarray(kind(random_state=0).codebook(50, 40))
    assert overlap(F, F) == pytest.approx(np.sqrt(50 * 40), rel=1e-5)
    others = [
        kind(random_state=1).codebook(50, 40),
        kind(random_state=2**32).codebook(50, 40),
        np.asarray(kind(random_state=0).codebook(51, 40))[:50],
        np.asarray(kind(random_state=0).codebook(50, 41))[:, :40],
        np.asarray(kind(random_state=0).codebook(40, 50)).T,
    ]
    # Independent codebooks give a z of mean 0 and variance 1: 4 is a chance of 1e-4 each.
    for G in others:
        assert abs(overlap(F, G)) < 4


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


@each_encoder
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, csr_array, csr_matrix, csc_array, coo_matrix])
def test_encoding_is_superposition(encoder, dtype, container):
    Y = codes()
    X = clone(encoder).fit_transform(container(Y.astype(dtype)))
    assert X.dtype == (np.float32 if dtype is np.float32 else np.float64)
    F = np.asarray(encoder.codebook(30, 70), dtype=np.float64)
    rtol = 1e-6 if X.dtype == np.float32 else 1e-12
    assert X.shape == (8, 70) and X.flags.writeable
    assert np.all(np.abs(X - Y @ F) <= rtol * (np.abs(Y) @ np.abs(F)))


@each_encoder
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_encoding_bools(encoder, container):
    Y = codes() != 0
    X = clone(encoder).fit_transform(container(Y))
    assert X.dtype == np.float64
    assert_allclose(X, Y @ np.asarray(encoder.codebook(30, 70), dtype=np.float64), atol=1e-12)


@each_encoder
def test_encoding_empty_codes(encoder):
    Y = np.zeros((3, 30))
    assert_array_equal(clone(encoder).fit_transform(Y), np.zeros((3, 70)))
    assert_array_equal(clone(encoder).fit_transform(csr_array(Y)), np.zeros((3, 70)))


@each_encoder
def test_rows_are_encoded_alone(encoder):
    Y = codes()[1:]
    fitted = clone(encoder).fit(Y)
    together = fitted.transform(Y)
    rows = np.vstack([fitted.transform(Y[i : i + 1]) for i in range(len(Y))])
    assert_allclose(rows, together, rtol=1e-12, atol=1e-12)
    if isinstance(encoder, RademacherEncoder):
        assert_array_equal(rows, together)


@each_encoder
def test_input_is_not_modified(encoder):
    Y = codes().astype(np.float64)
    sparse = csr_array(Y)
    before = pickle.dumps(sparse)
    clone(encoder).fit_transform(sparse)
    assert pickle.dumps(sparse) == before
    clone(encoder).fit_transform(Y)
    assert_array_equal(Y, codes())


@each_encoder
def test_fit_needs_only_the_number_of_columns(encoder):
    fitted = clone(encoder).fit(csr_array((1, 30)))
    assert fitted.n_features_in_ == 30
    assert_array_equal(fitted.transform(codes()), clone(encoder).fit(codes()).transform(codes()))


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


@each_kind
@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("name", ["n_components", "n_features"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "8", np.nan, [8]], ids=str)
def test_illegal_sizes(kind, random_state, name, value):
    encoder = kind(random_state=random_state).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name} must be an integer >= 1"):
        encoder.fit(codes())


@each_kind
@pytest.mark.parametrize("value", ["a", -1, 1.5, True, np.True_, [1, 2], np.random], ids=str)
def test_illegal_random_states(kind, value):
    with pytest.raises(ValueError, match="random_state must be an integer >= 0"):
        kind(random_state=value).fit(codes())


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("value", ["x", "", None, 1, True], ids=str)
def test_illegal_storage(random_state, value):
    message = "storage must be one of 'auto', 'dense', 'packed', 'seed'"
    with pytest.raises(ValueError, match=message):
        RademacherEncoder(storage=value, random_state=random_state).fit(codes())


@each_kind
@pytest.mark.parametrize("random_state", [0, None])
def test_n_features_must_match(kind, random_state):
    encoder = kind(n_features=31, random_state=random_state)
    with pytest.raises(ValueError, match=r"30 columns.*n_features=31"):
        encoder.fit(codes())
    assert kind(n_features=30, random_state=random_state).fit(codes()).dictionary_.shape[0] == 30


@each_kind
@pytest.mark.parametrize(
    "Y, message",
    [
        (np.ones(30), "2D array"),
        (np.full((2, 30), np.nan), "NaN"),
        (np.full((2, 30), np.inf), "infinity"),
        (csr_array(np.full((2, 30), np.nan)), "NaN"),
        (np.full((2, 30), "word"), "could not convert|dtype='numeric'"),
        (np.empty((0, 30)), "0 sample"),
        (np.ones((2, 29)), "29 features.*expecting 30"),
        (csr_array((2, 31)), "31 features.*expecting 30"),
        (np.ones((2, 30, 1)), "dim 3"),
        (np.full((2, 30), 1j), "Complex"),
    ],
    ids=["1d", "nan", "inf", "sparse nan", "text", "empty", "narrow", "wide", "3d", "complex"],
)
def test_illegal_codes(kind, Y, message):
    encoder = kind(random_state=0).fit(codes())
    with pytest.raises(ValueError, match=message):
        encoder.transform(Y)
    if "expecting" not in message:
        with pytest.raises(ValueError, match=message):
            kind(random_state=0).fit(Y)


@each_kind
def test_unfitted(kind):
    with pytest.raises(NotFittedError):
        kind(random_state=0).transform(codes())


# Randomness


@each_kind
@pytest.mark.parametrize("random_state", [0, np.int64(0), np.uint8(3)], ids=repr)
def test_an_integer_is_a_recipe(kind, random_state):
    encoder = kind(random_state=random_state)
    assert encoder.has_recipe
    assert_array_equal(encoder.fit_transform(codes()), clone(encoder).fit_transform(codes()))


@each_kind
@pytest.mark.parametrize(
    "random_state", [None, np.random.RandomState(0), np.random.default_rng(0)], ids=str
)
def test_anything_else_names_no_codebook(kind, random_state):
    encoder = kind(random_state=random_state)
    assert not encoder.has_recipe
    with pytest.raises(ValueError, match=r"random_state=.*names no codebook"):
        encoder.codebook(30, 20)
    assert encoder.fit(codes()).dictionary_.shape == (30, 256)
    with pytest.raises(ValueError, match=r"random_state=.*names no codebook"):
        encoder.codebook(30, 256)


@each_kind
@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_generators_advance_and_can_be_repeated(kind, make):
    def draw_two(random_state):
        encoder = kind(40, random_state=random_state)
        return [np.asarray(encoder.fit(codes(2, 50)).dictionary_) for _ in range(2)]

    first, second = draw_two(make(0))
    assert abs(overlap(first, second)) < 4
    again = draw_two(make(0))
    assert_array_equal(again[0], first)
    assert_array_equal(again[1], second)
    assert abs(overlap(first, draw_two(make(1))[0])) < 4


@each_kind
def test_a_clone_takes_a_copy_of_the_generator(kind):
    encoder = kind(40, random_state=np.random.RandomState(0))
    twin = clone(encoder)
    assert_array_equal(encoder.fit_transform(codes()), twin.fit_transform(codes()))


@each_kind
def test_no_seed_gives_a_fresh_codebook_in_each_fit(kind):
    encoder = kind(40)
    first, second = (np.asarray(encoder.fit(codes(2, 50)).dictionary_) for _ in range(2))
    # Unseeded on purpose; |z| > 6 has a probability of 2e-9.
    assert abs(overlap(first, second)) < 6


@each_kind
@pytest.mark.parametrize(
    "random_state", [0, None, np.random.RandomState(0), np.random.default_rng(0)], ids=str
)
def test_numpy_s_global_state_is_left_alone(kind, random_state):
    before = np.random.get_state()  # noqa: NPY002
    kind(random_state=random_state).fit_transform(codes(3, 31))
    after = np.random.get_state()  # noqa: NPY002
    assert_array_equal(after[1], before[1])
    assert after[2:] == before[2:]


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
def test_feature_names_out(encoder):
    fitted = clone(encoder).set_params(n_components=3).fit(codes())
    prefix = type(encoder).__name__.lower()
    assert_array_equal(fitted.get_feature_names_out(), [f"{prefix}{i}" for i in range(3)])


@each_encoder
def test_pandas_in_and_out(encoder):
    pd = pytest.importorskip("pandas")
    Y = codes()
    frame = pd.DataFrame(Y, columns=[f"word{i}" for i in range(30)], index=np.arange(8)[::-1])
    fitted = clone(encoder).set_output(transform="pandas").fit(frame)
    X = fitted.transform(frame)
    assert_array_equal(X.index, frame.index)
    assert_array_equal(X.columns, fitted.get_feature_names_out())
    assert_array_equal(X, clone(encoder).fit_transform(Y))
    assert_array_equal(fitted.feature_names_in_, frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame[frame.columns[::-1]])


@each_encoder
def test_tags(encoder):
    tags = get_tags(encoder)
    assert tags.input_tags.sparse
    assert set(tags.transformer_tags.preserves_dtype) == {"float32", "float64"}
    assert not tags.target_tags.required


@each_encoder
def test_clone_and_pickle(encoder):
    fitted = clone(encoder).fit(codes())
    assert clone(fitted).get_params() == encoder.get_params()
    assert not hasattr(clone(fitted), "dictionary_")
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.transform(codes()), fitted.transform(codes()))
    assert_array_equal(loaded.fit_transform(codes()), fitted.transform(codes()))


@each_kind
def test_an_unseeded_encoder_keeps_its_codebook_in_a_pickle(kind):
    fitted = kind().fit(codes())
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.transform(codes()), fitted.transform(codes()))


@each_encoder
def test_refitting_follows_the_parameters(encoder):
    fitted = clone(encoder).fit(codes())
    fitted.set_params(n_components=20, random_state=9).fit(codes(4, 12))
    assert fitted.dictionary_ is fitted.codebook(12, 20)
    assert fitted.n_features_in_ == 12
