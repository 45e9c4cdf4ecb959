# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from sksupercode.dictionaries import PackedSignDictionary, SignDictionary, _signs
from sksupercode.dictionaries._signs import pack_signs, random_sign_words, unpack_signs

WIDTHS = [1, 7, 63, 64, 65, 128, 200]


def random_signs(n_features, n_components, seed=0):
    return unpack_signs(
        random_sign_words(n_features, n_components, SeedSequence(seed)), n_components
    )


def both(S, **params):
    return [SignDictionary(S, **params), PackedSignDictionary(S, **params)]


# Random words


def test_known_words():
    # The codebook of a seed must never change, not even with another release of NumPy.
    words = random_sign_words(4, 70, SeedSequence(0))
    expected = [
        [0xA30FEBCFD9C2825F, 0x21],
        [0x0A7D3DA94ECDE8B8, 0x1D],
        [0xD0327A782CDE513B, 0x0E],
        [0x9B4C7B7180EDB27F, 0x05],
    ]
    assert words.dtype == np.uint64
    assert_array_equal(words, np.array(expected, dtype=np.uint64))


@pytest.mark.parametrize("n_components", WIDTHS)
def test_rows_drawn_alone_equal_rows_drawn_together(n_components):
    together = random_sign_words(50, n_components, SeedSequence(3))
    for start, stop in [(0, 1), (0, 50), (7, 8), (13, 31), (49, 50), (20, None)]:
        alone = random_sign_words(50, n_components, SeedSequence(3), start=start, stop=stop)
        assert_array_equal(alone, together[start:stop])


def test_no_rows_may_be_drawn():
    assert random_sign_words(50, 70, SeedSequence(3), start=4, stop=4).shape == (0, 2)


def test_drawing_in_blocks(monkeypatch):
    together = random_sign_words(50, 200, SeedSequence(3))
    monkeypatch.setattr(_signs, "_BLOCK_ENTRIES", 13)
    assert_array_equal(random_sign_words(50, 200, SeedSequence(3)), together)


def test_words_are_drawn_for_more_rows_than_one_block():
    n_features = _signs._BLOCK_ENTRIES + 2
    words = random_sign_words(n_features, 64, SeedSequence(3))
    tail = random_sign_words(n_features, 64, SeedSequence(3), start=n_features - 5)
    assert_array_equal(words[-5:], tail)


@pytest.mark.parametrize("n_components", WIDTHS)
def test_padding_is_zero(n_components):
    words = random_sign_words(40, n_components, SeedSequence(1))
    assert words.shape == (40, -(-n_components // 64))
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    assert not bits[:, n_components:].any()
    # Each column but the padding has both signs: all alike in 40 rows has a probability of 2^-39.
    assert np.ptp(bits[:, :n_components], axis=0).all()


def test_words_depend_on_the_seed():
    words = [random_sign_words(10, 64, SeedSequence(seed)) for seed in range(20)]
    assert len(np.unique(words)) == 200


def test_signs_are_balanced():
    n_features, n_components = 2000, 500
    S = random_signs(n_features, n_components)
    # A mean of m signs has a standard error of 1/sqrt(m); the largest of 2,000 |z| is < 5 with
    # probability 0.999.
    assert abs(S.mean()) < 4 / np.sqrt(S.size)
    assert np.abs(S.mean(axis=0)).max() < 5 / np.sqrt(n_features)
    assert np.abs(S.mean(axis=1)).max() < 5 / np.sqrt(n_components)
    # Products of neighbours, and of entries one word apart, are signs as well.
    for lag in (1, 2, 63, 64, 65):
        assert abs((S[:, lag:] * S[:, :-lag]).mean()) < 4 / np.sqrt(S[:, lag:].size)


def test_inner_products_of_codewords():
    n_features, n_components = 600, 100
    S = random_signs(n_features, n_components)
    products = (S @ S.T)[np.triu_indices(n_features, 1)] / n_components
    n_pairs = len(products)
    # Products of distinct pairs are uncorrelated, with mean 0 and variance 1/d; their squares are
    # uncorrelated too, with variance (2 - 2/d) / d^2.
    assert abs(products.mean()) < 4 * np.sqrt(1 / n_components / n_pairs)
    error = np.sqrt((2 - 2 / n_components) / n_components**2 / n_pairs)
    assert abs(np.mean(products**2) - 1 / n_components) < 4 * error


# Packing


@pytest.mark.parametrize("n_components", WIDTHS)
def test_pack_and_unpack(n_components):
    S = np.random.default_rng(0).standard_normal((9, n_components))
    words = pack_signs(S)
    assert words.dtype == np.uint64 and words.shape == (9, -(-n_components // 64))
    signs = unpack_signs(words, n_components)
    assert signs.dtype == np.float32
    assert_array_equal(signs, np.sign(S))
    assert_array_equal(pack_signs(signs), words)
    assert_array_equal(pack_signs(np.asfortranarray(S)), words)


def test_bit_r_is_entry_r():
    S = np.ones((3, 70))
    S[0, 0] = S[1, 63] = S[2, 64] = -1
    assert_array_equal(pack_signs(S), np.array([[1, 0], [2**63, 0], [0, 1]], dtype=np.uint64))


@pytest.mark.parametrize("cls", [SignDictionary, PackedSignDictionary])
@pytest.mark.parametrize(
    "signs, match",
    [
        (np.array([[True, False]]), r"dtype bool: pass 1 - 2 \* signs"),
        (np.array([[1, 0]]), "not 0"),
        (np.array([[1, np.nan]]), "finite"),
        (np.array([[1, -np.inf]]), "finite"),
        (np.array([[1, 1j]]), "dtype complex128"),
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((0, 3)), r"shape \(0, 3\)"),
        ([["a"]], "dtype <U1"),
        (csr_array(np.ones((2, 3))), "csr_array"),
    ],
)
def test_signs_are_checked(cls, signs, match):
    with pytest.raises(ValueError, match="signs must.*" + match):
        cls(signs)
    with pytest.raises(ValueError, match="scale must be a finite real number > 0"):
        cls(np.ones((2, 3)), scale=0)


@pytest.mark.parametrize("cls", [SignDictionary, PackedSignDictionary])
def test_from_words(cls):
    words = random_sign_words(30, 70, SeedSequence(0))
    dictionary = cls.from_words(words, 70)
    assert type(dictionary) is cls
    assert dictionary.shape == (30, 70)
    assert dictionary.scale == 1 / np.sqrt(70)
    S = random_signs(30, 70)
    assert_array_equal(np.asarray(dictionary), np.asarray(cls(S)))
    assert_array_equal(np.asarray(cls.from_words(words, 70, scale=2.0)), 2 * S)


@pytest.mark.parametrize("n_components", WIDTHS)
def test_norms_are_exactly_one(n_components):
    for dictionary in both(random_signs(5, n_components)):
        assert_array_equal(dictionary.squared_norms, 1)
        assert_array_equal(dictionary.unnormalized.squared_norms, n_components)


# Exact arithmetic


def python_integers(A):
    return np.array([[int(a) for a in row] for row in A], dtype=object)


@pytest.mark.parametrize("magnitude", [1, 10**3, 10**6, 10**9])
def test_integers_are_exact(magnitude):
    # 200 codewords with multiplicities: k reaches 10^11, far beyond 24 bits.
    S = random_signs(200, 70)
    rng = np.random.default_rng(0)
    Y = rng.integers(1, magnitude, size=(5, 200), endpoint=True)
    X = python_integers(Y) @ python_integers(S)
    scores = X @ python_integers(S).T
    for dictionary in both(S):
        units = dictionary.unnormalized
        assert_array_equal(python_integers(units.superpose(Y)), X)
        V = dictionary.to_units(dictionary.superpose(Y))
        assert_array_equal(python_integers(V), X)
        assert_array_equal(python_integers(units.correlate(V)), scores)


@pytest.mark.parametrize("total", [2**23, 2**24 - 1, 2**24, 2**24 + 1, 2**25 + 1, 2**40 + 1, 2**52])
def test_integers_are_exact_around_every_precision(total):
    V = np.full((1, 33), total // 33)
    V[0, 5] += total % 33
    S = np.ones((2, 33))
    S[1, ::2] = -1
    expected = python_integers(V) @ python_integers(S).T
    assert expected[0, 0] == total
    for dictionary in both(S):
        scores = dictionary.unnormalized.correlate(V.astype(np.float64))
        assert_array_equal(python_integers(scores), expected)


def test_exact_and_rounded_rows_side_by_side():
    S = random_signs(40, 70)
    V = np.zeros((6, 70))
    V[1] = S[:3].sum(axis=0)
    V[2] = V[1] + 0.25
    V[4] = 10**7 * V[1]
    V[5] = V[2] / 3
    for dictionary in both(S):
        assert_allclose(dictionary.unnormalized.correlate(V), V @ S.T, rtol=1e-12, atol=1e-12)


# Snapping to the lattice


@pytest.mark.parametrize("n_components", [1, 7, 64, 257, 1000])
@pytest.mark.parametrize("n_nonzero_coefs", [0, 1, 10, 1000, 10**5])
def test_single_precision_superpositions_are_snapped(n_components, n_nonzero_coefs):
    S = random_signs(50, n_components)
    rng = np.random.default_rng(0)
    Y = rng.multinomial(n_nonzero_coefs, np.full(50, 1 / 50), size=4)
    V = (Y @ S.astype(np.int64)).astype(np.float64)
    for dictionary in both(S):
        X = dictionary.superpose(Y)
        for dtype in (np.float64, np.float32):
            assert_array_equal(dictionary.to_units(X.astype(dtype)), V)
        assert_array_equal(dictionary.correlate(X.astype(np.float32)), dictionary.correlate(X))


def test_each_row_is_snapped_alone():
    S = random_signs(20, 64)
    dictionary = SignDictionary(S)
    X = dictionary.superpose(np.eye(20)[:4])
    X[1] += 1e-3
    X[2, 0] += 1e-3
    X = X.astype(np.float32)
    V = dictionary.to_units(X)
    assert_array_equal(V[[0, 3]], S[[0, 3]])
    assert_array_equal(V[[1, 2]], X[[1, 2]].astype(np.float64) / dictionary.scale)
    assert np.all(V[1] != S[1])


@pytest.mark.parametrize("n_components", [1, 7, 64, 257])
@pytest.mark.parametrize("magnitude", [1e-300, 1e-30, 1e-9, 1e-3, 1.0, 1e3, 1e9, 1e30, 1e300])
def test_real_samples_of_any_magnitude_survive(n_components, magnitude):
    S = random_signs(30, n_components)
    X = magnitude * np.random.default_rng(0).standard_normal((20, n_components))
    for dictionary in both(S):
        # Snapping may move a large sample by what is rounding to float32, and no sample by more.
        assert_allclose(dictionary.to_units(X) * dictionary.scale, X, rtol=0, atol=1e-6 * magnitude)
        bound = 1e-12 * (np.abs(X) @ np.abs(np.asarray(dictionary).T))
        V = dictionary.to_units(X)
        scores = dictionary.unnormalized.correlate(V) * dictionary.scale**2
        assert np.all(np.abs(scores - V * dictionary.scale @ np.asarray(dictionary).T) <= bound)
        # In one dimension the dictionary is its own unnormalised one, which does not snap.
        assert_allclose(dictionary.correlate(X), scores, rtol=1e-6 if n_components == 1 else 0)


@pytest.mark.parametrize("magnitude", [1e6, 1e9, 1e12])
def test_small_entries_survive_beside_large_ones(magnitude):
    dictionary = SignDictionary(random_signs(30, 64))
    X = np.random.default_rng(0).standard_normal((4, 64))
    X[:, 0] = magnitude
    assert_allclose(dictionary.to_units(X) * dictionary.scale, X, rtol=1e-14)


@pytest.mark.parametrize("magnitude", [1e-30, 1e-9, 1e-3])
def test_small_multiples_of_superpositions_are_not_snapped_to_zero(magnitude):
    S = random_signs(30, 64)
    for dictionary in both(S):
        X = dictionary.superpose(np.ones((1, 30)))
        assert_allclose(
            dictionary.correlate(magnitude * X),
            magnitude * dictionary.correlate(X),
            rtol=1e-12,
            atol=1e-12 * magnitude,
        )


def test_the_smallest_numbers_have_finite_scores():
    X = np.full((1, 64), np.finfo(np.float64).smallest_subnormal)
    for dictionary in both(random_signs(30, 64)):
        scores = dictionary.correlate(X)
        assert np.all(np.abs(scores) <= 1e-300)


# Order does not matter


def noisy_samples(dictionary):
    rng = np.random.default_rng(0)
    Y = rng.random((40, dictionary.shape[0])) < 0.03
    return dictionary.superpose(Y) + 0.3 * rng.standard_normal((40, dictionary.shape[1]))


@pytest.mark.parametrize("n_components", [7, 65, 200])
def test_noisy_scores_do_not_depend_on_any_order(n_components):
    S = random_signs(300, n_components)
    X = noisy_samples(SignDictionary(S))
    expected = SignDictionary(S).correlate(X)
    rng = np.random.default_rng(1)
    for _ in range(5):
        components, features, samples = map(rng.permutation, (n_components, 300, 40))
        for dictionary in both(S[features][:, components]):
            scores = dictionary.correlate(X[samples][:, components])
            assert_array_equal(scores, expected[samples][:, features])
    for dictionary in both(S):
        assert_array_equal(np.vstack([dictionary.correlate(x[np.newaxis]) for x in X]), expected)


@pytest.mark.parametrize("block_entries", [1, 200, 1003, 10**6])
def test_noisy_scores_do_not_depend_on_blocks_and_storage(block_entries, monkeypatch):
    S = random_signs(300, 200)
    X = noisy_samples(SignDictionary(S))
    expected = SignDictionary(S).correlate(X)
    monkeypatch.setattr(_signs, "_BLOCK_ENTRIES", block_entries)
    for dictionary in both(S):
        assert_array_equal(dictionary.correlate(X), expected)


@pytest.mark.parametrize("n_components", [7, 65, 200, 2000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noisy_scores_equal_the_plain_product(n_components, dtype):
    S = random_signs(100, n_components)
    X = noisy_samples(SignDictionary(S)).astype(dtype)
    for dictionary in both(S):
        scores = dictionary.correlate(X)
        # Relative to the norm of the sample: a score is at most that.
        error = np.abs(scores - X.astype(np.float64) @ np.asarray(dictionary).T).max(axis=1)
        assert np.all(error <= 1e-12 * np.linalg.norm(X, axis=1))
