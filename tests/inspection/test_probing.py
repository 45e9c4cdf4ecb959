"""Probes on few latents: the formulas of the papers, and nothing of the test samples."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn import config_context
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from sksupercode.inspection import LatentProbe, mean_difference, probe_latents
from sksupercode.metrics import _probing
from tests.marks import long


@pytest.fixture
def two_inner_folds(monkeypatch):
    """Let the penalty be chosen in a shorter time."""
    monkeypatch.setattr(_probing, "_INNER_FOLDS", 2)


def make_latents(n=300, N=30, n_informative=4, seed=0):
    """Sparse codes of many scales, some of which are larger and more frequent in class 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    rates = np.full((n, N), 0.2)
    rates[:, :n_informative] += 0.3 * y[:, None]
    Z = (
        (rng.random((n, N)) < rates)
        * rng.exponential(size=(n, N))
        * rng.lognormal(sigma=0.3, size=N)
    )
    Z[:, -1] = 0
    return Z * rng.choice([-1, 1], size=N), y


def differences(Z, y, normalize=True):
    """The formula, latent by latent."""
    scores = []
    for z in Z.T:
        score = abs(z[y == 1].mean() - z[y == 0].mean())
        if normalize and z.any():
            score /= np.abs(z[z != 0]).mean()
        scores.append(score)
    return np.array(scores)


def auc(scores, y):
    """How often a sample of class 1 scores above one of class 0."""
    pairs = scores[y == 1][:, None] - scores[y == 0]
    return np.mean(pairs > 0) + np.mean(pairs == 0) / 2


def logistic_regression(Z, y, penalty):
    """Minimise sum log(1 + exp(-s)) + penalty / 2 ||w||^2 by Newton's method; return (w, b)."""
    A = np.column_stack([Z, np.ones(len(Z))])
    ridge = np.diag([penalty] * Z.shape[1] + [0])
    w = np.zeros(A.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-A @ w))
        w -= np.linalg.solve((A.T * (p * (1 - p))) @ A + ridge, A.T @ (p - y) + ridge @ w)
    return w[:-1], w[-1]


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("kind", [np.asarray, csr_array, csr_matrix])
def test_mean_difference_is_the_formula(kind, normalize):
    Z, y = make_latents()
    assert_allclose(
        mean_difference(kind(Z), y, normalize=normalize), differences(Z, y, normalize), rtol=1e-12
    )
    if normalize:
        assert_allclose(mean_difference(kind(1e-9 * Z), y), differences(Z, y), rtol=1e-12)


def test_mean_difference_takes_explicit_zeros_for_zeros():
    Z, y = make_latents()
    stored = csr_array(Z)
    stored.data[::3] = 0
    assert_allclose(mean_difference(stored, y), differences(stored.toarray(), y), rtol=1e-12)


def test_mean_difference_of_any_two_labels():
    Z, y = make_latents()
    for labels in (np.array(["no", "yes"])[y], y == 1, 3.0 - 2 * y):
        assert_allclose(mean_difference(Z, labels), differences(Z, y))
    chosen = SelectKBest(mean_difference, k=4).fit(csr_array(Z), y).get_support(indices=True)
    assert_array_equal(chosen, range(4))


@pytest.mark.parametrize(
    "labels, match", [(np.zeros(4), "got 1"), (np.arange(4), "got 4.*a column for each")]
)
def test_mean_difference_wants_two_classes(labels, match):
    with pytest.raises(ValueError, match=f"y must have two values, .*{match}"):
        mean_difference(np.eye(4), labels)


def test_mean_difference_wants_one_task():
    with pytest.raises(ValueError, match="y must be of one task, got 2"):
        mean_difference(np.eye(4), np.eye(4)[:, :2])


def probed(Z, y, train, test, C):
    w, b = logistic_regression(Z[train], y[train], 1 / C)
    return auc(Z[test] @ w + b, y[test])


@pytest.mark.parametrize("kind", [csr_array, *long(np.asarray)])
def test_scores_are_those_of_numpy(kind):
    Z, y = make_latents()
    splits = [*StratifiedKFold(2, shuffle=True, random_state=0).split(Z, y)]
    probe = probe_latents(kind(Z), y, n_latents=(1, 2, 5), cv=splits, random_state=0)
    assert probe.scores.shape == (1, 3, 2)
    seed = int(np.random.default_rng(0).integers(2**31))
    for fold, (train, test) in enumerate(splits):
        order = np.argsort(-differences(Z[train], y[train]))
        inner = [*StratifiedKFold(5, shuffle=True, random_state=seed).split(train, y[train])]
        inner = [(train[rows], train[others]) for rows, others in inner]
        for k, found in zip((1, 2, 5), probe.scores[0, :, fold], strict=True):
            chosen = Z[:, order[:k]]
            chosen = chosen / np.sqrt(np.mean(chosen[train] ** 2))
            C = max(
                [1e-4, 1e-2, 1, 1e2, 1e4],
                key=lambda C: np.mean([probed(chosen, y, *split, C) for split in inner]),
            )
            tolerance = 1e-9 if k == 1 else 0.002
            assert_allclose(found, probed(chosen, y, train, test, C), atol=tolerance)


@pytest.mark.usefixtures("two_inner_folds")
def test_units_do_not_matter():
    Z, y = make_latents()
    found = [
        probe_latents(scale * Z, y, n_latents=3, cv=2, random_state=0).scores
        for scale in (1e-6, 1.0, 1e6)
    ]
    assert_allclose(found, np.broadcast_to(found[1], np.shape(found)), atol=1e-3)


@pytest.mark.usefixtures("two_inner_folds")
def test_test_labels_have_no_part_in_anything():
    """Without information the mean AUC is 1/2, though the best latent of all samples has more.

    Of n = 200 test samples its standard error is sqrt((n + 1) / (12 n0 n1)) = .041, and .0145 for
    the mean over 8 tasks.
    """
    rng = np.random.default_rng(0)
    Z, y = rng.standard_normal((400, 500)), rng.integers(0, 2, (400, 8))
    probe = probe_latents(Z, y, n_latents=(1, 5), cv=[(np.arange(200), np.arange(200, 400))])
    assert np.all(np.abs(probe.mean - 0.5) < 0.05)
    best = [max(auc(z, labels) for z in Z.T) for labels in y.T]
    assert np.mean(best) > 0.55


@pytest.mark.usefixtures("two_inner_folds")
def test_tasks_and_labels():
    Z, y = make_latents()
    other = np.roll(y, 1)
    together = probe_latents(Z, np.c_[y, other], n_latents=(1, 3), cv=2, random_state=0)
    apart = [probe_latents(Z, t, n_latents=(1, 3), cv=2, random_state=0) for t in (y, other)]
    assert_allclose(together.scores, np.concatenate([probe.scores for probe in apart]))
    words = np.array(["a", "b"])[y]
    again = probe_latents(csr_array(Z), words, n_latents=(1, 3), cv=2, random_state=0)
    assert_allclose(again.scores, apart[0].scores, atol=1e-3)
    assert_allclose(together.mean, together.scores.mean(axis=(0, 2)))
    of_tasks = together.scores.mean(axis=2)
    assert_allclose(together.sem, of_tasks.std(axis=0, ddof=1) / np.sqrt(2))


@pytest.mark.usefixtures("two_inner_folds")
def test_splits():
    Z, y = make_latents()
    fold = (np.arange(300) % 3 == 0).astype(int)
    train, test = np.flatnonzero(fold), np.flatnonzero(fold == 0)
    wanted = probe_latents(
        Z, y, n_latents=2, cv=[(train, test), (test, train)], random_state=3
    ).scores
    splits = iter([(fold == 1, fold == 0), (fold == 0, fold == 1)])
    for cv in (splits, PredefinedSplit(1 - fold)):
        found = probe_latents(Z, np.c_[y, y], n_latents=2, cv=cv, random_state=3).scores
        assert_allclose(found[0], found[1])
        assert_allclose(np.sort(found[0]), np.sort(wanted[0]))
    one = probe_latents(Z, y, n_latents=1, cv=[(train, test)])
    assert one.scores.shape == (1, 1, 1) and np.isnan(one.sem)


@pytest.mark.parametrize("cv", [3, StratifiedGroupKFold(3)])
def test_groups_are_not_divided(cv):
    """The latent tells the groups, and nothing of the labels of others."""
    groups = np.repeat(np.arange(30), 10)
    y = np.random.default_rng(0).permutation(30)[groups] % 2
    Z = np.eye(30)[groups]
    options = {"n_latents": 20, "random_state": 0}
    assert probe_latents(Z, y, cv=3, **options).mean[0] > 0.8
    assert probe_latents(Z, y, cv=cv, groups=groups, **options).mean[0] < 0.6


def test_few_samples_and_few_latents():
    """A class of one training sample leaves no penalty to choose, dead latents tell nothing."""
    Z, y = np.arange(8.0)[:, None], np.arange(8) > 3
    with pytest.warns(UserWarning, match="n_latents=2 exceeds .* all 1 are taken"):
        probe = probe_latents(Z, y, n_latents=(1, 2), cv=[([0, 1, 2, 5], [3, 4, 6, 7])])
    assert probe.n_latents == (1, 2)
    assert_array_equal(probe.scores, np.ones((1, 2, 1)))
    dead = probe_latents(csr_array((40, 5)), np.arange(40) % 2, n_latents=2, cv=2)
    assert_array_equal(dead.scores, np.full((1, 1, 2), 0.5))


def test_global_output_of_pandas_does_not_matter():
    Z, y = make_latents()
    wanted = probe_latents(csr_array(Z), y, n_latents=1, cv=2, random_state=0)
    with config_context(transform_output="pandas"):
        found = probe_latents(csr_array(Z), y, n_latents=1, cv=2, random_state=0)
    assert_array_equal(found.scores, wanted.scores)


@pytest.mark.usefixtures("two_inner_folds")
@pytest.mark.parametrize("scale", [1e-250, 1e300, *long(1e-170, 1e200)])
def test_codes_of_any_unit(scale):
    Z, y = make_latents()
    options = {"n_latents": 3, "cv": 2, "random_state": 0}
    wanted = probe_latents(Z, y, **options).scores
    for of_kind in (np.asarray, csr_array):
        assert_allclose(probe_latents(of_kind(Z * scale), y, **options).scores, wanted, atol=0.01)


@pytest.mark.parametrize("n_positive, n_folds", [(40, 5), (3, 3), (2, 2)])
def test_penalties_are_chosen_in_five_folds_or_as_many_as_there_are_samples(
    n_positive, n_folds, monkeypatch
):
    searches = []

    def search(estimator, grid, scoring, cv):
        searches.append((grid["C"], scoring, cv.n_splits, cv.shuffle))
        return GridSearchCV(estimator, {"C": [1.0]}, scoring=scoring, cv=cv)

    monkeypatch.setattr(_probing, "GridSearchCV", search)
    Z, y = make_latents(100, 5)
    y = np.arange(100) < n_positive
    probe_latents(Z, y, n_latents=2, cv=[(np.arange(100), np.arange(100))])
    assert searches == [([1e-4, 1e-2, 1.0, 1e2, 1e4], "roc_auc", n_folds, True)]


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"y": np.arange(60)}, r"y must have two values, .* got 60 of (1, ){9}\.\.\. samples"),
        ({"y": np.c_[np.arange(60) % 2, np.ones(60)]}, "two values, .* got 1 of 60 .*in task 1"),
        ({"y": np.arange(59) % 2}, r"y must be of shape \(60,\)"),
        ({"y": None}, r"y must be of shape \(60,\) .* got shape \(\)"),
        ({"y": np.array([1, "a"] * 30, dtype=object)}, "y must have two values of one type"),
        ({"cv": []}, "cv must give one fold at least, got none"),
        ({"y": np.where(np.arange(60) == 3, np.nan, 1)}, "y contains NaN"),
        ({"Z": np.full((60, 2), np.inf)}, "Z contains infinity"),
        ({"Z": np.ones(60)}, "Z must be a matrix"),
        ({"cv": [1, 2]}, "cv must give pairs of training and test indices"),
        ({"n_latents": (1, 0)}, "n_latents must be an integer >= 1"),
        ({"n_latents": ()}, "n_latents must have one number"),
        ({"cv": 1}, "cv must be an integer >= 2"),
        ({"cv": None}, "cv must be an integer >= 2"),
        ({"cv": 5, "y": np.arange(60) < 3}, "cv must be at most .* got 5 folds for 3 samples"),
        ({"cv": KFold(2), "y": np.arange(60) < 30}, "training samples of fold 0 have one"),
        ({"cv": [(range(60), [0, 2])]}, "test samples of fold 0 have one"),
        ({"random_state": -1}, "random_state"),
        ({"groups": np.arange(59)}, r"groups must be of shape \(60,\), .* got shape \(59,\)"),
        ({"groups": np.zeros(60)}, "cv must be at most the number of groups, got 5 folds for 1"),
        ({"cv": GroupKFold(2)}, "'groups' parameter should not be None"),
    ],
)
def test_errors(changes, match):
    arguments = {"Z": np.ones((60, 2)), "y": np.arange(60) % 2, "n_latents": 1} | changes
    with pytest.raises(ValueError, match=match):
        probe_latents(**arguments)


@pytest.mark.long
def test_chosen_latents():
    Z, y = make_latents(n=200)
    tasks, folds = np.column_stack([y, y[::-1]]), list(KFold(3).split(Z))
    probe = probe_latents(Z, tasks, n_latents=(1, 4), cv=folds)
    assert probe.latents.shape == (2, 3, 4)
    for task, of_task in zip(tasks.T, probe.latents, strict=True):
        for (train, _), chosen in zip(folds, of_task, strict=True):
            best_first = np.argsort(-differences(Z[train], task[train]))
            assert_array_equal(chosen, best_first[:4])
    with pytest.warns(UserWarning, match="all 2 are taken"):
        assert probe_latents(Z[:, :2], y, n_latents=3, cv=2).latents.shape == (1, 2, 2)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_latents_of_equal_scores_are_those_of_the_probe(k):
    """What SelectKBest takes of equal ones, the first k of a longer list are as well."""
    y = np.arange(8) % 2
    Z = np.tile(y[:, None], 4).astype(float)
    latents = probe_latents(Z, y, n_latents=(k, 4), cv=[(range(8), range(8))]).latents[0, 0]
    chosen = SelectKBest(mean_difference, k=k).fit(Z, y).get_support(indices=True)
    assert set(latents[:k]) == set(chosen)


def test_table():
    scores = np.array([[[0.5, 0.7], [0.9, 1.0]], [[0.6, 0.6], [0.8, 0.9]]])
    assert repr(LatentProbe((1, 2000), scores)).splitlines() == [
        "ROC AUC, tasks: 2, folds: 2",
        "  latents      mean       sem",
        "        1     0.600     0.000",
        "    2,000     0.900     0.050",
    ]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_auc_of_sae_probes(k):
    """On equal splits the latents are the same, and only the search for a penalty is another."""
    pytest.importorskip("sae_lens", reason="needs SAELens")
    evaluation = pytest.importorskip("sae_probes.run_sae_evals", reason="needs sae-probes")
    torch = pytest.importorskip("torch")
    Z, y = make_latents(n=1000)
    train, test = np.arange(700), np.arange(700, 1000)
    codes, labels = torch.tensor(Z), torch.tensor(y)
    normalization = evaluation.mean_act_normalization
    order = evaluation.get_sorted_indices(codes[train], labels[train], normalization).numpy()
    assert_allclose(
        np.sort(mean_difference(Z[train], y[train])[order[:k]]),
        np.sort(differences(Z[train], y[train]))[-k:],
    )
    # They choose the penalty by the last 100 training samples: the AUC depends on their order.
    rng = np.random.default_rng(0)
    theirs = []
    for _ in range(5):
        rows = rng.permutation(train)
        parts = Z[rows][:, order[:k]], y[rows], Z[test][:, order[:k]], y[test]
        theirs.append(evaluation.find_best_reg(*parts).metrics.test_auc)
    ours = probe_latents(csr_array(Z), y, n_latents=k, cv=[(train, test)], random_state=0).mean[0]
    assert min(theirs) - 0.01 < ours < max(theirs) + 0.01
    if k == 1:
        assert_allclose(ours, theirs)
