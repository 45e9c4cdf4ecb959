# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    jaccard_score,
    precision_recall_fscore_support,
    r2_score,
)
from sklearn.metrics.pairwise import cosine_similarity as pairwise_cosines
from sklearn.model_selection import GridSearchCV, KFold

from sksupercode.datasets import make_sparse_codes
from sksupercode.metrics import (
    dead_latent_fraction,
    dense_latent_fraction,
    exact_recovery_score,
    exact_recovery_scorer,
    fraction_of_variance_unexplained,
    mean_l0,
    neg_fvu_scorer,
    normalized_mean_squared_error,
    reconstruction_cosine,
    relative_reconstruction_bias,
    support_overlap,
    support_precision_recall_f1,
)

AVERAGES = ("micro", "samples")


def noisy_pair(seed=0, n_samples=60, n_features=12):
    """Real codes and a decoding of them that is right in about half of the rows."""
    rng = np.random.default_rng(seed)
    y_true = rng.standard_normal((n_samples, n_features)) * (rng.random((n_samples, 1)) < 0.9)
    y_true[rng.random(y_true.shape) < 0.7] = 0
    y_pred = np.where(y_true, rng.standard_normal(y_true.shape), 0)
    wrong = rng.random(y_true.shape) < 0.06
    y_pred[wrong] = np.where(y_pred[wrong], 0, -1.5)
    return y_true, y_pred


def with_explicit_zeros(Y):
    """CSR that stores every entry, in reverse order, the first of each row in two halves."""
    n_samples, n_features = Y.shape
    data = np.hstack([Y[:, ::-1], Y[:, :1]])
    data[:, -2:] /= 2
    indices = np.tile(np.r_[np.arange(n_features)[::-1], 0], n_samples)
    indptr = np.arange(n_samples + 1) * (n_features + 1)
    return sparse.csr_array((data.ravel(), indices, indptr), shape=Y.shape)


KINDS = [
    np.asarray,
    np.ndarray.tolist,
    *(getattr(sparse, f"{name}_{kind}") for name in ("csr", "csc", "coo", "lil", "dok")
      for kind in ("matrix", "array")),
    with_explicit_zeros,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_matrix_gives_the_same_and_is_left_alone(kind):
    y_true, y_pred = noisy_pair()
    expected = np.mean(np.all((y_true != 0) == (y_pred != 0), axis=1))
    assert 0.2 < expected < 0.8
    a, b = kind(y_true), kind(y_pred)
    assert exact_recovery_score(a, b) == expected
    assert exact_recovery_score(a, y_pred) == expected
    for average in AVERAGES:
        expected = support_precision_recall_f1(y_true, y_pred, average=average)
        assert support_precision_recall_f1(a, b, average=average) == expected
    if kind is with_explicit_zeros:
        untouched = kind(y_true)
        assert_array_equal(a.data, untouched.data)
        assert_array_equal(a.indices, untouched.indices)


def test_data_frames_are_taken():
    pd = pytest.importorskip("pandas", reason="needs pandas")
    y_true, y_pred = map(pd.DataFrame, noisy_pair())
    assert exact_recovery_score(y_true, y_pred) == exact_recovery_score(*noisy_pair())


@pytest.mark.parametrize("seed", range(5))
def test_agreement_with_scikit_learn(seed):
    y_true, y_pred = noisy_pair(seed)
    supports = y_true != 0, y_pred != 0
    assert exact_recovery_score(y_true, y_pred) == accuracy_score(*supports)
    for average in AVERAGES:
        expected = precision_recall_fscore_support(*supports, average=average, zero_division=1)
        result = support_precision_recall_f1(y_true, y_pred, average=average)
        assert all(type(value) is float for value in result)
        assert_allclose(result, expected[:3], rtol=1e-14)


def test_one_miss_or_one_false_alarm_spoils_a_row():
    y_true = np.array([[1, 1, 0, 0]] * 4)
    y_pred = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0]])
    assert exact_recovery_score(y_true, y_pred) == 0.25
    assert exact_recovery_score(y_true, -3.5 * y_true) == 1.0


@pytest.mark.parametrize("average", AVERAGES)
def test_empty_supports(average):
    empty, full = np.zeros((3, 5)), np.ones((3, 5))
    assert exact_recovery_score(empty, empty) == 1.0
    assert support_precision_recall_f1(empty, empty, average=average) == (1.0, 1.0, 1.0)
    assert support_precision_recall_f1(full, empty, average=average) == (1.0, 0.0, 0.0)
    assert support_precision_recall_f1(empty, full, average=average) == (0.0, 1.0, 0.0)


def test_micro_and_samples_weigh_rows_differently():
    y_true = [[1, 1, 1, 1], [1, 0, 0, 0]]
    y_pred = [[1, 1, 1, 1], [0, 1, 0, 0]]
    assert_allclose(support_precision_recall_f1(y_true, y_pred), [0.8, 0.8, 0.8])
    assert_allclose(support_precision_recall_f1(y_true, y_pred, average="samples"), [0.5] * 3)


def test_codes_are_never_made_dense():
    Y = make_sparse_codes(2000, 2**20, n_nonzero_coefs=8, random_state=0)
    tracemalloc.start()
    assert exact_recovery_score(Y, Y) == 1.0
    assert support_precision_recall_f1(Y, Y) == (1.0, 1.0, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e7  # one bit per entry would be 2.6e8 bytes


@pytest.mark.parametrize(
    "weights",
    [[1, 2], [[1], [1], [1]], [0, 0, 0], [1, np.nan, 1], [1, -1, 1], ["a", "b", "c"], "w"],
)
def test_weights_that_are_refused(weights):
    with pytest.raises(ValueError, match="sample_weight must be None or 3 finite numbers >= 0"):
        exact_recovery_score(np.eye(3), np.eye(3), sample_weight=weights)


def test_rows_of_weight_zero_do_not_count():
    y_pred = np.diag([1, 0, 0])
    assert exact_recovery_score(np.eye(3), y_pred, sample_weight=[1, 0, 3]) == 0.25


@pytest.mark.parametrize("metric", [exact_recovery_score, support_precision_recall_f1])
@pytest.mark.parametrize("argument", [0, 1])
@pytest.mark.parametrize(
    "bad",
    [
        [1, 0, 1],
        np.zeros((2, 4)),
        np.zeros((3, 3)),
        np.zeros((0, 3)),
        [[1, 0, np.nan], [0, 0, 0]],
        sparse.csr_array([[np.inf, 0, 1], [0, 0, 0]]),
        [["a", "b", "c"], ["d", "e", "f"]],
        None,
    ],
    ids=str,
)
def test_bad_codes(metric, argument, bad):
    arguments = [np.ones((2, 3)), np.ones((2, 3))]
    arguments[argument] = bad
    with pytest.raises(ValueError, match=r"y_(true|pred)"):
        metric(*arguments)


@pytest.mark.parametrize("average", ["macro", None, 1])
def test_bad_average(average):
    with pytest.raises(ValueError, match="average"):
        support_precision_recall_f1([[1]], [[1]], average=average)


def test_fvu_is_one_minus_the_pooled_r2():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 6)) * np.arange(1, 7) + 100
    X_hat = X + rng.standard_normal(X.shape)
    expected = 1 - r2_score(X, X_hat, multioutput="variance_weighted")
    assert_allclose(fraction_of_variance_unexplained(X, X_hat), expected, rtol=1e-10)
    mean = np.broadcast_to(X.mean(axis=0), X.shape)
    assert_allclose(fraction_of_variance_unexplained(X, mean), 1.0, rtol=1e-12)
    assert fraction_of_variance_unexplained(X, X) == 0.0
    single = fraction_of_variance_unexplained(X.astype(np.float32), X_hat.astype(np.float32))
    assert_allclose(single, expected, rtol=1e-3)


@pytest.mark.parametrize("X", [np.full((3, 4), 0.1), np.zeros((2, 2)), [[1.7, 2.3]]], ids=str)
def test_fvu_of_constant_vectors(X):
    X = np.asarray(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fraction_of_variance_unexplained(X, X) == 0.0
        assert fraction_of_variance_unexplained(X, X + 1) == 1.0


@pytest.mark.parametrize("bad", [np.zeros((2, 4)), [0.0, 1.0], [[np.nan] * 3] * 2, [["a"] * 3] * 2])
def test_fvu_bad_inputs(bad):
    good = np.arange(6.0).reshape(2, 3)
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(ValueError, match=r"X_hat|NaN|2D|convert"):
            fraction_of_variance_unexplained(*pair)


class Shifter(BaseEstimator):
    """Predicts the codes that it is given, moved to the right by `shift` columns in some rows."""

    def __init__(self, shift=0):
        self.shift = shift

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        dense = X.toarray()
        dense[::2] = np.roll(dense[::2], self.shift, axis=1)
        return sparse.csr_matrix(dense)


def test_exact_recovery_scorer_in_a_grid_search():
    Y = make_sparse_codes(30, 40, n_nonzero_coefs=3, random_state=0)
    search = GridSearchCV(Shifter(), {"shift": [0, 7]}, scoring=exact_recovery_scorer, cv=3)
    search.fit(Y, Y)
    assert_array_equal(search.cv_results_["mean_test_score"], [1.0, 0.5])
    assert search.best_params_ == {"shift": 0}


def test_neg_fvu_scorer_in_a_grid_search():
    X = load_iris().data
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(PCA(), {"n_components": [1, 2, 3]}, scoring=neg_fvu_scorer, cv=folds)
    scores = search.fit(X).cv_results_["mean_test_score"]
    assert np.all(np.diff(scores) > 0) and -1 < scores[0] and scores[-1] < 0
    pca = PCA(n_components=2).fit(X)
    unexplained = 1 - pca.explained_variance_ratio_.sum()
    assert_allclose(neg_fvu_scorer(pca, X), -unexplained, rtol=1e-10)
    assert neg_fvu_scorer(pca, X, np.zeros(150)) == neg_fvu_scorer(pca, X)


class SparseRoundTrip(BaseEstimator):
    """As decoders do, refuses pandas output for its sparse codes."""

    def transform(self, X):
        from sklearn import get_config

        if get_config()["transform_output"] != "default":
            raise ValueError("pandas output does not support sparse data")
        return sparse.csr_array(X)

    def inverse_transform(self, Z):
        return Z.toarray()


def test_scorers_ignore_the_global_output_setting():
    X = load_iris().data
    with config_context(transform_output="pandas"):
        assert neg_fvu_scorer(SparseRoundTrip(), X) == 0.0
        assert exact_recovery_scorer(DummyRegressor().fit(X, X), X, X + 1) == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_latents_in_every_kind_of_matrix(kind):
    Z, other = noisy_pair()
    active = Z != 0
    assert mean_l0(kind(Z)) == pytest.approx(active.sum(axis=1).mean(), rel=1e-15)
    frequencies = active.mean(axis=0)
    for threshold in (0.0, 0.25, np.median(frequencies), 1.0):
        dead = dead_latent_fraction(kind(Z), threshold=threshold)
        dense = dense_latent_fraction(kind(Z), threshold=threshold)
        assert dead == np.mean(frequencies <= threshold)
        assert dense == np.mean(frequencies > threshold)
    expected = jaccard_score(active, other != 0, average="samples", zero_division=1)
    assert support_overlap(kind(Z), kind(other)) == pytest.approx(expected, rel=1e-14)


def test_dead_and_dense_latents_by_default():
    Z = np.zeros((20, 5))
    Z[:2, 1] = Z[:3, 2] = 1.0
    Z[:, 3] = -1.0
    assert dead_latent_fraction(Z) == 2 / 5
    # Two samples in twenty are not more than a tenth.
    assert dense_latent_fraction(Z) == 2 / 5


def test_support_overlap_is_symmetric_and_counts_empty_rows():
    Z, other = noisy_pair(seed=1)
    assert support_overlap(Z, other) == support_overlap(other, Z) < 1
    assert support_overlap(Z, -3 * Z) == 1.0
    assert support_overlap([[0, 0], [0, 0]], [[0, 0], [0, 1]]) == 0.5


@pytest.mark.parametrize("function", [dead_latent_fraction, dense_latent_fraction])
@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan, "0.1", None])
def test_thresholds_out_of_range(function, threshold):
    with pytest.raises(ValueError, match="threshold"):
        function(np.eye(3), threshold=threshold)


def reconstructions(seed=0, shrinkage=0.8):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((50, 7)) + 3
    return X, shrinkage * X + 0.3 * rng.standard_normal(X.shape)


def test_fvu_with_a_mean_adds_up_over_batches():
    X, X_hat = reconstructions()
    fvu, mean = fraction_of_variance_unexplained, np.linspace(2, 4, 7)
    assert fvu(X, X_hat, mean=X.mean(axis=0)) == pytest.approx(fvu(X, X_hat), rel=1e-12)
    weights = np.array([np.sum((part - mean) ** 2) for part in (X[:20], X[20:])])
    parts = [fvu(X[:20], X_hat[:20], mean=mean), fvu(X[20:], X_hat[20:], mean=mean)]
    whole = fvu(X, X_hat, mean=mean)
    assert whole == pytest.approx(np.average(parts, weights=weights), rel=1e-12)
    assert fvu(X, np.tile(mean, (50, 1)), mean=mean) == 1.0
    assert fvu(np.ones((3, 2)), np.zeros((3, 2)), mean=[1, 1]) == 1.0
    with pytest.raises(ValueError, match=r"mean must have shape \(7,\), got \(3,\)"):
        fvu(X, X_hat, mean=[1, 1, 1])
    for wrong in (1.0, ["a"] * 7, np.full(7, np.nan)):
        with pytest.raises(ValueError, match="mean must"):
            fvu(X, X_hat, mean=wrong)


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**-1030, 2.0**1010])
def test_no_unit_is_too_large_or_too_small(unit):
    X, X_hat = (np.rint(8 * part) for part in reconstructions())
    for function in (
        fraction_of_variance_unexplained,
        normalized_mean_squared_error,
        reconstruction_cosine,
        relative_reconstruction_bias,
    ):
        assert function(unit * X, unit * X_hat) == pytest.approx(function(X, X_hat), rel=1e-12)


def test_normalized_mean_squared_error():
    X, X_hat = reconstructions()
    expected = np.mean(np.sum((X - X_hat) ** 2, axis=1) / np.sum(X**2, axis=1))
    # Squares are beyond the range of floats.
    units = np.logspace(-250, 250, 50)[:, np.newaxis]
    X, X_hat = units * X, units * X_hat
    assert normalized_mean_squared_error(X, X_hat) == pytest.approx(expected, rel=1e-12)
    assert normalized_mean_squared_error(X, X) == 0
    assert normalized_mean_squared_error(X, 0 * X) == 1
    # A vector 0 counts 0 or 1, and of 1 and 1e300 the square is no float.
    zeros = np.zeros((2, 3))
    assert normalized_mean_squared_error(zeros, zeros) == 0
    assert normalized_mean_squared_error(zeros, [[0, 0, 0], [5, 0, 0]]) == 0.5
    assert normalized_mean_squared_error([[1.0]], [[1e300]]) == np.inf


def test_reconstruction_cosine():
    X, X_hat = reconstructions()
    expected = np.diag(pairwise_cosines(X, X_hat)).mean()
    assert reconstruction_cosine(X, X_hat) == pytest.approx(expected, rel=1e-12)
    assert reconstruction_cosine(X, -X) == pytest.approx(-1.0, rel=1e-12)
    assert reconstruction_cosine([[0, 0], [0, 0]], [[0, 0], [1, 0]]) == 0.5


def test_reconstructions_of_any_length():
    rng = np.random.default_rng(0)
    X, X_hat = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    units = 2.0 ** np.array([[1000], [0], [-1000], [10]])
    expected = pytest.approx(reconstruction_cosine(X, X_hat), abs=1e-12)
    assert reconstruction_cosine(X * units, X_hat / units) == expected
    assert relative_reconstruction_bias(X * 2.0**400, X * 2.0**-500) == 2.0**-900
    assert relative_reconstruction_bias(X * 2.0**-900, X * 2.0**900) == np.inf


def test_relative_reconstruction_bias_is_the_best_divisor():
    X, X_hat = reconstructions()
    gamma = relative_reconstruction_bias(X, X_hat)
    assert 0.7 < gamma < 1
    # The least-squares factor of X_hat is 1 / gamma.
    factor = np.linalg.lstsq(X_hat.reshape(-1, 1), X.ravel())[0][0]
    assert gamma == pytest.approx(1 / factor, rel=1e-12)
    assert relative_reconstruction_bias(X, 0.5 * X) == pytest.approx(0.5, rel=1e-12)
    assert relative_reconstruction_bias(X, X / gamma) > 1


def test_relative_reconstruction_bias_at_its_ends():
    X = np.array([[1.0, 0.0], [2.0, 0.0]])
    assert relative_reconstruction_bias(X, 0 * X) == 0.0
    assert relative_reconstruction_bias(0 * X, 0 * X) == 1.0
    assert relative_reconstruction_bias(X, X[:, ::-1]) == np.inf


@pytest.mark.parametrize(
    "function",
    [
        fraction_of_variance_unexplained,
        normalized_mean_squared_error,
        reconstruction_cosine,
        relative_reconstruction_bias,
    ],
)
def test_reconstructions_refused(function):
    X = np.ones((3, 2))
    with pytest.raises(ValueError, match="X_hat must have the shape of X"):
        function(X, X[:, :1])
    with pytest.raises(ValueError, match="X_hat contains NaN"):
        function(X, np.nan * X)
    for wrong in (1.0, X[0], {}):
        with pytest.raises(ValueError, match="X must be a matrix of finite real numbers"):
            function(wrong, X)
    with pytest.raises(ValueError, match="X must be an array, got the name of a file, 'x'"):
        function("x", X)
