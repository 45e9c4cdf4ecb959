"""How a decoder finds its dictionary, and how it notices a wrong one."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import islice

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator

from sksupercode._utils._blocks import batches
from sksupercode._utils._validation import (
    as_array,
    check_codes,
    transpose_hint,
    unfrozen,
)
from sksupercode._utils._warnings import warn
from sksupercode.decoders._units import split_units
from sksupercode.dictionaries import DenseDictionary, Dictionary
from sksupercode.encoders import BaseEncoder
from sksupercode.exceptions import CodebookMismatchWarning

# The power of the check grows with n d, its cost with n^2.
_NUMBERS_TO_CHECK = 2**18
_MOST_ROWS = 2048
# A wrong codebook gives a standard normal z, a right one z > 15 unless there are few data or
# much noise.
_LOWEST_Z = 4.0


def resolve_dictionary(source, X, y):
    """Return the dictionary that a decoder's parameter names, its intercept, and values by default.

    An encoder with an integer seed is a recipe for d = ``X.shape[1]`` and N = its ``n_features`` or
    else ``y.shape[1]``; a fitted encoder without such a seed, and any other estimator, lends its
    ``dictionary_`` as it is, and perhaps its ``intercept_``. A ValueError is raised where there is
    no dictionary to be had, or its codewords have other than d dimensions.
    """
    estimator = unfrozen(source)
    intercept = 0.0
    if isinstance(estimator, BaseEncoder):
        dictionary, values = _codebook_of(estimator, X, y), "binary"
    elif isinstance(estimator, BaseEstimator):
        if not hasattr(estimator, "dictionary_"):
            raise ValueError(
                f"dictionary={type(estimator).__name__}(...) has no dictionary_: pass it fitted, "
                "and inside sklearn.frozen.FrozenEstimator where it is cloned, as in a grid search."
            )
        dictionary = dictionary_of(estimator)
        values = "real" if getattr(estimator, "values_", None) == "real" else "nonnegative"
        intercept = check_intercept(getattr(estimator, "intercept_", 0.0), dictionary.shape[1])
        if X.shape[1] == dictionary.shape[1] and getattr(estimator, "normalizes_samples_", False):
            _warn_unless_normalized(estimator, X[:_MOST_ROWS])
    else:
        dictionary, values = as_dictionary(source), "real"
    if dictionary.shape[1] != X.shape[1]:
        hint = "."
        if not isinstance(estimator, BaseEstimator):
            hint = transpose_hint(dictionary.shape, X.shape[1], "dictionary")
        raise ValueError(
            f"X has {X.shape[1]} columns, but the codewords of the dictionary have "
            f"{dictionary.shape[1]} dimensions{hint}"
        )
    return dictionary, intercept, values


def check_intercept(intercept, n_components):
    """Return an intercept as a float64 array of shape () or (d,); raise a ValueError otherwise."""
    try:
        intercept = np.asarray(as_array(intercept, "intercept_"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"intercept_ must be numbers, got {intercept!r}.") from error
    if intercept.shape not in ((), (n_components,)) or not np.isfinite(intercept).all():
        raise ValueError(
            f"intercept_ must be a finite array of shape ({n_components},), got {intercept!r}."
        )
    return intercept


def _warn_unless_normalized(estimator, X):
    """Warn when the dictionary is of normalised samples, and X is changed by normalising it."""
    if not np.allclose(estimator.normalize(X)[0], X, rtol=0.01, atol=0.01):
        warn(
            f"The codewords of {type(estimator).__name__} reconstruct samples normalised by "
            f"{estimator.weights_.normalization!r}, and X is not: decode sae.normalize(X)[0] "
            "instead of X."
        )


def dictionary_of(estimator):
    """Return the Dictionary of a fitted estimator, in half precision if that is what it stores."""
    if hasattr(estimator, "_stored_codewords"):
        return as_dictionary(estimator._stored_codewords())
    return as_dictionary(estimator.dictionary_)


def as_dictionary(source):
    """Return a Dictionary for any matrix of codewords."""
    if isinstance(source, Dictionary):
        return source
    if issparse(source) or isinstance(source, type | str | None):
        raise ValueError(
            "dictionary must be an array of shape (N, d), an encoder, or a fitted estimator with "
            f"dictionary_, got {source!r}."
        )
    return DenseDictionary(source)


def _codebook_of(encoder, X, y):
    name = type(encoder).__name__
    if not encoder.has_recipe:
        if hasattr(encoder, "dictionary_"):
            return encoder.dictionary_
        raise ValueError(
            f"dictionary={name}(random_state={encoder.random_state!r}) cannot be shared with a "
            "decoder: give it an integer random_state, or pass it fitted, and inside "
            "sklearn.frozen.FrozenEstimator where it is cloned."
        )
    n_features = encoder.n_features
    if n_features is None:
        shape = _shape(y)
        if len(shape) != 2 or shape[0] != X.shape[0]:
            raise ValueError(
                f"dictionary={name}(n_features=None) is an incomplete recipe, fitted or not: fit "
                f"needs y of shape ({X.shape[0]}, N), or {name} needs n_features=N; got y"
                + ("=None." if y is None else f" of shape {shape}.")
            )
        n_features = shape[1]
    return encoder.codebook(n_features, X.shape[1])


def _shape(y):
    """Return the shape of anything; () for what is no array."""
    try:
        return y.shape if hasattr(y, "shape") else np.asarray(y).shape
    except ValueError:
        return ()


def read_codes(y, n_samples, n_features):
    """Return y as a CSR array if it is an (n, N) matrix, and None for anything else."""
    return check_codes(y) if _shape(y) == (n_samples, n_features) else None


def warn_on_mismatch(dictionary, X, intercept, Y):
    r"""Warn when X does not correlate with the superpositions of Y.

    The mean cosine between ``x_i``, less the intercept, and ``y_i F`` over the first rows, in units
    of its standard deviation under a codebook that is independent of X,

    .. math::
        z = \frac{\sum_i \langle u_i, \hat x_i \rangle / \lVert \hat x_i \rVert}{\sigma},
        \qquad \sigma^2 = \frac1d \sum_{i,j} \frac{\langle y_i, y_j \rangle
        \langle u_i, u_j \rangle}{\lVert \hat x_i \rVert \lVert \hat x_j \rVert},

    with ``u_i = x_i / ||x_i||``. For rows that have little in common this is the mean cosine times
    sqrt(n d).
    """
    n_rows = min(_MOST_ROWS, -(-_NUMBERS_TO_CHECK // X.shape[1]))
    candidates = np.flatnonzero(np.diff(Y.indptr))
    is_read = (row for row in candidates if (X[row] != intercept).any())
    rows = np.fromiter(islice(is_read, n_rows), dtype=np.intp)
    if not len(rows):
        return
    U, _ = split_units(dictionary, X[rows], intercept)
    # Only directions count, and the numbers of a row may be of any size.
    Y = Y[rows].astype(np.float64)
    _, exponents = np.frexp(abs(Y).max(axis=1).toarray().ravel())
    Y.data = np.ldexp(Y.data, -np.repeat(exponents, np.diff(Y.indptr)))
    codewords = dictionary.unnormalized
    X_hat = codewords.superpose(Y)
    norms = np.linalg.norm(X_hat, axis=1)
    kept = norms > 0
    if not kept.any():
        return
    Y, X_hat, norms, U = Y[kept], X_hat[kept], norms[kept], U[kept]
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    cosines = np.einsum("ij,ij->i", U, X_hat) / norms
    Y = csr_array(Y.multiply(1 / norms[:, np.newaxis]))
    overlaps = (np.vdot((Y[some] @ Y.T).toarray(), U[some] @ U.T) for some in batches(len(U), 256))
    mean_square = codewords.squared_norms.mean()
    z = cosines.sum() / np.sqrt(mean_square * sum(overlaps) / X.shape[1])
    # A few numbers cannot tell, but a right codebook without noise has cosines of 1.
    if z < _LOWEST_Z and cosines.mean() < 0.5:
        warn(
            f"X is uncorrelated with the codes y written in the decoder's dictionary (z = {z:.1f}, "
            f"less than {_LOWEST_Z:g}): was X written with another codebook? Encoder and decoder "
            "must have the same kind, seed, number and order of columns. Or there is too little of "
            "X to tell a code from its noise.",
            CodebookMismatchWarning,
        )
