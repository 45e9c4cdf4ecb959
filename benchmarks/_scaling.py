"""How the time of a sample grows with N and with k."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import replace
from statistics import median

import numpy as np
from scipy.stats import linregress

from benchmarks._problem import Problem
from benchmarks._timing import recovery_rate, timed
from sksupercode import MatchingPursuitDecoder, TopKDecoder, theory

_SMALLEST_N = 2**12
_SMALLEST_K = 2**3
_DECODERS = {
    "TopKDecoder": (TopKDecoder, "topk"),
    "MatchingPursuitDecoder": (MatchingPursuitDecoder, "matching_pursuit"),
}


def scaling(size, repeats, tell):
    """Time the one-step decoder and the pursuit, d by the rule of thumb of each.

    N grows up to that of ``size``, at its k; then k up to eight times as much, at the geometric
    mean N.
    """
    largest, k = size.n_features, size.n_nonzero_coefs
    numbers = _powers(_SMALLEST_N, largest, 4)
    middle = numbers[len(numbers) // 2]
    sweeps = {
        "N": [replace(size, n_features=n) for n in numbers],
        "k": [
            replace(size, n_features=middle, n_nonzero_coefs=given)
            for given in _powers(_SMALLEST_K, min(8 * k, middle // 16), 2)
        ],
    }
    rows, fits = [], []
    for name, (decoder, rule) in _DECODERS.items():
        for axis, sizes in sweeps.items():
            measured = []
            for given in sizes:
                d = math.ceil(
                    theory.rule_of_thumb_dimension(given.n_features, given.n_nonzero_coefs, rule)
                )
                given = replace(given, n_components=d)
                tell(f"{name}, {given}")
                measured.append(_time(decoder, name, given, repeats) | {"against": axis})
            rows += measured
            key = "n_features" if axis == "N" else "n_nonzero_coefs"
            fits.append({"method": name, "against": axis} | fit_exponent(measured, key))
    return rows + fits


def _powers(first, last, factor):
    steps = max(1, round(math.log(last / first, factor)))
    return [last // factor**step for step in range(steps, -1, -1)]


def _time(decoder, name, size, repeats):
    problem = Problem(size)
    fitted = decoder(problem.encoder).fit(problem.samples, problem.codes)
    fitted.predict(problem.samples[:1])
    row = {
        "method": name,
        "n_features": size.n_features,
        "n_nonzero_coefs": size.n_nonzero_coefs,
        "n_components": size.n_components,
        "seconds": [],
    }
    for _ in range(repeats):
        taken, output = timed(fitted.predict, problem.samples)
        row["seconds"].append(taken / size.n_samples)
    row["recovery"] = recovery_rate(problem.codes, output, size.n_nonzero_coefs)
    return row


def fit_exponent(rows, key):
    """Fit ``log t = a log size + b`` by least squares to the medians.

    Parameters
    ----------
    rows : list of dict
        With ``seconds`` and the key.

    key : str
        What the time is fitted against.

    Returns
    -------
    fit : dict
        The ``exponent`` a and its ``standard_error``, None for less than three points.
    """
    fit = linregress(
        np.log([row[key] for row in rows]), np.log([median(row["seconds"]) for row in rows])
    )
    return {
        "exponent": float(fit.slope),
        "standard_error": float(fit.stderr) if len(rows) > 2 else None,
    }
