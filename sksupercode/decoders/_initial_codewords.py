"""The codewords from which a dictionary is learned, where they are not drawn."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import BaseEstimator

from sksupercode._utils._validation import transpose_hint, unfrozen
from sksupercode.decoders._codebook import as_dictionary, check_intercept, dictionary_of
from sksupercode.encoders import BaseEncoder

DRAWN = ("samples", "random")


def initial_codewords(init, n_latents, n_components):
    """Return the codewords and the intercept that a learner's parameter ``init`` names.

    Parameters
    ----------
    init : {"samples", "random"}, array-like of shape (n_latents, n_components) or estimator
        An estimator has ``dictionary_``, and perhaps ``intercept_``; it may be inside a
        FrozenEstimator. An encoder with an integer seed is a recipe, as for decoders.

    n_latents : int
        Number N of codewords that are wanted.

    n_components : int
        Number d of columns of X.

    Returns
    -------
    codewords : ndarray of shape (N, d) or None
        A new array, float64 or float32, with rows of unit norm; codewords of zeros stay zeros, for
        the caller to draw. None where all are to be drawn.

    intercept : ndarray of shape (d,) or None
        In the unit of X, float64; None where the estimator has none.

    Raises
    ------
    ValueError
        If ``init`` is nothing of this, its codewords are not (N, d) finite numbers, or they
        reconstruct samples that are normalised one by one.
    """
    if isinstance(init, str) and init in DRAWN:
        return None, None
    estimator, intercept = unfrozen(init), None
    if isinstance(estimator, BaseEstimator):
        dictionary = _dictionary_of(estimator, n_latents, n_components)
        intercept = getattr(estimator, "intercept_", None)
    else:
        try:
            dictionary = as_dictionary(init)
        except ValueError as error:
            raise ValueError(
                f"init must be {', '.join(map(repr, DRAWN))}, an array of shape ({n_latents}, "
                f"{n_components}), or a fitted estimator with dictionary_: {error}"
            ) from error
    if dictionary.shape != (n_latents, n_components):
        raise ValueError(
            f"init must have n_latents={n_latents} codewords of {n_components} dimensions, as X "
            f"has, got {dictionary.shape[0]} of {dictionary.shape[1]}"
            + transpose_hint(dictionary.shape, n_components, "init")
        )
    if intercept is not None:
        intercept = np.broadcast_to(check_intercept(intercept, n_components), n_components).copy()
    return _of_unit_norm(dictionary.codewords(np.arange(n_latents))), intercept


def _dictionary_of(estimator, n_latents, n_components):
    name = type(estimator).__name__
    if isinstance(estimator, BaseEncoder) and estimator.has_recipe:
        n_features = n_latents if estimator.n_features is None else estimator.n_features
        return estimator.codebook(n_features, n_components)
    if not hasattr(estimator, "dictionary_"):
        raise ValueError(
            f"init={name}(...) has no dictionary_: pass it fitted, and inside "
            "sklearn.frozen.FrozenEstimator where it is cloned, as in a grid search."
        )
    if getattr(estimator, "normalizes_samples_", False):
        raise ValueError(
            f"init={name}(...) normalises each sample by itself, and its codewords reconstruct "
            "these: learn from init.normalize(X)[0], and pass init.dictionary_."
        )
    return dictionary_of(estimator)


def _of_unit_norm(codewords):
    """Return rows divided by their norms, whatever their size."""
    codewords = codewords.astype(np.result_type(codewords, np.float32), copy=False)
    largest = np.maximum(codewords.max(axis=1), -codewords.min(axis=1))
    # The largest entries are between 1/2 and 1, so that no square is out of range.
    codewords = np.ldexp(codewords, -np.frexp(largest)[1][:, None])
    norms = np.linalg.norm(codewords, axis=1, keepdims=True)
    codewords /= np.where(norms > 0, norms, 1)
    return codewords
