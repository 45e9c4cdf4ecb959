"""Learning of dictionaries: time to the same error, what is found, and the largest size."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import asdict

import numpy as np

from benchmarks._fresh_process import run_fresh
from benchmarks._learning_methods import (
    AUTOENCODER,
    PASSES,
    PASSES_AFTER_SAE,
    PEERS,
    SKLEARN,
    own,
    own_fit,
)
from benchmarks._planted import PLANTED, PlantedProblem, test_fvu
from benchmarks._problem import Size
from benchmarks._timing import timed
from sksupercode import DictionaryLearner, SparseAutoencoder
from sksupercode.datasets import load_activations
from sksupercode.learning._coder import LearnedCodewords

_MOST_SECONDS = 120
# The time that a method needs for the last twentieth of its error is not held against it.
_NEARLY = 1.05
_TEST = 500


def time_to_fvu(size, repeats, tell):
    """Compare the times in which others and our learner get to the same FVU of other samples.

    Each peer learns once, as long as it may, and our learner ``repeats`` times just after it, until
    its FVU is that of the peer. The time of looks at what was learned does not count.
    """
    problem = PlantedProblem(size)
    tell("compiling")
    _warm_up()
    name = f"DictionaryLearner, {PASSES} passes"
    tell(name)
    taken, learned = run_once(problem, own_fit, 0)
    rows = [{"method": name, "training_seconds": [taken], **problem.measure(learned)}]
    for peer in PEERS:
        tell(peer.name)
        reason = peer.obstacle(size)
        if reason is not None:
            rows.append({"method": peer.name, "note": reason})
            continue
        points = follow(problem, peer.prepare, 0, _MOST_SECONDS)
        least = _NEARLY * min(fvu for _, _, fvu in points)
        taken, learned, _ = next(point for point in points if point[2] <= least)
        row = {"method": peer.name, "training_seconds": [taken], **problem.measure(learned)}
        row |= {"own_seconds": [], "ratio": []}
        for seed in range(repeats):
            tell(f"to the FVU of {peer.name}")
            seconds, _, fvu = follow(problem, own, seed, _MOST_SECONDS, row["fvu"])[-1]
            if fvu <= row["fvu"]:
                row["own_seconds"].append(seconds)
                row["ratio"].append(taken / seconds)
        notes = [peer.note] if peer.note else []
        if len(row["ratio"]) < repeats:
            notes.append(f"ours got there in {len(row['ratio'])} of {repeats} times")
            row = {key: value for key, value in row.items() if value != []}
        rows.append(row | ({"note": "; ".join(notes)} if notes else {}))
    return rows


def _warm_up():
    """Learn something small, so that nothing is compiled or imported while it is timed."""
    X = PlantedProblem(Size(16, 2, 16, 64)).samples
    next(own(X, 16, 2, 0))
    if AUTOENCODER.obstacle(Size(16, 2, 16, 64)) is None:
        next(AUTOENCODER.prepare(X, 16, 2, 0))


def follow(problem, method, seed, most_seconds, least=-np.inf):
    """Return seconds, what was learned and its FVU after each step, up to a time or an FVU."""
    size = problem.size
    steps = method(problem.samples, size.n_features, size.n_nonzero_coefs, seed)
    points, seconds = [], 0.0
    while seconds < most_seconds:
        taken, learned = timed(next, steps, None)
        if learned is None:
            break
        seconds += taken
        learned = tuple(np.copy(part) for part in learned)
        points.append((seconds, learned, problem.fvu(learned)))
        if points[-1][2] <= least:
            break
    return points


def run_once(problem, method, seed, most_seconds=_MOST_SECONDS):
    """Return seconds, and what was learned at the end."""
    return follow(problem, method, seed, most_seconds)[-1][:2]


def planted(size, repeats, tell):
    """Measure what is found of five planted dictionaries, each repeat with another seed.

    N, d and the number of samples are in proportion to those of the largest problem, k is its own.
    """
    tell("compiling")
    _warm_up()
    largest = max((kind.size for kind in PLANTED), key=lambda size: size.n_features)
    latents = size.n_features / largest.n_features
    components = size.n_components / largest.n_components
    samples_each = size.n_samples / size.n_features
    rows = []
    for kind in (kind.scaled(latents, components, samples_each) for kind in PLANTED):
        of_kind = {}
        for seed in range(repeats):
            problem = PlantedProblem(kind.size, seed, **kind.parameters)
            tell(f"{kind.name}, {seed + 1} of {repeats}")
            for name, seconds, learned in _found_by_each(problem, seed):
                row = of_kind.setdefault(
                    name, {"method": f"{kind.name}: {name}", **_shape(kind.size)}
                )
                if learned is None:
                    row["note"] = seconds
                    continue
                for key, value in problem.measure(learned).items():
                    row.setdefault(key, []).append(value)
                row.setdefault("training_seconds", []).append(seconds)
        rows += of_kind.values()
    return rows


def _shape(size):
    return {key: value for key, value in asdict(size).items() if key != "n_samples"}


def _found_by_each(problem, seed):
    yield "DictionaryLearner", *run_once(problem, own_fit, seed)
    for name, peer in (("TopK SAE", AUTOENCODER), ("scikit-learn", SKLEARN)):
        reason = peer.obstacle(problem.size)
        if reason is not None:
            yield name, reason, None
            continue
        seconds, learned = run_once(problem, peer.prepare, seed)
        yield name, seconds, learned
        if peer is AUTOENCODER:
            further, learned = run_once(problem, _going_on_from(learned), seed)
            yield f"SAE, then {PASSES_AFTER_SAE} passes", seconds + further, learned


def _going_on_from(learned):
    def method(X, n_latents, k, seed):
        return own_fit(
            X, n_latents, k, seed, init=LearnedCodewords(*learned), passes=PASSES_AFTER_SAE
        )

    return method


def shipped(size, repeats, tell):
    """Compare our learner and a TopK autoencoder on the shipped activations.

    They learn from the first activations, and the last 500 are explained. d is as it comes.
    """
    X = load_activations().data
    X, test = X[: min(size.n_samples, len(X) - _TEST)], X[-_TEST:]
    N, k = size.n_features, size.n_nonzero_coefs
    rows = {}

    def add(name, seconds, fvu):
        row = rows.setdefault(name, {"method": name, "training_seconds": [], "fvu": []})
        row["training_seconds"].append(seconds)
        row["fvu"].append(fvu)

    tell("compiling")
    _warm_up()
    for seed in range(repeats):
        tell(f"DictionaryLearner, {seed + 1} of {repeats}")
        learner = DictionaryLearner(N, n_nonzero_coefs=k, random_state=seed)
        seconds, _ = timed(learner.fit, X)
        add("DictionaryLearner, its OMP", seconds, 1 - learner.score(test))
        reason = AUTOENCODER.obstacle(size)
        if reason is not None:
            rows["TopK SparseAutoencoder"] = {"method": "TopK SparseAutoencoder", "note": reason}
            continue
        tell(f"TopK SparseAutoencoder, {seed + 1} of {repeats}")
        sae = SparseAutoencoder(N, n_nonzero_coefs=k, random_state=seed)
        seconds, _ = timed(sae.fit, X)
        add("TopK SparseAutoencoder, its encoder", seconds, 1 - sae.score(test))
        by_omp = test_fvu(sae.dictionary_, sae.intercept_, k, test)
        add("TopK SparseAutoencoder, OMP on its dictionary", seconds, by_omp)
        learner = DictionaryLearner(
            N, n_nonzero_coefs=k, init=sae, max_iter=PASSES_AFTER_SAE, random_state=seed
        )
        further, _ = timed(learner.fit, X)
        name = f"DictionaryLearner, {PASSES_AFTER_SAE} passes from there"
        add(name, seconds + further, 1 - learner.score(test))
    return list(rows.values())


def large(size, repeats, tell):
    """Measure one pass over samples of a large planted dictionary, in a process of its own."""
    row = {"method": "DictionaryLearner, one pass", "samples": size.n_samples}
    tell(row["method"])
    runs = [run_fresh("learned_dictionary", size=asdict(size)) for _ in range(repeats)]
    for measured in runs:
        if "note" in measured:
            return [row | {"note": measured["note"]}]
    for key in ("training_seconds", "peak_bytes", "fvu"):
        row[key] = [measured[key] for measured in runs]
    held = runs[0]["samples_bytes"] / 2**20
    return [row | {"note": f"samples of {held:,.0f} MiB are part of the memory"}]
