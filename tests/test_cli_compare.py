# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.sparse import csr_array, save_npz

from sksupercode import SparseAutoencoder, Transcoder, load_sae
from sksupercode._cli._compare import numbers_of_latents
from sksupercode._cli._compare_files import Samples, Shards, map_activations, read_labels
from sksupercode._cli._compare_options import DECODERS, DEFAULT
from sksupercode._cli._main import main
from sksupercode.metrics import _probing, fraction_of_variance_unexplained
from sksupercode.sae import SAEWeights, _feature_columns, compare_decoders
from tests.marks import long

N, D, K = 64, 16, 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an autoencoder in ``sae``, and activations in ``x.npy``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    rng = np.random.default_rng(0)
    F = rng.standard_normal((N, D)).astype(np.float32)
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    b_dec = rng.standard_normal(D).astype(np.float32)
    weights = SAEWeights("topk", F, b_dec, F.T, np.zeros(N, np.float32), k=K)
    SparseAutoencoder.from_weights(weights).save("sae")
    codes = rng.random((600, N)) * (rng.random((600, N)) < 0.06)
    np.save("x.npy", (codes @ F + b_dec).astype(np.float32))
    return tmp_path


def run(*arguments, activations="x.npy", sae="sae"):
    files = activations if isinstance(activations, list) else [activations]
    options = ["--activations", *files, "--csv", "table.csv", *arguments]
    options += [] if "--sae" in arguments else ["--sae", sae]
    return main(["compare", *(str(option) for option in options)])


def read_table():
    with open("table.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("folder")
def test_table_and_picture_are_of_compare_decoders(capsys, monkeypatch):
    figures, savefig = [], Figure.savefig

    def keep_figure(figure, *args, **kwargs):
        figures.append(figure)
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep_figure)
    assert run("--output", "picture.png") == 0
    output, errors = capsys.readouterr()
    # Also where no bar can be drawn, each decoder is named when it is finished.
    for i, name in enumerate(DEFAULT):
        line = rf"^{name}: [\d.]+ s.* \({i + 1} of {len(DEFAULT)}\)$"
        assert re.search(line, errors, re.MULTILINE)
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    assert "On 600 samples. FVU" in output and "--max-samples" not in output
    sae, X = load_sae("sae"), np.load("x.npy")
    decoders = {name: DECODERS[name](sae) for name in DEFAULT}
    expected = compare_decoders(decoders, X, n_nonzero_coefs=[2, 4, 8]).reset_index()
    rows = read_table()
    assert [row["decoder"] for row in rows] == list(expected["decoder"])
    for column in ("L0", "FVU", "sample_error", "cosine", "dead_latents"):
        measured = [float(row[column]) for row in rows]
        np.testing.assert_allclose(measured, expected[column], rtol=1e-4)
    for row in rows:
        assert row["decoder"] in output and f"{float(row['FVU']):.4f}" in output
        assert float(row["seconds_per_sample"]) > 0
    assert Path("picture.png").read_bytes().startswith(b"\x89PNG")
    (ax,) = figures[0].axes
    names = [line.get_label().removesuffix(" (above)") for line in ax.lines]
    assert names == [*DEFAULT, "Pareto front"]
    assert ax.get_ylim()[1] <= 1


@pytest.mark.usefixtures("folder")
def test_choice_of_decoders_and_sparsities():
    arguments = ["--decoders", "omp", "sae", "omp", "--n-nonzero-coefs", "3", "5"]
    run(*arguments, "--output", "p.pdf", "--format", "saelens", "--k", K)
    rows = read_table()
    assert [row["decoder"] for row in rows] == ["omp", "omp", "sae"]
    l0 = [float(row["L0"]) for row in rows]
    assert 2.5 < l0[0] <= 3 and 4 < l0[1] <= 5 and l0[2] == pytest.approx(K, abs=0.5)


@pytest.mark.usefixtures("folder")
def test_fewer_samples_are_spread_over_the_file(capsys):
    run("--max-samples", "101", "--decoders", "sae")
    output = " ".join(capsys.readouterr().out.split())
    assert "On 101 samples of 600, evenly spaced (--max-samples)" in output
    X = np.load("x.npy")[np.linspace(0, 599, 101).round().astype(int)]
    fvu = fraction_of_variance_unexplained(X, load_sae("sae").estimator.reconstruct(X))
    assert float(read_table()[0]["FVU"]) == pytest.approx(fvu, rel=1e-4)


@pytest.mark.usefixtures("folder")
def test_transcoders_are_compared_on_their_output(capsys):
    rng = np.random.default_rng(1)
    arrays = rng.standard_normal((N, 9)), rng.standard_normal(9), rng.standard_normal((D, N))
    options = {"is_transcoder": True, "applies_b_dec": False}
    transcoder = Transcoder.from_weights(SAEWeights("relu", *arrays, np.zeros(N), **options))
    transcoder.save("tc")
    Y = transcoder.reconstruct(np.load("x.npy")) + rng.standard_normal((600, 9))
    np.save("y.npy", Y)
    run("--targets", "y.npy", "--n-nonzero-coefs", "4", sae="tc")
    rows = {row["decoder"]: float(row["FVU"]) for row in read_table()}
    assert set(rows) == set(DEFAULT) - {"sae-refit"}
    fvu = fraction_of_variance_unexplained(Y, load_sae("tc").reconstruct(np.load("x.npy")))
    assert rows["sae"] == pytest.approx(fvu, rel=1e-4)
    with pytest.raises(SystemExit):
        run("--targets", "y.npy", "--decoders", "omp-swap", "sae-swap", sae="tc")
    assert "--decoders sae-swap is for autoencoders" in capsys.readouterr().err
    np.save("y.npy", Y[:7])
    for arguments, message in (
        ([], "--targets Y.npy is needed"),
        (["--targets", "y.npy"], "--targets y.npy has 7 rows, but"),
        (["--targets", "x.npy"], "16 columns, but the output of the transcoder"),
        (["--targets", "no.npy"], "--targets no.npy: there is no such file"),
    ):
        with pytest.raises(SystemExit):
            run(*arguments, sae="tc")
        assert message in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def features(folder):
    """The folder, with true codes and labels of all samples, one of which is massive."""
    X, F = np.load("x.npy"), load_sae("sae").estimator.dictionary_
    rng = np.random.default_rng(1)
    codes = csr_array(np.where(rng.random((600, 30)) < 0.1, 1.0, 0.0))
    X = codes @ F[:30] + 0.01 * rng.standard_normal(X.shape)
    X[6] = 1000
    np.save("x.npy", X)
    save_npz("codes.npz", codes)
    np.save("codes.npy", codes.toarray())
    np.save("y.npy", codes[:, :1].toarray() != 0)
    return folder


@pytest.mark.usefixtures("features")
@pytest.mark.parametrize("file", ["codes.npz", *long("codes.npy")])
def test_features_baselines_and_massive_activations(capsys, file, monkeypatch):
    monkeypatch.setattr(_feature_columns, "FOLDS", 2)
    monkeypatch.setattr(_probing, "_INNER_FOLDS", 2)
    arguments = ["--truth", file, "--baselines", "random", "--max-norm", "99", "--y", "MCC"]
    arguments += ["--decoders", "sae", "omp", "--n-nonzero-coefs", "3", "--max-samples", "100"]
    has_labels = file == "codes.npy"
    assert run(*arguments, *["--labels", "y.npy"] * has_labels, "--output", "p.png") == 0
    output, lines = capsys.readouterr()
    assert len(re.findall(r"of which .*\d s probes \(\d of 2\)", lines)) == 2 * has_labels
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    assert "less 1 of norm above 99" in " ".join(output.split())
    assert "Codes against the truth" in output
    assert "\u2026" not in output and "│   random " in output
    assert ("Probes on few latents" in output) == has_labels
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    few, sae = np.linspace(0, 599, 100).round().astype(int), load_sae("sae")
    expected = compare_decoders(
        {"sae": sae, "omp": DECODERS["omp"](sae)},
        np.load("x.npy")[few],
        n_nonzero_coefs=[3],
        truth=np.load("codes.npy")[few],
        labels=np.load("y.npy")[few] if has_labels else None,
        baselines="random",
        max_norm=99,
    )
    rows = read_table()
    assert [row["decoder"] for row in rows] == ["sae", "omp", "omp, random"]
    assert set(rows[0]) == {"decoder", *expected.columns}
    assert ("AUC_20" in rows[0]) == has_labels
    for column in expected.columns.drop("seconds_per_sample"):
        measured = [float(row[column]) for row in rows]
        np.testing.assert_allclose(measured, expected[column], rtol=1e-4)


@pytest.mark.usefixtures("features")
def test_massive_activations_are_told_once(capsys, recwarn):
    run("--decoders", "sae", "omp", "--n-nonzero-coefs", "2", "--max-samples", "101")
    errors = capsys.readouterr().err.splitlines()
    (line,) = (line for line in errors if "% of the variance" in line)
    assert re.search(r"^Warning: 1 of 101 samples, .* pass --max-norm [\d.]+ to leave", line)
    assert not recwarn.list


def write_damaged_codes():
    """Indices that are places in memory."""
    codes = csr_array(np.eye(600))
    codes.indices[7] = 10**8
    save_npz("bad.npz", codes)


def write_codes_with_code():
    np.savez("bad.npz", format="csr", data=np.array([_Payload()], dtype=object))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "option, file, write, message",
    [
        ("truth", "no.npz", lambda: None, "there is no such file"),
        ("truth", "no.npy", lambda: None, "there is no such file"),
        ("truth", "bad.npz", lambda: Path("bad.npz").write_text("0, 1"), "not an .npz file"),
        ("truth", "bad.npz", lambda: np.savez("bad.npz", X=np.eye(3)), "not an .npz file"),
        ("truth", "bad.npz", write_codes_with_code, "not an .npz file"),
        ("truth", "bad.npz", write_damaged_codes, "not an .npz file"),
        ("truth", "bad.npz", lambda: save_npz("bad.npz", csr_array(np.eye(9))), "have 600 rows"),
        ("truth", "bad.npy", lambda: np.save("bad.npy", np.ones(600)), "shape (600,)"),
        ("labels", "bad.npy", lambda: write_activations(np.array([_Payload()] * 600)), "not an"),
        ("labels", "bad.npy", lambda: np.save("bad.npy", np.ones(9)), "have 600 rows"),
        ("labels", "bad.npz", lambda: np.savez("bad.npz", y=np.ones(9)), "have 600 rows"),
        ("labels", "bad.npz", lambda: np.savez("bad.npz", X=[0], y=[0]), "must have one array"),
        ("labels", "bad.npy", lambda: np.save("bad.npy", np.ones(600)), "labels must have two"),
    ],
)
def test_features_that_are_no_use_end_with_a_message(capsys, option, file, write, message):
    write()
    with pytest.raises(SystemExit) as exit_info:
        run(f"--{option}", file, "--decoders", "sae")
    assert exit_info.value.code == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"--{option} {file}: " in error and message in error
    assert not Path("code_was_run").exists()


def test_samples_are_read_block_by_block(folder):
    stored = np.load(folder / "x.npy")
    X = map_activations([folder / "x.npy"])
    (array,) = X._arrays
    assert isinstance(array, np.memmap) and not array.flags.writeable
    progress = []
    samples = Samples(X, 10**6, "X", progress.append)
    assert samples.shape == (600, D)
    np.testing.assert_array_equal(samples[250:500], stored[250:500])
    np.testing.assert_array_equal(samples[:7], stored[:7])
    assert progress == [250, 0]


@pytest.mark.usefixtures("folder")
def test_labels_in_an_archive():
    y = np.arange(600) % 3 == 0
    np.savez("y.npz", y=y)
    few = np.arange(0, 600, 5)
    np.testing.assert_array_equal(read_labels(Path("y.npz"), few, 600)[:, 0], y[few])


@pytest.mark.usefixtures("folder")
def test_shards_and_archives_are_the_rows_of_one_file(capsys):
    X = np.load("x.npy")
    np.save("a.npy", X[:250].astype(np.float64))
    np.savez("b.npz", X=X[250:251])
    np.savez_compressed("c.npz", X=X[251:], Y=X[:3])
    arguments = ["--decoders", "sae", "omp", "--n-nonzero-coefs", "3", "--max-samples", "101"]
    tables = []
    for files in (["x.npy"], ["a.npy", "b.npz", "c.npz"]):
        run(*arguments, "--key", "X", activations=files)
        tables.append([[row[name] for name in ("decoder", "L0", "FVU")] for row in read_table()])
    assert tables[0] == tables[1]
    capsys.readouterr()
    X[417] = np.inf
    np.savez("c.npz", X=X[251:])
    np.save("narrow.npy", X[:, :3])
    np.savez("code.npz", X=np.array([[_Payload()]]))
    for files, key, message in (
        (["a.npy", "c.npz"], [], "--activations c.npz: row 166 (the first is row 0) has NaN"),
        (["a.npy", "narrow.npy"], [], "narrow.npy: must have 16 columns, as a.npy, got shape"),
        (["a.npy", "no.npz"], [], "--activations no.npz: there is no such file"),
        (["c.npz"], ["--key", "Y"], "c.npz: --key must be one of its arrays, X, got Y"),
        (["code.npz"], [], "code.npz: is not an .npz file of numbers"),
    ):
        with pytest.raises(SystemExit):
            run("--decoders", "sae", *key, activations=files)
        assert message in " ".join(capsys.readouterr().err.split())
    assert not Path("code_was_run").exists()
    np.savez("c.npz", X=X[:3], Y=X[:3])
    with pytest.raises(SystemExit):
        run("--decoders", "sae", activations=["c.npz"])
    assert "must be one of its arrays, X, Y, got None" in capsys.readouterr().err


def test_rows_of_shards():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, 3)) for n in (5, 1, 4)]
    X, whole = Shards(arrays, ["a", "b", "c"]), np.vstack(arrays)
    assert X.shape == (10, 3) and len(X) == 10
    for rows in (slice(None), slice(4, 7), np.array([9, 0, 5, 5, 4])):
        np.testing.assert_array_equal(X[rows], whole[rows])
    assert [X.place(row) for row in (0, 4, 5, 6, 9)] == [
        ("a", 0), ("a", 4), ("b", 0), ("c", 0), ("c", 3)
    ]  # fmt: skip


def test_sparsities_are_around_that_of_the_autoencoder(folder):
    X, sae = np.load(folder / "x.npy"), load_sae("sae")
    assert numbers_of_latents(sae, X) == [2, 4, 8]
    # Nothing is active on b_dec.
    assert numbers_of_latents(sae, np.tile(sae.estimator.intercept_, (2, 1))) == [1]


def write_activations(X):
    np.save("bad.npy", X, allow_pickle=True)


def write_nan():
    X = np.load("x.npy")
    X[417, 3] = np.nan
    write_activations(X)


def write_archive():
    np.savez("bad.npz", X=np.load("x.npy"))
    Path("bad.npz").rename("bad.npy")


def write_truncated():
    Path("bad.npy").write_bytes(Path("x.npy").read_bytes()[:-100])


class _Payload:
    """Something that writes a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("code_was_run"),)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "write, message",
    [
        (lambda: None, "there is no such file"),
        (lambda: Path("bad.npy").mkdir(), "there is no such file"),
        (lambda: Path("bad.npy").write_text("0.1, 0.2, 0.3"), "not an .npy file"),
        (lambda: Path("bad.npy").touch(), "not an .npy file"),
        (write_archive, "not an .npy file but a zip file, as torch.save and numpy.savez write"),
        (write_truncated, "not an .npy file of numbers, or is damaged"),
        (lambda: write_activations(np.array([[_Payload()]])), "not an .npy file of numbers"),
        (lambda: write_activations(np.ones(D)), "got shape (16,)"),
        (lambda: write_activations(np.ones((1, D))), "got shape (1, 16)"),
        (lambda: write_activations(np.ones((5, D), complex)), "got dtype complex128"),
        (lambda: write_activations(np.ones((5, D)).astype(str)), "must hold real numbers"),
        (lambda: write_activations(np.ones((5, D + 1))), "17 columns, but the autoencoder"),
        (write_nan, "--activations bad.npy: row 417 (the first is row 0) has NaN or infinity"),
    ],
)
def test_activations_that_are_no_use_end_with_a_message(capsys, write, message):
    write()
    with pytest.raises(SystemExit) as exit_info:
        run("--decoders", "sae", activations="bad.npy")
    assert exit_info.value.code == 2
    error = " ".join(capsys.readouterr().err.split())
    assert message in error and "bad.npy" in error
    assert not Path("code_was_run").exists()


def test_activations_of_another_format(tmp_path):
    path = tmp_path / "X.safetensors"
    path.write_bytes(b"of other kinds")
    with pytest.raises(ValueError, match=r"neither an .npy file.* save a tensor by numpy.save"):
        map_activations([path])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--sae", "nowhere"], "--sae nowhere"),
        (["--sae", "."], "--sae ."),
        (["--format", "keras"], "'keras'"),
        (["--k", "5"], "k=5 contradicts the file"),
        (["--scale", "2"], "scale=2.0 contradicts the file"),
        (["--normalization", "layer_norm"], "normalization='layer_norm' contradicts the file"),
        (["--transcoder"], "transcoder=True contradicts the file"),
        (["--n-nonzero-coefs", "4", "0"], "--n-nonzero-coefs must be at least 1, got 0"),
        (["--n-nonzero-coefs", "few"], "--n-nonzero-coefs"),
        (["--max-samples", "1"], "--max-samples must be at least 2, got 1"),
        (["--max-norm", "0"], "--max-norm must be above 0, got 0.0"),
        (["--max-norm", "1e-9"], "max_norm must leave samples to compare on, got 1e-09"),
        (["--baselines", "zero"], "--baselines: invalid choice: 'zero'"),
        (["--y", "F1"], "--y must be one of L0, FVU, sample_error, cosine, dead_latents, "),
        (["--decoders", "oracle"], "--decoders"),
        (["--output", "picture.xyz"], "picture.xyz"),
        (["--output", "no/such/folder/p.png"], "no/such/folder"),
        (["--csv", "no/such/folder/t.csv"], "no/such/folder"),
    ],
)
def test_bad_arguments_end_with_a_message(capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_info:
        run(*arguments)
    assert exit_info.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_both_files_must_be_named(capsys):
    with pytest.raises(SystemExit):
        main(["compare"])
    assert "--activations, --sae" in capsys.readouterr().err
