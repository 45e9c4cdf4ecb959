"""Cells: what a sweep is made of. Each has its own seeds, and needs no other to be run."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from threadpoolctl import ThreadpoolController

from sksupercode._validation import check_generator, check_integer
from sksupercode.datasets import make_sparse_codes


class Cell(NamedTuple):
    """Trials that share a codebook: the size of the code, which codebook, how many trials."""

    n_features: int
    n_nonzero_coefs: int
    n_components: int
    codebook: int
    n_trials: int


@dataclass(frozen=True)
class Chain:
    """An encoder, a channel and a decoder that fit any cell, and the entropy of all its seeds."""

    encoder: object
    channel: object
    decoder: object
    entropy: int | None = None

    @classmethod
    def of(cls, encoder, channel, decoder):
        """Clone the user's estimators, without what every cell sets for itself."""
        _require_estimator(encoder, "encoder", {"n_components", "random_state"})
        _require_estimator(decoder, "decoder", {"dictionary"})
        if channel is not None:
            _require_estimator(channel, "channel", set())
            channel = _override(clone(channel), random_state=None)
        encoder = _override(clone(encoder), n_components=1, n_features=None, random_state=None)
        decoder = _override(_override(clone(decoder), dictionary=None), random_state=None)
        return cls(encoder, channel, decoder)

    @property
    def sections(self):
        """Whether the codes have one codeword in each of k sections."""
        steps = [self.decoder, *self.decoder.get_params().values()]
        return any(getattr(step, "sections", False) is True for step in steps)

    def run(self, cell):
        """Return the cell, how many of its trials were recovered, and the seconds of decoding."""
        seed = np.random.SeedSequence(self.entropy, spawn_key=cell[:-1])
        codes_seed, *seeds = seed.spawn(4)
        codebook, channel_seed, decoder_seed = (int(s.generate_state(1)[0]) for s in seeds)
        codes = make_sparse_codes(
            cell.n_trials,
            cell.n_features,
            n_nonzero_coefs=cell.n_nonzero_coefs,
            sections=self.sections,
            random_state=np.random.default_rng(codes_seed),
        )
        encoder = _override(
            clone(self.encoder), n_components=cell.n_components, random_state=codebook
        )
        decoder = _override(clone(self.decoder), random_state=decoder_seed)
        with undisturbed():
            X = encoder.fit(codes).transform(codes)
            if self.channel is not None:
                channel = _override(clone(self.channel), random_state=channel_seed)
                X = channel.fit(X, codes).transform(X)
            _override(decoder, dictionary=encoder).fit(X, codes)
            start = time.perf_counter()
            rate = decoder.score(X, codes)
            return cell, round(rate * cell.n_trials), time.perf_counter() - start


@contextmanager
def undisturbed():
    """Let rounding not depend on the number of threads, and be silent of what is counted."""
    with _thread_pools().limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@cache
def _thread_pools():
    return ThreadpoolController()


def check_entropy(random_state):
    """Return the entropy of a sweep as an int; None stays None."""
    if random_state is None:
        return None
    rng = check_generator(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(rng.integers(2**63))


def cells_of(n_features, n_nonzero_coefs, n_components, n_trials, n_per_codebook, first=0):
    """Return the cells for one size of the code, their codebooks numbered from ``first``."""
    sizes = [n_per_codebook] * (n_trials // n_per_codebook) + [n_trials % n_per_codebook]
    size = (n_features, n_nonzero_coefs, n_components)
    return [Cell(*size, first + i, n) for i, n in enumerate(sizes) if n > 0]


def check_list(values, name, *, minimum=1, maximum=None):
    """Return a sorted array of the distinct integers in ``values``."""
    # As objects, so that none is taken for what it is not.
    array = np.asarray(values, dtype=object)
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"{name} must be a list of integers, and not empty, got {values!r}.")
    array = array.ravel().tolist()
    return np.unique([check_integer(v, name, minimum=minimum, maximum=maximum) for v in array])


def _require_estimator(estimator, name, parameters):
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise ValueError(f"{name} must be an estimator, got {estimator!r}.")
    missing = sorted(p for p in parameters if not _names(estimator, p))
    if missing:
        raise ValueError(
            f"{name} must have the parameters {', '.join(missing)}, which every cell of a sweep "
            f"sets for itself; {type(estimator).__name__} has not."
        )


def _names(estimator, name):
    """Return all parameters, nested ones too, that are called so; not those that are frozen."""
    if isinstance(estimator, FrozenEstimator):
        return []
    parameters = estimator.get_params()
    frozen = tuple(f"{p}__" for p, v in parameters.items() if isinstance(v, FrozenEstimator))
    return [p for p in parameters if p.split("__")[-1] == name and not p.startswith(frozen)]


def _override(estimator, **values):
    for name, value in values.items():
        replaced = ()
        for parameter in sorted(_names(estimator, name), key=len):
            # What was inside of what is replaced is gone.
            if not parameter.startswith(replaced):
                estimator.set_params(**{parameter: value})
                replaced += (f"{parameter}__",)
    return estimator
