"""Architectures in training whose steps cost the number of active latents: TopK and its kin."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import torch

from sksupercode.sae._architecture import Architecture
from sksupercode.sae._sparse_products import decode, preactivations

# A latent is dead once it misses this many times the mean interval N / k between activations.
_DEAD_AFTER = 256
_THRESHOLD_MEMORY = 0.99
# Of JumpReLU: no threshold is below this.
_LEAST_THRESHOLD = 1e-6
# Their logarithms learn faster than all else, or they would not keep up with the encoder; and the
# weight of the squared relative distance of the mean L0 from k.
_PACE, _TOWARDS_K = 10, 1.0


class TopK(Architecture):
    """The k largest positive pre-activations of each sample, and a loss that revives the dead."""

    stored, has_k = "topk", True

    def __init__(self, settings, arrays):
        super().__init__(settings, arrays)
        device = settings.device
        self.n_inactive = torch.zeros(settings.n_latents, dtype=torch.int64, device=device)

    def _select(self, z):
        return z.largest(self.settings.n_nonzero_coefs)

    def _preactivations(self, x):
        return preactivations(x - self.b_dec, self.W_enc, self.b_enc)

    def reconstruct(self, x):
        z = self._preactivations(x)
        support = self._select(z)
        return decode(z.at(support), support, self.W_dec) + self.b_dec

    def loss(self, x, ramp):
        z = self._preactivations(x)
        support = self._select(z)
        values = z.at(support)
        self._learn_from(values.detach())
        self.n_inactive += len(x)
        self.n_inactive[support.indices().long()] = 0
        loss, error = self._losses(x, values, support)
        return loss + self._auxiliary_loss(z, error.detach())

    def _learn_from(self, values):
        """Take note of the latents of a batch."""

    def _losses(self, x, values, support):
        error = x - (decode(values, support, self.W_dec) + self.b_dec)
        return error.square().sum(dim=1).mean(), error

    def _auxiliary_loss(self, z, error):
        """Gao et al.: dead latents reconstruct the error, d / 2 of them for each sample."""
        settings, d = self.settings, error.shape[1]
        dead_after = _DEAD_AFTER * settings.n_latents / settings.n_nonzero_coefs
        dead = torch.nonzero(self.n_inactive > dead_after).ravel()
        if not len(dead) or settings.aux_coef == 0:
            return 0.0
        n_wanted = max(1, d // 2)
        support = z.largest(min(n_wanted, len(dead)), among=dead)
        error_hat = decode(z.at(support), support, self.W_dec)
        loss = (error - error_hat).square().mean() / error.square().mean().clamp_min(1e-8)
        # A few dead latents cannot reconstruct much.
        return settings.aux_coef * min(1.0, len(dead) / n_wanted) * loss


class AbsTopK(TopK):
    """The k largest magnitudes of each sample, of either sign."""

    stored = "abstopk"

    def _select(self, z):
        return z.largest(self.settings.n_nonzero_coefs, signed=True)


class BatchTopK(TopK):
    """TopK of a whole batch, stored with one threshold, as JumpReLU."""

    stored, has_k = "jumprelu", False
    lengths = ("b_enc", "threshold")

    def __init__(self, settings, arrays):
        threshold = arrays.pop("threshold", None)
        super().__init__(settings, arrays)
        # A moving average and the total weight of what is in it.
        self.threshold = (0.0, 0.0) if threshold is None else (float(threshold.max()), 1.0)

    def _select(self, z):
        return z.largest_of_all(self.settings.n_nonzero_coefs)

    def _learn_from(self, values):
        if len(values):
            mean, weight = (_THRESHOLD_MEMORY * value for value in self.threshold)
            share = 1 - _THRESHOLD_MEMORY
            self.threshold = (mean + share * float(values.min()), weight + share)

    def rescale(self, factor):
        super().rescale(factor)
        self.threshold = (self.threshold[0] * factor, self.threshold[1])

    def arrays(self):
        mean, weight = self.threshold
        threshold = np.full(self.settings.n_latents, mean / weight if weight else 0.0)
        return super().arrays() | {"threshold": threshold}


class Matryoshka(BatchTopK):
    """BatchTopK in which each of several prefixes of the dictionary reconstructs the sample."""

    def _losses(self, x, values, support):
        bounds = self.settings.prefix_sizes
        parts = decode(values, support.divided(bounds), self.W_dec)
        x_hat = parts.reshape(len(x), len(bounds), -1).cumsum(dim=1) + self.b_dec
        errors = x[:, None] - x_hat
        return errors.square().sum(dim=2).mean(), errors[:, -1]


class JumpReLU(TopK):
    """Latents above thresholds, which learn through a kernel in place of a step's derivative."""

    stored, has_k = "jumprelu", False
    vectors, lengths = ("b_enc", "log_threshold"), ("b_enc", "threshold")

    def __init__(self, settings, arrays):
        threshold = arrays.pop("threshold", None)
        if threshold is not None:
            arrays["log_threshold"] = np.log(np.maximum(threshold, _LEAST_THRESHOLD))
        super().__init__(settings, arrays)

    def groups(self):
        others = [p for name, p in self.parameters.items() if name != "log_threshold"]
        return {1: others, _PACE: [self.log_threshold]}

    def start_on(self, x):
        with torch.no_grad():
            # Thresholds start where k latents of a sample are above them.
            z = self._preactivations(x)
            values = z.at(z.largest_of_all(self.settings.n_nonzero_coefs))
            if len(values):
                self.log_threshold.fill_(float(values.min().log()))
        super().start_on(x)

    def _select(self, z):
        return z.above(self.log_threshold.detach().exp())

    def loss(self, x, ramp):
        settings, bandwidth = self.settings, self.settings.bandwidth
        z, threshold = self._preactivations(x), self.log_threshold.exp()
        # Others have no part in the loss or its gradients.
        support = z.above(threshold.detach() - bandwidth / 2)
        latents = support.indices().long()
        values, is_active = _Jump.apply(z.at(support), threshold[latents], bandwidth)
        self.n_inactive += len(x)
        self.n_inactive[latents[is_active.detach() > 0]] = 0
        loss, error = self._losses(x, values, support)
        l0 = is_active.sum() / len(x)
        if settings.l0_coef == "auto":
            penalty = _TOWARDS_K * (l0 / settings.n_nonzero_coefs - 1).square()
        else:
            penalty = ramp * settings.l0_coef * l0
        return loss + penalty + self._auxiliary_loss(z, error.detach())

    def rescale(self, factor):
        self.b_enc *= factor
        self.log_threshold += np.log(factor)

    def arrays(self):
        arrays = super().arrays()
        return arrays | {"threshold": np.exp(arrays.pop("log_threshold"))}


class _Jump(torch.autograd.Function):
    """``z`` and 1 where it exceeds the threshold, else 0 and 0."""

    @staticmethod
    def forward(ctx, z, threshold, bandwidth):
        ctx.save_for_backward(z, threshold)
        ctx.bandwidth = bandwidth
        is_active = (z > threshold).to(z.dtype)
        return z * is_active, is_active

    @staticmethod
    def backward(ctx, to_value, to_is_active):
        z, threshold = ctx.saved_tensors
        near = (z - threshold).abs() < ctx.bandwidth / 2
        to_threshold = near * (threshold * to_value + to_is_active) / -ctx.bandwidth
        # What a threshold gains by a step up, a pre-activation gains by one down.
        return to_value * (z > threshold) - to_threshold, to_threshold, None
