"""Arguments of the command line, and the list of benchmarks."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import datetime
import importlib.util
import json
import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks._problem import Size

_OVERRIDES = ("n_features", "n_nonzero_coefs", "n_components", "n_samples")


@dataclass(frozen=True)
class Benchmark:
    """A measurement: what it is, what does it, and at which size, quick or not."""

    title: str
    run: Callable
    size: Size
    quick: Size


def all_benchmarks():
    """Return the benchmarks by name, in the order in which they run."""
    from benchmarks import (
        _cost,
        _decoding,
        _fresh_process,
        _learned_coding,
        _learned_encoder,
        _learning,
        _machine,
        _sae_training,
        _scaling,
        _structured,
        _supports,
        _vsa,
    )
    from sksupercode.theory import entropy

    large = math.ceil(0.9 * entropy(2**20, 256))
    quick = Size(2**12, 8, 192, 4)
    quick_program = Size(2**10, 8, 96, 2)
    learned, quick_learned = Size(2**14, 64, 2304, 4096), Size(2**11, 8, 256, 64)
    shipped = Size(2**11, 32, 384, 2000)
    quick_planted = Size(64, 3, 32, 40 * 64)
    return {
        "machine": Benchmark(
            "memory, matrix products, and what correlations reach",
            _machine.machine,
            Size(2**20, 256, 4810, 64),
            Size(2**14, 16, 512, 16),
        ),
        "hadamard": Benchmark(
            "codewords of a Hadamard matrix beside stored random signs",
            _structured.hadamard,
            Size(2**20, 256, 4810, 16),
            Size(2**14, 16, 256, 4),
        ),
        "startup": Benchmark(
            "the first call in a process, with an empty compilation cache and with a full one",
            _fresh_process.startup,
            Size(4096, 8, 256, 4),
            Size(1024, 4, 96, 2),
        ),
        "decoders": Benchmark(
            "every decoder, at a size that suits all of them",
            _decoding.every_decoder,
            Size(2**8, 4, 64, 16),
            Size(2**6, 2, 48, 4),
        ),
        "cost-codes": Benchmark(
            "time and memory of a sample of random codes, each decoder in a process of its own",
            _cost.codes,
            Size(2**12, 32, 2048, 64),
            Size(2**8, 4, 128, 4),
        ),
        "cost-codes-large": Benchmark(
            "time and memory of a sample of random codes, each decoder in a process of its own",
            _cost.codes,
            Size(2**16, 64, 4096, 64),
            Size(2**9, 4, 128, 4),
        ),
        "cost-sae": Benchmark(
            "time and memory of a sample on a dictionary like those of autoencoders",
            _cost.autoencoder,
            Size(2**11, 32, 384, 512),
            Size(2**8, 4, 64, 8),
        ),
        "cost-sae-large": Benchmark(
            "time and memory of a sample on a dictionary like those of autoencoders",
            _cost.autoencoder,
            Size(2**16, 100, 2304, 128),
            Size(2**9, 4, 64, 8),
        ),
        "mp": Benchmark(
            "matching pursuit; orthogonal matching pursuit (OMP) is another algorithm",
            _decoding.matching_pursuit,
            Size(2**16, 64, 1019, 32),
            quick,
        ),
        "omp": Benchmark(
            "orthogonal matching pursuit, with packed signs and with arrays of floats",
            _decoding.orthogonal_matching_pursuit,
            Size(2**14, 32, 462, 64),
            quick,
        ),
        "mp-large": Benchmark(
            "matching pursuit in a pipeline with its encoder",
            _fresh_process.large_pursuit,
            Size(2**20, 256, 4810, 8),
            quick,
        ),
        "topk": Benchmark(
            "top-k decoding of one sample and of a batch",
            _decoding.top_k,
            Size(2**20, 256, 4810, 64),
            replace(quick, n_components=400),
        ),
        "bp": Benchmark(
            "nonnegative basis pursuit",
            _decoding.basis_pursuit,
            Size(2**14, 32, 264, 8),
            quick_program,
        ),
        "bp-medium": Benchmark(
            "nonnegative basis pursuit",
            _decoding.basis_pursuit_medium,
            Size(2**16, 64, 582, 4),
            quick_program,
        ),
        "bp-large": Benchmark(
            "nonnegative basis pursuit in a pipeline with its encoder",
            _fresh_process.large_program,
            Size(2**20, 256, large, 1),
            quick_program,
        ),
        "sae": Benchmark(
            "matching pursuit on a dictionary like those of autoencoders",
            _learned_coding.learned_mp,
            learned,
            quick_learned,
        ),
        "sae-omp": Benchmark(
            "orthogonal matching pursuit (OMP) on a dictionary like those of autoencoders",
            _learned_coding.learned_omp,
            learned,
            quick_learned,
        ),
        "sae-gp": Benchmark(
            "gradient pursuit on a dictionary like those of autoencoders",
            _learned_coding.learned_gp,
            learned,
            quick_learned,
        ),
        "sae-small": Benchmark(
            "pursuits on the shipped autoencoder and activations, N and d as they are",
            _learned_coding.shipped,
            shipped,
            replace(shipped, n_samples=64),
        ),
        "sae-swap": Benchmark(
            "exchanges of codewords on the shipped autoencoder and activations unknown to it",
            _learned_coding.shipped_swaps,
            replace(shipped, n_samples=500),
            replace(shipped, n_samples=64),
        ),
        "sae-large": Benchmark(
            "OMP on half-precision codewords in a process of its own, and plain matching pursuit",
            _learned_coding.large,
            Size(2**16, 100, 2304, 2048),
            quick_learned,
        ),
        "sae-encoder": Benchmark(
            "the TopK encoder of an autoencoder, beside PyTorch",
            _learned_encoder.encoder,
            replace(learned, n_samples=1024),
            replace(quick_learned, n_samples=256),
        ),
        "sae-training": Benchmark(
            "steps of training, and what they teach of the shipped activations, N / 8 there",
            _sae_training.sae_training,
            Size(2**14, 32, 768, 1024),
            Size(2**11, 8, 64, 64),
        ),
        "learn": Benchmark(
            "learning of a planted dictionary: time to the same FVU of other samples",
            _learning.time_to_fvu,
            Size(512, 6, 96, 40 * 512),
            quick_planted,
        ),
        "learn-planted": Benchmark(
            "what is found of five planted dictionaries, the largest of this size",
            _learning.planted,
            Size(1024, 8, 128, 40 * 1024),
            replace(quick_planted, n_nonzero_coefs=8),
        ),
        "learn-sae": Benchmark(
            "learning from the shipped activations, d as it is, beside an autoencoder",
            _learning.shipped,
            replace(shipped, n_samples=4000),
            replace(shipped, n_features=128, n_nonzero_coefs=8, n_samples=1000),
        ),
        "learn-large": Benchmark(
            "one pass of learning in a process of its own",
            _learning.large,
            Size(2**16, 32, 768, 200_000),
            Size(2**10, 8, 128, 4096),
        ),
        "supports": Benchmark(
            "supports found with the true dictionary, planted and of SynthSAEBench of this size",
            _supports.supports,
            Size(2**14, 25, 768, 2000),
            Size(2**10, 5, 128, 200),
        ),
        "vsa": Benchmark(
            "bits per dimension that are read of bundles of symbols, each decoder at its best k",
            _vsa.vsa,
            Size(0, 0, 500, 100),
            Size(0, 0, 60, 8),
        ),
        "bound": Benchmark(
            "products of keys and symbols beside stored random signs",
            _structured.bound,
            Size(2**20, 2**10, 8192, 16),
            Size(2**14, 16, 256, 4),
        ),
        "scaling": Benchmark(
            "growth with N and with k, d by the rule of thumb of each decoder",
            _scaling.scaling,
            Size(2**20, 32, 0, 8),
            Size(2**16, 8, 0, 4),
        ),
    }


def build_parser(names):
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure sksupercode beside its peers on the same samples. Times are medians, "
        "with the smallest and largest below them.",
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(names)} (default: all)")
    add("--list", action="store_true", help="list the benchmarks with their sizes, and stop")
    add("--quick", action="store_true", help="small sizes, to see that all is well")
    add("--repeats", type=int, metavar="R", help="timings of each (default: 5, or 1 if quick)")
    add("--json", type=Path, metavar="FILE", help="also write everything that was measured here")
    for name, symbol in zip(_OVERRIDES, "NKDS", strict=True):
        option = "--" + name.replace("_", "-")
        add(option, type=int, metavar=symbol, help="instead of that of each benchmark")
    return parser


def main(argv=None):
    """Run the command line and return its exit status."""
    missing = [name for name in ("psutil", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f'The benchmarks need {" and ".join(missing)}: python -m pip install ".[benchmarks]"',
            file=sys.stderr,
        )
        return 2
    benchmarks = all_benchmarks()
    parser = build_parser(benchmarks)
    arguments = parser.parse_args(argv)
    for name in arguments.names:
        if name not in benchmarks:
            parser.error(f"NAME must be one of {', '.join(benchmarks)}, got {name!r}")
    for name in ("repeats", *_OVERRIDES):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1, got {value}")
    if arguments.json is not None and not arguments.json.parent.is_dir():
        parser.error(f"there is no folder {arguments.json.parent} to write to")
    chosen = {name: benchmarks[name] for name in arguments.names or benchmarks}
    if arguments.list:
        for name, benchmark in chosen.items():
            print(f"{name:13} {benchmark.title}\n{'':13} {_size(benchmark, arguments)}")
        return 0
    # Samples that a peer cannot explain are counted, and need no warning each.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _run(chosen, arguments, sys.argv[1:] if argv is None else list(argv))
    return 0


def _size(benchmark, arguments):
    given = {name: getattr(arguments, name) for name in _OVERRIDES}
    size = benchmark.quick if arguments.quick else benchmark.size
    return replace(size, **{name: value for name, value in given.items() if value is not None})


def _run(chosen, arguments, command):
    from rich.console import Console

    from benchmarks._machine import describe_machine
    from benchmarks._report import machine_line, print_result
    from sksupercode import __version__

    console = Console()
    repeats = arguments.repeats or (1 if arguments.quick else 5)
    report = {
        "package": "sksupercode",
        "version": __version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": ["python", "-m", "benchmarks", *command],
        "repeats": repeats,
        "machine": describe_machine(),
        "results": [],
    }
    console.print(machine_line(report["machine"]), highlight=False)
    console.print()
    for name, benchmark in chosen.items():
        size = _size(benchmark, arguments)
        # Once a second, for what is drawn takes time from what is measured.
        with console.status(name, refresh_per_second=1) as status:
            rows = benchmark.run(
                size, repeats, lambda what, name=name: status.update(f"{name}: {what}")
            )
        result = {"name": name, "title": benchmark.title, "size": asdict(size), "rows": rows}
        report["results"].append(result)
        print_result(console, result)
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
