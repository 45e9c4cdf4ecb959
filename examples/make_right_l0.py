"""Test statistics that are said to find the right L0, on samples of which the truth is known.

Some ten minutes of one core, or half of that of two::

    python examples/make_right_l0.py --n-jobs 2

Autoencoders and dictionary learners are fitted with k from a quarter of the true mean L0 to four
times that, from several seeds each. Chanin and Garriga-Alonso (2025, arXiv:2508.16560) expect the
mean absolute cosine of codewords, and before that a quantile of the projections of samples on them,
to be least at the right L0. What is known of the truth, and how well seeds agree (Paulo and Belrose
2025, arXiv:2501.16615), stand beside these. Some samples are activations of a transformer, of which
the truth is unknown. Two tables of the user guide are written into ``--docs``, and
``python docs/_extensions/pictures.py`` draws the figure from them. With ``--small`` there are two
seeds, fewer samples and three problems.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter
from scipy.sparse import csr_array
from scipy.special import ndtri

from sksupercode import DictionaryLearner, SparseAutoencoder
from sksupercode._utils._tables import write_csv
from sksupercode.datasets import load_activations, make_planted_activations, make_synth_sae_bench
from sksupercode.inspection import dictionary_report
from sksupercode.metrics import fraction_of_variance_unexplained, match_codes, match_dictionaries

FACTORS = (0.25, 0.5, 1, 1.5, 2, 4)
N_TEST = 2000
# Codewords of two seeds are the same from this cosine on.
SAME = 0.7
METHODS = ("autoencoder", "learner")


@dataclass(frozen=True)
class Problem:
    """Samples, what is known of them, and how long to learn from them."""

    name: str
    X: np.ndarray
    n_latents: int
    sizes: dict  # k for each multiple of the true L0
    passes: dict
    codes: csr_array | None = None
    truth: np.ndarray | None = None

    def learner(self, method, k, seed):
        options = {"max_iter": self.passes[method], "n_nonzero_coefs": k, "random_state": seed}
        if method == "learner":
            return DictionaryLearner(self.n_latents, **options)
        return SparseAutoencoder(self.n_latents, architecture="batchtopk", **options)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--n-seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="quick; writes nothing")
    return parser.parse_args()


def correlated_features(n_samples):
    """Return samples of 50 orthogonal features of 100 dimensions that fire together or apart.

    Frequencies, amplitudes and sizes are those of the toy model of Chanin and Garriga-Alonso.
    Features fire where normal variables are large, which share 5 factors with .6 of their variance.
    """
    rng = np.random.default_rng(0)
    frequencies = 0.05 + 0.345 * (49 - np.arange(50)) / 50
    loadings = rng.standard_normal((50, 5))
    loadings *= np.sqrt(0.6) / np.linalg.norm(loadings, axis=1, keepdims=True)
    normal = rng.standard_normal((n_samples, 5)) @ loadings.T
    normal += np.sqrt(0.4) * rng.standard_normal(normal.shape)
    amplitudes = np.maximum(0, 1 + 0.15 * rng.standard_normal(normal.shape))
    codes = np.where(normal > ndtri(1 - frequencies), amplitudes, 0)
    truth = np.linalg.qr(rng.standard_normal((100, 50)))[0].T
    return codes @ truth, csr_array(codes), truth


def planted(name, parts, sae_passes, learner_passes):
    X, codes, truth = parts[:3]
    L0 = codes.nnz / len(X)
    return Problem(
        f"{name}, L0 {L0:.1f}",
        X.astype(np.float32),
        len(truth),
        {factor: max(1, round(factor * L0)) for factor in FACTORS},
        {"autoencoder": sae_passes, "learner": learner_passes},
        codes,
        truth,
    )


def make_problems(small):
    n = (6000 if small else 10_000) + N_TEST
    groups = {"group_size": 9, "group_firing": "hierarchical", "member_probability": 1 / 8}
    uniform = make_planted_activations(
        n, 128, 40, n_nonzero_coefs=4, support="bernoulli", random_state=0
    )
    trees = make_planted_activations(n, 144, 48, n_nonzero_coefs=4, random_state=0, **groups)
    yield planted("orthogonal, correlated", correlated_features(n), 40, 5)
    yield planted("in superposition", uniform, 40, 5)
    yield planted("with parents", trees, 40, 5)
    if small:
        return
    bench = make_synth_sae_bench(20_000 + N_TEST, random_state=0)
    X = load_activations().data
    # There is no L0 to be a multiple of.
    sizes = {k: k for k in (4, 8, 16, 32, 64)}
    passes = {"autoencoder": 30, "learner": 3}
    yield Problem("MiniLM, L0 unknown", X, 512, sizes, passes)
    yield planted("SynthSAEBench", bench, 15, 3)


def projection(estimator, X):
    """Return what a third of the projections of samples on unit codewords exceed."""
    F = estimator.dictionary_
    norms = np.linalg.norm(F, axis=1, keepdims=True)
    units = F / np.where(norms > 0, norms, 1)
    return float(np.quantile((X - estimator.intercept_) @ units.T, 2 / 3))


def measure(problem, method, k, seed):
    """Return the codewords that a learner finds, and what is said of them."""
    n_test = min(N_TEST, len(problem.X) // 10)
    X, X_test = problem.X[:-n_test], problem.X[-n_test:]
    estimator = problem.learner(method, k, seed).fit(X)
    codes = estimator.transform(X_test)
    numbers = {
        "c_dec": dictionary_report(estimator).mean_absolute_cosine,
        "projection": projection(estimator, X_test),
        "FVU": fraction_of_variance_unexplained(X_test, estimator.inverse_transform(codes)),
    }
    if problem.truth is not None:
        match = match_dictionaries(problem.truth, estimator, signed=True)
        numbers["MCC"] = float(match.mcc)
        numbers["F1"] = match_codes(problem.codes[-n_test:], codes, match).f1
    return estimator.dictionary_, numbers


def make_rows(problem, n_seeds, n_jobs):
    """Return a row for each learner and k: means over seeds, and over pairs of seeds."""
    points = list(product(METHODS, problem.sizes))
    truth = None
    if problem.truth is not None:
        truth = dictionary_report(problem.truth).mean_absolute_cosine
    tasks = (
        delayed(measure)(problem, method, problem.sizes[factor], seed)
        for method, factor in points
        for seed in range(n_seeds)
    )
    results = Parallel(n_jobs)(tasks)
    rows = []
    for place, (method, factor) in enumerate(points):
        found, numbers = zip(*results[place * n_seeds : (place + 1) * n_seeds], strict=True)
        row = {"samples": problem.name, "learner": method}
        row |= {"k / L0": None if problem.truth is None else factor, "k": problem.sizes[factor]}
        for name in ("c_dec", "projection", "FVU", "MCC", "F1"):
            values = [seed[name] for seed in numbers if name in seed]
            row[name] = float(np.mean(values)) if values else None
        row["c_dec of the truth"] = truth
        row["c_dec, deviation"] = float(np.std([seed["c_dec"] for seed in numbers], ddof=1))
        pairs = [
            match_dictionaries(*pair, threshold=SAME, signed=True)
            for pair in combinations(found, 2)
        ]
        row["stability"] = float(np.mean([match.mcc for match in pairs]))
        row["shared"] = float(np.mean([match.found_in_pairs for match in pairs]))
        rows.append(row)
    return rows


def summarise(rows, problems):
    """Return where each statistic has its best value, as a multiple of L0 or as k."""
    summary = []
    for problem, method in product(problems, METHODS):
        own = [row for row in rows if (row["samples"], row["learner"]) == (problem.name, method)]
        line = {"samples": problem.name, "learner": method}
        for name, best in {
            "c_dec": np.argmin,
            "projection": np.argmin,
            "MCC": np.argmax,
            "F1": np.argmax,
            "stability": np.argmax,
            "shared": np.argmax,
        }.items():
            values = [row[name] for row in own]
            place = None if None in values else own[best(values)]
            at = place and (f"k = {place['k']}" if place["k / L0"] is None else place["k / L0"])
            line[name] = at if at is None else str(at)
        summary.append(line)
    return summary


def show(rows):
    texts = [
        [f"{x:.4f}" if isinstance(x, float) else "" if x is None else str(x) for x in row.values()]
        for row in rows
    ]
    lines = [list(rows[0]), *texts]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print(flush=True)


def draw(rows):
    """Return a figure of the statistics against k, of rows with numbers or None."""
    names = {"c_dec": "mean absolute cosine", "MCC": "MCC with the truth"}
    names["stability"] = "stability over seeds"
    problems = list(dict.fromkeys(row["samples"] for row in rows))
    figure, axes = plt.subplots(
        len(problems), len(names), figsize=(8, 2 * len(problems)), layout="constrained"
    )
    for problem, line in zip(problems, axes, strict=True):
        groups = {
            method: [row for row in rows if (row["samples"], row["learner"]) == (problem, method)]
            for method in METHODS
        }
        x_name = "k" if groups[METHODS[0]][0]["k / L0"] is None else "k / L0"
        for (name, label), ax in zip(names.items(), line, strict=True):
            own = groups[METHODS[0]]
            if own[0][name] is None:
                ax.set_axis_off()
                continue
            for method, own in groups.items():
                ax.plot(
                    *np.transpose([(r[x_name], r[name]) for r in own]), "o-", ms=4, label=method
                )
            if x_name == "k / L0":
                ax.axvline(1, color="0.7", linewidth=1, zorder=0)
                if name == "c_dec":
                    level = own[0]["c_dec of the truth"]
                    ax.axhline(level, color="0.3", ls=":", linewidth=1, label="the truth")
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            ax.set(xlabel=x_name, ylabel=label)
            ax.spines[["top", "right"]].set_visible(False)
        line[0].set_title(problem, loc="left", fontsize=11)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def main():
    args = read_arguments()
    n_seeds = 2 if args.small else args.n_seeds
    problems, rows = [], []
    for problem in make_problems(args.small):
        problems.append(problem)
        rows += make_rows(problem, n_seeds, args.n_jobs)
        show([row for row in rows if row["samples"] == problem.name])
    summary = summarise(rows, problems)
    show(summary)
    if args.small:
        return
    write_csv(rows, args.docs / "user_guide" / "right_l0.csv")
    write_csv(summary, args.docs / "user_guide" / "right_l0_summary.csv")


if __name__ == "__main__":
    main()
