"""Training of sparse autoencoders from the start and further, and when it ends."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._progress import track
from sksupercode._utils._validation import check_generator
from sksupercode.sae._forward import ForwardPass
from sksupercode.sae._trainer import BATCH, Trainer, moments_of
from sksupercode.sae._training_settings import check_settings, check_weights


def train(estimator, X):
    """Train from the start; return the weights and set the attributes that describe training."""
    settings = check_settings(estimator)
    rng = check_generator(estimator.random_state)
    rows, validation = _split(len(X), settings, rng)
    passes = track(range(settings.max_iter), "Training", settings.max_iter, settings.verbose)
    trainer = Trainer(settings, rng, X, rows)
    trainer.n_steps = settings.max_iter * math.ceil(len(rows) / settings.batch_size)
    losses, scores, best, n_worse = [], [], None, 0
    if validation is not None:
        moments = moments_of(X, validation)
        if not moments.squares > 0:
            raise ValueError("early_stopping needs samples that differ, got a constant X.")
    for _ in passes:
        losses.append(trainer.run_epoch(X, rows))
        if validation is None:
            continue
        weights = trainer.weights()
        scores.append(1.0 - _unexplained_variance(weights, X, validation, moments))
        improved = best is None or scores[-1] > best[0] + settings.tol
        n_worse = 0 if improved else n_worse + 1
        if best is None or scores[-1] > best[0]:
            best = scores[-1], weights
        if n_worse >= settings.n_iter_no_change:
            break
    estimator.n_iter_ = len(losses)
    estimator.loss_curve_ = losses
    if best is not None:
        estimator.validation_scores_ = scores
        estimator.best_validation_score_ = best[0]
    return trainer.weights() if best is None else best[1]


def train_further(estimator, X, trainer, weights):
    """Make one more pass over X; return the weights and the trainer that they come from."""
    settings = check_settings(estimator)
    rows = np.arange(len(X))
    if trainer is None:
        if weights is not None:
            check_weights(weights, settings)
        trainer = Trainer(settings, check_generator(estimator.random_state), X, rows, weights)
    elif trainer.shape != (settings.n_latents, X.shape[1]) or (
        trainer.settings.architecture != settings.architecture
    ):
        raise ValueError(
            f"n_latents and architecture must not change between calls of partial_fit, from "
            f"{trainer.shape[0]} and {trainer.settings.architecture!r} to {settings.n_latents} and "
            f"{settings.architecture!r}."
        )
    elif not len(rows := trainer.see(X, rows)):
        return trainer.weights(), trainer
    trainer.settings = settings
    loss = trainer.run_epoch(X, rows)
    estimator.n_iter_ = getattr(estimator, "n_iter_", 0) + 1
    estimator.loss_curve_ = [*getattr(estimator, "loss_curve_", []), loss]
    return trainer.weights(), trainer


def _split(n_samples, settings, rng):
    """Return the rows to train on and those to validate on, or None."""
    if not settings.early_stopping:
        return np.arange(n_samples), None
    n_validation = math.ceil(settings.validation_fraction * n_samples)
    if n_validation < 2 or n_validation >= n_samples:
        raise ValueError(
            f"validation_fraction must leave at least 2 samples to validate on and 1 to train on, "
            f"got {settings.validation_fraction!r} of {n_samples}."
        )
    order = rng.permutation(n_samples)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


def _unexplained_variance(weights, X, rows, moments):
    """Return what the forward pass leaves of the variance of samples with these moments."""
    forward, total = ForwardPass(weights), 0.0
    for batch in gen_batches(len(rows), min(BATCH, forward.block_length())):
        x = np.asarray(X[rows[batch]])
        if x.dtype != np.float64:
            x = x.astype(np.float32, copy=False)
        x_hat = forward.encode(x) @ forward.dictionary + forward.intercept
        error = np.ldexp((x - x_hat).astype(np.float64), -moments.exponent)
        total += float(np.square(error).sum())
    return total / moments.squares
