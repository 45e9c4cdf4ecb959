# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array
from scipy.stats import multivariate_normal, norm
from sklearn import config_context

from sksupercode.datasets import _planted_trees, make_synth_sae_bench
from sksupercode.datasets._planted_trees import (
    FiringTrees,
    copula_factors,
    firing_given_parents,
    tree_parents,
)
from sksupercode.metrics import match_codes


def all_parents(N, n_trees):
    """Parents of trees of 4 children and depth 3, numbered level by level; -1 for none."""
    parents, level = np.full(N, -1), list(range(n_trees))
    following = n_trees
    for _ in range(3):
        children = []
        for parent in level:
            parents[following : following + 4] = parent
            children += range(following, following + 4)
            following += 4
        level = children
    return parents


def test_the_plain_call():
    X, codes, dictionary, intercept = make_synth_sae_bench(4000, random_state=0)
    assert X.shape == (4000, 128) and codes.shape == (4000, 1024)
    assert codes.format == "csr" and codes.has_canonical_format and np.all(codes.data > 0)
    assert_allclose(X, codes @ dictionary + intercept)
    assert_allclose(np.linalg.norm(dictionary, axis=1), 1)
    assert np.linalg.norm(intercept) == pytest.approx(0.5)
    # A tight frame: the Gram matrix of the dimensions is a multiple of the identity.
    assert_allclose(dictionary.T @ dictionary / 8, np.eye(128), atol=0.003)

    fires = codes.toarray() != 0
    parents = all_parents(1024, 8)
    children = np.flatnonzero(parents >= 0)
    assert not np.any(fires[:, children] & ~fires[:, parents[children]])
    families = fires[:, children].reshape(4000, -1, 4)
    assert families.sum(axis=2).max() == 1
    # Children alone are exclusive.
    assert (fires[:, :8].sum(axis=1) > 1).any()

    # Roots and features in no tree have the frequencies of the power law.
    ranks = np.arange(1, 1025) ** -0.5
    p = 5e-4 + (0.4 - 5e-4) * (ranks - 1 / 32) / (1 - 1 / 32)
    alone = np.flatnonzero(parents < 0)
    z = (fires[:, alone].sum(axis=0) - 4000 * p[alone]) / np.sqrt(4000 * (p * (1 - p))[alone])
    assert np.abs(z).max() < 6 and 0.8 < np.mean(z**2) < 1.3
    # The variables of roots have correlations of mean square 25 / 100^2, so that those of firing
    # have a root mean square of some .035; without any it would be 1 / sqrt(4000) = .016.
    correlations = np.corrcoef(fires[:, :8].T)[np.triu_indices(8, 1)]
    assert 0.025 < np.sqrt(np.mean(correlations**2)) < 0.055
    # Amplitudes have means from 5 down to 4, and the deviations |N(.5, .5^2)|, of mean square
    # .5 with the standard error .61 / sqrt(352) = .03 of so many features.
    amplitudes = csc_array(codes)[:, alone]
    of_feature = np.repeat(alone, np.diff(amplitudes.indptr))
    errors = amplitudes.data - np.linspace(5, 4, 1024)[of_feature]
    for some in (of_feature < 8, of_feature >= 8):
        assert abs(errors[some].mean()) < 5 / np.sqrt(np.count_nonzero(some))
    counts, squares = np.bincount(of_feature), np.bincount(of_feature, errors**2)
    assert 0.35 < np.mean(squares[counts > 0] / counts[counts > 0]) < 0.65
    # The measure of hierarchies finds the same parents.
    match = match_codes(codes, codes)
    assert set(np.flatnonzero(~np.isnan(match.absorption))) <= set(parents[children])
    assert match.f1 == 1 and len(match.split) == len(match.merged) == len(match.absorbed) == 0


@pytest.mark.long
def test_the_full_size_is_as_published():
    """arXiv:2602.14687 and its documentation: L0 is 34 of all features, 25 of the first 4,096."""
    X, codes, dictionary, _ = make_synth_sae_bench(600, "full", dtype=np.float32, random_state=0)
    assert dictionary.shape == (16384, 768)
    assert X.dtype == codes.dtype == dictionary.dtype == np.float32
    assert codes.nnz / 600 == pytest.approx(34.6, rel=0.05)
    assert codes[:, :4096].nnz / 600 == pytest.approx(25.2, rel=0.05)
    # Means of SAELens 6.54.12, in 20,000 samples.
    assert np.linalg.norm(X, axis=1).mean() == pytest.approx(28.42, rel=0.03)
    assert X.var(axis=0).sum() == pytest.approx(812, rel=0.05)
    some = dictionary[:500] @ dictionary.T
    np.put_along_axis(some, np.arange(500)[:, np.newaxis], 0, axis=1)
    assert np.sqrt(np.mean(some**2)) == pytest.approx(0.0352, rel=0.01)


def published_order(trees, n, rng):
    """All features of a sample at once, then parents, scales and one child, level by level."""
    N = len(trees.parents)
    shared = rng.standard_normal((n, trees.factors.shape[1]))
    own = rng.standard_normal((n, N))
    variables = shared @ trees.factors.T + np.sqrt(1 - np.sum(trees.factors**2, axis=1)) * own
    amplitudes = trees.means + trees.deviations * rng.standard_normal((n, N))
    Z = np.where(variables > norm.isf(trees.tries), np.maximum(amplitudes, 0), 0)
    for parent in range(N):
        children = np.flatnonzero(trees.parents == parent)
        if len(children):
            Z[:, children] *= Z[:, [parent]] / trees.means[parent]
            for row in np.flatnonzero(np.sum(Z[:, children] > 0, axis=1) > 1):
                active = children[Z[row, children] > 0]
                Z[row, active[active != rng.choice(active)]] = 0
    return Z


def test_codes_have_the_law_of_the_published_order():
    rng = np.random.default_rng(0)
    N, n = 2 * 21 + 5, 30_000
    parents = tree_parents(N, 2, 4, 2)
    factors, variances = copula_factors(N, 3, 0.6, rng)
    assert_allclose(np.sum(factors**2, axis=1) + variances, 1)
    assert variances.min() == pytest.approx(0.01)
    trees = FiringTrees(
        parents=parents,
        tries=firing_given_parents(0.5 * np.arange(1, N + 1) ** -0.7, parents),
        factors=factors,
        variances=variances,
        means=np.linspace(2, 1, N),
        deviations=rng.random(N),
        n_children=4,
    )
    Z, expected = trees.draw(n, rng).toarray(), published_order(trees, n, rng)
    for moment in (lambda Z: np.mean(Z != 0, axis=0), lambda Z: np.mean(Z, axis=0)):
        deviations = np.maximum(Z.std(axis=0), (Z != 0).std(axis=0)) * np.sqrt(2 / n)
        assert np.all(np.abs(moment(Z) - moment(expected)) < 5.5 * deviations)
    second = [(A.T @ A) / n for A in (Z, expected)]
    variances = sum((A**2).T @ A**2 for A in (Z, expected)) / n**2
    assert np.all(np.abs(second[0] - second[1]) <= 5.5 * np.sqrt(variances))


def test_frequencies_are_nearly_kept():
    parents = np.array([-1, 0, 0, 0, 0, -1])
    p = np.array([0.3, 0.02, 0.03, 0.01, 0.02, 0.5])
    tries = firing_given_parents(p, parents)
    assert_allclose(tries[[0, 5]], p[[0, 5]])
    assert tries[1] == pytest.approx(0.02 / 0.3 * (1 + 0.06 / 0.3))
    none = FiringTrees(parents, tries, np.zeros((6, 1)), np.ones(6), np.ones(6), np.zeros(6), 4)
    Z = none.draw(200_000, np.random.default_rng(0))
    assert_array_equal(Z.data, 1)
    assert_allclose(Z.mean(axis=0), p, rtol=0.06)
    assert np.all(firing_given_parents(np.array([0.1, 0.1]), np.array([-1, 0])) == [0.1, 1])


def test_samples_in_which_nothing_fires():
    alone, ones = np.array([-1, -1]), np.ones(2)
    trees = FiringTrees(alone, np.zeros(2), np.zeros((2, 1)), ones, ones, ones, 4)
    Z = trees.draw(3, np.random.default_rng(0))
    assert Z.shape == (3, 2) and Z.nnz == 0


def test_the_copula():
    rng = np.random.default_rng(0)
    factors = np.array([[0.8, 0.0], [0.6, 0.5], [0.0, -0.9]])
    p = np.array([0.3, 0.1, 0.2])
    law = FiringTrees(
        np.full(3, -1), p, factors, 1 - np.sum(factors**2, axis=1), np.ones(3), np.zeros(3), 4
    )
    Z = law.draw(200_000, rng).toarray()
    assert_allclose(Z.mean(axis=0), p, atol=0.005)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        r = factors[i] @ factors[j]
        both = multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf(norm.ppf(p[[i, j]]))
        assert np.mean(Z[:, i] * Z[:, j]) == pytest.approx(both, abs=0.004)


def test_random_states(monkeypatch):
    def draw(random_state, n=50, **parameters):
        X, codes, dictionary, b = make_synth_sae_bench(n, random_state=random_state, **parameters)
        return X, codes.toarray(), dictionary, b

    first = draw(3)
    with config_context(working_memory=0.01):
        for one, same in zip(first, draw(np.random.default_rng(3)), strict=True):
            assert_array_equal(one, same)
    other, model = draw(4, n=30), draw(3, model_seed=0)
    assert_array_equal(first[2], other[2])
    assert_array_equal(first[3], other[3])
    assert not np.array_equal(first[0][:30], other[0])
    assert not np.isclose(first[2], model[2]).any(axis=1).all()
    for double, single in zip(first, draw(3, dtype=np.float32), strict=True):
        assert_allclose(double, single, rtol=1e-4, atol=1e-5)
    # Blocks differ from each other.
    monkeypatch.setattr(_planted_trees, "_BLOCK_ENTRIES", 352 * 25)
    codes = draw(3)[1]
    assert not np.array_equal(codes[:25], codes[25:])


def test_memory_is_that_of_the_results_and_a_block():
    tracemalloc.start()
    X = make_synth_sae_bench(100_000, dtype=np.float32, random_state=0)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # n N booleans would be 102 MB.
    assert peak - X.nbytes < 75e6


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "n_samples must be"),
        ({"size": "16k"}, "size must be one of"),
        ({"dtype": np.int64}, "dtype must be one of float32, float64, got"),
        ({"model_seed": None}, "model_seed must be"),
        ({"model_seed": -1}, "model_seed must be"),
        ({"random_state": "0"}, "random_state must be"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_synth_sae_bench(**parameters)


def test_too_many_samples():
    with pytest.raises(MemoryError, match="samples and 1024 codewords"):
        make_synth_sae_bench(10**12)
