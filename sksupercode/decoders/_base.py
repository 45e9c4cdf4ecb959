"""The base class of decoders: its hooks, and how dictionary, values and k are found in ``fit``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from types import MappingProxyType

import numpy as np
from sklearn.base import BaseEstimator

from sksupercode._utils._memory import require_memory
from sksupercode._utils._sections import warn_of_sections
from sksupercode._utils._validation import (
    as_array,
    check_bool,
    check_integer,
    check_option,
    check_samples,
)
from sksupercode._utils._warnings import warn
from sksupercode.decoders._codebook import read_codes, resolve_dictionary, warn_on_mismatch
from sksupercode.decoders._decoding import DecodingMixin


class BaseDecoder(DecodingMixin, BaseEstimator, ABC):
    """Base class of the decoders, also for decoders of your own.

    Points x in d dimensions become sparse codes y of N columns. A concrete decoder implements one
    hook, ``_decode``. Inside a decoder, samples are in the units of the unnormalised dictionary
    ``self._codewords``, and a batch of sparse codes is a pair ``(indices, values)`` of arrays of
    shape (n_samples, m), in which a value of 0 means no entry. CSR is made of them once, here.

    Very small or large samples are in those units times ``2**self._exponent``. ``self._in_units``
    converts a length in the units of X, such as a tolerance.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords in a superposition. None learns it from y.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : float or ndarray of shape (d,)
        What is subtracted from samples before decoding.

    n_nonzero_coefs_ : int or None
        The number k.

    values_ : {"binary", "nonnegative", "real"}
        Which values nonzero coefficients take.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    expected_failed_checks : dict of str to str
        Class attribute: the names of the checks of :func:`~sksupercode.testing.check_decoder` that
        the algorithm cannot pass, and the reasons.

    See Also
    --------
    sksupercode.testing.check_decoder : The contract of decoders, as checks.

    Notes
    -----
    A decoder with parameters of its own has an ``__init__`` that names all of its parameters, as
    scikit-learn demands. It may leave out ``values`` and ``sparse_output``.

    The hooks, of which only the first has no default:

    ``_decode(V)``
        From samples of shape (n_samples, d) to ``indices, values``. A decoder that can fail returns
        a third array of shape (n_samples,), which is not 0 for samples it gave up on.

    ``_fit_decoder(X)``
        Check the decoder's own parameters and learn what it learns from X.

    ``_needs_fixed_k()``
        Return whether every sample gets k codewords, so that k must be known.

    ``_transform_needs_k()``
        Return whether codes depend on k, rather than what ``predict`` makes of them alone.

    ``_decode_support(V)``
        As ``_decode``, for ``predict`` and ``score``, where only the columns count.

    ``_bytes_per_sample()``
        Return the memory that one more sample of a block takes.

    ``_failure()``
        Return what happened to failed samples, for the warning.

    ``_failure_of(failed)``
        Return the same where it depends on what the third arrays say.
    """

    values = "auto"
    sparse_output = True
    expected_failed_checks = MappingProxyType({})
    # The law that predicts the exact-recovery rate, by which model_selection finds it: "threshold",
    # "top_k", "matching_pursuit", "basis_pursuit" or "amp". None where there is no law.
    _recovery_law = None

    def __init__(self, dictionary, n_nonzero_coefs=None, *, values="auto", sparse_output=True):
        self.dictionary = dictionary
        self.n_nonzero_coefs = n_nonzero_coefs
        self.values = values
        self.sparse_output = sparse_output

    @abstractmethod
    def _decode(self, V):
        """Decode a block of samples in units of the unnormalised dictionary.

        Parameters
        ----------
        V : float64 ndarray of shape (n_samples, d)
            Samples less the intercept, in units of the codewords times ``2**self._exponent``.

        Returns
        -------
        indices : intp ndarray of shape (n_samples, m)
            Columns of the nonzero coefficients; a column named twice has the sum of its values.

        values : float64 ndarray of shape (n_samples, m)
            Their values; 0 where there is no entry.

        failed : bool or int ndarray of shape (n_samples,)
            Only of decoders that can fail: False or 0, but for samples whose codes are but the best
            point found. Numbers tell ``_failure_of`` why.

        counts : int ndarray of shape (n_samples,)
            Only of decoders that have ``_warn_of_counts``, which gets those of all samples.
        """

    def _failure(self):
        """Return what the warning says of samples that failed."""
        return "could not be decoded; they get the best point found"

    def _failure_of(self, failed):
        """Return the same, given the third arrays that ``_decode`` has returned, of all samples."""
        return self._failure()

    def _decode_support(self, V):
        """Decode a block of samples for ``predict``, where only the support counts."""
        return self._decode(V)

    def _fit_decoder(self, X):
        """Check the parameters of a concrete decoder and learn what it learns from X."""

    def _needs_fixed_k(self):
        """Return whether every sample gets the same number of codewords."""
        return False

    def _transform_needs_k(self):
        """Return whether codes depend on the number k, so that it is worth a sweep."""
        return True

    @property
    def _has_sections(self):
        """Whether codes are read as one codeword in each of k contiguous sections."""
        return getattr(self, "sections", False)

    def _bytes_per_sample(self):
        """Return the memory that decoding one more sample of a block takes."""
        return 24 * self.dictionary_.shape[0]

    def fit(self, X, y=None):
        """Find the dictionary, learn k, and check X against the dictionary.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        y : {array-like, sparse matrix or array} of shape (n_samples, N) or None, default=None
            The codes that X was written from. Needed where N or k are to be learned; anything that
            is not an (n_samples, N) matrix is ignored.

        Returns
        -------
        self : object
            The fitted decoder.

        Raises
        ------
        ValueError
            If a parameter is illegal, if there is no dictionary or no k, or if X is not a matrix of
            finite numbers with as many columns as the codewords have dimensions.

        MemoryError
            If the codebook, or what it takes to decode one sample, cannot fit in memory.
        """
        X, y = check_samples(self, X, reset=True, keeps_half=True), as_array(y, "y")
        check_bool(self.sparse_output, "sparse_output")
        k = check_integer(self.n_nonzero_coefs, "n_nonzero_coefs", minimum=0, allow_none=True)
        self.dictionary_, self.intercept_, values = resolve_dictionary(self.dictionary, X, y)
        self.values_ = self._learn_values(values)
        Y = read_codes(y, len(X), self.dictionary_.shape[0])
        self.n_nonzero_coefs_ = self._learn_sparsity(Y) if k is None else k
        if Y is not None:
            warn_on_mismatch(self.dictionary_, X, self.intercept_, Y)
        self._fit_decoder(X)
        if Y is not None and self._has_sections and self.n_nonzero_coefs_:
            warn_of_sections(Y, self.n_nonzero_coefs_)
        purpose = f"Decoding a sample with {self._codewords.shape[0]} codewords"
        require_memory(self._bytes_per_sample(), purpose)
        return self

    def _learn_values(self, by_default):
        check_option(self.values, "values", ("auto", "binary", "nonnegative", "real"))
        return by_default if self.values == "auto" else self.values

    def _learn_sparsity(self, Y):
        if Y is None:
            if self._needs_fixed_k():
                raise ValueError(
                    f"n_nonzero_coefs=None of {type(self).__name__} is learned from the codes y, "
                    "but fit got none of shape (n_samples, N): pass a number or such a y."
                )
            return None
        counts = np.diff(Y.indptr)
        if counts.min() == counts.max() or not self._needs_fixed_k():
            return max(int(round(counts.mean())), int(counts.any()))
        warn(
            f"The rows of y have {counts.min()} to {counts.max()} nonzero entries; "
            f"{type(self).__name__} gives every sample {counts.max()}."
        )
        return int(counts.max())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # y is an (n_samples, N) matrix, which fit may do without.
        tags.target_tags.two_d_labels = tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
