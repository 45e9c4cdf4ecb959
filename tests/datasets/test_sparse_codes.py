# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix, issparse
from scipy.stats import binom, chi2, kstest
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils.multiclass import type_of_target

from sksupercode.datasets import make_sparse_codes
from sksupercode.datasets._sparse_codes import _random_subsets, _zipf_frequencies

SUPPORTS = ("fixed", "bernoulli", "zipf")


def assert_uniform(observed):
    """Fail with probability 1e-6 if `observed` counts are multinomial with equal means."""
    expected = np.mean(observed)
    statistic = np.sum((observed - expected) ** 2 / expected)
    assert chi2.sf(statistic, len(observed) - 1) > 1e-6


def test_the_plain_call():
    Y = make_sparse_codes(n_samples=200, n_features=4096, n_nonzero_coefs=16, random_state=0)
    assert issparse(Y) and Y.format == "csr" and Y.shape == (200, 4096) and Y.dtype == np.float64
    assert Y.nnz == 200 * 16 and np.all(Y.data == 1)
    assert np.all(np.diff(Y.indptr) == 16)
    assert make_sparse_codes().shape == (100, 1024)


@pytest.mark.parametrize("support", SUPPORTS)
@pytest.mark.parametrize("k", [0, 1, 3, 19, 20, 21, 39, 40])
def test_structure(support, k):
    Y = make_sparse_codes(50, 40, n_nonzero_coefs=k, support=support, random_state=0)
    assert Y.has_canonical_format
    assert Y.indices.dtype == Y.indptr.dtype == np.int32
    row_counts = Y.toarray().sum(axis=1)
    if support == "fixed" or k in (0, 40):
        assert np.all(row_counts == k)
    else:
        assert np.unique(row_counts).size > 1


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_fixed_supports_are_uniform_over_subsets(k):
    n_samples, n_features = 20_000, 6
    Y = make_sparse_codes(n_samples, n_features, n_nonzero_coefs=k, random_state=k)
    rows, counts = np.unique(Y.indices.reshape(n_samples, k), axis=0, return_counts=True)
    subsets = list(combinations(range(n_features), k))
    assert [tuple(row) for row in rows] == subsets
    if len(subsets) > 1:
        assert_uniform(counts)


def test_fixed_supports_have_the_right_overlaps():
    # Rows are independent: the overlap of two of them is hypergeometric, of mean k * k / N and
    # variance (k * k / N) * (1 - k / N) ** 2 * N / (N - 1).
    n, N, k = 4000, 256, 16
    Y = make_sparse_codes(2 * n, N, n_nonzero_coefs=k, random_state=0)
    overlaps = np.asarray(Y[:n].multiply(Y[n:]).sum(axis=1)).ravel()
    variance = k * k / N * (1 - k / N) ** 2 * N / (N - 1)
    assert abs(overlaps.mean() - k * k / N) < 5 * np.sqrt(variance / n)
    assert abs(overlaps.var() / variance - 1) < 5 * np.sqrt(3 / n)  # excess kurtosis is near 1


@pytest.mark.parametrize("k", [3, 30])
def test_bernoulli_counts(k):
    n, N = 4000, 32
    Y = make_sparse_codes(n, N, n_nonzero_coefs=k, support="bernoulli", random_state=0).toarray()
    # Column sums are independent and binomial: a chi square with N degrees of freedom.
    p = k / N
    statistic = np.sum((Y.sum(axis=0) - n * p) ** 2) / (n * p * (1 - p))
    assert 1e-6 < chi2.sf(statistic, N) < 1 - 1e-6
    # Row sums are binomial.
    sizes = np.arange(max(0, k - 3), min(N, k + 3))
    expected = n * binom.pmf(sizes, N, p)
    observed = np.array([np.sum(Y.sum(axis=1) == size) for size in sizes])
    assert np.all(np.abs(observed - expected) < 5 * np.sqrt(expected))
    # Two columns are independent: n * p ** 2 rows have both.
    both = np.sum(Y[:, 0] * Y[:, 1])
    assert abs(both - n * p**2) < 5 * np.sqrt(n * p**2 * (1 - p**2))


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5])
def test_zipf_frequencies(exponent):
    n, N, k = 20_000, 512, 4
    Y = make_sparse_codes(
        n, N, n_nonzero_coefs=k, support="zipf", zipf_exponent=exponent, random_state=0
    )
    p = _zipf_frequencies(N, k, exponent)
    observed = Y.toarray().sum(axis=0)
    uncertain = p < 1
    assert_array_equal(observed[~uncertain], n)
    # Columns are independent and binomial: a chi square with as many degrees of freedom.
    deviations = (observed - n * p)[uncertain] / np.sqrt(n * p * (1 - p))[uncertain]
    assert 1e-6 < chi2.sf(np.sum(deviations**2), uncertain.sum()) < 1 - 1e-6
    # Row counts: mean k, variance sum p (1 - p), both known.
    row_counts = np.diff(Y.indptr)
    variance = np.sum(p * (1 - p))
    assert abs(row_counts.mean() - k) < 5 * np.sqrt(variance / n)
    assert abs(row_counts.var() / variance - 1) < 5 * np.sqrt(3 / n)


@pytest.mark.parametrize("n_features", [1, 2, 10, 1000])
@pytest.mark.parametrize("exponent", [0, 0.5, 1.0, 3.0, 1000.0])
def test_zipf_frequencies_are_capped_power_laws(n_features, exponent):
    for k in (*range(0, n_features + 1, max(1, n_features // 7)), 0.3, n_features - 0.3):
        p = _zipf_frequencies(n_features, k, exponent)
        assert np.all((p >= 0) & (p <= 1)) and np.all(np.diff(p) <= 0)
        assert_allclose(p.sum(), k, rtol=1e-12)
        below = np.flatnonzero((p < 1 - 1e-12) & (p > 1e-300))
        products = np.log(p[below]) + exponent * np.log(below + 1)
        assert_allclose(products, products[:1].repeat(below.size), atol=1e-10 * max(1, exponent))
        if below.size and below[0] > 0:  # the columns that are always on would exceed 1
            assert products[0] - exponent * np.log(below[0]) >= -1e-10


def test_random_subsets_of_different_sizes():
    counts = np.tile([0, 1, 3, 4, 5], 4000)
    indices, indptr = _random_subsets(counts, 5, np.random.default_rng(0))
    assert_array_equal(np.diff(indptr), counts)
    subsets = np.split(indices, indptr[1:-1])
    for start, size in ((1, 1), (2, 3), (3, 4)):
        drawn = np.array(subsets[start::5])
        rows, observed = np.unique(drawn, axis=0, return_counts=True)
        expected = list(combinations(range(5), size))
        assert [tuple(row) for row in rows] == expected
        assert_uniform(observed)
    assert all(tuple(subset) == (0, 1, 2, 3, 4) for subset in subsets[4::5])


@pytest.mark.parametrize(("values", "law"), [("exponential", "expon"), ("gaussian", "norm")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values(values, law, dtype):
    Y = make_sparse_codes(1000, 64, n_nonzero_coefs=8, values=values, dtype=dtype, random_state=0)
    assert Y.dtype == dtype and Y.nnz == 8000 and np.all(Y.data != 0)
    assert kstest(Y.data.astype(np.float64), law).pvalue > 1e-6
    # Values are independent of positions: the rank correlation has standard error 1 / sqrt(8000).
    correlation = np.corrcoef(np.argsort(np.argsort(Y.data)), Y.indices)[0, 1]
    assert abs(correlation) < 5 / np.sqrt(8000)


@pytest.mark.parametrize("dtype", [bool, np.int8, "int64", np.uint8, np.float32, float])
def test_binary_dtypes(dtype):
    Y = make_sparse_codes(5, 9, n_nonzero_coefs=2, dtype=dtype, random_state=0)
    assert Y.dtype == np.dtype(dtype)
    assert_array_equal(
        Y.toarray(), make_sparse_codes(5, 9, n_nonzero_coefs=2, random_state=0).toarray()
    )


@pytest.mark.parametrize("support", SUPPORTS)
def test_random_state(support):
    def draw(random_state):
        Y = make_sparse_codes(50, 99, support=support, values="gaussian", random_state=random_state)
        return Y.toarray()

    assert_array_equal(draw(3), draw(np.int32(3)))
    assert not np.array_equal(draw(3), draw(4))
    assert not np.array_equal(draw(None), draw(None))
    for make in (np.random.RandomState, np.random.default_rng):
        assert_array_equal(draw(make(3)), draw(make(3)))
        rng = make(3)
        assert not np.array_equal(draw(rng), draw(rng))


@pytest.mark.parametrize("support", SUPPORTS)
def test_memory_is_proportional_to_the_nonzeros(support):
    tracemalloc.start()
    Y = make_sparse_codes(2000, 2**20, n_nonzero_coefs=64, support=support, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(Y.nnz / (2000 * 64) - 1) < 0.01
    assert peak < 2e8  # one bit per entry would be 2.6e8 bytes, one byte 2.1e9


def test_huge_alphabet():
    Y = make_sparse_codes(3, 2**60, n_nonzero_coefs=200, random_state=0)
    assert Y.shape == (3, 2**60) and Y.indices.dtype == np.int64
    assert np.all(np.diff(Y.indptr) == 200) and Y.has_canonical_format
    # The mean of 600 uniform positions, relative to N, has standard error 1 / sqrt(12 * 600).
    assert abs(np.mean(Y.indices / 2.0**60) - 0.5) < 5 / np.sqrt(7200)


@pytest.mark.parametrize("container", [csr_array, csr_matrix])
def test_scikit_learn_metrics_take_the_codes(container):
    Y = make_sparse_codes(40, 64, n_nonzero_coefs=4, random_state=0)
    Z = Y.copy()
    Z.indices[:40] = 63 - Z.indices[:40]
    Z = container((Z.data, Z.indices, Z.indptr), shape=Z.shape)
    Z.sum_duplicates()
    assert type_of_target(Y) == "multilabel-indicator"
    dense = Y.toarray(), (Z.toarray() != 0).astype(float)
    Z.data[:] = 1
    assert 0.5 < accuracy_score(Y, Z) == accuracy_score(*dense) < 1
    expected = f1_score(*dense, average="samples")
    assert_allclose(f1_score(Y, Z, average="samples"), expected)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        *(({"n_samples": value}, "n_samples") for value in (0, -1, 2.0, "3", None, True)),
        *(({"n_features": value}, "n_features") for value in (0, -1, 2.0, "3", None)),
        *(({"n_nonzero_coefs": value}, "n_nonzero_coefs") for value in (-1, 1.0, "3", None, 1025)),
        *(({"support": value}, "support") for value in ("uniform", None, 1)),
        *(({"values": value}, "values") for value in ("real", None, 1)),
        *(({"zipf_exponent": value}, "zipf_exponent") for value in (-1, np.nan, np.inf, None)),
        *(({"dtype": value}, "dtype") for value in ("text", complex, np.float16, object, "U3")),
        ({"dtype": int, "values": "gaussian"}, "dtype"),
        *(({"random_state": value}, "random_state") for value in (-1, 0.5, "seed", True)),
        ({"n_samples": 2**32, "n_features": 2**32}, "n_samples"),
    ],
    ids=str,
)
def test_bad_parameters(parameters, name):
    with pytest.raises(ValueError, match=name):
        make_sparse_codes(**parameters)
