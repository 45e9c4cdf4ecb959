"""Several decoders on the same activations, compared in one pass over them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time
from copy import copy

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_array, gen_batches
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._blocks import read_block, rows_per_block
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._validation import (
    check_codes,
    check_integer,
    require_known_shape,
    unfrozen,
    without_names,
)
from sksupercode.decoders import RefitDecoder
from sksupercode.metrics._reconstruction import sample_cosines
from sksupercode.sae._sparse_autoencoder import SparseAutoencoder

COLUMNS = ("L0", "FVU", "cosine", "dead_latents", "seconds_per_sample")


def compare_decoders(decoders, X, *, n_nonzero_coefs=None, block_size=None):
    r"""Decode the same activations by several decoders, and compare the results.

    Parameters
    ----------
    decoders : dict of str to estimator
        Sparse autoencoders as :func:`~sksupercode.load_sae` gives them, decoders, or other
        transformers with ``inverse_transform``. They are not changed: copies of those that are not
        fitted are fitted, on the first block of X.

    X : array-like of shape (n_samples, d)
        Activations. An array mapped from a file, or any object with ``shape`` whose slices are
        arrays, is read block by block.

    n_nonzero_coefs : array-like of int or None, default=None
        Numbers k of codewords. Every decoder with a parameter of this name is compared at each of
        them. Autoencoders keep their own. None takes decoders as they are.

    block_size : int or None, default=None
        Number of samples that are in memory at a time. None goes by scikit-learn's
        ``working_memory``.

    Returns
    -------
    comparison : pandas.DataFrame or list of dict
        One row for each decoder and k, a data frame indexed by ``"decoder"`` if pandas is
        installed, and otherwise dicts in which that is a key. Columns:

        * ``"L0"``, mean number of active latents;
        * ``"FVU"``, fraction of variance unexplained, pooled over samples and dimensions;
        * ``"cosine"`` of samples and reconstructions, the mean;
        * ``"dead_latents"``, number of latents that are active on no sample;
        * ``"seconds_per_sample"`` of finding the latents, without reconstruction and fit.

    Raises
    ------
    ValueError
        If there is no decoder, one of them is not a decoder, X is not a matrix of finite numbers,
        or an autoencoder is not fitted.

    See Also
    --------
    sksupercode.plotting.ParetoDisplay : A picture of it.
    sksupercode.metrics.fraction_of_variance_unexplained : The FVU of all samples.

    Notes
    -----
    Decoders whose dictionary is an autoencoder with "layer_norm" or "constant_norm_rescale" get
    normalised samples, and the normalisation of their reconstructions is undone before they are
    scored.

    Each decoder decodes two samples before its time is measured, so that the time does not include
    compilation.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode import MatchingPursuitDecoder, SparseAutoencoder
    >>> from sksupercode.sae import SAEWeights, compare_decoders
    >>> F = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> weights = SAEWeights("topk", F, np.zeros(2), F.T, np.zeros(3), k=1)
    >>> sae = SparseAutoencoder.from_weights(weights)
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [1.6, 0.8], [0.6, 0.8]])
    >>> decoders = {"SAE": sae, "MP": MatchingPursuitDecoder(sae, n_nonzero_coefs=2)}
    >>> comparison = compare_decoders(decoders, X)
    >>> comparison[["L0", "FVU", "dead_latents"]].round(3)
               L0    FVU  dead_latents
    decoder
    SAE      1.00  0.188             0
    MP       1.25  0.000             0
    """
    if issparse(X):
        raise ValueError(f"X must be dense, got a {type(X).__name__} of shape {X.shape}.")
    X = X if hasattr(X, "shape") else check_array(X, input_name="X")
    require_known_shape(X)
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(f"X must be a matrix with samples, got shape {tuple(X.shape)}.")
    block_size = check_integer(block_size, "block_size", minimum=1, allow_none=True)
    candidates = _candidates(decoders, n_nonzero_coefs)
    for candidate in candidates:
        candidate.compare_names(X)
    moments = RunningMoments()
    blocks = gen_batches(X.shape[0], block_size or rows_per_block(X.shape[1]))
    with config_context(transform_output="default"):
        for rows in blocks:
            block = read_block(X, rows)
            moments.add(block)
            for candidate in candidates:
                candidate.add(block, moments.exponent)
    rows = [candidate.row(moments) for candidate in candidates]
    try:
        import pandas
    except ModuleNotFoundError:
        return rows
    return pandas.DataFrame(rows).set_index("decoder")


def _candidates(decoders, n_nonzero_coefs):
    if not isinstance(decoders, dict) or not decoders:
        raise ValueError(
            f"decoders must be a dict of at least one name and decoder, got {decoders!r}."
        )
    ks = [None]
    if n_nonzero_coefs is not None:
        if np.size(n_nonzero_coefs) == 0:
            raise ValueError(f"n_nonzero_coefs must not be empty, got {n_nonzero_coefs!r}.")
        ks = [check_integer(k, "n_nonzero_coefs", minimum=1) for k in np.ravel(n_nonzero_coefs)]
    candidates = []
    for name, decoder in decoders.items():
        if not all(hasattr(decoder, part) for part in ("transform", "inverse_transform")):
            raise ValueError(
                f"decoders[{name!r}] must have transform and inverse_transform, got "
                f"{type(decoder).__name__}."
            )
        inner = decoder.estimator if isinstance(decoder, RefitDecoder) else decoder
        swept = (
            isinstance(inner, BaseEstimator)
            and not isinstance(inner, FrozenEstimator | SparseAutoencoder)
            and "n_nonzero_coefs" in inner.get_params(deep=False)
        )
        candidates += [_Candidate(name, decoder, k) for k in (ks if swept else [None])]
    return candidates


def _at_sparsity(decoder, k):
    """Return an unfitted copy of a decoder, or of one around it, that selects k codewords."""
    if isinstance(decoder, RefitDecoder):
        return copy(decoder).set_params(estimator=_at_sparsity(decoder.estimator, k))
    return copy(decoder).set_params(n_nonzero_coefs=k)


class _Candidate:
    """One decoder at one k, and the sums over the samples that it has decoded."""

    def __init__(self, name, decoder, k):
        self.name = name
        self.is_fitted = k is None and _is_fitted(decoder)
        # Not a clone: it would unfit a sparse autoencoder that is the dictionary.
        self.decoder = decoder if self.is_fitted else copy(decoder)
        if k is not None:
            self.decoder = _at_sparsity(decoder, k)
        # A refit takes what it refits takes.
        decoder = unfrozen(decoder)
        if isinstance(decoder, RefitDecoder):
            decoder = decoder.estimator
        autoencoder = unfrozen(decoder)
        self.encodes = isinstance(autoencoder, SparseAutoencoder)
        if not self.encodes:
            autoencoder = unfrozen(getattr(autoencoder, "dictionary", None))
        elif not _is_fitted(autoencoder):
            raise NotFittedError(f"decoders[{name!r}] is a sparse autoencoder that is not fitted.")
        normalizes = getattr(autoencoder, "normalizes_samples_", False)
        self.autoencoder = autoencoder if normalizes else None
        self.is_warm = False
        self.is_alive = None
        self.n_nonzeros = self.exponent = 0
        self.error = self.cosine = self.seconds = 0.0

    def compare_names(self, X):
        """Compare the names of the columns of X, whose blocks have none, with those of ``fit``."""
        inner = getattr(self.decoder, "estimator", None)
        if self.is_fitted:
            self.decoder = without_names(self.decoder, X)
        elif isinstance(inner, FrozenEstimator | SparseAutoencoder):
            self.decoder.estimator = FrozenEstimator(without_names(inner, X))

    def add(self, X, exponent):
        inputs = X
        if self.autoencoder is not None:
            normalized, scale, shift = self.autoencoder.normalize(X)
            # An autoencoder normalises what it encodes by itself.
            inputs = X if self.encodes else normalized
        if not self.is_fitted:
            self.decoder.fit(inputs)
            self.is_fitted = True
        if not self.is_warm:
            self.decoder.transform(inputs[:2])
            self.is_warm = True
        start = time.perf_counter()
        Z = self.decoder.transform(inputs)
        self.seconds += time.perf_counter() - start

        X_hat = self.decoder.inverse_transform(Z)
        if self.autoencoder is not None:
            X_hat = self.autoencoder.denormalize(X_hat, scale, shift)
        X, X_hat = (np.ldexp(np.asarray(A, dtype=np.float64), -exponent) for A in (X, X_hat))
        # The unit is that of the moments, which grows with the samples.
        self.error = np.ldexp(self.error, 2 * (self.exponent - exponent))
        self.error += np.sum(np.square(X - X_hat))
        self.exponent = exponent
        self.cosine += np.sum(sample_cosines(X, X_hat))
        Z = check_codes(Z, f"decoders[{self.name!r}].transform(X)")
        if self.is_alive is None:
            self.is_alive = np.zeros(Z.shape[1], dtype=bool)
        self.is_alive[Z.indices] = True
        self.n_nonzeros += Z.nnz

    def row(self, moments):
        n_samples, variance = moments.n_samples, moments.squares
        fvu = self.error / variance if variance > 0 else float(self.error > 0)
        values = (
            self.n_nonzeros / n_samples,
            float(fvu),
            float(self.cosine / n_samples),
            int(np.count_nonzero(~self.is_alive)),
            self.seconds / n_samples,
        )
        return {"decoder": self.name, **dict(zip(COLUMNS, values, strict=True))}


def _is_fitted(estimator):
    try:
        check_is_fitted(unfrozen(estimator))
    except NotFittedError:
        return False
    return True
