"""Measure the recovery rates at the manuscript's rules of thumb, by decoding random codes.

An hour on two cores at the manuscript's own size, whose largest codebook takes 4 GiB; what is
finished is kept in the folder of ``--checkpoint``::

    python examples/make_claims.py claims.csv --n-jobs 2 --checkpoint claims

Each decoder is measured at its rule and at the dimensions where theory expects 10, 50 and 90 % of
the codes to be recovered. Basis pursuit takes up to three minutes for a code at this size: it gets
three fifths of the codes, and its rule alone.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import csv
from functools import partial
from pathlib import Path

import numpy as np

from sksupercode import (
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
    theory,
)
from sksupercode.model_selection import (
    predicted_dimension,
    recovery_curve,
    recovery_probability,
)

ENCODER = RademacherEncoder()
LEVELS = (0.1, 0.5, 0.9)
RULES = {
    "8 k ln N": (ThresholdDecoder, "threshold", LEVELS),
    "4 k ln kN": (TopKDecoder, "topk", LEVELS),
    "1.3 k log2(eN/k)": (MatchingPursuitDecoder, "matching_pursuit", LEVELS),
    "0.8 k log2(eN/k)": (BasisPursuitDecoder, "basis_pursuit", ()),
}
COLUMNS = ["rule", "d", "recovered", "low", "high", "theory"]
COLUMNS += [f"{name}{percent}" for percent in (50, 90) for name in ("d", "low", "high", "theory")]


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="the table, a CSV file")
    parser.add_argument("--n-features", type=int, default=2**20, metavar="N")
    parser.add_argument("--n-nonzero-coefs", type=int, default=2**8, metavar="K")
    parser.add_argument("--n-trials", type=int, default=50, help="codes at each dimension")
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="folder for what is finished")
    return parser.parse_args()


def measure(rule, arguments):
    """Return a row of the table: success at the rule, and the dimensions for 50 and 90 %."""
    decoder, name, levels = RULES[rule]
    decoder = decoder(ENCODER)
    size = {"n_features": arguments.n_features, "n_nonzero_coefs": arguments.n_nonzero_coefs}
    at_rule = int(np.ceil(theory.rule_of_thumb_dimension(**size, decoder=name)))
    n_trials = arguments.n_trials if levels else -(-3 * arguments.n_trials // 5)
    predict = partial(predicted_dimension, decoder, random_state=arguments.seed, **size)
    expected = {p: predict(probability=p) for p in levels}
    checkpoint = None
    if arguments.checkpoint is not None:
        arguments.checkpoint.mkdir(parents=True, exist_ok=True)
        checkpoint = arguments.checkpoint / f"{type(decoder).__name__}.sqlite"
    curve = recovery_curve(
        ENCODER,
        decoder,
        n_components=[at_rule, *map(round, expected.values())],
        n_trials=n_trials,
        random_state=arguments.seed,
        n_jobs=arguments.n_jobs,
        checkpoint=checkpoint,
        **size,
    )
    i = int(np.searchsorted(curve.n_components, at_rule))
    probability, _ = recovery_probability(decoder, n_components=at_rule, random_state=0, **size)
    row = dict.fromkeys(COLUMNS)
    row |= {"rule": rule, "d": at_rule, "recovered": curve.success_rate[i], "theory": probability}
    row |= {"low": curve.low[i], "high": curve.high[i]}
    for p in levels[1:]:
        estimate = curve.dimension_at(p)
        names = [name.format(100 * p) for name in ("d{:.0f}", "low{:.0f}", "high{:.0f}")]
        row |= dict(zip(names, estimate, strict=True)) | {f"theory{100 * p:.0f}": expected[p]}
    return row


def main(arguments):
    rows = []
    for rule in RULES:
        rows.append(measure(rule, arguments))
        print(", ".join(f"{key} {_text(v)}" for key, v in rows[-1].items() if v), flush=True)
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: _text(value) for key, value in row.items()} for row in rows)


def _text(value):
    if value is None or isinstance(value, str):
        return value
    return f"{value:.3g}" if value <= 1 else f"{value:.0f}"


if __name__ == "__main__":
    main(read_arguments())
