"""Decoders on dictionaries of half precision find what they find on the same in float32."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import ml_dtypes
import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal

from sksupercode import (
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
    TopKDecoder,
)
from sksupercode.dictionaries import DenseDictionary, _dense
from sksupercode.sae import SAEWeights, compare_decoders
from sksupercode.testing import all_estimators
from sksupercode.testing._problems import constructed
from tests.peak_memory import printed_number

FORMATS = [np.float16, ml_dtypes.bfloat16]


@pytest.fixture(autouse=True)
def in_blocks(monkeypatch):
    """Widen small dictionaries in blocks as well."""
    monkeypatch.setattr(_dense, "_BLOCK", 1000)


def problem(format, n_samples=8):
    """Return codewords of norm about 1, one zero and two equal, and sums of one of each half."""
    rng = np.random.default_rng(0)
    F = (rng.standard_normal((120, 80)) / np.sqrt(80)).astype(format)
    F[3], F[5] = 0, F[4]
    Y = np.zeros((n_samples, 120))
    for row in Y:
        row[[rng.integers(10, 60), rng.integers(60, 120)]] = 1
    return F, Y @ F.astype(np.float64), Y


# Of all kernels those of exchanges take longest to compile, for another format of codewords too.
DECODERS = [
    pytest.param(cls, marks=[pytest.mark.long] if cls is SwapDecoder else [])
    for _, cls in all_estimators("decoder")
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("cls", DECODERS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_decoder(cls, format):
    F, X, Y = problem(format)
    half, wide = (constructed(cls, array, 2).fit(X, Y) for array in (F, F.astype(np.float32)))
    assert half.dictionary_.nbytes == F.nbytes
    assert_array_equal(half.predict(X).toarray(), wide.predict(X).toarray())
    codes, expected = half.transform(X), wide.transform(X)
    assert codes.dtype == expected.dtype == np.float64
    assert_allclose(codes.toarray(), expected.toarray(), atol=1e-5)
    assert_allclose(half.inverse_transform(expected), wide.inverse_transform(expected), atol=1e-5)


@pytest.mark.parametrize("format", FORMATS)
def test_autoencoders_lend_what_they_store(format):
    F, X, _ = problem(format)
    weights = {"W_dec": F, "b_dec": F[7], "W_enc": F.T, "b_enc": np.zeros(120, format)}
    sae = SparseAutoencoder.from_weights(SAEWeights("topk", k=2, **weights))
    decoder = OrthogonalMatchingPursuitDecoder(sae, 2).fit(X)
    assert decoder.dictionary_.nbytes == F.nbytes
    assert sae.dictionary_.dtype == np.float32
    same = OrthogonalMatchingPursuitDecoder(sae.dictionary_, 2, values="nonnegative")
    expected = same.fit(X).predict(X - sae.intercept_)
    assert_array_equal(decoder.predict(X).toarray(), expected.toarray())
    compare_decoders({"SAE": sae, "OMP": decoder, "refitted": RefitDecoder(sae)}, X)
    rescaled = SparseAutoencoder.from_weights(
        SAEWeights("topk", k=2, rescales_by_norm=True, **weights)
    )
    assert TopKDecoder(rescaled, 2).fit(X).dictionary_.nbytes == 2 * F.nbytes


@pytest.mark.long
def test_workers_get_half_precision():
    fitted = []
    for format in FORMATS:
        F, X, _ = problem(format)
        fitted.append(TopKDecoder(DenseDictionary(F), 2).fit(X))
    parallel = Parallel(2, max_nbytes=100, batch_size=len(fitted))
    found = parallel(delayed(decoder.transform)(X) for decoder in fitted)
    for decoder, codes in zip(fitted, found, strict=True):
        assert (codes != decoder.transform(X)).nnz == 0


SCRIPT = """
import ml_dtypes
import numpy as np
from sksupercode import MatchingPursuitDecoder, OrthogonalMatchingPursuitDecoder, TopKDecoder

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 512), dtype=np.float32)
tasks = []
for format, classes in {
    np.float16: [TopKDecoder, MatchingPursuitDecoder],
    ml_dtypes.bfloat16: [OrthogonalMatchingPursuitDecoder],
}.items():
    F = np.empty((32_768, 512), format)
    for part in np.split(F, 8):
        part[:] = rng.standard_normal(part.shape, dtype=np.float32)
    tasks += [(cls, F) for cls in classes]
for cls, F in tasks:
    cls(F[:100], 4).fit(X).transform(X)
before = peak()
for cls, F in tasks:
    assert cls(F, 4).fit(X).transform(X).nnz == 80
print(peak() - before)
"""


@pytest.mark.long
def test_there_is_no_copy_in_float32():
    """It would take 64 MiB."""
    # The first process may compile, which takes memory as well.
    assert any(printed_number(SCRIPT) < 50 * 2**20 for _ in range(2))
