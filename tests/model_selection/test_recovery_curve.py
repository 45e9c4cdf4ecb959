# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re
import sys
import threading
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_info, threadpool_limits

from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BasisPursuitDecoder,
    BoundEncoder,
    DropoutChannel,
    GaussianChannel,
    HadamardEncoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SphericalEncoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.model_selection import (
    RecoveryCurve,
    measured_dimension,
    phase_transition,
    recovery_curve,
    recovery_probability,
)
from sksupercode.model_selection._cells import Cell, Chain
from tests.marks import long

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
    assert curve.seconds_per_trial.shape == (3,) and (curve.seconds_per_trial > 0).all()
    predicted, _ = recovery_probability(TOP_K, **size)
    # The law is good to 0.03, and the rates have a standard error of at most 0.029.
    assert np.abs(curve.success_rate - predicted).max() < 0.03 + 3 * 0.029
    assert curve.success_rate[0] < 0.5 < curve.success_rate[-1]


def test_numbers_are_shown_and_become_a_frame():
    curve = recovery_curve(ENCODER, TOP_K, **SWEEP)
    frame = curve.to_frame()
    for name in ("success_rate", "seconds_per_trial"):
        assert frame[name].tolist() == getattr(curve, name).tolist()
    assert "n_components=[20, 30, 45]" in repr(curve)
    options = SWEEP | {"n_nonzero_coefs": [2, 4], "n_components": [20, 30]}
    transition = phase_transition(ENCODER, TOP_K, **options)
    frame = transition.to_frame().set_index(["n_nonzero_coefs", "n_components"])
    assert_array_equal(frame["success_rate"].unstack(), transition.success_rate)
    assert "n_nonzero_coefs=[2, 2, 4, 4]" in repr(transition)
    result = measured_dimension(ENCODER, TOP_K, n_trials=80, random_state=0, **SIZE)
    assert result.to_frame()["n_components"].tolist() == [result.n_components]
    assert f"n_components={result.n_components}, low={result.low}" in repr(result)


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


@pytest.mark.parametrize("backend", ["threading", *long("loky", "multiprocessing")])
def test_numbers_do_not_depend_on_the_backend(backend):
    options = SWEEP | {"channel": GaussianChannel(0.01)}
    decoder = AMPDecoder(SphericalEncoder())
    serial = recovery_curve(SphericalEncoder(), decoder, **options)
    with parallel_config(backend=backend, n_jobs=2):
        parallel = recovery_curve(SphericalEncoder(), decoder, **options)
    assert_array_equal(parallel.n_recovered, serial.n_recovered)
    assert parallel.design_effect == serial.design_effect
    assert 0 < serial.n_recovered[1] < 40


def test_kinds_of_random_state():
    def counts(random_state, n_trials=40):
        options = SWEEP | {"random_state": random_state, "n_trials": n_trials}
        return recovery_curve(ENCODER, TOP_K, **options).n_recovered.tolist()

    assert counts(np.random.default_rng(5)) == counts(np.random.default_rng(5))
    assert counts(np.random.RandomState(5)) == counts(np.random.RandomState(5))
    rng = np.random.default_rng(5)
    assert counts(rng) != counts(rng)
    # More, as nobody knows these seeds.
    assert counts(None, 200) != counts(None, 200)
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
        MatchingPursuitDecoder(None),
    ],
)
def test_sections(decoder, monkeypatch):
    supports = []

    def spy(*args, **kwargs):
        codes = make_sparse_codes(*args, **kwargs)
        supports.append(codes.indices.reshape(-1, 4) // 16)
        return codes

    monkeypatch.setattr("sksupercode.model_selection._cells.make_sparse_codes", spy)
    curve = recovery_curve(ENCODER, decoder, sections=True, **SWEEP | {"n_components": [100]})
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


@pytest.mark.parametrize("backend", ["threading", *long("loky")])
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
    d = SWEEP["n_components"]
    assert "100%" in shown and f"Sweep - top-k N={SWEEP['n_features']} k=" in shown
    assert f" d={min(d)}-{max(d)} " in shown
    assert_array_equal(curve.n_recovered, recovery_curve(ENCODER, TOP_K, **SWEEP).n_recovered)
    assert not capsys.readouterr().out


def test_the_bar_of_a_sweep_that_goes_on_fits_a_terminal(tmp_path, capsys, monkeypatch):
    pytest.importorskip("rich", reason="progress bars are rich's")
    monkeypatch.setenv("COLUMNS", "80")
    decoder = OrthogonalMatchingPursuitDecoder(ENCODER)
    sweep = SWEEP | {"checkpoint": tmp_path / "sweep.sqlite", "n_components": [40, 50]}
    recovery_curve(ENCODER, decoder, **sweep)
    recovery_curve(ENCODER, decoder, verbose=True, **sweep | {"n_trials": 60})
    shown = capsys.readouterr().out
    assert re.search(r"Sweep - \d+ of \d+ left, omp N=.* ━+ 100% 0:00:\d\d", shown)


def test_progress_without_callbacks(capsys, monkeypatch):
    pytest.importorskip("rich", reason="progress bars are rich's")
    monkeypatch.setattr("sksupercode._utils._progress.FitCallback", None)
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
    cells, name = [("end", "cell")] * 12, "top-k N=64 k=4 d=20-45"
    assert calls == [("setup", 12), *cells, ("end", name), ("teardown", None)]
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
        ({"encoder": np.eye(9)}, r"encoder must.*of shape \(9, 9\); BaseEncoder"),
        ({"channel": 0.1}, "channel must be an estimator, got 0.1"),
        ({"callbacks": ["bar"]}, "callbacks"),
    ],
)
def test_bad_parameters(changes, message):
    options = {"encoder": ENCODER, "decoder": TOP_K} | SWEEP | changes
    with pytest.raises(ValueError, match=message):
        recovery_curve(options.pop("encoder"), options.pop("decoder"), **options)


def test_a_dictionary_that_is_a_decoder_is_replaced_whole():
    encoder = RademacherEncoder()
    with pytest.warns(UserWarning, match="a MatchingPursuitDecoder, is not used"):
        nested = recovery_curve(encoder, TopKDecoder(MatchingPursuitDecoder(encoder)), **SWEEP)
    assert_array_equal(nested.n_recovered, recovery_curve(encoder, TOP_K, **SWEEP).n_recovered)


def test_another_dictionary_is_replaced_with_a_warning():
    for dictionary in (np.eye(64), HadamardEncoder()):
        with pytest.warns(UserWarning, match=f"a {type(dictionary).__name__}, is not used") as told:
            curve = recovery_curve(ENCODER, TopKDecoder(dictionary), **SWEEP)
        assert told[0].filename == __file__
        assert_array_equal(curve.n_recovered, recovery_curve(ENCODER, TOP_K, **SWEEP).n_recovered)


def test_extrapolated_dimensions_come_with_a_warning():
    counts = np.full(2, 50)
    curve = RecoveryCurve(np.array([100, 200]), np.array([2, 20]), counts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 100 < curve.dimension_at(0.3).n_components < 200
    told = r"0.9 is extrapolated: from d = 100 to 200 rates are from 0.04 to 0.4\.$"
    with pytest.warns(UserWarning, match=told):
        assert curve.dimension_at(0.9).n_components > 200
    for n_recovered, d, interval in ((0, np.inf, (200, np.inf)), (50, 0, (0, 100))):
        curve = RecoveryCurve(np.array([100, 200]), np.full(2, n_recovered), counts)
        with pytest.warns(UserWarning, match="extrapolated"):
            estimate = curve.dimension_at(0.5)
        assert estimate.n_components == d
        assert interval[0] <= estimate.low < estimate.high <= interval[1]


def test_bars_need_rich(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ImportError, match="verbose=True needs rich"):
        recovery_curve(ENCODER, TOP_K, **SWEEP, verbose=True)


def test_every_part_of_a_channel_draws_for_itself():
    options = SWEEP | {"n_components": 40, "n_trials": 1000, "n_trials_per_codebook": 50}
    parts = make_pipeline(GaussianChannel(0.01), GaussianChannel(0.01))
    rate, sum_of_both, doubled = (
        recovery_curve(ENCODER, TOP_K, channel=channel, **options).success_rate[0]
        for channel in (parts, GaussianChannel(0.02), GaussianChannel(0.04))
    )
    # The standard deviation of a difference of two rates is 0.022 or less: codebooks are the same.
    assert abs(rate - sum_of_both) < 0.08 < sum_of_both - doubled


def test_frozen_channels_draw_afresh_and_are_left_as_they_were():
    random_state = np.random.RandomState(0)
    before = random_state.get_state()[1].copy()
    for seed in (None, 0, random_state):
        fitted = GaussianChannel(0.05, random_state=seed).fit(np.ones((2, 40)))
        options = SWEEP | {"channel": FrozenEstimator(fitted), "n_components": 40}
        first, again = (recovery_curve(ENCODER, TOP_K, **options).n_recovered for _ in range(2))
        assert_array_equal(first, again)
        plain = recovery_curve(ENCODER, TOP_K, **options | {"channel": GaussianChannel(0.05)})
        assert_array_equal(first, plain.n_recovered)
        assert fitted.random_state is seed
    assert_array_equal(random_state.get_state()[1], before)


@pytest.mark.parametrize("given", [True, np.True_])
def test_sections_are_said_and_those_of_the_decoder(given, tmp_path):
    top_k = TopKDecoder(ENCODER, sections=given)
    curve = recovery_curve(ENCODER, top_k, sections=given, **SWEEP)
    assert curve.success_rate[-1] > 0.5
    path = tmp_path / "cells"
    for decoder, sections in [
        (top_k, False),
        (RefitDecoder(top_k), False),
        (AdaptiveSuccessiveDecoder(ENCODER), np.False_),
        (TOP_K, given),
        (make_pipeline(FunctionTransformer(), TOP_K), True),
    ]:
        message = f"^sections must be {not sections} for a decoder with sections={not sections}, "
        with pytest.raises(ValueError, match=message):
            recovery_curve(ENCODER, decoder, sections=sections, checkpoint=path, **SWEEP)
    assert not path.exists()
    with pytest.raises(ValueError, match="^sections must be True or False, got 2"):
        recovery_curve(ENCODER, TOP_K, sections=2, **SWEEP)


def test_a_bound_encoder_serves_only_codes_of_its_number_of_sections():
    encoder = BoundEncoder(n_sections=8)
    decoder = TopKDecoder(encoder, sections=True)
    message = "^n_nonzero_coefs must be the encoder's n_sections=8 with sections=True, got 16"
    for sweep, k, options in [
        (recovery_curve, 16, {"n_components": [64], "n_trials": 2}),
        (measured_dimension, 16, {}),
        (phase_transition, [8, 16], {"n_components": [64], "n_trials": 2}),
    ]:
        with pytest.raises(ValueError, match=message):
            sweep(encoder, decoder, n_features=64, n_nonzero_coefs=k, sections=True, **options)


def test_foreign_parameters_called_sections_mean_nothing():
    class Divided(BaseEstimator):
        def __init__(self, dictionary=None, sections=True):
            self.dictionary = dictionary
            self.sections = sections

        def fit(self, X, y):
            self.decoder_ = TopKDecoder(self.dictionary).fit(X, y)
            return self

        def score(self, X, y):
            return self.decoder_.score(X, y)

    plain = recovery_curve(ENCODER, TOP_K, **SWEEP)
    assert_array_equal(recovery_curve(ENCODER, Divided(), **SWEEP).n_recovered, plain.n_recovered)


def test_loud_noise_is_no_mismatch():
    options = {"n_features": 256, "n_nonzero_coefs": 1, "n_components": 16, "n_trials": 60}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        channel = GaussianChannel(4.0)
        recovery_curve(
            ENCODER, TOP_K, channel=channel, n_trials_per_codebook=1, random_state=0, **options
        )


def process_state():
    return list(warnings.filters), [pool["num_threads"] for pool in threadpool_info()]


def test_threads_that_are_left_behind_restore_nothing():
    started, over, workers = threading.Event(), threading.Event(), []

    class Fails(TopKDecoder):
        def score(self, X, y):
            if X.shape[1] == 30:
                assert started.wait(600)
                raise RuntimeError("boom")
            workers.append(threading.current_thread())
            started.set()
            assert over.wait(600)
            return super().score(X, y)

    options = SWEEP | {"n_components": [20, 30], "n_trials": 10}
    with threadpool_limits(2):
        before = process_state()
        with parallel_config("threading", n_jobs=2), pytest.raises(RuntimeError, match="boom"):
            recovery_curve(ENCODER, Fails(ENCODER), **options)
        over.set()
        workers[0].join()
        assert process_state() == before


@pytest.mark.parametrize("slope, p", [(12, 0.99), (3, 0.99), (3, 0.999), (30, 0.5), (0.6, 0.6)])
@pytest.mark.parametrize("n_trials", [1000, 100_000])
def test_dimensions_are_those_of_maximum_likelihood(slope, p, n_trials):
    dimensions = np.array([20, 25, 32, 40])
    n_recovered = np.rint(n_trials * expit(slope * np.log(dimensions / 28))).astype(int)
    curve = RecoveryCurve(dimensions, n_recovered, np.full(4, n_trials))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = curve.dimension_at(p)
    # Counts are rounded: by how much, relative to the least of them, bounds the error.
    expected = 28 * np.exp(logit(p) / slope)
    assert found.n_components == pytest.approx(expected, rel=5 / n_trials)
    assert found.low < expected < found.high


def curve_of(dimensions, rates, n_trials=2000):
    n_recovered = np.rint(n_trials * np.asarray(rates)).astype(int)
    return RecoveryCurve(np.array(dimensions), n_recovered, np.full(len(rates), n_trials))


def test_rates_that_never_rise_to_the_wanted_one():
    curve = curve_of([100, 1000, 10_000], [0.58, 0.61, 0.6])
    with pytest.warns(UserWarning, match="d = inf for a rate of 0.9 .* from 0.58 to 0.61"):
        found = curve.dimension_at(0.9)
    assert found.n_components == found.high == np.inf and found.low > 10_000
    with pytest.warns(UserWarning, match="d = 0 for a rate of 0.3"):
        assert curve.dimension_at(0.3).n_components == 0


def test_where_the_slope_changes_far_dimensions_are_left_out():
    """Strengths that differ make curves steep at first, and shallow from a rate of 0.7 on."""
    dimensions, knee = np.geomspace(60, 3000, 14).round(), logit(0.7)
    z = 8 * np.log(dimensions / 100)
    z = np.where(z < knee, z, knee + 0.6 * (z - knee) / 8)
    expected = 100 * np.exp(knee / 8 + (logit(0.8) - knee) / 0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = curve_of(dimensions, expit(z)).dimension_at(0.8)
    assert found.n_components == pytest.approx(expected, rel=0.05)
    assert found.low < expected < found.high


def test_rates_of_no_law_are_doubtful():
    curve = curve_of([100, 120, 140, 160, 180], [0.5, 0.95, 0.6, 0.95, 0.7])
    with pytest.warns(UserWarning, match="for a rate of 0.8 is doubtful: .* logit law in ln d"):
        assert 100 < curve.dimension_at(0.8).n_components < 180


def test_rates_that_are_none_are_refused():
    class Odd(TopKDecoder):
        def score(self, X, y):
            return 1.5

    with pytest.raises(ValueError, match="score must return a rate from 0 to 1, got 1.5"):
        recovery_curve(ENCODER, Odd(ENCODER), **SWEEP)
