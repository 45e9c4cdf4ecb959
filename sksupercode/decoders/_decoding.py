"""What fitted decoders share: blocks of samples in units that suit them, CSR, predict and score."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy

import numpy as np
from scipy.sparse import vstack
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._blocks import MOST_ROWS, batches, block_length
from sksupercode._utils._sparse import as_configured_csr, refuse_sparse_frames, to_csr
from sksupercode._utils._validation import as_float, check_codes, check_samples
from sksupercode._utils._warnings import warn
from sksupercode.decoders._units import split_units
from sksupercode.metrics import exact_recovery_score


class DecodingMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The public methods of a fitted decoder, by the hooks of :class:`BaseDecoder`."""

    # Not 0 in copies that decode very small or large samples: see ``_blocks``.
    _exponent = 0

    @property
    def _codewords(self):
        return self.dictionary_.unnormalized

    def _in_units(self, length):
        """Return a length in the units of X, as ``tol``, in those of samples in ``_decode``."""
        mantissa, exponent = np.frexp(self.dictionary_.scale)
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(length / mantissa, -int(exponent) - self._exponent)

    def _to_units(self, X):
        """Return samples in units of the codewords times a power of two, and its exponents."""
        is_binary = self.values_ == "binary"
        return split_units(self.dictionary_, X, self.intercept_, is_binary=is_binary)

    def _blocks(self, X):
        """Divide samples into blocks that fit in memory, of one unit each.

        Yields the rows of a block, a decoder, which where samples are very small or large is a copy
        of this one that knows their unit, and the float64 samples in that unit.
        """
        length = min(MOST_ROWS, block_length(self._bytes_per_sample(), share=0.5))
        for block in batches(len(X), length):
            # In C order: the order of numbers in memory is that in which they are summed.
            V, exponents = self._to_units(np.ascontiguousarray(X[block]))
            for exponent in np.unique(exponents):
                decoder, rows = self, np.flatnonzero(exponents == exponent)
                if exponent:
                    decoder = copy(self)
                    decoder._exponent = int(exponent)
                yield block.start + rows, decoder, V if len(rows) == len(V) else V[rows]

    def _check_samples(self, X, *, keeps_half=False):
        check_is_fitted(self)
        return check_samples(self, X, reset=False, keeps_half=keeps_half)

    def _decode_all(self, X, hook):
        """Decode X block by block by the method of that name, and return a float64 CSR array."""
        codes, order, failed, counts = [], [], [], []
        for rows, decoder, V in self._blocks(X):
            indices, values, *more = getattr(decoder, hook)(V)
            Z = to_csr(indices, values, self._n_features_out)
            if hook == "_decode" and self.values_ != "binary":
                with np.errstate(over="ignore", under="ignore"):
                    Z.data = np.ldexp(Z.data, decoder._exponent)
            codes.append(Z)
            order.append(rows)
            failed += more[:1]
            counts += more[1:]
        if n_failed := sum(map(np.count_nonzero, failed)):
            reason = self._failure_of(np.concatenate(failed))
            warn(f"{n_failed} of {len(X)} samples {reason}.", ConvergenceWarning)
        if counts:
            self._warn_of_counts(np.concatenate(counts))
        Z, order = vstack(codes, format="csr"), np.concatenate(order)
        return Z if (np.diff(order) > 0).all() else Z[np.argsort(order)]

    def _codes(self, X):
        """Return codes as a CSR array in the dtype of X, but float32 for float16."""
        X = self._check_samples(X, keeps_half=True)
        Z = self._decode_all(X, "_decode")
        if self.values_ == "binary":
            Z.data[:] = 1
        dtype = np.float32 if X.dtype == np.float16 else X.dtype
        Z.data = as_float(Z.data, dtype, "The codes of X")
        Z.eliminate_zeros()
        return Z

    def _support(self, X):
        Z = self._decode_all(X, "_decode_support")
        Z.data[:] = 1
        return Z

    def transform(self, X):
        """Decode each sample to its sparse code.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        Z : CSR matrix or ndarray of shape (n_samples, N)
            Sparse codes in the dtype of X, but float32 for float16; dense if
            ``sparse_output=False``.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns, or if pandas or polars output is
            asked for without ``sparse_output=False``.
        """
        if self.sparse_output:
            refuse_sparse_frames(self)
        return self._output(self._codes(X))

    def predict(self, X):
        """Decode the support of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        support : CSR matrix or ndarray of shape (n_samples, N)
            1 where a codeword was found, int64; dense if ``sparse_output=False``.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        X = self._check_samples(X, keeps_half=True)
        return self._output(self._support(X).astype(np.int64))

    def _output(self, Z):
        return as_configured_csr(Z) if self.sparse_output else Z.toarray()

    def score(self, X, y=None, sample_weight=None):
        """Return the exact-recovery rate: the fraction of samples whose support is found exactly.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        y : {array-like, sparse matrix or array} of shape (n_samples, N)
            The codes that X was written from; their support is where they are not 0. There is no
            score without them: :func:`~sksupercode.metrics.neg_fvu_scorer` needs none.

        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples, at least 0.

        Returns
        -------
        score : float
            In [0, 1].

        Raises
        ------
        ValueError
            If X, y or sample_weight has another shape, or holds anything but finite numbers, or if
            y is None.
        """
        X = self._check_samples(X, keeps_half=True)
        if y is None:
            raise ValueError(
                "y must be the codes that X was written from, got None: the score is the "
                "exact-recovery rate. Where there are no codes, score reconstructions by "
                "scoring=sksupercode.metrics.neg_fvu_scorer."
            )
        y = check_codes(y, n_samples=len(X), n_features=self._n_features_out)
        return exact_recovery_score(y, self._support(X), sample_weight=sample_weight)

    def inverse_transform(self, X):
        """Superpose codes: ``x = F^T z``, plus the intercept of the dictionary's estimator.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, N)
            Sparse codes, as :meth:`transform` gives them.

        Returns
        -------
        X_original : ndarray of shape (n_samples, d)
            Points in code space, float32 for float32 codes and float64 otherwise.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with N columns.
        """
        check_is_fitted(self)
        Z = check_codes(X, "X", n_features=self._n_features_out)
        return self._invert(Z)

    def _invert(self, Z):
        with np.errstate(over="ignore", invalid="ignore"):
            X = self.dictionary_.superpose(Z) + self.intercept_
        return as_float(X, Z.dtype, "The superpositions of X")

    def reconstruct(self, X):
        """Decode each sample and superpose its code: ``inverse_transform(transform(X))``.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, d)
            Reconstructions in the dtype of X, but float32 for float16.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        return self._invert(self._codes(X))

    @property
    def _n_features_out(self):
        return self.dictionary_.shape[0]
