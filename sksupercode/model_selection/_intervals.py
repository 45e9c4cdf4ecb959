"""Intervals of rates whose trials come in clusters: several to a codebook."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtri


def wilson_interval(rate, n_trials, confidence=0.95):
    r"""Return the ends of Wilson's score interval of a rate.

    .. math::
        \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} +
        \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}

    with the quantile z of the normal law; n need not be whole.

    References
    ----------
    .. [1] E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
       Journal of the American Statistical Association 22, 1927.
    """
    rate, n = np.asarray(rate, dtype=float), np.asarray(n_trials, dtype=float)
    z = ndtri(min(0.5 + confidence / 2, np.nextafter(1, 0)))
    center = rate + z**2 / (2 * n)
    half = z * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    # At rates of 0 and 1 an end equals the rate, but for rounding.
    low, high = (np.clip((center + sign * half) / (1 + z**2 / n), 0, 1) for sign in (-1, 1))
    return np.minimum(low, rate), np.maximum(high, rate)


def design_effect(groups):
    r"""Estimate by how much the variance of rates exceeds that of independent trials.

    .. math::
        D = \max\Bigl(1, \frac{\sum_d v_d}{\sum_d m_d \hat p_d (1 - \hat p_d)}\Bigr), \qquad
        v_d = \frac{c_d}{c_d - 1} \sum_{i=1}^{c_d} (x_{di} - m_{di} \hat p_d)^2

    over the dimensions d with :math:`c_d \ge 2` codebooks, of which codebook i had :math:`m_{di}`
    trials, :math:`m_d` in all, and :math:`x_{di}` successes. Counts divided by D are treated as
    those of independent trials.

    Parameters
    ----------
    groups : list of pairs of arrays (n_successes, n_trials)
        For each dimension the counts of its codebooks.

    Returns
    -------
    effect : float
        D, at least 1; 1 where it cannot be estimated.

    References
    ----------
    .. [1] J. N. K. Rao and A. J. Scott, "A Simple Method for the Analysis of Clustered Binary
       Data", Biometrics 48, 1992; here with one D for all dimensions.
    """
    between = within = 0.0
    for n_successes, n_trials in groups:
        n_clusters = len(n_trials)
        if n_clusters > 1:
            rate = n_successes.sum() / n_trials.sum()
            squares = (n_successes - n_trials * rate) ** 2
            between += n_clusters / (n_clusters - 1) * squares.sum()
            within += n_trials.sum() * rate * (1 - rate)
    return max(1.0, float(between / within)) if within > 0 else 1.0
