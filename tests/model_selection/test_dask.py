# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os

import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin

from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.model_selection import measured_dimension, phase_transition, recovery_curve
from tests.model_selection.killed_sweeps import table

distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")

ENCODER = RademacherEncoder()
DECODER = TopKDecoder(ENCODER)
SIZE = {"n_features": 128, "n_nonzero_coefs": 4, "random_state": 0}
GRID = {"n_components": [20, 40, 60], "n_trials": 60}


class Trace(TransformerMixin, BaseEstimator):
    """A channel that leaves the number of its process."""

    def __init__(self, folder):
        self.folder = folder

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        open(os.path.join(self.folder, str(os.getpid())), "a").close()
        return X


# A cluster of other processes takes seconds to start.
@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        yield cluster


def serially(sweep, *args, **kwargs):
    with parallel_config(backend="loky", n_jobs=1):
        return sweep(*args, **kwargs)


@pytest.mark.long
def test_curves(cluster, tmp_path):
    options = SIZE | GRID | {"channel": Trace(str(tmp_path))}
    curve = recovery_curve(ENCODER, DECODER, **options)
    workers = {int(name) for name in os.listdir(tmp_path)}
    assert len(workers) == 2 and os.getpid() not in workers
    expected = serially(recovery_curve, ENCODER, DECODER, **options)
    assert os.getpid() in {int(name) for name in os.listdir(tmp_path)}
    assert_array_equal(curve.n_recovered, expected.n_recovered)
    assert curve.design_effect == expected.design_effect
    assert 0 < curve.n_recovered[0] < curve.n_recovered[-1]


def test_a_cluster_in_this_process(tmp_path):
    options = SIZE | GRID
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        curve = recovery_curve(ENCODER, DECODER, checkpoint=tmp_path / "dask", **options)
    expected = recovery_curve(ENCODER, DECODER, checkpoint=tmp_path / "serial", **options)
    assert_array_equal(curve.n_recovered, expected.n_recovered)
    assert table(tmp_path / "dask") == table(tmp_path / "serial")


@pytest.mark.long
def test_checkpoints(cluster, tmp_path):
    options = SIZE | GRID
    recovery_curve(ENCODER, DECODER, checkpoint=tmp_path / "dask", **options)
    serially(recovery_curve, ENCODER, DECODER, checkpoint=tmp_path / "serial", **options)
    assert table(tmp_path / "dask") == table(tmp_path / "serial")


@pytest.mark.long
def test_phase_transitions(cluster):
    options = SIZE | GRID | {"n_nonzero_coefs": [2, 4]}
    transition = phase_transition(ENCODER, DECODER, **options)
    expected = serially(phase_transition, ENCODER, DECODER, **options)
    assert_array_equal(transition.success_rate, expected.success_rate)


@pytest.mark.long
def test_measured_dimensions(cluster):
    result = measured_dimension(ENCODER, DECODER, n_trials=60, **SIZE)
    expected = serially(measured_dimension, ENCODER, DECODER, n_trials=60, **SIZE)
    assert_array_equal(result.curve.n_recovered, expected.curve.n_recovered)
    assert (result.n_components, result.low) == (expected.n_components, expected.low)
