"""The dimensions of a sweep with "auto": around the transition from failure to success."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtri

from sksupercode.model_selection._cells import check_list
from sksupercode.model_selection._predicted_dimension import (
    predicted_dimension,
    without_warning_of_none,
)
from sksupercode.model_selection._prediction import noise_of, with_dictionary
from sksupercode.model_selection._transition import guess_transition
from sksupercode.model_selection._transition_search import Trials, find_transition

_RATES = (0.02, 0.98)
_N_DIMENSIONS, _LARGEST_GRID = 10, 40
# With noise the last codes may need any number of dimensions: no more than so many times those of
# one half.
_WIDEST = 16
# The codebooks of a search are none of those that are measured.
_FIRST_CODEBOOK = 2**31


def check_dimensions(n_components):
    """Return "auto", or a sorted array of distinct dimensions."""
    if not isinstance(n_components, str):
        return check_list(n_components, "n_components")
    if n_components != "auto":
        raise ValueError(f'n_components must be integers or "auto", got {n_components!r}.')
    return n_components


def place_dimensions(n_components, runner, sizes):
    """Return the dimensions to measure at for all of ``sizes``, pairs of N and k."""
    if not isinstance(n_components, str):
        return n_components.tolist()
    ends = np.log([_find_ends(runner, *size) for size in sizes])
    low, high = ends.min(), ends.max()
    # As many for each transition as there are if it stands alone, up to a limit.
    n = (_N_DIMENSIONS - 1) * (high - low) / max(np.diff(ends).min(), 1e-3)
    grid = np.exp(np.linspace(low, high, 1 + int(np.clip(n, _N_DIMENSIONS - 1, _LARGEST_GRID - 1))))
    return np.unique(np.maximum(np.rint(grid), 1).astype(int)).tolist()


def _find_ends(runner, n_features, n_nonzero_coefs):
    """Return dimensions at which nearly no code is recovered, and nearly all are."""
    chain, size = runner.chain, {"n_features": n_features, "n_nonzero_coefs": n_nonzero_coefs}
    if chain.sections or chain.values != "binary":  # the laws are of neither
        return _search_ends(runner, **size)
    options = size | {"n_samples": 20, "random_state": chain.entropy}
    try:
        options |= noise_of(chain.channel)
        decoder = with_dictionary(chain.decoder, chain.encoder)
        with without_warning_of_none():
            ends = [predicted_dimension(decoder, probability=p, **options) for p in _RATES]
        if _WIDEST * ends[0] < ends[1] < np.inf:
            half = predicted_dimension(decoder, probability=0.5, **options)
            ends[1] = min(ends[1], _WIDEST * half)
    except ValueError:  # no law for it
        ends = [np.inf]
    return _search_ends(runner, **size) if np.inf in ends else ends


def _search_ends(runner, n_features, n_nonzero_coefs):
    trials = Trials(runner, n_features, n_nonzero_coefs, first_codebook=_FIRST_CODEBOOK)
    points = find_transition(trials, max(1, round(trials.entropy_bits)), 0.9)
    if not points:
        raise ValueError(
            f'n_components must be a list where "auto" finds none: at N = {n_features}, '
            f"k = {n_nonzero_coefs} fewer than half of the codes were recovered at any dimension."
        )
    center, _, slope = guess_transition(points, 0.5)
    low, high = np.exp(center + ndtri(_RATES) / slope)
    highest = _WIDEST * np.exp(center)
    # A few trials leave the slope open: what is no end is moved outwards.
    n = _N_DIMENSIONS
    for _ in range(_N_DIMENSIONS):
        step = max(high / low, 1.2) ** 0.3
        low_is_end = low <= 1 or trials.look(round(low), n)[0] <= 1
        high = min(high, highest)
        high_is_end = high == highest or trials.look(round(high), n)[0] >= n - 1
        if low_is_end and high_is_end:
            break
        low, high = low / (1 if low_is_end else step), high * (1 if high_is_end else step)
    return max(low, 1), min(high, highest)
