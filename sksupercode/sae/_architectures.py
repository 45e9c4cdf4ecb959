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
import torch

from sksupercode.sae._architecture import Architecture
from sksupercode.sae._topk_architectures import AbsTopK, BatchTopK, JumpReLU, Matryoshka, TopK

# Of ReLU and gated: where a weight begins that is to leave k latents, and how fast it changes.
_FIRST_L1, _L1_RATE = 0.1, 0.005


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
    """All positive pre-activations, with a penalty of their sum."""

    stored = "relu"

    def reconstruct(self, x):
        return torch.relu(self._preactivations(x)) @ self.W_dec + self.b_dec

    def loss(self, x, ramp):
        a = torch.relu(self._preactivations(x))
        loss = self._error(x, a).square().sum(dim=1).mean()
        return loss + self._penalty(a, ramp)


class Gated(_Shrinking):
    """A gate decides which latents are active, and a path with tied weights measures them."""

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


TRAINABLE = {
    "topk": TopK,
    "abstopk": AbsTopK,
    "batchtopk": BatchTopK,
    "matryoshka": Matryoshka,
    "relu": ReLU,
    "gated": Gated,
    "jumprelu": JumpReLU,
}
