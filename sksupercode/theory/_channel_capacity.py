"""The Gaussian channel: its capacity, and Propositions 2 and 3 with Corollary 1.

One of N messages is sent as a vector of d coordinates of unit variance, with Gaussian noise of
variance P on each.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import entr

from sksupercode.theory._numerics import log_normal_pdf, map_blocks
from sksupercode.theory._validation import (
    check_bool,
    check_n_features,
    check_noise_variance,
    check_option,
    check_real,
    from_nats,
)

__all__ = ["channel_capacity", "fano_dimension", "random_codebook_dimension"]


def channel_capacity(noise_variance, *, codebook="spherical", unit="bits"):
    r"""Largest rate at which random codewords pass the Gaussian channel.

    .. math::
        C(P) &= \tfrac12 \log_2(1 + 1/P) \text{ (spherical)} \\
        I(P) &= \log_2(e) \Big(\frac1P - E \ln\cosh\Big(\frac1P + \frac{g}{\sqrt P}\Big)\Big)
        \text{ (rademacher)}, \quad g \sim N(0, 1)

    Parameters
    ----------
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    codebook : {"spherical", "rademacher"}, default="spherical"
        The law of the codewords: uniform on the sphere, which no code surpasses, or random signs.
    unit : {"bits", "nats"}, default="bits"
        The unit of the information.

    Returns
    -------
    capacity : float or ndarray of float
        The rate, in that unit per dimension. Random signs carry at most 1 bit.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    random_codebook_dimension : The dimension at this rate.

    Notes
    -----
    The cost 1/C in dimensions per nat equals 2P + 1 - O(1/P) and always lies between 2P and 2P + 1.
    Random signs cost 3 % more at P = 1, and less than 0.3 % more beyond P = 3.

    I is the mutual information of a random sign and its noisy observation. Above P = 4 it is
    evaluated as half the integral of the minimum mean squared error over the signal-to-noise ratio
    [2]_, which has no cancelling terms.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of Error for Optimal Codes in a Gaussian Channel", Bell
       Syst. Tech. J. 38, 1959.
    .. [2] D. Guo, S. Shamai and S. Verdu, "Mutual Information and Minimum Mean-Square Error in
       Gaussian Channels", IEEE Trans. Inf. Theory 51(4), 2005.

    Examples
    --------
    >>> from sksupercode.theory import channel_capacity
    >>> channel_capacity([1, 16]).round(4)
    array([0.5   , 0.0437])
    >>> channel_capacity([1, 16], codebook="rademacher").round(4)
    array([0.4859, 0.0437])
    """
    noise_variance = check_noise_variance(noise_variance, positive=True)
    check_option(codebook, "codebook", ("spherical", "rademacher"))
    if codebook == "spherical":
        return from_nats(0.5 * _log1p_inverse(noise_variance), unit)[()]
    return from_nats(map_blocks(_bpsk_information, noise_variance), unit)[()]


def _log1p_inverse(noise_variance):
    """ln(1 + 1/P) for any positive P."""
    return np.logaddexp(0.0, -np.log(noise_variance))


def _bpsk_information(noise_variance):
    g, spacing = np.linspace(-13, 13, 2001, retstep=True)
    weight = np.exp(log_normal_pdf(g)) * spacing
    # Beyond a signal-to-noise ratio of 200 the information is ln 2 to double precision.
    snr = 1 / np.maximum(noise_variance, 0.005)[:, None]
    x = snr + np.sqrt(snr) * g
    direct = np.log(2) - (np.logaddexp(0, -2 * x) * weight).sum(axis=-1)
    node, node_weight = np.polynomial.legendre.leggauss(16)
    weak = 1 / np.maximum(noise_variance, 4.0)
    gamma = weak[:, None, None] * (node[:, None] + 1) / 2
    error = (weight / np.cosh(gamma + np.sqrt(gamma) * g) ** 2).sum(axis=-1)
    return np.where(noise_variance > 4, weak / 4 * (error * node_weight).sum(axis=-1), direct)


def fano_dimension(n_features, noise_variance, failure_probability, *, tight=False):
    """Dimension that any code needs by Fano's inequality (Proposition 2 of the manuscript).

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
    random_codebook_dimension : What suffices, and below what success tends to 0.

    Notes
    -----
    Holds for every N, every decoder and every code whose coordinates have at most unit variance
    over the messages.

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
    if check_bool(tight, "tight"):
        information = np.log(n) - (entr(p) + entr(1 - p)) - p * np.log(n - 1)
    else:
        information = (1 - p) * np.log(n) - np.log(2)
    return (2 * information / _log1p_inverse(noise_variance))[()]


def random_codebook_dimension(n_features, noise_variance, margin=0.0, *, codebook="spherical"):
    r"""Dimension at which a random codebook begins to succeed (Proposition 3 of the manuscript).

    .. math:: d = (1/C(P) + \epsilon) \ln N

    with the capacity C of :func:`channel_capacity` in nats per dimension.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of messages N, from 1 to 2**60.
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    margin : float or array-like of float, default=0.0
        The margin epsilon in dimensions per nat, above -1/C.
    codebook : {"spherical", "rademacher"}, default="spherical"
        The law of the codewords.

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
    fano_dimension : A necessary dimension for every N.
    spherical_codebook_success_probability : The success at finite size.

    Notes
    -----
    Asymptotic, with P fixed and the codeword of largest inner product chosen. With a positive
    margin the probability of success tends to 1 as N grows. With a negative one it tends to 0, and
    so it does below the dimension of the spherical codebook for all codes of bounded power,
    :math:`|F(y)|^2 \le d` for every y (Corollary 1). Under a bound on the power averaged over y
    alone it need not. A simple sufficient dimension is :math:`(2P + 1 + \epsilon) \ln N`.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of Error for Optimal Codes in a Gaussian Channel", Bell
       Syst. Tech. J. 38, 1959.
    .. [2] K. Yoshihara, "Simple Proofs for the Strong Converse Theorems in Some Channels", Kodai
       Math. Sem. Rep. 16, 1964.
    .. [3] Y. Polyanskiy, H. V. Poor and S. Verdu, "Channel Coding Rate in the Finite Blocklength
       Regime", IEEE Trans. Inf. Theory 56(5), 2010.

    Examples
    --------
    >>> from sksupercode.theory import random_codebook_dimension
    >>> random_codebook_dimension(2**20, 1.0, [-0.1, 0, 0.1]).round(2)
    array([38.61, 40.  , 41.39])
    >>> random_codebook_dimension(2**20, 1.0, 0.1, codebook="rademacher").round(2)
    np.float64(42.54)
    """
    n = check_n_features(n_features)
    slope = 1 / channel_capacity(noise_variance, codebook=codebook, unit="nats")
    margin = check_real(margin, "margin", -np.inf, np.inf, closed="neither")
    if np.any(margin <= -slope):
        raise ValueError(
            f"margin must be a number above -1/C; got {np.min(margin)} where that is "
            f"{-np.min(slope)}."
        )
    return ((slope + margin) * np.log(n))[()]
