# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.decomposition import MiniBatchDictionaryLearning

from sksupercode import DictionaryLearner, RademacherEncoder, SparseAutoencoder, TopKDecoder
from sksupercode.datasets import make_planted_activations
from sksupercode.model_selection import dictionary_recovery, recovery_curve
from sksupercode.plotting import DictionaryRecoveryDisplay

GRID = {
    "n_latents": 16,
    "n_nonzero_coefs": 1,
    "n_components": [6, 12],
    "n_samples": [24, 120],
    "n_trials": 2,
    "random_state": 0,
}
RESULTS = ("found", "mcc", "fvu", "omp_fvu")


class Clustering(BaseEstimator):
    """Takes the first samples of distinct directions, which is right for k = 1."""

    n_fits = 0

    def __init__(self, n_latents=3, n_nonzero_coefs=None, scale=1.0, random_state=None):
        self.n_latents = n_latents
        self.n_nonzero_coefs = n_nonzero_coefs
        self.scale = scale
        self.random_state = random_state

    def fit(self, X, y=None):
        Clustering.n_fits += 1
        assert self.n_nonzero_coefs == 1 and isinstance(self.random_state, int)
        units = X / np.linalg.norm(X, axis=1, keepdims=True)
        chosen = [units[0]]
        for unit in units:
            if len(chosen) < self.n_latents and np.max(np.array(chosen) @ unit) < 0.999:
                chosen.append(unit)
        self.dictionary_ = self.scale * np.pad(
            np.array(chosen), ((0, self.n_latents - len(chosen)), (0, 0))
        )
        return self


def lars(**options):
    return MiniBatchDictionaryLearning(alpha=0.2, max_iter=1, **options)


def test_what_is_found_is_counted():
    learner = Clustering(random_state=7)
    recovery = dictionary_recovery({"first": learner, "lars": lars()}, **GRID)
    assert learner.get_params() == Clustering(random_state=7).get_params()
    assert recovery.learners == ("first", "lars")
    assert recovery.found.shape == (2, 2, 2, 2)
    frame = recovery.to_frame()
    assert len(frame) == 16
    np.testing.assert_allclose(frame["bits_per_dimension"] * frame["n_components"], 4)
    # 16 codewords in 120 samples of one each are all seen; 24 are too few.
    assert_array_equal(recovery.found[0, :, 1], 1)
    assert np.all(recovery.omp_fvu[0, :, 1] < 1e-9)
    assert np.isnan(recovery.fvu[0]).all() and np.isfinite(recovery.fvu[1]).all()
    some = recovery.found[0, 1, 0]
    assert np.all(some < 1) and np.all(recovery.omp_fvu[0, 1, 0] > 0)
    # What was missing is a zero codeword, and every other one is right.
    np.testing.assert_allclose(recovery.mcc[0, 1, 0], some, atol=1e-6)
    row = frame[(frame["learner"] == "first") & (frame["n_components"] == 12)].iloc[0]
    assert (row["n_samples"], row["trial"], row["found"]) == (24, 0, some[0])


def test_learners_share_their_dictionaries(monkeypatch):
    seen = []

    def planted(*args, **options):
        seen.append((args, options, make_planted_activations(*args, **options)[2]))
        return make_planted_activations(*args, **options)

    name = "sksupercode.model_selection._learner_cells.make_planted_activations"
    monkeypatch.setattr(name, planted)
    options = GRID | {"n_test_samples": 5, "planted_params": {"noise": 0.1}}
    recovery = dictionary_recovery({"one": Clustering(), "two": Clustering(scale=2)}, **options)
    assert_array_equal(recovery.found[0], recovery.found[1])
    assert len(seen) == 16
    assert {sizes for sizes, *_ in seen} == {(n + 5, 16, d) for n in (24, 120) for d in (6, 12)}
    assert all(options["noise"] == 0.1 for _, options, _ in seen)
    # The dictionary depends on d and the trial alone.
    assert len({dictionary.tobytes() for *_, dictionary in seen}) == 4


@pytest.mark.long
def test_results_do_not_depend_on_jobs_and_other_cells(tmp_path):
    top_k = DictionaryLearner(decoder=TopKDecoder(None, values="nonnegative"), max_iter=2)
    learners = {"lars": lars(), "top-k": top_k, "first": Clustering()}
    expected = dictionary_recovery(learners, **GRID)
    parallel = dictionary_recovery(learners, n_jobs=2, checkpoint=tmp_path / "cells", **GRID)
    small = {"n_components": 12, "n_samples": 120, "n_trials": 1}
    one = dictionary_recovery({"alone": lars(random_state=3)}, **GRID | small)
    for name in RESULTS:
        assert_array_equal(getattr(parallel, name), getattr(expected, name))
        assert getattr(one, name).item() == getattr(expected, name)[0, 1, 1, 0]


def test_autoencoders_are_learners():
    pytest.importorskip("torch", reason="needs PyTorch")
    options = GRID | {"n_nonzero_coefs": 2, "n_components": 12, "n_samples": [120, 600]}
    learner = SparseAutoencoder(max_iter=20)
    recovery = dictionary_recovery({"sae": learner}, **options)
    few, many = recovery.mcc.mean(axis=(0, 1, 3))
    assert few < many and np.all(recovery.fvu < 1)


def test_sweeps_go_on(tmp_path):
    options = GRID | {"checkpoint": tmp_path / "cells", "random_state": None}
    Clustering.n_fits = 0
    first = dictionary_recovery({"a": Clustering()}, **options | {"n_samples": [24]})
    assert Clustering.n_fits == 4
    # More samples, and another learner; names do not matter.
    learners = {"b": Clustering(random_state=1), "other": Clustering(scale=2)}
    second = dictionary_recovery(learners, **options)
    assert Clustering.n_fits == 4 + 4 + 8
    again = dictionary_recovery(learners, **options)
    assert Clustering.n_fits == 16
    for name in (*RESULTS, "seconds"):
        assert_array_equal(getattr(second, name), getattr(again, name))
        assert_array_equal(getattr(first, name)[0, :, 0], getattr(second, name)[0, :, 0])
    with pytest.raises(ValueError, match="threshold is 0.97 there, 0.9 here"):
        dictionary_recovery(learners, threshold=0.9, **options)
    encoder = RademacherEncoder()
    with pytest.raises(ValueError, match='sweep is "dictionary_recovery" there, "recovery_curve"'):
        recovery_curve(
            encoder,
            TopKDecoder(encoder),
            n_features=16,
            n_nonzero_coefs=1,
            n_components=[4],
            n_trials=1,
            checkpoint=tmp_path / "cells",
        )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"learners": lars()}, "learners must be a dict of estimators by name"),
        ({"learners": {}}, "learners must be a dict"),
        ({"learners": {"a": Clustering}}, r"learners\['a'\] must be an estimator"),
        ({"learners": {"a": TopKDecoder(np.eye(3))}}, r"learners\['a'\] must have .* n_latents"),
        ({"n_nonzero_coefs": 17}, "n_nonzero_coefs must be .* <= 16, got 17"),
        ({"n_samples": []}, "n_samples must be a list of integers"),
        ({"n_components": [0]}, "n_components must be an integer >= 1, got 0"),
        ({"threshold": 1.0}, "threshold must be"),
        (
            {"planted_params": {"n_latents": 3}},
            "planted_params must be .* noise, .*got {'n_latents': 3}",
        ),
        ({"planted_params": {"nois": 0.1}}, "planted_params must be .* noise, .*got {'nois': 0.1}"),
        ({"planted_params": [("noise", 0.1)]}, "planted_params must be .* a dict of"),
        ({"planted_params": {"noise": 2}}, "noise must be"),
    ],
)
def test_bad_input(changes, message):
    options = {"learners": {"first": Clustering()}} | GRID | changes
    with pytest.raises(ValueError, match=message):
        dictionary_recovery(**options)


def test_displays():
    pytest.importorskip("matplotlib", reason="draws").use("Agg")
    from matplotlib import pyplot as plt

    learners = {"first": Clustering(), "second": Clustering(scale=2)}
    recovery = dictionary_recovery(learners, **GRID)
    display = DictionaryRecoveryDisplay.from_result(recovery)
    means = recovery.found.mean(axis=-1)
    assert [ax.get_title() for ax in display.ax_] == ["first", "second"]
    for mesh, found in zip(display.artists_, means, strict=True):
        # From few bits per dimension to many, that is from many dimensions to few.
        assert_array_equal(mesh.get_array(), found[::-1])
    assert_array_equal(display.to_frame()["codewords found"], means.ravel())
    with pytest.raises(ValueError, match="ax must be None or 2 axes, got 1"):
        display.plot(plt.figure().add_subplot())
    curves = DictionaryRecoveryDisplay.from_estimator(
        learners, score="mcc", **GRID | {"n_components": 12}
    )
    assert_array_equal(curves.artists_[1].get_ydata(), recovery.mcc[1, 1].mean(axis=-1))
    assert_array_equal(curves.artists_[1].get_xdata(), [24 / 16, 120 / 16])
    with pytest.raises(ValueError, match="result must be a DictionaryRecovery"):
        DictionaryRecoveryDisplay.from_result(means)
    with pytest.raises(ValueError, match="score must be"):
        DictionaryRecoveryDisplay.from_result(recovery, score="f1")
    plt.close("all")
