# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from sksupercode import SparseAutoencoder, Transcoder, load_sae
from sksupercode._cli._compare import Samples, numbers_of_latents
from sksupercode._cli._compare_options import DECODERS, map_activations
from sksupercode._cli._main import main
from sksupercode.metrics import fraction_of_variance_unexplained
from sksupercode.sae import SAEWeights, compare_decoders

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
    options = ["--activations", activations, "--sae", sae, "--csv", "table.csv", *arguments]
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
    output = capsys.readouterr().out
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    assert "On 600 samples. FVU" in output and "--max-samples" not in output
    sae, X = load_sae("sae"), np.load("x.npy")
    decoders = {name: make(sae) for name, make in DECODERS.items()}
    expected = compare_decoders(decoders, X, n_nonzero_coefs=[2, 4, 8]).reset_index()
    rows = read_table()
    assert [row["decoder"] for row in rows] == list(expected["decoder"])
    for column in ("L0", "FVU", "cosine", "dead_latents"):
        measured = [float(row[column]) for row in rows]
        np.testing.assert_allclose(measured, expected[column], rtol=1e-4)
    for row in rows:
        assert row["decoder"] in output and f"{float(row['FVU']):.4f}" in output
        assert float(row["seconds_per_sample"]) > 0
    assert Path("picture.png").read_bytes().startswith(b"\x89PNG")
    (ax,) = figures[0].axes
    assert [line.get_label() for line in ax.lines] == list(DECODERS)
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
    assert set(rows) == set(DECODERS) - {"sae-refit"}
    fvu = fraction_of_variance_unexplained(Y, load_sae("tc").reconstruct(np.load("x.npy")))
    assert rows["sae"] == pytest.approx(fvu, rel=1e-4)
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


def test_samples_are_read_block_by_block(folder):
    X = map_activations(folder / "x.npy")
    assert isinstance(X, np.memmap) and not X.flags.writeable
    progress = []
    samples = Samples(X, 10**6, progress.append)
    assert samples.shape == (600, D)
    np.testing.assert_array_equal(samples[250:500], X[250:500])
    np.testing.assert_array_equal(samples[:7], X[:7])
    assert progress == [250, 0]


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
        (write_archive, "not an .npy file"),
        (write_truncated, "not an .npy file of numbers, or is damaged"),
        (lambda: write_activations(np.array([[_Payload()]])), "not an .npy file of numbers"),
        (lambda: write_activations(np.ones(D)), "got shape (16,)"),
        (lambda: write_activations(np.ones((1, D))), "got shape (1, 16)"),
        (lambda: write_activations(np.ones((5, D), complex)), "got dtype complex128"),
        (lambda: write_activations(np.ones((5, D)).astype(str)), "must hold real numbers"),
        (lambda: write_activations(np.ones((5, D + 1))), "17 columns, but the autoencoder"),
        (write_nan, "row 417 (the first is row 0) contains NaN"),
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
        (["--n-nonzero-coefs", "0"], "--n-nonzero-coefs must be at least 1, got 0"),
        (["--n-nonzero-coefs", "few"], "--n-nonzero-coefs"),
        (["--max-samples", "1"], "--max-samples must be at least 2, got 1"),
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
