"""Sweeps in processes of their own, to be killed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.model_selection import recovery_curve

SWEEP = {
    "n_features": 64,
    "n_nonzero_coefs": 4,
    "n_components": range(10, 60, 5),
    "n_trials": 20,
    "n_trials_per_codebook": 5,
    "random_state": 0,
}
# Each cell says that it began, and waits for a line or the end of the input.
SCRIPT = f"""
import json, sys
from sklearn.base import BaseEstimator, TransformerMixin
from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.model_selection import recovery_curve

class Waiting(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        print("cell", flush=True)
        sys.stdin.readline()
        return X

encoder = RademacherEncoder()
curve = recovery_curve(
    encoder, TopKDecoder(encoder), channel=Waiting(), checkpoint=sys.argv[1], **{SWEEP}
)
print(json.dumps([curve.n_recovered.tolist(), curve.design_effect]))
"""
N_CELLS = 40


def whole(path):
    """Return the numbers of a sweep that nobody kills, without the channel that waits."""
    encoder = RademacherEncoder()
    curve = recovery_curve(encoder, TopKDecoder(encoder), checkpoint=path, **SWEEP)
    return [curve.n_recovered.tolist(), curve.design_effect]


def start(path):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], text=True, **pipes)


def finish(process):
    """Return the numbers of a sweep, and how many cells it ran."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    *cells, numbers = output.splitlines()
    return json.loads(numbers), len(cells)


def kill(process, n_cells, *, within_a_cell):
    """Kill a sweep after so many cells: while it runs another one, or writes the last."""
    for _ in range(n_cells):
        assert process.stdout.readline() == "cell\n"
        process.stdin.write("\n")
        process.stdin.flush()
    if within_a_cell:
        assert process.stdout.readline() == "cell\n"
    process.kill()
    process.communicate()


def table(path):
    """Return all cells and their numbers; not the times they took."""
    with closing(sqlite3.connect(path)) as connection:
        return sorted(row[1:-1] for row in connection.execute("SELECT * FROM cells"))
