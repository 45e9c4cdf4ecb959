"""Codes of a comparison as features: against the truth, and as what labels are read from."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time

from sksupercode._utils._labels import check_labels
from sksupercode._utils._validation import check_codes
from sksupercode.metrics import match_codes

# Numbers of latents that probes get, and of folds.
PROBED, FOLDS = (1, 2, 5, 20), 5


def check_truth(truth, n_samples):
    """Return true codes as CSR, None for none."""
    return None if truth is None else check_codes(truth, "truth", n_samples=n_samples)


def check_tasks(labels, n_samples, name="labels"):
    """Return labels 0 and 1 of one column for each task, enough for all folds; None for none."""
    return None if labels is None else check_labels(labels, name, n_samples, least=FOLDS)


def feature_columns(given, codes):
    """Return columns of the comparison, by name, from the codes of all samples.

    ``given`` are true codes, labels and groups, or None, and a seed. How many seconds probes took
    comes second.
    """
    truth, labels, groups, seed = given
    columns, start = {}, time.perf_counter()
    if truth is not None:
        match = match_codes(truth, codes, "correlation")
        columns |= {"F1": match.f1, "precision": match.precision, "recall": match.recall}
        columns["MCC"] = match.mcc
        start = time.perf_counter()
    if labels is not None:
        # Here, since scikit-learn's models import its progress bars, and they rich.
        from sksupercode.metrics._probing import probe_latents

        folds = {"cv": FOLDS, "groups": groups, "random_state": seed}
        probe = probe_latents(codes, labels, n_latents=PROBED, **folds)
        columns |= {f"AUC_{n}": float(auc) for n, auc in zip(PROBED, probe.mean, strict=True)}
    return columns, time.perf_counter() - start
