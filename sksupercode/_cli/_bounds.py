"""The table of limits and predictions for one (N, k)."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

from rich.console import Console
from rich.table import Table

from sksupercode import RademacherEncoder, ThresholdDecoder, theory
from sksupercode._cli._files import save
from sksupercode._utils._tables import write_csv
from sksupercode.model_selection import predicted_dimension
from sksupercode.model_selection._frontier_decoders import default_decoders
from sksupercode.model_selection._predicted_dimension import without_warning_of_none
from sksupercode.model_selection._prediction import find_predictor

_RULES = {
    "rule 0.8 k log2(eN/k), basis pursuit": "basis_pursuit",
    "rule 1.3 k log2(eN/k), matching pursuit": "matching_pursuit",
    "rule 4 k ln(kN), top-k": "topk",
    "rule 8 k ln N, threshold 1/2": "threshold",
}

# The threshold of the list is another one than that of the rule.
_NAMES = {"threshold": "threshold, MAP"}

_NONE = (
    "none: no number of dimensions is enough. Codewords have norm 1, and their inner products with "
    "noise have its variance in any dimension."
)

_BINDING = (
    "All or nothing is less than the counting limit without noise, {}. That one holds with noise, "
    "too, and binds where there is so little."
)
_MEASURED = (
    "A sweep measures them, python -m sksupercode --decoders NAME, and in Python recovery_curve "
    "and measured_dimension."
)


def limits(n_features, n_nonzero_coefs, probability):
    """Return (name, d) of the limits, the guarantees and the rules of thumb without noise."""
    size = (n_features, n_nonzero_coefs)
    failure = 1 - probability
    rows = [
        ("one dimension per bit", theory.entropy(*size)),
        ("counting (noiseless converse)", theory.counting_dimension(*size)),
        (
            f"unique decoding, {_percent(failure)} failure",
            theory.unique_decoding_dimension(*size, failure),
        ),
        ("AMP, state evolution", theory.amp_dimension(*size)),
        ("basis pursuit, y >= 0 (Donoho-Tanner)", theory.basis_pursuit_dimension(*size)),
        (
            "basis pursuit, signed (Donoho-Tanner)",
            theory.basis_pursuit_dimension(*size, constraint="signed"),
        ),
        ("one-step decoding, large N", theory.one_step_dimension(*size)),
        (
            f"top-k, guarantee of {_percent(probability)}",
            theory.topk_guarantee_dimension(*size, failure),
        ),
        (
            f"threshold, guarantee of {_percent(probability)}",
            theory.threshold_guarantee_dimension(*size, failure),
        ),
        *((rule, theory.rule_of_thumb_dimension(*size, name)) for rule, name in _RULES.items()),
    ]
    return [(name, float(dimension)) for name, dimension in rows]


def noisy_limits(n_features, n_nonzero_coefs, noise_variance, relative=False):
    """Return (name, d) of the limits that are known with noise."""
    size = (n_features, n_nonzero_coefs)
    if relative:
        # The noise has one norm in all dimensions, and a matched filter 1 + noise_variance times
        # the variance that it has without.
        norm = n_nonzero_coefs * noise_variance
        most = theory.all_or_nothing_dimension(*size, squared_noise_norm=norm)
        one_step = (1 + noise_variance) * theory.one_step_dimension(*size)
    else:
        most = theory.all_or_nothing_dimension(*size, noise_variance)
        one_step = theory.one_step_dimension(*size, noise_variance)
    return [("all or nothing", float(most)), ("one-step decoding, large N", float(one_step))]


def predictions(n_features, n_nonzero_coefs, noise_variance, relative, probabilities, seed):
    """Return (name, recovery rate, d) of each decoder that theory knows, and names of others."""
    decoders = {"threshold 1/2": ThresholdDecoder(RademacherEncoder())}
    decoders |= {_NAMES.get(name, name): found for name, found in default_decoders().items()}
    rows, unknown = [], []
    for name, decoder in decoders.items():
        try:
            find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance)
        except ValueError:  # no law for it, or none with noise or so small a k
            unknown.append(name)
            continue
        for rate in probabilities:
            with without_warning_of_none():
                dimension = predicted_dimension(
                    decoder,
                    n_features=n_features,
                    n_nonzero_coefs=n_nonzero_coefs,
                    probability=rate,
                    noise_variance=noise_variance,
                    relative=relative,
                    random_state=seed,
                )
            rows.append((name, rate, float(dimension)))
    return rows, unknown


def noise_of(arguments):
    """Return the variance of the noise, and whether it is in units of the code's power."""
    if arguments.snr is None:
        return arguments.noise_variance, False
    return 1 / arguments.snr, True


def bounds_rows(arguments):
    """Return dicts with the title of a table, a name, a recovery rate or None, and d.

    Beside them, the names of the decoders without a prediction.
    """
    size = arguments.n_features, arguments.n_nonzero_coefs
    (noise, relative), rates = noise_of(arguments), sorted(set(arguments.probability))
    level = f"at an SNR of {arguments.snr:g}" if relative else f"with noise of variance {noise:g}"
    tables = {"Limits and rules of thumb": limits(*size, rates[-1])}
    if noise > 0:
        # Those without noise are too low, but not all of them are known with it.
        tables = {
            f"Limits {level}": noisy_limits(*size, noise, relative),
            "Limits and rules of thumb without noise": limits(*size, rates[-1]),
        }
    rows = [
        {"table": title, "name": name, "probability": None, "n_components": dimension}
        for title, lines in tables.items()
        for name, dimension in lines
    ]
    title = "Decoders, predicted" + (f" {level}" if noise > 0 else "")
    predicted, unknown = predictions(*size, noise, relative, rates, arguments.seed)
    rows += [
        {"table": title, "name": name, "probability": rate, "n_components": dimension}
        for name, rate, dimension in predicted
    ]
    return rows, unknown


def run(arguments):
    """Print the tables, and save them if asked for."""
    console = Console()
    size = arguments.n_features, arguments.n_nonzero_coefs
    bits = float(theory.entropy(*size))
    counting = float(theory.counting_dimension(*size))
    with Console(stderr=True).status("predicting"):
        rows, unknown = bounds_rows(arguments)
    console.print(f"N = {size[0]}, k = {size[1]}, {bits:.1f} bits", highlight=False)
    for title in dict.fromkeys(row["table"] for row in rows):
        group = [row for row in rows if row["table"] == title]
        has_rates = group[0]["probability"] is not None
        labels = ("decoder", "exact recovery") if has_rates else ("limit",)
        table = _table(title, *labels)
        for row in group:
            rate = [_percent(row["probability"])] if has_rates else []
            table.add_row(row["name"], *rate, *_cells(row["n_components"], bits))
        console.print(table)
        if group[0]["name"] == "all or nothing" and group[0]["n_components"] < counting:
            console.print(_BINDING.format(math.ceil(counting)), highlight=False)
    if unknown:
        console.print(f"Not predicted: {', '.join(unknown)}. {_MEASURED}", highlight=False)
    noise, relative = noise_of(arguments)
    if noise > 0 and not relative and not all(math.isfinite(row["n_components"]) for row in rows):
        console.print(_NONE, highlight=False)
    if arguments.csv is not None:
        given = {"n_features": size[0], "n_nonzero_coefs": size[1]}
        given |= {"noise_variance": noise, "relative": relative, "bits": bits}
        rows = [row | given for row in rows]
        text = "The tables are written to"
        save(console, text, arguments.csv, lambda path: write_csv(rows, path))


def _percent(probability):
    return f"{100 * probability:.4g}%"


def _table(title, *labels):
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(labels[0], no_wrap=True)
    for label in (*labels[1:], "dims", "dims/bit", "bits/dim"):
        table.add_column(label, justify="right", no_wrap=True)
    return table


def _cells(dimension, bits):
    if not math.isfinite(dimension):
        return "none", "", ""
    if bits == 0:
        return f"{math.ceil(dimension)}", "", ""
    return f"{math.ceil(dimension)}", f"{dimension / bits:.3f}", f"{bits / dimension:.3f}"
