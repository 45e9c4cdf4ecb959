"""Cells: the units of a sweep. Each has its own seeds, and can be run without the others."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import sys
import time
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from sksupercode._utils._compilation import time_of_compilation
from sksupercode._utils._threads import thread_pools
from sksupercode._utils._validation import (
    check_bool,
    check_generator,
    check_integer,
    check_option,
    check_real,
    unfrozen,
)
from sksupercode._utils._warnings import warn
from sksupercode.datasets import make_sparse_codes
from sksupercode.datasets._sparse_codes import VALUES
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._support_decoder import SupportDecoder
from sksupercode.encoders import BoundEncoder
from sksupercode.exceptions import CodebookMismatchWarning

# A process that was forked has the state of its parent, and this name as well.
PROCESS = uuid4().hex
# The values of decoders that suit those of codes, the best first.
SUITABLE = {
    "binary": ("binary", "nonnegative", "real"),
    "exponential": ("nonnegative", "real"),
    "gaussian": ("real",),
}


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
    sections: bool = False
    values: str = "binary"

    # What its results depend on, beside the cell.
    configured = ("encoder", "channel", "decoder", "sections", "values")

    @classmethod
    def of(cls, encoder, channel, decoder, sections=False, n_nonzero_coefs=(), *, values="binary"):
        """Clone the user's estimators, without the parameters that every cell sets for itself."""
        require_estimator(encoder, "encoder", {"n_components", "random_state"})
        require_estimator(decoder, "decoder", {"dictionary"})
        _check_sections(sections, decoder)
        check_option(values, "values", VALUES)
        if sections and isinstance(encoder, BoundEncoder):
            for k in n_nonzero_coefs:
                if k != encoder.n_sections:
                    raise ValueError(
                        f"n_nonzero_coefs must be the encoder's n_sections={encoder.n_sections!r} "
                        f"with sections=True, got {k}."
                    )
        if channel is not None:
            require_estimator(channel, "channel", set())
            channel = _seeded(clone(channel), None)
        _warn_of_another_dictionary(encoder, decoder)
        _warn_of_other_values(values, decoder)
        encoder = _override(_seeded(clone(encoder), None), n_components=1, n_features=None)
        decoder = _seeded(_override(clone(decoder), dictionary=None), None)
        return cls(encoder, channel, decoder, sections=bool(sections), values=values)

    def run(self, cell, process=None):
        """Return the cell, how many of its trials were recovered, and the seconds of decoding.

        ``process`` is the PROCESS in which ``single_threaded`` is entered already. It is a state of
        the whole process: a thread that joblib leaves behind must not restore it out of turn.
        """
        seed = np.random.SeedSequence(self.entropy, spawn_key=cell[:-1])
        codes_seed, codebook, channel_seed, decoder_seed = seed.spawn(4)
        codes = make_sparse_codes(
            cell.n_trials,
            cell.n_features,
            n_nonzero_coefs=cell.n_nonzero_coefs,
            sections=self.sections,
            values=self.values,
            random_state=np.random.default_rng(codes_seed),
        )
        encoder = _override(_seeded(self.encoder, codebook), n_components=cell.n_components)
        decoder = _seeded(self.decoder, decoder_seed)
        with nullcontext() if process == PROCESS else single_threaded():
            X = encoder.fit(codes).transform(codes)
            if self.channel is not None:
                sent, channel = X.shape, _seeded(self.channel, channel_seed)
                X = channel.fit(X, codes).transform(X)
                if np.shape(X) != sent:
                    raise ValueError(
                        f"channel must return as many samples and dimensions as it is given, "
                        f"{sent}; {channel!r} returned {np.shape(X)}."
                    )
            _override(decoder, dictionary=encoder).fit(X, codes)
            with time_of_compilation() as compiled:
                start = time.perf_counter()
                rate = decoder.score(X, codes)
                seconds = time.perf_counter() - start - compiled()
        if not 0 <= rate <= 1:
            raise ValueError(f"decoder.score must return a rate from 0 to 1, got {rate!r}.")
        return cell, round(rate * cell.n_trials), seconds


def own_parts(decoder):
    """Return the decoders of ours in a decoder: itself, or steps of a pipeline."""
    parts = (decoder, *decoder.get_params().values())
    return [part for part in parts if isinstance(part, BaseDecoder)]


def _check_sections(sections, decoder):
    check_bool(sections, "sections")
    for part in own_parts(decoder):
        own = getattr(part, "sections", sections)
        if own != sections:
            raise ValueError(
                f"sections must be {own} for a decoder with sections={own}, "
                f"{type(part).__name__}, got {sections}."
            )


def _warn_of_another_dictionary(encoder, decoder):
    own = unfrozen(decoder.get_params(deep=False).get("dictionary"))
    if own is not None and type(own) is not type(encoder):
        warn(
            f"The decoder's dictionary, a {type(own).__name__}, is not used: a sweep draws "
            f"codebooks of {type(encoder).__name__}."
        )


def _warn_of_other_values(values, decoder):
    suitable = SUITABLE[values]
    for part in own_parts(decoder):
        own = part.values
        if own == "auto":
            # That of encoders; decoders around another one take its values.
            own = suitable[0] if isinstance(part, SupportDecoder) else "binary"
        if own not in suitable:
            can = "values" in part.get_params(deep=False)
            advice = f"values={suitable[0]!r} suits them" if can else "it has no others"
            warn(
                f"The codes have values={values!r}, and {type(part).__name__} looks for {own} "
                f"values: {advice}."
            )


@contextmanager
def single_threaded():
    """Make rounding independent of the number of threads, and ignore warnings of failures."""
    with thread_pools(len(sys.modules)).limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Encoder and decoder of a cell share their codebook, for any noise.
        warnings.simplefilter("ignore", CodebookMismatchWarning)
        yield


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


def check_list(values, name, *, minimum=1, maximum=np.inf):
    """Return a sorted array of the distinct integers in ``values``."""
    try:
        # As objects, so that none is taken for what it is not.
        array = np.asarray(values, dtype=object)
    except ValueError:
        array = None
    if array is None or array.ndim > 1 or array.size == 0:
        raise ValueError(f"{name} must be a list of integers, and not empty, got {values!r}.")
    array = array.ravel().tolist()
    return np.unique([check_integer(v, name, minimum=minimum, maximum=maximum) for v in array])


def check_fraction(value, name):
    """Return a number strictly between 0 and 1."""
    return check_real(value, name, 0, 1, closed="neither")


def check_trials(n_trials, n_trials_per_codebook):
    """Return the two numbers of trials as integers >= 1."""
    return (
        check_integer(n_trials, "n_trials", minimum=1),
        check_integer(n_trials_per_codebook, "n_trials_per_codebook", minimum=1),
    )


def require_estimator(estimator, name, parameters):
    """Refuse what is no estimator, or lacks parameters that a sweep sets."""
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        shape = getattr(estimator, "shape", None)
        got = f"{estimator!r}" if shape is None else f"an array of shape {tuple(shape)}"
        hint = "" if shape is None else "; BaseEncoder makes an encoder of codewords of your own"
        raise ValueError(f"{name} must be an estimator, got {got}{hint}.")
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


def _seeded(estimator, seed):
    """Return a copy of which every part that draws, frozen or not, has a seed of its own."""
    estimator = copy.deepcopy(estimator)
    found, pending = [], [estimator]
    while pending:
        part = pending.pop(0)
        if any(part is other for other in found):
            continue
        found.append(part)
        inner = sorted(part.get_params().items())
        pending += [v for _, v in inner if hasattr(v, "get_params") and not isinstance(v, type)]
    found = [part for part in found if "random_state" in part.get_params(deep=False)]
    words = [None] * len(found) if seed is None else seed.generate_state(len(found)).tolist()
    for part, word in zip(found, words, strict=True):
        part.set_params(random_state=word)
    return estimator


def _override(estimator, **values):
    for name, value in values.items():
        replaced = ()
        for parameter in sorted(_names(estimator, name), key=len):
            # What was inside of what is replaced is gone.
            if not parameter.startswith(replaced):
                estimator.set_params(**{parameter: value})
                replaced += (f"{parameter}__",)
    return estimator
