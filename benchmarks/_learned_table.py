"""README's table of learned dictionaries: ``python -m benchmarks._learned_table report.json``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import math
import sys
from pathlib import Path
from statistics import median

_PEERS = {
    "NumPy, k products R @ F.T": "NumPy",
    "SPAMS omp": "SPAMS",
    "sklearn orthogonal_mp_gram": "scikit-learn",
    "dictlearn batch_omp": "dictlearn",
    "PyTorch, relu(x @ W + b), topk": "PyTorch",
    "PyTorch, addmm, topk(sorted=False)": "PyTorch, fewer passes",
}


def readme_table(report):
    """Return the table, as lines of Markdown, for a report of ``python -m benchmarks --json``.

    A line has the times of one of our methods, and how many times longer peers take.
    """
    lines = ["| | first call | later call | times as long |", "|---|---|---|---|"]
    for result in report["results"]:
        N, k, d = (
            result["size"][f"n_{key}"] for key in ("features", "nonzero_coefs", "components")
        )
        for place, row in enumerate(result["rows"]):
            if row["method"] in _PEERS:
                continue
            name = row["method"].replace("SparseAutoencoder.transform", "TopK encoder")
            name += f", N = 2^{math.log2(N):.0f}, k = {k}, d = {d:,}"
            if "samples" in row:
                name += f"; {row['samples']:,} samples"
            first = _milliseconds(row.get("first_seconds", row.get("seconds")))
            if "peak_bytes" in row:
                first += f", {row['peak_bytes'] / 2**30:.1f} GiB"
            later = _milliseconds(row.get("later_seconds"))
            peers = "; ".join(_peers_after(result["rows"], place))
            lines.append(" ".join(f"| {name} | {first} | {later} | {peers} |".split()))
    return lines


def _peers_after(rows, place):
    if "ratio_to_start" in rows[place]:
        start, ratio = rows[place - 1]["method"], median(rows[place]["ratio_to_start"])
        yield f"{start}: {_two_digits(1 / ratio)}"
    for row in rows[place + 1 :]:
        if row["method"] not in _PEERS:
            return
        if "ratio" in row:
            ratios = [row[key] for key in ("ratio", "later_ratio") if key in row]
            yield f"{_PEERS[row['method']]}: {' / '.join(_two_digits(median(r)) for r in ratios)}"


def _milliseconds(seconds):
    return f"{_two_digits(1e3 * median(seconds))} ms" if seconds else ""


def _two_digits(value):
    return f"{float(f'{value:.2g}'):,g}"


if __name__ == "__main__":
    print(*readme_table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), sep="\n")
