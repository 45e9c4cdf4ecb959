"""What training is asked for, checked."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from types import SimpleNamespace

import numpy as np

from sksupercode._utils._validation import check_integer, check_option, check_real
from sksupercode.sae._weights import ARCHITECTURES

TRAINED = ("topk", "batchtopk", "relu")


def check_settings(estimator):
    """Return the parameters of a ``SparseAutoencoder`` that concern training.

    Raises
    ------
    ValueError
        If one is illegal; the message names it.
    """
    architecture = estimator.architecture
    if architecture not in TRAINED:
        verb = "can be loaded, not trained" if architecture in ARCHITECTURES else "is unknown"
        raise ValueError(
            f"architecture must be one of {', '.join(map(repr, TRAINED))} in training: "
            f"{architecture!r} {verb}."
        )
    n_latents = check_integer(estimator.n_latents, "n_latents", minimum=1)
    k = estimator.n_nonzero_coefs
    if architecture != "relu":
        k = check_integer(k, "n_nonzero_coefs", minimum=1, maximum=n_latents)

    def nonnegative(name):
        return check_real(
            getattr(estimator, name), name, minimum=0, maximum=np.inf, max_inclusive=False
        )

    rate = estimator.learning_rate
    if isinstance(rate, str) and rate == "auto":
        rate = 4e-4 * math.sqrt(2**14 / n_latents)
    return SimpleNamespace(
        architecture=architecture,
        n_latents=n_latents,
        n_nonzero_coefs=k,
        l1_coef=nonnegative("l1_coef"),
        aux_coef=nonnegative("aux_coef"),
        init=check_option(estimator.init, "init", ("samples", "random")),
        learning_rate=check_real(
            rate,
            "learning_rate",
            minimum=0,
            min_inclusive=False,
            maximum=np.inf,
            max_inclusive=False,
        ),
        batch_size=check_integer(estimator.batch_size, "batch_size", minimum=1),
        max_iter=check_integer(estimator.max_iter, "max_iter", minimum=1),
        early_stopping=_check_bool(estimator.early_stopping, "early_stopping"),
        validation_fraction=check_real(
            estimator.validation_fraction,
            "validation_fraction",
            minimum=0,
            maximum=1,
            min_inclusive=False,
            max_inclusive=False,
        ),
        n_iter_no_change=check_integer(estimator.n_iter_no_change, "n_iter_no_change", minimum=1),
        tol=nonnegative("tol"),
        device=_check_device(estimator.device),
        verbose=_check_bool(estimator.verbose, "verbose"),
    )


def _check_bool(value, name):
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def _check_device(device):
    import torch

    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (AssertionError, NotImplementedError, RuntimeError, TypeError) as error:
        raise ValueError(f"device must be one that PyTorch can use, got {device!r}.") from error
    return device


def check_weights(weights, settings):
    """Refuse to train on from weights of another kind than training makes."""
    stored = "jumprelu" if settings.architecture == "batchtopk" else settings.architecture
    norms = np.linalg.norm(weights.W_dec.astype(np.float32), axis=1)
    if (weights.architecture, weights.shape[0]) != (stored, settings.n_latents):
        wanted = f"{stored!r} with n_latents={settings.n_latents}"
        got = f"{weights.architecture!r} with {weights.shape[0]}"
        raise ValueError(f"partial_fit goes on from weights of {wanted}, got {got}.")
    if (
        not weights.applies_b_dec
        or weights.rescales_by_norm
        or weights.normalization != "none"
        or not np.allclose(norms, 1, atol=1e-3)
    ):
        raise ValueError(
            "partial_fit goes on from weights with codewords of unit norm, b_dec subtracted from "
            f"samples and no normalisation, got others ({weights.name or weights.architecture})."
        )
