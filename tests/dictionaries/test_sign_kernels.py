"""The compiled kernels against exact arithmetic on Python's integers and fractions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from sksupercode._utils import _threads
from sksupercode.dictionaries import (
    PackedSignDictionary,
    SeededSignDictionary,
    SignDictionary,
    _packed_signs,
    _signs,
)
from sksupercode.dictionaries._packed_signs import compilation_is_enabled
from sksupercode.dictionaries._signs import random_sign_words, unpack_signs
from sksupercode.dictionaries._subset import subset
from tests.marks import needs_kernels

if compilation_is_enabled():
    from sksupercode.dictionaries._sign_kernels import (
        LANES,
        MOST_PLANES,
        add_correlations,
        gather,
        interleave,
        superpose,
        to_planes,
    )

pytestmark = needs_kernels

WIDTHS = [1, 2, 63, 64, 65, 127, 128, 129, 200]
LENGTHS = [1, 2, 31, 32, 33, 64, 95, 97]


def problem(n_features, n_components, seed=0):
    """Lanes of random signs, and the signs."""
    words = random_sign_words(n_features, n_components, SeedSequence(seed))
    lanes = np.zeros((-(-n_features // LANES), words.shape[1], LANES), dtype=np.uint64)
    interleave(words, lanes)
    return lanes, unpack_signs(words, n_components).astype(np.int64)


# Planes


def decompose(vector):
    """Return the digits of the planes as lists, the sum of their masks, and the unit."""
    vector = np.array(vector, dtype=np.float64)
    planes = np.full((MOST_PLANES, _signs.n_words(len(vector)), 2), 2**64 - 1, dtype=np.uint64)
    n_planes, weighted_sum, unit = to_planes(vector, planes)
    assert n_planes <= MOST_PLANES
    digits = []
    for mask, negative in np.moveaxis(planes[:n_planes], 2, 1).tolist():
        bits = [(mask[r // 64] >> r % 64 & 1) for r in range(len(vector))]
        signs = [(negative[r // 64] >> r % 64 & 1) for r in range(len(vector))]
        assert all(m >= s for m, s in zip(bits, signs, strict=True)), "a sign where there is no 1"
        # What was in the array before is gone, past the end of the vector too.
        assert sum(map(int.bit_count, mask)) == sum(bits)
        digits.append([m - 2 * s for m, s in zip(bits, signs, strict=True)])
    assert weighted_sum == sum(3**p * sum(map(abs, row)) for p, row in enumerate(digits))
    return digits, unit


def reconstruct(digits, unit, length):
    totals = [sum(3**p * row[r] for p, row in enumerate(digits)) for r in range(length)]
    return [Fraction(unit) * total for total in totals]


def fewest_planes(vector, unit):
    """How many digits of balanced ternary the largest entry takes, in exact arithmetic."""
    largest, n_planes = max(abs(Fraction(float(value))) for value in vector) / Fraction(unit), 0
    while (3**n_planes - 1) // 2 < round(largest):
        n_planes += 1
    return n_planes


def one_nonzero(length, place, value):
    vector = np.zeros(length)
    vector[place] = value
    return vector


def integer_vectors():
    rng = np.random.default_rng(0)
    for length in WIDTHS:
        for largest in (1, 2, 13, 14, 1000, 2**31, 2**51 // length):
            mixed = rng.integers(-largest, largest, length, endpoint=True)
            yield from (mixed, 2 * (mixed // 2), 2 * (mixed // 2) + 1, -np.abs(mixed))
        yield np.zeros(length)
        yield np.full(length, -0.0)
        for value in (1, -1, 2, -4, 40, 41, 121, -122, 2**51, -(2**51), 2**51 - 1, 2**52 - 1):
            yield one_nonzero(length, rng.integers(length), value)


def test_planes_of_integers_are_exact_and_few():
    n_tested = 0
    for vector in integer_vectors():
        vector = np.asarray(vector, dtype=np.float64)
        if sum(map(abs, map(int, vector))) >= 2**52:
            continue
        digits, unit = decompose(vector)
        assert unit == (1 if np.any(vector % 2) else 2)
        assert reconstruct(digits, unit, len(vector)) == [int(value) for value in vector]
        assert len(digits) == fewest_planes(vector, unit)
        n_tested += 1
    assert n_tested > 300


@pytest.mark.parametrize(
    "largest, n_planes", [(0, 0), (1, 1), (2, 2), (4, 2), (5, 3), (13, 3), (14, 4), (40, 4)]
)
def test_number_of_planes(largest, n_planes):
    """One up to 1, two up to 4, three up to 13; twice as far where all are even."""
    odd = one_nonzero(5, 2, largest)
    odd[4] = 1 if largest else 0
    assert len(decompose(odd)[0]) == n_planes
    assert len(decompose(2 * odd)[0]) == n_planes
    assert len(decompose(-odd)[0]) == n_planes


def real_vectors():
    rng = np.random.default_rng(0)
    smallest = np.finfo(np.float64).smallest_subnormal
    for length in WIDTHS:
        normal = rng.standard_normal(length)
        for magnitude in (1e-320, 1e-308, 1e-300, 1e-20, 1.0, 1e6, 1e15, 1e16, 1e100, 1e300):
            yield magnitude * normal
        yield smallest * rng.integers(-5, 6, length)
        yield one_nonzero(length, length // 2, smallest)
        yield one_nonzero(length, 0, 1e300)
        yield one_nonzero(length, length - 1, -0.1)
        yield np.full(length, 1 / 3)
        yield normal * 10.0 ** rng.integers(-20, 20, length)
        yield np.append(normal[1:], 2.0**52)
        yield np.rint(normal * 2.0**60)
        yield rng.integers(-9, 9, length) + 0.5
        for edge in (2.0**51, 2.0**52, 2.0**53):
            yield one_nonzero(length, 0, edge)
            yield one_nonzero(length, 0, np.nextafter(edge, 0))


def test_planes_of_reals_are_as_close_as_52_bits():
    most = 0
    for vector in real_vectors():
        digits, unit = decompose(vector)
        exact = [Fraction(float(value)) for value in vector]
        rounded = reconstruct(digits, unit, len(vector))
        # Any sum of these is a multiple of the unit that float64 can hold.
        assert sum(map(abs, rounded)) / Fraction(unit) <= 2**52 + len(vector)
        error = max(abs(a - b) for a, b in zip(exact, rounded, strict=True))
        assert error <= sum(map(abs, exact)) / 2**52
        assert len(digits) == fewest_planes(vector, unit)
        assert math.frexp(unit)[0] == 0.5
        most = max(most, len(digits))
    # The longest are as long as they may be, but for one.
    assert MOST_PLANES - 2 <= most <= MOST_PLANES


# Layout


@pytest.mark.parametrize("n_features", LENGTHS)
@pytest.mark.parametrize("width", [1, 2, 3])
def test_gather_undoes_interleave(n_features, width):
    rng = np.random.default_rng(n_features)
    words = rng.integers(0, 2**64, (n_features, width), dtype=np.uint64)
    lanes = np.zeros((-(-n_features // LANES) + 1, width, LANES), dtype=np.uint64)
    interleave(words, lanes)
    for i in range(n_features):
        assert_array_equal(lanes[i // 32, :, i % 32], words[i])
    assert not lanes[:, :, :].transpose(0, 2, 1).reshape(-1, width)[n_features:].any()
    permutation = rng.permutation(n_features)
    for indices in (
        np.arange(n_features),
        permutation,
        permutation[: n_features // 2],
        rng.integers(0, n_features, 40),
        np.empty(0, dtype=np.int64),
    ):
        chosen = gather(lanes, indices)
        assert chosen.shape == (-(-len(indices) // 32), width, 32)
        rows = chosen.transpose(0, 2, 1).reshape(-1, width)
        assert_array_equal(rows[: len(indices)], words[indices])
        assert not rows[len(indices) :].any()


# Correlations


@pytest.mark.parametrize("n_components", WIDTHS)
@pytest.mark.parametrize("n_features", LENGTHS)
def test_correlations_are_integer_products(n_components, n_features):
    lanes, S = problem(n_features, n_components)
    rng = np.random.default_rng([n_features, n_components])
    V = rng.integers(-50, 51, (6, n_components))
    V[1] *= 2
    V[2] *= 10**9
    V[3] = 0
    V[4] = S[0]
    scores = np.zeros((6, n_features))
    add_correlations(lanes, 0, V.astype(np.float64), np.arange(6), scores, 0, len(lanes))
    assert_array_equal(scores, V @ S.T)
    assert scores[4, 0] == n_components


@pytest.mark.parametrize("n_features", [33, 64, 150])
@pytest.mark.parametrize("n_components", [64, 70])
@pytest.mark.parametrize("cache", [1, 2**18])
def test_any_part_and_any_rows(n_features, n_components, cache, monkeypatch):
    """Scores are added to, others left alone, whichever groups are asked for."""
    lanes, S = problem(n_features, n_components)
    rng = np.random.default_rng(1)
    n_groups = len(lanes)
    V = rng.integers(-9, 10, (3, n_components))
    for start in range(n_groups + 1):
        for stop in range(start, n_groups + 1):
            for rows in ([], [2], [4, 0, 2]):
                before = rng.integers(-100, 101, (5, n_features))
                wanted = before.copy()
                part = slice(32 * start, 32 * stop)
                wanted[rows, part] += V[: len(rows)] @ S[part].T
                for origin in {0, start}:
                    scores = before.astype(np.float64)
                    add_correlations(
                        lanes[origin:],
                        origin,
                        V[: len(rows)].astype(np.float64),
                        np.array(rows, dtype=np.int64),
                        scores,
                        start,
                        stop,
                    )
                    assert_array_equal(scores, wanted)


def test_more_codewords_than_the_cache_holds():
    n_features = 2**18 // 64 + 77
    lanes, S = problem(n_features, 500)
    V = np.random.default_rng(0).integers(-9, 10, (3, 500))
    scores = np.zeros((3, n_features))
    add_correlations(lanes, 0, V.astype(np.float64), np.arange(3), scores, 0, len(lanes))
    assert_array_equal(scores, V @ S.T)


@pytest.mark.parametrize("n_components", [1, 65, 200])
def test_superpose_equals_the_product(n_components):
    lanes, S = problem(70, n_components)
    rng = np.random.default_rng(0)
    Y = rng.integers(-3, 4, (8, 170)) * (rng.random((8, 170)) < 0.2)
    Y[[0, 5]] = 0
    n_words = lanes.shape[1]
    for values in (Y, 10**6 * Y):
        csr = csr_array(values.astype(np.float64))
        indptr, indices = csr.indptr.astype(np.int64), csr.indices.astype(np.int64)
        for first in (0, 100, 50):
            out = np.ones((8, 64 * n_words))
            # In two parts, as two threads would
            for words in pairwise(sorted({0, n_words // 2, n_words})):
                superpose(lanes, words, indptr, indices, csr.data, (first, first + 70), out)
            wanted = 1 + values[:, first : first + 70] @ S
            assert_array_equal(out[:, :n_components], wanted)


def test_superpose_adds_in_the_order_of_the_codewords():
    n_features = 2**18 // 64 + 77
    lanes, S = problem(n_features, 130)
    Y = np.random.default_rng(0).normal(size=n_features)
    csr = csr_array(Y[np.newaxis])
    indptr, indices = csr.indptr.astype(np.int64), csr.indices.astype(np.int64)
    out = np.zeros((1, 64 * lanes.shape[1]))
    superpose(lanes, (0, lanes.shape[1]), indptr, indices, csr.data, (0, n_features), out)
    assert_array_equal(out[0, :130], np.cumsum(Y[:, np.newaxis] * S, axis=0)[-1])


# Dictionaries


def storages(n_features, n_components, seed=0):
    seed = SeedSequence(seed)
    return [
        cls.random(n_features, n_components, seed)
        for cls in (SignDictionary, PackedSignDictionary, SeededSignDictionary)
    ]


def samples(n_samples, n_components):
    """Superpositions, integers and reals of several magnitudes."""
    rng = np.random.default_rng([n_samples, n_components])
    X = rng.integers(-9, 10, (n_samples, n_components)) / np.sqrt(n_components)
    X[1::3] = rng.standard_normal(X[1::3].shape)
    X[2::3] *= 10.0 ** rng.integers(-9, 9, (len(X[2::3]), 1))
    return X


@pytest.mark.parametrize("n_components", [1, 64, 65, 300])
@pytest.mark.parametrize("n_features", [1, 33, 500])
def test_every_verb_is_the_same_in_every_storage(n_features, n_components, monkeypatch):
    monkeypatch.setattr(_signs, "_BLOCK_ENTRIES", 3000)
    dense, *others = storages(n_features, n_components)
    rng = np.random.default_rng(0)
    indices = rng.integers(0, n_features, 20)
    X = samples(9, n_components)
    Y = (rng.random((5, n_features)) < 0.3).astype(np.float64)
    Z = Y * rng.standard_normal(Y.shape)
    for other in others:
        for ours, theirs in ((other, dense), (other.unnormalized, dense.unnormalized)):
            assert_array_equal(ours.codewords(indices), theirs.codewords(indices))
            assert_array_equal(np.asarray(ours), np.asarray(theirs))
            assert_array_equal(subset(ours, indices).codewords(range(20)), ours.codewords(indices))
            assert_array_equal(subset(ours, indices).correlate(X), ours.correlate(X)[:, indices])
            assert_array_equal(ours.correlate(X), theirs.correlate(X))
            assert_array_equal(ours.superpose(Y), theirs.superpose(Y))
            assert_array_equal(ours.to_units(X), theirs.to_units(X))
            assert_array_equal(ours.squared_norms, theirs.squared_norms)
            # Sums of reals in another order.
            np.testing.assert_allclose(
                ours.superpose(Z), theirs.superpose(Z), rtol=0, atol=1e-12 * np.sqrt(n_features)
            )
        packed = others[0].lanes(indices)
        assert_array_equal(other.lanes(indices), packed)
        assert_array_equal(other.lanes(indices[:0]), packed[:0])


@pytest.mark.parametrize("n_samples", [0, 1, 40])
@pytest.mark.parametrize("n_features", [1, 31, 32, 33, 500, 1024])
@pytest.mark.parametrize("block_scores", [512, 4096, None])
def test_blocks_are_parts_of_the_whole(n_samples, n_features, block_scores, monkeypatch):
    wanted = SignDictionary.random(n_features, 70, SeedSequence(0)).correlate(samples(40, 70))
    if block_scores is not None:
        monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", block_scores)
        monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
    X = samples(40, 70)[:n_samples]
    for dictionary in storages(n_features, 70):
        blocks = list(dictionary.correlate_blocks(X))
        for (first, block), (second, _) in pairwise(blocks):
            assert second == first + block.shape[1]
        assert blocks[0][0] == 0
        together = np.hstack([block for _, block in blocks])
        assert_array_equal(together, wanted[:n_samples])
        assert_array_equal(dictionary.correlate(X), wanted[:n_samples])
        if block_scores == 512 and n_features > 32 and type(dictionary) is not SignDictionary:
            assert len(blocks) == -(-n_features // 32)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_threads_change_nothing(n_threads, monkeypatch):
    calls = []
    monkeypatch.setattr(_threads, "thread_count", lambda: calls.append(1) or n_threads)
    monkeypatch.setattr(_packed_signs, "_WORTH_A_THREAD", 1)
    monkeypatch.setattr(_signs, "_BLOCK_ENTRIES", 64 * 70)
    dense, *others = storages(1000, 70)
    for other in others:
        calls.clear()
        assert_array_equal(other.correlate(samples(9, 70)), dense.correlate(samples(9, 70)))
        assert calls
        assert_array_equal(np.asarray(other), np.asarray(dense))


@pytest.mark.parametrize("cls", [PackedSignDictionary, SeededSignDictionary])
@pytest.mark.parametrize("first", [0, 32, 480])
def test_scores_may_begin_at_any_group(cls, first, monkeypatch):
    monkeypatch.setattr(_signs, "_BLOCK_ENTRIES", 64 * 70)
    dictionary = cls.random(500, 70, SeedSequence(0)).unnormalized
    V = np.rint(samples(3, 70))
    for length in {1, 20, min(300, 500 - first), 500 - first}:
        if first + length < 500 and length % 32:
            continue
        scores = np.ones((4, length))
        dictionary.add_correlations(V, np.array([3, 0, 1]), scores, first=first)
        part = dictionary.codewords(np.arange(first, first + length))
        assert_array_equal(scores[2], 1)
        assert_array_equal(scores[[3, 0, 1]], 1 + V @ part.T)


@pytest.mark.parametrize("cls", [PackedSignDictionary, SeededSignDictionary])
@pytest.mark.parametrize("shape", [(70,), (2, 69), (2, 71)])
@pytest.mark.parametrize("scaled", [True, False])
def test_samples_of_another_shape(cls, shape, scaled):
    dictionary = cls.random(40, 70, SeedSequence(0))
    if not scaled:
        dictionary = dictionary.unnormalized
    with pytest.raises(ValueError):
        dictionary.correlate(np.ones(shape))
    with pytest.raises(ValueError):
        list(dictionary.correlate_blocks(np.ones(shape)))


def test_samples_are_not_written_to():
    X = np.asfortranarray(samples(9, 70))
    X.flags.writeable = False
    for dictionary in storages(40, 70):
        for units in (dictionary, dictionary.unnormalized):
            scores = units.correlate(X)
            assert_array_equal(scores, units.correlate(X.copy()))


def test_one_kernel_serves_any_layout_of_samples():
    dictionary = PackedSignDictionary.random(40, 70, SeedSequence(0))
    X = samples(9, 70)
    dictionary.correlate(X)
    compiled = list(add_correlations.signatures)
    for other in (X, np.asfortranarray(X), X[:, ::-1], X[::2], X.astype(np.float32)):
        dictionary.correlate(other)
    assert add_correlations.signatures == compiled
