"""What all architectures share in training."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import torch


class Architecture:
    """Parameters of an autoencoder of one kind, and their loss.

    A subclass has ``reconstruct(x)``, and ``loss(x, ramp)``, the mean loss of samples, where
    penalties are multiplied by ``ramp``.

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
