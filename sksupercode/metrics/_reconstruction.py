"""Scores for reconstructed vectors."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import check_array


def _check_pair(X, X_hat):
    X = check_array(X, dtype=np.float64, input_name="X")
    X_hat = check_array(X_hat, dtype=np.float64, input_name="X_hat")
    if X_hat.shape != X.shape:
        raise ValueError(f"X_hat must have the shape of X, {X.shape}, got {X_hat.shape}.")
    return X, X_hat


def fraction_of_variance_unexplained(X, X_hat):
    r"""FVU, ``sum_i ||x_i - xhat_i||^2 / sum_i ||x_i - xbar||^2`` with xbar the mean of X.

    Both sums are over all samples and coordinates (the pooled form), taken in float64. It is 0 for
    a perfect reconstruction, 1 for one as bad as always guessing the mean, and has no upper end.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.

    Returns
    -------
    fvu : float
        Fraction of variance unexplained.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    Notes
    -----
    Where all rows of X are equal there is no variance to explain. Then the result is 0.0 if X_hat
    equals X and 1.0 if not, the convention of `sklearn.metrics.r2_score`, so that a single sample
    in a fold neither warns nor makes a table of results infinite.

    References
    ----------
    .. [1] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093,
       where it is called the normalised mean squared error: see :func:`normalized_mse`.

    Examples
    --------
    >>> from sksupercode.metrics import fraction_of_variance_unexplained
    >>> fraction_of_variance_unexplained([[0.0, 0.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.25
    """
    X, X_hat = _check_pair(X, X_hat)
    unexplained = np.sum(np.square(X - X_hat))
    # Shifted by a row first: the variance of equal rows is then exactly zero.
    centred = X - X[0]
    centred -= centred.mean(axis=0)
    variance = np.sum(np.square(centred))
    if variance == 0.0:
        return float(unexplained > 0.0)
    return float(unexplained / variance)


def explained_variance(X, X_hat):
    r"""Explained variance in the pooled form, ``1 - FVU``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.

    Returns
    -------
    explained : float
        At most 1, and negative where reconstructions are worse than the mean of X.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    See Also
    --------
    fraction_of_variance_unexplained : Says what is summed, and what equal rows give.

    Notes
    -----
    Not the mean over samples of ``1 - ||x - xhat||^2 / ||x - xbar||^2``, which is found under the
    same name and weighs samples near the mean most. `sklearn.metrics.explained_variance_score`
    differs too: it lets the residuals have a mean, and averages over coordinates.

    Examples
    --------
    >>> from sksupercode.metrics import explained_variance
    >>> explained_variance([[0.0, 0.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.75
    """
    return 1.0 - fraction_of_variance_unexplained(X, X_hat)


def normalized_mse(X, X_hat, *, mean=None):
    r"""Mean squared error over that of a constant guess, of Gao et al.

    ``sum_i ||x_i - xhat_i||^2 / sum_i ||x_i - m||^2`` with m the mean activation.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        The vectors.
    X_hat : array-like of shape (n_samples, n_components)
        Their reconstructions.
    mean : array-like of shape (n_components,) or None, default=None
        The constant guess m, such as the mean of the training data. None takes the mean of X, and
        the result is the fraction of variance unexplained.

    Returns
    -------
    error : float
        0 for a perfect reconstruction, 1 for one as bad as the guess; infinite where the guess is
        perfect and the reconstruction is not.

    Raises
    ------
    ValueError
        If either is not a finite matrix, their shapes differ, or `mean` does not fit them.

    Notes
    -----
    With one m for all data, the numerator and the denominator are sums over samples, and batches
    can be added up. The code published with [1]_ computes another quantity under this name,
    the mean over samples of ``||x - xhat||^2 / ||x||^2``.

    References
    ----------
    .. [1] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093.

    Examples
    --------
    >>> from sksupercode.metrics import normalized_mse
    >>> normalized_mse([[1.0, 0.0], [3.0, 0.0]], [[1.0, 1.0], [3.0, 0.0]], mean=[0.0, 0.0])
    0.1
    """
    if mean is None:
        return fraction_of_variance_unexplained(X, X_hat)
    X, X_hat = _check_pair(X, X_hat)
    mean = check_array(mean, dtype=np.float64, ensure_2d=False, input_name="mean")
    if mean.shape != X.shape[1:]:
        raise ValueError(f"mean must have shape {X.shape[1:]}, got {mean.shape}.")
    error, guess = np.sum(np.square(X - X_hat)), np.sum(np.square(X - mean))
    if guess == 0.0:
        return np.inf if error > 0.0 else 0.0
    return float(error / guess)


def cosine_similarity(X, X_hat):
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
    >>> from sksupercode.metrics import cosine_similarity
    >>> cosine_similarity([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [1.0, 0.0]])
    0.5
    """
    return float(np.mean(sample_cosines(*_check_pair(X, X_hat))))


def sample_cosines(X, X_hat):
    """Return the cosine of each pair of rows, array of shape (n_samples,)."""
    X_norms, X_hat_norms = np.linalg.norm(X, axis=1), np.linalg.norm(X_hat, axis=1)
    # Both divided before they are multiplied: products of tiny norms underflow.
    X = X / np.where(X_norms > 0, X_norms, 1)[:, None]
    X_hat = X_hat / np.where(X_hat_norms > 0, X_hat_norms, 1)[:, None]
    both_zero = (X_norms == 0) & (X_hat_norms == 0)
    cosines = np.einsum("ij,ij->i", X, X_hat).clip(-1, 1)
    return np.where(both_zero, 1.0, cosines)


def relative_reconstruction_bias(X, X_hat):
    r"""Relative reconstruction bias gamma, ``sum_i ||xhat_i||^2 / sum_i <x_i, xhat_i>``.

    Reconstructions would be best after division by gamma: it is the minimiser of
    ``sum_i ||x_i - xhat_i / gamma||^2``. Below 1 they are systematically too small, the shrinkage
    of autoencoders with an L1 penalty; above 1 too large.

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
    X, X_hat = _check_pair(X, X_hat)
    power, product = np.vdot(X_hat, X_hat), np.vdot(X, X_hat)
    if power == 0.0:
        return 0.0 if X.any() else 1.0
    return float(power / product) if product != 0.0 else np.inf
