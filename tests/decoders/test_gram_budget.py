"""Pursuits find the same whatever is kept of the Gram matrix, and by whom it is used."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context as sklearn_config_context

from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    config_context,
)
from tests.marks import long

N, D, K = 400, 60, 8
PURSUITS = [GradientPursuitDecoder, MatchingPursuitDecoder, OrthogonalMatchingPursuitDecoder]


def problem(seed=0):
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((N, D)) + rng.standard_normal(D)
    return F.astype(np.float32), rng.standard_normal((10, D))


def assert_same(codes, expected):
    assert_array_equal(codes.indptr, expected.indptr)
    assert_array_equal(codes.indices, expected.indices)
    assert_allclose(codes.data, expected.data, rtol=1e-6)


@pytest.mark.parametrize("values", ["nonnegative", *long("real")])
@pytest.mark.parametrize("cls", PURSUITS)
def test_any_budget(cls, values):
    F, X = problem()
    X = X[:5]
    decoder = cls(F, K, values=values).fit(X)
    expected = decoder.transform(X)
    for n_rows in (0, 10, N):
        with config_context(gram_memory=2 * N * n_rows / 2**20):
            with sklearn_config_context(working_memory=0.05):
                assert_same(decoder.transform(X), expected)
            assert decoder.dictionary_.gram.nbytes <= 2 * N * n_rows


@pytest.mark.parametrize("n_samples", [3, 200])
@pytest.mark.parametrize("cls", PURSUITS)
def test_order_of_samples_in_memory(cls, n_samples):
    F, _ = problem()
    X = np.random.default_rng(1).standard_normal((n_samples, D))
    decoder = cls(F, K, values="nonnegative").fit(X)
    codes, expected = decoder.transform(np.asfortranarray(X)), decoder.transform(X)
    assert_array_equal(codes.indices, expected.indices)
    assert_array_equal(codes.data, expected.data)


@pytest.mark.parametrize("values", ["real", "nonnegative"])
@pytest.mark.parametrize(
    "cls",
    [
        MatchingPursuitDecoder,
        # They compile for longest.
        *long(OrthogonalMatchingPursuitDecoder, GradientPursuitDecoder),
    ],
)
def test_rows_of_eight_bits(cls, values, monkeypatch):
    F, X = problem()
    expected = cls(F, K, values=values).fit(X).transform(X)
    monkeypatch.setattr("sksupercode.dictionaries._gram_store._LARGE", 0)
    # Half of the rows in 16 bits, and so all in 8.
    with config_context(gram_memory=N * N / 2**20):
        decoder = cls(F.copy(), K, values=values).fit(X)
        with sklearn_config_context(working_memory=0.05):
            assert_same(decoder.transform(X), expected)
        with decoder.dictionary_.gram.rows(np.arange(N)) as rows:
            assert rows.numbers.dtype == np.int8
            assert (rows.slots >= 0).all()


@pytest.mark.parametrize("cls", PURSUITS)
def test_threads_with_room_for_few_rows(cls):
    F, X = problem()
    decoders = [cls(F.copy(), K, values="nonnegative").fit(X) for _ in range(2)]
    expected = decoders[0].transform(X)
    tasks = [(decoder, part) for decoder in decoders for part in np.array_split(np.arange(10), 5)]
    with config_context(gram_memory=2 * N * 10 / 2**20), ThreadPoolExecutor(6) as pool:
        with sklearn_config_context(working_memory=0.05):
            results = pool.map(lambda task: (task[1], task[0].transform(X[task[1]])), tasks)
            for rows, codes in results:
                assert_same(codes, expected[rows])
        assert decoders[0].dictionary_.gram.nbytes <= 2 * N * 10
