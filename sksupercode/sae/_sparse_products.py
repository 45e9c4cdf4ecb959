"""Pre-activations, the largest of them, and products of these with codewords, by PyTorch.

On the CPU only ``x W_enc`` is a dense product: all else, backward too, is compiled and sums over
active latents. Elsewhere PyTorch's own operations do the same.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
import torch

from sksupercode._utils._threads import in_threads
from sksupercode.dictionaries._packed_signs import compilation_is_enabled
from sksupercode.sae._torch_forward import superpose_codes

# Multiplications, and entries to select from, that take some 100 microseconds.
_WORTH_A_THREAD = 2**20
_ENTRIES_A_THREAD = 2**17


def preactivations(x, W_enc, b_enc):
    """Return ``x W_enc^T + b_enc``, from which latents are selected.

    Parameters
    ----------
    x : tensor of shape (n, d)
    W_enc : tensor of shape (N, d)
    b_enc : tensor of shape (N,)

    Returns
    -------
    z : _Compiled or _Eager
        Has ``largest(k)``, the support of the k largest positive ones of each row, or by absolute
        value if ``signed``; ``largest_of_all(k)``, k a row on average; ``above(limits)``, all that
        are positive and exceed the limits of their latents; and ``at(support)``.
    """
    kind = _Compiled if x.device.type == "cpu" and compilation_is_enabled() else _Eager
    return kind(x, W_enc, b_enc)


def decode(values, support, codewords):
    """Return the sums of codewords of shape (N, d), one for each row of the support."""
    if support.is_compiled:
        return _Decode.apply(values, codewords, support)
    return superpose_codes(support.latents, support.starts, values, codewords)


class Support:
    """Which latents are active: those of row i from ``starts[i]`` to ``starts[i + 1]``, sorted."""

    def __init__(self, starts, latents, n_latents):
        self.starts, self.latents, self.n_latents = starts, latents, n_latents

    @property
    def is_compiled(self):
        return isinstance(self.latents, np.ndarray)

    def __len__(self):
        return len(self.starts) - 1

    def rows(self):
        """Return the row of each latent, as a tensor."""
        starts = torch.as_tensor(self.starts)
        index = torch.arange(len(self), device=starts.device)
        return index.repeat_interleave(starts.diff())

    def indices(self):
        """Return the latents as a tensor."""
        return torch.as_tensor(self.latents)

    def divided(self, bounds):
        """Return the support with a row for each part of the latents, ``bounds`` their ends."""
        rows, latents = self.rows(), self.indices()
        parts = torch.bucketize(latents, torch.as_tensor(bounds, device=latents.device), right=True)
        counts = torch.bincount(rows * len(bounds) + parts, minlength=len(self) * len(bounds))
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        if self.is_compiled:
            starts = starts.numpy()
        return Support(starts, self.latents, self.n_latents)

    @cached_property
    def by_latent(self):
        from sksupercode.sae._training_kernels import sort_by_latent

        return sort_by_latent(self.starts, self.latents, self.n_latents)

    def each_part(self, function, d):
        """Call a function on the first and the last of some of the rows, in threads."""
        least = max(1, _WORTH_A_THREAD * len(self) // max(1, d * len(self.latents)))
        in_threads(function, len(self), least=least)


class _Eager:
    """By dense products whose gradients PyTorch finds."""

    def __init__(self, x, W_enc, b_enc):
        self.z = torch.addmm(b_enc, x, W_enc.T)
        self.n_latents = len(b_enc)

    def largest(self, k, *, among=None, signed=False):
        z = self.z.detach()
        z = z.abs() if signed else z.relu()
        if among is not None:
            z = z.index_select(1, among)
        values, latents = z.topk(k, dim=1)
        rows, columns = torch.nonzero(values > 0, as_tuple=True)
        latents = latents[rows, columns]
        latents = latents if among is None else among[latents]
        return self._support(rows * self.n_latents + latents)

    def largest_of_all(self, k):
        values, places = self.z.detach().relu().ravel().topk(k * len(self.z))
        return self._support(places[values > 0])

    def above(self, limits):
        z = self.z.detach()
        return self._support(torch.nonzero(((z > limits) & (z > 0)).ravel()).ravel())

    def _support(self, places):
        places = places.sort().values
        bounds = torch.arange(len(self.z) + 1, device=places.device) * self.n_latents
        starts = torch.searchsorted(places, bounds)
        return Support(starts, places % self.n_latents, self.n_latents)

    def at(self, support):
        """Return the pre-activations of active latents, with gradients."""
        return self.z[support.rows(), support.latents]


class _Compiled:
    """By kernels, with gradients through the pre-activations that are asked for alone."""

    def __init__(self, x, W_enc, b_enc):
        self.x, self.W_enc, self.b_enc = x, W_enc, b_enc
        with torch.no_grad():
            self.Z = (x @ W_enc.T).numpy()
        self.bias, self.n_latents = b_enc.detach().numpy(), len(b_enc)

    def largest(self, k, *, among=None, signed=False):
        Z, bias = self.Z, self.bias
        if among is not None:
            among = among.numpy()
            Z, bias = np.ascontiguousarray(Z[:, among]), bias[among]
        if signed:
            Z, bias = np.abs(Z + bias), np.zeros_like(bias)
        counts, latents, _ = _active(Z, bias, np.zeros_like(bias), k)
        return self._support(counts, latents if among is None else among[latents])

    def largest_of_all(self, k):
        from sksupercode.sae._training_kernels import count_bits, least_of_bits

        n = k * len(self.Z)
        bits = np.empty(0, np.int32)
        parts = _of_parts(lambda Z: count_bits(Z, self.bias, bits), self.Z)
        least = np.nextafter(least_of_bits(sum(parts), n), np.float32(0))
        least = np.full_like(self.bias, least)
        counts, latents, values = _active(self.Z, self.bias, least, self.n_latents)
        if len(values) > n:
            kept = values >= np.partition(values, -n)[-n]
            counts = np.diff(np.concatenate([[0], np.cumsum(kept)])[_ends(counts)])
            latents = latents[kept]
        return self._support(counts, latents)

    def above(self, limits):
        limits = np.maximum(limits.numpy(), 0)
        return self._support(*_active(self.Z, self.bias, limits, self.n_latents)[:2])

    def _support(self, counts, latents):
        return Support(_ends(counts), latents, self.n_latents)

    def at(self, support):
        """Return the pre-activations of active latents, with gradients."""
        rows = np.repeat(np.arange(len(support)), np.diff(support.starts))
        values = self.Z[rows, support.latents] + self.bias[support.latents]
        return _Encode.apply(self.x, self.W_enc, self.b_enc, torch.from_numpy(values), support)


def _active(Z, bias, least, k):
    """Return counts, latents and values of the k largest entries of each row above limits."""
    from sksupercode.sae._activation_kernels import activate

    ones, bits = np.ones_like(bias), np.empty(0, np.int32)
    limits = np.full_like(bias, -np.inf), least
    parts = _of_parts(lambda Z: activate(Z, ones, bias, ones, *limits, k, bits)[:3], Z)
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _of_parts(function, Z):
    """Return what a function makes of some of the rows at a time, in threads."""
    least = max(1, _ENTRIES_A_THREAD // Z.shape[1])
    return in_threads(lambda start, stop: function(Z[start:stop]), len(Z), least=least)


def _ends(counts):
    return np.concatenate([[0], np.cumsum(counts)])


class _Decode(torch.autograd.Function):
    """Sums of codewords with the values of active latents."""

    @staticmethod
    def forward(ctx, values, codewords, support):
        ctx.save_for_backward(values, codewords)
        ctx.support = support
        return _combine(values, codewords, support)

    @staticmethod
    def backward(ctx, gradients):
        from sksupercode.sae._training_kernels import correlate

        (values, codewords), support = ctx.saved_tensors, ctx.support
        gradients = gradients.contiguous()
        products, g, F = torch.empty_like(values), gradients.numpy(), codewords.detach().numpy()

        def part(start, stop):
            starts = support.starts[start : stop + 1]
            some = products.numpy()[starts[0] : starts[-1]]
            correlate(starts, support.latents, g[start:stop], F, some)

        support.each_part(part, g.shape[1])
        return products, _outer(values, gradients, support), None


class _Encode(torch.autograd.Function):
    """Pre-activations that are known, of active latents."""

    @staticmethod
    def forward(ctx, x, W_enc, b_enc, values, support):
        ctx.save_for_backward(x, W_enc)
        ctx.support = support
        return values

    @staticmethod
    def backward(ctx, gradients):
        (x, W_enc), support = ctx.saved_tensors, ctx.support
        gradients = gradients.contiguous()
        to_x = _combine(gradients, W_enc, support) if ctx.needs_input_grad[0] else None
        to_b = np.bincount(support.latents, gradients.numpy(), minlength=support.n_latents)
        to_b = torch.from_numpy(to_b.astype(np.float32))
        return to_x, _outer(gradients, x, support), to_b, None, None


def _combine(values, codewords, support):
    from sksupercode.sae._training_kernels import combine

    sums = torch.empty(len(support), codewords.shape[1])
    out, a, F = sums.numpy(), values.detach().numpy(), codewords.detach().numpy()

    def part(start, stop):
        combine(support.starts[start : stop + 1], support.latents, a, F, out[start:stop])

    support.each_part(part, F.shape[1])
    return sums


def _outer(values, gradients, support):
    from sksupercode.sae._training_kernels import add_outer

    sums = torch.zeros(support.n_latents, gradients.shape[1])
    out, a, g = sums.numpy(), values.detach().numpy(), gradients.detach().numpy()
    least = max(1, _WORTH_A_THREAD // g.shape[1])
    in_threads(
        lambda start, stop: add_outer(*support.by_latent, a, g, start, stop, out),
        len(support.latents),
        least=least,
    )
    return sums
