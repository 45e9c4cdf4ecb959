"""Scores for decoded supports and for reconstructed vectors, and scorers made of them.

The support of a code is where it is nonzero, whatever the values and their signs. Codes are dense
or sparse in any format, with any explicit zeros, and are never made dense.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn import config_context
from sklearn.utils import check_array, check_consistent_length

from sksupercode._validation import check_codes, check_option
from sksupercode.theory import bits_per_dimension

__all__ = [
    "bits_per_dimension",
    "exact_recovery_score",
    "exact_recovery_scorer",
    "fraction_of_variance_unexplained",
    "neg_fvu_scorer",
    "support_precision_recall_f1",
]


def _support_counts(y_true, y_pred):
    """For each row the sizes of the true support, of the predicted one, and of their overlap."""
    y_true = check_codes(y_true, "y_true")
    n_samples, n_features = y_true.shape
    y_pred = check_codes(y_pred, "y_pred", n_samples=n_samples, n_features=n_features)
    supports = [(codes != 0).tocsr() for codes in (y_true, y_pred)]
    overlap = supports[0].multiply(supports[1]).tocsr()
    return tuple(np.diff(support.indptr) for support in (*supports, overlap))


def exact_recovery_score(y_true, y_pred, *, sample_weight=None):
    r"""Fraction of rows whose supports agree, ``#{i : supp(y_i) = supp(yhat_i)} / n``.

    One miss or one false alarm makes a row count as wrong.

    Parameters
    ----------
    y_true : array-like or sparse matrix or array of shape (n_samples, n_features)
        The codes that were stored.
    y_pred : array-like or sparse matrix or array of shape (n_samples, n_features)
        The codes that were decoded. Only where they are nonzero matters.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of the rows; None weighs them alike.

    Returns
    -------
    score : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    See Also
    --------
    support_precision_recall_f1 : Partial credit.
    sklearn.metrics.accuracy_score : The same number for codes of zeros and ones.

    Examples
    --------
    >>> from sksupercode.metrics import exact_recovery_score
    >>> exact_recovery_score([[1, 1, 0], [0, 0, 1]], [[0.9, 0.2, 0], [0, 1, 1]])
    0.5
    """
    n_true, n_pred, n_both = _support_counts(y_true, y_pred)
    exact = (n_true == n_both) & (n_pred == n_both)
    if sample_weight is not None:
        check_consistent_length(exact, sample_weight)
    return float(np.average(exact, weights=sample_weight))


def support_precision_recall_f1(y_true, y_pred, *, average="micro"):
    r"""Precision, recall and F1 of the decoded supports.

    With S the true and T the decoded support, ``precision = |S & T| / |T|``,
    ``recall = |S & T| / |S|`` and ``F1 = 2 |S & T| / (|S| + |T|)``.

    Parameters
    ----------
    y_true : array-like or sparse matrix or array of shape (n_samples, n_features)
        The codes that were stored, with values of any sign.
    y_pred : array-like or sparse matrix or array of shape (n_samples, n_features)
        The codes that were decoded. Only where they are nonzero matters.
    average : {"micro", "samples"}, default="micro"
        ``"micro"`` takes S and T over all entries of the matrices, so that rows weigh as much as
        they have nonzeros; ``"samples"`` is the mean over rows of each row's own figures.

    Returns
    -------
    precision, recall, f1 : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If either is not a finite matrix, their shapes differ, or `average` is unknown.

    Notes
    -----
    A ratio 0 / 0 counts as 1: nothing decoded is no false alarm, nothing stored leaves nothing to
    miss. So a perfect decoder scores 1 on empty rows too. It is ``zero_division=1`` in
    `sklearn.metrics.precision_recall_fscore_support`, whose default is 0.

    Examples
    --------
    >>> from sksupercode.metrics import support_precision_recall_f1
    >>> y_true, y_pred = [[1, 1, 0, 0], [0, 0, 1, 0]], [[1, 0, 0, 0], [0, 0, 1, 1]]
    >>> precision, recall, f1 = support_precision_recall_f1(y_true, y_pred)
    >>> print(f"{precision:.3f} {recall:.3f} {f1:.3f}")
    0.667 0.667 0.667
    >>> precision, recall, f1 = support_precision_recall_f1(y_true, y_pred, average="samples")
    >>> print(f"{precision:.3f} {recall:.3f} {f1:.3f}")
    0.750 0.750 0.667
    """
    check_option(average, "average", ("micro", "samples"))
    counts = np.array(_support_counts(y_true, y_pred), dtype=np.float64)
    if average == "micro":
        counts = counts.sum(axis=1, keepdims=True)
    n_true, n_pred, n_both = counts
    ratios = [(n_both, n_pred), (n_both, n_true), (2 * n_both, n_true + n_pred)]
    return tuple(
        float(np.mean(np.divide(top, bottom, out=np.ones_like(top), where=bottom > 0)))
        for top, bottom in ratios
    )


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
       where it is called the normalised mean squared error.

    Examples
    --------
    >>> from sksupercode.metrics import fraction_of_variance_unexplained
    >>> fraction_of_variance_unexplained([[0.0, 0.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.25
    """
    X = check_array(X, dtype=np.float64, input_name="X")
    X_hat = check_array(X_hat, dtype=np.float64, input_name="X_hat")
    if X_hat.shape != X.shape:
        raise ValueError(f"X_hat must have the shape of X, {X.shape}, got {X_hat.shape}.")
    unexplained = np.sum(np.square(X - X_hat))
    # Shifted by a row first: the variance of equal rows is then exactly zero.
    centred = X - X[0]
    centred -= centred.mean(axis=0)
    variance = np.sum(np.square(centred))
    if variance == 0.0:
        return float(unexplained > 0.0)
    return float(unexplained / variance)


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
    y : None
        Ignored.

    Returns
    -------
    score : float
        Minus `fraction_of_variance_unexplained`: higher is better, 0 is perfect.

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
    return -fraction_of_variance_unexplained(X, X_hat)
