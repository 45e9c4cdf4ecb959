"""Training of sparse autoencoders from the start and further, and when it ends."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches

from sksupercode._utils._batches import moments_of, read_rows, rows_to_learn
from sksupercode._utils._passes import run_passes, split_rows
from sksupercode._utils._validation import check_generator
from sksupercode._utils._warnings import warn
from sksupercode.sae._forward import ForwardPass
from sksupercode.sae._trainer import Trainer
from sksupercode.sae._training_settings import check_settings, check_weights

# Penalties that may be "auto": how far they may leave the number of latents from k, as a factor,
# and the samples that tell.
_PENALTIES = {"relu": "l1_coef", "gated": "l1_coef", "jumprelu": "l0_coef"}
_FAR, _FEW = 2, 1000


def train(estimator, X):
    """Train from the start; return the weights and set the attributes that describe training."""
    settings = check_settings(estimator)
    rng = check_generator(estimator.random_state)
    rows = rows_to_learn(X, settings.max_norm)
    n_left_out = len(X) - len(rows)
    rows, validation = split_rows(rows, settings, rng)
    trainer = Trainer(settings, rng, X, rows)
    trainer.n_steps = settings.max_iter * math.ceil(len(rows) / settings.batch_size)
    moments = None if validation is None else moments_of(X, validation)
    if moments is not None and not moments.squares > 0:
        raise ValueError("early_stopping needs samples that differ, got a constant X.")

    def score(weights):
        return 1.0 - _unexplained_variance(weights, X, validation, moments)

    weights = run_passes(
        estimator,
        settings,
        "Training",
        lambda _: trainer.run_epoch(X, rows),
        trainer.weights,
        score,
    )
    estimator.n_left_out_ = n_left_out
    _warn_of_l0(weights, settings, X, rows)
    return weights


def _warn_of_l0(weights, settings, X, rows):
    """Warn if a penalty that is to leave k latents leaves others, on the first samples."""
    name = _PENALTIES.get(settings.architecture)
    if name is None or getattr(settings, name) != "auto":
        return
    forward, k = ForwardPass(weights), settings.n_nonzero_coefs
    some = read_rows(X, rows[: min(_FEW, forward.block_length())])
    l0 = forward.encode(some).nnz / len(some)
    if not k / _FAR <= l0 <= k * _FAR:
        warn(
            f"{l0:.3g} latents are active on average, far from n_nonzero_coefs={k}: {name}='auto' "
            "comes near to it in more steps. Raise max_iter or learning_rate, or lower batch_size.",
            ConvergenceWarning,
        )


def train_further(estimator, X, trainer, weights):
    """Make one more pass over X; return the weights and the trainer that they come from."""
    settings = check_settings(estimator)
    rows = rows_to_learn(X, settings.max_norm, may_be_none=weights is not None)
    n_left_out = len(X) - len(rows)
    if not len(rows):
        estimator.n_left_out_ = getattr(estimator, "n_left_out_", 0) + n_left_out
        return weights, trainer
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
    else:
        rows = trainer.see(X, rows)
    estimator.n_left_out_ = getattr(estimator, "n_left_out_", 0) + n_left_out
    if not len(rows):
        return trainer.weights(), trainer
    trainer.settings = trainer.model.settings = settings
    loss = trainer.run_epoch(X, rows)
    estimator.n_iter_ = getattr(estimator, "n_iter_", 0) + 1
    estimator.loss_curve_ = [*getattr(estimator, "loss_curve_", []), loss]
    return trainer.weights(), trainer


def _unexplained_variance(weights, X, rows, moments):
    """Return what the forward pass leaves of the variance of samples with these moments."""
    forward, total = ForwardPass(weights), 0.0
    for batch in gen_batches(len(rows), forward.block_length()):
        x = read_rows(X, rows[batch])
        x_hat = forward.encode(x) @ forward.dictionary + forward.intercept
        error = np.ldexp((x - x_hat).astype(np.float64), -moments.exponent)
        total += float(np.square(error).sum())
    return total / moments.squares
