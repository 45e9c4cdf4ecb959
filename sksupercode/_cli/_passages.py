"""Real input: passages of text as sets of words, written to and read from superpositions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from joblib import parallel_config
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, theory
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
    n_components: np.ndarray
    success_rate: np.ndarray
    predicted_rate: np.ndarray

    @property
    def n_trials(self):
        """How many passages were stored at each d."""
        return len(self.row_counts)

    @property
    def dimension(self):
        """The smallest d of the sweep from which on every passage was read back exactly."""
        failed = np.flatnonzero(self.success_rate < 1)
        first = failed[-1] + 1 if len(failed) else 0
        return None if first == len(self.n_components) else self.n_components[first]

    @property
    def predicted_dimension(self):
        """The smallest d of the sweep at which the model expects less than half a passage lost."""
        kept = np.flatnonzero((1 - self.predicted_rate) * self.n_trials < 0.5)
        return self.n_components[kept[0]] if len(kept) else None


def passage_dimensions(n_features, row_counts):
    """Return a grid from half the model's d at the mean k to 1.3 times that at the largest."""
    rule = partial(theory.rule_of_thumb_dimension, decoder="matching_pursuit")
    low = 0.5 * rule(n_features, round(row_counts.mean()))
    high = 1.3 * rule(n_features, row_counts.max())
    return np.unique(np.rint(np.geomspace(low, high, _GRID_LENGTH)).astype(int)).tolist()


def store_passages(n_passages, seed, n_jobs):
    """Grid-search d for passages drawn from the documents that every installation has."""
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
    encoder = RademacherEncoder(random_state=seed)
    pipeline = make_pipeline(vectorizer, encoder, MatchingPursuitDecoder(encoder, tol=1e-6))
    grid = {"rademacherencoder__n_components": dimensions}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), refit=False)
    # Threads share the codebooks. Samples that a pursuit cannot explain are counted.
    with parallel_config(backend="threading", n_jobs=n_jobs), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        rates = search.fit(passages, words).cv_results_["mean_test_score"]
    predicted = predict_rates(len(vocabulary), row_counts, dimensions, seed)
    size = len(documents), len(vocabulary)
    return PassagesReport(*size, row_counts, np.array(dimensions), rates, predicted)


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


def passages_table(report):
    """Return the sweep over real passages as a table for the terminal."""
    table = Table(title="Real passages, as sets of words", title_justify="left", title_style="bold")
    for heading in ("dimensions d", "read back without an error", "predicted by the model"):
        table.add_column(heading, justify="right")
    n = report.n_trials
    columns = report.n_components, report.success_rate, report.predicted_rate
    for dimension, rate, predicted in zip(*columns, strict=True):
        table.add_row(f"{dimension}", f"{round(rate * n)} of {n}", f"{predicted * n:.1f}")
    return table


def passages_summary(report):
    """Return in words what the sweep over real passages found."""
    counts = report.row_counts
    return (
        f"{report.n_trials} of {report.n_documents} passages, N = {report.n_features} words, "
        f"k = {counts.min()} to {counts.max()} (mean {counts.mean():.1f}). All of them are stored "
        f"without an error {_from(report.dimension)}; the model of random codes with these N and k "
        f"expects that {_from(report.predicted_dimension)}."
    )


def _from(dimension):
    return "at no d of the sweep" if dimension is None else f"from d = {dimension} on"
