"""Proposition 3: what random codebooks achieve over the Gaussian channel.

One of N messages is sent as a codeword of norm sqrt(d), noise of variance P is added to each
coordinate, and the codeword of largest inner product is chosen.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._channel_capacity import gaussian_dimensions_per_nat
from sksupercode.theory._numerics import log_normal_pdf, map_blocks
from sksupercode.theory._validation import (
    check_n_features,
    check_noise_variance,
    check_option,
    check_real,
)

__all__ = [
    "bpsk_information_nats",
    "printed_random_codebook_dimension",
    "printed_random_codebook_min_margin",
    "rademacher_dimensions_per_nat",
    "random_codebook_dimension",
]


def random_codebook_dimension(n_features, noise_variance, margin, *, codebook="spherical"):
    """Dimension that suffices for a random codebook (Proposition 3, corrected).

    .. math:: d = (c(P) + \\epsilon) \\ln N

    with :math:`c = 2/\\ln(1 + 1/P)` for codewords uniform on the sphere, and one over
    :func:`bpsk_information_nats` for codewords of random signs.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of messages N, from 1 to 2**60.
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    margin : float or array-like of float
        The margin epsilon in dimensions per nat, at least 0.
    codebook : {"spherical", "rademacher"}, default="spherical"
        The law of the codewords.

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
    strong_converse_dimension : The matching converse.
    spherical_codebook_success_probability : The success at finite size.

    Notes
    -----
    Asymptotic: with a positive margin the probability of success tends to 1 as N grows, for fixed
    P. For the spherical codebook the constant is the best of any code. As
    :math:`2/\\ln(1 + 1/P) \\le 2P + 1`, a simple sufficient dimension is
    :math:`(2P + 1 + \\epsilon) \\ln N`.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of Error for Optimal Codes in a Gaussian Channel", Bell
       Syst. Tech. J. 38, 1959.

    Examples
    --------
    >>> from sksupercode.theory import random_codebook_dimension
    >>> random_codebook_dimension(2**20, 1.0, 0.1).round(2)
    np.float64(41.39)
    >>> random_codebook_dimension(2**20, 1.0, 0.1, codebook="rademacher").round(2)
    np.float64(42.54)
    """
    n = check_n_features(n_features)
    margin = check_real(margin, "margin", 0, np.inf, closed="left")
    check_option(codebook, "codebook", ("spherical", "rademacher"))
    if codebook == "spherical":
        slope = gaussian_dimensions_per_nat(noise_variance)
    else:
        slope = rademacher_dimensions_per_nat(noise_variance)
    return ((slope + margin) * np.log(n))[()]


def printed_random_codebook_dimension(n_features, noise_variance, margin):
    """Dimension of Proposition 3 as it is printed, for large noise only.

    .. math:: d = (2 + \\epsilon) P \\ln N

    Parameters
    ----------
    n_features : int or array-like of int
        Number of messages N, from 1 to 2**60.
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    margin : float or array-like of float
        The relative margin epsilon, at least 0.

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
    random_codebook_dimension : The corrected statement.
    printed_random_codebook_min_margin : Where the printed one is valid.

    Notes
    -----
    Sufficient only for margins above :func:`printed_random_codebook_min_margin`, which tends to 0
    as 1/P. Below, the success tends to 0 by the strong converse.

    Examples
    --------
    >>> from sksupercode.theory import printed_random_codebook_dimension
    >>> printed_random_codebook_dimension(2**20, 1.0, 0.5).round(2)
    np.float64(34.66)
    """
    n = check_n_features(n_features)
    noise_variance = check_noise_variance(noise_variance, positive=True)
    margin = check_real(margin, "margin", 0, np.inf, closed="left")
    return ((2 + margin) * noise_variance * np.log(n))[()]


def printed_random_codebook_min_margin(noise_variance):
    """Smallest margin for which Proposition 3 holds as it is printed.

    .. math:: \\epsilon_{\\min}(P) = \\frac{2}{P \\ln(1 + 1/P)} - 2

    Parameters
    ----------
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.

    Returns
    -------
    margin : float or ndarray of float
        The relative margin, without a unit; about 1/P for large P.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    printed_random_codebook_dimension : The statement it refers to.

    Examples
    --------
    >>> from sksupercode.theory import printed_random_codebook_min_margin
    >>> printed_random_codebook_min_margin([1, 16]).round(3)
    array([0.885, 0.062])
    """
    noise_variance = check_noise_variance(noise_variance, positive=True)
    x = 1 / np.maximum(noise_variance, 100.0)
    series = x * (1 - x * (1 / 6 - x * (1 / 12 - x * (19 / 360 - x * (3 / 80 - x * 863 / 30240)))))
    direct = gaussian_dimensions_per_nat(noise_variance) / noise_variance - 2
    return np.where(noise_variance > 100, series, direct)[()]


def bpsk_information_nats(noise_variance):
    """Mutual information of a random sign and its noisy observation.

    .. math:: I(P) = \\frac1P - E \\ln\\cosh\\Big(\\frac1P + \\frac{g}{\\sqrt P}\\Big),
              \\quad g \\sim N(0, 1)

    Parameters
    ----------
    noise_variance : float or array-like of float
        Noise variance P, for signs of unit variance; positive.

    Returns
    -------
    information : float or ndarray of float
        The information in nats, between 0 and ln 2.

    Raises
    ------
    ValueError
        If the parameter is outside its range.

    See Also
    --------
    rademacher_dimensions_per_nat : Its inverse.

    Notes
    -----
    Above P = 4 it is evaluated as half the integral of the minimum mean squared error over the
    signal-to-noise ratio, which has no cancelling terms.

    References
    ----------
    .. [1] D. Guo, S. Shamai and S. Verdu, "Mutual Information and Minimum Mean-Square Error in
       Gaussian Channels", IEEE Trans. Inf. Theory 51(4), 2005.

    Examples
    --------
    >>> from sksupercode.theory import bpsk_information_nats
    >>> bpsk_information_nats([1, 16]).round(4)
    array([0.3368, 0.0303])
    """
    noise_variance = check_noise_variance(noise_variance, positive=True)
    return map_blocks(_bpsk_information, noise_variance)[()]


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


def rademacher_dimensions_per_nat(noise_variance):
    """Cost in dimensions per nat of a codebook of random signs.

    .. math:: 1/I(P)

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
    bpsk_information_nats : The information I.
    gaussian_dimensions_per_nat : The cost with the best codebook.

    Notes
    -----
    3 % above the best codebook at P = 1, and less than 0.3 % above it beyond P = 3.

    Examples
    --------
    >>> from sksupercode.theory import rademacher_dimensions_per_nat
    >>> rademacher_dimensions_per_nat([1, 16]).round(3)
    array([ 2.969, 32.991])
    """
    return 1 / bpsk_information_nats(noise_variance)
