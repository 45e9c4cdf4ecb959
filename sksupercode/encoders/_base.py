"""What all encoders share: a codebook that is a pure function of its recipe, and superposition."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import threading
import weakref
import zlib
from abc import ABC, abstractmethod
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._sections import section_bounds
from sksupercode._utils._validation import check_integer, check_samples
from sksupercode.dictionaries import WeightedDictionary

# One copy of each codebook that is in use, whichever steps and estimators use it.
_codebooks = weakref.WeakValueDictionary()
_codebooks_lock = threading.RLock()


class BaseEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Base class of the encoders ``x = F^T y``.

    A concrete encoder sets ``_kind``, its name in the recipe of a codebook, and implements
    ``_draw``.
    """

    def __init__(
        self, n_components=256, *, n_features=None, power_allocation=None, random_state=None
    ):
        self.n_components = n_components
        self.n_features = n_features
        self.power_allocation = power_allocation
        self.random_state = random_state

    @abstractmethod
    def _draw(self, n_features, n_components, seed):
        """Draw the dictionary of shape (n_features, n_components) that a SeedSequence names."""

    def _variant(self, n_features, n_components):
        """Return what, beside the recipe, tells apart two objects that hold the same codebook."""
        return ()

    @property
    def has_recipe(self):
        """Whether the codebook is determined by the parameters: ``random_state`` is an integer."""
        return isinstance(self.random_state, Integral) and not isinstance(self.random_state, bool)

    def codebook(self, n_features, n_components):
        """Return the dictionary for (kind, N, d, seed), of which it is a pure function.

        Encoders and decoders that ask for the same codebook in one process share one copy of it.

        Parameters
        ----------
        n_features : int
            Number N of codewords.

        n_components : int
            Number d of dimensions.

        Returns
        -------
        dictionary : Dictionary of shape (N, d)
            The codewords.

        Raises
        ------
        ValueError
            If ``random_state`` is not an integer, or is a negative one.
        """
        if not self.has_recipe:
            raise ValueError(
                f"random_state={self.random_state!r} of {type(self).__name__} names no codebook "
                "that could be shared: pass an integer."
            )
        seed = check_integer(self.random_state, "random_state", minimum=0)
        variant = self._variant(n_features, n_components)
        key = (type(self), n_features, n_components, seed, variant)
        with _codebooks_lock:
            dictionary = _codebooks.get(key)
            if dictionary is None:
                dictionary = self._draw_from(seed, n_features, n_components)
                _codebooks[key] = dictionary
        return self._allocate_power(dictionary)

    def _allocate_power(self, dictionary):
        if self.power_allocation is None:
            return dictionary
        powers = _check_powers(self.power_allocation)
        sizes = np.diff(section_bounds(dictionary.shape[0], len(powers)))
        return WeightedDictionary(dictionary, np.repeat(np.sqrt(powers / powers.mean()), sizes))

    def _draw_from(self, entropy, n_features, n_components):
        kind = zlib.crc32(self._kind.encode())
        seed = np.random.SeedSequence(entropy, spawn_key=(kind, n_features, n_components))
        return self._draw(n_features, n_components, seed)

    def fit(self, X, y=None):
        """Draw the codebook for the number of columns of the codes.

        Parameters
        ----------
        X : {ndarray, sparse matrix or array} of shape (n_samples, N)
            Sparse codes; only the number of columns is used.

        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers, if it has not ``n_features`` columns where that
            parameter is given, or if a parameter is illegal.

        MemoryError
            If the codebook cannot fit in memory.
        """
        X = check_samples(self, X, reset=True, accept_sparse=["csr", "csc"])
        n_components = check_integer(self.n_components, "n_components", minimum=1)
        n_features = check_integer(self.n_features, "n_features", minimum=1, allow_none=True)
        if n_features is not None and n_features != X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} columns, but n_features={n_features} codewords were asked for."
            )
        if self.has_recipe:
            self.dictionary_ = self.codebook(X.shape[1], n_components)
        else:
            entropy = _fresh_entropy(self.random_state)
            dictionary = self._draw_from(entropy, X.shape[1], n_components)
            self.dictionary_ = self._allocate_power(dictionary)
        return self

    def transform(self, X):
        """Superpose the codewords that each row of codes names.

        Parameters
        ----------
        X : {ndarray, sparse matrix or array} of shape (n_samples, N)
            Sparse codes y, one sample a row.

        Returns
        -------
        X_new : ndarray of shape (n_samples, d)
            The superpositions, float32 for float32 codes and float64 otherwise.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with N columns.
        """
        check_is_fitted(self)
        X = check_samples(self, X, reset=False, accept_sparse=["csr", "csc"])
        return self.dictionary_.superpose(X).astype(X.dtype, copy=False)

    @property
    def _n_features_out(self):
        return self.dictionary_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _check_powers(power_allocation):
    """Return the relative powers of sections as a float64 array."""
    try:
        powers = np.asarray(power_allocation, dtype=np.float64)
    except (TypeError, ValueError):
        powers = np.empty(0)
    if powers.ndim != 1 or not (np.isfinite(powers).all() and (powers >= 0).all() and powers.any()):
        raise ValueError(
            "power_allocation must be None or an array of shape (n_sections,) of finite numbers "
            ">= 0, not all of them 0, as sksupercode.theory.iterative_power_allocation gives; got "
            f"{power_allocation!r}."
        )
    return powers


def _fresh_entropy(random_state):
    """Return entropy for a codebook that no integer names."""
    if random_state is None:
        return np.random.SeedSequence().entropy
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**32, size=4, dtype=np.uint64).tolist()
    if isinstance(random_state, np.random.Generator):
        return random_state.integers(2**32, size=4, dtype=np.uint64).tolist()
    raise ValueError(
        "random_state must be an integer >= 0, a numpy RandomState or Generator, or None, "
        f"got {random_state!r}."
    )
