"""Measure which codewords learners find, of codes that their own decoder can and cannot read.

Some minutes on two cores; what is finished of the phase diagram is kept in ``--checkpoint``::

    python examples/make_dictionary_recovery.py --n-jobs 2 --checkpoint recovery.sqlite

Two tables of the user guide are written into ``--docs``, and
``python docs/_extensions/pictures.py`` draws its figures from them. In the first all codewords are
alike, and the number of dimensions and samples varies. In the second, half of the codewords are
shorter than the others, so that a decoder may read one part of the signal and not the other.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from matplotlib import pyplot as plt
from sklearn.base import clone

from sksupercode import (
    DictionaryLearner,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    SparseAutoencoder,
    TopKDecoder,
)
from sksupercode._utils._tables import write_csv
from sksupercode.datasets import make_planted_activations
from sksupercode.metrics import (
    exact_recovery_score,
    match_dictionaries,
    support_precision_recall_f1,
)
from sksupercode.model_selection import dictionary_recovery

N, K = 256, 4
DIMENSIONS = [26, 30, 37, 46, 61, 91]
SAMPLES = [5, 10, 20, 40]
SCALES = [0.15, 0.25, 0.35, 0.5, 1]
N_COMPONENTS, PER_CODEWORD = 61, 40
N_TEST = 2000
READERS = {
    "OMP": OrthogonalMatchingPursuitDecoder(None, K, values="nonnegative"),
    "MP": MatchingPursuitDecoder(None, K, values="nonnegative"),
    "top-k": TopKDecoder(None, K, values="nonnegative"),
}
LEARNERS = {
    name: DictionaryLearner(N, n_nonzero_coefs=K, decoder=decoder)
    for name, decoder in READERS.items()
}
LEARNERS["TopK autoencoder"] = SparseAutoencoder(N, n_nonzero_coefs=K, max_iter=60)
READERS["TopK autoencoder"] = READERS["top-k"]


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--n-trials", type=int, default=1)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--checkpoint", type=Path, help="file for what is finished")
    return parser.parse_args()


def read(name, dictionary, X):
    """Return the codes that the decoder of a learner finds with the true dictionary."""
    return clone(READERS[name]).set_params(dictionary=dictionary).fit(X).predict(X)


def phase_rows(recovery):
    """Return a row for each learner and d: what is read, and what is found."""
    rows, means = [], {name: getattr(recovery, name).mean(axis=-1) for name in ("found", "omp_fvu")}
    own = recovery.fvu.mean(axis=-1)
    for (j, d), (i, name) in product(
        enumerate(recovery.n_components.tolist()), enumerate(recovery.learners)
    ):
        X, codes, dictionary = make_planted_activations(
            N_TEST, N, d, n_nonzero_coefs=K, random_state=0
        )
        row = {"bits/dim": f"{recovery.bits_per_dimension[j]:.2f}", "learner": name}
        support = read(name, dictionary, X)
        row["codes read"] = f"{exact_recovery_score(codes, support):.2f}"
        row["codewords read"] = f"{support_precision_recall_f1(codes, support)[1]:.2f}"
        for m, found in zip(SAMPLES, means["found"][i, j], strict=True):
            row[f"found, {m}"] = f"{found:.2f}"
        row |= {"FVU": f"{own[i, j, -1]:.3f}", "FVU by OMP": f"{means['omp_fvu'][i, j, -1]:.3f}"}
        rows.append(row)
    return rows


def measure_weak(name, scale, trial):
    """Return what a learner reads and finds of codewords of norm 1, and of those of norm scale."""
    rng = np.random.default_rng(trial)
    units = rng.standard_normal((N, N_COMPONENTS))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    halves = np.arange(2).repeat(N // 2)
    dictionary = units * np.array([1, scale])[halves, np.newaxis]
    X, codes, _ = make_planted_activations(
        PER_CODEWORD * N + N_TEST,
        dictionary=dictionary,
        n_nonzero_coefs=K,
        dtype=np.float32,
        random_state=rng,
    )
    X, test, codes = X[:-N_TEST], X[-N_TEST:], codes[-N_TEST:]
    learner = clone(LEARNERS[name]).set_params(random_state=trial).fit(X)
    match = match_dictionaries(units, learner)
    found = np.bincount(halves[np.abs(match.nearest_cosines) > match.threshold], minlength=2)
    active = codes != 0
    hits = active.multiply(read(name, units, test)).sum(axis=0)
    parts = (np.bincount(halves, np.ravel(n)) for n in (hits, active.sum(axis=0)))
    return [*np.divide(*parts), *(found / (N // 2))]


def weak_rows(arguments):
    """Return a row for each scale and learner: what is read and found of each half."""
    points = list(product(SCALES, LEARNERS))
    trials = range(arguments.n_trials)
    tasks = (delayed(measure_weak)(name, s, trial) for s, name in points for trial in trials)
    results = np.reshape(Parallel(arguments.n_jobs)(tasks), (len(points), len(trials), 4))
    columns = ("long read", "short read", "long found", "short found")
    return [
        {"norm": scale, "learner": name}
        | {column: f"{x:.2f}" for column, x in zip(columns, numbers, strict=True)}
        for (scale, name), numbers in zip(points, results.mean(axis=1), strict=True)
    ]


def draw_weak(rows):
    """Return a figure of the short codewords that are read, and that are found."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
    for name in LEARNERS:
        own = [row for row in rows if row["learner"] == name]
        for ax, what in zip(axes, ("read", "found"), strict=True):
            ax.plot(SCALES, [float(row[f"short {what}"]) for row in own], "o-", ms=4, label=name)
    axes[0].set(title="read with the true dictionary", ylabel="fraction of the short codewords")
    axes[1].set(title="found by learning")
    for ax in axes:
        ax.set(xlabel="norm of the short codewords", ylim=(-0.02, 1.02))
    axes[1].legend(frameon=False)
    return figure


def main(arguments):
    recovery = dictionary_recovery(
        LEARNERS,
        n_latents=N,
        n_nonzero_coefs=K,
        n_components=DIMENSIONS,
        n_samples=N * np.array(SAMPLES),
        n_trials=arguments.n_trials,
        random_state=0,
        n_jobs=arguments.n_jobs,
        checkpoint=arguments.checkpoint,
    )
    guide = arguments.docs / "user_guide"
    write_csv(phase_rows(recovery), guide / "dictionary_recovery.csv")
    print(f"{recovery.seconds.sum():.0f} seconds of learning", flush=True)
    write_csv(weak_rows(arguments), guide / "dictionary_recovery_weak.csv")


if __name__ == "__main__":
    main(read_arguments())
