"""Dask arrays, such as shards of activations, in what takes them as a whole or block by block."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn import config_context
from sklearn.utils import gen_batches

from sksupercode import (
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    SparseAutoencoder,
    ThresholdDecoder,
)
from sksupercode.metrics import fraction_of_variance_unexplained, mean_l0
from sksupercode.sae import SAEWeights
from tests.marks import long
from tests.shards import shards

dask = pytest.importorskip("dask", reason="needs Dask")

N, D = 60, 16
RNG = np.random.default_rng(0)
F = RNG.standard_normal((N, D)).astype(np.float32)
X = RNG.standard_normal((300, D)).astype(np.float32)
SAE = SparseAutoencoder.from_weights(
    SAEWeights("topk", F, np.zeros(D, np.float32), F.T, np.zeros(N, np.float32), k=4)
)


def transform(block, decoder):
    return decoder.transform(block)


def lazy_codes(lazy, decoder):
    meta = decoder.transform(lazy[:1])[:0]
    return lazy.map_blocks(
        transform,
        decoder=dask.delayed(decoder),
        chunks=(lazy.chunks[0], (N,)),
        dtype=meta.dtype,
        meta=meta,
    )


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "cluster"])
@pytest.mark.parametrize("dtype", [np.float16, *long(np.float32, np.float64)])
def test_codes_of_blocks_are_csr(scheduler, dtype, tmp_path):
    samples = X.astype(dtype)
    lazy = shards(samples, tmp_path)
    decoders = [
        SAE,
        MatchingPursuitDecoder(SAE, n_nonzero_coefs=3).fit(lazy),
        OrthogonalMatchingPursuitDecoder(F, n_nonzero_coefs=3).fit(lazy),
        # On some samples nothing is above it.
        ThresholdDecoder(F, threshold=9.0, values="real").fit(lazy),
    ]
    if scheduler == "cluster":
        distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
        options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": ":0"}
        with (
            distributed.LocalCluster(processes=False, **options) as cluster,
            distributed.Client(cluster, timeout=60),
        ):
            codes = [lazy_codes(lazy, decoder).compute() for decoder in decoders]
    else:
        with dask.config.set(scheduler=scheduler):
            codes = [lazy_codes(lazy, decoder).compute() for decoder in decoders]
    for decoder, Z in zip(decoders, codes, strict=True):
        expected = decoder.transform(samples)
        assert type(Z) is csr_matrix and Z.dtype == expected.dtype and Z.shape == (300, N)
        assert (abs(Z - expected) > 1e-5).nnz == 0 and Z.nnz == expected.nnz


def test_lazy_codes(tmp_path):
    lazy = shards(X, tmp_path)
    decoder = MatchingPursuitDecoder(F, n_nonzero_coefs=3).fit(X)
    Z, expected = lazy_codes(lazy, decoder), decoder.transform(X)
    assert Z.shape == expected.shape and issparse(Z._meta)
    assert Z.blocks[1].compute().shape == (140, N)
    counts = Z.map_blocks(lambda Z: Z.getnnz(axis=0)[np.newaxis], chunks=(1, N), dtype=np.int64)
    np.testing.assert_array_equal(counts.sum(axis=0).compute(), expected.getnnz(axis=0))
    X_hat = decoder.inverse_transform(Z)
    np.testing.assert_allclose(X_hat, decoder.inverse_transform(expected), rtol=1e-6)
    assert mean_l0(Z) == mean_l0(expected)
    fvu = fraction_of_variance_unexplained(lazy, X_hat)
    assert fvu == pytest.approx(fraction_of_variance_unexplained(X, X_hat))
    assert decoder.score(lazy, Z) == 1.0


def test_codes_are_arrays_where_configured(tmp_path):
    pytest.importorskip("sklearn", "1.9", reason="needs the setting sparse_interface")
    lazy = shards(X, tmp_path)
    # The configuration is the thread's.
    with config_context(sparse_interface="sparray"), dask.config.set(scheduler="synchronous"):
        Z = lazy_codes(lazy, SAE)
        assert type(Z.blocks[0].compute()) is csr_array


def test_training_on_shards(tmp_path):
    pytest.importorskip("torch", reason="trains")
    lazy = shards(X, tmp_path)

    def untrained():
        return SparseAutoencoder(32, n_nonzero_coefs=3, max_iter=2, random_state=0)

    trained = [untrained().fit(samples).dictionary_ for samples in (X, lazy)]
    np.testing.assert_array_equal(*trained)
    both = [untrained(), untrained()]
    for rows in gen_batches(len(X), 100):
        for sae, samples in zip(both, (X, lazy), strict=True):
            sae.partial_fit(samples[rows])
    np.testing.assert_array_equal(*(sae.dictionary_ for sae in both))
