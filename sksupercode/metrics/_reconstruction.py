"""Scores for reconstructed vectors."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import check_array, gen_batches

from sksupercode._utils._blocks import rows_per_block
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._validation import as_array


def _check_shapes(X, X_hat, dtype):
    X = check_array(as_array(X), dtype=dtype, input_name="X")
    X_hat = check_array(as_array(X_hat, "X_hat"), dtype=dtype, input_name="X_hat")
    if X_hat.shape != X.shape:
        raise ValueError(f"X_hat must have the shape of X, {X.shape}, got {X_hat.shape}.")
    return X, X_hat


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
       call it the normalised mean squared error; their code computes another quantity under that
       name, the mean over samples of ``||x - xhat||^2 / ||x||^2``.

    Examples
    --------
    >>> from sksupercode.metrics import fraction_of_variance_unexplained
    >>> fraction_of_variance_unexplained([[0.0, 0.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.25
    """
    X, X_hat = _check_shapes(X, X_hat, dtype=(np.float64, np.float32))
    if mean is not None:
        mean = check_array(
            as_array(mean, "mean"), dtype=np.float64, ensure_2d=False, input_name="mean"
        )
        if mean.shape != X.shape[1:]:
            raise ValueError(f"mean must have shape {X.shape[1:]}, got {mean.shape}.")
    return pooled_fvu(X, lambda rows: X_hat[rows], mean)


def pooled_fvu(X, reconstruct, mean=None):
    """Return the FVU of checked X, block by block, of which ``reconstruct(rows)`` returns one."""
    blocks = list(gen_batches(len(X), rows_per_block(X.shape[1])))
    moments = RunningMoments()
    for rows in blocks:
        moments.add(X[rows])

    def scaled(array):
        return np.ldexp(array.astype(np.float64), -moments.exponent)

    def squares(expected):
        return sum(np.square(scaled(X[rows]) - scaled(expected(rows))).sum() for rows in blocks)

    unexplained = squares(reconstruct)
    variance = moments.squares if mean is None else squares(lambda rows: mean)
    if variance == 0.0:
        return float(unexplained > 0.0)
    return float(unexplained / variance)


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
