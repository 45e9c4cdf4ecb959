"""Scorers, for ``scoring=`` of searches."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn import config_context

from sksupercode.metrics._reconstruction import fraction_of_variance_unexplained
from sksupercode.metrics._supports import exact_recovery_score


def exact_recovery_scorer(estimator, X, y=None):
    """Exact-recovery rate of ``estimator.predict(X)``, for ``scoring=``.

    Parameters
    ----------
    estimator : object
        A fitted decoder, or a pipeline that ends in one.
    X : array-like or sparse matrix of shape (n_samples, n_features_in)
        What `estimator` predicts from.
    y : array-like or sparse matrix or array of shape (n_samples, n_features)
        The codes that were stored.

    Returns
    -------
    score : float
        `exact_recovery_score` of the prediction.

    Raises
    ------
    ValueError
        If `y` is missing, or is not a finite matrix of the shape of the prediction.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sksupercode.metrics import exact_recovery_scorer
    >>> X, y = [[0.0], [1.0]], [[1, 0, 1], [1, 0, 1]]
    >>> exact_recovery_scorer(DummyClassifier().fit(X, y), X, y)
    1.0
    """
    if y is None:
        raise ValueError("y must be the codes that were stored: exact recovery needs them.")
    return exact_recovery_score(y, estimator.predict(X))


def neg_fvu_scorer(estimator, X, y=None):
    """Minus the fraction of variance of X that a round trip leaves unexplained, for ``scoring=``.

    Parameters
    ----------
    estimator : object
        A fitted transformer with `inverse_transform`: a decoder, or a pipeline of such steps.
        Where it has a method `reconstruct`, as a sparse autoencoder that undoes its normalisation
        of samples there, that is used instead.
    X : array-like of shape (n_samples, n_components)
        The vectors to be explained.
    y : array-like of shape (n_samples, d) or None, default=None
        The true output, for a transcoder: its variance is that which is to be explained. Ignored
        for everything else.

    Returns
    -------
    score : float
        Minus `fraction_of_variance_unexplained`: higher is better, 0 is perfect.

    Raises
    ------
    ValueError
        If X is not a finite matrix, or is not what `estimator` takes, or y is missing.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sksupercode.metrics import neg_fvu_scorer
    >>> X = load_iris().data
    >>> pca = PCA(n_components=2).fit(X)
    >>> print(f"{-neg_fvu_scorer(pca, X):.4f} {1 - pca.explained_variance_ratio_.sum():.4f}")
    0.0223 0.0223
    """
    # A global transform_output="pandas" would refuse the sparse codes half way.
    with config_context(transform_output="default"):
        if hasattr(estimator, "reconstruct"):
            X_hat = estimator.reconstruct(X)
        else:
            X_hat = estimator.inverse_transform(estimator.transform(X))
    if getattr(estimator, "reconstructs_samples_", True):
        return -fraction_of_variance_unexplained(X, X_hat)
    if y is None:
        raise ValueError("y must be the true output of the transcoder, got None.")
    return -fraction_of_variance_unexplained(y, X_hat)
