"""Coupled codes: where their codewords are not zero, and that they are read at high rates."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sksupercode import AMPDecoder, CoupledEncoder, MatchingPursuitDecoder, TopKDecoder
from sksupercode._utils import _memory
from sksupercode.datasets import make_sparse_codes
from sksupercode.dictionaries import BandedDictionary, PackedSignDictionary
from sksupercode.dictionaries._signs import pack_signs

SIZES = [(1, 1), (1, 40), (40, 1), (3, 50), (50, 3), (200, 131), (1000, 136)]


def codebook(n_features, n_components, seed=0, **parameters):
    return CoupledEncoder(random_state=seed, **parameters).codebook(n_features, n_components)


def test_known_codebook():
    # Whoever shares a seed shares the codebook: it must never change.
    dictionary = codebook(6, 12, n_blocks=2, coupling_width=2)
    assert dictionary.blocks == [
        (slice(0, 2), slice(0, 8)),
        (slice(2, 4), slice(2, 10)),
        (slice(4, 6), slice(4, 12)),
    ]
    array = np.asarray(dictionary.unnormalized)
    words = [pack_signs(array[block, window])[:, 0] for block, window in dictionary.blocks]
    assert_array_equal(np.array(words), [[22, 33], [255, 1], [5, 249]])


@pytest.mark.parametrize("n_features, n_components", SIZES)
@pytest.mark.parametrize("n_blocks, width", [(32, 3), (1, 1), (1, 5), (5, 1), (4, 2)])
def test_band(n_features, n_components, n_blocks, width):
    dictionary = codebook(n_features, n_components, n_blocks=n_blocks, coupling_width=width)
    array = np.asarray(dictionary)
    assert array.shape == (n_features, n_components)
    blocks, windows = zip(*dictionary.blocks, strict=True)
    # Every codeword is in one block, every dimension in a window.
    assert_array_equal(np.concatenate([np.r_[b] for b in blocks]), np.arange(n_features))
    assert np.all(np.abs(array).max(axis=0) > 0)
    starts, stops = (np.array([getattr(w, end) for w in windows]) for end in ("start", "stop"))
    assert starts[0] == 0 and stops[-1] == n_components
    assert np.all(np.diff(starts) > 0) and np.ptp(stops - starts) <= 1
    assert np.ptp([b.stop - b.start for b in blocks]) <= 1
    assert_allclose(np.sum(array**2, axis=1), dictionary.squared_norms, rtol=1e-12)
    assert_allclose(dictionary.squared_norms, 1, atol=1 / (stops - starts).min())


def test_windows_are_as_long_as_the_width_says():
    dictionary = codebook(1000, 68 * 5)
    assert len(dictionary.blocks) == 63
    widths = {window.stop - window.start for _, window in dictionary.blocks}
    assert widths == {3 * 10}
    assert_allclose(dictionary.squared_norms, 1, rtol=1e-14)


def test_one_block_is_not_coupled():
    assert codebook(30, 20, n_blocks=1).blocks == [(slice(0, 30), slice(0, 20))]


def test_signs_are_fair():
    array = np.sign(np.asarray(codebook(2000, 340)))
    # The sum of n fair signs has the deviation sqrt(n): 4 of them are a chance of 6e-5.
    assert abs(array.sum()) < 4 * np.sqrt(np.count_nonzero(array))
    gram = array[:32] @ array[:32].T
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 30


def test_codebook_is_a_function_of_its_recipe():
    expected = np.asarray(codebook(300, 80, seed=4))
    Y = make_sparse_codes(n_samples=3, n_features=300, n_nonzero_coefs=5, random_state=0)
    fitted = CoupledEncoder(80, random_state=4).fit(Y)
    assert_array_equal(np.asarray(fitted.dictionary_), expected)
    assert fitted.dictionary_._parts is codebook(300, 80, seed=4)._parts
    for other in (
        codebook(300, 80, seed=5),
        codebook(300, 80, seed=4, n_blocks=8),
        codebook(300, 80, seed=4, coupling_width=4),
    ):
        assert not np.array_equal(np.asarray(other), expected)
    random = CoupledEncoder(80, random_state=np.random.default_rng(0)).fit(Y)
    assert random.dictionary_.shape == (300, 80)


def test_large_codebooks_are_packed():
    dictionary = codebook(2**14, 680)
    assert isinstance(dictionary, BandedDictionary)
    assert all(type(part) is PackedSignDictionary for part in dictionary._parts)
    # A window has 60 dimensions, one word; blocks of 260 codewords are padded to 288.
    assert dictionary.nbytes == 63 * 288 * 8


def test_power_allocation():
    dictionary = codebook(100, 68, power_allocation=[3, 1])
    assert_allclose(dictionary.squared_norms, np.repeat([1.5, 0.5], 50), rtol=1e-12)
    assert len(dictionary.blocks) == 63


def test_codebooks_that_cannot_fit_are_refused(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: 10**6)
    with pytest.raises(MemoryError, match="coupled codebook of 1000000 x 1000 signs"):
        codebook(10**6, 1000)


@pytest.mark.parametrize("name", ["n_blocks", "coupling_width"])
@pytest.mark.parametrize("value", [0, 2.0, True, "3", None])
def test_illegal_parameters(name, value):
    encoder = CoupledEncoder(random_state=0, **{name: value})
    with pytest.raises(ValueError, match=name):
        encoder.codebook(30, 20)
    with pytest.raises(ValueError, match=name):
        encoder.set_params(random_state=None).fit(np.eye(30))


@pytest.mark.parametrize("decoder", [TopKDecoder, MatchingPursuitDecoder, AMPDecoder])
def test_superpositions_are_read(decoder):
    Y = make_sparse_codes(n_samples=20, n_features=500, n_nonzero_coefs=3, random_state=0)
    encoder = CoupledEncoder(340, n_blocks=4, coupling_width=2, random_state=0)
    X = encoder.fit_transform(Y)
    assert decoder(encoder).fit(X, Y).score(X, Y) == 1


@pytest.mark.long
def test_coupling_carries_more():
    # 2.2 bits per dimension. Without coupling the threshold is 2.0, and of 20 other samples none
    # came back; with it, all of 60.
    Y = make_sparse_codes(n_samples=6, n_features=4096, n_nonzero_coefs=512, random_state=1)
    scores = []
    for n_blocks in (8, 1):
        encoder = CoupledEncoder(1009, n_blocks=n_blocks, random_state=0)
        X = encoder.fit_transform(Y)
        decoder = AMPDecoder(encoder, max_iter=100, convergence_tol=0.0).fit(X, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            scores.append(decoder.score(X, Y))
    assert scores == [1, 0]
