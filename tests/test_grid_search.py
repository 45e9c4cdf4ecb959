"""Decoders in pipelines and searches: the code that users write must run as written."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import contextlib
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline

from sksupercode import (
    BasisPursuitDecoder,
    CodebookMismatchWarning,
    GaussianChannel,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.metrics import exact_recovery_score, exact_recovery_scorer, neg_fvu_scorer
from tests.marks import long

CONTAINERS = {"dense": lambda Y: Y.toarray(), "csr_matrix": csr_matrix, "csr_array": csr_array}


@contextlib.contextmanager
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@contextlib.contextmanager
def mismatches():
    """Collect the warnings of a mismatch that are given inside."""
    found = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [warning for warning in caught if warning.category is CodebookMismatchWarning]


@pytest.fixture
def Y():
    return make_sparse_codes(90, 300, n_nonzero_coefs=4, random_state=0)


def test_sweep_of_dimensions_as_written():
    Y = make_sparse_codes(n_samples=200, n_features=4096, n_nonzero_coefs=16, random_state=0)
    encoder = RademacherEncoder(n_components=512, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder, n_nonzero_coefs=16))
    with no_warnings():
        search = GridSearchCV(
            pipe, {"rademacherencoder__n_components": [128, 256, 512, 1024]}, cv=3
        ).fit(Y, Y)
    scores = search.cv_results_["mean_test_score"]
    # Half of all samples are recovered at d = 460, and 94 % at d = 700, by the Gaussian bound.
    assert (np.diff(scores) >= 0).all()
    assert scores[0] == 0 and 0.5 < scores[2] < 0.95 and scores[3] > 0.97


def test_sweep_of_decoders_as_written():
    Y = make_sparse_codes(n_samples=60, n_features=4096, n_nonzero_coefs=16, random_state=0)
    encoder = RademacherEncoder(n_components=512, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder)).set_params(
        rademacherencoder__n_components=256
    )
    decoders = [
        ThresholdDecoder(encoder, threshold="map"),
        TopKDecoder(encoder),
        MatchingPursuitDecoder(encoder),
    ]
    scores = {}
    for scoring in (None, "accuracy", "f1_samples"):
        with no_warnings():
            search = GridSearchCV(pipe, {"topkdecoder": decoders}, cv=3, scoring=scoring).fit(Y, Y)
        scores[scoring] = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(scores[None], scores["accuracy"])
    assert scores[None][2] > 0.9 and (scores[None][:2] < 0.2).all()
    assert (scores["f1_samples"] > 0.5).all() and scores["f1_samples"][2] > 0.98


def test_learned_dictionary_as_written():
    rng = np.random.default_rng(0)
    dictionary = rng.standard_normal((1024, 128)).astype(np.float32)
    X = rng.standard_normal((50, 128)).astype(np.float32)
    with no_warnings():
        decoder = MatchingPursuitDecoder(dictionary, n_nonzero_coefs=32, values="nonnegative")
        decoder.fit(X)
        Z = decoder.transform(X)
        X_hat = decoder.inverse_transform(Z)
        support = decoder.predict(X)
    assert issparse(Z) and Z.format == "csr" and Z.shape == (50, 1024) and Z.dtype == np.float32
    assert (Z.data > 0).all() and 0 < np.diff(Z.indptr).max() <= 32
    assert X_hat.shape == (50, 128) and X_hat.dtype == np.float32
    assert np.linalg.norm(X - X_hat) < 0.5 * np.linalg.norm(X)
    np.testing.assert_array_equal(support.toarray(), Z.toarray() != 0)
    assert decoder.score(X, Z) == 1.0


@pytest.mark.parametrize("dtype", [np.float32, *long(np.float64)])
@pytest.mark.parametrize("container", CONTAINERS)
def test_codes_of_any_container(Y, container, dtype):
    codes = CONTAINERS[container](Y.astype(dtype))
    encoder = RademacherEncoder(random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    grid = {
        "rademacherencoder__n_components": [30, 90],
        "topkdecoder": [TopKDecoder(encoder), MatchingPursuitDecoder(encoder)],
    }
    with no_warnings():
        search = GridSearchCV(pipe, grid, cv=3).fit(codes, codes)
        wanted = GridSearchCV(pipe, grid, cv=3, scoring=exact_recovery_scorer).fit(Y, Y)
        accuracy = GridSearchCV(pipe, grid, cv=3, scoring="accuracy").fit(codes, codes)
    for name in ("split0_test_score", "mean_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], wanted.cv_results_[name])
        np.testing.assert_allclose(accuracy.cv_results_[name], wanted.cv_results_[name])
    assert len(np.unique(search.cv_results_["mean_test_score"])) > 2
    assert search.best_estimator_[0].transform(codes).dtype == dtype
    assert search.best_estimator_.transform(codes).dtype == dtype
    assert search.predict(codes).shape == (90, 300)


def test_jobs_change_nothing(Y):
    encoder = RademacherEncoder(random_state=0)
    pipe = make_pipeline(encoder, GaussianChannel(0.01, random_state=0), TopKDecoder(encoder))
    grid = {
        "rademacherencoder__n_components": [40, 60],
        "topkdecoder": [TopKDecoder(encoder), MatchingPursuitDecoder(encoder)],
    }
    with parallel_config("threading"):  # processes are among the long tests, and in sweeps
        alone, together = (GridSearchCV(pipe, grid, cv=3, n_jobs=n).fit(Y, Y) for n in (None, 2))
    for fold in range(3):
        name = f"split{fold}_test_score"
        np.testing.assert_array_equal(together.cv_results_[name], alone.cv_results_[name])


def test_halving_search_and_cross_val_predict_take_sparse_codes(Y):
    encoder = RademacherEncoder(n_components=90, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    with no_warnings():
        search = HalvingGridSearchCV(
            pipe,
            {"rademacherencoder__n_components": [10, 30, 90]},
            cv=3,
            min_resources=30,
            random_state=0,
        ).fit(Y, Y)
        support = cross_val_predict(pipe, Y, Y, cv=3)
    assert search.best_params_ == {"rademacherencoder__n_components": 90}
    assert issparse(support)
    whole = clone(pipe).fit(Y, Y)
    assert exact_recovery_score(Y, support) == whole.score(Y, Y)


def test_every_legal_cell_has_a_score(Y):
    encoder = RademacherEncoder(random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    decoders = [
        ThresholdDecoder(encoder, threshold="map"),
        TopKDecoder(encoder),
        MatchingPursuitDecoder(encoder, tol=1e-6),
        BasisPursuitDecoder(encoder),
    ]
    grid = {
        "rademacherencoder__n_components": [1, 2],
        "topkdecoder": decoders,
        "topkdecoder__n_nonzero_coefs": [0, 4, 301],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(Y[:6], Y[:6])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_seed_of_one_step_is_a_mismatch(Y):
    encoder = RademacherEncoder(n_components=100, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    with mismatches() as found:
        search = GridSearchCV(
            pipe, {"rademacherencoder__random_state": [0, 1]}, cv=3, refit=False
        ).fit(Y, Y)
    assert len(found) == 3
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"] > 0.5, [True, False])


def test_seeds_of_both_steps_agree(Y):
    encoder = RademacherEncoder(n_components=100, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    grid = [
        {
            "rademacherencoder__random_state": [seed],
            "topkdecoder__dictionary__random_state": [seed],
        }
        for seed in range(3)
    ]
    with no_warnings():
        search = GridSearchCV(pipe, grid, cv=3).fit(Y, Y)
    assert (search.cv_results_["mean_test_score"] > 0.5).all()


def test_kind_of_one_step_is_a_mismatch(Y):
    encoder = RademacherEncoder(n_components=100, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    other = SphericalEncoder(n_components=100, random_state=0)
    with mismatches() as found:
        GridSearchCV(pipe, {"rademacherencoder": [other]}, cv=3, refit=False).fit(Y, Y)
    assert len(found) == 3
    with mismatches() as found:
        clone(pipe).set_params(rademacherencoder=other).fit(Y, Y)
    assert len(found) == 1


def test_kinds_of_both_steps_agree(Y):
    kinds = (RademacherEncoder, SphericalEncoder)
    encoders = [kind(n_components=100, random_state=0) for kind in kinds]
    pipe = make_pipeline(encoders[0], TopKDecoder(encoders[0]))
    grid = [
        {"rademacherencoder": [encoder], "topkdecoder__dictionary": [encoder]}
        for encoder in encoders
    ]
    with no_warnings():
        search = GridSearchCV(pipe, grid, cv=3).fit(Y, Y)
    assert (search.cv_results_["mean_test_score"] > 0.5).all()


def test_set_params_and_clone_is_a_mismatch(Y):
    encoder = RademacherEncoder(n_components=100, random_state=0)
    pipe = make_pipeline(encoder, TopKDecoder(encoder))
    with mismatches() as found:
        clone(clone(pipe).set_params(rademacherencoder__random_state=1)).fit(Y, Y)
    assert len(found) == 1
    with mismatches() as found:
        changed = clone(pipe).set_params(rademacherencoder__random_state=1)
        clone(changed.set_params(topkdecoder__dictionary__random_state=1)).fit(Y, Y)
    assert not found


@pytest.fixture
def texts():
    """Texts of four words each, out of 40 words."""
    words = np.array([f"word{i:02d}" for i in range(40)])
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(words, size=4, replace=False)) for _ in range(150)]


@pytest.mark.parametrize("replacement", ["", "zebra"])
def test_refitted_vectorizer_is_a_mismatch(texts, replacement):
    """A fold that lacks a word has fewer columns, or as many in another order."""
    encoder = RademacherEncoder(n_components=80, random_state=0)
    pipe = make_pipeline(CountVectorizer(binary=True), encoder, TopKDecoder(encoder))
    indicator = CountVectorizer(binary=True).fit_transform(texts)
    with mismatches() as found:
        pipe.fit([text.replace("word00", replacement) for text in texts], indicator)
    assert len(found) == 1


def test_vectorizer_in_a_search_is_a_mismatch(texts):
    """A word that occurs once is unknown to the folds that are trained without its text."""
    texts = [*texts, "abacus word01"]
    indicator = CountVectorizer(binary=True).fit_transform(texts)
    encoder = RademacherEncoder(n_components=80, random_state=0)
    pipe = make_pipeline(CountVectorizer(binary=True), encoder, TopKDecoder(encoder, 4))
    grid = {"rademacherencoder__n_components": [80]}
    with mismatches() as found:
        search = GridSearchCV(pipe, grid, cv=3, refit=False).fit(texts, indicator)
    assert len(found) == 1
    scores = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    assert min(scores[:2]) > 0.8 and scores[2] == 0


def test_fixed_vocabulary_is_the_same_in_every_fold(texts):
    vocabulary = CountVectorizer(binary=True).fit(texts).vocabulary_
    vectorizer = CountVectorizer(binary=True, vocabulary=vocabulary)
    encoder = RademacherEncoder(n_components=80, random_state=0)
    pipe = make_pipeline(vectorizer, encoder, TopKDecoder(encoder))
    indicator = vectorizer.transform(texts)
    grid = {"rademacherencoder__n_components": [5, 80]}
    with no_warnings():
        search = GridSearchCV(pipe, grid, cv=3).fit(texts, indicator)
        support = cross_val_predict(pipe, texts, indicator, cv=3)
    assert search.cv_results_["mean_test_score"][0] < 0.2
    assert search.cv_results_["mean_test_score"][1] > 0.9
    assert exact_recovery_score(indicator, support) > 0.9


class Learned(BaseEstimator):
    """An estimator with a dictionary, as a sparse autoencoder has."""

    def fit(self, X, y=None):
        self.dictionary_ = np.asarray(X[:30])
        self.intercept_ = X[0]
        return self


def test_a_frozen_estimator_survives_the_clones_of_a_search():
    X = np.random.default_rng(0).standard_normal((60, 12))
    learned = Learned().fit(X)
    grid = {"n_nonzero_coefs": [1, 2, 4, 8]}
    frozen = MatchingPursuitDecoder(FrozenEstimator(learned), values="real")
    search = GridSearchCV(frozen, grid, cv=2, scoring=neg_fvu_scorer).fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert np.all(np.diff(scores) > 0)
    assert search.best_estimator_.dictionary_.shape == (30, 12)
    with pytest.raises(ValueError, match="FrozenEstimator"):
        clone(MatchingPursuitDecoder(learned, 2)).fit(X)
