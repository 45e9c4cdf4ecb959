"""How well few latents tell classes of samples apart."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold, check_cv

from sksupercode._utils._labels import check_groups, check_labelled
from sksupercode._utils._validation import check_generator, check_integer
from sksupercode._utils._warnings import warn
from sksupercode.metrics._latent_probe import LatentProbe
from sksupercode.metrics._mean_difference import mean_difference

_PENALTIES = {"C": [1e-4, 1e-2, 1.0, 1e2, 1e4]}
_INNER_FOLDS = 5


def probe_latents(Z, y, *, n_latents=(1, 2, 5, 20), cv=5, groups=None, random_state=None):
    r"""Measure how well few latents tell two classes of samples apart.

    A k-sparse probe is a logistic regression on the k latents of the largest
    :func:`mean_difference`. Its score on samples of a test fold is the area under the ROC curve,

    .. math::
        \mathrm{AUC} = P(s > s') + \tfrac12 P(s = s'), \qquad
        s = b + \sum_{i \in S} w_i z_i, \quad |S| = k

    with s of a sample of the second class and s' of one of the first. Latents that stand for what
    the classes mean have a large AUC with k = 1.

    Parameters
    ----------
    Z : array-like or sparse matrix or array of shape (n_samples, N)
        Codes; or activations, principal components or anything else, to compare with.

    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Labels of any two values, which may be others in each task.

    n_latents : int or sequence of int, default=(1, 2, 5, 20)
        Numbers k of latents of a probe. Those above N take all latents, with a warning.

    cv : int, splitter or iterable, default=5
        How samples are split. An integer from 2 is the number of folds of
        `sklearn.model_selection.StratifiedKFold`, shuffled, for each task. A splitter of
        scikit-learn is asked for each task. An iterable of pairs of training and test indices holds
        for all tasks; ``[(train, test)]`` is one split.

    groups : array-like of shape (n_samples,) or None, default=None
        Which samples belong together, as the tokens of one text. With an integer ``cv`` a group is
        in one fold, by `sklearn.model_selection.StratifiedGroupKFold`; a splitter is given the
        groups. An iterable has its own splits.

    random_state : int, RandomState, Generator or None, default=None
        Shuffles samples. An integer gives the same folds for all codes of the same samples.

    Returns
    -------
    probe : LatentProbe
        ``scores`` of shape (n_tasks, len(n_latents), n_folds), their ``mean`` and its standard
        error ``sem`` for each k, and which ``latents`` were chosen. Printed, it is a table.

    Raises
    ------
    ValueError
        If Z is not a finite matrix, y does not have one label for each of its rows or not two
        values in a task, there is not one group for each row, a fold lacks one of the classes,
        folds of tasks differ in number, or a parameter is illegal.

    Warns
    -----
    UserWarning
        If a number of latents exceeds N.

    See Also
    --------
    mean_difference : The score by which latents are chosen.
    sksupercode.metrics.match_codes : Which latent stands for which feature, where codes are known.

    Notes
    -----
    Test samples have no part in the choice of latents and in anything that is fitted. The latents
    of a probe are divided by one number, their root mean square, so that units do not matter. The
    inverse strength C of the L2 penalty is the one of 10^-4, 10^-2, 1, 100 and 10^4 of the largest
    mean AUC in a stratified cross-validation of the training samples, in five folds, or as many as
    the smaller class has samples there. It is 1 where that is one, and for one latent, the order of
    whose scores is the same for every C.

    This is k-sparse probing [1]_ as in sae-probes [2]_, which chooses the penalty by the last
    samples of the training set, 100 at most. With one latent the AUC is the same on equal splits,
    as the penalty does not matter. With more it differs by about as much as that of sae-probes
    differs between orders of the training samples.

    An AUC of a sparse code has to be compared with that of other codes of the same samples, and of
    the activations themselves. Calls with the same y, cv and integer ``random_state`` have the same
    folds, and differences of ``scores`` are paired.

    References
    ----------
    .. [1] W. Gurnee, N. Nanda, M. Pauly, K. Harvey, D. Troitskii and D. Bertsimas, "Finding neurons
       in a haystack: case studies with sparse probing", TMLR, 2023, arXiv:2305.01610.
    .. [2] S. Kantamneni, J. Engels, S. Rajamanoharan, M. Tegmark and N. Nanda, "Are sparse
       autoencoders useful? A case study in sparse probing", ICML, 2025, arXiv:2502.16681.

    Examples
    --------
    Labels that say whether one codeword is in a superposition; codes, and what they are made of:

    >>> from sksupercode import SphericalEncoder, TopKDecoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> from sksupercode.inspection import probe_latents
    >>> Y = make_sparse_codes(200, n_features=40, n_nonzero_coefs=5, random_state=0)
    >>> encoder = SphericalEncoder(30, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> Z = TopKDecoder(encoder, 5).fit(X, Y).transform(X)
    >>> labels = Y[:, [7]].toarray().ravel()
    >>> for codes in (Z, X):
    ...     print(probe_latents(codes, labels, n_latents=1, cv=3, random_state=0).mean.round(2))
    [0.9]
    [0.83]
    """
    Z, tasks = check_labelled(Z, "Z", y)
    asked = _check_sizes(n_latents, Z.shape[1])
    groups = check_groups(groups, Z.shape[0])
    seed = int(check_generator(random_state).integers(2**31))
    if cv is None or isinstance(cv, Integral):
        cv = check_integer(cv, "cv", minimum=2)
        folds = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = folds(cv, shuffle=True, random_state=seed)
    else:
        # Here, as an iterator can be read once.
        cv = check_cv(cv)
    with config_context(transform_output="default"):
        results = [
            [
                _scores_and_latents(Z, labels, *split, np.minimum(asked, Z.shape[1]), seed)
                for split in _splits(cv, Z, labels, groups)
            ]
            for labels in tasks.T
        ]
    if len({len(folds) for folds in results}) > 1:
        raise ValueError(
            "cv must split all tasks into as many folds, got "
            f"{', '.join(str(len(folds)) for folds in results)}."
        )
    scores, latents = (
        np.array([[fold[i] for fold in folds] for folds in results]) for i in range(2)
    )
    return LatentProbe(asked, scores.swapaxes(1, 2), latents)


def _check_sizes(n_latents, N):
    sizes = [n_latents] if np.ndim(n_latents) == 0 else n_latents
    sizes = tuple(check_integer(k, "n_latents", minimum=1) for k in sizes)
    if not sizes:
        raise ValueError("n_latents must have one number at least, got none.")
    if max(sizes) > N:
        warn(f"n_latents={max(sizes)} exceeds the number of latents: all {N} are taken.")
    return sizes


def _splits(cv, Z, labels, groups):
    """Return pairs of training and test samples in which both classes occur."""
    is_stratified = isinstance(cv, StratifiedKFold | StratifiedGroupKFold)
    if is_stratified and np.bincount(labels).min() < cv.n_splits:
        raise ValueError(
            f"cv must be at most the number of samples of each class, got {cv.n_splits} folds for "
            f"{np.bincount(labels).min()} samples."
        )
    if isinstance(cv, StratifiedGroupKFold) and groups is not None:
        n_groups = len(np.unique(groups))
        if n_groups < cv.n_splits:
            raise ValueError(
                f"cv must be at most the number of groups, got {cv.n_splits} folds for {n_groups}."
            )
    try:
        splits = [tuple(map(np.asarray, split)) for split in cv.split(Z, labels, groups)]
        classes = [[np.unique(labels[rows]) for rows in split] for split in splits]
    except (TypeError, IndexError) as error:
        raise ValueError(
            f"cv must give pairs of training and test indices of samples, got {cv!r}: {error}"
        ) from error
    if not splits:
        raise ValueError(f"cv must give one fold at least, got none of {cv!r}.")
    for fold, of_parts in enumerate(classes):
        for part, found in zip(("training", "test"), of_parts, strict=True):
            if len(found) < 2:
                raise ValueError(
                    f"cv must give each fold samples of both classes, but {part} samples of fold "
                    f"{fold} have one."
                )
    return splits


def _scores_and_latents(Z, labels, train, test, sizes, seed):
    """Return the AUC on test samples for each number of latents, and the latents, best first."""
    select = SelectKBest(mean_difference, k=max(sizes)).fit(Z[train], labels[train])
    latents = select.get_support(indices=True)
    # Of equal scores the last is chosen first.
    latents = latents[np.argsort(select.scores_[latents], kind="stable")[::-1]]
    regression = search = LogisticRegression(max_iter=1000)
    n_folds = min(_INNER_FOLDS, np.bincount(labels[train]).min())
    if n_folds > 1:
        inner = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        search = GridSearchCV(regression, _PENALTIES, scoring="roc_auc", cv=inner)
    scores = []
    for k in sizes:
        chosen = select.set_params(k=k).transform(Z).astype(np.float64)
        chosen /= _root_mean_square(chosen[train])
        probe = (regression if k == 1 else search).fit(chosen[train], labels[train])
        scores.append(roc_auc_score(labels[test], probe.decision_function(chosen[test])))
    return scores, latents


def _root_mean_square(Z):
    # Squares overflow from 1e154 on, and underflow below 1e-154.
    exponent = np.clip(np.frexp(abs(Z).max())[1], -1000, 1000)
    Z = Z * np.ldexp(1.0, -exponent)
    squares = Z.power(2) if issparse(Z) else np.square(Z)
    return np.ldexp(np.sqrt(squares.mean()), exponent) or 1.0
