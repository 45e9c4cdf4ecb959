"""The table of limits and predictions for one (N, k)."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from rich.table import Table

from sksupercode import RademacherEncoder, ThresholdDecoder, theory
from sksupercode._cli._decoders import sweep_decoders
from sksupercode.model_selection import predicted_dimension
from sksupercode.model_selection._prediction import find_predictor

_RATES = (0.5, 0.9)
_RULES = {
    "rule 0.8 k log2(eN/k), basis pursuit": "basis_pursuit",
    "rule 1.3 k log2(eN/k), matching pursuit": "matching_pursuit",
    "rule 4 k ln(kN), top-k": "topk",
    "rule 8 k ln N, threshold 1/2": "threshold",
}


def limits(n_features, n_nonzero_coefs, noise_variance):
    """Return (name, d) of the limits, the guarantees and the rules of thumb."""
    size = (n_features, n_nonzero_coefs)
    rows = [
        ("one dimension per bit", theory.entropy(*size)),
        ("counting (noiseless converse)", theory.counting_dimension(*size)),
        ("unique decoding, 10 % failure", theory.unique_decoding_dimension(*size, 0.1)),
        ("AMP, state evolution", theory.amp_dimension(*size)),
        ("basis pursuit, y >= 0 (Donoho-Tanner)", theory.basis_pursuit_dimension(*size)),
        (
            "basis pursuit, signed (Donoho-Tanner)",
            theory.basis_pursuit_dimension(*size, constraint="signed"),
        ),
        ("one-step decoding, large N", theory.one_step_dimension(*size, noise_variance)),
        ("top-k, guarantee of 90 %", theory.topk_guarantee_dimension(*size, 0.1)),
        ("threshold, guarantee of 90 %", theory.threshold_guarantee_dimension(*size, 0.1)),
        *((rule, theory.rule_of_thumb_dimension(*size, name)) for rule, name in _RULES.items()),
    ]
    if noise_variance > 0:
        dimension = theory.all_or_nothing_dimension(*size, noise_variance)
        rows.insert(1, ("all or nothing, with noise", dimension))
    return [(name, float(dimension)) for name, dimension in rows]


def predictions(n_features, n_nonzero_coefs, noise_variance, seed):
    """Return (name, recovery rate, d) of each decoder that theory knows."""
    decoders = {"threshold 1/2": ThresholdDecoder(RademacherEncoder())} | sweep_decoders()
    rows = []
    for name, decoder in decoders.items():
        try:
            find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance)
        except ValueError:  # no law for it, or none with noise or so small a k
            continue
        for rate in _RATES:
            dimension = predicted_dimension(
                decoder,
                n_features=n_features,
                n_nonzero_coefs=n_nonzero_coefs,
                probability=rate,
                noise_variance=noise_variance,
                random_state=seed,
            )
            rows.append((name, rate, float(dimension)))
    return rows


def bounds_tables(n_features, n_nonzero_coefs, noise_variance, seed):
    """Return the tables of bounds and of predictions for the terminal."""
    bits = float(theory.entropy(n_features, n_nonzero_coefs))
    title = f"N = {n_features}, k = {n_nonzero_coefs}, {bits:.1f} bits"
    if noise_variance > 0:
        title += f", noise variance {noise_variance:g}"
    lines = limits(n_features, n_nonzero_coefs, noise_variance)
    first = _table(f"Limits and rules of thumb, {title}", "limit")
    for name, dimension in lines:
        first.add_row(name, *_cells(dimension, bits))
    second = _table("Decoders, predicted", "decoder", "exact recovery")
    for name, rate, dimension in predictions(n_features, n_nonzero_coefs, noise_variance, seed):
        second.add_row(name, f"{rate:.0%}", *_cells(dimension, bits))
    return first, second


def _table(title, *labels):
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(labels[0], no_wrap=True)
    for label in (*labels[1:], "dims", "dims/bit", "bits/dim"):
        table.add_column(label, justify="right", no_wrap=True)
    return table


def _cells(dimension, bits):
    if not np.isfinite(dimension):
        return "none", "", ""
    if bits == 0:
        return f"{np.ceil(dimension):.0f}", "", ""
    return f"{np.ceil(dimension):.0f}", f"{dimension / bits:.3f}", f"{bits / dimension:.3f}"
