"""Proposition 2 and Corollary 1: the converse for codes over the Gaussian channel.

One of N messages is sent as a vector of d coordinates of unit variance, with Gaussian noise of
variance P on each.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import entr

from sksupercode.theory._validation import (
    check_n_features,
    check_noise_variance,
    check_real,
)

__all__ = [
    "average_power_success_limit",
    "fano_dimension",
    "fano_success_limit",
    "gaussian_dimensions_per_nat",
    "strong_converse_dimension",
]


def log1p_inverse(noise_variance):
    """ln(1 + 1/P) for any positive P."""
    return np.logaddexp(0.0, -np.log(noise_variance))


def fano_dimension(n_features, noise_variance, failure_probability, *, tight=False):
    """Dimension that any code needs by Fano's inequality (Proposition 2).

    .. math:: d \\ge \\frac{2 ((1 - p) \\ln N - \\ln 2)}{\\ln(1 + 1/P)}

    Parameters
    ----------
    n_features : int or array-like of int
        Number of messages N, from 2 to 2**60.
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of at most unit variance; positive.
    failure_probability : float or array-like of float
        The probability p of a wrong decision, in [0, 1].
    tight : bool, default=False
        Whether to keep the terms that Fano's inequality usually drops, which gives
        :math:`2 (\\ln N - h(p) - p \\ln(N-1))/\\ln(1 + 1/P)` with the binary entropy h in nats.

    Returns
    -------
    n_components : float or ndarray of float
        The necessary dimension d, a real number; where it is negative it says nothing.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    strong_converse_dimension : Below which the success tends to 0.

    Notes
    -----
    Holds for every N and every code whose coordinates have at most unit variance over the
    messages, for whatever decoder.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006,
       theorems 2.10.1 and 9.1.1.

    Examples
    --------
    >>> from sksupercode.theory import fano_dimension
    >>> fano_dimension(2**10, 1.0, 0.01).round(2)
    np.float64(17.8)
    >>> fano_dimension(2**10, 1.0, 0.01, tight=True).round(2)
    np.float64(19.64)
    """
    n = check_n_features(n_features, 2)
    noise_variance = check_noise_variance(noise_variance, positive=True)
    p = check_real(failure_probability, "failure_probability", 0, 1)
    if tight:
        information = np.log(n) - (entr(p) + entr(1 - p)) - p * np.log(n - 1)
    else:
        information = (1 - p) * np.log(n) - np.log(2)
    return (2 * information / log1p_inverse(noise_variance))[()]


def gaussian_dimensions_per_nat(noise_variance):
    """Cost in dimensions per nat at the capacity of the Gaussian channel.

    .. math:: \\frac{2}{\\ln(1 + 1/P)}

    Parameters
    ----------
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.

    Returns
    -------
    cost : float or ndarray of float
        The cost in dimensions per nat.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    rademacher_dimensions_per_nat : The cost with a Rademacher codebook.

    Notes
    -----
    It equals 2P + 1 - O(1/P) and always lies between 2P and 2P + 1.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of Error for Optimal Codes in a Gaussian Channel", Bell
       Syst. Tech. J. 38, 1959.

    Examples
    --------
    >>> from sksupercode.theory import gaussian_dimensions_per_nat
    >>> gaussian_dimensions_per_nat([1, 16]).round(3)
    array([ 2.885, 32.99 ])
    """
    return (2 / log1p_inverse(check_noise_variance(noise_variance, positive=True)))[()]


def strong_converse_dimension(n_features, noise_variance, margin):
    """Dimension below the capacity of the Gaussian channel (Corollary 1).

    .. math:: d = \\Big(\\frac{2}{\\ln(1 + 1/P)} - \\epsilon\\Big) \\ln N

    Parameters
    ----------
    n_features : int or array-like of int
        Number of messages N, from 1 to 2**60.
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit power; positive.
    margin : float or array-like of float
        The margin epsilon in dimensions per nat, at least 0 and less than
        :func:`gaussian_dimensions_per_nat`.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    average_power_success_limit : Why the power of every codeword must be bounded.

    Notes
    -----
    Asymptotic. In at most so many dimensions and with a positive margin, the probability of
    success tends to 0 as N grows, for codes of bounded power, :math:`|F(y)|^2 \\le d` for every y,
    as it is for Rademacher and spherical codebooks. Under a bound on the power averaged over y
    alone the statement is false.

    References
    ----------
    .. [1] K. Yoshihara, "Simple Proofs for the Strong Converse Theorems in Some Channels", Kodai
       Math. Sem. Rep. 16, 1964.
    .. [2] Y. Polyanskiy, H. V. Poor and S. Verdu, "Channel Coding Rate in the Finite Blocklength
       Regime", IEEE Trans. Inf. Theory 56(5), 2010.

    Examples
    --------
    >>> from sksupercode.theory import strong_converse_dimension
    >>> strong_converse_dimension(2**20, 1.0, 0.1).round(2)
    np.float64(38.61)
    """
    n = check_n_features(n_features)
    return (_slope_below_capacity(noise_variance, margin)[1] * np.log(n))[()]


def fano_success_limit(noise_variance, margin):
    """Limit that Fano's inequality sets to the success below capacity.

    .. math:: \\limsup P(\\text{success}) \\le 1 - \\tfrac{\\epsilon}{2} \\ln(1 + 1/P)

    Parameters
    ----------
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    margin : float or array-like of float
        The margin epsilon in dimensions per nat, at least 0 and less than
        :func:`gaussian_dimensions_per_nat`.

    Returns
    -------
    probability : float or ndarray of float
        The bound on the limit of the probability of success as N grows.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    average_power_success_limit : A success that is attained.

    Notes
    -----
    This is all that Proposition 2 implies in the dimension :func:`strong_converse_dimension`; it
    is not 0.

    Examples
    --------
    >>> from sksupercode.theory import fano_success_limit
    >>> fano_success_limit(1.0, 0.1).round(4)
    np.float64(0.9653)
    """
    noise_variance, slope = _slope_below_capacity(noise_variance, margin)
    return (0.5 * slope * log1p_inverse(noise_variance))[()]


def average_power_success_limit(noise_variance, margin):
    """Success below capacity of a code whose power is bounded only on average.

    .. math:: q^* = \\frac{1}{P (e^{2/c} - 1)}, \\quad c = \\frac{2}{\\ln(1 + 1/P)} - \\epsilon

    Parameters
    ----------
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    margin : float or array-like of float
        The margin epsilon in dimensions per nat, at least 0 and less than
        :func:`gaussian_dimensions_per_nat`.

    Returns
    -------
    probability : float or ndarray of float
        The limit of the probability of success as N grows.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    strong_converse_dimension : The dimension it refers to.

    Notes
    -----
    A counter-example to Corollary 1 as printed: send a fraction q of the messages with a spherical
    code of power 1/q per coordinate, and all others as 0. Every coordinate has unit variance, and
    the former are decoded reliably whenever q < q*.

    References
    ----------
    .. [1] W. Yang, G. Caire, G. Durisi and Y. Polyanskiy, "Optimum Power Control at Finite
       Blocklength", IEEE Trans. Inf. Theory 61(9), 2015.

    Examples
    --------
    >>> from sksupercode.theory import average_power_success_limit
    >>> average_power_success_limit(1.0, 0.1).round(4)
    np.float64(0.952)
    """
    noise_variance, slope = _slope_below_capacity(noise_variance, margin)
    # 1/(e**a - 1) = e**-a / (1 - e**-a), which does not overflow.
    decay = np.exp(-2 / slope - np.log(noise_variance)) / -np.expm1(-2 / slope)
    return np.minimum(decay, 1.0)[()]


def _slope_below_capacity(noise_variance, margin):
    noise_variance = check_noise_variance(noise_variance, positive=True)
    slope = 2 / log1p_inverse(noise_variance)
    margin = check_real(margin, "margin", 0, np.inf, closed="left")
    if np.any(margin >= slope):
        raise ValueError(
            f"margin must be a number in [0, 2/ln(1 + 1/noise_variance)); got {np.max(margin)} "
            f"where the limit is {np.min(slope)}."
        )
    return noise_variance, slope - margin
