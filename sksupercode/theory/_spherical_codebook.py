"""Exact success of a random spherical codebook over the Gaussian channel."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import betainc, log_ndtr, xlog1py

from sksupercode.theory._entropy import stirling_remainder
from sksupercode.theory._numerics import log_normal_pdf, log_sum, map_blocks, peak_grid
from sksupercode.theory._validation import (
    check_n_components,
    check_n_features,
    check_noise_variance,
    check_output,
)

__all__ = ["spherical_codebook_success_probability"]


def spherical_codebook_success_probability(
    n_features, noise_variance, n_components, *, output="success"
):
    r"""Probability that a spherical codebook is decoded.

    .. math:: P = E[(1 - t(T))^{N-1}], \quad
              T = \frac{\sqrt d + \sqrt P g}{\sqrt{(\sqrt d + \sqrt P g)^2 + P c}}, \quad
              t(x) = \tfrac12 I_{1 - x^2}\big(\tfrac{d-1}{2}, \tfrac12\big)

    for x >= 0 and 1 - t(-x) below, with g standard normal and c chi-squared of d - 1 degrees of
    freedom.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of messages N, from 1 to 2**60.
    noise_variance : float or array-like of float
        Noise variance P per coordinate, for a signal of unit variance; positive.
    n_components : int or array-like of int
        Dimension d of the code, a whole number from 1 to 10**9.
    output : {"success", "failure", "log"}, default="success"
        What is returned: the probability P of success; 1 - P, accurate where P rounds to 1; or
        ln P, finite where P underflows.

    Returns
    -------
    probability : float or ndarray of float
        The probability that ``output`` names, or its natural logarithm.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    random_codebook_dimension : The dimension for large N.

    Notes
    -----
    Exact for every N and d: T is the cosine of the angle between the received vector and the
    codeword that was sent, and t the chance that another codeword lies closer. In one dimension,
    where the codewords are -1 and 1, equal codewords are failures.

    References
    ----------
    .. [1] C. E. Shannon, "Probability of Error for Optimal Codes in a Gaussian Channel", Bell
       Syst. Tech. J. 38, 1959.

    Examples
    --------
    >>> from sksupercode.theory import spherical_codebook_success_probability
    >>> spherical_codebook_success_probability(1024, 1.0, [16, 24]).round(4)
    array([0.5252, 0.8365])
    >>> spherical_codebook_success_probability(2**60, 16.0, 100, output="log").round(2)
    np.float64(-25.36)
    """
    check_output(output)
    n = check_n_features(n_features)
    noise_variance = check_noise_variance(noise_variance, positive=True)
    d = check_n_components(n_components, whole=True)
    log_p = map_blocks(_log_success, n - 1, noise_variance, d, block=8)
    if output == "failure":
        return -np.expm1(log_p)[()]
    return (log_p if output == "log" else np.exp(log_p))[()]


def _log_success(others, noise_variance, d):
    """The expectation over y = artanh T, whose density is an integral over the chi variable."""
    freedom = np.maximum(d - 1, 1)[:, None]
    # Any smaller noise leaves the same probability, 1 to double precision.
    a = np.sqrt(d[:, None] / np.maximum(noise_variance[:, None], 1e-100))

    center = np.arcsinh(a / np.sqrt(freedom))[:, 0]

    def integral(rows, failure):
        low, high = center[rows] - 60, center[rows] + 60

        def log_density(y):
            log_p = others[rows, None] * _log_cdf_cosine(y, freedom[rows])
            with np.errstate(divide="ignore"):
                log_p = np.log(-np.expm1(log_p)) if failure else log_p
            return _log_density_artanh(y, a[rows], freedom[rows]) + log_p

        return log_sum(peak_grid(log_density, low, high, n_points=200)[1])

    values = integral(slice(None), failure=False)
    near_one = np.flatnonzero(values > -0.5)
    if near_one.size:
        failures = np.exp(np.minimum(integral(near_one, failure=True), -0.5))
        values[near_one] = np.log1p(-failures)
    one_dimension = log_ndtr(a[:, 0]) - others * np.log(2)
    return np.where(others == 0, 0.0, np.where(d > 1, values, one_dimension))


def _log_cdf_cosine(y, freedom):
    """ln P(C <= tanh y) for the cosine C between random directions."""
    # 1 - tanh(y)**2, without cancellation and without overflow.
    squared_sine = 1 / np.cosh(np.minimum(np.abs(y), 350)) ** 2
    tail = 0.5 * betainc(freedom / 2, 0.5, squared_sine)
    return np.where(y >= 0, xlog1py(1, -tail), np.log(np.maximum(tail, 1e-320)))


def _log_density_artanh(y, a, freedom):
    """Log-density of y = artanh T, where sinh y = (a + g)/chi.

    It is integrated over v = ln(chi/sqrt(freedom)). As a function of v the integrand has a known
    peak, and bounds on its decay on both sides fix the range.
    """
    s = np.sqrt(freedom) * np.sinh(y)
    order = freedom + 1
    norm = freedom + s * s
    root = np.hypot(a * s, 2 * np.sqrt(order * norm))
    w = np.where(s < 0, 2 * order / (root + np.abs(a * s)), (a * s + root) / (2 * norm))
    # The peak in terms of g, from the stationarity condition, as s w - a would cancel.
    positive = np.where(s > 0, s * w, 1.0)
    g_peak = np.where(s > 0, (order - freedom * w * w) / positive, s * w - a)
    pull = np.sqrt(90 / np.maximum(a * s * w, 1e-30))
    width = np.sqrt(90 / order)
    left = np.where(pull < 0.9, -np.log1p(-np.minimum(pull, 0.9)), np.inf)
    left = np.minimum(left, width + 45 / order)
    right = np.minimum(np.log1p(pull), width)
    x = -left[..., None] + (left + right)[..., None] * np.linspace(0, 1, 160)
    v = np.log(w)[..., None] + x
    g = g_peak[..., None] + (s * w)[..., None] * np.expm1(x)
    exponent = v - freedom[..., None] / 2 * (np.expm1(2 * v) - 2 * v) + log_normal_pdf(g)
    half = freedom / 2
    log_constant = np.log(2) + 0.5 * np.log(half / (2 * np.pi)) - stirling_remainder(half)
    log_constant = log_constant + 0.5 * np.log(freedom) + np.log(np.cosh(y))
    return log_sum(exponent) + np.log((left + right) / 159) + log_constant
