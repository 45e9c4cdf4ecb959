"""Scores for reconstructed vectors."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import rows_per_block
from sksupercode._utils._norms import MomentsByNorm, warn_of_massive
from sksupercode._utils._validation import as_array, check_matrix


def _check_shapes(X, X_hat, dtype):
    X, X_hat = check_matrix(X, "X", dtype=dtype), check_matrix(X_hat, "X_hat", dtype=dtype)
    if X_hat.shape != X.shape:
        raise ValueError(f"X_hat must have the shape of X, {X.shape}, got {X_hat.shape}.")
    return X, X_hat


def _check_mean(mean, shape):
    try:
        mean = np.asarray(as_array(mean, "mean"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"mean must be numbers of shape {shape}, got {mean!r}.") from error
    if mean.shape != shape:
        raise ValueError(f"mean must have shape {shape}, got {mean.shape}.")
    if not np.isfinite(mean).all():
        raise ValueError("mean must be finite, got NaN or infinity.")
    return mean


def _scaled(X, axis=None):
    """Return an array, or its rows, over powers of two above the largest numbers, and exponents."""
    # Squares overflow from 1e154 on, and underflow below 1e-154.
    exponents = np.frexp(np.abs(X).max(axis=axis, keepdims=True))[1]
    return np.ldexp(X, -exponents), exponents


def fraction_of_variance_unexplained(X, X_hat, *, mean=None):
    r"""FVU, ``sum_i ||x_i - xhat_i||^2 / sum_i ||x_i - xbar||^2`` with xbar the mean of X.

    Both sums are over all samples and coordinates (the pooled form), taken in float64. The FVU is 0
    for a perfect reconstruction and 1 for the mean of X, and has no upper limit. The explained
    variance is one minus the FVU.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.
    mean : array-like of shape (n_components,) or None, default=None
        The constant xbar, such as the mean of the training data. None takes the mean of X.

    Returns
    -------
    fvu : float
        Fraction of variance unexplained.

    Raises
    ------
    ValueError
        If either is not a finite matrix, their shapes differ, or `mean` does not fit them.

    Warns
    -----
    MassiveActivationsWarning
        If a few samples of very large norm have most of the variance.

    See Also
    --------
    normalized_mean_squared_error : The mean of the ratios of samples.

    Notes
    -----
    With one mean for all data, both sums are over samples, and batches can be added up.

    Where all rows of X equal the mean there is no variance to explain. Then the result is 0.0 if
    X_hat equals X and 1.0 if not, the convention of `sklearn.metrics.r2_score`, so that a fold of
    one sample neither warns nor gives an infinite score.

    `sklearn.metrics.explained_variance_score` differs: it subtracts the mean of the residuals, and
    averages over coordinates.

    References
    ----------
    .. [1] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093. They
       call it the normalised mean squared error, as their code does another quantity.

    Examples
    --------
    >>> from sksupercode.metrics import fraction_of_variance_unexplained
    >>> fraction_of_variance_unexplained([[0.0, 0.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.25
    """
    X, X_hat = _check_shapes(X, X_hat, dtype=(np.float64, np.float32))
    if mean is not None:
        mean = _check_mean(mean, X.shape[1:])
    by_norm = _moments(X)
    warn_of_massive(by_norm, "the FVU speaks of these alone: leave them out of X and X_hat.")
    return _pooled(X, lambda rows: X_hat[rows], by_norm.total(), mean)


def pooled_fvu(X, reconstruct):
    """Return the FVU of checked X, block by block, of which ``reconstruct(rows)`` returns one."""
    return _pooled(X, reconstruct, _moments(X).total())


def explained_variance(X, reconstruct):
    """Return one minus the FVU of checked X, as estimators score, and warn of massive samples."""
    by_norm = _moments(X)
    warn_of_massive(by_norm, "the score speaks of these alone: leave them out.")
    return 1.0 - _pooled(X, reconstruct, by_norm.total())


def _blocks(X):
    return gen_batches(len(X), rows_per_block(X.shape[1]))


def _moments(X):
    moments = MomentsByNorm()
    for rows in _blocks(X):
        moments.add(X[rows])
    return moments


def _pooled(X, reconstruct, moments, mean=None):

    def scaled(array):
        return np.ldexp(array.astype(np.float64), -moments.exponent)

    def squares(expected):
        return sum(np.square(scaled(X[rows]) - scaled(expected(rows))).sum() for rows in _blocks(X))

    unexplained = squares(reconstruct)
    variance = moments.squares if mean is None else squares(lambda rows: mean)
    if variance == 0.0:
        return float(unexplained > 0.0)
    return float(unexplained / variance)


def normalized_mean_squared_error(X, X_hat):
    r"""Squared error of a sample over its squared norm, the mean over samples.

    ``mean_i ||x_i - xhat_i||^2 / ||x_i||^2``, so that each sample counts as much as any other.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.

    Returns
    -------
    error : float
        0 for perfect reconstructions and 1 for those that are 0, without upper limit.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    See Also
    --------
    fraction_of_variance_unexplained : Pooled over samples, about the mean.

    Notes
    -----
    It is relative to 0, not to the mean of X: where all samples share a large part, a constant has
    a small error. A vector 0 counts 0 if its reconstruction is 0 too, and 1 otherwise.

    References
    ----------
    .. [1] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093; the
       function of this name in their code, where a vector 0 gives NaN or infinity.

    Examples
    --------
    >>> from sksupercode.metrics import normalized_mean_squared_error
    >>> normalized_mean_squared_error([[1.0, 0.0], [0.0, 20.0]], [[1.0, 1.0], [0.0, 10.0]])
    0.625
    """
    return float(np.mean(sample_errors(*_check_shapes(X, X_hat, np.float64))))


def sample_errors(X, X_hat):
    """Return the squared error of each row over its squared norm, array of shape (n_samples,)."""
    largest = np.maximum(np.abs(X).max(axis=1), np.abs(X_hat).max(axis=1))[:, np.newaxis]
    exponents = np.frexp(largest)[1]
    residuals = np.ldexp(X, -exponents) - np.ldexp(X_hat, -exponents)
    X, own_exponents = _scaled(X, axis=1)
    squares, norms = np.square(residuals).sum(axis=1), np.square(X).sum(axis=1)
    ratios = np.divide(squares, norms, out=(squares > 0).astype(float), where=norms > 0)
    shifts = np.where(norms > 0, 2 * (exponents - own_exponents)[:, 0], 0)
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(ratios, shifts)


def reconstruction_cosine(X, X_hat):
    r"""Cosine of the angle between vector and reconstruction, the mean over samples.

    ``mean_i <x_i, xhat_i> / (||x_i|| ||xhat_i||)``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.

    Returns
    -------
    cosine : float
        Between -1 and 1; lengths do not matter. A vector 0 has cosine 1 with 0 and cosine 0 with
        all others.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    See Also
    --------
    sklearn.metrics.pairwise.cosine_similarity : Of all pairs of rows.

    Examples
    --------
    >>> from sksupercode.metrics import reconstruction_cosine
    >>> reconstruction_cosine([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [1.0, 0.0]])
    0.5
    """
    return float(np.mean(sample_cosines(*_check_shapes(X, X_hat, np.float64))))


def sample_cosines(X, X_hat):
    """Return the cosine of each pair of rows, array of shape (n_samples,)."""
    (X, _), (X_hat, _) = _scaled(X, axis=1), _scaled(X_hat, axis=1)
    X_norms, X_hat_norms = np.linalg.norm(X, axis=1), np.linalg.norm(X_hat, axis=1)
    X = X / np.where(X_norms > 0, X_norms, 1)[:, None]
    X_hat = X_hat / np.where(X_hat_norms > 0, X_hat_norms, 1)[:, None]
    both_zero = (X_norms == 0) & (X_hat_norms == 0)
    cosines = np.einsum("ij,ij->i", X, X_hat).clip(-1, 1)
    return np.where(both_zero, 1.0, cosines)


def relative_reconstruction_bias(X, X_hat):
    r"""Relative reconstruction bias gamma, ``sum_i ||xhat_i||^2 / sum_i <x_i, xhat_i>``.

    Gamma minimises ``sum_i ||x_i - xhat_i / gamma||^2``: reconstructions are best after division by
    it. If gamma is below 1, reconstructions are too small on average, as those of autoencoders with
    an L1 penalty; if it is above 1, they are too large.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.

    Returns
    -------
    gamma : float
        1 without bias. Where all reconstructions are 0 it is 0, or 1 if X is 0 too; infinite for
        others that are orthogonal to X.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    References
    ----------
    .. [1] S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders",
       2024, arXiv:2404.16014.

    Examples
    --------
    >>> from sksupercode.metrics import relative_reconstruction_bias
    >>> relative_reconstruction_bias([[2.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]])
    0.5
    """
    X, X_hat = _check_shapes(X, X_hat, np.float64)
    (X, exponent), (X_hat, exponent_hat) = _scaled(X), _scaled(X_hat)
    squares, product = np.vdot(X_hat, X_hat), np.vdot(X, X_hat)
    if squares == 0.0:
        return 0.0 if X.any() else 1.0
    if product == 0.0:
        return np.inf
    with np.errstate(over="ignore"):
        return float(np.ldexp(squares / product, (exponent_hat - exponent).item()))
