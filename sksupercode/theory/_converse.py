"""Proposition 4: what decoding in one step cannot do."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from sksupercode.theory._numerics import map_scalars
from sksupercode.theory._validation import check_sizes

__all__ = ["threshold_converse_dimension"]


def threshold_converse_dimension(n_features, n_nonzero_coefs):
    r"""Dimension below which no threshold decodes reliably (Proposition 4 of the manuscript).

    .. math:: d = C_k k \ln N, \quad C_k = \frac{1}{k I_k}, \quad
              I_k = \sup_\lambda \{\lambda - E \ln\cosh(\lambda W_k)\},

    with :math:`W_k` the sum of k independent signs.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    one_step_dimension : The dimension that suffices.

    Notes
    -----
    Asymptotic: for d at most a constant fraction below 1 of it, k = o(N) and N large enough, the
    probability of exact recovery is below 1/2 for any threshold. With a threshold above 1,
    all k active scores must exceed their common mean 1, around which they are symmetric; with one
    of at most 1, some of the N - k inactive scores exceed it.

    :math:`C_k` is :math:`1/\ln 2` for k = 1 and 2 and increases to 2, the constant of a Gaussian
    dictionary. It is sharp for fixed k; with k = N^eta the sharp one is :func:`one_step_constant`.

    References
    ----------
    .. [1] A. Dembo and O. Zeitouni, "Large Deviations Techniques and Applications", 2nd ed., 1998,
       theorem 2.2.3 (Cramer).

    Examples
    --------
    >>> from sksupercode.theory import threshold_converse_dimension
    >>> threshold_converse_dimension(2**20, [1, 8, 256]).round(1)
    array([  20. ,  208.6, 7084. ])
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return (map_scalars(_converse_constant, k) * k * np.log(n))[()]


def _converse_constant(k):
    if k <= 2:
        return 1 / np.log(2)
    if k <= 2000:
        heads = np.arange(k + 1)
        log_pmf = gammaln(k + 1) - gammaln(heads + 1) - gammaln(k - heads + 1) - k * np.log(2)
        pmf, w = np.exp(log_pmf), np.abs(2.0 * heads - k) / k

        def slope(m):
            return 1 - k * (pmf * w * np.tanh(m * w)).sum()

        def value(m):
            log_cosh = m * w + np.log1p(np.exp(-2 * m * w)) - np.log(2)
            return m - k * (pmf * log_cosh).sum()

    else:
        # E ln cosh(m W/k) by its power series: E W**j/k**(j/2) up to the eighth moment.
        r = 1 / k
        fourth = (3 - 2 * r) * r
        sixth = (15 - 30 * r + 16 * r * r) * r * r
        eighth = (105 - 420 * r + 588 * r * r - 272 * r**3) * r**3

        def slope(m):
            return 1 - m + fourth * m**3 / 3 - sixth * m**5 * 2 / 15 + eighth * m**7 * 17 / 315

        def value(m):
            series = fourth * m**4 / 12 - sixth * m**6 / 45 + eighth * m**8 * 17 / 2520
            return m - m * m / 2 + series

    high = 1.0
    while slope(high) > 0:
        high *= 1.5
    return 1 / value(brentq(slope, 0.5, high, xtol=1e-14, rtol=1e-14))
