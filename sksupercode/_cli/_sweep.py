"""Sweeps of the dimension d by grid search, as a user would write them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from joblib import parallel_config
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sksupercode import (
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    ThresholdDecoder,
    TopKDecoder,
    theory,
)

N_FOLDS = 2

DECODERS = {
    "threshold": ThresholdDecoder,
    "top-k": TopKDecoder,
    "matching-pursuit": MatchingPursuitDecoder,
    "basis-pursuit": BasisPursuitDecoder,
}

# The rule of thumb for each decoder, and where its transition lies around it.
_RULES = {
    "threshold": ("threshold", 0.4, 1.3),
    "top-k": ("topk", 0.3, 1.2),
    "matching-pursuit": ("matching_pursuit", 0.45, 1.25),
    "basis-pursuit": ("basis_pursuit", 0.5, 1.4),
}
_GRID_LENGTH = 10


@dataclass(frozen=True)
class RecoveryCurve:
    """What a sweep measured: exact-recovery rates and decoding times against d."""

    name: str
    n_components: np.ndarray
    success_rate: np.ndarray
    seconds: np.ndarray
    n_trials: int

    def dimension_at(self, rate):
        """Return the d at which the recovery rate reaches ``rate``, None outside the grid.

        The measured rates are made monotone by isotonic regression, and interpolated linearly.
        """
        monotone = IsotonicRegression().fit_transform(self.n_components, self.success_rate)
        reached = np.flatnonzero(monotone >= rate)
        if not len(reached):
            return None
        if reached[0] == 0:
            # Below the grid the rate is unknown, unless there is nothing below.
            return 1 if self.n_components[0] == 1 else None
        span = slice(reached[0] - 1, reached[0] + 1)
        return int(np.ceil(np.interp(rate, monotone[span], self.n_components[span])))

    def seconds_at(self, n_components):
        """Return the seconds that decoding a sample takes at a dimension, interpolated."""
        return float(np.interp(n_components, self.n_components, self.seconds))


def default_dimensions(name, n_features, n_nonzero_coefs):
    """Return a grid of dimensions around the rule of thumb of a decoder."""
    decoder, low, high = _RULES[name]
    center = theory.rule_of_thumb_dimension(n_features, n_nonzero_coefs, decoder)
    grid = np.rint(center * np.geomspace(low, high, _GRID_LENGTH)).astype(int)
    return np.unique(np.maximum(grid, 1)).tolist()


def sweep(name, codes, dimensions, *, seed, n_jobs, advance):
    """Measure the recovery curve of a decoder by a grid search over the encoder's d."""
    encoder = RademacherEncoder(random_state=seed)
    pipeline = make_pipeline(encoder, DECODERS[name](encoder))
    return search_dimensions(name, pipeline, codes, codes, dimensions, n_jobs, advance)


def search_dimensions(name, pipeline, X, codes, dimensions, n_jobs, advance):
    """Grid-search the d of a pipeline's RademacherEncoder, scoring each sample once for each d."""

    def score(estimator, X, y):
        rate = estimator.score(X, y)
        advance()
        return rate

    search = GridSearchCV(
        pipeline,
        {"rademacherencoder__n_components": dimensions},
        scoring=score,
        cv=KFold(N_FOLDS),
        refit=False,
    )
    # Threads share the codebooks and the progress bar.
    with parallel_config(backend="threading", n_jobs=n_jobs):
        search.fit(X, codes)
    results = search.cv_results_
    n_samples = codes.shape[0]
    return RecoveryCurve(
        name,
        np.array(dimensions),
        results["mean_test_score"],
        results["mean_score_time"] / (n_samples / N_FOLDS),
        n_samples,
    )
