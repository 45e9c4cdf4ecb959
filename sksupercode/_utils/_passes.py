"""Passes over samples, until those held out are no longer explained better."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from types import SimpleNamespace

import numpy as np

from sksupercode._utils._validation import check_bool, check_integer, check_real


def check_passes(estimator):
    """Return the parameters of an estimator that concern its passes, or refuse one."""
    fraction = estimator.validation_fraction
    return SimpleNamespace(
        max_iter=check_integer(estimator.max_iter, "max_iter", minimum=1),
        early_stopping=check_bool(estimator.early_stopping, "early_stopping"),
        validation_fraction=check_real(fraction, "validation_fraction", 0, 1, closed="neither"),
        n_iter_no_change=check_integer(estimator.n_iter_no_change, "n_iter_no_change", minimum=1),
        tol=check_real(estimator.tol, "tol", 0, closed="left"),
        max_norm=check_real(estimator.max_norm, "max_norm", 0, closed="right", allow_none=True),
        verbose=check_bool(estimator.verbose, "verbose"),
    )


def split_rows(rows, settings, rng):
    """Return the rows to train on and those to validate on, or None."""
    if not settings.early_stopping:
        return rows, None
    n_samples = len(rows)
    n_validation = math.ceil(settings.validation_fraction * n_samples)
    if n_validation < 2 or n_validation >= n_samples:
        raise ValueError(
            f"validation_fraction must leave at least 2 samples to validate on and 1 to train on, "
            f"got {settings.validation_fraction!r} of {n_samples}."
        )
    order = rng.permutation(n_samples)
    return rows[np.sort(order[n_validation:])], rows[np.sort(order[:n_validation])]


def run_passes(estimator, settings, name, run_pass, state, score):
    """Make passes, set the attributes that describe them, and return the state to keep.

    ``run_pass(i)`` makes a pass and returns its loss, ``state()`` what was learned so far. With
    early stopping, ``score(state)`` tells how good that is on samples that were held out.
    """
    # Imports rich by way of scikit-learn, which the import of the package should not.
    from sksupercode._utils._progress import track

    passes = track(range(settings.max_iter), name, settings.max_iter, settings.verbose)
    losses, scores, best, n_worse = [], [], None, 0
    for i in passes:
        losses.append(run_pass(i))
        if not settings.early_stopping:
            continue
        learned = state()
        scores.append(score(learned))
        improved = best is None or scores[-1] > best[0] + settings.tol
        n_worse = 0 if improved else n_worse + 1
        if best is None or scores[-1] > best[0]:
            best = scores[-1], learned
        if n_worse >= settings.n_iter_no_change:
            break
    estimator.n_iter_ = len(losses)
    estimator.loss_curve_ = losses
    if best is None:
        return state()
    estimator.validation_scores_ = scores
    estimator.best_validation_score_ = best[0]
    return best[1]
