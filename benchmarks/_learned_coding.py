"""Pursuits on learned dictionaries, in a first call and in a later one, beside their peers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import gc
from dataclasses import asdict, replace

import numpy as np
from scipy.sparse import csr_array

from benchmarks._fresh_process import run_fresh
from benchmarks._learned import LATER, LearnedProblem, ShippedProblem
from benchmarks._learned_peers import NUMPY_PURSUIT, ORTHOGONAL_PURSUITS
from benchmarks._timing import timed
from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    SwapDecoder,
)


def _decoder(kind, values, **settings):
    return lambda dictionary, k: kind(dictionary, k, values=values, **settings)


def _with_swaps(make):
    return lambda dictionary, k: SwapDecoder(make(dictionary, k))


# What is shown, what makes the decoder of a dictionary and k, and its peers.
_MP = (
    "matching pursuit, nonnegative",
    _decoder(MatchingPursuitDecoder, "nonnegative"),
    [NUMPY_PURSUIT],
)
_OMP = ("OMP, real", _decoder(OrthogonalMatchingPursuitDecoder, "real"), ORTHOGONAL_PURSUITS)
NONNEGATIVE_OMP = (
    "OMP, nonnegative",
    _decoder(OrthogonalMatchingPursuitDecoder, "nonnegative"),
    [],
)
_DECREASE = (
    "OMP by decrease, real",
    _decoder(OrthogonalMatchingPursuitDecoder, "real", selection="decrease"),
    [],
)
_GP = (
    "gradient pursuit, nonnegative",
    _decoder(GradientPursuitDecoder, "nonnegative"),
    [NUMPY_PURSUIT],
)
_REAL_GP = ("gradient pursuit, real", _decoder(GradientPursuitDecoder, "real"), [])


def learned_mp(size, repeats, tell):
    """Compare matching pursuit with one product of matrices for each of k steps."""
    return compare_coders(LearnedProblem(size), [_MP], repeats, tell)


def learned_omp(size, repeats, tell):
    """Compare orthogonal matching pursuit with that of SPAMS, scikit-learn and dictlearn."""
    return compare_coders(LearnedProblem(size), [_OMP, NONNEGATIVE_OMP], repeats, tell)


def learned_gp(size, repeats, tell):
    """Compare gradient pursuit with the k products that plain matching pursuit needs."""
    return compare_coders(LearnedProblem(size), [_GP, _REAL_GP], repeats, tell)


def shipped(size, repeats, tell):
    """Compare all of them on the shipped autoencoder and activations."""
    methods = [_MP, _OMP, NONNEGATIVE_OMP, _DECREASE, _GP]
    return compare_coders(ShippedProblem(size), methods, repeats, tell)


def shipped_swaps(size, repeats, tell):
    """Compare exchanges of codewords with the pursuits that they start from."""
    rows = []
    for name, make, _ in (_OMP, _DECREASE, NONNEGATIVE_OMP):
        pair = [(name, make, []), (f"swaps from {name}", _with_swaps(make), [])]
        start, swapped = compare_coders(ShippedProblem(size), pair, repeats, tell)
        pairs = zip(swapped["first_seconds"], start["first_seconds"], strict=True)
        swapped["ratio_to_start"] = [taken / before for taken, before in pairs]
        rows += [start, swapped]
    return rows


def large(size, repeats, tell):
    """Measure time and memory of OMP on codewords in float16, in a process of its own."""
    own = {"method": "OMP, nonnegative, float16 codewords", "samples": size.n_samples}
    tell(own["method"])
    runs = [run_fresh("learned_pursuit", size=asdict(size)) for _ in range(repeats)]
    for measured in runs:
        if "note" in measured:
            return [own | {"note": measured["note"]}]
    for key in ("first_seconds", "later_seconds"):
        own[key] = [measured[key] for measured in runs]
    own["fvu"], own["peak_bytes"] = (runs[0][key] for key in ("fvu", "peak_bytes"))
    problem = LearnedProblem(size, dtype=np.float16)
    return [own, time_peer(problem, replace(NUMPY_PURSUIT, n_samples=32), runs[-1], tell)]


def compare_coders(problem, methods, repeats, tell):
    """Time decoders and their peers in a first call on a dictionary, and in a later one.

    A first call includes all that has to be computed once of the dictionary. Each decoder and its
    peers take turns; peers, most of which take long, are timed once.

    Parameters
    ----------
    problem : LearnedProblem
        What is coded.
    methods : list of (str, callable, list of LearnedPeer)
        Names, functions of a dictionary and k that give a decoder, and peers.
    repeats : int
        Timings of each decoder.
    tell : callable
        Is told what is being timed.

    Returns
    -------
    rows : list of dict
        One a method, with seconds a sample of both calls, times relative to that of the decoder,
        and the FVU of the first call.
    """
    rows = []
    for name, make, peers in methods:
        tell(name)
        code_once(problem, make, 0, n_samples=1)  # so that everything is compiled
        own = {"method": name, "samples": len(problem.samples)}
        own |= {"first_seconds": [], "later_seconds": []}
        rows.append(own)
        for call in range(repeats):
            measured = code_once(problem, make, call + 1)
            for key in ("first_seconds", "later_seconds"):
                own[key].append(measured[key])
            own["fvu"] = measured["fvu"]
            if call == 0:
                rows += [time_peer(problem, peer, measured, tell) for peer in peers]
    return rows


def code_once(problem, make, call, n_samples=None):
    """Return seconds a sample of a first call on a dictionary and of a later one, and the FVU."""
    gc.collect()  # nothing of an earlier dictionary is left
    samples, k = problem.samples[:n_samples], problem.size.n_nonzero_coefs
    decoder = make(problem.fresh_dictionary(call), k)
    first, codes = timed(lambda: decoder.fit(samples[:1]).transform(samples))
    later, _ = timed(decoder.transform, problem.later)
    return {
        "first_seconds": first / len(samples),
        "later_seconds": later / LATER,
        "fvu": _fvu(problem, samples, decoder.inverse_transform(codes)),
    }


def time_peer(problem, peer, own, tell):
    """Return the row of a peer that is timed just after a decoder."""
    tell(peer.name)
    row = {"method": peer.name}
    reason = peer.obstacle(problem.size)
    if reason is not None:
        return row | {"note": reason}
    dictionary, k = problem.dictionary.astype(np.float32, copy=False), problem.size.n_nonzero_coefs
    compiling, compiled = peer.prepare(dictionary[: 4 * k], k)
    compiling()
    compiled(problem.samples[:1])
    prepare, code = peer.prepare(dictionary, k)
    samples = problem.samples[: peer.n_samples]
    preparing, _ = timed(prepare)
    taken, codes = timed(code, samples)
    first = preparing / len(problem.samples) + taken / len(samples)
    row |= {"samples": len(samples), "first_seconds": [first], "note": peer.note}
    row["ratio"] = [first / own["first_seconds"]]
    if peer.has_later_call:
        row["later_seconds"] = [timed(code, problem.later)[0] / LATER]
        row["later_ratio"] = [row["later_seconds"][0] / own["later_seconds"]]
    row["fvu"] = _fvu(problem, samples, csr_array(codes) @ dictionary)
    return row


def _fvu(problem, samples, reconstructions):
    """Mean squared error of some samples over the variance of all."""
    errors = np.sum((samples - reconstructions) ** 2, axis=1, dtype=np.float64)
    return float(errors.mean() / problem.samples.var(axis=0, dtype=np.float64).sum())
