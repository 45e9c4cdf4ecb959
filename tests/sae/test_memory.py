"""Activations that are mapped from a file are never held in memory, nor widened, as a whole."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc

import numpy as np
import pytest
from sklearn import config_context

from sksupercode import MatchingPursuitDecoder, RefitDecoder, SparseAutoencoder
from sksupercode.sae import SAEWeights, compare_decoders
from tests.marks import long
from tests.peak_memory import printed_number

SCRIPT = """
import numpy as np
from sksupercode import MatchingPursuitDecoder, SparseAutoencoder
from sksupercode.sae import SAEWeights, compare_decoders

rng = np.random.default_rng(0)
F = rng.standard_normal((128, 512), dtype=np.float32)
F /= np.linalg.norm(F, axis=1, keepdims=True)
zeros = {{"b_dec": np.zeros(512, np.float32), "b_enc": np.zeros(128, np.float32)}}
weights = SAEWeights("topk", F, W_enc=F.T.copy(), k=8, **zeros)
sae = SparseAutoencoder.from_weights(weights)
X = np.load({path!r}, mmap_mode="r")
decoder = MatchingPursuitDecoder(sae, n_nonzero_coefs=1).fit(X[:1000])
compare_decoders({{"SAE": sae, "MP": decoder}}, X[:1000])
before = peak()
assert sae.transform(X).nnz == 8 * len(X)
assert decoder.transform(X).nnz == len(X)
compare_decoders({{"SAE": sae, "MP": decoder}}, X)
print(peak() - before)
"""


@pytest.mark.long
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_thirty_thousand_activations_in_160_mebibytes(tmp_path, dtype):
    """A copy in float32 has 59 MiB, as the file has where it is mapped, and 117 in float64."""
    path = tmp_path / "activations.npy"
    rng = np.random.default_rng(0)
    np.save(path, rng.standard_normal((30_000, 512), dtype=np.float32).astype(dtype))
    assert printed_number(SCRIPT.format(path=str(path))) < 160 * 2**20
    path.unlink()


@pytest.mark.parametrize("dtype", [np.float16, *long(np.float32)])
def test_mapped_activations_are_read_in_blocks(tmp_path, dtype):
    """Blocks have a tenth of the samples, or less."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "X.npy", rng.standard_normal((12_000, 128)).astype(dtype))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    F = np.eye(128, dtype=np.float32)
    zeros = np.zeros(128, np.float32)
    sae = SparseAutoencoder.from_weights(SAEWeights("topk", F, zeros, F, zeros, k=2))
    decoder = MatchingPursuitDecoder(sae, n_nonzero_coefs=1).fit(X[:1000])
    decoders = {"SAE": sae, "MP": decoder}
    calls = [sae.transform, decoder.transform, lambda X: compare_decoders(decoders, X)]
    with config_context(working_memory=4):
        for call in calls:
            call(X[:1000])
            tracemalloc.start()
            try:
                call(X)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            # A copy in float32 has 4 bytes a number.
            assert peak < 3 * X.size


def test_half_precision_is_as_good_as_the_numbers_it_has():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((64, 16)).astype(np.float32)
    b_dec = 100 * rng.standard_normal(16).astype(np.float32)
    weights = SAEWeights("topk", F, b_dec, F.T, np.zeros(64, np.float32), k=4)
    sae = SparseAutoencoder.from_weights(weights)
    # So large that sums of them overflow.
    X = (b_dec + 1000 * rng.standard_normal((30, 16))).astype(np.float16)
    decoders = [
        sae,
        MatchingPursuitDecoder(sae, n_nonzero_coefs=5).fit(X),
        RefitDecoder(sae).fit(X),
    ]
    for decoder in decoders:
        found, wanted = decoder.transform(X), decoder.transform(X.astype(np.float32))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found.toarray(), wanted.toarray())
        with pytest.raises(ValueError, match="X contains infinity"):
            decoder.transform(np.where(np.arange(16) == 3, np.float16(np.inf), X))
    np.testing.assert_array_equal(sae.reconstruct(X), sae.reconstruct(X.astype(np.float32)))
