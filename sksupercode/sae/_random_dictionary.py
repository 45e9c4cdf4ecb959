r"""What to expect of N codewords drawn at random in d dimensions.

Inner products of independent directions f and g, uniform on the sphere, have the law

.. math::
    P(|\langle f, g \rangle| \ge t) = I_{1 - t^2}\big(\tfrac{d-1}{2}, \tfrac12\big), \qquad
    E \langle f, g \rangle^2 = \frac1d,

with I the regularised incomplete beta function. Random signs have the same mean square, and lighter
tails. Those of different pairs are uncorrelated, so that means over pairs vary as if all were
independent; so, nearly, does the largest [1]_.

References
----------
.. [1] T. Cai and T. Jiang, "Phase transition in limiting distributions of coherence of
   high-dimensional random matrices", Journal of Multivariate Analysis 107, 2012.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import beta, betaincinv
from scipy.stats import binom


def spherical_coherence(n_pairs, n_components):
    """Return the median of the largest absolute cosine of so many pairs of random directions."""
    if n_components == 1:
        return 1.0
    tail = -np.expm1(-np.log(2) / n_pairs)
    return float(np.sqrt(1 - betaincinv((n_components - 1) / 2, 0.5, tail)))


def rademacher_coherence(n_pairs, n_components):
    """Return the median of the largest absolute cosine of so many pairs of random signs."""
    tail = -np.expm1(-np.log(2) / n_pairs)
    n_equal = binom.isf(tail / 2, n_components, 0.5)
    return float(2 * n_equal / n_components - 1)


def mean_square_deviation(n_features, n_components):
    """Return the standard deviation of the mean squared cosine of N random directions."""
    n_pairs = n_features * (n_features - 1) / 2
    d = n_components
    return float(np.sqrt(2 * (d - 1) / (d**2 * (d + 2)) / n_pairs))


def cosine_density(t, n_components):
    """Return the density of the cosine of two random directions, in two dimensions or more."""
    power = (n_components - 3) / 2
    return np.exp(power * np.log1p(-np.square(t))) / beta((n_components - 1) / 2, 0.5)


def marchenko_pastur_edges(n_features, n_components):
    r"""Return where eigenvalues of F^T F other than 0 lie, ``(1 -+ sqrt(N / d))^2``."""
    ratio = np.sqrt(n_features / n_components)
    return float((1 - ratio) ** 2), float((1 + ratio) ** 2)


def marchenko_pastur_quantiles(n_features, n_components, probabilities):
    r"""Return quantiles of the eigenvalues of F^T F other than 0.

    Their density between the edges a and b is proportional to :math:`\sqrt{(b - x)(x - a)} / x`; in
    the angle :math:`x = (a + b) / 2 - (b - a) / 2 \cos\theta` it is smooth.

    Parameters
    ----------
    n_features : int
        Number N of codewords.

    n_components : int
        Number d of dimensions.

    probabilities : ndarray of shape (n_quantiles,)
        From 0 to 1.

    Returns
    -------
    quantiles : ndarray of shape (n_quantiles,)
        Eigenvalues.

    References
    ----------
    .. [1] V. A. Marchenko and L. A. Pastur, "Distribution of eigenvalues for some sets of random
       matrices", Mathematics of the USSR-Sbornik 1(4), 1967.
    """
    low, high = marchenko_pastur_edges(n_features, n_components)
    # Midpoints, since the density may be infinite at 0.
    angles = np.pi * (np.arange(4096) + 0.5) / 4096
    x = (low + high) / 2 - (high - low) / 2 * np.cos(angles)
    masses = np.square(np.sin(angles)) / x
    return np.interp(probabilities, (np.cumsum(masses) - masses / 2) / masses.sum(), x)


def effective_rank(n_features, n_components):
    r"""Return the effective rank to expect, ``m exp(-m / (2 n))``, m and n being d and N in order.

    That is the exponential of the mean entropy of the eigenvalues [1]_.

    Parameters
    ----------
    n_features : int
        Number N of codewords.

    n_components : int
        Number d of dimensions.

    Returns
    -------
    rank : float
        From 1 to min(N, d).

    References
    ----------
    .. [1] D. N. Page, "Average entropy of a subsystem", Physical Review Letters 71, 1993.
    """
    small, large = sorted((n_features, n_components))
    return float(small * np.exp(-small / (2 * large)))
