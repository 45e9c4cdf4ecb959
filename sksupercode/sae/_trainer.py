r"""Training of sparse autoencoders by PyTorch, in units in which samples have variance 1.

.. math::
    L = \|x - \hat x\|^2 + \frac{\|e - \hat e\|^2}{32\, \|e\|^2}, \qquad
    L = \|x - \hat x\|^2 + \lambda \|a\|_1

for TopK and BatchTopK, with e the error and e-hat what dead latents make of it, and for ReLU.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
import warnings

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._moments import RunningMoments
from sksupercode.decoders._initial_codewords import initial_codewords
from sksupercode.sae._forward import MODERATE
from sksupercode.sae._training_settings import weights_of_init
from sksupercode.sae._weights import SAEWeights

try:
    import torch
except ModuleNotFoundError:  # ``SparseAutoencoder.fit`` has said so before it comes here.
    torch = None

# A latent is dead once it misses this many times the mean interval N / k between activations.
_DEAD_AFTER = 256
# Fractions of all steps in which the learning rate rises and falls; the penalty rises with it.
_WARM_UP, _DECAY = 0.05, 0.2
_WARM_UP_STEPS_OF_PARTIAL_FIT = 100
_THRESHOLD_MEMORY = 0.99
# Samples that are measured at a time.
BATCH = 512
# Samples that differ by this fraction of a standard deviation teach nothing.
_ALIKE = 1e-3
# Standard deviations from the mean at which samples are of another scale: a few of them have most
# of the variance. Fewer samples than that do not tell the standard deviation.
_APART = 32
# Standard deviations from 0 at which float32 begins to blur float64 samples.
_FAR = 2.0**12


class Trainer:
    """Parameters and optimiser of one autoencoder.

    Parameters are for samples ``(2**-e x - c) s``, whose mean is 0 and variance 1. Training is on
    ``rows`` of X, and starts from ``weights`` or from what ``settings.init`` names. c is the mean,
    unless the start has an intercept; then it is this, and 1 is the mean squared distance from it.
    """

    def __init__(self, settings, rng, X, rows, weights=None):
        self.settings, self.rng = settings, rng
        self.shape = settings.n_latents, X.shape[1]
        self.start, self.codewords, self.origin = weights, None, None
        if weights is None:
            self.codewords, self.origin = initial_codewords(settings.init, *self.shape)
            self.start = weights_of_init(settings)
        if self.start is not None:
            self.origin = self.start.b_dec.astype(np.float64)
        self.moments, self.n_steps = RunningMoments(), None
        # Samples of the scale of the first ones are counted, those of another are measured.
        self.n_alike, self.apart = len(rows), RunningMoments()
        self._measure(X, rows)
        if weights is None and self._starts_far():
            warnings.warn(
                f"intercept_ of init is more than {_APART} standard deviations away from the mean "
                "of X, where b_dec starts instead: was init learned from X in another unit?",
                UserWarning,
                stacklevel=4,
            )
            self.start = self.origin = None
            self._measure(X, rows[:0])
        self._begin(X, rows)

    def _starts_far(self):
        variance, n_samples = self.moments.squares / self.moments.n_samples, self.moments.n_samples
        is_far = n_samples >= _APART and 0 < variance < self.variance / (1 + _APART**2)
        return is_far or not math.isfinite(self.variance)

    def _begin(self, X, rows):
        """Set the parameters with which training begins."""
        settings, rng, weights, (n_latents, d) = self.settings, self.rng, self.start, self.shape
        # A moving average and the total weight of what is in it.
        self.threshold = (0.0, 0.0)
        if weights is None:
            generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
            W_dec = torch.randn(n_latents, d, generator=generator, dtype=torch.float32)
            drawn = np.arange(n_latents)
            if self.codewords is not None:
                drawn = np.flatnonzero(~self.codewords.any(axis=1))
                given = np.delete(np.arange(n_latents), drawn)
                W_dec[given] = torch.from_numpy(self.codewords[given].astype(np.float32))
            if self.codewords is not None or settings.init == "samples":
                some = np.sort(rng.choice(rows, min(len(drawn), len(rows)), replace=False))
                samples = self._normalized(X[some])
                differs = samples.norm(dim=1) > 1e-6
                W_dec[drawn[: len(some)][differs.numpy()]] = samples[differs]
            W_dec /= W_dec.norm(dim=1, keepdim=True).clamp_min(1e-12)
            W_enc, b_enc = W_dec.T.clone(), torch.zeros(n_latents, dtype=torch.float32)
        else:
            W_dec, W_enc = (
                torch.from_numpy(getattr(weights, name).astype(np.float32))
                for name in ("W_dec", "W_enc")
            )
            b_enc = torch.from_numpy(self._in_units(weights.b_enc).astype(np.float32))
            if weights.threshold is not None:
                self.threshold = (float(self._in_units(weights.threshold.max())), 1.0)
        b_dec = torch.zeros(d, dtype=torch.float32)
        self.W_enc, self.b_enc, self.W_dec, self.b_dec = (
            # Adam is applied to what is contiguous and a leaf of the graph.
            tensor.contiguous().to(settings.device).requires_grad_()
            for tensor in (W_enc, b_enc, W_dec, b_dec)
        )
        self.optimizer = torch.optim.Adam(
            [self.W_enc, self.b_enc, self.W_dec, self.b_dec], lr=1.0, eps=6.25e-10
        )
        self.n_inactive = torch.zeros(n_latents, dtype=torch.int64, device=settings.device)
        self.step = 0

    def _measure(self, X, rows):
        """Take samples in, and set the exponent e, the centre c and the scale s of all so far."""
        moments_of(X, rows, self.moments)
        mean, self.exponent = self.moments.mean, self.moments.exponent
        self.center, self.variance = mean, self.moments.squares / self.moments.n_samples
        if self.origin is not None:
            with np.errstate(over="ignore"):
                self.center = np.ldexp(self.origin, -self.exponent)
                self.variance += float(np.square(mean - self.center).sum())
        self.scale = 1 / math.sqrt(self.variance) if self.variance > 0 else 1.0
        # Where float32 has no room for weights, or blurs how samples of float64 differ.
        deviation, largest = math.sqrt(self.variance), float(np.abs(self.center).max())
        self.is_wide = (X.dtype == np.float64 and 0 < deviation * _FAR < largest) or any(
            size > 0 and abs(math.log2(size) + self.exponent) > math.log2(MODERATE)
            for size in (deviation or largest, max(deviation, largest))
        )

    def see(self, X, rows):
        """Take further samples in, and return the rows of those to be trained on.

        Those far away are left out. Training begins again with samples of another scale once they
        outnumber those of the present one.
        """
        earlier, present = self.moments, moments_of(X, rows)
        is_far = earlier.n_samples >= _APART and _are_apart(present, earlier)
        near = _are_near(X, rows, earlier) if is_far else np.zeros(len(rows), dtype=bool)
        if is_far or _are_apart(earlier, present):
            moments_of(X, rows[~near], self.apart)
            begins = self.apart.n_samples > self.n_alike
            # Many narrow clusters are of one scale.
            if begins and not is_far and not _are_apart(earlier, self.apart):
                begins, self.n_alike = False, self.n_alike + self.apart.n_samples
                self.apart = RunningMoments()
            if begins or is_far:
                outcome = "training begins again with them" if begins else "they are left out"
                warnings.warn(
                    f"Samples differ from those of earlier calls of partial_fit by more than "
                    f"{_APART} standard deviations, so that no unit suits both: {outcome}. Shuffle "
                    "samples before they are divided among calls, or drop outliers.",
                    UserWarning,
                    stacklevel=4,
                )
            if begins:
                self.moments, self.apart = self.apart, RunningMoments()
                self.n_alike = self.moments.n_samples
                self._measure(X, rows[:0])
                self._begin(X, rows[~near])
                return rows[~near]
            rows = rows[near] if is_far else rows
            self.n_alike += np.count_nonzero(near)
        else:
            self.n_alike += len(rows)
        if not len(rows):
            return rows
        variance, scale, exponent = self.variance, self.scale, self.exponent
        self._measure(X, rows)
        ratio = math.ldexp(self.scale / scale, exponent - self.exponent)
        if variance == 0 or (self.start is None and ratio < _ALIKE):
            self._begin(X, rows)
            return rows
        with torch.no_grad():
            # What was learned stays as it is in the unit of X, b_dec as a distance from the mean.
            self.b_dec *= ratio
            self.b_enc *= ratio
        self.threshold = (self.threshold[0] * ratio, self.threshold[1])
        return rows

    def _in_units(self, numbers):
        return np.ldexp(numbers.astype(np.float64), -self.exponent) * self.scale

    def _normalized(self, X):
        X = np.ldexp(np.asarray(X, dtype=np.float64), -self.exponent)
        return torch.from_numpy(((X - self.center) * self.scale).astype(np.float32))

    def run_epoch(self, X, rows):
        """Take each sample once, in random order; return the mean loss."""
        if self.variance == 0:
            return 0.0
        total = torch.zeros((), dtype=torch.float64, device=self.settings.device)
        order = self.rng.permutation(rows)
        for batch in gen_batches(len(order), self.settings.batch_size):
            # In order of storage, for the sake of mapped files.
            samples = self._normalized(X[np.sort(order[batch])])
            total += len(samples) * self._step(samples.to(self.settings.device))
        loss = float(total) / len(order)
        if not math.isfinite(loss):
            raise ValueError(
                f"Training diverged: learning_rate={self.settings.learning_rate!r} is too large."
            )
        return loss

    def _step(self, x):
        ramp, rate = self._schedule()
        if self.step == 0 and self.start is None:
            self._rescale_encoder(x)
        with torch.enable_grad():
            z = torch.addmm(self.b_enc, x - self.b_dec, self.W_enc)
            a = self._activate(z)
            error = x - torch.addmm(self.b_dec, a, self.W_dec)
            loss = error.square().sum(dim=1).mean()
            if self.settings.architecture == "relu":
                loss = loss + ramp * self.settings.l1_coef * a.sum(dim=1).mean()
            else:
                self.n_inactive += len(x)
                self.n_inactive[(a.detach() > 0).any(dim=0)] = 0
                loss = loss + self._auxiliary_loss(z, error.detach())
            self.optimizer.zero_grad()
            loss.backward()
        with torch.no_grad():
            gradient, F = self.W_dec.grad, self.W_dec
            gradient -= (gradient * F).sum(dim=1, keepdim=True) * F
            self.optimizer.param_groups[0]["lr"] = rate * self.settings.learning_rate
            self.optimizer.step()
            F /= F.norm(dim=1, keepdim=True).clamp_min(1e-12)
        self.step += 1
        return loss.detach()

    def _schedule(self):
        """Return by how much to multiply the penalty and the learning rate."""
        if self.n_steps is None:
            ramp = min(1.0, (self.step + 1) / _WARM_UP_STEPS_OF_PARTIAL_FIT)
            return ramp, ramp
        ramp = min(1.0, (self.step + 1) / max(1.0, _WARM_UP * self.n_steps))
        fall = min(1.0, (self.n_steps - self.step) / max(1.0, _DECAY * self.n_steps))
        return ramp, ramp * fall

    def _rescale_encoder(self, x):
        """Multiply the transpose of the dictionary by what makes reconstructions best."""
        with torch.no_grad():
            x_hat = self._activate(x @ self.W_enc, learns=False) @ self.W_dec
            factor = float((x * x_hat).sum() / x_hat.square().sum().clamp_min(1e-30))
            if factor > 0:
                self.W_enc *= factor

    def _activate(self, z, learns=True):
        z, k = torch.relu(z), self.settings.n_nonzero_coefs
        if self.settings.architecture == "relu":
            return z
        if self.settings.architecture == "topk":
            return _keep_largest(z, k)
        a = _keep_largest(z.reshape(1, -1), k * len(z)).reshape(z.shape)
        positive = a.detach()[a.detach() > 0]
        if learns and len(positive):
            mean, weight = (_THRESHOLD_MEMORY * value for value in self.threshold)
            share = 1 - _THRESHOLD_MEMORY
            self.threshold = (mean + share * float(positive.min()), weight + share)
        return a

    def _auxiliary_loss(self, z, error):
        """Gao et al.: dead latents reconstruct the error, d / 2 of them for each sample."""
        n_latents, d = self.shape
        dead_after = _DEAD_AFTER * n_latents / self.settings.n_nonzero_coefs
        dead = torch.nonzero(self.n_inactive > dead_after).ravel()
        if not len(dead) or self.settings.aux_coef == 0:
            return 0.0
        n_wanted = max(1, d // 2)
        z = torch.relu(z.index_select(1, dead))
        error_hat = _keep_largest(z, min(n_wanted, len(dead))) @ self.W_dec.index_select(0, dead)
        loss = (error - error_hat).square().mean() / error.square().mean().clamp_min(1e-8)
        # A few dead latents cannot reconstruct much.
        return self.settings.aux_coef * min(1.0, len(dead) / n_wanted) * loss

    def weights(self):
        """Return the weights, for samples as they came."""
        W_enc, b_enc, W_dec, b_dec = (
            tensor.detach().cpu().numpy().astype(np.float64)
            for tensor in (self.W_enc, self.b_enc, self.W_dec, self.b_dec)
        )
        arrays = {
            "W_dec": W_dec,
            "b_dec": np.ldexp(self.center + b_dec / self.scale, self.exponent),
            "W_enc": W_enc,
            "b_enc": np.ldexp(b_enc / self.scale, self.exponent),
        }
        architecture, k = self.settings.architecture, None
        name = f"trained {architecture}"
        if architecture == "topk":
            k = self.settings.n_nonzero_coefs
        elif architecture == "batchtopk":
            mean, weight = self.threshold
            threshold = mean / weight / self.scale if weight else 0.0
            arrays["threshold"] = np.full(len(b_enc), np.ldexp(threshold, self.exponent))
            architecture = "jumprelu"
        if not self.is_wide:
            arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        return SAEWeights(architecture, **arrays, k=k, name=name)


def _keep_largest(z, k):
    values, indices = z.topk(k, dim=1, sorted=False)
    return torch.zeros_like(z).scatter(1, indices, values)


def moments_of(X, rows, moments=None):
    """Return the moments of samples, with others that came before."""
    moments = RunningMoments() if moments is None else moments
    for start in range(0, len(rows), BATCH):
        moments.add(X[rows[start : start + BATCH]])
    return moments


def _are_apart(moments, others):
    """Return whether samples are many standard deviations of others away from them."""
    exponent = max(moments.exponent, others.exponent)
    a, b = moments.exponent - exponent, others.exponent - exponent
    shift = np.ldexp(moments.mean, a) - np.ldexp(others.mean, b)
    distance = math.hypot(
        math.ldexp(math.sqrt(moments.squares / moments.n_samples), a), np.linalg.norm(shift)
    )
    deviation = math.ldexp(math.sqrt(others.squares / others.n_samples), b)
    return others.squares > 0 and distance > _APART * deviation


def _are_near(X, rows, moments):
    """Return for each sample whether it is not many standard deviations of others away."""
    near = np.empty(len(rows), dtype=bool)
    farthest = _APART * math.sqrt(moments.squares / moments.n_samples)
    for batch in gen_batches(len(rows), BATCH):
        with np.errstate(over="ignore"):
            x = np.ldexp(np.asarray(X[rows[batch]], dtype=np.float64), -moments.exponent)
            near[batch] = np.linalg.norm(x - moments.mean, axis=1) <= farthest
    return near
