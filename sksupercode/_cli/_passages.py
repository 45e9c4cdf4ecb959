"""Real input: passages of text as sets of words, written to and read from superpositions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, theory
from sksupercode._cli._sweep import RecoveryCurve, search_dimensions
from sksupercode.datasets import load_passages
from sksupercode.model_selection import recovery_probability

_GRID_LENGTH = 12
_N_LEVELS = 9
_N_SAMPLES = 8


@dataclass(frozen=True)
class PassagesReport:
    """How many dimensions store real passages, beside what the model asks for."""

    n_documents: int
    n_features: int
    row_counts: np.ndarray
    curve: RecoveryCurve
    predicted_rate: np.ndarray

    @property
    def dimension(self):
        """The smallest d of the sweep from which on every passage was read back exactly."""
        failed = np.flatnonzero(self.curve.success_rate < 1)
        first = failed[-1] + 1 if len(failed) else 0
        return None if first == len(self.curve.n_components) else self.curve.n_components[first]

    @property
    def predicted_dimension(self):
        """The smallest d of the sweep at which the model expects less than half a passage lost."""
        lost = (1 - self.predicted_rate) * self.curve.n_trials
        kept = np.flatnonzero(lost < 0.5)
        return self.curve.n_components[kept[0]] if len(kept) else None


def passage_dimensions(n_features, row_counts):
    """Return a grid from half the model's d at the mean k to 1.3 times that at the largest."""
    rule = partial(theory.rule_of_thumb_dimension, decoder="matching_pursuit")
    low = 0.5 * rule(n_features, round(row_counts.mean()))
    high = 1.3 * rule(n_features, row_counts.max())
    return np.unique(np.rint(np.geomspace(low, high, _GRID_LENGTH)).astype(int)).tolist()


def store_passages(n_passages, *, seed, n_jobs, start):
    """Sweep d for passages drawn from the documents that every installation has.

    ``start(n_steps)`` is called once the length of the sweep is known; it returns the callable that
    advances the progress bar.
    """
    documents = load_passages().data
    # The vocabulary is fixed once, so that all folds agree on which column is which word.
    vocabulary = CountVectorizer().fit(documents).vocabulary_
    vectorizer = CountVectorizer(binary=True, vocabulary=vocabulary)
    n_passages = min(n_passages, len(documents))
    chosen = np.random.default_rng(seed).choice(len(documents), n_passages, replace=False)
    passages = [documents[i] for i in chosen]
    words = vectorizer.transform(passages)
    row_counts = np.diff(words.indptr)
    dimensions = passage_dimensions(len(vocabulary), row_counts)
    advance = start(len(dimensions))
    encoder = RademacherEncoder(random_state=seed)
    pipeline = make_pipeline(vectorizer, encoder, MatchingPursuitDecoder(encoder, tol=1e-6))
    curve = search_dimensions(
        "matching-pursuit", pipeline, passages, words, dimensions, n_jobs, advance
    )
    predicted = predict_rates(len(vocabulary), row_counts, dimensions, seed)
    return PassagesReport(len(documents), len(vocabulary), row_counts, curve, predicted)


def predict_rates(n_features, row_counts, dimensions, seed):
    """Return the recovery rates that the model of random codes predicts for codes of these k.

    Codewords are exchangeable, so that a passage counts only by its number of words. The model is
    evaluated at a few k and interpolated between them.
    """
    lowest, highest = max(1, row_counts.min()), max(1, row_counts.max())
    levels = np.unique(np.geomspace(lowest, highest, _N_LEVELS).round().astype(int))
    decoder = MatchingPursuitDecoder(RademacherEncoder())
    probabilities = [
        recovery_probability(
            decoder,
            n_features=n_features,
            n_nonzero_coefs=int(k),
            n_components=dimensions,
            random_state=seed,
            n_samples=_N_SAMPLES,
        )[0]
        for k in levels
    ]
    return np.array(
        [np.interp(row_counts, levels, column).mean() for column in np.transpose(probabilities)]
    )
