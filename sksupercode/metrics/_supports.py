"""Scores for decoded supports: the columns where codes are nonzero, of either sign."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import as_array, check_codes, check_option


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
        Weights of the rows, at least 0. None gives all rows the same weight.

    Returns
    -------
    score : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If either is not a finite matrix, their shapes differ, or weights are illegal.

    See Also
    --------
    support_precision_recall_f1 : How close the supports are.
    sklearn.metrics.accuracy_score : The same number for codes of zeros and ones.

    Examples
    --------
    >>> from sksupercode.metrics import exact_recovery_score
    >>> exact_recovery_score([[1, 1, 0], [0, 0, 1]], [[0.9, 0.2, 0], [0, 1, 1]])
    0.5
    """
    n_true, n_pred, n_both = _support_counts(y_true, y_pred)
    exact = (n_true == n_both) & (n_pred == n_both)
    return float(np.average(exact, weights=_check_weights(sample_weight, len(exact))))


def _check_weights(sample_weight, n_samples):
    """Return the weights of rows as a float64 array, None where all are the same."""
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(as_array(sample_weight, "sample_weight"), dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.empty(0)
    is_legal = np.isfinite(weights).all() and (weights >= 0).all() and weights.any()
    if weights.shape != (n_samples,) or not is_legal:
        raise ValueError(
            f"sample_weight must be None or {n_samples} finite numbers >= 0, not all of them 0, "
            f"got {sample_weight!r}."
        )
    return weights


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
        ``"micro"`` takes S and T over all entries of the matrices, so that the weight of a row is
        its number of nonzeros; ``"samples"`` is the mean of the values of single rows.

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
    A ratio 0 / 0 counts as 1: an empty prediction has no false alarm, and an empty code has no
    miss. So a perfect decoder scores 1 on empty rows too. This is ``zero_division=1`` of
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


def support_overlap(y_true, y_pred):
    r"""Jaccard index of supports, the mean over rows of ``|S & T| / |S | T|``.

    With S the support of a row of `y_true` and T that of the same row of `y_pred`.

    Parameters
    ----------
    y_true : array-like or sparse matrix or array of shape (n_samples, n_features)
        Codes.
    y_pred : array-like or sparse matrix or array of shape (n_samples, n_features)
        Other codes on the same codewords. The two may be exchanged.

    Returns
    -------
    overlap : float
        Between 0 and 1; 1 where the supports are equal, two empty ones included.

    Raises
    ------
    ValueError
        If either is not a finite matrix, or their shapes differ.

    See Also
    --------
    support_precision_recall_f1 : Where one of the two is the truth.
    sklearn.metrics.jaccard_score : The same with ``average="samples"``, for zeros and ones.

    Examples
    --------
    >>> from sksupercode.metrics import support_overlap
    >>> support_overlap([[1, 1, 0], [0, 0, 1]], [[0.5, 0, 0], [0, 0, 2]])
    0.75
    """
    n_true, n_pred, n_both = np.array(_support_counts(y_true, y_pred), dtype=np.float64)
    n_either = n_true + n_pred - n_both
    return float(np.mean(np.divide(n_both, n_either, out=np.ones_like(n_both), where=n_either > 0)))
