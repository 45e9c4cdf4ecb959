"""Comparisons with the truth, with baselines, and without massive activations."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace

import numpy as np
import pytest
from joblib import parallel_config
from scipy.sparse import csr_array
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    DictionaryLearner,
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SparseAutoencoder,
    TopKDecoder,
    Transcoder,
)
from sksupercode.datasets import make_planted_activations
from sksupercode.inspection import probe_latents
from sksupercode.metrics import _probing, fraction_of_variance_unexplained, match_codes
from sksupercode.sae import SAEWeights, _feature_columns, compare_decoders
from sksupercode.sae._baselines import other_codewords
from tests.marks import long

N, D, K = 60, 24, 3
X, CODES, F = make_planted_activations(400, N, D, n_nonzero_coefs=K, random_state=0)
B = np.linspace(-1, 1, D)


def make_sae(**options):
    weights = SAEWeights("topk", F, B, F.T, np.zeros(N), k=K)
    return SparseAutoencoder.from_weights(replace(weights, **options))


def numbers(table):
    return table.drop(columns="seconds_per_sample")


@pytest.mark.parametrize(
    "convert, block_size", [(csr_array, 77), *long((csr_array, None), (np.asarray, 1))]
)
def test_codes_against_the_truth(convert, block_size):
    decoders = {"OMP": OrthogonalMatchingPursuitDecoder(F, K), "PCA": PCA(3).fit(X)}
    truth = convert(CODES.toarray())
    table = compare_decoders(decoders, X, truth=truth, block_size=block_size)
    decoders["OMP"] = decoders["OMP"].fit(X)
    for name, decoder in decoders.items():
        match = match_codes(CODES, decoder.transform(X), "correlation")
        expected = [match.f1, match.precision, match.recall, match.mcc]
        columns = ["F1", "precision", "recall", "MCC"]
        np.testing.assert_allclose(table.loc[name, columns], expected, rtol=1e-6)
    assert table.loc["OMP", "F1"] > 0.8 > 0.3 > table.loc["PCA", "F1"]


def test_codes_as_what_labels_are_read_from(monkeypatch):
    few, sae = np.linalg.norm(X, axis=1) < 2.2, make_sae(b_dec=np.zeros(D))
    labels = np.where(CODES[:, [3, 5]].toarray() != 0, "yes", "no")
    monkeypatch.setattr(_feature_columns, "PROBED", (1, 5))
    monkeypatch.setattr(_probing, "_INNER_FOLDS", 2)
    monkeypatch.setattr(_probing, "_PENALTIES", {"C": [1.0, 1e2]})
    names = ["AUC_1", "AUC_5"]
    groups = np.arange(len(X)) // 4
    options = {"labels": labels, "groups": groups, "max_norm": 2.2, "random_state": 4}
    table = compare_decoders({"SAE": sae}, X, **options, block_size=90)
    seed = int(np.random.default_rng(4).integers(2**32))
    folds = {"groups": groups[few], "random_state": seed}
    probe = probe_latents(sae.transform(X[few]), labels[few], n_latents=(1, 5), **folds)
    np.testing.assert_allclose(table.loc["SAE", names], probe.mean, rtol=1e-6)
    with parallel_config(backend="threading"):
        other = compare_decoders({"SAE": sae}, X, **options, block_size=90, n_jobs=2)
    assert numbers(other).equals(numbers(table)) and list(numbers(table).columns[-2:]) == names
    assert table.loc["SAE", "AUC_1"] > 0.8


@pytest.mark.parametrize("block_size", [40, 400])
def test_massive_samples_are_left_out(block_size):
    massive, Y = np.arange(400) < 45, X[:, :9] + 0.0
    Y[massive] *= 1000
    few = np.flatnonzero(~massive)
    options = {"k": K, "is_transcoder": True, "applies_b_dec": False}
    transcoder = Transcoder.from_weights(
        SAEWeights("topk", F[:, :9], B[:9], F.T, np.zeros(N), **options)
    )
    # PCA learns from the first block with samples, which is what is left of it.
    first = few[few < 80] if block_size == 40 else few
    decoders = {"transcoder": transcoder, "PCA": PCA(3)}
    options = {"targets": Y, "truth": CODES, "block_size": block_size}
    table = compare_decoders(decoders, X, max_norm=500, **options)
    assert table.attrs == {"n_left_out": 45}
    fitted = {"transcoder": transcoder, "PCA": PCA(3).fit(Y[first])}
    options = {"targets": Y[few], "truth": CODES[few]}
    expected = compare_decoders(fitted, X[few], **options)
    np.testing.assert_allclose(numbers(table), numbers(expected), rtol=1e-9)
    assert expected.attrs == {"n_left_out": 0}
    fvu = fraction_of_variance_unexplained(Y[few], transcoder.reconstruct(X[few]))
    assert table.loc["transcoder", "FVU"] == pytest.approx(fvu, rel=1e-9)


def test_all_samples_beyond_the_norm():
    with pytest.raises(ValueError, match="max_norm must leave samples .* got 0.001.* of all 400"):
        compare_decoders({"PCA": PCA(2)}, X, max_norm=1e-3, block_size=150)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_other_codewords_have_the_norms_and_the_coordinates(dtype):
    rng = np.random.default_rng(0)
    own = rng.standard_normal((N, D)) * np.linspace(0.5, 3, N)[:, np.newaxis]
    own[:, 4] = 30
    own[[7, 20]] = 0
    own = own.astype(dtype)
    for kind in ("random", "shuffled"):
        other = other_codewords(own, kind, np.random.default_rng(1))
        assert other.dtype == max(own.dtype, np.dtype(np.float32))
        norms = np.linalg.norm(own.astype(float), axis=1)
        np.testing.assert_allclose(np.linalg.norm(other, axis=1), norms, rtol=1e-3)
        # The outlier coordinate is the largest of all alive codewords, or of about 1 in 24.
        is_largest = np.argmax(np.abs(other), axis=1)[norms > 0] == 4
        assert is_largest.all() if kind == "shuffled" else is_largest.mean() < 0.3
    assert not np.array_equal(other, other_codewords(own, "shuffled", np.random.default_rng(2)))


def test_baselines_are_the_decoders_on_other_codewords():
    sae = make_sae()
    decoders = {
        "SAE": sae,
        "refit": RefitDecoder(sae),
        "OMP": OrthogonalMatchingPursuitDecoder(sae),
        "top-k, refit": FrozenEstimator(RefitDecoder(TopKDecoder(sae, 2)).fit(X + B)),
        "PCA": PCA(2),
    }
    baselines = ("random", "shuffled")
    options = {"n_nonzero_coefs": [2, 4], "block_size": 90}
    table = compare_decoders(decoders, X + B, baselines=baselines, **options)
    expected = ["SAE", "refit"]
    expected += [name for name in ("OMP", "OMP, random", "OMP, shuffled") for _ in range(2)]
    expected += ["top-k, refit", "top-k, refit, random", "top-k, refit, shuffled", "PCA"]
    assert list(table.index) == expected
    own = table[~table.index.str.endswith(baselines)]
    assert numbers(own).equals(numbers(compare_decoders(decoders, X + B, **options)))
    assert table.loc["OMP", "FVU"].iloc[1] < 0.3 * table.loc["OMP, random", "FVU"].iloc[1]

    seed = int(np.random.default_rng(0).integers(2**32))
    other = other_codewords(F, "random", np.random.default_rng([seed, 0]))
    by_hand = make_sae(W_dec=other)
    decoders = {
        "OMP, random": OrthogonalMatchingPursuitDecoder(by_hand),
        "top-k, refit, random": FrozenEstimator(RefitDecoder(TopKDecoder(by_hand, 2)).fit(X + B)),
    }
    expected = numbers(compare_decoders(decoders, X + B, **options))
    np.testing.assert_allclose(numbers(table).loc[list(decoders)], expected, rtol=1e-6)


def test_baselines_of_every_kind_of_dictionary():
    """Each decodes worse with other codewords, in the space and with the values of its own."""
    encoder = RademacherEncoder(D, n_features=N, random_state=0)
    Y = (CODES != 0).astype(float)
    W_skip = np.random.default_rng(0).standard_normal((D, D))
    transcoder = Transcoder.from_weights(
        SAEWeights("topk", F, B, F.T, np.zeros(N), k=K, W_skip=W_skip, is_transcoder=True)
    )
    learner = DictionaryLearner(N, n_nonzero_coefs=K, max_iter=3, random_state=0).fit(X)
    cases = [
        (OrthogonalMatchingPursuitDecoder(F, K, values="nonnegative"), X, None),
        (OrthogonalMatchingPursuitDecoder(F).fit(X, CODES), X, None),
        (learner, X, None),
        (OrthogonalMatchingPursuitDecoder(learner, K), X, None),
        (OrthogonalMatchingPursuitDecoder(transcoder, K), X, X + B + X @ W_skip),
        (OrthogonalMatchingPursuitDecoder(make_sae(normalization="layer_norm"), K), X, None),
        (TopKDecoder(encoder, K), encoder.fit_transform(Y), None),
        (MaximumLikelihoodDecoder(F, 1, time_limit=None, max_nodes=50), X[:30], None),
    ]
    for decoder, samples, targets in cases:
        table = compare_decoders({"it": decoder}, samples, targets=targets, baselines="random")
        assert list(table.index) == ["it", "it, random"]
        assert table["FVU"].iloc[0] < table["FVU"].iloc[1]
        assert table["L0"].iloc[1] == pytest.approx(table["L0"].iloc[0], abs=1)


def test_seeds_of_baselines():
    decoders = {"OMP": OrthogonalMatchingPursuitDecoder(F, K)}
    tables = [
        compare_decoders(decoders, X, baselines="shuffled", **options)
        for options in ({}, {"random_state": 0, "block_size": 60}, {"random_state": 1})
    ]
    np.testing.assert_allclose(numbers(tables[0]), numbers(tables[1]), rtol=1e-9)
    fvu = [table["FVU"].iloc[1] for table in tables]
    assert fvu[0] != fvu[2]


@pytest.mark.parametrize("backend", ["threading", *long("loky")])
def test_the_table_of_one_process(backend):
    decoders = {"SAE": make_sae(), "OMP": OrthogonalMatchingPursuitDecoder(F, K), "PCA": PCA(3)}
    limit = np.quantile(np.linalg.norm(X, axis=1), 0.9)
    options = {"truth": CODES, "baselines": ("random", "shuffled"), "max_norm": limit}
    table = compare_decoders(decoders, X, block_size=50, **options)
    with parallel_config(backend=backend):
        for n_jobs in (2, 3):
            other = compare_decoders(decoders, X, block_size=50, n_jobs=n_jobs, **options)
            assert numbers(other).equals(numbers(table))
            assert other.attrs == table.attrs == {"n_left_out": 40}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truth": CODES[:7]}, r"truth must have 400 rows, got shape \(7, 60\)"),
        ({"labels": np.ones(7)}, r"labels must be of shape \(400,\) or .*, got shape \(7,\)"),
        ({"labels": np.ones((400, 0))}, r"labels must be of shape .*, got shape \(400, 0\)"),
        (
            {"labels": np.ones(400)},
            "labels must have two values, .*, got 1 of 400 samples",
        ),
        ({"labels": np.arange(400) % 3}, "got 3 of 134, 133, 133 samples in task 0"),
        ({"labels": np.arange(400) < 4}, "of 5 samples or more, got 2 of 396, 4 samples"),
        ({"labels": np.where(np.arange(400) < 9, np.nan, 1)}, "labels contains NaN"),
        ({"baselines": ("random", "zero")}, "baselines must be of random, shuffled, got 'zero'"),
        ({"baselines": None}, "baselines must be of random, shuffled, got None"),
        ({"labels": 1}, r"labels must be of shape \(400,\) or .*, got shape \(\)"),
        ({"max_norm": 0}, "max_norm must be a real number > 0"),
        ({"groups": np.zeros(400)}, "groups are for probes, and need labels, got labels=None"),
        ({"groups": [1]}, r"groups must be of shape \(400,\), a group for each sample, got shape"),
        ({"max_norm": "10 medians"}, "max_norm must be a real number"),
    ],
)
def test_options_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compare_decoders({"PCA": PCA(2)}, X, **options)


def test_no_decoder_has_the_name_of_a_baseline():
    decoders = {name: TopKDecoder(F, K) for name in ("top", "top, random")}
    with pytest.raises(ValueError, match="must not have the name of a baseline, got 'top' and"):
        compare_decoders(decoders, X, baselines="random")
    assert len(compare_decoders(decoders, X, baselines="shuffled")) == 4


def test_labels_of_samples_that_are_left_out():
    norms = np.linalg.norm(X, axis=1)
    largest = np.argsort(norms)[-6:]
    labels = np.isin(np.arange(len(X)), largest)
    message = "labels of samples up to max_norm must have two values, .* got 2 of 394, 3 samples"
    with pytest.raises(ValueError, match=message):
        compare_decoders({"PCA": PCA(2)}, X, labels=labels, max_norm=norms[largest[2]])


def test_labels_may_be_sparse(monkeypatch):
    monkeypatch.setattr(_feature_columns, "PROBED", (1,))
    labels = CODES[:, [0]].toarray() != 0
    dense, sparse = (
        compare_decoders({"top": TopKDecoder(F, K)}, X, labels=given)["AUC_1"].item()
        for given in (labels, csr_array(labels))
    )
    assert sparse == dense
