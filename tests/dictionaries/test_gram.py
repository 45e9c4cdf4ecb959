# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import gc
import multiprocessing
import pickle
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context as sklearn_config_context

from sksupercode import MatchingPursuitDecoder, OrthogonalMatchingPursuitDecoder, config_context
from sksupercode.dictionaries import DenseDictionary, _dense, _gram, _gram_store
from tests.marks import long, needs_kernels


def correlated(n_features=300, n_components=40, seed=0):
    """Codewords around a common one, of different norms, with equal, opposite and zero ones."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n_features, n_components)) + 2 * rng.standard_normal(n_components)
    F *= rng.uniform(0.1, 10, (n_features, 1))
    F[3], F[4], F[5], F[6] = F[2], -F[2], 2 * F[2], 0
    return F


def exact_gram(dictionary):
    """Return the Gram matrix of normalised codewords in float64, without its diagonal."""
    U = dictionary.gram.units(np.arange(dictionary.shape[0]))
    G = U @ U.T
    np.fill_diagonal(G, 0)
    return G


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("cls", [MatchingPursuitDecoder, *long(OrthogonalMatchingPursuitDecoder)])
def test_rows_go_with_their_dictionary(cls):
    """At once, as rows may take gigabytes that the collector of garbage does not know of."""
    # Compiling for the first time leaves a cycle of what is compiled for.
    cls(correlated(), 3, values="real").fit(correlated()).transform(correlated())
    gc.collect()
    gc.disable()
    try:
        F = correlated(seed=11)
        decoder = cls(F, 3, values="real").fit(F)
        decoder.transform(F)
        store = weakref.ref(decoder.dictionary_.gram._store)
        assert store().nbytes
        del decoder
        assert store() is None
    finally:
        gc.enable()


def values(rows, indices):
    slots = rows.slots[indices]
    assert (slots >= 0).all()
    return rows.scales[slots, np.newaxis] * rows.numbers[slots]


def assert_right(rows, indices, G):
    errors = np.abs(values(rows, indices) - G[indices]).max(axis=1)
    bounds = rows.errors[rows.slots[indices]]
    assert (errors <= bounds).all()
    assert (bounds <= rows.error).all()
    assert rows.error < 1e-3


@pytest.mark.parametrize(
    "F",
    [
        correlated(),
        correlated().astype(np.float32),
        correlated(70, 1200).astype(np.float32),
        correlated() * np.logspace(-100, 100, 300)[:, np.newaxis],
        correlated().astype(np.float16),
        correlated().astype(ml_dtypes.bfloat16),
        (correlated() * 2.0 ** -np.arange(60, 120, 0.2)[:, np.newaxis]).astype(ml_dtypes.bfloat16),
        (correlated() * 1e-25).astype(np.float32),
        np.eye(5),
        np.zeros((3, 2)),
        np.ones((1, 1)),
    ],
    ids=[
        "float64",
        "float32",
        "wide",
        "norms",
        "float16",
        "bfloat16",
        "bf16 norms",
        "small",
        "orthogonal",
        "zero",
        "one",
    ],
)
def test_rows_and_scores_are_within_their_bounds(F, monkeypatch):
    monkeypatch.setattr(_dense, "_BLOCK", 100)
    dictionary = DenseDictionary(F)
    gram, G = dictionary.gram, exact_gram(dictionary)
    indices = np.arange(len(F))[::-1]
    with gram.rows(indices[:2]), gram.rows(indices) as rows:
        assert_right(rows, indices, G)
        assert_array_equal(values(rows, indices)[indices, indices[::-1]], 0)
    V = np.random.default_rng(1).standard_normal((7, F.shape[1]))
    scores, error = gram.correlate(V)
    assert scores.dtype == np.float32
    lengths = np.linalg.norm(V, axis=1, keepdims=True)
    assert (np.abs(scores - V @ gram.units(np.arange(len(F))).T) <= error * lengths).all()


@needs_kernels
def test_every_number_of_float16_is_widened():
    from sksupercode.dictionaries._half_kernels import widen

    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 64)[:, ::2]
    wide = halves.astype(np.float32)
    # Zeros have signs as well.
    assert_array_equal(widen(halves).view(np.int32), wide.view(np.int32))


def test_blocks_change_nothing_but_rounding(monkeypatch):
    monkeypatch.setattr(_gram, "_CODEWORDS", 7)
    monkeypatch.setattr(_gram, "_VECTORS", 3)
    monkeypatch.setattr(_gram, "_PART", 16)
    monkeypatch.setattr(_gram, "_WORTH_A_THREAD", 1)
    monkeypatch.setattr(_gram_store, "_MOST_ROWS", 5)
    dictionary = DenseDictionary(correlated())
    indices = np.arange(50, 120)
    with sklearn_config_context(working_memory=1e-2), dictionary.gram.rows(indices) as rows:
        assert_right(rows, indices, exact_gram(dictionary))


def test_many_requests(monkeypatch):
    """What rows that are there tell of others is right, and as precise, also after some went."""
    monkeypatch.setattr(_gram, "_CODEWORDS", 16)
    # So many rows at a time that others are worth to be copied from.
    monkeypatch.setattr(_gram_store, "_MOST_ROWS", 11)
    F = correlated(300, 600)
    dictionary = DenseDictionary(F)
    G, order = exact_gram(dictionary), np.random.default_rng(0).permutation(300)
    with dictionary.gram.rows(order[:40]), dictionary.gram.rows(order[40:]) as rows:
        assert_right(rows, order, G)
    with budget_of(150), sklearn_config_context(working_memory=0.15):
        for indices in np.array_split(np.tile(order, 2), 24):
            with dictionary.gram.rows(indices) as rows:
                held = np.flatnonzero(rows.slots >= 0)
                assert_right(rows, held, G)
                assert np.isin(indices, held).all()
    assert len(held) == 150


def budget_of(n_rows, n_features=300):
    return config_context(gram_memory=2 * n_rows * n_features / 2**20)


def test_the_budget_is_kept_and_the_least_recently_used_rows_go():
    dictionary = DenseDictionary(correlated())
    gram, G = dictionary.gram, exact_gram(dictionary)
    with budget_of(8), sklearn_config_context(working_memory=1e-3):
        assert gram.capacity == 8
        for asked in ([0, 1, 2, 3], [4, 5, 6, 7, 4], [1, 0], [8, 9, 10]):
            with gram.rows(asked) as rows:
                assert_right(rows, np.array(asked), G)
                assert rows.numbers.nbytes == 2 * 8 * 300
            assert gram.nbytes <= 2 * 8 * 300
        # One of those used in the second call is left.
        assert set(np.flatnonzero(rows.slots >= 0)) >= {0, 1, 8, 9, 10}
        assert (rows.slots >= 0).sum() == 8
        with gram.rows(np.arange(20, 40)) as rows:
            assert_array_equal(np.flatnonzero(rows.slots >= 0), np.arange(20, 28))
    with budget_of(3), gram.rows([1]) as rows:
        assert rows.numbers.shape == (3, 300)


def test_rows_of_which_not_all_fit_have_eight_bits(monkeypatch):
    monkeypatch.setattr("sksupercode.dictionaries._gram_store._LARGE", 0)
    dictionary = DenseDictionary(correlated())
    gram, G = dictionary.gram, exact_gram(dictionary)
    with budget_of(299), gram.rows(np.arange(0, 300, 2)), gram.rows(np.arange(300)) as rows:
        assert (rows.numbers.dtype, rows.capacity) == (np.int8, 300)
        errors = np.abs(values(rows, np.arange(300)) - G).max(axis=1)
        bounds = rows.errors[rows.slots]
        assert (errors <= bounds).all()
        assert (bounds < 0.02).all()
    with budget_of(300), gram.rows([1]) as rows:
        assert rows.numbers.dtype == np.int16


def test_without_a_budget_rows_are_dropped_after_use():
    dictionary = DenseDictionary(correlated())
    gram, G = dictionary.gram, exact_gram(dictionary)
    with gram.rows([7]):
        pass
    with config_context(gram_memory=0), gram.rows([1, 2, 1]) as rows:
        assert_right(rows, np.array([1, 2]), G)
        assert gram.nbytes == 0
        with sklearn_config_context(working_memory=0), gram.rows([1, 2]) as rows:
            assert_array_equal(np.flatnonzero(rows.slots >= 0), [1])


def test_threads_get_what_they_ask_for():
    dictionary = DenseDictionary(correlated())
    gram, G = dictionary.gram, exact_gram(dictionary)

    def ask(seed):
        rng = np.random.default_rng(seed)
        for _ in range(30):
            asked = rng.choice(300, rng.integers(1, 8), replace=False)
            with gram.rows(asked) as rows:
                assert_right(rows, asked, G)

    with budget_of(10), sklearn_config_context(working_memory=1e-3):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(8)))
    assert gram.nbytes <= 2 * 10 * 300


def test_rows_are_added_while_others_are_read():
    gram = DenseDictionary(correlated()).gram
    with gram.rows([0]), ThreadPoolExecutor(1) as pool:

        def add():
            with gram.rows([1]) as rows:
                return rows.slots[1]

        assert pool.submit(add).result(timeout=60) >= 0


@pytest.mark.usefixtures("small_heap")
def test_equal_codewords_share_rows_as_long_as_they_are_used():
    F = correlated(seed=5)
    first, second = DenseDictionary(F.copy()), DenseDictionary(F)
    with first.gram.rows([1, 2]):
        pass
    assert second.gram.nbytes == 2 * 2 * 300
    assert DenseDictionary(F.astype(np.float32)).gram.nbytes == 0
    F[0] += 1
    changed = DenseDictionary(F)
    assert changed.gram.nbytes == 0
    with changed.gram.rows([0]) as rows:
        assert_right(rows, np.array([0]), exact_gram(changed))
    # One whose array was written to lends its rows to nobody.
    del first
    assert DenseDictionary(correlated(seed=5)).gram._store is not second.gram._store
    n_stores = len(_gram._stores)
    del changed, second, rows
    gc.collect()
    assert len(_gram._stores) < n_stores


def test_scaled_dictionaries_have_the_rows_of_their_units():
    dictionary = DenseDictionary(1e30 * correlated())
    assert dictionary.gram is dictionary.unnormalized.gram


def test_rows_are_not_pickled():
    dictionary = DenseDictionary(correlated())
    size = len(pickle.dumps(dictionary))
    with dictionary.gram.rows(np.arange(300)):
        assert len(pickle.dumps(dictionary)) <= size + 4096
        other = pickle.loads(pickle.dumps(dictionary))
    with other.gram.rows([3]) as rows:
        assert_right(rows, np.array([3]), exact_gram(other))
    assert copy.deepcopy(dictionary).gram is dictionary.gram


def use(dictionary, index):
    with dictionary.gram.rows([index]) as rows:
        return values(rows, np.array([index]))


@pytest.mark.long
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_workers(backend):
    dictionary = DenseDictionary(correlated())
    with dictionary.gram.rows([0]):
        pass
    results = Parallel(2, backend=backend)(delayed(use)(dictionary, i) for i in range(4))
    assert_allclose(results, [use(dictionary, i) for i in range(4)], atol=1e-4)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_a_thread_holds_rows(monkeypatch):
    dictionary = DenseDictionary(correlated())
    gram, start, stop = dictionary.gram, threading.Event(), threading.Event()
    compute = gram._compute

    def wait(*args):
        start.set()
        stop.wait(timeout=60)
        compute(*args)

    def hold():
        with gram.rows([0]):
            pass

    with budget_of(2), gram.rows([2]):
        monkeypatch.setattr(gram, "_compute", wait)
        thread = threading.Thread(target=hold)
        thread.start()
        assert start.wait(timeout=60)
        monkeypatch.undo()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            results = pool.starmap_async(use, [(dictionary, i) for i in range(6)]).get(timeout=60)
        stop.set()
    thread.join()
    assert_allclose(results, [use(dictionary, i) for i in range(6)], atol=1e-4)


@needs_kernels
def test_memory_stays_within_the_budget():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((2**14, 16), dtype=np.float32)
    with config_context(gram_memory=4):
        # What is compiled or loaded on the way is not counted.
        with DenseDictionary(-F).gram.rows(np.arange(8)):
            pass
        dictionary = DenseDictionary(F)
        gram = dictionary.gram
        tracemalloc.start()
        try:
            for _ in range(10):
                with gram.rows(rng.choice(2**14, 60, replace=False)) as rows:
                    assert rows.capacity == 256
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    # The rows kept, and those in float32 while they are computed.
    assert peak < (4 + 4 + 2) * 2**20
