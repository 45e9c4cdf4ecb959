"""Matching pursuit for the explorer page, simulated once for every N.

What an inactive codeword does to matching pursuit depends on the active ones alone. A draw of these
gives the probability p that a single inactive codeword spoils it, and the draw succeeds with
probability (1 - p)**(N - k). ``python docs/_extensions/pursuit_simulation.py`` takes minutes and
writes the distribution of ln p over the draws, for each k, noise variance and d, to
``pursuit_simulation.json``.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
from functools import cache
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy import special

from sksupercode import theory
from sksupercode.theory import _active_only_pursuit as pursuit
from sksupercode.theory._active_only import random_signs

PATH = Path(__file__).with_name("pursuit_simulation.json")
N_NONZERO_COEFS = [4, 8, 16, 32, 64, 128, 256]
NOISE_VARIANCE = [0.0, 0.001, 0.002, 0.005, 0.01]
N_SAMPLES = {4: 400, 8: 400, 16: 300, 32: 200, 64: 120, 128: 64, 256: 24}
N_DRAWS = 128
N_DIMENSIONS = 9
LEVELS = (np.arange(16) + 0.5) / 16
LARGEST_N = 2**24


def dimensions(k, noise_variance):
    """Whole numbers from certain failure at the smallest N to success at the largest."""
    bits = theory.entropy(LARGEST_N, k)
    high = bits * (1.4 + 6 / np.sqrt(k)) * (1 + min(1, 100 * noise_variance))
    return np.unique(np.geomspace(1.5 * k, high, N_DIMENSIONS).round().astype(int)).tolist()


def spoiling(k, d, noise_variance, rng):
    """ln p of one draw, or nan if the active codewords do not even find each other."""
    exact = noise_variance == 0
    signs = random_signs(k, d, rng, np.float32 if exact else np.float64)
    noise = 0.0 if exact else np.sqrt(d * noise_variance) * rng.standard_normal(d)
    order, winning = pursuit._pursue(signs, noise)
    if order is None:
        return np.nan
    residuals = (np.cumsum(signs[order[::-1]], axis=0)[::-1] + noise).astype(signs.dtype)
    position = np.sort(rng.random(k))[order]
    weights = pursuit._crossing_weights(residuals, winning, position, N_DRAWS, rng)
    return np.log(max(weights.mean(), 1e-20))


def spoiling_in_infinite_dimension(k, noise_variance, rng):
    """The same where codewords are orthogonal: only the noise is left."""
    least = 1 + np.sqrt(noise_variance) * rng.standard_normal(k).min()
    return special.log_ndtr(-least / np.sqrt(noise_variance))


def simulate(k, noise_variance):
    rng = np.random.default_rng([k, round(1e6 * noise_variance)])
    draws = {
        d: [spoiling(k, d, noise_variance, rng) for _ in range(N_SAMPLES[k])]
        for d in dimensions(k, noise_variance)
    }
    if noise_variance:
        draws["infinity"] = [
            spoiling_in_infinite_dimension(k, noise_variance, rng) for _ in range(4000)
        ]
    rows = []
    for d, values in draws.items():
        found = np.array(values)[~np.isnan(values)]
        quantiles = np.quantile(found, LEVELS).round(3).tolist() if found.size > 8 else None
        rows.append([d, found.size / len(values), quantiles])
    return {"k": k, "noise_variance": noise_variance, "draws": N_SAMPLES[k], "rows": rows}


@cache
def load():
    entries = json.loads(PATH.read_text())
    return {(entry["k"], entry["noise_variance"]): entry["rows"] for entry in entries}


def interpolate(n, k, noise_variance):
    """The function from d to the probability of success, by polynomials for quantiles of ln p."""

    def position(inverse_d):
        # Of the dimension without noise in which inactive scores have the same variance.
        return -np.log(inverse_d + noise_variance / k)

    rows = load()[k, noise_variance]
    x = np.array([position(0 if d == "infinity" else 1 / d) for d, _, _ in rows])
    found = np.maximum.accumulate([share for _, share, _ in rows])
    useful = [i for i, row in enumerate(rows) if row[2] and np.median(row[2]) > -32]
    degree = min(4, len(useful) - 1)
    curves = [
        np.polynomial.Polynomial.fit(x[useful], column, degree)
        for column in zip(*(rows[i][2] for i in useful), strict=True)
    ]

    def probability(d):
        at = np.clip(position(1 / np.asarray(d, dtype=float)), x[useful[0]], x[useful[-1]])
        log_p = np.minimum([curve(at) for curve in curves], -1e-9)
        success = np.exp((n - k) * np.log1p(-np.exp(log_p))).mean(axis=0)
        return success * np.interp(at, x, found)

    return probability


def main():
    jobs = [(k, noise) for k in reversed(N_NONZERO_COEFS) for noise in NOISE_VARIANCE]
    results = Parallel(n_jobs=2, verbose=50)(delayed(simulate)(*job) for job in jobs)
    lines = ",\n".join(json.dumps(result) for result in results)
    PATH.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
