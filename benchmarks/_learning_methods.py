"""Learners of dictionaries, ours and those of others, as iterators over what they have learned.

``method(X, N, k, seed)`` returns an iterator. Each step of it learns some more, and gives the
codewords and what is to be subtracted from samples before they are decoded.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import joblib
import numpy as np
from sklearn.utils import gen_batches

from benchmarks._peers import Peer
from sksupercode import DictionaryLearner, SparseAutoencoder

PASSES, SAE_PASSES, PASSES_AFTER_SAE = 30, 60, 10
# Samples between two looks at what was learned.
_STEP = 4096
# For amplitudes of about 1: .1, .2, .4 and .6 learn more slowly or end with a larger error.
_ALPHA = 0.3
_BATCH = 256


def own(X, n_latents, k, seed):
    """Our learner; the step is two of its batches."""
    learner = DictionaryLearner(n_latents, n_nonzero_coefs=k, random_state=seed)
    return (_learned(learner.partial_fit(some)) for some in _passes(X, _STEP, seed))


def own_fit(X, n_latents, k, seed, init="samples", passes=PASSES):
    """Our learner in one call of ``fit``."""
    learner = DictionaryLearner(
        n_latents, n_nonzero_coefs=k, init=init, max_iter=passes, random_state=seed
    )
    return (_learned(learner.fit(X)) for _ in range(1))


def autoencoder(passes):
    """A TopK autoencoder; one step, since its learning rate falls until the last pass."""

    def steps(X, n_latents, k, seed):
        sae = SparseAutoencoder(n_latents, n_nonzero_coefs=k, max_iter=passes, random_state=seed)
        return (_learned(sae.fit(X)) for _ in range(1))

    return steps


def sklearn_l1(X, n_latents, k, seed):
    """scikit-learn's learner, whose codes have a penalty in place of k."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    learner = MiniBatchDictionaryLearning(
        n_latents,
        alpha=_ALPHA,
        fit_algorithm="cd",
        positive_code=True,
        batch_size=_BATCH,
        dict_init=_drawn(X, n_latents, seed).astype(np.float64),
        n_jobs=-1,
        random_state=seed,
    )

    def step(X):
        # float32 does not reach its tolerance, and threads start faster than processes.
        X = X.astype(np.float64)
        with joblib.parallel_config("threading"):
            for batch in gen_batches(len(X), _BATCH):
                learner.partial_fit(X[batch])
        return learner.components_, 0.0

    return map(step, _passes(X, _STEP, seed))


def _spams(**settings):
    def steps(X, n_latents, k, seed):
        import spams

        learned = np.asfortranarray(_drawn(X, n_latents, seed).T), None

        def step(X):
            nonlocal learned
            D, model = learned
            learned = spams.trainDL(
                np.asfortranarray(X.T),
                return_model=True,
                model=model,
                D=D,
                batchsize=_BATCH,
                iter=max(1, len(X) // _BATCH),
                numThreads=-1,
                verbose=False,
                **({"lambda1": k} | settings),
            )
            return _turned(np.ascontiguousarray(learned[0].T), X), 0.0

        return map(step, _passes(X, _STEP, seed))

    return steps


def _learned(estimator):
    return estimator.dictionary_, estimator.intercept_


def _turned(F, X):
    """Turn codewords to the side where samples are far along them, for nonnegative codes."""
    return F * np.where(((X @ F.T) ** 3).sum(axis=0) < 0, np.float32(-1), np.float32(1))[:, None]


def _drawn(X, n_latents, seed):
    """Return samples as codewords to begin with."""
    rng, X = np.random.default_rng(seed), X[X.any(axis=1)]
    F = X[rng.choice(len(X), n_latents, replace=len(X) < n_latents)]
    return F / np.linalg.norm(F, axis=1, keepdims=True)


def _passes(X, length, seed):
    """Yield all samples in random order, some times, by blocks."""
    rng = np.random.default_rng(seed)
    for _ in range(PASSES):
        order = rng.permutation(len(X))
        for some in gen_batches(len(X), length):
            yield X[order[some]]


SKLEARN = Peer(
    "sklearn MiniBatchDictionaryLearning",
    sklearn_l1,
    note=f"nonnegative LASSO by coordinate descent, alpha = {_ALPHA}, batches of {_BATCH}, float64",
)
AUTOENCODER = Peer(f"TopK SparseAutoencoder, {SAE_PASSES} passes", autoencoder(SAE_PASSES), "torch")
PEERS = [
    SKLEARN,
    Peer(
        "SPAMS trainDL, L1",
        _spams(mode=2, lambda1=_ALPHA, posAlpha=True),
        "spams",
        "spams-bin",
        note=f"nonnegative LASSO, lambda = {_ALPHA}, batches of {_BATCH}, float32",
    ),
    Peer(
        "SPAMS trainDL, L0",
        _spams(mode=3),
        "spams",
        "spams-bin",
        note=f"OMP of k codewords, of either sign as it has no other, batches of {_BATCH}, float32",
    ),
    Peer("TopK SparseAutoencoder, 15 passes", autoencoder(15), "torch"),
    AUTOENCODER,
]
