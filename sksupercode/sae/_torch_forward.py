"""The forward pass of autoencoders in PyTorch: latents of tensors, where these are."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from sksupercode.sae._normalization import EPSILON, PER_SAMPLE

# Below this fraction of latents that are not 0, rows of ``W_dec`` are gathered on the CPU.
_SPARSE = 1 / 16


def normalize(x, kind):
    """Return normalised samples and what undoes it, sigma and mu, or None if that is nothing."""
    if kind not in PER_SAMPLE:
        return x, None
    shift, divisor, d = torch.zeros_like(x[..., :1]), 0.0, x.shape[-1]
    if kind == "layer_norm":
        shift, divisor, d = x.mean(-1, keepdim=True), EPSILON, max(d - 1, 1)
    x = x - shift
    scale = torch.linalg.vector_norm(x, dim=-1, keepdim=True) / math.sqrt(d)
    divisor = divisor + scale
    return x / torch.where(divisor > 0, divisor, 1), (scale, shift)


def largest(z, sizes, k):
    """Return z with 0 wherever ``sizes`` are not the k largest of a row; of equal ones the first.

    Sizes are not negative. Rows that have nan keep one.
    """
    sizes = sizes.detach()
    values, latents = sizes.topk(min(k + 1, sizes.shape[-1]), dim=-1)
    latents = latents[..., :k]
    # Of equal ones topk takes any, which makes no difference where they are 0.
    ties = (values[..., -1] == values[..., k - 1]) & (values[..., k - 1] > 0)
    if values.shape[-1] > k and ties.any():
        order = sizes[ties].argsort(dim=-1, descending=True, stable=True)
        latents[ties] = order[..., :k]
    return torch.zeros_like(z).scatter(-1, latents, z.gather(-1, latents))


def largest_of_groups(z, k):
    """Return z with all but the largest of each of k groups of consecutive entries 0."""
    groups = z.unflatten(-1, (k, -1))
    first = groups.detach().argmax(-1, keepdim=True)
    values = groups.gather(-1, first)
    return torch.zeros_like(groups).scatter(-1, first, values).flatten(-2)


def pursue(x, W_dec, weights):
    """Return latents by nonnegative matching pursuit, whose steps are not divided by norms.

    ``weights`` says when it stops.
    """
    residual, steps = x, weights.max_iterations
    going = torch.ones_like(x[..., :1], dtype=torch.bool)
    chosen, values = [], []
    for _ in range(x.shape[-1] if steps is None else steps):
        correlations = residual @ W_dec.mT
        latent = correlations.detach().argmax(-1, keepdim=True)
        value = correlations.gather(-1, latent)
        going = going & (value > 0) & value.isfinite()
        if not going.any():
            break
        value = torch.where(going, value, 0)
        residual = residual - value * W_dec[latent[..., 0]]
        if weights.stops_on_duplicate_support and chosen:
            going = going & (torch.cat(chosen, -1) != latent).all(-1, keepdim=True)
        if weights.residual_threshold > 0:
            norm = torch.linalg.vector_norm(residual.detach(), dim=-1, keepdim=True)
            going = going & ~(norm < weights.residual_threshold)
        chosen.append(latent)
        values.append(value)
    # Other dtypes than that of x come of autocast.
    z = x.new_zeros(*x.shape[:-1], len(W_dec))
    if chosen:
        values = torch.cat(values, -1)
        z = z.to(values).scatter_add(-1, torch.cat(chosen, -1), values)
    return torch.where(x.isfinite().all(-1, keepdim=True), z, torch.nan)


def superpose(z, W_dec):
    """Return ``z W_dec``; without gradients, on the CPU, by the latents that are not 0 alone."""
    has_gradient = torch.is_grad_enabled() and (z.requires_grad or W_dec.requires_grad)
    if has_gradient or z.device.type != "cpu" or z.count_nonzero() > _SPARSE * z.numel():
        return z @ W_dec
    # NumPy finds them several times faster.
    positions = torch.from_numpy(np.flatnonzero((z != 0).numpy()))
    starts = torch.searchsorted(positions, torch.arange(len(z) + 1) * z.shape[1])
    values = z.flatten()[positions]
    return superpose_codes(positions % z.shape[1], starts, values, W_dec)


def superpose_codes(latents, starts, values, W_dec):
    """Return superpositions of codes in compressed sparse rows."""
    return embedding_bag(
        latents, W_dec, starts, mode="sum", per_sample_weights=values, include_last_offset=True
    )
