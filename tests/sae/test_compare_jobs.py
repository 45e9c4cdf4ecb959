"""The table of ``compare_decoders`` is that of one process, whatever the workers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

import sksupercode
from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    TopKDecoder,
)
from sksupercode.sae import SAEWeights, compare_decoders
from tests.marks import long
from tests.shards import shards

pytest.importorskip("pandas", reason="compares tables")

N, D = 700, 97
TOO_FEW = "50 of 50 samples did not reach tol=1 within 2 iterations."
BLOCKS = {"block_size": 110, "n_nonzero_coefs": [3, 6]}


def make_sae(normalization="none"):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((N, D)).astype(np.float32)
    zeros = np.zeros(D, np.float32), np.zeros(N, np.float32)
    weights = SAEWeights("topk", F, zeros[0], F.T, zeros[1], k=4, normalization=normalization)
    return SparseAutoencoder.from_weights(weights)


def make_activations(n_samples=300, dtype=np.float32):
    rng = np.random.default_rng(1)
    codes = rng.random((n_samples, N)) * (rng.random((n_samples, N)) < 0.01)
    noise = 0.5 * rng.standard_normal((n_samples, D))
    return (codes @ make_sae().dictionary_ + noise).astype(dtype)


def make_decoders():
    sae = make_sae()
    return {
        "SAE": sae,
        "normalising": make_sae("layer_norm"),
        "MP": MatchingPursuitDecoder(sae),
        "OMP": OrthogonalMatchingPursuitDecoder(sae, values="real"),
        "GP": GradientPursuitDecoder(sae),
        "refit": RefitDecoder(sae),
        "PCA": PCA(3),
        "learns": TopKDecoder(sae, covariance_estimator=LedoitWolf()),
    }


def numbers(table):
    return table.drop(columns="seconds_per_sample")


def mapped(X, folder, order="C"):
    np.save(folder / f"{order}.npy", np.asarray(X, order=order))
    return np.load(folder / f"{order}.npy", mmap_mode="r")


class Rows:
    """Samples whose slices are arrays, and which cannot leave their process."""

    def __init__(self, X):
        self._X, self.shape, self.dtype, self.ndim = X, X.shape, X.dtype, X.ndim

    def __getitem__(self, rows):
        X = self._X[rows]
        assert len(X) <= BLOCKS["block_size"]
        return X

    def __reduce__(self):
        raise AssertionError("X was pickled as a whole")


class Repeater(TransformerMixin, BaseEstimator):
    """Leaves the number of its process in a folder whenever a new copy of it begins to work."""

    def __init__(self, folder):
        self.folder = folder

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        # Of threads that share a copy, one alone is first.
        token = object()
        if vars(self).setdefault("first", token) is token:
            with open(os.path.join(self.folder, str(os.getpid())), "a") as file:
                file.write("x")
        return X

    def inverse_transform(self, X):
        return X


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
    # Of one process, which takes seconds to start, with a thread for each of two blocks.
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster, timeout=60),
    ):
        yield cluster


# Other processes take seconds to start: a cluster in this one is below.
@pytest.fixture(params=["threading", *long("loky", "dask")])
def backend(request):
    if request.param == "dask":
        request.getfixturevalue("cluster")
    with parallel_config(backend=request.param, n_jobs=2):
        yield request.param


@pytest.fixture(scope="module")
def serial():
    return numbers(compare_decoders(make_decoders(), make_activations(), **BLOCKS))


def test_the_table_of_one_process(backend, serial, tmp_path):
    """It is equal to the last bit, where X is in memory, mapped, in Fortran order, or lazy."""
    X = make_activations()
    sources = {
        "threading": [X, shards(X, tmp_path)],
        "loky": [Rows(X), mapped(X, tmp_path, "C"), mapped(X, tmp_path, "F")],
        "dask": [Rows(X), shards(X, tmp_path), mapped(X, tmp_path, "F")],
    }
    for source in sources[backend]:
        table = compare_decoders(make_decoders(), source, **BLOCKS)
        assert numbers(table).equals(serial)
        assert table["seconds_per_sample"].min() > 0


def test_numbers_of_jobs_and_of_blocks(serial):
    X = make_activations()
    with parallel_config(backend="threading"):
        for n_jobs in (3, -1):
            table = compare_decoders(make_decoders(), X, n_jobs=n_jobs, **BLOCKS)
            assert numbers(table).equals(serial)
        # One decoder has more blocks than tasks, one block more decoders.
        for decoders, size in (({"SAE": make_sae()}, 7), (make_decoders(), 300)):
            options = BLOCKS | {"block_size": size}
            tables = [compare_decoders(decoders, X, n_jobs=n, **options) for n in (None, 4)]
            assert numbers(tables[0]).equals(numbers(tables[1]))


@pytest.mark.long
def test_arrays_on_a_cluster(cluster, serial):
    array = pytest.importorskip("dask.array", reason="needs Dask")
    X = make_activations()
    lazy = array.from_array(X, chunks=(100, -1))
    here = array.from_array(Rows(X), chunks=(50, -1), name="rows")
    for X in (lazy, lazy.persist(), here):
        with parallel_config(backend="dask"):
            assert numbers(compare_decoders(make_decoders(), X, **BLOCKS)).equals(serial)


def test_a_cluster_in_this_process(serial):
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
    array = pytest.importorskip("dask.array", reason="needs Dask")
    X = make_activations()
    lazy = array.from_array(X, chunks=(100, -1))
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster, timeout=60),
        parallel_config(backend="dask"),
    ):
        for source in (X, lazy, lazy.persist()):
            table = compare_decoders(make_decoders(), source, **BLOCKS)
            assert numbers(table).equals(serial)


def test_rounding_does_not_depend_on_threads():
    """That of BLAS does, in most products of this size."""
    A = np.random.default_rng(0).standard_normal((385, 2049))
    X = np.random.default_rng(1).standard_normal((200, 385))
    inverse = np.linalg.pinv(A)
    # Its error is rounding and nothing else.
    product = FunctionTransformer(lambda X: X @ A, inverse_func=lambda Z: Z @ inverse)
    sae = SparseAutoencoder.from_weights(
        SAEWeights("topk", A.T, np.zeros(385), A, np.zeros(2049), k=9)
    )
    decoders = {"product": product, "SAE": sae, "MP": MatchingPursuitDecoder(sae, 9)}
    tables = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            tables.append(numbers(compare_decoders(decoders, X)))
    assert tables[0].equals(tables[1])


def test_one_fit_and_one_copy_for_each_worker(backend, tmp_path):
    fits = []

    class Counted(PCA):
        def fit(self, X, y=None):
            fits.append(len(X))
            return super().fit(X)

    decoders = {"PCA": Counted(2), "it": Repeater(str(tmp_path))}
    compare_decoders(decoders, make_activations(), block_size=20)
    assert fits == [20]
    copies = [path.read_text() for path in tmp_path.iterdir()]
    assert copies and set(copies) == {"x"} and len(copies) <= 2
    is_here = (tmp_path / str(os.getpid())).exists()
    assert is_here == (backend == "threading")


def test_configurations_reach_workers(backend):
    def scale(X):
        return X / (get_config()["working_memory"] * sksupercode.get_config()["gram_memory"])

    decoders = {"scale": FunctionTransformer(scale, inverse_func=lambda X: 14 * X)}
    with config_context(working_memory=2), sksupercode.config_context(gram_memory=7):
        table = compare_decoders(decoders, make_activations(), block_size=99)
    assert table.loc["scale", "FVU"] < 1e-12


def test_warnings_reach_the_caller(backend):
    X, shown = make_activations(), warnings.showwarning
    decoder = MatchingPursuitDecoder(make_sae(), n_nonzero_coefs=2, tol=1.0)
    decoders = {"MP": decoder, "OMP": OrthogonalMatchingPursuitDecoder(make_sae(), 2, tol=1.0)}

    def messages(n_jobs):
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always")
            compare_decoders(decoders, X, block_size=50, n_jobs=n_jobs)
        return [(w.category, str(w.message)) for w in log]

    with parallel_config(backend="loky"):
        expected = messages(1)
    assert expected == 12 * [(ConvergenceWarning, TOO_FEW)]
    assert messages(2) == expected
    assert warnings.showwarning is shown
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning, match=TOO_FEW):
            compare_decoders(decoders, X, block_size=50, n_jobs=2)


def test_errors_reach_the_caller(backend):
    X = make_activations()
    X[280, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        compare_decoders({"SAE": make_sae()}, X, block_size=64)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2"])
def test_numbers_of_jobs_refused(n_jobs):
    with pytest.raises(ValueError, match="n_jobs must be an integer"):
        compare_decoders({"SAE": make_sae()}, make_activations(5), n_jobs=n_jobs)
