# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from sklearn import config_context
from sklearn.metrics import precision_recall_fscore_support

from sksupercode.datasets import make_planted_activations, make_sparse_codes
from sksupercode.metrics import (
    _cofiring,
    match_codes,
    match_dictionaries,
    support_precision_recall_f1,
)


def random_codes(n, N, density, rng):
    amplitudes = rng.standard_normal((n, N)) + 2
    return np.where(rng.random((n, N)) < density * rng.random(N), amplitudes, 0)


def noisy(codes, rng, misses=0.2, false=0.02):
    """Codes with amplitudes that differ, some missing and others too many."""
    heard = np.where(rng.random(codes.shape) < misses, 0, codes)
    found = heard * (1 + 0.3 * rng.standard_normal(codes.shape))
    return np.where(rng.random(codes.shape) < false, 1.0, found)


def of_columns(*columns):
    """Codes of 60 samples, of lists of those in which each column fires."""
    Z = np.zeros((60, len(columns)))
    for j, samples in enumerate(columns):
        Z[list(samples), j] = 1
    return Z


@pytest.mark.parametrize("convert", [np.asarray, csr_array, coo_array])
def test_features_with_themselves(convert):
    rng = np.random.default_rng(0)
    A = random_codes(300, 40, 0.3, rng)
    A[:, :3], A[:, 3] = 0, 2.5
    B = noisy(A, rng)
    B[:, 10:13] = 0
    match = match_codes(convert(A), convert(B))
    fires = np.any(A, axis=0)
    expected = precision_recall_fscore_support(A != 0, B != 0, zero_division=0)[:3]
    names = ["precision", "recall", "f1"]
    for name, numbers in zip(names, expected, strict=True):
        assert_allclose(getattr(match, f"{name}s"), np.where(fires, numbers, np.nan))
        assert getattr(match, name) == pytest.approx(numbers[fires].mean())
        assert getattr(match, f"latent_{name}") == pytest.approx(numbers.mean())
    assert match.found == pytest.approx(np.mean(expected[2][fires] > 0.9))
    assert match.uniqueness == 1
    assert_array_equal(match.n_true, np.sum(A != 0, axis=0))
    assert_array_equal(match.n_pred, np.sum(B != 0, axis=0))

    for i in range(40):
        both = (A[:, i] != 0) & (B[:, i] != 0)
        if not np.ptp(A[:, i]):
            assert np.isnan(match.correlations[i])
        elif 10 <= i < 13:
            assert match.correlations[i] == 0
        else:
            assert match.correlations[i] == pytest.approx(np.corrcoef(A[:, i], B[:, i])[0, 1])
        if both.sum() < 3 or not np.ptp(A[both, i]) or not np.ptp(B[both, i]):
            assert np.isnan(match.amplitude_correlations[i])
        else:
            r = np.corrcoef(A[both, i], B[both, i])[0, 1]
            assert match.amplitude_correlations[i] == pytest.approx(r)
    assert match.mcc == pytest.approx(np.nanmean(np.abs(match.correlations)))


def test_learned_dictionaries():
    """Features without a partner count 0; latents are judged by the nearest feature."""
    rng = np.random.default_rng(1)
    truth = rng.standard_normal((30, 20))
    order, signs = rng.permutation(30)[:18], rng.choice([-1, 1], 20)
    learned = signs[:, np.newaxis] * truth[np.concatenate([order, order[:2]])]
    A = random_codes(400, 30, 0.3, rng)
    B = np.zeros((400, 20))
    B[:, :18] = signs[:18] * noisy(A[:, order], rng)
    B[::3, 18] = 1
    pairs = match_dictionaries(truth, learned)
    match = match_codes(A, B, pairs)
    home = np.concatenate([order, order[:2]])
    expected, per_latent = np.zeros((3, 30)), np.zeros((3, 20))
    for features, latents, numbers in (
        (np.flatnonzero(pairs.indices >= 0), pairs.indices[pairs.indices >= 0], expected),
        (home, np.arange(20), per_latent),
    ):
        places = features if numbers is expected else latents
        numbers[:, places] = precision_recall_fscore_support(
            A[:, features] != 0, B[:, latents] != 0, zero_division=0
        )[:3]
    for j, i in enumerate(order):
        if pairs.indices[i] == j:
            assert match.correlations[i] == pytest.approx(np.corrcoef(A[:, i], B[:, j])[0, 1])
            assert match.amplitude_correlations[i] > 0.3
    assert_allclose([match.precisions, match.recalls, match.f1s], expected)
    assert match.f1 == pytest.approx(expected[2].mean()) and match.f1 < 20 / 30
    assert match.latent_f1 == pytest.approx(np.mean(per_latent[2]))
    assert match.latent_recall == pytest.approx(np.mean(per_latent[1]))
    assert match.uniqueness == 18 / 20


def test_pairs_by_correlation():
    rng = np.random.default_rng(2)
    A = random_codes(500, 25, 0.3, rng)
    order, signs = rng.permutation(25), rng.choice([-1, 1], 25)
    B = signs * noisy(A, rng, misses=0.4, false=0.1)[:, order]
    B = np.column_stack([B[:, 5:], rng.standard_normal((500, 9)) * (rng.random((500, 9)) < 0.1)])
    match = match_codes(A, B, "correlation")
    r = np.corrcoef(A.T, B.T)[:25, 25:]
    together = (A != 0).T.astype(int) @ (B != 0) > 0
    sizes = np.where((np.abs(r) > 0.1) & together, np.abs(r), 0)
    rows, columns = linear_sum_assignment(sizes, maximize=True)
    assert match.mcc * 25 == pytest.approx(sizes[rows, columns].sum())
    paired = np.flatnonzero(match.indices >= 0)
    assert len(np.unique(match.indices[paired])) == len(paired)
    assert_allclose(match.correlations[paired], r[paired, match.indices[paired]])
    assert np.nanmin(match.amplitude_correlations[order[5:]]) > 0.3
    assert_array_equal(match.nearest, np.where(sizes.any(axis=0), sizes.argmax(axis=0), -1))


def test_a_dictionary_with_the_truth_is_perfect():
    """A hierarchy is no absorption, its children are no splits, and its parents no merges."""
    _, codes, _ = make_planted_activations(
        3000,
        90,
        16,
        group_size=9,
        group_firing="hierarchical",
        member_probability=0.2,
        amplitudes=("exponential", 0.2),
        random_state=0,
    )
    for pairs in (None, "correlation"):
        match = match_codes(codes, 3 * codes, pairs)
        numbers = [match.precision, match.recall, match.f1, match.mcc, match.found]
        assert_allclose([*numbers, match.amplitude_correlation, match.latent_f1], 1)
        assert_array_equal(match.n_latents, 1)
        assert_array_equal(match.n_features, 1)
        assert len(match.split) == len(match.merged) == len(match.absorbed) == 0
        assert_array_equal(np.flatnonzero(~np.isnan(match.absorption)), np.arange(0, 90, 9))
    # Misses by chance are no absorption, and narrow codes no merges.
    heard = codes.copy()
    heard.data *= np.random.default_rng(0).random(heard.nnz) < 0.7
    match = match_codes(codes, heard)
    assert 0.6 < match.recall < 0.8 and len(match.absorbed) == len(match.merged) == 0
    match = match_codes(codes, codes[:, ::9], "correlation")
    assert_array_equal(match.n_features, 1)
    assert match.f1 < 0.2 and match.latent_f1 == 1


def test_splits():
    A = of_columns(range(30), range(40, 50))
    # Two parts of a feature. The last latent fires as often without the other one as with it.
    halves = [*range(40, 46), *range(51, 57)]
    B = of_columns(range(10), [*range(10, 30), 35], range(40, 50), halves)
    match = match_codes(A, B, "correlation")
    assert_array_equal(match.n_latents, [2, 1])
    assert_array_equal(match.split, [0])
    assert_array_equal(match.indices, [1, 2])
    assert_allclose(match.recalls, [2 / 3, 1])
    assert len(match.merged) == len(match.absorbed) == 0
    B[46, 3] = 1
    assert_array_equal(match_codes(A, B, "correlation").split, [0, 1])
    # Nine samples are too few, and a second copy is a split.
    B = np.column_stack([A, of_columns(range(9)), A[:, 1]])
    assert_array_equal(match_codes(A, B, "correlation").n_latents, [1, 2])
    # Features that fire together belong to their partners.
    A = of_columns(range(30), range(30), range(30))
    match = match_codes(A, A)
    assert_array_equal([match.n_latents, match.n_features], 1)
    # A child's latent is none.
    A = of_columns(range(30), range(12))
    assert len(match_codes(A, of_columns(range(10), range(30)), "correlation").split) == 0


def test_merges():
    A = of_columns(range(10), range(8, 20), range(30, 50), range(30, 41))
    B = of_columns(range(20), range(30, 50))
    match = match_codes(A, B, "correlation")
    # The last feature has no latent, but its parent's fires for no sample of its own.
    assert_array_equal(match.n_features, [2, 1])
    assert_array_equal(match.merged, [0])
    assert len(match.split) == 0
    # A latent of its own, where it is better, takes the feature out.
    own = np.column_stack([B, of_columns(range(9))])
    assert len(match_codes(A, own, "correlation").merged) == 0
    # So does one that is as good.
    A = of_columns(range(20, 40), range(10))
    B = of_columns([*range(10), *range(20, 40)], [*range(10), *range(40, 60)])
    assert_array_equal(match_codes(A, B).n_features, [1, 1])
    # Half of the samples is not more than half, and nine are too few.
    B = of_columns([*range(20, 40), *range(5)])
    assert_array_equal(match_codes(A, B, "correlation").n_features, [1])
    B[5, 0] = 1
    assert_array_equal(match_codes(A, B, "correlation").n_features, [2])
    A[9, 1] = 0
    assert_array_equal(match_codes(A, B, "correlation").n_features, [1])


def test_absorption():
    parent, child, other = range(40), range(15), range(41, 49)
    A = of_columns(parent, child, other)
    # The parent's latent fires for 2 of the 12 samples in which the child's latent does.
    B = of_columns([*range(2), *range(12, 40)], range(12), other)
    match = match_codes(A, B)
    assert_array_equal(match.absorption, [10 / 40, np.nan, np.nan])
    assert_array_equal(match.absorbed, [0])
    assert match.absorption_rate == 0.25
    # As many misses, in proportion, where the child's latent is silent as where it fires.
    B = of_columns([*range(2), *range(13, 17)], range(12), other)
    assert_array_equal(match_codes(A, B).absorption, [0, np.nan, np.nan])
    # Fewer than 10 samples of the child's latent.
    B = of_columns(range(9, 40), range(9), other)
    assert match_codes(A, B).absorption_rate == 0
    B = of_columns(range(10, 40), range(10), other)
    assert match_codes(A, B).absorption_rate == 0.25
    # No child fires only with its parent.
    A[50, 1:] = 1
    match = match_codes(A, B)
    assert np.isnan(match.absorption).all() and np.isnan(match.absorption_rate)


def by_definition(A, B, partner):
    """Splits, merges and absorption as the reference has them, by loops over booleans."""
    n, m, c = A.sum(axis=0), B.sum(axis=0), A.T.astype(int) @ B
    f1 = 2 * c / np.maximum(n[:, np.newaxis] + m, 1)
    sharing, standing = np.zeros((2, A.shape[1], B.shape[1]), bool)
    home = np.where(f1.any(axis=0), f1.argmax(axis=0), -1)
    detector = np.where(f1.any(axis=1), f1.argmax(axis=1), -1)
    for i, j in enumerate(partner):
        if j >= 0 and f1[i, j] > 0:
            home[j] = i if f1[i, j] == f1[:, j].max() else home[j]
            detector[i] = j if f1[i, j] == f1[i].max() else detector[i]
    for j in np.flatnonzero((home >= 0) & (m >= 10)):
        sharing[home[j], j] = 2 * c[home[j], j] > m[j]
        standing[home[j], j] = n[home[j]] >= 10 and 2 * c[home[j], j] > n[home[j]]
    for i in np.flatnonzero((detector >= 0) & (n >= 10)):
        j = detector[i]
        if home[j] != i:
            standing[i, j] = 2 * np.sum(A[:, i] & B[:, j] & ~A[:, home[j]]) > n[i]

    absorption = np.full(A.shape[1], np.nan)
    hears = np.column_stack([B[:, j] if j >= 0 else np.zeros(len(B), bool) for j in partner])
    for i in range(A.shape[1]):
        lost = np.zeros(len(A), bool)
        for k in range(A.shape[1]):
            if 10 <= n[k] < n[i] and np.all(A[A[:, k], i]):
                absorption[i] = 0
                there = A[:, i] & A[:, k] & hears[:, k]
                others = A[:, i] & ~there
                if there.sum() >= 10 and others.any():
                    if hears[there, i].mean() < hears[others, i].mean() / 2:
                        lost |= there & ~hears[:, i]
        if not np.isnan(absorption[i]):
            absorption[i] = lost.sum() / n[i]
    return sharing, standing, absorption


@pytest.mark.parametrize("seed", range(4))
def test_splits_merges_and_absorption_by_definition(seed):
    rng = np.random.default_rng(seed)
    A = rng.random((500, 24)) < 0.3 * rng.random(24)
    A[:, 4:8] |= A[:, :4]
    A[:, 8:12] &= A[:, :4]
    A[:, 12:16] = A[:, 4:8] & (rng.random((500, 4)) < 0.4)
    # Children absorb, latents are shared, united and noise.
    B = A.copy()
    B[:, 4:8] &= ~A[:, 12:16] | (rng.random((500, 4)) < 0.3)
    B[:, 16:18] |= A[:, 18:20]
    split = rng.random(500) < 0.5
    B[:, 20], B[:, 21] = A[:, 22] & split, A[:, 22] & ~split
    B ^= rng.random(B.shape) < 0.02 * rng.random(24)
    B = np.column_stack([B[:, rng.permutation(24)[:20]], rng.random((500, 4)) < 0.02])
    for result in (match_codes(A, B), match_codes(A, B, "correlation")):
        sharing, standing, absorption = by_definition(A, B, result.indices)
        assert_array_equal(result.n_latents, sharing.sum(axis=1))
        assert_array_equal(result.n_features, standing.sum(axis=0))
        for i, j in np.ndindex(sharing.shape):
            assert_array_equal(result.latents_of(i), np.flatnonzero(sharing[i]))
            assert_array_equal(result.features_of(j), np.flatnonzero(standing[:, j]))
        assert_allclose(result.absorption, absorption)
    assert len(result.split) and len(result.merged) and len(result.absorbed)


def test_samples_that_two_children_absorb_count_once():
    A = of_columns(range(40), range(20), range(10, 30))
    B = of_columns(range(30, 40), range(20), range(10, 30))
    assert_array_equal(match_codes(A, B).absorption, [30 / 40, np.nan, np.nan])


@pytest.mark.parametrize("match", [None, "correlation"])
def test_nothing_fires(match):
    Z, empty = np.eye(4)[:, :3], np.zeros((4, 3))
    for y_true, y_pred, expected in ((Z, empty, 0), (empty, Z, np.nan), (empty, empty, np.nan)):
        result = match_codes(y_true, y_pred, match)
        means = [result.precision, result.recall, result.f1, result.mcc, result.found]
        assert_array_equal(means, expected)
        assert result.latent_f1 == 0 and np.isnan(result.amplitude_correlation)
        assert len(result.split) == len(result.merged) == 0
        assert f"f1={expected}," in repr(result)


@pytest.mark.parametrize("working_memory", [0.001, 1024])
def test_blocks_and_order_do_not_matter(working_memory, monkeypatch):
    rng = np.random.default_rng(3)
    A = random_codes(200, 60, 0.2, rng)
    B = noisy(A, rng)[:, rng.permutation(60)[:50]]
    whole = match_codes(A, B, "correlation")
    monkeypatch.setattr(_cofiring, "_MOST_COLUMNS", 7)
    with config_context(working_memory=working_memory):
        blocks = match_codes(A.astype(np.float32), csr_array(B), "correlation")
    order = rng.permutation(200)
    for other in (blocks, match_codes(A[order], B[order], "correlation")):
        for name, value in vars(whole).items():
            assert_allclose(getattr(other, name), value, rtol=1e-5, err_msg=name)


def test_memory_is_that_of_nonzeros_and_blocks():
    N, n = 2**14, 3000
    codes = make_sparse_codes(n, N, n_nonzero_coefs=10, random_state=0)
    tracemalloc.start()
    with config_context(working_memory=16):
        match = match_codes(codes, codes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert match.f1 == 1
    # n N numbers of 8 bytes would be 393 MB, and N N ones 2 GB.
    assert peak < 60e6


def test_support_f1_weighs_features_by_how_often_they_fire():
    A = of_columns(range(40), [50])
    B = of_columns(range(40), [51])
    assert match_codes(A, B).f1 == 0.5
    assert support_precision_recall_f1(A, B)[2] == pytest.approx(40 / 41)


def test_wrong_input():
    A, B = np.eye(4), np.eye(4)[:, :3]
    pairs = match_dictionaries(np.eye(4), np.eye(4)[:3])
    assert match_codes(A, B, pairs).f1 == 0.75
    for codes, match, options, message in [
        (B, None, {}, "y_pred must have 4 columns"),
        (A[:3], None, {}, "y_pred must have 4 rows"),
        (A, pairs, {}, "match must be of dictionaries of 4 and 4 codewords"),
        (A, "cosine", {}, "match must be None, a DictionaryMatch .* got 'cosine'"),
        (A, np.arange(4), {}, "match must be None, a DictionaryMatch"),
        (A * np.nan, None, {}, "y_pred must be a finite"),
        (A, None, {"threshold": 1}, "threshold must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            match_codes(A, codes, match, **options)
