"""The Hadamard encoder: its codebook, and decoding on the curve of independent random signs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    HadamardEncoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode._utils import _memory
from sksupercode.datasets import make_sparse_codes
from sksupercode.dictionaries import HadamardDictionary, SignDictionary
from tests.marks import long

N_SAMPLES = 100
SEEDS = range(3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (3, 40), (1000, 64), (1025, 64)])
def test_every_shape_is_legal(shape):
    N, d = shape
    Y = make_sparse_codes(4, N, n_nonzero_coefs=1, random_state=0)
    encoder = HadamardEncoder(d, random_state=0)
    X = encoder.fit_transform(Y)
    assert type(encoder.dictionary_) is HadamardDictionary
    assert encoder.dictionary_.shape == shape
    F = np.asarray(encoder.dictionary_)
    assert set(np.abs(F).ravel()) == {1 / np.sqrt(d)}
    assert_allclose(X, Y @ F, rtol=1e-14)
    for decoder in (ThresholdDecoder, TopKDecoder, MatchingPursuitDecoder, AMPDecoder):
        assert decoder(encoder, n_nonzero_coefs=1).fit(X, Y).predict(X).shape == (4, N)


def test_the_recipe_names_the_codebook():
    first, same = (HadamardEncoder(30, n_features=50, random_state=4) for _ in range(2))
    assert first.codebook(50, 30) is same.codebook(50, 30)
    assert pickle.loads(pickle.dumps(first)).codebook(50, 30) is first.codebook(50, 30)
    arrays = [np.asarray(HadamardEncoder(random_state=s).codebook(50, 30)) for s in (4, 5)]
    assert_array_equal(arrays[0], np.asarray(first.codebook(50, 30)))
    assert not np.array_equal(*arrays)


def test_unseeded_encoders_differ():
    Y = np.eye(50)
    encoder = HadamardEncoder(30)
    assert not np.array_equal(encoder.fit_transform(Y), clone(encoder).fit_transform(Y))


def test_power_allocation():
    Y = np.eye(6)
    for allocation in ([3, 1], [1.5e308, 5e307], [1.5e-323, 5e-324]):
        encoder = HadamardEncoder(8, power_allocation=allocation, random_state=0)
        powers = np.sum(encoder.fit_transform(Y) ** 2, axis=1)
        assert_allclose(powers, [1.5, 1.5, 1.5, 0.5, 0.5, 0.5])


def test_too_much_memory_is_refused(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: 10**6)
    with pytest.raises(MemoryError, match="A Hadamard codebook of 262144 x 16 signs needs"):
        HadamardEncoder(16, random_state=0).codebook(2**18, 16)


# Decoding


@pytest.mark.parametrize(
    "make",
    [
        lambda F: ThresholdDecoder(F, threshold="map", n_nonzero_coefs=4, values="binary"),
        lambda F: TopKDecoder(F, 4, values="binary"),
        lambda F: TopKDecoder(F, 4, values="real"),
        lambda F: MatchingPursuitDecoder(F, 4, values="binary"),
        lambda F: MatchingPursuitDecoder(F, tol=0.3, values="nonnegative"),
        lambda F: BasisPursuitDecoder(F, tol=0.5, values="nonnegative"),
        *long(lambda F: BasisPursuitDecoder(F, n_nonzero_coefs=4, values="binary")),
    ],
)
@pytest.mark.parametrize("noise", [0.02, *long(0)])
# Basis pursuit is not told of the noise here.
@pytest.mark.filterwarnings("ignore:Every sample takes:sklearn.exceptions.ConvergenceWarning")
def test_decoders_give_what_they_give_on_the_same_signs(make, noise):
    """Correlations are the same numbers in any storage, and so are results."""
    dictionary = HadamardEncoder(60, random_state=0).codebook(400, 60)
    twin = SignDictionary(np.asarray(dictionary))
    Y = make_sparse_codes(30, 400, n_nonzero_coefs=4, random_state=0)
    X = dictionary.superpose(Y)
    X += noise * np.random.default_rng(0).standard_normal(X.shape)
    codes, expected = (make(F).fit(X, Y).transform(X).toarray() for F in (dictionary, twin))
    assert_allclose(codes, expected, rtol=1e-9, atol=1e-9)
    assert_array_equal(codes != 0, expected != 0)


def test_column_generation():
    Y = make_sparse_codes(2, 300, n_nonzero_coefs=3, random_state=0)
    encoder = HadamardEncoder(50, random_state=0)
    X = encoder.fit_transform(Y)
    assert BasisPursuitDecoder(encoder, solver="cvxpy").fit(X, Y).score(X, Y) == 1


def runs_of_codewords(n_features, n_nonzero_coefs, seed):
    """Codes of consecutive codewords, whose numbers differ in few bits."""
    starts = np.random.default_rng(seed).integers(0, n_features - n_nonzero_coefs, N_SAMPLES)
    indices = starts[:, np.newaxis] + np.arange(n_nonzero_coefs)
    indptr = np.arange(N_SAMPLES + 1) * n_nonzero_coefs
    return csr_array(
        (np.ones(indices.size), indices.ravel(), indptr), shape=(N_SAMPLES, n_features)
    )


def successes(encoder, decoder, N, k, d, structured=False):
    """How many of all samples are decoded without an error, over a few codebooks."""
    found = 0
    for seed in SEEDS:
        Y = make_sparse_codes(N_SAMPLES, N, n_nonzero_coefs=k, random_state=seed)
        if structured:
            Y = runs_of_codewords(N, k, seed)
        code = encoder(d, random_state=seed)
        X = code.fit_transform(Y)
        found += round(N_SAMPLES * decoder(code, k).fit(X, Y).score(X, Y))
    return found


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "decoder, N, k, d",
    [
        (TopKDecoder, 1024, 16, 341),
        (MatchingPursuitDecoder, 512, 24, 160),
        (MatchingPursuitDecoder, 16384, 16, 190),
        (AMPDecoder, 512, 64, 155),
    ],
)
def test_recovery_is_that_of_random_signs(decoder, N, k, d):
    """Of random codes within 4 standard errors; of consecutive codewords, not more below."""
    n = N_SAMPLES * len(SEEDS)
    expected = successes(RademacherEncoder, decoder, N, k, d)
    found = successes(HadamardEncoder, decoder, N, k, d)
    structured = successes(HadamardEncoder, decoder, N, k, d, structured=True)
    # Of the difference of two proportions; half a sample more keeps it from being 0.
    pooled = (expected + found + 0.5) / (2 * n + 1)
    error = np.sqrt(2 * pooled * (1 - pooled) / n)
    assert 0.02 < pooled < 0.999, "a test that says nothing"
    assert abs(found - expected) / n < 4 * error
    assert (structured - expected) / n > -4 * error
