"""Training of sparse autoencoders by PyTorch: where it starts, its steps, and further samples."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
import torch

from sksupercode._utils._batches import first_moments, moments_of, read_rows, shuffled_batches
from sksupercode._utils._blocks import block_length
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._threads import shared_threads
from sksupercode._utils._warnings import warn
from sksupercode.decoders._initial_codewords import initial_codewords
from sksupercode.sae._architectures import TRAINABLE
from sksupercode.sae._sample_units import APART, SampleUnits, are_apart, are_near
from sksupercode.sae._training_settings import weights_of_init
from sksupercode.sae._weights import SAEWeights

# Fractions of all steps in which the learning rate rises and falls; the penalty rises with it.
_WARM_UP, _DECAY = 0.05, 0.2
_WARM_UP_STEPS_OF_PARTIAL_FIT = 100
# Of ``working_memory``, for samples of Dask that are read at once and shuffled.
_RUN_SHARE = 1 / 8
# Samples that differ by this fraction of a standard deviation teach nothing.
_ALIKE = 1e-3


class Trainer:
    """An autoencoder in training, its optimiser, and the unit of its samples.

    Training is on ``rows`` of X, and starts from ``weights`` or from what ``settings.init`` names,
    whose intercept is the origin.
    """

    def __init__(self, settings, rng, X, rows, weights=None):
        self.settings, self.rng = settings, rng
        self.shape = settings.n_latents, X.shape[1]
        self.start, self.codewords, origin = weights, None, None
        if weights is None:
            self.codewords, origin = initial_codewords(settings.init, *self.shape)
            self.start = weights_of_init(settings)
        if self.start is not None:
            origin = self.start.b_dec.astype(np.float64)
        self.n_steps = None
        # Samples of the scale of the first ones are counted, those of another are measured.
        self.n_alike, self.apart = len(rows), RunningMoments()
        moments = first_moments(X, rows)
        self.units = SampleUnits(moments, origin).measure(X, rows[:0])
        if weights is None and self.units.origin_is_far():
            warn(
                f"intercept_ of init is more than {APART} standard deviations away from the mean "
                "of X, where b_dec starts instead: was init learned from X in another unit?"
            )
            self.start = None
            self.units = SampleUnits(self.units.moments).measure(X, rows[:0])
        self._begin(X, rows)

    def _begin(self, X, rows):
        """Set the parameters with which training begins."""
        if self.start is None:
            W_dec = self._first_codewords(X, rows)
            arrays = {"W_dec": W_dec, "W_enc": W_dec}
        else:
            arrays = dict(self.start.arrays())
            arrays |= {"W_enc": arrays["W_enc"].T, "b_dec": np.zeros(self.shape[1])}
        architecture = TRAINABLE[self.settings.architecture]
        for name in arrays.keys() & architecture.lengths:
            arrays[name] = self.units.scaled(arrays[name])
        self.model = architecture(self.settings, arrays)
        groups = [
            {"params": parameters, "pace": pace} for pace, parameters in self.model.groups().items()
        ]
        self.optimizer = torch.optim.Adam(groups, lr=1.0, eps=6.25e-10, fused=self._can_fuse())
        self.step = 0

    def _can_fuse(self):
        return self.settings.device.type in ("cpu", "cuda")

    def _first_codewords(self, X, rows):
        rng, (n_latents, d) = self.rng, self.shape
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        W_dec = torch.randn(n_latents, d, generator=generator, dtype=torch.float32)
        drawn = np.arange(n_latents)
        if self.codewords is not None:
            drawn = np.flatnonzero(~self.codewords.any(axis=1))
            given = np.delete(np.arange(n_latents), drawn)
            W_dec[given] = torch.from_numpy(self.codewords[given].astype(np.float32))
        if self.codewords is not None or self.settings.init == "samples":
            some = np.sort(rng.choice(rows, min(len(drawn), len(rows)), replace=False))
            if len(some):
                samples = torch.from_numpy(self.units.normalized(read_rows(X, some)))
                differs = samples.norm(dim=1) > 1e-6
                W_dec[drawn[: len(some)][differs.numpy()]] = samples[differs]
        W_dec /= W_dec.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return W_dec.numpy()

    def see(self, X, rows):
        """Take further samples in, and return the rows of those to be trained on.

        Those far away are left out. Training begins again with samples of another scale once they
        outnumber those of the present one.
        """
        earlier, present = self.units.moments, moments_of(X, rows)
        is_far = earlier.n_samples >= APART and are_apart(present, earlier)
        near = are_near(X, rows, earlier) if is_far else np.zeros(len(rows), dtype=bool)
        if is_far or are_apart(earlier, present):
            moments_of(X, rows[~near], self.apart)
            begins = self.apart.n_samples > self.n_alike
            # Many narrow clusters are of one scale.
            if begins and not is_far and not are_apart(earlier, self.apart):
                begins, self.n_alike = False, self.n_alike + self.apart.n_samples
                self.apart = RunningMoments()
            if begins or is_far:
                outcome = "training begins again with them" if begins else "they are left out"
                warn(
                    f"Samples differ from those of earlier calls of partial_fit by more than "
                    f"{APART} standard deviations, so that no unit suits both: {outcome}. Shuffle "
                    "samples before they are divided among calls, or drop outliers."
                )
            if begins:
                self.units = SampleUnits(self.apart, self.units.origin).measure(X, rows[:0])
                self.apart, self.n_alike = RunningMoments(), self.apart.n_samples
                self._begin(X, rows[~near])
                return rows[~near]
            rows = rows[near] if is_far else rows
            self.n_alike += np.count_nonzero(near)
        else:
            self.n_alike += len(rows)
        if not len(rows):
            return rows
        units = SampleUnits(self.units.moments, self.units.origin).measure(X, rows)
        self.units, (before, ratio) = units, (self.units, self.units.ratio_to(units))
        if before.variance == 0 or (self.start is None and ratio < _ALIKE):
            self._begin(X, rows)
            return rows
        with torch.no_grad():
            # What was learned stays as it is in the unit of X, b_dec as a distance from the mean.
            self.model.b_dec *= ratio
            self.model.rescale(ratio)
        return rows

    def run_epoch(self, X, rows):
        """Take each sample once, in random order; return the mean loss."""
        if self.units.variance == 0:
            return 0.0
        device = self.settings.device
        total = torch.zeros((), dtype=torch.float64, device=device)
        run_length = block_length(8 * self.shape[1], share=_RUN_SHARE)
        with shared_threads():
            for samples in shuffled_batches(
                X, rows, self.settings.batch_size, self.rng, run_length
            ):
                x = torch.from_numpy(self.units.normalized(samples)).to(device)
                total += len(x) * self._step(x)
        loss = float(total) / len(rows)
        if not math.isfinite(loss):
            raise ValueError(
                f"Training diverged: learning_rate={self.settings.learning_rate!r} is too large."
            )
        return loss

    def _step(self, x):
        ramp, rate = self._schedule()
        model = self.model
        if self.step == 0 and self.start is None:
            model.start_on(x)
        with torch.enable_grad():
            loss = model.loss(x, ramp)
            self.optimizer.zero_grad()
            loss.backward()
        with torch.no_grad():
            gradient, F = model.W_dec.grad, model.W_dec
            along = torch.bmm(gradient[:, None], F[:, :, None])[:, :, 0]
            gradient.addcmul_(along, F, value=-1)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * self.settings.learning_rate * group["pace"]
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

    def weights(self):
        """Return the weights, for samples as they came."""
        settings, model, units = self.settings, self.model, self.units
        W_enc, W_dec, b_dec = (
            tensor.detach().cpu().numpy().astype(np.float64)
            for tensor in (model.W_enc, model.W_dec, model.b_dec)
        )
        arrays = {"W_dec": W_dec, "b_dec": units.denormalized(b_dec), "W_enc": W_enc.T}
        for name, array in model.arrays().items():
            arrays[name] = units.unscaled(array) if name in model.lengths else array
        if not units.is_wide:
            arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        arrays["W_enc"] = np.ascontiguousarray(arrays["W_enc"])
        k = settings.n_nonzero_coefs if model.has_k else None
        name = f"trained {settings.architecture}"
        return SAEWeights(model.stored, **arrays, k=k, name=name)
