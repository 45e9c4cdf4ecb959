# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.decomposition import FastICA
from sklearn.frozen import FrozenEstimator

from sksupercode import RademacherEncoder, SparseAutoencoder, TopKDecoder
from sksupercode.dictionaries import DenseDictionary
from sksupercode.metrics import _dictionary_matching, match_dictionaries
from sksupercode.sae import SAEWeights

METHODS = ("assignment", "mutual")


def noisy_pair(n, m, d=16, noise=1.0, seed=0):
    """Random codewords, and noisy copies of them in another order, with others if m > n."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((max(n, m), d))
    G = F[rng.permutation(len(F))] + noise * rng.standard_normal(F.shape)
    return F[:n], G[:m] * rng.choice([-1, 1], (m, 1))


def all_cosines(F, G):
    return (F / np.linalg.norm(F, axis=1)[:, None]) @ (G / np.linalg.norm(G, axis=1)[:, None]).T


def assert_same(match, expected):
    for name, value in vars(expected).items():
        assert_array_equal(getattr(match, name), value, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("exponent, dtype", [(0, np.float16), (30, np.float32), (150, np.float64)])
def test_order_sign_and_norm_do_not_matter(method, exponent, dtype):
    rng = np.random.default_rng(0)
    F = rng.integers(-8, 9, (40, 16)).astype(float)
    order, signs = rng.permutation(40), rng.choice([-1, 1], 40)
    norms = 10.0 ** rng.integers(-exponent, exponent, 40, endpoint=True)
    G = ((norms * signs)[:, None] * F[order]).astype(dtype)
    match = match_dictionaries(F.astype(dtype), G, method=method)
    assert_array_equal(order[match.indices], np.arange(40))
    assert_array_equal(match.nearest, match.indices)
    assert_array_equal(match.other_nearest, order)
    assert_allclose(match.cosines, signs[match.indices], rtol=1e-6)
    assert_allclose([match.mcc, match.mmcs, match.found, match.found_in_pairs], 1, rtol=1e-6)
    assert len(match.missed) == len(match.duplicates) == 0
    match = match_dictionaries(F.astype(dtype), G, signed=True, method=method)
    assert_array_equal(match.missed, np.sort(order[signs < 0]))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n, m", [(6, 6), (4, 7), (7, 4)])
def test_an_assignment_is_the_best_of_all(n, m, signed):
    F, G = noisy_pair(n, m, d=3)
    match = match_dictionaries(F, G, signed=signed)
    C = all_cosines(F, G)
    sizes = C if signed else np.abs(C)
    wide = sizes if n <= m else sizes.T
    rows = np.arange(len(wide))
    best = max(wide[rows, list(some)].sum() for some in permutations(range(max(n, m)), len(wide)))
    assert_allclose(match.mcc, best / n, rtol=1e-12)
    assert_allclose(match.mmcs, sizes.max(axis=1).mean(), rtol=1e-12)
    assert_array_equal(match.nearest, sizes.argmax(axis=1))
    assert_array_equal(match.other_nearest, sizes.argmax(axis=0))
    paired = match.indices >= 0
    assert_allclose(match.cosines[paired], C[paired, match.indices[paired]], rtol=1e-12)
    assert_array_equal(match.cosines[~paired], 0)
    assert len(np.unique(match.indices[paired])) == min(n, m)
    swapped = match_dictionaries(G, F, signed=signed)
    assert_allclose(swapped.mcc * m, match.mcc * n, rtol=1e-12)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n, m", [(60, 60), (40, 90), (90, 40)])
def test_mutual_neighbours_are_the_greedy_matching(n, m, signed):
    F, G = noisy_pair(n, m)
    match = match_dictionaries(F, G, signed=signed, method="mutual")
    sizes = all_cosines(F, G) if signed else np.abs(all_cosines(F, G))
    expected = np.full(n, -1)
    for pair in np.argsort(-sizes, axis=None):
        i, j = np.unravel_index(pair, sizes.shape)
        if expected[i] < 0 and j not in expected:
            expected[i] = j
    assert_array_equal(match.indices, expected)
    best = match_dictionaries(F, G, signed=signed, method="assignment")
    assert 0.9 * best.mcc < match.mcc <= best.mcc
    near = [match_dictionaries(*noisy_pair(n, n, noise=0.1), method=method) for method in METHODS]
    assert_same(*near)


@pytest.mark.parametrize("method", METHODS)
def test_results_do_not_depend_on_blocks_and_ties_go_to_the_first(method, monkeypatch):
    F, G = noisy_pair(70, 90, d=301)
    F[40:60], G[50:80], G[3] = F[7], 3 * F[7], 0
    expected = match_dictionaries(F, G, method=method)
    assert expected.nearest[7] == 50
    assert_array_equal(expected.other_nearest[50:80], 7)
    for length in (1, 2, 7, 64):
        monkeypatch.setattr(_dictionary_matching, "_BLOCK", length)
        assert_same(match_dictionaries(F, G, method=method), expected)
    # The last copy is a block of its own, whose products BLAS sums in another order.
    monkeypatch.setattr(_dictionary_matching, "_BLOCK", 89)
    copies = match_dictionaries(F, np.tile(G[:1], (90, 1)), method=method)
    assert_array_equal(copies.nearest, 0)
    monkeypatch.undo()
    with config_context(working_memory=0.1):
        assert_same(match_dictionaries(F, G, method=method), expected)


def test_what_is_found_missed_and_doubled():
    F = np.eye(5)
    F[4] = [0, 0, 0, 1, 0.1]
    G = np.eye(5)[[1, 3, 0, 0, 2]] + [[0], [0], [0.01], [0.05], [1.0]] * np.eye(5)[4]
    match = match_dictionaries(F, G)
    # The last two are found by the same one, and one of them has to take another partner.
    assert_array_equal(match.nearest, [2, 0, 4, 1, 1])
    assert_array_equal(match.missed, [2])
    assert (match.found, match.found_in_pairs) == (0.8, 0.6)
    assert_array_equal(match.duplicates, [3])
    assert match.mmcs > match.mcc
    strict = match_dictionaries(F, G, threshold=0.9999)
    assert_array_equal(strict.missed, [2, 4])
    assert len(strict.duplicates) == 0
    assert "missed=1 of 5, duplicates=1 of 5" in repr(match)


@pytest.mark.parametrize("method", METHODS)
def test_zero_codewords_match_nothing(method):
    F, G = noisy_pair(5, 6, noise=0.0)
    F[1], G[[0, 4]] = 0, 0
    match = match_dictionaries(F, G, method=method)
    assert_array_equal(match.indices < 0, [False, True, False, False, False])
    assert not np.isin(match.indices, [0, 4]).any()
    assert match.nearest[1] == match.other_nearest[0] == match.other_nearest[4] == -1
    assert match.cosines[1] == match.nearest_cosines[1] == 0
    assert 1 in match.missed
    assert not np.isin(match.duplicates, [0, 4]).any()
    match = match_dictionaries(F, 0 * G, method=method)
    assert match.mcc == match.mmcs == match.found == 0
    assert_array_equal(match.indices, -1)


def test_copies_do_not_make_many_rounds(monkeypatch):
    rounds, nearest = [], _dictionary_matching._nearest

    def counted(*args):
        rounds.append(args)
        return nearest(*args)

    monkeypatch.setattr(_dictionary_matching, "_nearest", counted)
    F, _ = noisy_pair(300, 300)
    match = match_dictionaries(F, np.tile(F[:1], (300, 1)), method="mutual")
    assert match.indices[0] == 0
    assert len(rounds) < 5
    assert_array_equal(match.duplicates, np.arange(1, 300))


def test_dictionaries_and_estimators():
    F, G = noisy_pair(24, 24)
    expected = match_dictionaries(F, G)
    weights = SAEWeights("topk", W_dec=G, b_dec=G[0], W_enc=G.T, b_enc=np.zeros(24), k=2)
    sae = SparseAutoencoder.from_weights(weights)
    decoder = TopKDecoder(G, 2).fit(F)
    ica = FastICA()
    ica.components_ = G
    for other in (DenseDictionary(G), sae, FrozenEstimator(sae), decoder, ica, G.tolist()):
        assert_allclose(match_dictionaries(F, other).cosines, expected.cosines, rtol=1e-6)
    Y = csr_array(np.eye(300))
    encoders = [RademacherEncoder(32, random_state=seed).fit(Y) for seed in (0, 0, 1)]
    assert match_dictionaries(*encoders[:2]).found == 1
    assert match_dictionaries(*encoders[1:]).found == 0


def test_no_matrix_of_all_cosines_is_held(monkeypatch):
    monkeypatch.setattr(_dictionary_matching, "_LARGEST_MATRIX", 4000**2 - 1)
    rng = np.random.default_rng(0)
    F = rng.standard_normal((4000, 32), dtype=np.float32).astype(np.float16)
    G = F[rng.permutation(4000)]
    tracemalloc.start()
    match = match_dictionaries(F, G)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # It would take 64 MB in single precision, and blocks take 18.
    assert match.found == 1 and peak < 24 * 2**20


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"dictionary": None}, r"^dictionary must be an array of shape \(N, d\), a Dict.*got None"),
        ({"other": csr_array(np.eye(3))}, r"^other must be an array of shape \(N, d\), a Dict"),
        ({"other": [[np.nan, 0, 0]]}, r"^other must be a matrix of finite real numbers.*NaN"),
        ({"other": np.ones(3)}, r"^other must be a matrix of finite real numbers.*1D"),
        ({"other": np.eye(4)}, "^other must have codewords of 3 dimensions .* got 4"),
        ({"other": SparseAutoencoder(8)}, r"^other=SparseAutoencoder\(\.\.\.\) has neither dict"),
        ({"threshold": 1}, "^threshold must be a real number >= 0 and < 1, got 1"),
        ({"signed": "yes"}, "^signed must be True or False, got 'yes'"),
        ({"method": "greedy"}, "^method must be one of 'auto', 'assignment', 'mutual', got 'gr"),
    ],
)
def test_what_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        match_dictionaries(**{"dictionary": np.eye(3), "other": np.eye(3)} | changed)
