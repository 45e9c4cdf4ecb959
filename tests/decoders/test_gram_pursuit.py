"""Pursuits in the Gram domain against what float64 selects, step by step."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls
from sklearn import config_context as sklearn_config_context

from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    config_context,
)
from sksupercode.decoders._gram_pursuit import GramPursuit
from sksupercode.dictionaries import DenseDictionary
from tests.marks import long

ALGORITHMS = ["matching", "orthogonal", "gradient"]
DECODERS = [MatchingPursuitDecoder, OrthogonalMatchingPursuitDecoder, GradientPursuitDecoder]


def around(rng, direction, distance, shape):
    """Codewords near a common one: their cosines are about 1 / (1 + distance^2)."""
    return direction + distance * rng.standard_normal(shape) / np.sqrt(shape[1]) * np.linalg.norm(
        direction
    )


def copies(rng):
    """Codewords that are powers of two times others, of either sign, and a few that are 0."""
    F = rng.standard_normal((40, 24))[rng.integers(0, 40, 300)]
    F *= 2.0 ** rng.integers(-4, 5, (300, 1)) * rng.choice([-1, 1], (300, 1))
    F[::50] = 0
    return F


PROBLEMS = {
    "random": lambda rng: rng.standard_normal((517, 24)),
    "float32": lambda rng: rng.standard_normal((300, 700)).astype(np.float32),
    "float16": lambda rng: rng.standard_normal((300, 24)).astype(np.float16),
    "bfloat16": lambda rng: rng.standard_normal((300, 24)).astype(ml_dtypes.bfloat16),
    "correlated": lambda rng: around(rng, rng.standard_normal(24), 0.03, (300, 24)),
    "nearly equal": lambda rng: around(rng, rng.standard_normal(24), 1e-7, (300, 24)),
    "neighbours": lambda rng: np.exp(
        -((np.linspace(0, 1, 24) - np.linspace(0, 1, 400)[:, np.newaxis]) ** 2) / 0.02
    ).astype(np.float32),
    "copies": copies,
    "copies in float16": lambda rng: copies(rng).astype(np.float16),
    "norms": lambda rng: rng.standard_normal((300, 24)) * np.logspace(-140, 140, 300)[:, None],
    "few": lambda rng: rng.standard_normal((5, 24)),
    "one dimension": lambda rng: (
        2.0 ** rng.integers(-9, 9, (300, 1)) * rng.choice([-1, 1], (300, 1))
    ),
}


def samples(U, rng):
    """Noise, superpositions, and these with noise, nothing at all, the opposite of a codeword."""
    n_features, n_components = U.shape
    X = rng.standard_normal((8, n_components))
    for x in X[2:]:
        x *= rng.choice([0, 1e-9, 1e-2])
        x += rng.uniform(0.5, 2, 3) @ U[rng.choice(n_features, 3)]
    X[5], X[6] = -U[1], 0
    return X


def fit(U, x, algorithm, support, coefs, is_signed):
    """Return the coefficients after the last of a support was selected."""
    if algorithm == "orthogonal":
        solve = nnls if is_signed else np.linalg.lstsq
        return solve(U[support].T, x)[0]
    residual = x - coefs @ U[support]
    if algorithm == "matching":
        coefs[-1] = U[support[-1]] @ residual
        return coefs
    slope = U[support] @ residual
    change = slope @ U[support]
    coefs = coefs + slope @ slope / (change @ change) * slope
    return np.maximum(coefs, 0) if is_signed else coefs


def firsts(U, is_signed):
    """Return the first codeword of the same direction as each."""
    if not is_signed:
        U = U * np.sign(U[:, :1])
    _, first, inverse = np.unique(U, axis=0, return_index=True, return_inverse=True)
    return first[inverse.ravel()]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_step_is_the_best_one(problem, is_signed, algorithm):
    rng = np.random.default_rng(0)
    dictionary = DenseDictionary(PROBLEMS[problem](rng))
    U = dictionary.gram.units(np.arange(dictionary.shape[0]))
    X, first = samples(U, rng), firsts(U, is_signed)
    norms, k = np.linalg.norm(X, axis=1), 8
    pursuit = GramPursuit(
        dictionary.unnormalized, algorithm, k, is_signed=is_signed, is_nonnegative=is_signed
    )
    found = pursuit.decode(X, norms, 1e-12 * norms, 1e-14 * norms)
    for x, norm, support, values, size, is_undone in zip(X, norms, *found, strict=True):
        support, coefs, residual = support[:size], np.zeros(0), x
        n_steps = k if algorithm == "gradient" else size
        selected = []
        for step in range(n_steps + 1):
            gains = U @ residual if is_signed else np.abs(U @ residual)
            if algorithm == "orthogonal":
                gains[selected] = -np.inf
            is_short = np.linalg.norm(residual) <= 1e-11 * norm
            is_over = is_short or gains.max() <= 1e-11 * norm
            if step == n_steps or (algorithm == "gradient" and is_short):
                break
            best = gains >= gains.max() - 1e-11 * norm
            if algorithm == "gradient" and not best[support[len(selected) :][:1]].any():
                assert is_over or best[selected].any()
            else:
                selected.append(support[len(selected)])
                coefs = np.append(coefs, 0.0)
                assert best[selected[-1]]
            if not selected:
                break
            assert algorithm == "orthogonal" or first[selected[-1]] == selected[-1]
            coefs = fit(U, x, algorithm, selected, coefs, is_signed)
            residual = x - coefs @ U[selected]
        assert len(selected) == size
        assert is_over or step == k or is_undone
        if not is_undone:
            left = x - (values[:size] * dictionary.unnormalized.gram.norms[support]) @ U[support]
            assert_allclose(left, residual, atol=1e-10 * norm)


@pytest.mark.parametrize("values", ["nonnegative", *long("real")])
@pytest.mark.parametrize("kind", DECODERS)
def test_budgets_and_blocks_change_no_bit(kind, values):
    """Of codewords so alike that scores often leave many of them to compare."""
    rng = np.random.default_rng(0)
    F = np.vstack([rng.standard_normal((300, 40)), around(rng, np.ones(40), 1e-4, (120, 40))])
    X = F[rng.integers(0, 420, (6, 4))].sum(axis=1) + 0.1 * rng.standard_normal((6, 40))
    decoder = kind(F.astype(np.float32), 9, values=values).fit(X)
    expected = decoder.transform(X)
    order = rng.permutation(6)
    with config_context(gram_memory=5 * 2 * 420 / 2**20), ThreadPoolExecutor(4) as pool:
        threads = pool.map(lambda x: decoder.transform(x[np.newaxis]), X[order])
        others = [sp.vstack(list(threads))[np.argsort(order)]]
    for n_rows in (0, 1):
        with config_context(gram_memory=n_rows * 2 * 420 / 2**20):
            others.append(decoder.transform(X[::-1])[::-1])
            with sklearn_config_context(working_memory=0.05):
                others.append(decoder.transform(X))
    for codes in others:
        assert_array_equal(codes.toarray(), expected.toarray())


@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("kind", DECODERS)
def test_codewords_on_one_line_end(kind, values, monkeypatch):
    """All of them could always be the best, and what is left of a sample is rounding."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((300, 2)) * [1, 1e-8] @ [[0.8, 0.6], [-0.6, 0.8]]
    X = np.vstack([rng.standard_normal((20, 1)) * F[:20], rng.standard_normal((20, 2))])
    X = np.vstack([X, X.astype(np.float32)])
    correlate, calls = GramPursuit._correlate, []

    def counted(*args):
        calls.append(args)
        assert len(calls) < 100
        correlate(*args)

    monkeypatch.setattr(GramPursuit, "_correlate", counted)
    codes = kind(F, 2, values=values).fit(X).transform(X)
    left = np.linalg.norm(X - codes @ F, axis=1)
    assert (left[:20] <= 1e-7 * np.linalg.norm(X[:20], axis=1)).all()


@pytest.mark.parametrize("decoder", DECODERS)
def test_memory_is_taken_as_codewords_come(decoder, monkeypatch):
    """Samples that outgrow their room several times have the codes of those that need not."""
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((300, 60)), rng.standard_normal((4, 60))
    fitted = decoder(F, n_nonzero_coefs=30, values="real").fit(X)
    wanted, grow, grown = fitted.transform(X), GramPursuit._grow, []
    monkeypatch.setattr("sksupercode.decoders._gram_pursuit._FIRST_CAPACITY", 4)
    monkeypatch.setattr(
        GramPursuit, "_grow", lambda self, samples: grown.append(1) or grow(self, samples)
    )
    codes = fitted.transform(X)
    assert len(grown) == 3 and wanted.nnz > 4 * 16
    assert (codes != wanted).nnz == 0
