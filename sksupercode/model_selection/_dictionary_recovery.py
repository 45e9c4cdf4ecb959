"""Which part of a planted dictionary a learner finds, measured."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from inspect import signature
from itertools import product

import numpy as np

from sksupercode import theory
from sksupercode._utils._tables import TableMixin
from sksupercode._utils._validation import check_integer, check_real
from sksupercode.datasets import make_planted_activations
from sksupercode.model_selection._cells import check_list
from sksupercode.model_selection._learner_cells import (
    LEARNED,
    LearnerCell,
    LearnerChain,
    check_learners,
    import_backend,
)
from sksupercode.model_selection._sweep import open_runner

_SET_BY_CELLS = (
    "n_samples",
    "n_latents",
    "n_components",
    "n_nonzero_coefs",
    "dictionary",
    "random_state",
)


@dataclass(frozen=True, eq=False, repr=False)
class DictionaryRecovery(TableMixin):
    """How much of planted dictionaries learners find, over dimensions and numbers of samples.

    Arrays of results are of shape (n_learners, n_dimensions, n_sizes, n_trials).

    Attributes
    ----------
    n_latents, n_nonzero_coefs : int
        N and k.

    learners : tuple of str
        Names of the learners.

    n_components : ndarray of int of shape (n_dimensions,)
        The dimensions d, increasing.

    n_samples : ndarray of int of shape (n_sizes,)
        The numbers of samples to learn from, increasing.

    found : ndarray of float
        Fraction of the codewords that were found.

    mcc : ndarray of float
        Mean absolute cosine of the pairs of true and learned codewords.

    fvu : ndarray of float
        Fraction of the variance of other samples that the learner's own codes leave unexplained;
        nan for a learner without ``transform``.

    omp_fvu : ndarray of float
        The same for codes by orthogonal matching pursuit of k codewords on the learned dictionary.

    seconds : ndarray of float
        Seconds of ``fit``, without compilation.
    """

    n_latents: int
    n_nonzero_coefs: int
    learners: tuple[str, ...]
    n_components: np.ndarray
    n_samples: np.ndarray
    found: np.ndarray
    mcc: np.ndarray
    fvu: np.ndarray
    omp_fvu: np.ndarray
    seconds: np.ndarray

    @property
    def bits_per_dimension(self):
        """``log2 C(N, k) / d`` for each d."""
        return theory.entropy(self.n_latents, self.n_nonzero_coefs) / self.n_components

    @property
    def samples_per_latent(self):
        """``n_samples / N`` for each number of samples."""
        return self.n_samples / self.n_latents

    def _columns(self):
        i, j, m, trial = np.indices(self.found.shape).reshape(4, -1)
        columns = {
            "learner": np.array(self.learners, dtype=object)[i],
            "n_components": self.n_components[j],
            "bits_per_dimension": self.bits_per_dimension[j],
            "n_samples": self.n_samples[m],
            "samples_per_latent": self.samples_per_latent[m],
            "trial": trial,
        }
        return columns | {name: getattr(self, name).ravel() for name in LEARNED.results}


def dictionary_recovery(
    learners,
    *,
    n_latents,
    n_nonzero_coefs,
    n_components,
    n_samples,
    n_trials=3,
    n_test_samples=1000,
    threshold=0.97,
    planted_params=None,
    random_state=None,
    n_jobs=None,
    checkpoint=None,
    callbacks=None,
    verbose=False,
):
    r"""Measure which part of a dictionary learners find, over dimensions and numbers of samples.

    .. math:: \mathrm{found} = \frac1N \, \bigl|\{ j : \max_i |\cos(f_j, \hat f_i)| > c \}\bigr|,
       \qquad x = \sum_{j \in S} a_j f_j, \quad |S| = k

    with random unit codewords f_j in R^d, and the codewords of a learner that is told N and k.

    Parameters
    ----------
    learners : dict of str to estimator
        The learners, by name: ``fit(X)`` gives them a ``dictionary_``, or the ``components_`` of
        scikit-learn. Their ``n_latents``, or ``n_components`` if there is no such parameter,
        ``n_nonzero_coefs`` and ``random_state`` are set by the sweep. A parameter that is a fitted
        estimator, as a start, has to be frozen.

    n_latents : int
        Number N of codewords, at least 1.

    n_nonzero_coefs : int
        Number k of codewords in a sample, from 1 to N.

    n_components : int or array-like of int
        The dimensions d.

    n_samples : int or array-like of int
        The numbers of samples to learn from.

    n_trials : int, default=3
        Number of dictionaries at each point. All learners are given the same ones.

    n_test_samples : int, default=1000
        Number of other samples, of which the variance that is left unexplained is measured.

    threshold : float, default=0.97
        The absolute cosine c above which a codeword is found, from 0 up to, but without, 1.

    planted_params : dict or None, default=None
        More parameters of :func:`~sksupercode.datasets.make_planted_activations`, such as
        ``{"noise": 0.05}``. By default amplitudes are between 0.5 and 1.5, there is no noise, and
        samples are float32.

    random_state : int, RandomState, Generator or None, default=None
        Seed of all dictionaries, samples and learners. None is fresh entropy, or that of the
        checkpoint.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A file that keeps what is finished, from which the sweep goes on. It may have other
        learners, dimensions, numbers of samples and trials than before.

    callbacks : list of callbacks or None, default=None
        Callbacks of scikit-learn 1.9 or newer, which are told of each cell.

    verbose : bool, default=False
        Whether to show a progress bar with the time that is left; needs rich.

    Returns
    -------
    recovery : DictionaryRecovery
        Codewords that were found, and how well other samples are explained.

    Raises
    ------
    ValueError
        If a parameter is outside its range; if a learner refuses its samples; or if the checkpoint
        is damaged, of another configuration, or of a newer version.

    See Also
    --------
    phase_transition : Which codes a decoder reads, with the true dictionary.
    sksupercode.metrics.match_dictionaries : Compares two dictionaries.
    sksupercode.plotting.DictionaryRecoveryDisplay : Draws the results.

    Notes
    -----
    A cell is one fit. Its seeds are those of ``SeedSequence(entropy, spawn_key=(N, k, d, i))`` for
    the i-th trial, so that all learners and numbers of samples have the same dictionary in a trial,
    and a cell does not depend on the others. Learners are cloned, never changed. Their linear
    algebra runs in one thread, and their ``ConvergenceWarning`` are ignored.

    A checkpoint keeps the results of a learner by its class and parameters, not by its name.

    Examples
    --------
    >>> from sksupercode import DictionaryLearner, TopKDecoder
    >>> from sksupercode.model_selection import dictionary_recovery
    >>> top_k = TopKDecoder(None, values="nonnegative")
    >>> recovery = dictionary_recovery(
    ...     {"top-k": DictionaryLearner(decoder=top_k), "OMP": DictionaryLearner()},
    ...     n_latents=64,
    ...     n_nonzero_coefs=3,
    ...     n_components=24,
    ...     n_samples=[256, 4096],
    ...     n_trials=2,
    ...     random_state=0,
    ... )
    >>> recovery.found.shape
    (2, 1, 2, 2)
    >>> few, many = recovery.found.mean(axis=(0, 1, 3))
    >>> bool(few < 0.5 < many)
    True
    """
    N = check_integer(n_latents, "n_latents", minimum=1)
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=N)
    dimensions = check_list(n_components, "n_components")
    sizes = check_list(n_samples, "n_samples")
    n_trials = check_integer(n_trials, "n_trials", minimum=1)
    n_test_samples = check_integer(n_test_samples, "n_test_samples", minimum=1)
    threshold = check_real(threshold, "threshold", 0, 1, closed="left")
    texts, clones = check_learners(learners, checkpoint)
    chain = LearnerChain(clones, _check_planted(planted_params), n_test_samples, threshold)
    configuration = {"sweep": "dictionary_recovery", "n_latents": N, "n_nonzero_coefs": k}
    for learner in clones.values():
        import_backend(learner)
    grid = product(texts.values(), dimensions.tolist(), sizes.tolist(), range(n_trials))
    cells = [LearnerCell(text, N, k, *point) for text, *point in grid]
    common = random_state, n_jobs, checkpoint, callbacks, verbose
    with open_runner(chain, configuration, *common, table=LEARNED) as runner:
        # SQLite keeps a nan as None.
        results = np.array(runner.run(cells), dtype=float)
    results = results.T.reshape(-1, len(texts), dimensions.size, sizes.size, n_trials)
    return DictionaryRecovery(N, k, tuple(texts), dimensions, sizes, *results)


def _check_planted(params):
    params = {} if params is None else params
    every = signature(make_planted_activations).parameters
    known = [name for name in every if name not in _SET_BY_CELLS]
    if not isinstance(params, dict) or not params.keys() <= set(known):
        raise ValueError(
            "planted_params must be None or a dict of these parameters of "
            f"make_planted_activations: {', '.join(known)}; got {params!r}."
        )
    return params
