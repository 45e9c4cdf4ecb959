"""Decoding never holds an (n, N) array, and fit no copy of X or y."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc

import numpy as np
import pytest
from sklearn import config_context

from sksupercode import (
    GaussianChannel,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SparseAutoencoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.sae import SAEWeights
from tests.marks import long
from tests.peak_memory import printed_number

SCRIPT = """
import numpy as np
from sksupercode import *
from sksupercode.datasets import make_sparse_codes

Y = make_sparse_codes(2000, 65_536, n_nonzero_coefs=2, dtype=np.float32, random_state=0)
encoder = RademacherEncoder(n_components=256, random_state=0)
X = encoder.fit_transform(Y)
decoders = [
    ThresholdDecoder(encoder, threshold=0.9),
    TopKDecoder(encoder),
    MatchingPursuitDecoder(encoder),
]
for decoder in decoders:
    codes = decoder.fit(X, Y).predict(X)
    assert codes.shape == (2000, 65_536)
    assert 1000 < codes.nnz < 100_000
print(peak())
"""


@pytest.mark.long
def test_two_thousand_samples_of_65536_columns():
    """2 GiB hold the interpreter, the dictionary and all: at the default of 1 GiB a block."""
    assert printed_number(SCRIPT) < 2 * 2**30


@pytest.mark.parametrize("storage", ["packed", *long("dense")])
def test_working_memory_bounds_the_blocks(storage):
    """An array of all scores in float32 has 16 MiB."""
    Y = make_sparse_codes(500, 8192, n_nonzero_coefs=2, dtype=np.float32, random_state=0)
    encoder = RademacherEncoder(n_components=64, storage=storage, random_state=0)
    X = encoder.fit_transform(Y)
    for decoder in (
        ThresholdDecoder(encoder, threshold=0.9),
        TopKDecoder(encoder),
        MatchingPursuitDecoder(encoder),
    ):
        with config_context(working_memory=4):
            decoder.fit(X, Y).transform(X[:2])  # compiles, and expands what is kept
            tracemalloc.start()
            codes = decoder.transform(X)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert codes.nnz > 250
        assert peak < 4 * 2**20, decoder


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_fit_holds_no_copy(tmp_path, dtype):
    """Of X that is mapped from a file, and of a dense y of small integers."""
    Y = make_sparse_codes(100_000, 64, n_nonzero_coefs=2, dtype=np.float32, random_state=0)
    encoder = RademacherEncoder(n_components=64, random_state=0)
    np.save(tmp_path / "X.npy", encoder.fit_transform(Y).astype(dtype))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    Y = Y.toarray().astype(np.int8)
    for estimator in (
        MatchingPursuitDecoder(encoder),
        TopKDecoder(encoder),
        GaussianChannel(relative=True),
    ):
        tracemalloc.start()
        estimator.fit(X, Y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * X.size, estimator


def test_score_of_an_autoencoder_holds_no_copy(tmp_path):
    np.save(tmp_path / "X.npy", np.random.default_rng(0).standard_normal((100_000, 64), np.float32))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    F, zeros = np.eye(64, dtype=np.float32), np.zeros(64, np.float32)
    sae = SparseAutoencoder.from_weights(SAEWeights("relu", F, zeros, F, zeros))
    sae.score(X[:2])  # compiles
    tracemalloc.start()
    score = sae.score(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Half of the numbers, those above 0, are kept.
    assert abs(score - 0.5) < 0.01 and peak < X.nbytes
