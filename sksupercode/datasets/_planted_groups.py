"""Groups of latents whose codewords are correlated, or that fire together or below a parent."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import as_array, check_integer, check_option, check_real
from sksupercode.datasets._sparse_codes import (
    SUPPORTS,
    _exchangeable_columns,
    _independent_columns,
    _zipf_frequencies,
)

GROUP_FIRING = ("independent", "together", "hierarchical")
_BLOCK_ENTRIES = 2**20
# Numbers that are equal but for rounding do not contradict each other.
_ROUNDING = 1 + 1e-9


def check_support(support):
    """Return the name of a law, or an array of probabilities."""
    wanted = f"one of {', '.join(map(repr, SUPPORTS))} or an array of probabilities"
    if isinstance(support, str):
        return check_option(support, "support", SUPPORTS)
    try:
        array = np.asarray(as_array(support, "support"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"support must be {wanted}, got {support!r}.") from error
    if array.ndim != 1 or not len(array):
        raise ValueError(f"support must be {wanted}, got an array of shape {array.shape}.")
    if not np.all((array >= 0) & (array <= 1)):
        raise ValueError(f"support must be {wanted}, got numbers not between 0 and 1.")
    return array


def check_mean(k, support, n_latents):
    """Return the mean number of latents that fire in a sample."""
    k = check_integer(k, "n_nonzero_coefs", minimum=0, allow_none=True)
    if isinstance(support, np.ndarray):
        total = support.sum()
        if k is not None and abs(k - total) > 1e-6 * max(1, k):
            raise ValueError(
                f"n_nonzero_coefs must be None or the sum of support, {total:g}, got {k}."
            )
        return total
    k = 6 if k is None else k
    if k > n_latents:
        raise ValueError(f"n_nonzero_coefs must be <= n_latents = {n_latents}, got {k}.")
    return k


def check_groups(group_size, cosine, n_latents, n_components):
    """Return the size of groups and the cosine of their codewords, if there are such."""
    group_size = check_integer(group_size, "group_size", 1, n_latents)
    if n_latents % group_size:
        raise ValueError(f"group_size must divide n_latents = {n_latents}, got {group_size}.")
    if cosine is None:
        return group_size, None
    lowest = -1 / max(1, group_size - 1)
    cosine = check_real(cosine, "group_cosine", lowest, 1, closed="left", allow_none=True)
    if group_size > n_components:
        raise ValueError(
            f"group_size must be <= n_components = {n_components} for a group_cosine, got "
            f"{group_size}."
        )
    return group_size, cosine


def firing_law(k, support, n_latents, group_size, firing, probability):
    """Return the law of the groups that fire, their mean number, and that of their members.

    They are as :func:`draw_supports` takes them: where ``support`` is an array of the frequencies
    of latents, it becomes that of groups.
    """
    given = isinstance(support, np.ndarray)
    check_option(firing, "group_firing", GROUP_FIRING)
    if firing == "independent" or (firing == "hierarchical" and given):
        if probability is not None:
            raise ValueError(
                f"member_probability must be None for group_firing={firing!r}"
                f"{' and an array as support' if given else ''}, got {probability!r}."
            )
    elif probability is None:
        probability = 0.5
    else:
        closed = "right" if firing == "together" else "both"
        probability = check_real(probability, "member_probability", 0, 1, closed=closed)
    if firing == "independent":
        return support, k, np.ones((n_latents, 1))
    if given:
        return _group_frequencies(support.reshape(-1, group_size), firing, probability)
    n_groups = n_latents // group_size
    conditional = np.full((1, group_size), probability)
    if firing == "hierarchical":
        conditional[0, 0] = 1.0
    most = n_groups * conditional.sum()
    if k > most * _ROUNDING:
        raise ValueError(
            f"n_nonzero_coefs must be <= {most:g}, the mean number of latents that fire where all "
            f"{n_groups} groups are active, got {k:g}."
        )
    mean = min(n_groups, k / conditional.sum()) if k else 0
    return support, mean, np.broadcast_to(conditional, (n_groups, group_size))


def _group_frequencies(frequencies, firing, probability):
    largest = frequencies.max(axis=1)
    of_groups = frequencies[:, 0] if firing == "hierarchical" else largest / probability
    above = largest > of_groups * _ROUNDING
    if firing == "hierarchical" and above.any():
        group = int(np.argmax(above))
        raise ValueError(
            "support must give no child a larger probability than its parent, the first of its "
            f"group; got {largest[group]:g} in group {group}, whose parent has "
            f"{of_groups[group]:g}."
        )
    if np.any(of_groups > _ROUNDING):
        raise ValueError(
            f"support must have probabilities <= member_probability = {probability:g} for "
            f"group_firing='together', got {largest.max():g}."
        )
    active = of_groups[:, np.newaxis]
    conditional = np.divide(frequencies, active, where=active > 0, out=np.zeros_like(frequencies))
    return np.minimum(of_groups, 1), None, conditional


def draw_codewords(n_latents, n_components, group_size, cosine, rng):
    """Uniform unit vectors in R^d, those of one group with one cosine unless that is None."""
    codewords = rng.standard_normal((n_latents, n_components))
    if cosine is None:
        return codewords / np.linalg.norm(codewords, axis=1, keepdims=True)
    groups = codewords.reshape(-1, group_size, n_components).swapaxes(1, 2)
    frames, triangles = np.linalg.qr(groups)
    # With these signs the frames are uniform.
    frames *= np.sign(np.diagonal(triangles, axis1=1, axis2=2))[:, np.newaxis]
    # The symmetric square root of the Gram matrix: 1 - c on what sums to zero, 1 + (s - 1) c on
    # the mean.
    means = frames.mean(axis=2, keepdims=True)
    scale = np.sqrt(max(0.0, 1 + (group_size - 1) * cosine))
    groups = np.sqrt(1 - cosine) * (frames - means) + scale * means
    return groups.swapaxes(1, 2).reshape(n_latents, n_components)


def draw_supports(n_samples, support, mean, exponent, conditional, rng):
    """Supports as ``(indices, indptr)``: groups fire, and in them members with a probability.

    ``support`` names a law for groups, of which ``mean`` fire in a sample, or is an array of their
    probabilities. Member j of group g fires where its group does with ``conditional[g, j]``.
    """
    n_groups, group_size = conditional.shape
    if isinstance(support, str) and support != "zipf":
        groups, indptr = _exchangeable_columns(n_samples, n_groups, mean, support, rng)
    else:
        if isinstance(support, str):
            support = _zipf_frequencies(n_groups, mean, exponent)
        groups, indptr = _independent_columns(n_samples, support, rng)
    if group_size == 1 and np.all(conditional == 1):
        return groups, indptr
    indices, counts = [np.empty(0, np.int64)], [np.zeros(1, np.int64)]
    length = max(1, _BLOCK_ENTRIES // group_size)
    for start in range(0, len(groups), length):
        drawn = groups[start : start + length].astype(np.int64)
        fires = rng.random((len(drawn), group_size)) < conditional[drawn]
        places, members = np.nonzero(fires)
        indices.append(drawn[places] * group_size + members)
        counts.append(fires.sum(axis=1))
    return np.concatenate(indices), np.cumsum(np.concatenate(counts))[indptr]
