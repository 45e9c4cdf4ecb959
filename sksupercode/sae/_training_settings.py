"""The parameters of training, checked."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from contextlib import suppress
from types import SimpleNamespace

import numpy as np

from sksupercode._utils._passes import check_passes
from sksupercode._utils._validation import check_device, check_integer, check_real, unfrozen
from sksupercode.sae._weights import ARCHITECTURES, SAEWeights

TRAINED = ("topk", "abstopk", "batchtopk", "matryoshka", "relu", "gated", "jumprelu")
# What the automatic learning rate is multiplied by.
_RATES = {"matryoshka": 4, "gated": 4}
# Parts of the dictionary that reconstruct samples for themselves, by default.
_PREFIXES = (16, 8, 4, 2, 1)


def check_settings(estimator):
    """Return the parameters of a ``SparseAutoencoder`` that concern training, or refuse one."""
    architecture = estimator.architecture
    if architecture not in TRAINED:
        verb = "can be loaded, not trained" if architecture in ARCHITECTURES else "is unknown"
        raise ValueError(
            f"architecture must be one of {', '.join(map(repr, TRAINED))} in training: "
            f"{architecture!r} {verb}."
        )

    def integer(name, maximum=np.inf):
        return check_integer(getattr(estimator, name), name, minimum=1, maximum=maximum)

    def real(name, *, value=None, positive=False):
        value = getattr(estimator, name) if value is None else value
        return check_real(value, name, 0, closed="neither" if positive else "left")

    n_latents, k, rate = integer("n_latents"), estimator.n_nonzero_coefs, estimator.learning_rate

    def penalty(name):
        is_auto = isinstance(getattr(estimator, name), str) and getattr(estimator, name) == "auto"
        return "auto" if is_auto else real(name)

    l1_coef = penalty("l1_coef")
    if architecture not in ("relu", "gated") or l1_coef == "auto":
        k = integer("n_nonzero_coefs", maximum=n_latents)
    if isinstance(rate, str) and rate == "auto":
        rate = 4e-4 * math.sqrt(2**14 / n_latents) * _RATES.get(architecture, 1)
    return SimpleNamespace(
        architecture=architecture,
        n_latents=n_latents,
        n_nonzero_coefs=k,
        l1_coef=l1_coef,
        l0_coef=penalty("l0_coef"),
        bandwidth=real("bandwidth", positive=True),
        prefix_sizes=_check_prefixes(estimator.prefix_sizes, n_latents),
        aux_coef=real("aux_coef"),
        # Checked where d is known.
        init=estimator.init,
        learning_rate=real("learning_rate", value=rate, positive=True),
        batch_size=integer("batch_size"),
        device=check_device(estimator.device),
        **vars(check_passes(estimator)),
    )


def _check_prefixes(sizes, n_latents):
    if isinstance(sizes, str) and sizes == "auto":
        return sorted({max(1, n_latents // part) for part in _PREFIXES})
    try:
        checked = [check_integer(size, "prefix_sizes", minimum=1) for size in sizes]
    except (TypeError, ValueError):
        checked = []
    if not checked or checked[-1] != n_latents or np.any(np.diff(checked) <= 0):
        raise ValueError(
            f"prefix_sizes must be 'auto' or increasing integers, the last of them "
            f"n_latents={n_latents}, got {sizes!r}."
        )
    return checked


def check_weights(weights, settings):
    """Refuse to train on from weights of another kind than training makes."""
    from sksupercode.sae._architectures import TRAINABLE

    stored = TRAINABLE[settings.architecture].stored
    norms = np.linalg.norm(weights.W_dec.astype(np.float32), axis=1)
    if (weights.architecture, weights.shape[0]) != (stored, settings.n_latents):
        wanted = f"{stored!r} with n_latents={settings.n_latents}"
        got = f"{weights.architecture!r} with {weights.shape[0]}"
        raise ValueError(f"partial_fit goes on from weights of {wanted}, got {got}.")
    if (
        weights.is_transcoder
        or not weights.applies_b_dec
        or weights.rescales_by_norm
        or weights.normalization != "none"
        or not np.allclose(norms, 1, atol=1e-3)
    ):
        raise ValueError(
            "partial_fit goes on from weights with codewords of unit norm, b_dec subtracted from "
            f"samples and no normalisation, got others ({weights.name or weights.architecture})."
        )


def weights_of_init(settings):
    """Return the weights of the autoencoder that ``init`` is, if ``partial_fit`` could go on."""
    weights = getattr(unfrozen(settings.init), "weights_", None)
    with suppress(ValueError):
        if isinstance(weights, SAEWeights):
            check_weights(weights, settings)
            return weights
    return None
