"""What is learned, with which decoders, and that it goes on where it was."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    DictionaryLearner,
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
    ThresholdDecoder,
    TopKDecoder,
    load_sae,
)
from sksupercode.datasets import make_planted_activations
from sksupercode.learning import _learner
from sksupercode.learning._restarts import WorstExplained
from sksupercode.metrics import fraction_of_variance_unexplained, match_dictionaries
from sksupercode.sae import compare_decoders
from tests.marks import long

N, D, K = 48, 24, 3
X, CODES, TRUTH = make_planted_activations(
    2000, n_latents=N, n_components=D, n_nonzero_coefs=K, random_state=0
)
# The origin is not where the mean of the samples is.
ORIGIN = np.random.default_rng(1).standard_normal(D)
X = X + ORIGIN


def make_learner(decoder=None, **settings):
    defaults = {"n_nonzero_coefs": K, "batch_size": 500, "max_iter": 6, "random_state": 0}
    return DictionaryLearner(N, decoder=decoder, **defaults | settings)


@pytest.fixture(scope="module")
def learned():
    return make_learner(max_iter=20).fit(X)


def found(learner, dictionary=TRUTH):
    return match_dictionaries(dictionary, learner).found


@pytest.mark.parametrize(
    "problem, seed",
    [
        ({"n_latents": 64, "n_components": 32, "n_nonzero_coefs": 3, "noise": 0.05}, 1),
        *long(({"n_latents": 64, "n_components": 64, "n_nonzero_coefs": 6}, 2)),
    ],
)
def test_planted_dictionaries_are_found(problem, seed):
    """From 40 samples for each codeword; a run may end with two features merged."""
    n_samples = 40 * problem["n_latents"]
    X, _, truth = make_planted_activations(n_samples, **problem, random_state=seed)
    k = problem["n_nonzero_coefs"]
    learner = DictionaryLearner(len(truth), n_nonzero_coefs=k, max_iter=15, random_state=seed)
    assert found(learner.fit(X), truth) > 0.95


def test_what_is_learned(learned):
    assert found(learned) == 1
    assert learned.dictionary_.shape == (N, D)
    assert_allclose(np.linalg.norm(learned.dictionary_, axis=1), 1, rtol=1e-6)
    # It begins at the mean, and goes towards the origin.
    assert np.linalg.norm(learned.intercept_ - ORIGIN) < 0.8 * np.linalg.norm(X.mean(0) - ORIGIN)
    assert learned.n_iter_ == len(learned.loss_curve_) == 20
    Z = learned.transform(X)
    assert Z.format == "csr" and Z.shape == (2000, N)
    assert np.diff(Z.indptr).max() == K and Z.data.min() > 0
    X_hat = learned.inverse_transform(Z)
    assert_allclose(X_hat, Z @ learned.dictionary_ + learned.intercept_, atol=1e-5)
    assert_allclose(learned.reconstruct(X), X_hat, atol=1e-5)
    fvu = fraction_of_variance_unexplained(X, X_hat)
    assert learned.score(X) == pytest.approx(1 - fvu, abs=1e-6)
    assert fvu < 0.01
    # The loss is measured before each step, in units of the variance of X.
    assert learned.loss_curve_[0] > 0.1 > learned.loss_curve_[-1] > 0.5 * fvu


def test_no_intercept():
    learner = make_learner(fit_intercept=False).fit(X)
    assert not learner.intercept_.any()
    assert learner.score(X) < make_learner().fit(X).score(X)


DECODERS = [
    (MatchingPursuitDecoder(None), 0.9),
    (OrthogonalMatchingPursuitDecoder(None), 0.95),
    (OrthogonalMatchingPursuitDecoder(None, tol=0.1), 0.95),
    (GradientPursuitDecoder(None), 0.9),
    (TopKDecoder(None, values="nonnegative"), 0.7),
    (ThresholdDecoder(None, values="nonnegative"), 0.5),
    (RefitDecoder(OrthogonalMatchingPursuitDecoder(None)), 0.95),
    *long(
        (OrthogonalMatchingPursuitDecoder(None, selection="decrease"), 0.95),
        (OrthogonalMatchingPursuitDecoder(None, values="real"), 0.9),
        (SwapDecoder(OrthogonalMatchingPursuitDecoder(None)), 0.9),
    ),
]


@pytest.mark.parametrize("decoder, score", DECODERS, ids=repr)
def test_all_decoders_learn(decoder, score):
    before = repr(decoder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner = make_learner(decoder, max_iter=8).fit(X)
        assert learner.score(X) > score
    assert learner.loss_curve_[-1] < 0.8 * learner.loss_curve_[0]
    assert type(learner.decoder_) is type(decoder) and repr(decoder) == before
    # They can be given to other decoders, as autoencoders can.
    other = MatchingPursuitDecoder(learner, K).fit(X)
    Z = other.transform(X)
    assert_allclose(other.inverse_transform(Z), learner.inverse_transform(Z), atol=1e-5)


@pytest.mark.parametrize("decoder", [AMPDecoder(None), BasisPursuitDecoder(None)], ids=repr)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_slow_decoders_learn(decoder):
    some = X[:50]
    learner = DictionaryLearner(30, n_nonzero_coefs=K, decoder=decoder, max_iter=2, random_state=0)
    learner.fit(some)
    assert np.isfinite(learner.dictionary_).all()
    assert learner.loss_curve_[1] <= learner.loss_curve_[0] < 1


def test_thresholds_are_in_the_unit_of_X():
    decoder = OrthogonalMatchingPursuitDecoder(None, tol=0.3)
    some = X[:600]
    learner = make_learner(decoder, n_nonzero_coefs=None, max_iter=3).fit(some)
    assert_array_equal(np.linalg.norm(some - learner.reconstruct(some), axis=1) < 0.3 + 1e-5, True)
    decoder.set_params(tol=300)
    other = make_learner(decoder, n_nonzero_coefs=None, max_iter=3).fit(1000 * some)
    assert_allclose(other.dictionary_, learner.dictionary_, atol=1e-4)


@pytest.mark.parametrize("kind", ["array", "learner", *long("frozen autoencoder")])
def test_learning_goes_on_from(kind, learned):
    first = make_learner().fit(X).loss_curve_[0]
    init = {"array": 7 * TRUTH, "learner": learned}.get(kind)
    if init is None:
        pytest.importorskip("torch", reason="needs PyTorch")
        sae = SparseAutoencoder(N, n_nonzero_coefs=K, init=learned, max_iter=2, random_state=0)
        sae.fit(X)
        init = FrozenEstimator(sae)
        # The autoencoder has gone on from the learner.
        assert found(sae) == 1 and sae.score(X) > 0.8
    learner = make_learner(init=init, max_iter=2)
    other = clone(learner) if kind != "learner" else learner
    other.fit(X)
    assert other.loss_curve_[0] < 0.5 * first
    assert found(other) == 1


def test_passes_by_partial_fit_are_those_of_fit():
    """But fit starts no codeword again in the last."""
    fitted = make_learner().fit(X)
    parts = make_learner(max_iter=1)
    for _ in range(6):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X)))
    assert parts.n_iter_ == 6
    # In units of a variance that each has summed up by itself.
    assert_allclose(parts.loss_curve_, fitted.loss_curve_, rtol=1e-12)
    assert parts.score(X) > 0.9 * fitted.score(X)
    # After fit it goes on.
    score = fitted.score(X)
    assert fitted.partial_fit(X).n_iter_ == 7
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] / 10
    assert fitted.score(X) > score - 0.01


def test_partial_fit_on_one_batch_after_the_other():
    X, _, truth = make_planted_activations(
        12_000, n_latents=N, n_components=D, n_nonzero_coefs=K, random_state=3
    )
    learner, pickled = make_learner(), make_learner()
    for part in np.array_split(X, 24):
        learner.partial_fit(part)
        pickled = pickle.loads(pickle.dumps(pickled.partial_fit(part)))
    assert_array_equal(learner.dictionary_, pickled.dictionary_)
    assert_array_equal(learner.intercept_, pickled.intercept_)
    assert found(learner, truth) > 0.85


def test_small_batches_do_not_forget_samples_before():
    noisy = X - ORIGIN + 0.05 * np.random.default_rng(0).standard_normal(X.shape)
    learner = make_learner(init=TRUTH, batch_size=10, max_iter=1).fit(noisy)
    assert match_dictionaries(TRUTH, learner).mcc > 0.997


def test_a_mean_that_moves_is_followed():
    """By an intercept that forgets; six seeds reach .146 to .177, and .02 without forgetting."""
    rng = np.random.default_rng(0)
    active = rng.permuted(np.tile([1, 1, 0, 0, 0, 0, 0, 0], (4000, 1)), axis=1)
    moving = (active * rng.uniform(0.5, 1.5, active.shape)) @ np.eye(8, 9)
    moving[2000:, 8] += 0.25
    learner = DictionaryLearner(8, n_nonzero_coefs=2, batch_size=100, random_state=0)
    for part in np.split(moving, 8):
        learner.partial_fit(part)
    assert 0.1 < learner.intercept_[8] < 0.25


def test_codewords_of_at_most_two_activations_begin_again(monkeypatch):
    learner = make_learner(init=TRUTH).partial_fit(X)._learner
    monkeypatch.setattr(_learner, "redundant_codewords", lambda *_, **__: np.empty(0, dtype=int))
    learner.uses[:] = 9
    learner.uses[[1, 4, 6]] = 0, 2, 3
    before, residuals = learner.codewords.copy(), np.eye(D, dtype=np.float32)
    learner.worst.add(residuals, np.ones(D))
    learner._restart(csc_array((D, len(before))), residuals, True)
    assert_array_equal(np.flatnonzero((learner.codewords != before).any(axis=1)), [1, 4])


def test_restarts_from_the_worst_explained_that_differ():
    residuals = np.array([[0, 1], [3, 0], [2, 0.1], [0.1, 0]], dtype=np.float32)
    worst = WorstExplained(3, 2)
    for part in (residuals[:2], residuals[2:]):
        worst.add(part, np.square(part).sum(axis=1))
    for n_wanted in (2, 3):
        assert_array_equal(worst.directions(n_wanted), [[1, 0], [0, 1]])
    assert_array_equal(worst.directions(1), [[1, 0]])


def test_early_stopping_keeps_the_best():
    """Of few samples with much noise, after which others are explained worse."""
    noisy = X[:200] + 0.2 * np.random.default_rng(0).standard_normal((200, D))
    settings = {"validation_fraction": 0.3, "n_iter_no_change": 3, "tol": 1e-3}
    learner = make_learner(early_stopping=True, max_iter=60, **settings).fit(noisy)
    scores = learner.validation_scores_
    assert learner.n_iter_ == len(scores) < 60
    assert learner.best_validation_score_ == max(scores)
    assert max(scores) > scores[-1]
    assert max(scores[-3:]) <= max(scores[:-3]) + 1e-3
    # From the best it goes on, not from the last.
    assert_array_equal(learner._learner.codewords, learner.dictionary_)
    assert learner.partial_fit(noisy).n_iter_ == len(scores) + 1
    assert learner.loss_curve_[-1] < learner.loss_curve_[0]
    learner.set_params(early_stopping=False, max_iter=1).fit(X)
    assert not hasattr(learner, "validation_scores_")


def test_files(tmp_path, learned):
    learner = make_learner(MatchingPursuitDecoder(None, values="nonnegative")).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learner.save(tmp_path / "pursuit")
    loaded = load_sae(tmp_path / "pursuit")
    Z, expected = loaded.transform(X.astype(np.float32)), learner.transform(X.astype(np.float32))
    assert abs(Z - expected).max() < 1e-4
    with pytest.warns(UserWarning, match="not the codes of OrthogonalMatchingPursuitDecoder"):
        learned.save(tmp_path / "other")
    assert_allclose(load_sae(tmp_path / "other").dictionary_, learned.dictionary_, atol=1e-6)
    tol = OrthogonalMatchingPursuitDecoder(None, tol=0.5)
    with pytest.raises(ValueError, match="n_nonzero_coefs must be a number"):
        make_learner(tol, n_nonzero_coefs=None, max_iter=1).fit(X).save(tmp_path / "none")


def test_in_pipelines_and_searches():
    grid = {"n_latents": [12, N], "n_nonzero_coefs": [1, K]}
    search = GridSearchCV(make_learner(max_iter=3), grid, cv=2).fit(X[:1000])
    assert search.best_params_ == {"n_latents": N, "n_nonzero_coefs": K}
    pipeline = make_pipeline(StandardScaler(), make_learner()).fit(X)
    assert pipeline.transform(X).shape == (2000, N)
    assert pipeline.score(X) > 0.9
    names = pipeline.get_feature_names_out()
    assert list(names[:2]) == ["dictionarylearner0", "dictionarylearner1"] and len(names) == N


def test_frames():
    pd = pytest.importorskip("pandas", reason="needs pandas")
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(D)])
    decoder = OrthogonalMatchingPursuitDecoder(None, sparse_output=False)
    learner = make_learner(decoder, max_iter=2).set_output(transform="pandas").fit(frame)
    Z = learner.transform(frame)
    assert list(Z.columns) == list(learner.get_feature_names_out())
    plain = make_learner(max_iter=2).fit(X)
    assert_allclose(Z.to_numpy(), plain.transform(X).toarray())
    with pytest.raises(ValueError, match="feature names"):
        learner.transform(frame[frame.columns[::-1]])


@pytest.mark.parametrize("ks", [None, [2, K]])
def test_comparison_with_other_decoders(ks, learned):
    """At other numbers of codewords the learner is its decoder, and does not learn again."""
    before = learned.dictionary_.copy()
    decoders = {"learner": learned, "OMP": OrthogonalMatchingPursuitDecoder(learned, K)}
    table = compare_decoders(decoders, X, n_nonzero_coefs=ks)
    assert_array_equal(learned.dictionary_, before)
    assert len(table) == (4 if ks else 2)
    # The last of each is at K.
    fvu = table.FVU.groupby(level=0).last()
    assert fvu["learner"] == pytest.approx(1 - learned.score(X))
    assert fvu["learner"] == pytest.approx(fvu["OMP"])


def test_sizes_of_batches_and_of_what_is_held_out():
    auto, same = (make_learner(batch_size=b, max_iter=2).fit(X) for b in ("auto", 1024))
    assert_array_equal(auto.dictionary_, same.dictionary_)
    few = DictionaryLearner(4, n_nonzero_coefs=1, early_stopping=True, validation_fraction=0.1)
    few.fit(X[:11])
    with pytest.raises(ValueError, match="^validation_fraction must leave"):
        few.fit(X[:10])
