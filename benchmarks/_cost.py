"""What a sample costs with each decoder: time, and memory beside the dictionary."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from dataclasses import asdict

import numpy as np

from benchmarks._fresh_process import run_fresh
from benchmarks._learned import LearnedProblem
from benchmarks._problem import Problem, Size
from sksupercode import (
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SwapDecoder,
    TopKDecoder,
)
from sksupercode.model_selection._frontier_decoders import (
    default_decoders,
    encoder_of,
    out_of_reach,
)


def code_decoders():
    """Return the decoders of random signs, by name."""
    found = {}
    for name, decoder in default_decoders().items():
        if type(encoder_of(decoder)) is RademacherEncoder:
            found[name] = decoder
    return found


AUTOENCODER_DECODERS = {
    "top-k, refit": lambda F, k: RefitDecoder(TopKDecoder(F, k, values="real")),
    "matching pursuit, nonnegative": lambda F, k: MatchingPursuitDecoder(
        F, k, values="nonnegative"
    ),
    "gradient pursuit, nonnegative": lambda F, k: GradientPursuitDecoder(
        F, k, values="nonnegative"
    ),
    "OMP, real": lambda F, k: OrthogonalMatchingPursuitDecoder(F, k, values="real"),
    "OMP, nonnegative": lambda F, k: OrthogonalMatchingPursuitDecoder(F, k, values="nonnegative"),
    "swaps from OMP, real": lambda F, k: SwapDecoder(
        OrthogonalMatchingPursuitDecoder(F, k, values="real")
    ),
}


def codes(size, repeats, tell):
    """Measure all decoders of random signs on binary codes with sections, which all can read."""
    rows = []
    for name, decoder in code_decoders().items():
        reason = out_of_reach(decoder, encoder_of(decoder), size.n_features, size.n_nonzero_coefs)
        rows.append(_row("codes", name, reason, size, repeats, tell))
    return rows


def autoencoder(size, repeats, tell):
    """Measure the decoders for autoencoders on a dictionary and samples drawn like theirs."""
    return [_row("autoencoder", name, None, size, repeats, tell) for name in AUTOENCODER_DECODERS]


def _row(kind, name, reason, size, repeats, tell):
    tell(name)
    row = {"method": name}
    if reason is not None:
        return row | {"note": f"left out: {reason}"}
    arguments = {"kind": kind, "name": name, "size": asdict(size)}
    runs = [run_fresh("cost", **arguments) for _ in range(repeats)]
    for measured in runs:
        if "note" in measured:
            return row | measured
    row |= {"samples": size.n_samples, "seconds": [run["seconds"] for run in runs]}
    return row | {"working_bytes": [run["working_bytes"] for run in runs]}


def measure(kind, name, size, forget_peak, peak_bytes):
    """Return seconds a sample and bytes of one call, in a process that does nothing else."""
    # Of the same kind but few codewords, so that everything is compiled.
    small = Size(max(64, size.n_features // 16), min(8, size.n_nonzero_coefs), 32, 2)
    decode(*prepare(kind, name, small))
    decoder, samples = prepare(kind, name, size)
    forget_peak()
    held = peak_bytes()
    seconds = decode(decoder, samples)
    return {"seconds": seconds / len(samples), "working_bytes": max(0, peak_bytes() - held)}


def prepare(kind, name, size):
    """Return a fitted decoder of some samples, and these."""
    k = size.n_nonzero_coefs
    if kind == "codes":
        problem = Problem(size, sections=True)
        decoder = _on(problem.encoder, code_decoders()[name])
        decoder.fit(problem.samples, problem.codes)
    else:
        problem = LearnedProblem(size)
        decoder = AUTOENCODER_DECODERS[name](problem.dictionary, k).fit(problem.samples[:1])
    return decoder, np.asarray(problem.samples)


def _on(encoder, decoder):
    """Return a decoder with another dictionary, perhaps that of a decoder within."""
    names = [name for name in decoder.get_params() if name.split("__")[-1] == "dictionary"]
    return decoder.set_params(**{min(names, key=len): encoder})


def decode(decoder, samples):
    """Return the seconds of a call."""
    start = time.perf_counter()
    decoder.transform(samples)
    return time.perf_counter() - start
