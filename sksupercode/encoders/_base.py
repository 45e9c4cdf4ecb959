"""The base class of encoders: a codebook that is a pure function of its recipe."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import threading
import weakref
import zlib
from abc import ABC, abstractmethod
from numbers import Integral
from types import MappingProxyType

import joblib
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._sections import section_bounds
from sksupercode._utils._validation import (
    as_array,
    as_float,
    check_generator,
    check_integer,
    check_samples,
)
from sksupercode.dictionaries import DenseDictionary, Dictionary, WeightedDictionary

# One copy of each codebook in use, for all steps and estimators.
_codebooks = weakref.WeakValueDictionary()
_codebooks_lock = threading.RLock()
# Parameters that every encoder has, and that the recipe names or that change no codebook.
_RECIPE = {"n_components", "n_features", "power_allocation", "random_state"}


class BaseEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Base class of the encoders ``x = F^T y``, also for encoders of your own.

    A concrete encoder implements one hook, ``_draw``, which makes its codebook. The base class has
    everything else: the recipe, the copy that is shared with decoders, superposition, validation.

    Parameters
    ----------
    n_components : int, default=256
        Number d of dimensions of a codeword.

    n_features : int or None, default=None
        Number N of codewords. None learns it from the columns of the codes in ``fit``.

    power_allocation : array-like of shape (n_sections,) or None, default=None
        Relative powers of the sections of a sparse regression code. None gives every codeword the
        power with which it is drawn.

    random_state : int, RandomState instance, Generator or None, default=None
        Names the codebook. Only an integer makes a recipe that can be shared with a decoder.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    n_features_in_ : int
        Number N of columns of the codes.

    feature_names_in_ : ndarray of shape (N,)
        Names of the columns of the codes in ``fit``, if all are strings.

    expected_failed_checks : dict of str to str
        Class attribute: the names of the checks of :func:`~sksupercode.testing.check_encoder` that
        the encoder cannot pass, and the reasons.

    See Also
    --------
    sksupercode.testing.check_encoder : The contract of encoders, as checks.

    Notes
    -----
    The hooks, which have an underscore as those of scikit-learn have:

    ``_draw(n_features, n_components, seed)``
        Return the codebook of shape (N, d), an array or a
        :class:`~sksupercode.dictionaries.Dictionary`. It follows from these numbers and the
        parameters alone; what is random in it comes from ``seed``, a
        :class:`numpy.random.SeedSequence`, as by ``numpy.random.default_rng(seed)``.

    ``_kind``
        The name of the encoder in the recipe, from which ``seed`` is made. By default it is that of
        the module and the class: a codebook that is to stay the same when these are renamed needs
        a ``_kind`` of its own.

    ``_variant(n_features, n_components)``
        Return something hashable that tells apart the codebooks of one kind, N, d and seed. By
        default it is a digest of the parameters that a subclass adds.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.encoders import BaseEncoder
    >>> class GaussianEncoder(BaseEncoder):
    ...     def _draw(self, n_features, n_components, seed):
    ...         rng = np.random.default_rng(seed)
    ...         return rng.standard_normal((n_features, n_components)) / np.sqrt(n_components)
    >>> GaussianEncoder(64, random_state=0).fit_transform(np.eye(5)).shape
    (5, 64)
    """

    n_features = None
    power_allocation = None
    expected_failed_checks = MappingProxyType({})

    def __init__(
        self, n_components=256, *, n_features=None, power_allocation=None, random_state=None
    ):
        self.n_components = n_components
        self.n_features = n_features
        self.power_allocation = power_allocation
        self.random_state = random_state

    @abstractmethod
    def _draw(self, n_features, n_components, seed):
        """Return the codebook of shape (n_features, n_components) that a SeedSequence names."""

    @property
    def _kind(self):
        """The name of the encoder in the recipe of a codebook."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def _variant(self, n_features, n_components):
        """Return what, beside (kind, N, d, seed), tells apart two codebooks or two storages."""
        own = self.get_params(deep=False).keys() - _RECIPE
        return joblib.hash({name: getattr(self, name) for name in sorted(own)}) if own else ()

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
            If ``random_state`` is not an integer, or is a negative one, or if a number is not an
            integer of at least 1.
        """
        if not self.has_recipe:
            raise ValueError(
                f"random_state={self.random_state!r} of {type(self).__name__} names no codebook "
                "that could be shared: pass an integer."
            )
        seed = check_integer(self.random_state, "random_state", minimum=0)
        n_features = check_integer(n_features, "n_features", minimum=1)
        n_components = check_integer(n_components, "n_components", minimum=1)
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
        powers = check_powers(self.power_allocation)
        sizes = np.diff(section_bounds(dictionary.shape[0], len(powers)))
        return WeightedDictionary(dictionary, np.repeat(np.sqrt(powers / powers.mean()), sizes))

    def _draw_from(self, entropy, n_features, n_components):
        kind = zlib.crc32(self._kind.encode())
        seed = np.random.SeedSequence(entropy, spawn_key=(kind, n_features, n_components))
        codebook = self._draw(n_features, n_components, seed)
        shape = getattr(codebook, "shape", None)
        if shape != (n_features, n_components):
            raise ValueError(
                f"{type(self).__name__}._draw must return a codebook of shape "
                f"({n_features}, {n_components}), got "
                + (f"{codebook!r:.100}." if shape is None else f"one of shape {tuple(shape)}.")
            )
        return codebook if isinstance(codebook, Dictionary) else DenseDictionary(codebook)

    def fit(self, X, y=None):
        """Draw the codebook for the number of columns of the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, N)
            Sparse codes; only the number of columns is used.

        y : None
            Ignored.

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
            entropy = int(check_generator(self.random_state).integers(2**63))
            dictionary = self._draw_from(entropy, X.shape[1], n_components)
            self.dictionary_ = self._allocate_power(dictionary)
        return self

    def transform(self, X):
        """Superpose the codewords of each row of codes.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, N)
            Sparse codes y, one sample a row.

        Returns
        -------
        X_new : ndarray of shape (n_samples, d)
            The superpositions, float32 for float32 codes and float64 otherwise.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with N columns, or if its dtype cannot hold the
            superpositions.
        """
        check_is_fitted(self)
        X = check_samples(self, X, reset=False, accept_sparse=["csr", "csc"])
        with np.errstate(over="ignore", invalid="ignore"):
            superpositions = self.dictionary_.superpose(X)
        return as_float(superpositions, X.dtype, "The superpositions of X")

    @property
    def _n_features_out(self):
        return self.dictionary_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def check_powers(power_allocation):
    """Return the relative powers of sections as a float64 array."""
    try:
        powers = np.asarray(as_array(power_allocation, "power_allocation"), dtype=np.float64)
    except (TypeError, ValueError):
        powers = np.empty(0)
    if powers.ndim != 1 or not (np.isfinite(powers).all() and (powers >= 0).all() and powers.any()):
        raise ValueError(
            "power_allocation must be None or an array of shape (n_sections,) of finite numbers "
            ">= 0, not all of them 0, as sksupercode.theory.iterative_power_allocation gives; got "
            f"{power_allocation!r}."
        )
    # Only ratios count: their mean must neither over- nor underflow.
    return np.ldexp(powers, -int(np.frexp(powers.max())[1]))
