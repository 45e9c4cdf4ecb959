# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from scipy.stats import chi2, expon, gamma, kstest, norm, uniform
from sklearn.frozen import FrozenEstimator

from sksupercode import RademacherEncoder
from sksupercode.datasets import make_planted_activations
from sksupercode.datasets._sparse_codes import _zipf_frequencies
from sksupercode.metrics import fraction_of_variance_unexplained

HIERARCHY = {"group_size": 9, "group_firing": "hierarchical", "member_probability": 1 / 8}


def fired(codes):
    """Return (n, N) booleans."""
    return codes.toarray() != 0


def assert_frequencies(codes, frequencies):
    """Fail with probability 1e-6 if columns are binomial; with groups, they are tested apart."""
    n = codes.shape[0]
    deviations = fired(codes).sum(axis=0) - n * frequencies
    uncertain = (frequencies > 0) & (frequencies < 1)
    assert_allclose(deviations[~uncertain], 0, atol=1e-9)
    variances = n * (frequencies * (1 - frequencies))[uncertain]
    assert np.all(np.abs(deviations[uncertain]) < 6 * np.sqrt(variances) + 1)
    return np.sum(deviations[uncertain] ** 2 / variances), np.count_nonzero(uncertain)


def test_the_plain_call():
    X, codes, dictionary = make_planted_activations(random_state=0)
    assert X.shape == (1000, 96) and codes.shape == (1000, 512) and dictionary.shape == (512, 96)
    assert issparse(codes) and codes.format == "csr" and codes.has_canonical_format
    assert X.dtype == codes.dtype == dictionary.dtype == np.float64
    assert np.all(np.diff(codes.indptr) == 6)
    assert kstest(codes.data, "uniform", (0.5, 1.0)).pvalue > 1e-6
    assert_array_equal(X, codes @ dictionary)
    assert_allclose(np.linalg.norm(dictionary, axis=1), 1)
    cosines = (dictionary @ dictionary.T)[np.triu_indices(512, 1)]
    # Uniform directions: their squared cosines have mean 1 / d and variance 2 / d^2, about.
    assert abs(np.mean(cosines**2) * 96 - 1) < 5 * np.sqrt(2 / len(cosines))


@pytest.mark.parametrize("support", ["bernoulli", "zipf", "given"])
def test_frequencies(support):
    n, N = 20_000, 200
    given = np.random.default_rng(0).random(N) ** 4
    given[:3] = 0, 1, 1
    expected = {"bernoulli": np.full(N, 0.04), "zipf": _zipf_frequencies(N, 8, 0.7), "given": given}
    law = given if support == "given" else support
    k = None if support == "given" else 8
    _, codes, _ = make_planted_activations(
        n, N, 4, n_nonzero_coefs=k, support=law, zipf_exponent=0.7, random_state=0
    )
    statistic, n_columns = assert_frequencies(codes, expected[support])
    assert 1e-6 < chi2.sf(statistic, n_columns) < 1 - 1e-6


@pytest.mark.parametrize(("size", "cosine"), [(4, 0.5), (3, -0.5), (2, -1.0), (5, 0.0), (7, 0.99)])
def test_cosines_of_a_group(size, cosine):
    N, d = 40 * size, 48
    _, codes, dictionary = make_planted_activations(
        50, N, d, group_size=size, group_cosine=cosine, random_state=0
    )
    gram = dictionary @ dictionary.T
    same = np.arange(N)[:, np.newaxis] // size == np.arange(N) // size
    expected = np.where(np.eye(N, dtype=bool), 1.0, cosine)
    assert_allclose(gram[same], expected[same], atol=1e-12)
    # Groups have uniform and independent directions: the sum of the squared cosines of two of them
    # is s^2 / d on average, whatever the cosine.
    assert abs(np.mean(gram[~same] ** 2) * d - 1) < 0.1
    assert abs(np.mean(dictionary)) < 5 * np.sqrt(size / dictionary.size)
    # Frames of LAPACK have a diagonal of one sign.
    diagonals = [dictionary[member::size, member] for member in range(size)]
    assert abs(np.mean(diagonals)) < 5 / np.sqrt(N * d)
    # They do not say which latents fire together.
    assert np.all(np.diff(codes.indptr) == 6)


@pytest.mark.parametrize("support", ["fixed", "bernoulli", "zipf"])
def test_children_fire_only_with_their_parent(support):
    n = 20_000
    _, codes, _ = make_planted_activations(n, 576, 2, support=support, **HIERARCHY, random_state=0)
    groups = fired(codes).reshape(n, 64, 9)
    parents, children = groups[:, :, 0], groups[:, :, 1:]
    assert not children[~parents].any()
    assert parents.sum(axis=1).mean() == pytest.approx(3, rel=0.03)
    if support == "fixed":
        assert np.all(parents.sum(axis=1) == 3)
    # Children are independent of each other: 8 columns of probability 1/8 in n_active rows.
    n_active = parents.sum()
    deviations = children[parents].sum(axis=0) - n_active / 8
    assert chi2.sf(np.sum(deviations**2) / (n_active * 7 / 64), 8) > 1e-6
    numbers = children[parents].sum(axis=1)
    assert abs(numbers.var() / (7 / 8) - 1) < 5 * np.sqrt(3 / n_active)
    frequencies = _zipf_frequencies(64, 3, 1.0) if support == "zipf" else np.full(64, 3 / 64)
    of_latents = np.outer(frequencies, [1] + 8 * [1 / 8]).ravel()
    assert_frequencies(codes, of_latents)


def test_members_fire_together():
    n, q = 40_000, 0.6
    _, codes, _ = make_planted_activations(
        n,
        120,
        2,
        n_nonzero_coefs=14,
        support="bernoulli",
        group_size=3,
        group_firing="together",
        member_probability=q,
        random_state=0,
    )
    P = 14 / (40 * 3 * q)
    assert_frequencies(codes, np.full(120, P * q))
    correlations = np.corrcoef(fired(codes).T.astype(float)).reshape(40, 3, 40, 3)
    within = np.array(
        [correlations[g, i, g, j] for g in range(40) for i in range(3) for j in range(i)]
    )
    # Each has a standard error of at most 1 / sqrt(n).
    assert_allclose(within, q * (1 - P) / (1 - q * P), atol=5 / np.sqrt(n))
    across = correlations[0, :, 1:].ravel()
    assert np.abs(across).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize("firing", ["together", "hierarchical"])
def test_given_frequencies_of_groups(firing):
    n, rng = 20_000, np.random.default_rng(0)
    frequencies = rng.uniform(0.05, 0.5, size=(20, 1)) * rng.random((20, 5))
    frequencies[0] = 0
    frequencies[1:, 0] = frequencies[1:].max(axis=1)
    _, codes, _ = make_planted_activations(
        n, None, 2, support=frequencies.ravel(), group_size=5, group_firing=firing, random_state=0
    )
    assert_frequencies(codes, frequencies.ravel())
    groups = fired(codes).reshape(n, 20, 5)
    first, second = groups[:, :, 0], groups[:, :, 1]
    if firing == "hierarchical":
        assert not groups[~first].any()
    both = (first & second).sum(axis=0)
    # P(both) = p_0 p_1 / P with P = p_0, or p_0 / q for q = 0.5.
    expected = n * frequencies[:, 1] * (1.0 if firing == "hierarchical" else 0.5)
    assert np.all(np.abs(both - expected) < 6 * np.sqrt(expected) + 1)


def test_a_mean_number_of_groups_that_is_no_integer():
    _, codes, _ = make_planted_activations(
        10_000,
        64,
        2,
        n_nonzero_coefs=5,
        group_size=4,
        group_firing="together",
        member_probability=1,
        random_state=0,
    )
    sizes, counts = np.unique(np.diff(codes.indptr), return_counts=True)
    assert_array_equal(sizes, [4, 8])
    # The standard deviation is 43.
    assert abs(counts[0] - 7500) < 5 * 43


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_noise_is_a_fraction_of_the_variance(dtype, scale):
    problem = {
        "n_nonzero_coefs": 8,
        "support": "zipf",
        "zipf_exponent": 0.7,
        "amplitudes": ("exponential", 0.2 * scale, scale),
        "dtype": dtype,
        "random_state": 0,
    }
    X, codes, dictionary = make_planted_activations(2000, 1024, 128, noise=0.05, **problem)
    assert X.dtype == codes.dtype == dictionary.dtype == dtype
    assert kstest((codes.data / scale - 0.2).astype(float), "expon").pvalue > 1e-6
    # The standard error is that of chi^2 with n d degrees of freedom.
    fvu = fraction_of_variance_unexplained(X, codes @ dictionary)
    assert abs(fvu / 0.05 - 1) < 5 * np.sqrt(2 / X.size)
    noise = (X - codes @ dictionary).ravel().astype(float)
    assert kstest(noise / noise.std(), "norm").pvalue > 1e-6
    clean, same_codes, _ = make_planted_activations(2000, 1024, 128, **problem)
    assert_array_equal(same_codes.toarray(), codes.toarray())
    assert_array_equal(clean, codes @ dictionary)


@pytest.mark.parametrize(
    ("amplitudes", "law"),
    [
        ("exponential", expon()),
        (("uniform", -1, 3), uniform(-1, 4)),
        (["gaussian", 2.0, 0.1], norm(2, 0.1)),
        (lambda rng, size: rng.gamma(2.0, size=size), gamma(2)),
    ],
)
def test_amplitudes(amplitudes, law):
    _, codes, _ = make_planted_activations(500, 64, 8, amplitudes=amplitudes, random_state=0)
    assert codes.nnz == 3000 and kstest(codes.data, law.cdf).pvalue > 1e-6


def test_amplitudes_of_zero_do_not_fire():
    _, codes, _ = make_planted_activations(
        500, 64, 8, amplitudes=lambda rng, size: rng.integers(2, size=size), random_state=0
    )
    assert np.all(codes.data == 1) and abs(codes.nnz - 1500) < 5 * np.sqrt(750)
    _, ones, _ = make_planted_activations(500, 64, 8, amplitudes="binary", random_state=0)
    assert np.all(ones.data == 1) and ones.nnz == 3000


def test_a_given_dictionary():
    rng = np.random.default_rng(0)
    array = 3 * rng.standard_normal((40, 7))
    X, codes, dictionary = make_planted_activations(30, dictionary=array, random_state=0)
    assert_array_equal(dictionary, array)
    assert codes.shape == (30, 40)
    assert_array_equal(X, codes @ array)
    encoder = RademacherEncoder(n_components=7, n_features=40, random_state=0).fit(np.eye(40))
    for source in (encoder, FrozenEstimator(encoder)):
        X, codes, dictionary = make_planted_activations(
            30, 40, 7, dictionary=source, dtype=np.float32, **{**HIERARCHY, "group_size": 8}
        )
        assert_allclose(dictionary, encoder.transform(np.eye(40)), rtol=1e-6)
        assert_array_equal(X, codes @ dictionary)


def test_random_state():
    def draw(random_state, n=50, **parameters):
        X, codes, dictionary = make_planted_activations(
            n, 90, 8, noise=0.1, **HIERARCHY, random_state=random_state, **parameters
        )
        return X, codes.toarray(), dictionary

    for first, same, other in zip(draw(3), draw(np.int32(3)), draw(4), strict=True):
        assert_array_equal(first, same)
        assert not np.array_equal(first, other)
    assert not np.array_equal(draw(None)[0], draw(None)[0])
    assert_array_equal(draw(3)[2], draw(3, n=7)[2])
    assert_array_equal(draw(3)[2], draw(3, n_nonzero_coefs=2, support="zipf")[2])
    for double, single in zip(draw(3), draw(3, dtype=np.float32), strict=True):
        assert_allclose(double, single, rtol=1e-4, atol=1e-6)
    for make in (np.random.RandomState, np.random.default_rng):
        assert_array_equal(draw(make(3))[0], draw(make(3))[0])


def test_combinations_are_legal():
    laws = ["fixed", "bernoulli", "zipf", np.full(12, 0.25)]
    firings = ["independent", "together", "hierarchical"]
    for support, firing, size, d, n in product(laws, firings, [1, 3, 12], [1, 16], [1, 9]):
        named = isinstance(support, str)
        for k in (0, 1, 3) if named else (None, 3):
            X, codes, dictionary = make_planted_activations(
                n,
                12,
                d,
                n_nonzero_coefs=k,
                support=support,
                group_size=size,
                group_cosine=0.3 if size <= d else None,
                group_firing=firing,
                noise=0.2,
            )
            assert np.isfinite(X).all() and codes.shape == (n, 12)
            assert_allclose(np.linalg.norm(dictionary, axis=1), 1)
            assert k != 0 or (codes.nnz == 0 and not X.any())
    frequencies = [0.1 * 3, 0.3]
    make_planted_activations(
        support=frequencies, group_size=2, group_firing="together", member_probability=0.3
    )
    for firing, most in (("together", 6), ("hierarchical", 7)):
        _, codes, _ = make_planted_activations(
            400, 12, 3, n_nonzero_coefs=most, group_size=6, group_firing=firing, random_state=0
        )
        assert codes.nnz / 400 == pytest.approx(most, rel=0.1)


def test_memory_is_proportional_to_the_results():
    tracemalloc.start()
    X, codes, dictionary = make_planted_activations(
        20_000,
        2**17,
        16,
        support="zipf",
        group_size=64,
        group_firing="hierarchical",
        group_cosine=None,
        noise=0.1,
        dtype=np.float32,
        random_state=0,
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    results = X.nbytes + dictionary.nbytes + 12 * codes.nnz
    assert peak < 10 * results  # one byte per entry of the codes would be 2.6e9
    assert results < 2e7


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        *(({"n_samples": value}, "n_samples") for value in (0, 2.0, "3", None, True)),
        *(({"n_latents": value}, "n_latents") for value in (0, 2.0, "3")),
        *(({"n_components": value}, "n_components") for value in (0, 2.0)),
        *(({"n_nonzero_coefs": value}, "n_nonzero_coefs") for value in (-1, 1.0, "3", 513)),
        (
            {
                "n_nonzero_coefs": 100,
                "group_size": 8,
                "group_firing": "together",
                "member_probability": 0.1,
            },
            "n_nonzero_coefs must be <= 51.2",
        ),
        *(({"support": value}, "support") for value in ("uniform", None, 1, [], [[0.5]], [1.5])),
        *(({"support": value}, "support") for value in ([np.nan], [-0.1], ["a"], [0.1, [2]])),
        ({"support": [0.5, 0.5], "n_latents": 3}, "n_latents .* support, 2, got 3"),
        ({"support": [0.5, 0.5], "n_nonzero_coefs": 2}, "n_nonzero_coefs .* 1, got 2"),
        ({"support": [0.2, 0.3], "group_size": 2, "group_firing": "hierarchical"}, "support"),
        ({"support": [0.6, 0.3], "group_size": 2, "group_firing": "together"}, "support"),
        *(({"zipf_exponent": value}, "zipf_exponent") for value in (-1, np.inf, None)),
        *(
            ({"amplitudes": value}, "amplitudes")
            for value in (
                None,
                "zipf",
                1.0,
                (),
                ("uniform", 2),
                ("uniform", 0, 1, 2),
                ("binary", 1),
                ("gaussian", 0, -1),
                ("exponential", np.nan),
                ("exponential", "1"),
                lambda rng, size: np.ones(size + 1),
                lambda rng, size: np.full(size, np.nan),
                lambda rng, size: None,
            )
        ),
        ({"amplitudes": ("uniform", 1e300, 1e301), "dtype": np.float32}, "amplitudes"),
        *(({"group_size": value}, "group_size") for value in (0, 3, 1024, 2.0, None)),
        *(({"group_cosine": value, "group_size": 4}, "group_cosine") for value in (1, -0.4, "1")),
        ({"group_cosine": 0.5, "group_size": 128}, "group_size must be <= n_components = 96"),
        ({"group_cosine": 0.5, "dictionary": np.eye(8)}, "group_cosine"),
        *(({"group_firing": value}, "group_firing") for value in (None, "tree", 1)),
        ({"member_probability": 0.5}, "member_probability must be None"),
        *(
            ({"member_probability": value, "group_firing": "together"}, "member_probability")
            for value in (0, 1.1, "1", np.nan)
        ),
        (
            {"member_probability": 0.5, "group_firing": "hierarchical", "support": [0.5]},
            "member_probability must be None",
        ),
        *(({"noise": value}, "noise") for value in (-0.1, 1, None, np.nan)),
        *(
            ({"dictionary": value}, "dictionary")
            for value in ("random", 3, [1.0, 2.0], [[np.nan]], RademacherEncoder())
        ),
        ({"dictionary": np.eye(8), "n_latents": 9}, "n_latents .* dictionary, 8, got 9"),
        ({"dictionary": np.eye(8), "n_components": 9}, "n_components .* dictionary, 8, got 9"),
        *(({"dtype": value}, "dtype") for value in ("text", int, np.float16)),
        *(({"random_state": value}, "random_state") for value in (-1, 0.5, "seed")),
    ],
)
def test_bad_parameters(parameters, name):
    with pytest.raises(ValueError, match=name):
        make_planted_activations(**parameters)
