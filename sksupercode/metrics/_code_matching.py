"""How well codes agree with true ones: which latent fires for which feature."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from sksupercode._utils._validation import check_codes, check_real
from sksupercode.metrics._code_match import CodeMatch
from sksupercode.metrics._code_structure import absorption, best_by_f1, shared
from sksupercode.metrics._cofiring import Best, Entries, cofiring
from sksupercode.metrics._dictionary_match import DictionaryMatch

# Pairs of smaller correlations are no partners.
_LEAST_CORRELATION = 0.1


def match_codes(y_true, y_pred, match=None, *, threshold=0.9):
    r"""Measure how well codes agree with the true ones: which latent fires for which feature.

    A feature is a column of ``y_true``, a latent one of ``y_pred``, and :math:`\pi(i)` the latent
    that feature i is paired with. With n_i and m_j the numbers of samples in which feature i, and
    latent j, fire, and c_ij that of samples in which both do,

    .. math::
        \mathrm{precision}_i &= \frac{c_{i\pi(i)}}{m_{\pi(i)}}, \quad
        \mathrm{recall}_i = \frac{c_{i\pi(i)}}{n_i}, \\
        \mathrm{F1}_i &= \frac{2 c_{i\pi(i)}}{n_i + m_{\pi(i)}}, \quad
        \mathrm{MCC} = \frac1N \sum_i |\mathrm{corr}(z_i, \hat z_{\pi(i)})|

    with Pearson's correlation over all samples of the codes z_i of feature i and those of its
    latent, as in independent component analysis [1]_.

    Parameters
    ----------
    y_true : array-like or sparse matrix or array of shape (n_samples, N)
        The true codes. A feature fires where its code is not zero.

    y_pred : array-like or sparse matrix or array of shape (n_samples, M)
        Codes that a decoder or an encoder finds for the same samples.

    match : None, DictionaryMatch or "correlation", default=None
        Which latent is which feature. None: column i of both, as where a decoder has the true
        dictionary; then M = N. Or the result of ``match_dictionaries(truth, learned)``. With
        "correlation", pairs are those of the largest sum of absolute correlations, each above 0.1.

    threshold : float, default=0.9
        A feature is found if its F1 exceeds this, from 0 up to, but without, 1.

    Returns
    -------
    match : CodeMatch
        ``precision``, ``recall``, ``f1``, ``mcc``, the fraction ``found`` and the correlation of
        amplitudes, which are means over features, and the numbers of single features; F1 of latents
        and ``uniqueness``, as benchmarks of autoencoders have them; features that are ``split`` or
        ``absorbed``, and latents that are ``merged``.

    Raises
    ------
    ValueError
        If either is not a finite matrix, their shapes or those of the dictionaries do not agree, or
        a parameter is illegal.

    See Also
    --------
    match_dictionaries : Which codeword is which, by their cosines.
    support_precision_recall_f1 : Over all entries, so that features weigh as often as they fire.

    Notes
    -----
    A feature that never fires in these samples is in no mean, and its numbers are NaN; false alarms
    of its latent are seen in ``support_precision_recall_f1`` alone. A feature that fires and has no
    partner counts 0, as does one whose latent never fires. So a dictionary of M < N codewords has
    an F1 of at most about M / N. The MCC is over features that vary.

    **By chance.** With "correlation" pairs are chosen by what they are judged by, so that even
    codes that have nothing to do with each other agree somewhat, the more latents there are and the
    fewer samples. Compare with ``match_codes(y_true, y_pred[permutation], "correlation")``, the
    rows of one permuted.

    **Of latents.** ``latent_precision``, ``latent_recall`` and ``latent_f1`` are those of
    SynthSAEBench [2]_: each latent is a classifier of the feature nearest to it, and means are over
    all M latents, with 0 for those that never fire. ``uniqueness`` is the number of different
    nearest features, over M. They do not see features that have no latent. The MCC of that
    benchmark is one of codewords, ``match_dictionaries(truth, learned).mcc * N / min(N, M)``.

    **Amplitudes.** ``amplitude_correlations`` are over the samples in which both fire, with the
    sign of the latent that of the cosine of its codeword.

    **Splits, merges and absorption** are counts of samples. Features and latents that fire in fewer
    than 10 are left out, as they meet by chance. For latent j, its home h(j) is the feature i that
    it detects best, with the largest ``2 c_ij / (n_i + m_j)``, and likewise the best detector of a
    feature is a latent. Of equal ones the partner is taken, then the first. The number of samples
    in which feature i fires, latent j fires, and h(j) does not, is ``e_ij``.

    * A feature is **split** if several latents share it [3]_ [4]_: it is their home, and each fires
      for it in more than half of its samples, ``2 c_h(j)j > m_j``. Latents of a feature's children
      are no splits, as these children are their homes. Duplicates are.
    * A latent is **merged** if it stands for several features: for its home if ``2 c_h(j)j >
      n_h(j)``, and for others if it is their best detector and fires in more than half of their
      samples without its home, ``2 e_ij > n_i``. Features that have no latent of their own and fire
      only with their parent are no cause of it, as they never fire without this home.
    * A feature is **absorbed** if its own latent is silent where a latent of a child fires [4]_. A
      child k is any feature with ``c_ik = n_k < n_i``. Among samples with the child and its
      partner, at least 10, the partner of i fires in less than half of the fraction in which it
      fires among the other samples of i. ``absorption`` is the fraction of all n_i samples in which
      the partner of i is silent, and such a child fires with its partner. ``absorption_rate``, the
      mean over features with children, corresponds to the number of absorptions over that of true
      positives in [4]_, where the truth was a probe. Misses that have nothing to do with a child do
      not count.

    The codes stay sparse, and pairs that fire together are counted in blocks. Time is that of a
    product of sparse matrices, the sum over samples of k l for k features and l latents that fire.

    References
    ----------
    .. [1] A. Hyvarinen and H. Morioka, "Unsupervised feature extraction by time-contrastive
       learning and nonlinear ICA", NeurIPS, 2016, arXiv:1605.06336.
    .. [2] D. Chanin and A. Garriga-Alonso, "SynthSAEBench: evaluating sparse autoencoders on
       scalable realistic synthetic data", 2026, arXiv:2602.14687.
    .. [3] T. Bricken et al., "Towards monosemanticity: decomposing language models with dictionary
       learning", Transformer Circuits Thread, 2023.
    .. [4] D. Chanin et al., "A is for absorption: studying feature splitting and absorption in
       sparse autoencoders", 2024, arXiv:2409.14507.

    Examples
    --------
    Feature 0 is found, one of feature 1's two samples is missed, and feature 2 never fires:

    >>> from sksupercode.metrics import match_codes
    >>> y_true = [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [3.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    >>> y_pred = [[1.1, 0.0, 0.0], [2.1, 0.9, 0.0], [2.9, 0.0, 0.0], [0.0, 0.0, 0.0]]
    >>> match = match_codes(y_true, y_pred)
    >>> match.recalls
    array([1. , 0.5, nan])
    >>> round(match.f1, 3), match.found
    (0.833, 0.5)

    With a learned dictionary, pairs come first:

    >>> from sksupercode import OrthogonalMatchingPursuitDecoder
    >>> from sksupercode.datasets import make_planted_activations
    >>> from sksupercode.metrics import match_dictionaries
    >>> X, codes, truth = make_planted_activations(
    ...     500, 64, 32, n_nonzero_coefs=3, random_state=0
    ... )
    >>> learned = truth[::-1]
    >>> Z = OrthogonalMatchingPursuitDecoder(learned, n_nonzero_coefs=3).fit(X).transform(X)
    >>> match = match_codes(codes, Z, match_dictionaries(truth, learned))
    >>> match.f1 > 0.95, match.mcc > 0.95, len(match.split), len(match.merged)
    (True, True, 0, 0)
    """
    y_true = check_codes(y_true, "y_true")
    width = y_true.shape[1] if match is None else None
    y_pred = check_codes(y_pred, "y_pred", n_samples=y_true.shape[0], n_features=width)
    threshold = check_real(threshold, "threshold", 0, 1, closed="left")
    true, pred = Entries(y_true), Entries(y_pred)
    if match is None:
        indices = nearest = np.arange(width)
        signs = np.ones(width)
    elif isinstance(match, DictionaryMatch):
        indices, nearest, signs = match.indices, match.other_nearest, np.sign(match.cosines)
        _check_lengths(match, true, pred)
    elif isinstance(match, str) and match == "correlation":
        indices, nearest, signs = _by_correlation(true, pred)
    else:
        raise ValueError(
            "match must be None, a DictionaryMatch of match_dictionaries, or 'correlation', got "
            f"{match!r}."
        )
    partners = pred.find(true.rows, indices[true.columns])
    hit = partners >= 0
    hits = true.total(true.columns[hit])
    correlations, amplitude_correlations = _correlations(true, pred, indices, partners)
    homes, detectors = best_by_f1(true, pred, indices, hits)
    sharing, standing = shared(true, pred, homes, detectors)
    return CodeMatch(
        indices=indices,
        nearest=nearest,
        n_true=true.counts,
        n_pred=pred.counts,
        hits=hits,
        nearest_hits=pred.total(pred.columns[true.has(pred.rows, nearest[pred.columns])]),
        correlations=correlations,
        amplitude_correlations=signs * amplitude_correlations,
        sharing=sharing,
        standing=standing,
        absorption=absorption(true, pred, indices, hit, hits),
        threshold=threshold,
    )


def _check_lengths(match, true, pred):
    found = len(match.indices), len(match.other_nearest)
    if found != (true.shape[1], pred.shape[1]):
        raise ValueError(
            f"match must be of dictionaries of {true.shape[1]} and {pred.shape[1]} codewords, the "
            f"columns of y_true and y_pred, got one of {found[0]} and {found[1]}."
        )


def _by_correlation(true, pred):
    """Return partners, the nearest feature of each latent, and signs of the correlations."""
    n = true.shape[0]
    (means, deviations), (other_means, other_deviations) = true.moments(), pred.moments()
    nearest, edges = Best(pred.shape[1]), []
    for i, j, sums in cofiring(true, pred, values=True):
        scale = deviations[i] * other_deviations[j]
        covariances = sums / n - means[i] * other_means[j]
        r = np.divide(covariances, scale, out=np.zeros(len(i)), where=scale > 0)
        kept = np.abs(r) > _LEAST_CORRELATION
        i, j, r = i[kept], j[kept], r[kept]
        nearest.offer(j, i, np.abs(r))
        edges.append((i, j, r))
    i, j, r = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    N, M = true.shape[1], pred.shape[1]
    # Each feature may also go to a column of its own, which stands for no partner.
    own = np.arange(N)
    weights = np.concatenate([2 - np.abs(r), np.full(N, 2.0)])
    places = np.concatenate([i, own]), np.concatenate([j, M + own])
    places = tuple(x.astype(np.int32) for x in places)
    graph = coo_array((weights, places), shape=(N, M + N)).tocsr()
    indices = np.full(N, -1)
    features, latents = min_weight_full_bipartite_matching(graph)
    indices[features] = np.where(latents < M, latents, -1)
    signs = np.zeros(N)
    paired = indices[i] == j
    signs[i[paired]] = np.sign(r[paired])
    return indices, nearest.partners, signs


def _correlations(true, pred, indices, partners):
    """Return Pearson correlations of features with partners, over all samples and where both fire.

    ``partners`` are the places of entries of ``pred``, one for each entry of ``true``.
    """
    n, N = true.shape
    (means, deviations), (other_means, other_deviations) = true.moments(), pred.moments()
    paired = indices >= 0
    taken = np.where(paired, indices, 0)
    other_means = np.where(paired, other_means[taken], 0.0)
    other_deviations = np.where(paired, other_deviations[taken], 0.0)
    other_counts = np.where(paired, pred.counts[taken], 0)
    hit = partners >= 0
    columns = true.columns[hit]
    a, b = true.values[hit], pred.values[partners[hit]]
    counts = true.total(columns)
    # Sums of products of deviations where both fire, one of them, or none.
    da, db = a - means[columns], b - other_means[columns]
    sum_a, sum_b = true.total(columns, da), true.total(columns, db)
    only_a = (n - true.counts) * means - sum_a
    only_b = (n - other_counts) * other_means - sum_b
    none = n - true.counts - other_counts + counts
    covariances = true.total(columns, da * db) / n
    covariances -= (other_means * only_a + means * only_b - means * other_means * none) / n
    scale = deviations * other_deviations
    r = np.divide(covariances, scale, out=np.zeros(N), where=scale > 0)
    r[deviations == 0] = np.nan

    within = np.maximum(counts, 1)
    da = a - (true.total(columns, a) / within)[columns]
    db = b - (true.total(columns, b) / within)[columns]
    squares = true.total(columns, da**2), true.total(columns, db**2)
    # Deviations of constants are rounding errors.
    tiny = (1e-12 * true.total(columns, x**2) for x in (a, b))
    varies = [square > least for square, least in zip(squares, tiny, strict=True)]
    amplitude_r = np.full(N, np.nan)
    known = (counts > 2) & varies[0] & varies[1]
    products = true.total(columns, da * db)
    amplitude_r[known] = products[known] / np.sqrt(squares[0][known] * squares[1][known])
    return np.clip(r, -1, 1), np.clip(amplitude_r, -1, 1)
