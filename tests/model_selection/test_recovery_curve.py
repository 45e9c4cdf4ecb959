# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BasisPursuitDecoder,
    DropoutChannel,
    GaussianChannel,
    HadamardEncoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.model_selection import recovery_curve, recovery_probability
from sksupercode.model_selection._cells import Cell, Chain

ENCODER = RademacherEncoder()
TOP_K = TopKDecoder(ENCODER)
SIZE = {"n_features": 64, "n_nonzero_coefs": 4}
SWEEP = SIZE | {"n_components": [20, 30, 45], "n_trials": 40, "random_state": 0}


SENT = []


class Spy(TransformerMixin, BaseEstimator):
    """A channel that remembers what it sent."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        SENT.append((self.random_state, X))
        return X


@pytest.fixture
def sent():
    SENT.clear()
    return SENT


def test_rates_agree_with_the_prediction():
    size = {"n_features": 512, "n_nonzero_coefs": 6, "n_components": [80, 110, 150]}
    curve = recovery_curve(ENCODER, TOP_K, n_trials=300, random_state=0, **size)
    assert_array_equal(curve.n_components, [80, 110, 150])
    assert_array_equal(curve.n_trials, 300)
    predicted, _ = recovery_probability(TOP_K, **size)
    # The law is good to 0.03, and the rates have a standard error of at most 0.029.
    assert np.abs(curve.success_rate - predicted).max() < 0.03 + 3 * 0.029
    assert curve.success_rate[0] < 0.5 < curve.success_rate[-1]


def test_noise_is_sent_at_every_cell():
    noisy = recovery_curve(ENCODER, TOP_K, channel=GaussianChannel(0.1), **SWEEP)
    clean = recovery_curve(ENCODER, TOP_K, **SWEEP)
    assert np.all(noisy.n_recovered[1:] < clean.n_recovered[1:])


@pytest.mark.parametrize("n_trials, sizes", [(20, [10, 10]), (25, [10, 10, 5]), (3, [3])])
def test_every_codebook_code_and_noise_is_fresh(sent, n_trials, sizes):
    recovery_curve(ENCODER, TOP_K, channel=Spy(), **SWEEP | {"n_trials": n_trials})
    assert [len(X) for _, X in sent] == 3 * sizes
    seeds = [seed for seed, _ in sent]
    assert len(set(seeds)) == len(seeds)
    rows = [row.tobytes() for _, X in sent for row in X]
    assert len(set(rows)) == len(rows)


def test_cells_are_reproducible_alone(sent):
    chain = Chain.of(ENCODER, Spy(), TOP_K)
    recovery_curve(ENCODER, TOP_K, channel=Spy(), **SWEEP)
    whole = list(sent)
    sent.clear()
    run = Chain(chain.encoder, chain.channel, chain.decoder, 0).run
    cell, n_recovered, seconds = run(Cell(64, 4, 30, 2, 10))
    assert 0 <= n_recovered <= 10 and seconds > 0 and cell.codebook == 2
    # The third of four codebooks at the second of three dimensions
    assert sent[0][0] == whole[6][0]
    assert_array_equal(sent[0][1], whole[6][1])


def test_other_dimensions_and_trials_change_nothing():
    curve = recovery_curve(ENCODER, TOP_K, **SWEEP)
    more = recovery_curve(ENCODER, TOP_K, **SWEEP | {"n_components": [45, 10, 20, 30, 45]})
    assert_array_equal(more.n_components, [10, 20, 30, 45])
    assert_array_equal(more.n_recovered[1:], curve.n_recovered)
    fewer = recovery_curve(ENCODER, TOP_K, **SWEEP | {"n_components": 30, "n_trials": 20})
    assert 0 <= curve.n_recovered[1] - fewer.n_recovered[0] <= 20


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_numbers_do_not_depend_on_the_backend(backend):
    options = SWEEP | {"channel": GaussianChannel(0.01)}
    decoder = AMPDecoder(SphericalEncoder())
    serial = recovery_curve(SphericalEncoder(), decoder, **options)
    with parallel_config(backend=backend, n_jobs=2):
        parallel = recovery_curve(SphericalEncoder(), decoder, **options)
    assert_array_equal(parallel.n_recovered, serial.n_recovered)
    assert parallel.design_effect == serial.design_effect
    assert 0 < serial.n_recovered[1] < 40


def test_numbers_do_not_depend_on_n_jobs():
    curves = [recovery_curve(ENCODER, TOP_K, n_jobs=n_jobs, **SWEEP) for n_jobs in (None, 1, 2)]
    for curve in curves[1:]:
        assert_array_equal(curve.n_recovered, curves[0].n_recovered)


def test_kinds_of_random_state():
    def counts(random_state):
        options = SWEEP | {"random_state": random_state, "n_trials": 200}
        return recovery_curve(ENCODER, TOP_K, **options).n_recovered.tolist()

    assert counts(np.random.default_rng(5)) == counts(np.random.default_rng(5))
    assert counts(np.random.RandomState(5)) == counts(np.random.RandomState(5))
    rng = np.random.default_rng(5)
    assert counts(rng) != counts(rng)
    assert counts(None) != counts(None)
    assert counts(1) != counts(2)


def test_estimators_are_left_as_they_were():
    encoder = RademacherEncoder(7, n_features=9, random_state=np.random.default_rng(0))
    decoder = TopKDecoder(encoder)
    channel = DropoutChannel(0.1, random_state=3)
    before = [repr(e) for e in (encoder, decoder, channel)]
    curve = recovery_curve(encoder, decoder, channel=channel, **SWEEP)
    assert [repr(e) for e in (encoder, decoder, channel)] == before
    assert decoder.dictionary is encoder and not hasattr(encoder, "dictionary_")
    plain = recovery_curve(ENCODER, TOP_K, channel=DropoutChannel(0.1), **SWEEP)
    assert_array_equal(curve.n_recovered, plain.n_recovered)


def test_pipelines_are_channels_and_decoders():
    channel = make_pipeline(GaussianChannel(0.01), DropoutChannel(0.05))
    decoder = make_pipeline(FunctionTransformer(np.negative), FunctionTransformer(np.negative))
    decoder.steps.append(("read", TopKDecoder(None)))
    curve = recovery_curve(ENCODER, decoder, channel=channel, **SWEEP)
    plain = recovery_curve(ENCODER, TOP_K, channel=channel, **SWEEP)
    assert_array_equal(curve.n_recovered, plain.n_recovered)
    assert 0 < plain.n_recovered.sum() < recovery_curve(ENCODER, TOP_K, **SWEEP).n_recovered.sum()


@pytest.mark.parametrize(
    "decoder",
    [
        TopKDecoder(None, sections=True),
        make_pipeline(FunctionTransformer(), TopKDecoder(None, sections=True)),
        AdaptiveSuccessiveDecoder(None),
    ],
)
def test_sections(decoder, monkeypatch):
    supports = []

    def spy(*args, **kwargs):
        codes = make_sparse_codes(*args, **kwargs)
        supports.append(codes.indices.reshape(-1, 4) // 16)
        return codes

    monkeypatch.setattr("sksupercode.model_selection._cells.make_sparse_codes", spy)
    curve = recovery_curve(ENCODER, decoder, **SWEEP | {"n_components": [100]})
    # One codeword in each of four sections of 16
    assert_array_equal(np.concatenate(supports), 40 * [[0, 1, 2, 3]])
    assert curve.success_rate[0] > 0.8


@pytest.mark.parametrize(
    "encoder, decoder",
    [(HadamardEncoder(), MatchingPursuitDecoder), (SphericalEncoder(), BasisPursuitDecoder)],
)
def test_other_encoders_and_decoders(encoder, decoder):
    curve = recovery_curve(encoder, decoder(encoder), **SWEEP | {"n_components": [4, 60]})
    assert curve.n_recovered[0] < 10 and curve.n_recovered[1] > 35


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_failures_are_counted_in_silence(backend):
    class Failing(TopKDecoder):
        def score(self, X, y):
            warnings.warn("failed", ConvergenceWarning, stacklevel=2)
            return 0.5

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        before = list(warnings.filters)
        with parallel_config(backend=backend, n_jobs=2):
            curve = recovery_curve(ENCODER, Failing(ENCODER), **SWEEP)
        assert warnings.filters == before
    assert_array_equal(curve.n_recovered, 20)


def test_progress_is_shown(capsys):
    pytest.importorskip("rich", reason="progress bars are rich's")
    curve = recovery_curve(ENCODER, TOP_K, verbose=True, **SWEEP)
    shown = capsys.readouterr().out
    assert "100%" in shown and "Sweep" in shown
    assert_array_equal(curve.n_recovered, recovery_curve(ENCODER, TOP_K, **SWEEP).n_recovered)
    assert not capsys.readouterr().out


def test_progress_without_callbacks(capsys, monkeypatch):
    pytest.importorskip("rich", reason="progress bars are rich's")
    monkeypatch.setattr("sksupercode.model_selection._progress.FitCallback", None)
    recovery_curve(ENCODER, TOP_K, verbose=True, **SWEEP)
    assert "100%" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"callbacks need scikit-learn 1\.9"):
        recovery_curve(ENCODER, TOP_K, callbacks=[], **SWEEP)


def test_callbacks_are_told(tmp_path):
    pytest.importorskip("sklearn.callback", reason="new in scikit-learn 1.9")
    calls = []

    class Recorder:
        def setup(self, estimator, context):
            calls.append(("setup", context.max_subtasks))

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            calls.append(("end", context.task_name))

        def teardown(self, estimator, context):
            calls.append(("teardown", None))

    options = SWEEP | {"checkpoint": tmp_path / "cells", "callbacks": [Recorder()]}
    recovery_curve(ENCODER, TOP_K, **options)
    cells = [("end", "cell")] * 12
    assert calls == [("setup", 12), *cells, ("end", "cells"), ("teardown", None)]
    # The time that is left is that of what is left.
    calls.clear()
    recovery_curve(ENCODER, TOP_K, **options | {"n_trials": 50})
    assert calls[0] == ("setup", 3)
    with pytest.raises(ValueError, match="callbacks must be a list of"):
        recovery_curve(ENCODER, TOP_K, callbacks=[Recorder], **SWEEP)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"n_features": 0}, "n_features must be an integer >= 1"),
        ({"n_nonzero_coefs": 65}, "n_nonzero_coefs must be an integer >= 1 and <= 64, got 65"),
        ({"n_components": []}, "n_components must be a list of integers, and not empty"),
        ({"n_components": [3, 0]}, "n_components must be an integer >= 1, got 0"),
        ({"n_components": [3.5]}, "n_components must be an integer >= 1, got 3.5"),
        ({"n_components": [[3]]}, "n_components must be a list of integers"),
        ({"n_trials": 0}, "n_trials must"),
        ({"n_trials_per_codebook": 0}, "n_trials_per_codebook must"),
        ({"random_state": -1}, "random_state must"),
        ({"random_state": "0"}, "random_state must"),
        ({"encoder": RademacherEncoder}, "encoder must be an estimator, got <class"),
        ({"encoder": GaussianChannel()}, "encoder must have the parameters n_components, which"),
        ({"decoder": GaussianChannel()}, "decoder must have the parameters dictionary, which"),
        ({"decoder": "top-k"}, "decoder must be an estimator, got 'top-k'"),
        ({"channel": 0.1}, "channel must be an estimator, got 0.1"),
        ({"callbacks": ["bar"]}, "callbacks"),
    ],
)
def test_bad_parameters(changes, message):
    options = {"encoder": ENCODER, "decoder": TOP_K} | SWEEP | changes
    with pytest.raises(ValueError, match=message):
        recovery_curve(options.pop("encoder"), options.pop("decoder"), **options)


def test_what_cannot_be_pickled_runs_without_a_checkpoint(tmp_path):
    encoder = RademacherEncoder()
    size = {"n_features": 32, "n_nonzero_coefs": 2, "n_components": 16, "n_trials": 4}
    channel = FunctionTransformer(lambda X: X)
    arguments = {"channel": channel, "random_state": 0, **size}
    curve = recovery_curve(encoder, TopKDecoder(encoder), **arguments)
    assert curve.n_trials == 4
    with pytest.raises(ValueError, match="checkpoint must be None with a parameter that cannot"):
        recovery_curve(encoder, TopKDecoder(encoder), checkpoint=tmp_path / "c.sqlite", **arguments)


def test_a_dictionary_that_is_a_decoder_is_replaced_whole():
    encoder = RademacherEncoder()
    size = {"n_features": 32, "n_nonzero_coefs": 2, "n_components": [4, 6], "n_trials": 20}
    nested, plain = (
        recovery_curve(encoder, TopKDecoder(inner), random_state=0, **size).n_recovered
        for inner in (MatchingPursuitDecoder(encoder), encoder)
    )
    assert_array_equal(nested, plain)
