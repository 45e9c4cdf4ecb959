"""Limits that no decoder of a noiseless code passes, and that exhaustive search reaches."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import entr, gammaln

from sksupercode.theory._entropy import entropy, log_binomial, stirling_remainder
from sksupercode.theory._numerics import log_sum, map_scalars
from sksupercode.theory._validation import check_probability, check_sizes

__all__ = ["counting_dimension", "unique_decoding_dimension"]


def counting_dimension(n_features, n_nonzero_coefs):
    r"""Dimension that any decoder of a noiseless Rademacher code needs, by counting.

    .. math:: d \ge \log_2 \binom{N}{k} \Big/ h_k, \quad
              h_k = H(\mathrm{Bin}(k, \tfrac12))
              = \tfrac12 \log_2(\pi e k/2) + O(k^{-2}) \text{ bits}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The necessary dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    unique_decoding_dimension : A matching sufficient dimension.

    Notes
    -----
    Rigorous for decoding without error: each coordinate of the code is a scaled and shifted
    binomial variable and holds at most its entropy. With a probability p of error the
    numerator is at least :math:`(1 - p) \log_2 \binom{N}{k} - 1`, by Fano's inequality. It is
    about :math:`2k \ln(N/k)/\ln k`, far less than one dimension per bit. Dictionaries of real
    entries, in exact arithmetic, have no such limit.

    References
    ----------
    .. [1] O. Gebhard, M. Hahn-Klimroth, D. Kaaser and P. Loick, "Quantitative Group Testing in the
       Sublinear Regime", arXiv:1905.01458, 2019.

    Examples
    --------
    >>> from sksupercode.theory import counting_dimension
    >>> counting_dimension(2**20, 2**8).round(1)
    np.float64(680.8)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return entropy(n, k) / map_scalars(_binomial_entropy_bits, k)


def _binomial_entropy_bits(k):
    """Entropy of one coordinate of a Rademacher code without noise."""
    if k > 2000:
        nats = 0.5 * np.log(np.pi * np.e * k / 2) - 1 / (12 * k**2) - 1 / (6 * k**3)
        return nats / np.log(2)
    heads = np.arange(k + 1)
    log_pmf = gammaln(k + 1) - gammaln(heads + 1) - gammaln(k - heads + 1) - k * np.log(2)
    return entr(np.exp(log_pmf)).sum() / np.log(2)


def unique_decoding_dimension(n_features, n_nonzero_coefs, failure_probability):
    r"""Dimension in which a noiseless Rademacher code is decodable without ambiguity.

    .. math:: \sum_{j=1}^k \binom{k}{j} \binom{N-k}{j}
              \Big[\binom{2j}{j} 4^{-j}\Big]^d = p

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    failure_probability : float or array-like of float
        The probability p that another support has the same code, in (0, 1).

    Returns
    -------
    n_components : float or ndarray of float
        The sufficient dimension d, a real number to be rounded up; 0 for k = N.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    counting_dimension : A necessary dimension.

    Notes
    -----
    Rigorous: the sum is the expected number of other supports with the same code, those that
    differ in j codewords having all d differences of two binomial variables at 0. It concerns
    exhaustive search; nothing is said about the effort. Above k = 2**16 the sum over large j is
    taken as an integral around its peak.

    References
    ----------
    .. [1] O. Gebhard, M. Hahn-Klimroth, D. Kaaser and P. Loick, "Quantitative Group Testing in the
       Sublinear Regime", arXiv:1905.01458, 2019.

    Examples
    --------
    >>> from sksupercode.theory import unique_decoding_dimension
    >>> unique_decoding_dimension(2**20, 2**8, 0.1).round(1)
    np.float64(712.6)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    p = check_probability(failure_probability, "failure_probability")
    return map_scalars(_unique_decoding, n, k, p)[()]


def _unique_decoding(n, k, p):
    # The sum is symmetric in k and N - k.
    k, rest = min(k, n - k), max(k, n - k)
    if k == 0:
        return 0.0
    j = np.arange(1.0, min(k, 2**16) + 1)
    log_pairs, log_match = _pair_terms(j, k, rest)

    def excess(d):
        head = log_sum(log_pairs + d * log_match)
        tail = _sum_around_peak(d, k, rest, j[-1]) if k > j[-1] else -np.inf
        return np.logaddexp(head, tail) - np.log(p)

    if excess(0.0) <= 0:
        return 0.0
    high = 2.0
    while excess(high) > 0:
        high *= 2
    return brentq(excess, 0.0 if high == 2.0 else high / 2, high, xtol=1e-13, rtol=1e-14)


def _pair_terms(j, k, rest):
    """ln[C(k, j) C(N-k, j)] and ln[C(2j, j)/4**j]."""
    log_pairs = log_binomial(k, j, k - j) + log_binomial(rest, j, rest - j)
    log_match = stirling_remainder(2 * j) - 2 * stirling_remainder(j) - 0.5 * np.log(np.pi * j)
    return log_pairs, log_match


def _sum_around_peak(d, k, rest, start):
    """Sum over j > start, on integers that are consecutive at the peak and sparser far from it."""

    def log_term(j):
        log_pairs, log_match = _pair_terms(j, k, rest)
        return log_pairs + d * log_match

    # The ends of the range can be local maxima too: first find the right neighbourhood.
    coarse = np.linspace(np.log(start + 1), np.log(k), 500)
    best = np.argmax(log_term(np.minimum(np.exp(coarse), k)))
    bounds = coarse[max(best - 1, 0)], coarse[min(best + 1, 499)]
    peak = minimize_scalar(
        lambda x: -log_term(min(np.exp(x), k)),
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-10},
    ).x
    step = np.unique(np.round(np.geomspace(1, k, 4000)))
    j = np.round(np.exp(peak)) + np.concatenate((-step[::-1], [0.0], step))
    j = np.unique(np.clip(j, start + 1, k))
    edges = np.concatenate(([j[0] - 0.5], (j[1:] + j[:-1]) / 2, [j[-1] + 0.5]))
    with np.errstate(divide="ignore"):
        return log_sum(log_term(j) + np.log(np.diff(edges)))
