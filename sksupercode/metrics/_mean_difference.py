"""Which latents differ most between two classes of samples."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array, issparse

from sksupercode._utils._labels import check_labelled
from sksupercode._utils._validation import check_bool


def mean_difference(X, y, *, normalize=True):
    r"""Score each latent by how much its mean differs between two classes.

    .. math::
        s_i = \frac{|\mathrm{mean}_{y = 1}(z_i) - \mathrm{mean}_{y = 0}(z_i)|}
        {\mathrm{mean}_{z_i \ne 0} |z_i|}

    with z_i the codes of latent i. A score function for `sklearn.feature_selection.SelectKBest`.

    Parameters
    ----------
    X : array-like or sparse matrix or array of shape (n_samples, N)
        Codes, or activations. Sparse ones are not made dense.

    y : array-like of shape (n_samples,)
        Labels, of two values.

    normalize : bool, default=True
        Whether to divide by the mean absolute value of a latent where it is not zero. Scores do not
        depend on the scale of latents then. False leaves the difference of means as it is.

    Returns
    -------
    scores : float64 ndarray of shape (N,)
        The larger, the more a latent differs. 0 for latents that are zero on all samples.

    Raises
    ------
    ValueError
        If X is not a finite matrix, y does not have one of two values for each row of it, or
        ``normalize`` is not a bool.

    See Also
    --------
    probe_latents : How well the latents of the highest scores tell the classes apart.
    sklearn.feature_selection.f_classif : The same difference in units of its standard error.

    Notes
    -----
    The difference of means is that of k-sparse probing [1]_, the normalisation that of sae-probes
    [2]_. A latent that is active with the same strength on all samples of one class and on none of
    the other has a score of 1.

    References
    ----------
    .. [1] W. Gurnee, N. Nanda, M. Pauly, K. Harvey, D. Troitskii and D. Bertsimas, "Finding neurons
       in a haystack: case studies with sparse probing", TMLR, 2023, arXiv:2305.01610.
    .. [2] S. Kantamneni, J. Engels, S. Rajamanoharan, M. Tegmark and N. Nanda, "Are sparse
       autoencoders useful? A case study in sparse probing", ICML, 2025, arXiv:2502.16681.

    Examples
    --------
    >>> from sklearn.feature_selection import SelectKBest
    >>> from sksupercode.inspection import mean_difference
    >>> Z = [[0, 2, 9], [0, 2, 8], [0, 0, 8], [1, 0, 9]]
    >>> y = ["cat", "cat", "dog", "dog"]
    >>> mean_difference(Z, y)
    array([0.5, 1. , 0. ])
    >>> SelectKBest(mean_difference, k=1).fit_transform(Z, y).ravel()
    array([2, 2, 0, 0])
    """
    normalize = check_bool(normalize, "normalize")
    X, labels = check_labelled(X, "X", y)
    if labels.shape[1] != 1:
        raise ValueError(f"y must be of one task, got {labels.shape[1]}.")
    labels = labels[:, 0]
    weights = np.where(labels == 1, 1 / np.sum(labels == 1), -1 / np.sum(labels == 0))
    scores = np.abs(weights @ X)
    if normalize:
        X = abs(csr_array(X) if issparse(X) else X)
        totals, n_active = X.sum(axis=0, dtype=np.float64), (X > 0).sum(axis=0)
        scores *= np.divide(n_active, totals, out=np.zeros(len(totals)), where=totals > 0)
    return scores
