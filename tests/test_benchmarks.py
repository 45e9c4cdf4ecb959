# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import warnings

import numpy as np
import pytest
from scipy.sparse import csc_array
from threadpoolctl import threadpool_limits

from benchmarks import (
    _cost,
    _decoding,
    _learned_coding,
    _learned_encoder,
    _learning,
    _learning_methods,
    _machine,
    _scaling,
    _structured,
    _supports,
)
from benchmarks._fresh_process import run_fresh
from benchmarks._learned import LATER, LearnedProblem
from benchmarks._learned_peers import LearnedPeer
from benchmarks._main import all_benchmarks, main
from benchmarks._peer_methods import NotApplicableError
from benchmarks._peers import ORTHOGONAL_PURSUITS, PROGRAMS, PURSUITS, Peer
from benchmarks._planted import PLANTED, PlantedProblem
from benchmarks._problem import Problem, Size, expand
from benchmarks._report import tabulate
from benchmarks._timing import compare, recovery_rate
from benchmarks._worker import JOBS
from sksupercode import SparseAutoencoder, TopKDecoder
from sksupercode.testing import all_estimators

# N, k and d at which everything is found.
TINY = Size(256, 3, 96, 4)
TINY_OPTIONS = ["--n-features", "256", "--n-nonzero-coefs", "3", "--n-components", "96"]


def run(tmp_path, *arguments):
    """Return the JSON that a run writes."""
    path = tmp_path / "report.json"
    assert main([*arguments, "--json", str(path)]) == 0
    return json.loads(path.read_text())


@pytest.fixture(autouse=True)
def threads_as_before():
    """Leave one thread to OpenMP, whose number SPAMS changes for all, PyTorch among them."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def no_fresh_process(monkeypatch):
    """Run the jobs of fresh processes in this one, which has imported what they need."""

    def run_here(job, **arguments):
        with warnings.catch_warnings(action="ignore"):
            return json.loads(json.dumps(JOBS[job](**json.loads(json.dumps(arguments)))))

    for module in (_cost, _learned_coding, _learning):
        monkeypatch.setattr(module, "run_fresh", run_here)


def test_comparison_from_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["mp", "bp", *TINY_OPTIONS, "--n-samples", "4", "--repeats", "2"]
    report = run(tmp_path, *arguments)
    assert report["command"][:4] == ["python", "-m", "benchmarks", "mp"]
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["versions"]["numpy"] == np.__version__
    assert [result["name"] for result in report["results"]] == ["mp", "bp"]
    output = capsys.readouterr().out
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    for result, peers in zip(report["results"], (PURSUITS, PROGRAMS), strict=True):
        assert result["size"] == vars(TINY)
        own, *others = result["rows"]
        assert own["recovery"] == 1.0
        assert [row["method"] for row in others] == [peer.name for peer in peers]
        measured = [row for row in others if "seconds" in row]
        # Each peer takes turns with the decoder: its ratios are to the timings just before.
        expected = [seconds for row in measured for seconds in row["seconds"]]
        ratios = [ratio for row in measured for ratio in row["ratio"]]
        np.testing.assert_allclose(np.divide(expected, own["seconds"]), ratios)
        assert {len(row["ratio"]) for row in measured} == {2}
        for row in others:
            assert row["method"] in output
            # Homotopy as it comes may stumble over ties.
            if "seconds" in row and "default" not in row["method"]:
                assert row["recovery"] == 1.0
            if "seconds" not in row:
                assert row["note"].startswith(("not installed", "left out: this cvxpy"))


def test_every_decoder():
    rows = _decoding.every_decoder(TINY, 1, lambda what: None)
    assert [row["method"] for row in rows] == [name for name, _ in all_estimators("decoder")]
    assert {row["recovery"] for row in rows if row["method"] != "ThresholdDecoder"} == {1.0}


def test_orthogonal_pursuits():
    rows = _decoding.orthogonal_matching_pursuit(TINY, 1, lambda what: None)
    own = rows[:: len(ORTHOGONAL_PURSUITS) + 1]
    storages = ["packed signs", "float32", "float64"]
    assert [row["note"] for row in own[::2]] == storages
    assert [row["note"] for row in own[1::2]] == [f"{name}, nonnegative" for name in storages]
    assert {row["recovery"] for row in rows if "seconds" in row} == {1.0}


def test_peers_that_cannot_run():
    def overflow(problem):
        raise NotApplicableError("too large")

    peers = [
        Peer("absent", overflow, "no_such_module", "no-such-package"),
        Peer("huge", overflow, nbytes=lambda size: 2**60),
        Peer("narrow", overflow),
    ]
    problem = Problem(TINY)
    rows = compare(problem, "ours", TopKDecoder(problem.encoder), peers, 3, lambda what: None)
    assert len(rows[0]["seconds"]) == 3
    assert rows[1]["note"] == "not installed: no-such-package"
    assert rows[2]["note"].startswith("left out: needs 1073741824.0 GiB")
    assert rows[3]["note"] == "left out: too large"


def test_recovery_rate_of_each_form_of_output():
    codes = csc_array([[1, 0, 1, 0], [0, 1, 1, 0]])
    assert recovery_rate(codes, csc_array([[0.5, 0, 2, 0], [0, 1, 0, 1]]), 2) == 0.5
    assert recovery_rate(codes, np.array([[2, 0], [1, 2]]), 2) == 1.0
    assert recovery_rate(codes, np.array([[2, 2], [1, 2]]), 2) == 0.5
    assert recovery_rate(codes, np.array([[0.9, 0.1, 0.8, 0], [0, 0.1, 1, 0.2]]), 2) == 0.5
    assert recovery_rate(np.ones((1, 3)), np.array([[0.9, 0.1, 0.8]]), 3) == 1.0


def test_expansion_and_products_on_blocks(monkeypatch):
    monkeypatch.setattr(_decoding, "_BLOCK", 100)
    monkeypatch.setattr("benchmarks._problem._EXPANDED_AT_ONCE", 50)
    problem = Problem(Size(1030, 5, 40, 6))
    dense = np.asarray(problem.encoder.dictionary_)
    np.testing.assert_array_equal(expand(problem.encoder.dictionary_), np.sign(dense))
    np.testing.assert_allclose(problem.dictionary, dense, rtol=1e-6)
    # Distinct scores, so that the best five are one set.
    samples = np.random.default_rng(0).standard_normal((6, 40)).astype(np.float32)
    expected = np.sort(np.argsort(-samples @ dense.T, axis=1)[:, :5])
    for most_floats in (2**30, 0):
        monkeypatch.setattr(_decoding, "_MOST_FLOATS", most_floats)
        blas = _decoding.BlockedBLAS()
        decode = blas.prepare(problem)
        np.testing.assert_array_equal(np.sort(decode(samples)), expected)
        np.testing.assert_array_equal(np.sort(decode(samples[:1])), expected[:1])
        assert (min(blas.expansion_seconds) > 0) == (most_floats == 0)


def test_top_k_rows_with_and_without_expansion(monkeypatch):
    monkeypatch.setattr(_decoding, "_MOST_FLOATS", 0)
    rows = _decoding.top_k(Size(512, 3, 200, 4), 2, lambda what: None)
    for n_samples in (1, 4):
        own, alone, expanded, *_ = [row for row in rows if row.get("samples") == n_samples]
        assert own["method"] == "TopKDecoder"
        assert own["recovery"] == alone["recovery"] == expanded["recovery"] == 1.0
        assert all(row["seconds"][0] > 0 for row in (own, alone, expanded))
        assert all(row["ratio"][0] > 0 for row in (alone, expanded))


def test_scaling():
    power_law = [{"n": n, "seconds": [3 * n**1.5]} for n in (10, 100, 1000)]
    fit = _scaling.fit_exponent(power_law, "n")
    assert fit["exponent"] == pytest.approx(1.5)
    assert fit["standard_error"] == pytest.approx(0, abs=1e-6)
    assert _scaling.fit_exponent(power_law[:2], "n")["standard_error"] is None
    rows = _scaling.scaling(Size(2**14, 4, 0, 2), 1, lambda what: None)
    for method in ("TopKDecoder", "MatchingPursuitDecoder"):
        measured = [row for row in rows if row["method"] == method and "seconds" in row]
        assert [row["n_features"] for row in measured if row["against"] == "N"] == [2**12, 2**14]
        assert [row["n_nonzero_coefs"] for row in measured if row["against"] == "k"] == [8, 16, 32]
        assert sum("exponent" in row for row in rows if row["method"] == method) == 2


@pytest.mark.parametrize(
    ("name", "nbytes", "kind"),
    [("hadamard", 1664, "HadamardDictionary"), ("bound", 2048, "BoundDictionary")],
)
def test_structured_codewords_beside_packed_signs(name, nbytes, kind, capsys):
    arguments = [*TINY_OPTIONS, "--n-samples", "4", "--repeats", "2"]
    assert main([name, *arguments]) == 0
    assert f"stores {nbytes:,} bytes" in capsys.readouterr().out
    rows = getattr(_structured, name)(TINY, 2, lambda what: None)
    assert [row["samples"] for row in rows] == [1, 1, 4, 4, 1, 1, 4, 4]
    for ours, packed in zip(rows[::2], rows[1::2], strict=True):
        assert ours["method"].startswith(f"{kind}.")
        np.testing.assert_allclose(np.divide(packed["seconds"], ours["seconds"]), packed["ratio"])
        assert len(packed["ratio"]) == 2


def test_fractions_of_the_machine(monkeypatch):
    monkeypatch.setattr(_machine, "_STREAM_FLOATS", 2**16)
    monkeypatch.setattr(_machine, "_PRODUCT_LENGTH", 64)
    rows = {row["method"]: row for row in _machine.machine(Size(512, 3, 64, 1), 3, lambda what: 0)}
    correlate = rows["correlate"]
    # 512 codewords of 64 dimensions: 2 operations for each of 32768 entries.
    nbytes = Problem(Size(512, 3, 64, 1)).encoder.dictionary_.nbytes
    ratio = np.divide(correlate["operations_per_second"], correlate["bytes_per_second"])
    np.testing.assert_allclose(ratio, 65536 / nbytes)
    assert correlate["of_peak"] == pytest.approx(
        np.median(correlate["operations_per_second"])
        / np.median(rows["float32 product"]["operations_per_second"])
    )
    assert correlate["of_bandwidth"] == pytest.approx(
        np.median(correlate["bytes_per_second"])
        / np.median(rows["memory: read"]["bytes_per_second"])
    )


@pytest.mark.long
def test_fresh_processes():
    held = np.ones(2**26)  # half a GiB, which must not count for the new process
    measured = run_fresh("pipeline", decoder="TopKDecoder", size=vars(TINY), repeats=2)
    assert measured["recovery"] == 1.0
    assert len(measured["seconds"]) == 2
    assert 2**24 < measured["peak_bytes"] < held.nbytes
    assert "no_such_job" in run_fresh("no_such_job")["note"]


def test_first_call():
    measured = JOBS["first_call"](decoder="TopKDecoder", size=vars(TINY))
    assert measured["recovery"] == 1.0
    assert measured["import_seconds"] > 0 and measured["first_call_seconds"] > 0


@pytest.mark.parametrize(
    ("kind", "name"), [("codes", "top-k"), ("codes", "refit"), ("autoencoder", "OMP, real")]
)
def test_cost_of_a_call(kind, name):
    held = iter([100, 130])
    cost = _cost.measure(kind, name, TINY, lambda: None, lambda: next(held))
    assert cost["seconds"] > 0 and cost["working_bytes"] == 30
    decoder, samples = _cost.prepare(kind, name, TINY)
    assert np.diff(decoder.transform(samples).indptr).tolist() == [3] * 4


def test_costs_are_of_all_decoders(monkeypatch):
    asked = []

    def run_fresh(job, **arguments):
        asked.append(arguments["name"])
        return {"seconds": 2.0, "working_bytes": 5}

    monkeypatch.setattr(_cost, "run_fresh", run_fresh)
    rows = _cost.codes(Size(512, 3, 96, 4), 2, lambda what: None)
    assert {row["method"] for row in rows} == set(_cost.code_decoders())
    left_out = {row["method"] for row in rows if "note" in row}
    assert left_out == {"maximum-likelihood"} and left_out.isdisjoint(asked)
    assert rows[0]["seconds"] == [2.0, 2.0] and rows[0]["working_bytes"] == [5, 5]
    rows = _cost.autoencoder(TINY, 1, lambda what: None)
    assert [row["method"] for row in rows] == list(_cost.AUTOENCODER_DECODERS)


def test_cost_in_a_process_of_its_own(no_fresh_process):
    (row,) = _cost.autoencoder(TINY, 1, lambda what: None)[:1]
    assert row["seconds"][0] > 0 and 0 <= row["working_bytes"][0] < 2**30


def test_numbers_of_tables_have_no_exponents():
    row = {"method": "peer", "training_seconds": [0.989, 0.996, 1.013], "ratio": [1024.0]}
    _, (cells,), _ = tabulate({"rows": [row]})
    assert cells == [("peer", ""), ("996 ms", "989–1,010"), ("1,020", "")]


def test_list_and_bad_arguments(capsys):
    assert main(["--list", "--n-samples", "7"]) == 0
    output = capsys.readouterr().out
    for name, benchmark in all_benchmarks().items():
        assert name in output
        assert benchmark.title in output
    assert output.count("samples: 7") == len(all_benchmarks())
    for arguments, message in (
        (["nothing"], "NAME must be one of"),
        (["mp", "--n-samples", "0"], "--n-samples must be at least 1, got 0"),
        (["mp", "--json", "no/such/folder/report.json"], "there is no folder"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert message in capsys.readouterr().err


def test_learned_dictionaries_have_correlated_codewords():
    for dtype in (np.float32, np.float16):
        problem = LearnedProblem(Size(2000, 8, 320, 30), dtype=dtype)
        assert problem.dictionary.dtype == dtype
        F = problem.dictionary.astype(np.float64)
        G = F @ F.T
        np.testing.assert_allclose(np.diag(G), 1, rtol=1e-3)
        np.fill_diagonal(G, 0)
        assert 0.5 < G.max() < 0.65
        # Families of sixteen stand out among all others.
        others = np.kron(np.eye(len(F) // 16), np.ones((16, 16))) == 0
        assert np.quantile(G[~others], 0.9) > 0.3 > np.quantile(G[others], 0.999)
        assert problem.samples.shape == (30, 320) and problem.later.shape == (LATER, 320)


@pytest.mark.long
def test_pursuits_on_learned_dictionaries():
    size = Size(300, 4, 64, 40)
    for benchmark in (_learned_coding.learned_mp, _learned_coding.learned_omp):
        own, *others = benchmark(size, 2, lambda what: None)
        assert own["samples"] == 40
        assert len(own["first_seconds"]) == len(own["later_seconds"]) == 2
        for row in others:
            if "first_seconds" not in row:
                assert row["note"].startswith("not installed")
            elif row["samples"] == 40:
                # They do the same, whatever the values that they allow.
                assert row["fvu"] == pytest.approx(own["fvu"], rel=0.1)
    peer = LearnedPeer("huge", None, nbytes=lambda size: 2**60)
    row = _learned_coding.time_peer(LearnedProblem(size), peer, own, lambda what: None)
    assert row["note"].startswith("left out: needs")


@pytest.mark.long
def test_swaps_and_their_starts():
    rows = _learned_coding.shipped_swaps(Size(2048, 4, 384, 5), 1, lambda what: None)
    for start, swapped in zip(rows[::2], rows[1::2], strict=True):
        ratios = np.divide(swapped["first_seconds"], start["first_seconds"])
        np.testing.assert_allclose(swapped["ratio_to_start"], ratios)
        assert swapped["fvu"] <= start["fvu"]


def test_pursuits_in_a_process_of_their_own(no_fresh_process):
    own, numpy_row = _learned_coding.large(Size(300, 4, 64, 40), 1, lambda what: None)
    assert own["peak_bytes"] > 2**24
    assert 0 < own["fvu"] <= numpy_row["fvu"] < 0.5


def test_encoders():
    own, *others = _learned_encoder.encoder(Size(300, 4, 64, 20), 2, lambda what: None)
    assert len(own["seconds"]) == 2
    assert all(len(row["ratio"]) == 2 for row in others if "seconds" in row)


# Easy to learn, and to learn from in two passes.
TINY_PLANTED = Size(18, 2, 24, 720)


def briefly_trained(*args, **settings):
    return SparseAutoencoder(*args, **settings | {"max_iter": 2})


@pytest.fixture
def few_passes(monkeypatch):
    for module in (_learning_methods, _learning):
        monkeypatch.setattr(module, "SparseAutoencoder", briefly_trained)
    for name, passes in (("PASSES", 2), ("PASSES_AFTER_SAE", 1)):
        monkeypatch.setattr(_learning_methods, name, passes)
        monkeypatch.setattr(_learning, name, passes)


@pytest.mark.long
def test_time_to_the_fvu_of_others(few_passes):
    own, *others = _learning.time_to_fvu(TINY_PLANTED, 1, lambda what: None)
    assert 0 <= own["fvu"] < 0.5 < own["mcc"] <= 1
    assert [row["method"] for row in others] == [peer.name for peer in _learning_methods.PEERS]
    for row in (row for row in others if "ratio" in row):
        times = np.divide(row["training_seconds"], row["own_seconds"])
        np.testing.assert_allclose(row["ratio"], times)
    # With no error allowed ours never gets there, and says so.
    problem = PlantedProblem(TINY_PLANTED)
    points = _learning.follow(problem, _learning_methods.own, 0, np.inf, least=0)
    assert [len(points), points[-1][2]] == [2, problem.fvu(points[-1][1])]


def test_planted_truth_is_found_whatever_its_norms_and_intercept():
    problem = PlantedProblem(TINY_PLANTED)
    learned = 3 * problem.dictionary[::-1], 0.0
    measured = problem.measure(learned)
    assert measured["found"] == 1.0 and measured["mcc"] == pytest.approx(1)
    assert measured["fvu"] < 0.05
    problem.test = problem.test + 1
    assert problem.fvu((learned[0], 1.0)) == pytest.approx(measured["fvu"], rel=1e-3)
    turned = problem.dictionary * np.where(np.arange(18) % 2, 1, -1)[:, None]
    np.testing.assert_array_equal(
        _learning_methods._turned(turned, problem.samples), problem.dictionary
    )


# Of scikit-learn's learner, which has no samples to spare.
@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Objective did not:sklearn.exceptions.ConvergenceWarning")
def test_what_is_found_of_planted_dictionaries(few_passes):
    rows = _learning.planted(TINY_PLANTED, 1, lambda what: None)
    assert len(rows) == 4 * len(PLANTED) or any("note" in row for row in rows)
    for row in rows:
        if "note" not in row:
            assert [len(row[key]) for key in ("found", "mcc", "fvu", "training_seconds")] == [1] * 4
    sizes = {(row["n_features"], row["n_components"], row["n_nonzero_coefs"]) for row in rows}
    assert sizes == {(9, 18, 1), (9, 12, 1), (8, 18, 1), (18, 24, 2)}


def test_learning_from_shipped_activations(few_passes):
    rows = _learning.shipped(Size(16, 2, 384, 200), 1, lambda what: None)
    assert all(0 < row["fvu"][0] < 1 for row in rows if "fvu" in row)


def test_learning_in_a_process_of_its_own(no_fresh_process):
    (row,) = _learning.large(Size(64, 4, 32, 5000), 1, lambda what: None)
    assert 0 < row["fvu"][0] < 1
    assert row["peak_bytes"][0] > 5000 * 32 * 4


def test_supports_with_the_true_dictionary():
    rows = _supports.supports(Size(1024, 5, 128, 100), 1, lambda what: None)
    f1s = {row["method"]: row["f1"][0] for row in rows}
    assert f1s[".5 bits/dim: OMP, 9, prune=6"] > 0.99
    noisy = "Zipf, noise: OMP, 16"
    assert f1s["Zipf, noise: all others known"] > f1s[f"{noisy}, noise_std"]
    assert f1s[f"{noisy}, noise_std"] > f1s[f"{noisy}, prune=8"] > f1s[noisy]
    assert sum(name.startswith("SynthSAEBench") for name in f1s) == 7
