"""Codes of a comparison as features: against the truth, and as what labels are read from."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import check_array

from sksupercode._utils._validation import as_array, check_codes
from sksupercode.metrics import match_codes

# Numbers of latents that probes get, and of folds.
PROBED, FOLDS = (1, 2, 5, 20), 5


def check_truth(truth, n_samples):
    """Return true codes as CSR, None for none."""
    return None if truth is None else check_codes(truth, "truth", n_samples=n_samples)


def check_labels(labels, n_samples):
    """Return labels of all samples as an array of one column for each task, None for none."""
    if labels is None:
        return None
    labels = as_array(labels, "labels")
    options = {"dtype": None, "ensure_2d": False, "allow_nd": True, "ensure_min_features": 0}
    labels = check_array(labels, input_name="labels", **options)
    if labels.ndim > 2 or len(labels) != n_samples or 0 in labels.shape:
        raise ValueError(
            f"labels must be of shape ({n_samples},) or ({n_samples}, n_tasks), got shape "
            f"{labels.shape}."
        )
    labels = labels.reshape(n_samples, -1)
    for task, column in enumerate(labels.T):
        _, counts = np.unique(column, return_counts=True)
        if len(counts) != 2 or counts.min() < FOLDS:
            raise ValueError(
                f"labels must have two values, each of {FOLDS} samples or more, got "
                f"{len(counts)} of {', '.join(map(str, counts[:9]))} in task {task}."
            )
    return labels


def feature_columns(given, codes):
    """Return columns of the comparison, by name, from the codes of all samples.

    ``given`` are true codes and labels, or None, and a seed.
    """
    truth, labels, seed = given
    columns = {}
    if truth is not None:
        match = match_codes(truth, codes, "correlation")
        columns |= {"F1": match.f1, "precision": match.precision, "recall": match.recall}
        columns["MCC"] = match.mcc
    if labels is not None:
        from sksupercode.inspection import probe_latents

        probe = probe_latents(codes, labels, n_latents=PROBED, cv=FOLDS, random_state=seed)
        columns |= {f"AUC_{n}": float(auc) for n, auc in zip(PROBED, probe.mean, strict=True)}
    return columns
