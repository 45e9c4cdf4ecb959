r"""What to expect of the geometry of N random codewords in d dimensions.

Inner products of independent directions f and g, uniform on the sphere, have the law

.. math::
    P(|\langle f, g \rangle| \ge t) = I_{1 - t^2}\big(\tfrac{d-1}{2}, \tfrac12\big), \qquad
    E \langle f, g \rangle^2 = \frac1d,

with I the regularised incomplete beta function. Random signs have the same mean square, and lighter
tails. The inner products of different pairs are uncorrelated, so that their means vary as if all
were independent. So, nearly, does the largest.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import beta, betaincinv
from scipy.stats import binom

from sksupercode.theory._validation import (
    MAX_N_COMPONENTS,
    MAX_N_FEATURES,
    check_integer,
    check_n_components,
    check_n_features,
    check_option,
    check_real,
)

__all__ = [
    "marchenko_pastur_quantile",
    "random_coherence",
    "random_cosine_density",
    "random_effective_rank",
    "random_mean_absolute_cosine",
    "random_mean_square_deviation",
]


def random_coherence(n_pairs, n_components, *, codewords="spherical"):
    r"""Median of the coherence of random codewords, the largest absolute cosine of all pairs.

    .. math:: P(|\langle f, g \rangle| \ge \mu) = 1 - 2^{-1 / n}, \qquad n = N (N - 1) / 2

    Parameters
    ----------
    n_pairs : int or array-like of int
        Number n of pairs of codewords, from 1 to 2**62.
    n_components : int or array-like of int
        Dimension d of the codewords.
    codewords : {"spherical", "rademacher"}, default="spherical"
        Whether codewords are random directions or random signs.

    Returns
    -------
    coherence : float or ndarray of float
        The median mu, from 0 to 1.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    coherence_dimension : The dimension that bounds the coherence of random signs.

    References
    ----------
    .. [1] T. Cai and T. Jiang, "Phase transition in limiting distributions of coherence of
       high-dimensional random matrices", Journal of Multivariate Analysis 107, 2012.

    Examples
    --------
    >>> from sksupercode.theory import random_coherence
    >>> random_coherence(2048 * 2047 // 2, 384).round(4)
    np.float64(0.2566)
    """
    n = check_integer(n_pairs, "n_pairs", 1, 2**62)
    d = check_n_components(n_components, whole=True)
    check_option(codewords, "codewords", ("spherical", "rademacher"))
    tail = -np.expm1(-np.log(2) / n)
    if codewords == "rademacher":
        return (2 * binom.isf(tail / 2, d, 0.5) / d - 1)[()]
    half = np.maximum(d - 1, 1) / 2
    return np.where(d == 1, 1.0, np.sqrt(1 - betaincinv(half, 0.5, tail)))[()]


def random_mean_absolute_cosine(n_components):
    r"""Mean of the absolute cosine of two random directions.

    .. math:: E |\langle f, g \rangle|
        = \frac{\Gamma(d / 2)}{\sqrt\pi \, \Gamma((d + 1) / 2)} \approx \sqrt{2 / (\pi d)}

    Parameters
    ----------
    n_components : int or array-like of int
        Dimension d of the codewords.

    Returns
    -------
    mean : float or ndarray of float
        The mean, from 0 to 1.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    random_cosine_density : The law that this is a moment of.

    Examples
    --------
    >>> from sksupercode.theory import random_mean_absolute_cosine
    >>> random_mean_absolute_cosine([1, 3, 384]).round(4)
    array([1.    , 0.5   , 0.0407])
    """
    d = check_n_components(n_components, whole=True)
    return (beta(d / 2, 0.5) / np.pi)[()]


def random_mean_square_deviation(n_features, n_components):
    r"""Standard deviation of the mean squared cosine of N random directions, over their draws.

    .. math:: \sigma^2 = \frac{2 (d - 1)}{d^2 (d + 2)} \Big/ \frac{N (N - 1)}{2}

    Parameters
    ----------
    n_features : int or array-like of int
        Number N of codewords, from 2 to 2**60.
    n_components : int or array-like of int
        Dimension d of the codewords.

    Returns
    -------
    deviation : float or ndarray of float
        The standard deviation, beside a mean of 1/d.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    A squared cosine has the beta law of parameters 1/2 and (d - 1)/2. Those of two pairs are
    uncorrelated, also where the pairs have a codeword in common.

    Examples
    --------
    >>> from sksupercode.theory import random_mean_square_deviation
    >>> f"{random_mean_square_deviation(2048, 384):.2e}"
    '2.53e-06'
    """
    n = check_n_features(n_features, 2).astype(np.float64)
    d = check_n_components(n_components)
    return (2 / d * np.sqrt((d - 1) / (d + 2) / n / (n - 1)))[()]


def random_cosine_density(cosine, n_components):
    r"""Density of the cosine of two random directions.

    .. math:: p(t) = (1 - t^2)^{(d - 3) / 2} \big/ B\big(\tfrac{d-1}{2}, \tfrac12\big)

    Parameters
    ----------
    cosine : float or array-like of float
        Cosines t, in (-1, 1).
    n_components : int or array-like of int
        Dimension d, at least 2.

    Returns
    -------
    density : float or ndarray of float
        The density at t.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> from sksupercode.theory import random_cosine_density
    >>> random_cosine_density(0.3, 3).round(3)
    np.float64(0.5)
    """
    t = check_real(cosine, "cosine", -1, 1, closed="neither")
    d = check_integer(n_components, "n_components", 2, 10**9)
    return (np.exp((d - 3) / 2 * np.log1p(-np.square(t))) / beta((d - 1) / 2, 0.5))[()]


def marchenko_pastur_quantile(probability, n_features, n_components):
    r"""Quantiles of the eigenvalues, but 0, of the Gram matrix of random codewords.

    .. math::
        p(x) \propto \frac{\sqrt{(b - x)(x - a)}}{x}, \qquad
        a, b = \Big(1 \mp \sqrt{N / d}\Big)^2

    Parameters
    ----------
    probability : float or array-like of float
        From 0, which gives the lower edge a, to 1, which gives the upper edge b.
    n_features : int
        Number N of codewords.
    n_components : int
        Dimension d of the codewords.

    Returns
    -------
    eigenvalue : float or ndarray of float
        The quantiles of the law of Marchenko and Pastur.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    In the angle of :math:`x = (a + b) / 2 - (b - a) / 2 \cos\theta` the density is smooth; it is
    summed at 4,096 midpoints.

    References
    ----------
    .. [1] V. A. Marchenko and L. A. Pastur, "Distribution of eigenvalues for some sets of random
       matrices", Mathematics of the USSR-Sbornik 1(4), 1967.

    Examples
    --------
    >>> from sksupercode.theory import marchenko_pastur_quantile
    >>> marchenko_pastur_quantile([0, 0.5, 1], 2048, 384).round(2)
    array([ 1.71,  5.  , 10.95])
    """
    p = check_real(probability, "probability", 0, 1)
    n = check_integer(n_features, "n_features", 1, MAX_N_FEATURES, scalar=True)
    d = check_integer(n_components, "n_components", 1, MAX_N_COMPONENTS, scalar=True)
    low, high = (np.square(1 + sign * np.sqrt(n / d)) for sign in (-1, 1))
    angles = np.pi * (np.arange(4096) + 0.5) / 4096
    x = (low + high) / 2 - (high - low) / 2 * np.cos(angles)
    masses = np.square(np.sin(angles)) / x
    below = (np.cumsum(masses) - masses / 2) / masses.sum()
    return np.interp(p, [0, *below, 1], [low, *x, high])[()]


def random_effective_rank(n_features, n_components):
    r"""Effective rank to expect of N random codewords of any law.

    .. math:: m \exp(-m / 2M), \qquad m = \min(N, d), \; M = \max(N, d)

    That is the exponential of the mean entropy of the eigenvalues of the Gram matrix.

    Parameters
    ----------
    n_features : int or array-like of int
        Number N of codewords.
    n_components : int or array-like of int
        Dimension d of the codewords.

    Returns
    -------
    rank : float or ndarray of float
        From 1 to min(N, d), for sizes that are not small.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    References
    ----------
    .. [1] D. N. Page, "Average entropy of a subsystem", Physical Review Letters 71, 1993.
    .. [2] O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality",
       EUSIPCO, 2007.

    Examples
    --------
    >>> from sksupercode.theory import random_effective_rank
    >>> random_effective_rank(2048, 384).round(1)
    np.float64(349.6)
    """
    n, d = check_n_features(n_features), check_n_components(n_components)
    small, large = np.minimum(n, d), np.maximum(n, d)
    return (small * np.exp(-small / (2 * large)))[()]
