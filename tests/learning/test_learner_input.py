"""Samples of any kind and unit, what is refused, and results that are the same for equal seeds."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from sksupercode import (
    DictionaryLearner,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
    ThresholdDecoder,
    TopKDecoder,
    config_context,
)
from sksupercode._utils import _batches, _threads
from sksupercode.datasets import make_planted_activations
from sksupercode.exceptions import MassiveActivationsWarning
from sksupercode.learning._coder import Coder, resolve_decoder
from tests.marks import long
from tests.peak_memory import printed_number

N, D, K = 48, 24, 3
X, _, TRUTH = make_planted_activations(
    1200, n_latents=N, n_components=D, n_nonzero_coefs=K, random_state=0
)
X += np.random.default_rng(1).standard_normal(D)


def make_learner(n_latents=N, **settings):
    defaults = {"n_nonzero_coefs": K, "batch_size": 400, "max_iter": 3, "random_state": 0}
    return DictionaryLearner(n_latents, **defaults | settings)


def assert_same(learner, other, factor=1):
    assert_array_equal(learner.dictionary_, other.dictionary_)
    assert_array_equal(learner.intercept_, factor * other.intercept_)
    assert learner.loss_curve_ == other.loss_curve_


@pytest.mark.parametrize(
    "decoder, exponent",
    [
        (None, -1000),
        (None, -40),
        (None, 7),
        (None, 1019),
        (MatchingPursuitDecoder(None), -1000),
        (TopKDecoder(None), 1019),
        *long((MatchingPursuitDecoder(None), 300), (TopKDecoder(None), -40)),
    ],
    ids=repr,
)
# scikit-learn adds all numbers up, to see whether each is finite.
@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")
def test_units_that_are_powers_of_two_change_nothing(decoder, exponent):
    settings = {"decoder": decoder, "early_stopping": True}
    learner = make_learner(**settings).fit(X)
    other = make_learner(**settings).fit(np.ldexp(X, exponent))
    assert_same(other, learner, 2.0**exponent)
    assert other.validation_scores_ == learner.validation_scores_
    Z = other.transform(np.ldexp(X, exponent))
    assert_array_equal(Z.toarray(), np.ldexp(learner.transform(X).toarray(), exponent))


@pytest.mark.parametrize("factor", [1000, 1e-200, 1e200])
def test_other_units_change_little(factor):
    learner, other = make_learner().fit(X), make_learner().fit(factor * X)
    assert_allclose(other.dictionary_, learner.dictionary_, atol=1e-4)
    assert_allclose(other.intercept_ / factor, learner.intercept_, atol=1e-4)


@pytest.mark.parametrize("factors", [(1e-200, 1), (1, 1e200), (1, 1e-200)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_units_that_change_between_calls(factors):
    learner = make_learner()
    for factor in np.repeat(factors, 5):
        learner.partial_fit(factor * X)
    assert np.isfinite(learner.dictionary_).all() and np.isfinite(learner.loss_curve_).all()
    # Smaller samples are all alike, at the origin, and what came before them fades.
    if factors[1] == max(factors):
        assert learner.score(factors[1] * X) > 0.8


def test_outliers():
    """The intercept is at the mean, and a single sample cannot make codewords infinite."""
    outlier = X.copy()
    outlier[7] *= 1e30
    with pytest.warns(MassiveActivationsWarning):
        learner = make_learner().fit(outlier)
        assert learner.score(outlier) == pytest.approx(1)
    assert np.isfinite(learner.dictionary_).all()
    outlier[7] = 1e3 * X[7]
    with pytest.warns(MassiveActivationsWarning):
        learner = make_learner().fit(outlier)
        assert learner.score(outlier) > 0.9


def test_zeros_and_duplicates_among_samples():
    some = X - X.mean(axis=0)
    some[::3] = 0
    learner = make_learner(max_iter=10, fit_intercept=False).fit(some)
    assert learner.score(some) > 0.9 and learner.transform(some)[[0, 3]].nnz == 0
    some = np.repeat(X[:20], 50, axis=0)
    learner = make_learner().fit(some)
    assert_allclose(np.linalg.norm(learner.dictionary_, axis=1), 1, rtol=1e-6)
    assert learner.score(some) > 0.999


@pytest.mark.parametrize(
    "dtype", [np.float16, "list", "Fortran", *long(np.float32, ml_dtypes.bfloat16, object)]
)
def test_kinds_of_samples(dtype):
    """Blocks are widened, so that samples give what equal ones of float64 do."""
    rounded = X.astype(dtype) if dtype not in ("list", "Fortran") else X
    wide = rounded.astype(np.float64)
    given = {"list": X.tolist(), "Fortran": np.asfortranarray(X)}.get(dtype, rounded)
    learner, other = make_learner().fit(given), make_learner().fit(wide)
    assert_allclose(learner.dictionary_, other.dictionary_, atol=1e-4)
    assert learner.score(given) == pytest.approx(other.score(wide), abs=1e-4)
    is_wide = dtype in (object, "list", "Fortran")
    assert learner.transform(given).dtype == (np.float64 if is_wide else np.float32)


@pytest.mark.parametrize("dtype", [np.float16, *long(np.float32, np.float64)])
def test_files_and_arrays_of_dask(dtype, tmp_path):
    da = pytest.importorskip("dask.array", reason="needs Dask")
    array = X.astype(dtype)
    np.save(tmp_path / "X.npy", array)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    learner = make_learner().fit(array)
    assert_same(make_learner().fit(mapped), learner)
    # The order of its samples is another.
    lazy = da.from_array(array, chunks=(500, D))
    other = make_learner(max_iter=8).fit(lazy)
    assert other.score(lazy) > 0.9
    assert_array_equal(
        other.transform(array).toarray(), other.transform(np.asarray(lazy)).toarray()
    )
    assert other.partial_fit(lazy).n_iter_ == 9
    with pytest.raises(ValueError, match="X has 23 features"):
        other.partial_fit(lazy[:, 1:])
    with pytest.raises(ValueError, match="NaN"):
        make_learner().fit(da.where(lazy == lazy[3, 3], np.nan, lazy))


def test_equal_seeds():
    learner = make_learner().fit(X)
    assert_same(make_learner().fit(X), learner)
    assert_same(learner.fit(X), make_learner().fit(X))
    assert not np.array_equal(make_learner(random_state=1).fit(X).dictionary_, learner.dictionary_)
    generator = np.random.default_rng(0)
    assert_same(make_learner(random_state=generator).fit(X), learner)
    # Which has moved on.
    assert not np.array_equal(
        make_learner(random_state=generator).fit(X).dictionary_, learner.dictionary_
    )


WIDE = {"n_latents": 600, "n_components": 200, "n_nonzero_coefs": 4, "random_state": 0}


@pytest.mark.parametrize(
    "decoder",
    [
        None,
        *long(MatchingPursuitDecoder(None), SwapDecoder(OrthogonalMatchingPursuitDecoder(None))),
    ],
    ids=repr,
)
def test_threads_change_nothing(decoder, monkeypatch):
    X, _, _ = make_planted_activations(2000, **WIDE)
    settings = {"n_nonzero_coefs": 4, "decoder": decoder, "max_iter": 2, "random_state": 0}
    learners = []
    for n_threads in (1, 2, 3):
        monkeypatch.setattr(_threads, "thread_count", lambda n=n_threads: n)
        learners.append(DictionaryLearner(600, **settings).fit(X))
    for other in learners[1:]:
        assert_same(other, learners[0])


def test_threads_of_blas_change_nothing():
    X, _, _ = make_planted_activations(1000, **WIDE)
    learner = DictionaryLearner(600, n_nonzero_coefs=4, max_iter=2, random_state=0)
    before = clone(learner).fit(X)
    with threadpool_limits(3):
        assert_same(learner.fit(X), before)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"n_latents": 0}, "n_latents must be an integer >= 1"),
        ({"n_nonzero_coefs": N + 1}, f"n_nonzero_coefs must be an integer >= 1 and <= {N}"),
        ({"n_nonzero_coefs": 0}, "n_nonzero_coefs must be an integer >= 1"),
        ({"n_nonzero_coefs": None}, "n_nonzero_coefs must be a number"),
        ({"n_nonzero_coefs": None, "decoder": TopKDecoder(None)}, "n_nonzero_coefs must be a num"),
        ({"decoder": MatchingPursuitDecoder(None, 4)}, "got 3 and 4"),
        ({"decoder": SwapDecoder(OrthogonalMatchingPursuitDecoder(None, 4))}, "got 3 and 4"),
        ({"decoder": MatchingPursuitDecoder}, "decoder must be a decoder of this package"),
        ({"decoder": "omp"}, "decoder must be a decoder of this package or None, got 'omp'"),
        ({"decoder": SparseAutoencoder()}, "decoder must be a decoder of this package"),
        ({"decoder": RefitDecoder(SparseAutoencoder())}, "decoder must have a dictionary"),
        ({"init": "k-means"}, "init must be 'samples', 'random', an array"),
        ({"init": TRUTH[:3]}, "init must have n_latents=48 codewords of 24"),
        ({"init": TRUTH[:, :3]}, "init must have n_latents=48 codewords of 24"),
        ({"init": make_learner()}, "has no dictionary_: pass it fitted"),
        ({"init": np.full((N, D), np.nan)}, "NaN"),
        ({"fit_intercept": 1.5}, "fit_intercept must be True or False"),
        ({"batch_size": "all"}, "batch_size must be an integer >= 1"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1"),
        ({"early_stopping": True, "validation_fraction": 1e-9}, "validation_fraction must leave"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_parameters_that_are_refused(settings, message, method):
    learner = make_learner(**settings)
    if method == "partial_fit" and "early_stopping" in settings:
        # Which holds nothing out.
        learner.partial_fit(X)
        return
    with pytest.raises(ValueError, match=message):
        getattr(learner, method)(X)
    assert not hasattr(learner, "dictionary_")


@pytest.mark.parametrize(
    "samples, message",
    [
        (X[0], "1D array"),
        (X[:0], "0 sample"),
        (X[:, :0], "0 feature"),
        (X[:1], "all equal"),
        (np.full((50, D), 0.1), "all equal"),
        (np.where(np.arange(D) == 3, np.nan, X), "NaN"),
        (np.where(np.arange(D) == 3, np.inf, X), "infinity"),
        (X + 1j, "[Cc]omplex"),
        (np.full((50, D), "a"), "could not convert"),
        (csr_array(X), "dense"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.filterwarnings("ignore:X has 1 samples")
def test_samples_that_are_refused(samples, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(make_learner(), method)(samples)


def test_a_fitted_learner_refuses():
    learner = make_learner().fit(X)
    before = learner.dictionary_.copy()
    for call in (learner.transform, learner.score, learner.reconstruct, learner.partial_fit):
        with pytest.raises(ValueError, match="X has 3 features, but DictionaryLearner is expect"):
            call(X[:, :3])
        with pytest.raises(ValueError, match="NaN"):
            call(np.full((2, D), np.nan))
    with pytest.raises(ValueError, match="48 columns"):
        learner.inverse_transform(X)
    with pytest.raises(ValueError, match="n_latents must not change"):
        learner.set_params(n_latents=50).partial_fit(X)
    assert_array_equal(learner.dictionary_, before)


def test_extremes_are_legal():
    with pytest.warns(UserWarning, match="X has 20 samples .* 28 of them start in random"):
        few = make_learner().fit(X[:20])
    assert few.score(X[:20]) > 0.999
    for settings in (
        {"n_latents": 1, "n_nonzero_coefs": 1},
        {"n_nonzero_coefs": 1},
        {"n_nonzero_coefs": N, "max_iter": 1},
        {"n_nonzero_coefs": D + 4, "max_iter": 1},
        {"batch_size": 10**9},
        {"init": np.zeros((N, D))},
        {"init": np.ones((N, D))},
        {"init": 1e200 * TRUTH},
        {"n_nonzero_coefs": None, "decoder": ThresholdDecoder(None, threshold=0.7)},
    ):
        learner = make_learner(**settings).fit(X[:300])
        assert_allclose(np.linalg.norm(learner.dictionary_, axis=1), 1, rtol=1e-6)
        assert 0 < learner.score(X[:300]) <= 1
    assert 0 < make_learner(batch_size=1, max_iter=1).fit(X[:100]).score(X[:100]) <= 1
    assert make_learner(4, n_nonzero_coefs=2).fit(X[:, :1]).score(X[:, :1]) > 0.99


def peak_of(call, X):
    """Return the most bytes that NumPy's arrays and Python's objects take in a call."""
    # What is imported or compiled on the way is not counted.
    call(X[:100])
    tracemalloc.start()
    try:
        call(X)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_matrix_of_codewords_by_codewords_or_samples():
    """Which would have 36 and 18 MB in float32."""
    X = np.random.default_rng(0).standard_normal((1500, 16), dtype=np.float32)
    settings = {"init": "random", "n_nonzero_coefs": 2, "max_iter": 1, "batch_size": 1000}
    learner = DictionaryLearner(3000, random_state=0, **settings)
    with config_context(gram_memory=1), sklearn.config_context(working_memory=2):
        assert peak_of(learner.fit, X) < 9e6
        assert peak_of(learner.score, X) < 9e6


LARGE = """
import numpy as np
import sklearn
from sksupercode import DictionaryLearner, config_context
X = np.random.default_rng(0).standard_normal((4000, 32), dtype=np.float32)
settings = dict(n_nonzero_coefs=2, max_iter=1, random_state=0, batch_size=1500)
DictionaryLearner(64, **settings).fit(X)
before = peak()
with config_context(gram_memory=16), sklearn.config_context(working_memory=32):
    learner = DictionaryLearner(20_000, init="random", **settings).fit(X)
    learner.score(X)
print(peak() - before)
"""


@pytest.mark.long
def test_no_large_matrix_of_codewords_by_codewords_or_samples():
    """Which would have 1,526 and 305 MiB; the codewords have 2.4, and kernels are compiled."""
    assert printed_number(LARGE) < 256 * 2**20


LAZY = """
import dask.array as da
import numpy as np
from sksupercode import DictionaryLearner
settings = dict(n_nonzero_coefs=1, max_iter=1, random_state=0, batch_size=1024)
def samples(n):
    return da.random.default_rng(0).random((n, 128), chunks=(8000, 128), dtype="f4")
DictionaryLearner(32, **settings).fit(samples(8000))
before = peak()
learner = DictionaryLearner(32, **settings).fit(samples(80_000))
learner.partial_fit(samples(80_000))
print(peak() - before)
"""


@pytest.mark.long
def test_lazy_arrays_are_read_block_by_block(monkeypatch):
    """All samples have 12 MB in float32, and those that are read at once 2."""
    da = pytest.importorskip("dask.array", reason="needs Dask")
    monkeypatch.setattr(_batches, "MOST_ROWS", 1000)
    X = da.random.default_rng(0).random((24_000, 128), chunks=(4000, 128), dtype="f4")
    learner = make_learner(32, n_nonzero_coefs=1, max_iter=1, batch_size=512)
    assert peak_of(learner.fit, X) < 10e6
    assert peak_of(learner.partial_fit, X) < 10e6


@pytest.mark.long
def test_arrays_that_do_not_fit_are_read_block_by_block():
    """All samples have 39 MiB."""
    pytest.importorskip("dask.array", reason="needs Dask")
    assert printed_number(LAZY) < 34 * 2**20


@pytest.mark.parametrize("exponent", [-200, 0, 3])
def test_samples_that_are_codewords_of_a_large_dictionary(exponent, monkeypatch):
    """One codeword explains each, and no steps are made on what is left by rounding."""
    codewords = X[:40].astype(np.float32)
    codewords /= np.linalg.norm(codewords, axis=1, keepdims=True)
    coder = Coder(resolve_decoder(None, 3), exponent, np.float64)
    assert coder.codes(codewords, codewords / 3).nnz > 40
    monkeypatch.setattr("sksupercode.learning._coder._LARGE", 40)
    assert coder.codes(codewords, codewords / 3).nnz == 40
