"""Matching pursuit and top-k find the same in every storage of a codebook."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.testing import assert_array_equal
from sklearn import config_context

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders._lazy_pursuit import can_be_lazy, exact_samples
from sksupercode.dictionaries import (
    PackedSignDictionary,
    SeededSignDictionary,
    SignDictionary,
    _packed_signs,
)
from sksupercode.dictionaries._subset import subset
from tests.decoders.lazy_pursuit import Recorder
from tests.marks import long, needs_kernels

pytestmark = needs_kernels


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


# Which dictionaries


def test_only_random_packed_signs_are_lazy(monkeypatch):
    random = [
        cls.random(50, 70, SeedSequence(0))
        for cls in (PackedSignDictionary, SeededSignDictionary, SignDictionary)
    ]
    assert [can_be_lazy(dictionary) for dictionary in random] == [True, True, False]
    assert [can_be_lazy(dictionary.unnormalized) for dictionary in random] == [True, True, False]
    signs = np.asarray(random[0])
    assert not can_be_lazy(PackedSignDictionary(signs))
    assert not can_be_lazy(subset(random[0], np.arange(50)))
    words = np.zeros((50, 2), dtype=np.uint64)
    assert not can_be_lazy(PackedSignDictionary.from_words(words, 70))
    monkeypatch.setattr(_packed_signs, "compilation_is_enabled", lambda: False)
    assert not can_be_lazy(random[0])


@pytest.mark.parametrize("n_components", [40, 200])
def test_repeated_rows_go_the_plain_way(n_components, monkeypatch):
    """Given signs may be anything, even all alike, and are decoded as the dense array is."""

    def never(*args):
        raise AssertionError("these signs are not known to be random")

    monkeypatch.setattr("sksupercode.decoders._matching_pursuit.lazy_pursuit", never)
    rng = np.random.default_rng(0)
    S = np.where(rng.random((40, n_components)) < 0.5, -1, 1)
    S = np.vstack([S, S[::-1], S[:5]])
    packed, dense = PackedSignDictionary(S), SignDictionary(S)
    X = dense.superpose(make_sparse_codes(30, len(S), n_nonzero_coefs=6, random_state=0))
    X[::3] += rng.standard_normal(X[::3].shape)
    codes = [
        MatchingPursuitDecoder(dictionary, 6, values="binary").fit(X).transform(X).toarray()
        for dictionary in (packed, dense)
    ]
    assert_array_equal(*codes)
    assert codes[0].sum() > 100


# Decoders


def encoders(n_components, n_features):
    return [
        RademacherEncoder(n_components, n_features=n_features, storage=storage, random_state=3)
        for storage in ("dense", "packed", "seed")
    ]


def noisy_problem(encoder, k):
    """Superpositions, a third of them with noise and a third with a whole number on top."""
    rng = np.random.default_rng(0)
    Y = make_sparse_codes(12, encoder.n_features, n_nonzero_coefs=k, random_state=0)
    X = encoder.fit_transform(Y)
    X[::3] += 0.5 / np.sqrt(X.shape[1]) * rng.standard_normal(X[::3].shape)
    X[1::3] += rng.integers(-1, 2, X[1::3].shape) / np.sqrt(X.shape[1])
    return X, Y


def assert_same_in_every_storage(make, X, Y):
    dense, *others = [make(encoder).fit(X, Y) for encoder in encoders(X.shape[1], Y.shape[1])]
    for other in others:
        for method in ("predict", "transform"):
            ours, theirs = getattr(other, method)(X), getattr(dense, method)(X)
            assert_array_equal(ours.toarray(), theirs.toarray())
            assert ours.dtype == theirs.dtype
        assert other.score(X, Y) == dense.score(X, Y)
    return dense


@pytest.mark.parametrize("n_features, n_components, k", [(300, 250, 9), (300, 90, 9), (30, 64, 3)])
@pytest.mark.parametrize(
    "tol, dtype", [(0.4, np.float64), *long((None, np.float64), (0.0, np.float32))]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_matching_pursuit_in_every_storage(n_features, n_components, k, tol, dtype, recorder):
    X, Y = noisy_problem(encoders(n_components, n_features)[0], k)
    dense = assert_same_in_every_storage(
        lambda encoder: MatchingPursuitDecoder(encoder, k + 3, tol=tol), X.astype(dtype), Y
    )
    assert dense.transform(X).nnz > 12
    assert recorder.n_passes > 0


@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_other_values_are_never_lazy(values, recorder):
    X, Y = noisy_problem(encoders(120, 300)[0], 4)
    assert_same_in_every_storage(
        lambda encoder: MatchingPursuitDecoder(encoder, 6, values=values), X, Y
    )


@pytest.mark.parametrize("working_memory", [0.01, 0.1])
def test_working_memory_changes_nothing(working_memory, recorder):
    dense, packed, _ = encoders(250, 700)
    X, Y = noisy_problem(dense, 9)
    wanted = MatchingPursuitDecoder(dense).fit(X, Y).transform(X)
    decoder = MatchingPursuitDecoder(packed).fit(X, Y)
    with config_context(working_memory=working_memory):
        assert_array_equal(decoder.transform(X).toarray(), wanted.toarray())


def test_a_huge_cap_takes_no_memory():
    encoder = RademacherEncoder(120, n_features=200, storage="packed", random_state=0)
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, random_state=0)
    X = encoder.fit_transform(Y)
    decoder = MatchingPursuitDecoder(encoder, n_nonzero_coefs=10**12, tol=1e-6).fit(X, Y)
    assert decoder.score(X, Y) == 1.0


def test_tiny_samples_in_every_storage():
    Y = make_sparse_codes(20, 200, n_nonzero_coefs=4, random_state=0)
    X = 1e-20 * encoders(60, 200)[0].fit_transform(Y)
    assert_same_in_every_storage(lambda encoder: MatchingPursuitDecoder(encoder, 4), X, Y)


# The samples are not those of the codes.
@pytest.mark.filterwarnings("ignore::sksupercode.exceptions.CodebookMismatchWarning")
def test_samples_too_large_for_units_go_the_plain_way():
    X = 1e17 * np.eye(40)[:5]
    assert not exact_samples(X, 0.0)[1].any()
    assert_same_in_every_storage(
        lambda encoder: MatchingPursuitDecoder(encoder, 4),
        X,
        make_sparse_codes(5, 200, n_nonzero_coefs=4, random_state=0),
    )


def test_fractions_of_superpositions_in_every_storage():
    encoder = encoders(65, 800)[0]
    Y = make_sparse_codes(5, 800, n_nonzero_coefs=12, random_state=0)
    X = 0.3 * encoder.fit_transform(Y)
    assert_same_in_every_storage(lambda encoder: MatchingPursuitDecoder(encoder, 12), X, Y)


@pytest.mark.parametrize("n_features, n_components", [(300, 1), (100, 64), (300, 100)])
@pytest.mark.parametrize(
    "values, block_scores",
    [("binary", 512), ("real", 512), *long(("binary", 2**22), ("nonnegative", 512))],
)
def test_top_k_in_every_storage(n_features, n_components, values, block_scores, monkeypatch):
    """Ties at few dimensions and at every k, of the superpositions and of noisy samples."""
    monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", block_scores)
    monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
    X, Y = noisy_problem(encoders(n_components, n_features)[0], 5)
    X[4] = 0
    for k in (0, 5, n_features - 1, n_features + 1):
        dense = assert_same_in_every_storage(
            lambda encoder, k=k: TopKDecoder(encoder, k, values=values), X, Y
        )
        if values == "binary":
            assert_array_equal(dense.transform(X).sum(axis=1), min(k, n_features))


@pytest.mark.parametrize("storage", ["dense", "packed", "seed"])
def test_ties_of_top_k_go_to_the_lowest_index(storage, monkeypatch):
    """Against a stable sort of exact scores, across the edges of blocks."""
    monkeypatch.setattr(_packed_signs, "_BLOCK_SCORES", 512)
    monkeypatch.setattr(_packed_signs, "_FEWEST_GROUPS", 1)
    encoder = RademacherEncoder(5, n_features=200, storage=storage, random_state=0)
    Y = make_sparse_codes(10, 200, n_nonzero_coefs=3, random_state=0)
    X = encoder.fit_transform(Y)
    S = np.rint(np.asarray(encoder.dictionary_) * np.sqrt(5)).astype(int)
    scores = np.rint(X * np.sqrt(5)).astype(int) @ S.T
    for k in (1, 40, 199):
        codes = TopKDecoder(encoder, k).fit(X, Y).transform(X).toarray()
        wanted = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        assert_array_equal(np.sort(wanted, axis=1), [np.flatnonzero(code) for code in codes])
    best = TopKDecoder(encoder, 1, sections=True).fit(X).predict(X)
    assert_array_equal(best.indices, scores.argmax(axis=1))
