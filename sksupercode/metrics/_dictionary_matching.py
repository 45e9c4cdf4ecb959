"""Which codeword of one dictionary is which of another."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from sksupercode._utils._blocks import block_length
from sksupercode._utils._memory import require_memory
from sksupercode._utils._validation import (
    check_bool,
    check_option,
    check_real,
    transpose_hint,
    unfrozen,
)
from sksupercode.dictionaries import DenseDictionary, Dictionary
from sksupercode.metrics._dictionary_match import DictionaryMatch

# Cosines of one product, in each direction: larger blocks take memory and spare no time.
_BLOCK = 1024
# Cosines that are held for an optimal assignment: 800 MB.
_LARGEST_MATRIX = 10**8
# Multiples of 2**-26 have products that are multiples of 2**-52: their sums up to 1 are exact.
_UNITS = 2.0**26
# Rounds go on while they pair at least this fraction of what is left. Half is normal; less than
# this are copies, which all want the same partner.
_LEAST_PAIRED = 1 / 16


def match_dictionaries(dictionary, other, *, threshold=0.97, signed=False, method="auto"):
    r"""Tell which codeword of one dictionary is which of another, and how many are found.

    Codewords are paired one to one. The mean correlation coefficient (MCC) of the N codewords
    :math:`f_i` of ``dictionary`` with the M codewords :math:`g_j` of ``other`` is

    .. math::
        \mathrm{MCC} = \frac1N \max_\pi \sum_{i} |\cos(f_i, g_{\pi(i)})|, \qquad
        \mathrm{MMCS} = \frac1N \sum_i \max_j |\cos(f_i, g_j)|,

    with the maximum over all injective partial maps :math:`\pi` [1]_. The mean max cosine
    similarity (MMCS) does not pair one to one [2]_.

    Parameters
    ----------
    dictionary : array-like of shape (N, d), Dictionary, or fitted estimator
        Codewords of any norm, the true ones if they are known. An estimator, frozen or not, lends
        its ``dictionary_``, or else the ``components_`` of scikit-learn's decompositions. Half
        precision is widened block by block.

    other : array-like of shape (M, d), Dictionary, or fitted estimator
        The other codewords, the learned ones or those of another seed. M and N may differ.

    threshold : float, default=0.97
        A codeword is found if its absolute cosine with one of ``other`` exceeds this, from 0 up
        to, but without, 1.

    signed : bool, default=False
        Whether codewords of opposite directions differ, as those of nonnegative codes do. Cosines
        then take the place of absolute cosines everywhere.

    method : {"auto", "assignment", "mutual"}, default="auto"
        How codewords are paired. "assignment" finds the maximum. It holds a matrix of N M float64,
        and the time is that of :func:`scipy.optimize.linear_sum_assignment`. "mutual" pairs mutual
        nearest neighbours, then those among the rest, and so on; it holds only blocks of that
        matrix. "auto" is the former up to N M = 10**8.

    Returns
    -------
    match : DictionaryMatch
        ``indices`` and ``cosines`` of the pairs, ``mcc``, ``mmcs``, the fraction ``found``, and the
        indices of those that are ``missed`` and of ``duplicates``.

    Raises
    ------
    ValueError
        If either is no matrix of finite numbers, their codewords have different numbers of
        dimensions, or a parameter is illegal.

    MemoryError
        If an assignment needs more memory than is available; ``method="mutual"`` does not.

    See Also
    --------
    match_codes : How well the codes of these pairs agree.

    Notes
    -----
    The mean is over all N codewords of the first argument, and each without a partner counts as 0.
    With N > M the MCC is thus at most M / N, and ``match.mcc * N / M`` is the mean over pairs. With
    N = M it does not depend on the order of the arguments.

    ``found`` is about nearest codewords, as ``mmcs`` is. Two codewords that are close to each other
    can be found by the same one of ``other``; ``found_in_pairs`` does not count it twice.
    ``duplicates`` are codewords of ``other`` whose nearest codeword f of ``dictionary`` is above
    the threshold while another one is nearest to f: second copies, which find nothing new. Of one
    dictionary matched with itself only equal codewords are reported, as each is nearest to itself;
    ``dictionary_report(F).cosines.duplicates`` of :func:`~sksupercode.inspection.dictionary_report`
    has its pairs of nearly equal ones, and ``cosines.nearest_cosines`` are for other thresholds.

    Zero codewords have no partner, are missed, and are no duplicates.

    Without ties the rounds of "mutual" pair as a greedy algorithm does that takes the largest
    cosine of all, then the largest one left. A round is the last one if it pairs less than a
    sixteenth of what is left: only where one dictionary has many copies of a codeword. The MCC is a
    lower bound. For noisy, partly learned dictionaries of 2,048 to 8,192 codewords it was below the
    maximum by .001 to .005; the first round alone, by .03 to .16.

    Two dictionaries of random directions have an MCC well above 0: .3 for N = M = 8,192 and d =
    256. Between two seeds of one learner, the MCC measures how stable its features are [3]_.

    Codewords are compared in steps of 2**-26 of their norm, so that sums are exact. Results do not
    depend on the size of blocks, and the first of equal codewords is the nearest. Cosines of pairs
    are computed from the codewords as they are.

    References
    ----------
    .. [1] A. Hyvarinen and H. Morioka, "Unsupervised feature extraction by time-contrastive
       learning and nonlinear ICA", NeurIPS, 2016, arXiv:1605.06336.
    .. [2] L. Sharkey, D. Braun and B. Millidge, "Taking features out of superposition with sparse
       autoencoders", 2022.
    .. [3] G. Paulo and N. Belrose, "Sparse autoencoders trained on the same data learn different
       features", 2025, arXiv:2501.16615; X. Song et al., "Mechanistic interpretability should
       prioritize feature consistency in SAEs", 2025, arXiv:2505.20254.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.metrics import match_dictionaries
    >>> truth = np.eye(3)
    >>> learned = [[0.0, -2.0, 0.0], [5.0, 0.0, 0.0], [5.0, 0.1, 0.0]]
    >>> match = match_dictionaries(truth, learned)
    >>> match.indices
    array([1, 0, 2])
    >>> match.cosines
    array([ 1., -1.,  0.])
    >>> match.missed, match.duplicates
    (array([2]), array([2]))
    >>> match
    DictionaryMatch(mcc=0.6667, mmcs=0.6667, found=0.6667 at 0.97, missed=1 of 3, duplicates=1 of 3)
    """
    F, G = _dictionary(dictionary, "dictionary"), _dictionary(other, "other")
    if F.shape[1] != G.shape[1]:
        hint = transpose_hint(G.shape, F.shape[1], "other")
        if F.shape[0] < F.shape[1]:  # most have more codewords than dimensions
            hint = transpose_hint(F.shape, G.shape[1], "dictionary")
        raise ValueError(
            f"other must have codewords of {F.shape[1]} dimensions as dictionary has, got "
            f"{G.shape[1]}{hint}"
        )
    threshold = check_real(threshold, "threshold", 0, 1, closed="left")
    signed = check_bool(signed, "signed")
    check_option(method, "method", ("auto", "assignment", "mutual"))
    rows, columns = _nonzero(F), _nonzero(G)
    size = len(rows) * len(columns)
    cosines = None
    if method == "assignment" or (method == "auto" and size <= _LARGEST_MATRIX):
        require_memory(8 * size, "match_dictionaries, unless method='mutual',")
        # SciPy copies matrices that are higher than wide.
        is_high = len(rows) > len(columns)
        cosines = np.empty((len(rows), len(columns)), order="F" if is_high else "C")
    nearest, other_nearest = _nearest(F, rows, G, columns, signed, cosines)
    if cosines is None:
        indices = _mutual(F, rows, G, columns, signed, nearest, other_nearest)
    else:
        indices = _assignment(cosines, rows, columns, F.shape[0])
    nearest = _scattered(nearest, rows, columns, F.shape[0])
    other_nearest = _scattered(other_nearest, columns, rows, G.shape[0])
    return DictionaryMatch(
        indices=indices,
        cosines=_cosines(F, G, indices),
        nearest=nearest,
        nearest_cosines=_cosines(F, G, nearest),
        other_nearest=other_nearest,
        other_nearest_cosines=_cosines(G, F, other_nearest),
        threshold=threshold,
        signed=signed,
    )


def _dictionary(source, name):
    estimator = unfrozen(source)
    if isinstance(estimator, BaseEstimator):
        lent = next((x for x in ("dictionary_", "components_") if hasattr(estimator, x)), None)
        if lent is None:
            raise ValueError(
                f"{name}={type(estimator).__name__}(...) has neither dictionary_ nor components_: "
                "pass it fitted."
            )
        # Autoencoders may store half precision.
        source = getattr(estimator, "_stored_codewords", lambda: getattr(estimator, lent))()
    if isinstance(source, Dictionary):
        return source
    if issparse(source) or isinstance(source, type | str | None):
        raise ValueError(
            f"{name} must be an array of shape (N, d), a Dictionary, or a fitted estimator with "
            f"dictionary_, got {source!r}."
        )
    try:
        return DenseDictionary(source)
    except ValueError as error:
        raise ValueError(str(error).replace("dictionary", name)) from error


def _units(dictionary, indices):
    """Return codewords over their norms, in float64; zero codewords stay."""
    U = np.array(dictionary.codewords(indices), dtype=np.float64)
    # Squares overflow from 1e154 on, and underflow below 1e-154.
    np.ldexp(U, -np.frexp(np.abs(U).max(axis=1, keepdims=True))[1], out=U)
    norms = np.linalg.norm(U, axis=1, keepdims=True)
    return np.divide(U, norms, out=U, where=norms > 0)


def _batches(dictionary, n):
    """Return slices of n codewords to compare at a time; none if there is no codeword."""
    length = min(_BLOCK, block_length(16 * _BLOCK + 64 * dictionary.shape[1]))
    return [slice(start, min(start + length, n)) for start in range(0, n, length)]


def _nonzero(dictionary):
    """Return the indices of the codewords that are not zero."""
    every = np.arange(dictionary.shape[0])
    batches = _batches(dictionary, len(every))
    some = [dictionary.codewords(every[batch]).any(axis=1) for batch in batches]
    return np.flatnonzero(np.concatenate(some))


def _nearest(F, rows, G, columns, signed, cosines=None):
    """Return the position in ``columns`` nearest to each of ``rows``, and the other way round.

    All (absolute) cosines are written to ``cosines`` if it is given.
    """
    sides = [(np.full(len(some), -np.inf), np.full(len(some), -1)) for some in (rows, columns)]
    for i in _batches(F, len(rows)):
        U = _rounded(_units(F, rows[i]))
        for j in _batches(G, len(columns)):
            C = U @ _rounded(_units(G, columns[j])).T
            if not signed:
                np.abs(C, out=C)
            if cosines is not None:
                cosines[i, j] = C
            for (largest, nearest), own, first, block in (
                (sides[0], i, j.start, C),
                (sides[1], j, i.start, C.T),
            ):
                candidates = block.argmax(axis=1)
                values = np.take_along_axis(block, candidates[:, np.newaxis], axis=1)[:, 0]
                # The first one stays where they are equal.
                larger = values > largest[own]
                largest[own][larger] = values[larger]
                nearest[own][larger] = candidates[larger] + first
    return sides[0][1], sides[1][1]


def _rounded(U):
    U *= _UNITS
    np.rint(U, out=U)
    U /= _UNITS
    return U


def _scattered(nearest, rows, columns, n):
    """Return indices, one for each of n codewords, of positions; -1 where there is none."""
    indices = np.full(n, -1)
    if len(columns):
        indices[rows] = columns[nearest]
    return indices


def _assignment(cosines, rows, columns, n):
    indices = np.full(n, -1)
    np.negative(cosines, out=cosines)
    if len(rows) > len(columns):
        j, i = linear_sum_assignment(cosines.T)
    else:
        i, j = linear_sum_assignment(cosines)
    indices[rows[i]] = columns[j]
    return indices


def _mutual(F, rows, G, columns, signed, nearest, other_nearest):
    """Pair mutual nearest neighbours, of which the first are given, until none is left."""
    indices = np.full(F.shape[0], -1)
    while len(rows) and len(columns):
        paired = other_nearest[nearest] == np.arange(len(rows))
        is_last = paired.sum() < _LEAST_PAIRED * min(len(rows), len(columns))
        indices[rows[paired]] = columns[nearest[paired]]
        rows, columns = rows[~paired], np.delete(columns, nearest[paired])
        if is_last:
            break
        nearest, other_nearest = _nearest(F, rows, G, columns, signed)
    return indices


def _cosines(F, G, partners):
    """Return the cosine of each codeword of F with its partner in G, 0 if that is -1."""
    cosines = np.zeros(len(partners))
    paired = np.flatnonzero(partners >= 0)
    for batch in _batches(F, len(paired)):
        own = paired[batch]
        U, V = _units(F, own), _units(G, partners[own])
        cosines[own] = np.einsum("ij,ij->i", U, V).clip(-1, 1)
    return cosines
