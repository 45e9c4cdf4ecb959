"""Cells of a sweep over learners: plant a dictionary, learn it, compare."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from sksupercode._utils._compilation import time_of_compilation
from sksupercode.datasets import make_planted_activations
from sksupercode.decoders import OrthogonalMatchingPursuitDecoder
from sksupercode.metrics import fraction_of_variance_unexplained, match_dictionaries
from sksupercode.model_selection._cells import (
    PROCESS,
    _seeded,
    require_estimator,
    single_threaded,
)
from sksupercode.model_selection._checkpoint import CellTable, describe
from sksupercode.sae import SparseAutoencoder

# What a learner may call the number of codewords; scikit-learn's learners have the second.
_LATENTS = ("n_latents", "n_components")


class LearnerCell(NamedTuple):
    """One fit: of which learner, the size of the code, how many samples, which dictionary."""

    learner: str
    n_latents: int
    n_nonzero_coefs: int
    n_components: int
    n_samples: int
    trial: int


LEARNED = CellTable(
    "learned",
    LearnerCell,
    {
        "found": "REAL NOT NULL CHECK (found BETWEEN 0 AND 1)",
        "mcc": "REAL NOT NULL",
        "fvu": "REAL",
        "omp_fvu": "REAL NOT NULL",
        "seconds": "REAL NOT NULL CHECK (seconds >= 0)",
    },
)


@dataclass(frozen=True)
class LearnerChain:
    """Learners by the texts that cells name them with, and what a dictionary is planted with."""

    learners: dict
    planted_params: dict
    n_test_samples: int
    threshold: float
    entropy: int | None = None

    # What its results depend on, beside the cell.
    configured = ("planted_params", "n_test_samples", "threshold")

    def run(self, cell, process=None):
        """Return the cell and its results; ``process`` is as for the chains of decoders."""
        learner, N, k, d, n_samples, trial = cell
        seed = np.random.SeedSequence(self.entropy, spawn_key=(N, k, d, trial))
        planted, learning = seed.spawn(2)
        options = {"dtype": np.float32} | self.planted_params
        X, codes, dictionary = make_planted_activations(
            n_samples + self.n_test_samples,
            N,
            d,
            n_nonzero_coefs=k,
            random_state=np.random.default_rng(planted),
            **options,
        )
        learner = _seeded(self.learners[learner], learning)
        set_sizes(learner, N, k)
        import_backend(learner)
        with nullcontext() if process == PROCESS else single_threaded():
            with time_of_compilation() as compiled:
                start = time.perf_counter()
                learner.fit(X[:n_samples])
                seconds = time.perf_counter() - start - compiled()
            match = match_dictionaries(dictionary, learner, threshold=self.threshold)
            values = "nonnegative" if codes.data.min(initial=0) >= 0 else "real"
            test = X[n_samples:]
            errors = own_fvu(learner, test), pursuit_fvu(learner, test, k, values)
        return cell, match.found, match.mcc, *errors, seconds


def check_learners(learners, checkpoint):
    """Return names with the texts that are their learners' in cells, and clones by these texts."""
    named = isinstance(learners, dict) and all(isinstance(name, str) for name in learners)
    if not named or not learners:
        raise ValueError(f"learners must be a dict of estimators by name, got {learners!r}.")
    texts, clones = {}, {}
    for name, learner in learners.items():
        require_estimator(learner, f"learners[{name!r}]", set())
        if not hasattr(learner, "fit") or not set(_LATENTS) & set(_own(learner)):
            raise ValueError(
                f"learners[{name!r}] must have fit and the parameter n_latents, or n_components as "
                f"those of scikit-learn, got {learner!r}."
            )
        learner = set_sizes(_seeded(clone(learner), None), None, None)
        # What a file keeps belongs to a learner, whatever it is called.
        texts[name] = name if checkpoint is None else describe(learner=learner)
        clones[texts[name]] = learner
    return texts, clones


def set_sizes(learner, n_latents, n_nonzero_coefs):
    """Set the numbers of codewords as far as a learner has parameters for them, and return it."""
    own = _own(learner)
    latents = next(name for name in _LATENTS if name in own)
    sizes = {latents: n_latents, "n_nonzero_coefs": n_nonzero_coefs}
    return learner.set_params(**{name: size for name, size in sizes.items() if name in own})


def import_backend(learner):
    """Import what a learner would import in ``fit``, so that its threads can be limited before."""
    if isinstance(learner, SparseAutoencoder):
        # Where it is missing, ``fit`` says what it needs.
        with suppress(ImportError):
            import_module("torch")


def own_fvu(learner, X):
    """Return the FVU of samples by the codes of a learner itself, nan if it makes none."""
    if not hasattr(learner, "transform"):
        return np.nan
    codes = learner.transform(X)
    has_inverse = hasattr(learner, "inverse_transform")
    X_hat = learner.inverse_transform(codes) if has_inverse else codes @ learner.components_
    return fraction_of_variance_unexplained(X, X_hat)


def pursuit_fvu(learner, X, k, values):
    """Return the FVU of samples by orthogonal matching pursuit on a learner's dictionary."""
    dictionary = learner if hasattr(learner, "dictionary_") else learner.components_
    decoder = OrthogonalMatchingPursuitDecoder(dictionary, n_nonzero_coefs=k, values=values)
    return fraction_of_variance_unexplained(X, decoder.fit(X).reconstruct(X))


def _own(learner):
    return learner.get_params(deep=False)
