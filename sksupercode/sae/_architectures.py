r"""What the architectures of sparse autoencoders do in training, in units of variance 1.

With :math:`\lambda` the penalty, e the error and e-hat what dead latents make of it, the losses are

.. math::
    \|x - \hat x\|^2 + \frac{\|e - \hat e\|^2}{32\, \|e\|^2}, \qquad
    \|x - \hat x\|^2 + \lambda \|a\|_1, \qquad
    \|x - \hat x\|^2 + \lambda \|a\|_0

for TopK and its kin, for ReLU, and for JumpReLU. Gated autoencoders have the second, with the
positive part of the pre-activations of the gate in place of a, and a second reconstruction from it.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.sae._sparse_products import decode, preactivations

try:
    import torch
except ModuleNotFoundError:  # ``SparseAutoencoder.fit`` has said so before it comes here.
    torch = None

_Function = object if torch is None else torch.autograd.Function
# A latent is dead once it misses this many times the mean interval N / k between activations.
_DEAD_AFTER = 256
_THRESHOLD_MEMORY = 0.99
# Of ReLU and gated: where a weight begins that is to leave k latents, and how fast it changes.
_FIRST_L1, _L1_RATE = 0.1, 0.005
# Of JumpReLU: no threshold is below this.
_LEAST_THRESHOLD = 1e-6
# Their logarithms learn faster than all else, or they would not keep up with the encoder; and the
# weight of the squared relative distance of the mean L0 from k.
_PACE, _TOWARDS_K = 10, 1.0


class Architecture:
    """Parameters of an autoencoder of one kind, and their loss.

    Parameters
    ----------
    settings : namespace
        Checked parameters of the estimator.
    arrays : dict of str to ndarray
        W_dec and W_enc^T, of shape (N, d), and the vectors named in ``vectors`` and ``lengths``,
        as far as they do not start at 0.
    """

    # Under which name ``SAEWeights`` has it, and whether with k.
    stored, has_k = None, False
    # Vectors of N parameters, and what of its arrays is in the unit of samples.
    vectors = lengths = ("b_enc",)

    def __init__(self, settings, arrays):
        self.settings = settings
        n_latents, d = arrays["W_dec"].shape
        zeros = dict.fromkeys(self.vectors, np.zeros(n_latents)) | {"b_dec": np.zeros(d)}
        self.parameters = {
            name: _parameter(array, settings.device) for name, array in (zeros | arrays).items()
        }
        vars(self).update(self.parameters)

    def groups(self):
        """Return the parameters by what their learning rate is multiplied by."""
        return {1: list(self.parameters.values())}

    def start_on(self, x):
        """Multiply the transpose of the dictionary by what makes reconstructions best."""
        with torch.no_grad():
            x_hat = self.reconstruct(x)
            factor = float((x * x_hat).sum() / x_hat.square().sum().clamp_min(1e-30))
            if factor > 0:
                self.W_enc *= factor
                self.rescale(factor)

    def rescale(self, factor):
        """Multiply all of N numbers that is in the unit of samples."""
        for name in self.vectors:
            if name in self.lengths:
                self.parameters[name] *= factor

    def arrays(self):
        """Return the arrays that ``SAEWeights`` has for it, but those of both decoder and W_enc."""
        return {name: self.parameters[name].detach().cpu().numpy() for name in self.vectors}

    def _error(self, x, a):
        return x - torch.addmm(self.b_dec, a, self.W_dec)

    def _preactivations(self, x):
        return torch.addmm(self.b_enc, x - self.b_dec, self.W_enc.T)


def _parameter(array, device):
    array = np.ascontiguousarray(array, dtype=np.float32)
    return torch.tensor(array, device=device).requires_grad_()


class _Shrinking(Architecture):
    """Those with a penalty of the sum of latents."""

    def __init__(self, settings, arrays):
        super().__init__(settings, arrays)
        self.l1_coef = _FIRST_L1

    def _penalty(self, a, ramp):
        settings = self.settings
        if settings.l1_coef != "auto":
            return ramp * settings.l1_coef * a.sum(dim=1).mean()
        # The weight rises as long as more than k latents are active, and falls where fewer are.
        l0 = float((a.detach() > 0).sum()) / len(a)
        excess = np.log(max(l0, 1e-3) / settings.n_nonzero_coefs)
        self.l1_coef *= float(np.exp(_L1_RATE * np.clip(excess, -1, 1)))
        return self.l1_coef * a.sum(dim=1).mean()


class ReLU(_Shrinking):
    stored = "relu"

    def reconstruct(self, x):
        return torch.relu(self._preactivations(x)) @ self.W_dec + self.b_dec

    def loss(self, x, ramp):
        """Return the mean loss of samples, where penalties are multiplied by ``ramp``."""
        a = torch.relu(self._preactivations(x))
        loss = self._error(x, a).square().sum(dim=1).mean()
        return loss + self._penalty(a, ramp)


class Gated(_Shrinking):
    stored = "gated"
    vectors, lengths = ("b_gate", "b_mag", "r_mag"), ("b_gate", "b_mag")

    def _latents(self, x):
        z = (x - self.b_dec) @ self.W_enc.T
        gate = z + self.b_gate
        magnitudes = torch.relu(z * self.r_mag.exp() + self.b_mag)
        return gate, torch.where(gate > 0, magnitudes, 0)

    def reconstruct(self, x):
        return self._latents(x)[1] @ self.W_dec + self.b_dec

    def loss(self, x, ramp):
        gate, a = self._latents(x)
        gate = torch.relu(gate)
        loss = self._error(x, a).square().sum(dim=1).mean()
        loss = loss + self._penalty(gate, ramp)
        # Through the gate alone, whose step has no gradient, by a dictionary that stays as it is.
        by_gate = torch.addmm(self.b_dec.detach(), gate, self.W_dec.detach())
        return loss + (x - by_gate).square().sum(dim=1).mean()


class TopK(Architecture):
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


class _Jump(_Function):
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


ARCHITECTURES = {
    "topk": TopK,
    "abstopk": AbsTopK,
    "batchtopk": BatchTopK,
    "matryoshka": Matryoshka,
    "relu": ReLU,
    "gated": Gated,
    "jumprelu": JumpReLU,
}
