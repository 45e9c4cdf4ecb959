"""Tables of what was measured: means, and how far they may be off."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import product

import numpy as np
from scipy.stats import spearmanr, t

from .decoders import OWN
from .planted import DICTIONARIES

# Dictionaries that know nothing of the samples.
UNKNOWING = ("random dictionary", "shuffled codewords")


def groups_of(rows, *keys):
    """Return rows by the values of some of their keys, in the order in which these appear."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return groups


def mean_and_error(values):
    """Return the mean and its standard error, NaN for one value."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def cell(values, digits=3):
    """Return the mean and its standard error as text."""
    mean, error = mean_and_error(values)
    mean = f"{mean:.{digits}f}"
    return mean if np.isnan(error) else f"{mean} ± {error:.{digits}f}"


def interval(differences):
    """Return the mean of paired differences and half of the width of its 95 % t-interval."""
    mean, error = mean_and_error(differences)
    if np.isnan(error):
        return f"{mean:+.3f}"
    return f"{mean:+.3f} ± {t.ppf(0.975, len(differences) - 1) * error:.3f}"


def column(rows, name):
    return np.array([row[name] for row in rows])


def planted_table(rows):
    """Return a row for each dictionary and decoder, means over seeds."""
    table, groups = [], groups_of(rows, "dictionary", "decoder")
    for (dictionary, decoder), own in groups.items():
        encoder = groups[dictionary, OWN]
        line = {"dictionary": dictionary, "decoder": decoder}
        line["F1"] = cell(column(own, "F1"))
        line["F1, less the encoder's"] = interval(column(own, "F1") - column(encoder, "F1"))
        line |= {name: cell(column(own, name)) for name in ("FVU", "MCC")}
        line |= {f: f"{column(own, f).mean():.3f}" for f in ("precision", "recall")}
        line["L0"] = f"{column(own, 'L0').mean():.1f}"
        table.append(line | {"ms": f"{column(own, 'ms').mean():.2g}"})
    return table


def minilm_table(rows):
    """Return a row for each decoder; AUC is a mean over tasks, and over seeds then."""
    table, groups = [], groups_of(rows, "decoder")
    for (decoder,), own in groups.items():
        line = {"decoder": decoder}
        AUC, encoder = (column(some, "AUC").mean(axis=1) for some in (own, groups[OWN,]))
        for i, k in enumerate((1, 5)):
            line[f"AUC, k = {k}"] = cell(AUC[:, i])
            line[f"AUC, k = {k}, less the encoder's"] = interval(AUC[:, i] - encoder[:, i])
        line |= {"FVU": "", "L0": ""}
        if "FVU" in own[0]:
            line["FVU"], line["L0"] = cell(column(own, "FVU")), f"{column(own, 'L0').mean():.1f}"
        table.append(line | {"ms": f"{column(own, 'ms').mean():.2g}" if "ms" in own[0] else ""})
    return table


def model_table(rows):
    """Return a row for each seed, k and decoder, and the losses of what is not decoded.

    Errors are of means over texts, and differences are paired by them.
    """
    references = {row["decoder"]: row["losses"] for row in rows if "k" not in row}
    clean, worst = references["the activations"], {"zero": "zero", "the mean": "their mean"}
    rows = sorted((row for row in rows if "k" in row), key=lambda row: (row["seed"], row["k"]))
    encoders = {(row["seed"], row["k"]): row["losses"] for row in rows if row["decoder"] == OWN}
    table = []
    for row in rows:
        losses, k, seed = row["losses"], row["k"], row["seed"]
        line = {"k": str(k), "seed": str(seed), "decoder": row["decoder"]}
        line["rise of the loss"] = cell(losses - clean)
        line["less the encoder's"] = interval(losses - encoders[seed, k])
        line |= {"FVU": f"{row['FVU']:.3f}", "L0": f"{row['L0']:.1f}"}
        for name, reference in worst.items():
            far = references[reference].mean()
            line[f"of {name}"] = f"{(far - losses.mean()) / (far - clean.mean()):.3f}"
        table.append(line | {"ms": f"{row['ms']:.2g}"})
    return table, {name: mean_and_error(losses) for name, losses in references.items()}


def number(text):
    """Return the mean that a cell begins with."""
    return float(text.split()[0])


def agreement(table, name, sign):
    """Return Spearman's correlation of FVU, over rows, with a measure that is ``sign`` better."""
    FVU, other = ([number(row[key]) for row in table] for key in ("FVU", name))
    return float(spearmanr(FVU, -sign * np.array(other)).statistic)


def agreements(planted, minilm, model):
    """Return a row for each kind of data: whether decoders of less error are better otherwise.

    Dictionaries that know nothing of the samples are left out.
    """
    rows = []

    def add(data, table, name, sign):
        if len(table) > 2:
            kept = [row for row in table if "decoder" in row and row["FVU"]]
            rho = agreement(kept, name, sign)
            rows.append({"data": data, "decoders": len(kept), "measure": name, "rho": f"{rho:.2f}"})

    for (data, table), dictionary in product(planted.items(), DICTIONARIES):
        own = [row for row in table if row["dictionary"] == dictionary]
        own = [row for row in own if row["decoder"] not in UNKNOWING]
        for name in ("F1", "MCC"):
            add(f"{data}, {dictionary}", own, name, 1)
    known = [row for row in minilm if row["decoder"] not in UNKNOWING]
    for k in (1, 5):
        add("MiniLM", known, f"AUC, k = {k}", 1)
    known = [row for row in model if row["decoder"] not in UNKNOWING]
    for (k, seed), own in groups_of(known, "k", "seed").items():
        add(f"SmolLM2, k = {k}, seed {seed}", own, "rise of the loss", -1)
    return rows


def summary(planted, minilm, model, k):
    """Return a row of means for each decoder, on dictionaries of autoencoders unless said."""
    columns = {}

    def add(data, table, *names):
        for name in names:
            cells = {row["decoder"]: row[name].split(" ")[0] for row in table}
            columns[f"{data}: {name}"] = cells

    for dictionary, label in {"true": "planted, true dictionary", "topk": "planted"}.items():
        own = [row for row in planted if row["dictionary"] == dictionary]
        add(label, own, "FVU", "F1")
    add("MiniLM", minilm, "FVU", "AUC, k = 1", "AUC, k = 5")
    own = [row for row in model if (row["k"], row["seed"]) == (str(k), "0")]
    add("SmolLM2", own, "rise of the loss", "FVU")
    names = dict.fromkeys(name for cells in columns.values() for name in cells)
    # What matters most is first, as the last columns of a wide table are seldom seen.
    first = sorted(columns, key=lambda key: not key.startswith("SmolLM2"))
    return [
        {"decoder": name} | {key: columns[key].get(name, "") for key in first} for name in names
    ]
