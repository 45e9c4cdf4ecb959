"""Sweeps in processes of their own, to be killed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

# Each cell takes 20 ms, and leaves a line in a log.
SCRIPT = """
import json, os, sys, time
from sklearn.base import BaseEstimator, TransformerMixin
from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.model_selection import recovery_curve

class Slow(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        time.sleep(0.02)
        with open(sys.argv[2], "a") as log:
            log.write("x")
        return X

encoder = RademacherEncoder()
curve = recovery_curve(
    encoder, TopKDecoder(encoder), channel=Slow(), n_features=64, n_nonzero_coefs=4,
    n_components=range(10, 60, 5), n_trials=20, n_trials_per_codebook=5, random_state=0,
    checkpoint=sys.argv[1],
)
print(json.dumps([curve.n_recovered.tolist(), curve.design_effect]))
"""
N_CELLS = 40


def start(folder, name):
    command = [sys.executable, "-c", SCRIPT, str(folder / name), str(folder / f"{name}.log")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return json.loads(output)


def table(path):
    """Return all cells and their numbers; not the times they took."""
    with closing(sqlite3.connect(path)) as connection:
        return sorted(row[:6] for row in connection.execute("SELECT * FROM cells"))


def kill_again_and_again(folder, n_kills, rng):
    """Return the numbers and the table of a sweep that was killed so many times."""
    path, log = folder / "killed", folder / "killed.log"
    killed = 0
    while killed < n_kills:
        done = len(table(path)) if path.exists() else 0
        process = start(folder, "killed")
        if rng.random() < 0.8:
            # Most often in the midst of the cells, and else at any moment.
            n_more = 1 + rng.integers(2 * (N_CELLS - done) // (n_kills - killed + 1) + 1)
            while not log.exists() or log.stat().st_size < done + killed + n_more:
                if process.poll() is not None:
                    break
                time.sleep(0.002)
            time.sleep(0.02 * rng.random())
        else:
            time.sleep(2 * rng.random())
        process.kill()
        process.communicate()
        killed += 1
    result = finish(start(folder, "killed"))
    # A kill cost the one cell in flight.
    assert log.stat().st_size <= N_CELLS + n_kills
    return result, table(path)
