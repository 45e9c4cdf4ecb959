"""Proposition 1: how coherent a random dictionary is."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._validation import (
    check_bool,
    check_n_features,
    check_probability,
    check_real,
)

__all__ = ["coherence_dimension"]


def coherence_dimension(n_features, coherence, failure_probability, *, sharp=False):
    r"""Dimension that bounds the coherence of random signs (Proposition 1 of the manuscript).

    .. math:: d = 2 \epsilon^{-2} (2 \ln N + \ln(1/p)) \implies
              P\big(\max_{i \ne j} |\langle f_i, f_j \rangle| \ge \epsilon\big) \le p

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 2 to 2**60.
    coherence : float or array-like of float
        The bound epsilon on the inner products of unit-norm codewords, in (0, 1].
    failure_probability : float or array-like of float
        The probability p that the bound fails, in (0, 1).
    sharp : bool, default=False
        Whether to count the N(N-1)/2 pairs exactly, which gives
        :math:`d = 2 \epsilon^{-2} \ln(N(N-1)/p)`.

    Returns
    -------
    n_components : float or ndarray of float
        The sufficient dimension d, a real number to be rounded up.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    topk_guarantee_dimension : A guarantee for decoding, which needs far less.

    Notes
    -----
    Rigorous for all N. An inner product is the mean of d independent signs, so that by Hoeffding's
    inequality it exceeds epsilon with probability at most :math:`2 e^{-d \epsilon^2/2}`; the rest
    is a union bound. Read backwards, d dimensions hold :math:`e^{\Omega(\epsilon^2 d)}` codewords
    of coherence epsilon.

    References
    ----------
    .. [1] W. Hoeffding, "Probability Inequalities for Sums of Bounded Random Variables", J. Amer.
       Statist. Assoc. 58, 1963.

    Examples
    --------
    >>> from sksupercode.theory import coherence_dimension
    >>> coherence_dimension(2**10, 0.1, 0.01).round(1)
    np.float64(3693.6)
    """
    n = check_n_features(n_features, 2)
    coherence = check_real(coherence, "coherence", 0, 1, closed="right")
    p = check_probability(failure_probability, "failure_probability")
    log_pairs = np.log(n) + np.log(n - 1) if check_bool(sharp, "sharp") else 2 * np.log(n)
    with np.errstate(over="ignore"):
        return (2 * (log_pairs - np.log(p)) / coherence / coherence)[()]
