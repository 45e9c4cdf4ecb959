"""Sparse regression codes: one active codeword in each section."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax as scipy_softmax
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    GaussianChannel,
    RademacherEncoder,
    TopKDecoder,
    theory,
)
from sksupercode._utils._sections import section_argmax, section_bounds, softmax
from sksupercode.datasets import make_sparse_codes
from sksupercode.dictionaries import DenseDictionary


def problem(n_samples, n_features, k, d, *, seed=0, **options):
    Y = make_sparse_codes(
        n_samples, n_features, n_nonzero_coefs=k, sections=True, random_state=seed
    )
    encoder = RademacherEncoder(d, random_state=seed, **options)
    return encoder, encoder.fit_transform(Y), Y


def sections_of(Z, k):
    bounds = section_bounds(Z.shape[1], k)
    return np.searchsorted(bounds, Z.indices, side="right") - 1


@pytest.mark.parametrize("n_features, k", [(12, 3), (13, 3), (5, 8), (1, 1), (7, 0)])
def test_sections_are_contiguous_and_even(n_features, k):
    bounds = section_bounds(n_features, k)
    assert len(bounds) == k + 1
    if k:
        assert (bounds[0], bounds[-1]) == (0, n_features)
        assert np.ptp(np.diff(bounds)) <= 1


def test_softmax_and_argmax_of_sections():
    rng = np.random.default_rng(0)
    bounds = section_bounds(23, 4)
    evidence = 50 * rng.standard_normal(23)
    evidence[bounds[1] : bounds[2]] = -np.inf
    evidence[bounds[3] : bounds[3] + 2] = 1e4
    probabilities = softmax(evidence, bounds)
    largest = section_argmax(evidence, bounds)
    for section, (a, b) in enumerate(pairwise(bounds)):
        expected = np.zeros(b - a) if section == 1 else scipy_softmax(evidence[a:b])
        assert_allclose(probabilities[a:b], expected, rtol=1e-12)
        assert largest[section] == a + np.argmax(evidence[a:b])


@pytest.mark.parametrize("storage", ["dense", "packed"])
@pytest.mark.parametrize("n_features, k", [(600, 12), (601, 12), (5000, 7), (9, 9)])
def test_top_k_takes_the_best_of_each_section(storage, n_features, k):
    encoder, X, Y = problem(20, n_features, k, 30, storage=storage)
    decoder = TopKDecoder(encoder, sections=True).fit(X, Y)
    scores = decoder.decision_function(X)
    bounds = section_bounds(n_features, k)
    expected = [[a + np.argmax(row[a:b]) for a, b in pairwise(bounds)] for row in scores]
    assert_array_equal(decoder.predict(X).indices.reshape(len(X), k), expected)


@pytest.mark.parametrize("kind", [TopKDecoder, AMPDecoder])
def test_every_section_gets_one_codeword(kind):
    encoder, X, Y = problem(10, 700, 9, 12)
    with np.errstate(all="raise", under="ignore"):
        Z = decode_quietly(kind(encoder, sections=True).fit(X, Y), X)
    assert_array_equal(sections_of(Z, 9), np.tile(np.arange(9), 10))


def decode_quietly(decoder, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decoder.predict(X)


def literal_amp(F, x, k, n_iter):
    """Return t of each iteration, computed as in Rush, Greig and Venkataramanan (2017)."""
    n_features, d = F.shape
    powers = (F**2).sum(axis=1)
    beta, z, variances = np.zeros(n_features), x.copy(), []
    for _ in range(n_iter):
        t = np.mean(z**2)
        variances.append(t)
        s = F @ z + powers * beta
        beta = np.concatenate([scipy_softmax(part / t) for part in np.split(s, k)])
        memory = np.sum(powers * beta * (1 - beta)) / (d * t)
        z = x - F.T @ beta + memory * z
    return variances


@pytest.mark.parametrize("powers", [None, [3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]])
def test_amp_is_that_of_the_literature(powers):
    """The estimates below 1e-4 that are left out change t by less than a percent."""
    encoder, X, Y = problem(5, 800, 8, 120, power_allocation=powers)
    noisy = X + 0.08 * np.random.default_rng(0).standard_normal(X.shape)
    F = np.asarray(encoder.dictionary_, dtype=np.float64)
    decoder = AMPDecoder(encoder, sections=True, max_iter=6).fit(noisy, Y)
    for row, x in zip(decoder.effective_variance(noisy), noisy, strict=True):
        assert_allclose(row[:4], literal_amp(F, x, 8, 4), rtol=0.01)


def section_error_rate(decoder, X, Y):
    found = decode_quietly(decoder, X).multiply(Y).sum()
    return 1 - found / Y.nnz


@pytest.mark.long
def test_sections_and_allocated_power_pay():
    """At 0.8 of the capacity of snr 15, over 20 samples of 128 sections.

    The section error rates are 0.05, 0.52 and 0.59. The sections of a sample tend to stand and fall
    together, so that the standard errors are up to 0.05 and 0.11.
    """
    snr, k, section_size = 15.0, 128, 64
    rate = 0.8 * np.log1p(snr) / 2
    d = round(k * np.log(section_size) / rate)
    powers = theory.iterative_power_allocation(k, snr, 1.05 * rate)
    rates = {}
    for name, allocation, sections in [
        ("both", powers, True),
        ("flat", None, True),
        ("neither", None, False),
    ]:
        encoder, X, Y = problem(20, k * section_size, k, d, power_allocation=allocation)
        X = GaussianChannel(1 / snr, relative=True, random_state=1).fit_transform(X)
        decoder = AMPDecoder(encoder, sections=sections).fit(X, Y)
        rates[name] = section_error_rate(decoder, X, Y)
    assert rates["both"] < 0.25
    assert min(rates["flat"], rates["neither"]) > 0.25


def test_sections_in_a_pipeline_and_a_grid():
    Y = make_sparse_codes(30, 400, n_nonzero_coefs=5, sections=True, random_state=0)
    encoder = RademacherEncoder(random_state=0)
    for decoder in (AMPDecoder(encoder, sections=True), TopKDecoder(encoder, sections=True)):
        search = GridSearchCV(
            make_pipeline(encoder, decoder),
            {"rademacherencoder__n_components": [150, 300]},
            cv=3,
        ).fit(Y, Y)
        assert_array_equal(search.cv_results_["mean_test_score"], [1.0, 1.0])


@pytest.mark.parametrize("kind", [TopKDecoder, AMPDecoder])
@pytest.mark.parametrize("sections", [None, "yes", 1])
def test_illegal_sections(kind, sections):
    with pytest.raises(ValueError, match="sections must be True or False"):
        kind(np.eye(3), 1, sections=sections).fit(np.ones((2, 3)))


@pytest.mark.parametrize("kind", [TopKDecoder, AMPDecoder])
def test_more_sections_than_codewords_are_legal(kind):
    decoder = kind(np.eye(3), 5, sections=True, values="binary").fit(np.ones((2, 3)))
    assert decode_quietly(decoder, np.ones((2, 3))).nnz == 6


# Blocks


class Banded(DenseDictionary):
    """Two blocks of codewords, which share a third of the dimensions."""

    blocks: ClassVar = [(slice(0, 300), slice(0, 80)), (slice(300, 600), slice(40, 120))]


def literal_block_amp(F, x, k, n_iter):
    """Return t of each row block and iteration, from the squares of all entries."""
    n_features = len(F)
    squares = F**2
    rows = np.repeat(np.eye(3), 40, axis=0)
    y, z, variances = np.zeros(n_features), x.copy(), []
    for _ in range(n_iter):
        t = rows @ (rows.T @ z**2 / 40)
        variances.append(t[[0, 40, 80]])
        tau = 1 / (squares @ (1 / t))
        u = y + tau * (F @ (z / t))
        y = 1 / (1 + np.exp((1 - 2 * u) / (2 * tau)) * (n_features - k) / k)
        z = x - F.T @ y + z / t * (squares.T @ (y * (1 - y)))
    return np.array(variances)


def test_blocks_have_variances_of_their_own():
    """Means over the row blocks, which are all of one size, are what effective_variance gives."""
    rng = np.random.default_rng(0)
    F = np.zeros((600, 120))
    for codewords, dimensions in Banded.blocks:
        F[codewords, dimensions] = rng.choice([-1, 1], size=(300, 80)) / np.sqrt(80)
    Y = make_sparse_codes(5, 600, n_nonzero_coefs=30, random_state=0)
    X = Y @ F + 0.1 * rng.standard_normal((5, 120))
    with_blocks, without = (
        AMPDecoder(kind(F), max_iter=6, values="binary").fit(X, Y).effective_variance(X)[:, :5]
        for kind in (Banded, DenseDictionary)
    )
    expected = [literal_block_amp(F, x, 30, 5).mean(axis=1) for x in X]
    assert_allclose(with_blocks, expected, rtol=0.03)
    assert np.median(abs(without[:, 4] / with_blocks[:, 4] - 1)) > 0.1


@pytest.mark.parametrize("kind", [TopKDecoder, AMPDecoder, AdaptiveSuccessiveDecoder])
def test_codes_that_break_the_sections_are_told(kind):
    """Two in a section are; none in a section, no sections and more sections than codewords not."""
    encoder = RademacherEncoder(30, random_state=0)
    params = {} if kind is AdaptiveSuccessiveDecoder else {"sections": True}
    one, none, two = np.eye(12)[[0, 4]], np.eye(12)[[0]], np.eye(12)[[4, 5]]
    legal = np.array([one.sum(0), none.sum(0)])
    broken = np.array([one.sum(0), two.sum(0)])
    for k, Y in ((3, legal), (3, one), (0, broken), (20, broken)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kind(encoder, k, **params).fit(encoder.fit_transform(Y), Y)
    for k in (3, None):
        with pytest.warns(UserWarning, match=r"each of the \d sections, but y has [12] more"):
            kind(encoder, k, **params).fit(encoder.fit_transform(broken), broken)
