"""Basis pursuit at finite size: the width of its phase transition."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtr

from sksupercode.theory._convex import _transition
from sksupercode.theory._numerics import log_normal_pdf, map_scalars
from sksupercode.theory._validation import check_n_components, check_option, check_sizes

__all__ = ["basis_pursuit_success_probability"]


def basis_pursuit_success_probability(
    n_features, n_nonzero_coefs, n_components, *, constraint="nonnegative"
):
    r"""Approximate the probability of exact recovery by basis pursuit.

    .. math::
        P &\approx \Phi\left(\frac{d + 1 + b - N \delta(k/N)}{\sigma}\right), \\
        \sigma^2 &= k \operatorname{Var} (g - \tau)^2
        + c (N - k) \operatorname{Var} (g - \tau)_+^2 - 2 N \delta, \\
        b &= \frac{k + (N - k) \operatorname{Var}[(g - \tau)_+]}{k + c (N - k) Q(\tau)}

    with g standard normal, tau the soft threshold at the phase transition, and c = 2 for "signed",
    1 for "nonnegative". The variance of c copies of a half-sided term is that of the two-sided one.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_components : float or array-like of float
        Dimension d of the code, from 1 to 10**9.
    constraint : {"signed", "nonnegative"}, default="nonnegative"
        What is minimised, as in :func:`basis_pursuit_phase_transition`.

    Returns
    -------
    probability : float or ndarray of float
        The probability of success, without noise.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    basis_pursuit_dimension : The centre of the transition for large N.

    Notes
    -----
    Recovery is the event that the kernel of the dictionary misses the descent cone of the
    objective. By the conic kinematic formula its probability is a distribution function of the
    cone's intrinsic volumes, which are nearly normal, with the statistical dimension as their mean
    and sigma as their standard deviation. The 1 is the correction for their being integers, of one
    parity; b is how far the mean over g of the minimum over tau lies below the minimum over tau of
    the mean.

    Measured with 150 to 200 linear programs a point, at (N, k) = (400, 10) and (1024, 8), it is
    within 0.09 of the measured rate throughout the transition. It is exact for Gaussian
    dictionaries in the limit, and not meant for the far tails. Random signs in few dimensions
    repeat codewords, which Gaussian ones never do: for N = 1000, k = 1 and d = 10 it is 0.82, and
    0.64 of 200 codes were recovered.

    References
    ----------
    .. [1] L. Goldstein, I. Nourdin and G. Peccati, "Gaussian Phase Transitions and Conic Intrinsic
       Volumes: Steining the Steiner Formula", Ann. Appl. Probab. 27(1), 2017.
    .. [2] D. Amelunxen, M. Lotz, M. B. McCoy and J. A. Tropp, "Living on the Edge: Phase
       Transitions in Convex Programs With Random Data", Information and Inference 3(3), 2014.

    Examples
    --------
    >>> from sksupercode.theory import basis_pursuit_success_probability
    >>> basis_pursuit_success_probability(1024, 8, [34, 44, 54]).round(2)
    array([0.09, 0.57, 0.95])
    """
    check_option(constraint, "constraint", ("nonnegative", "signed"))
    n, k = check_sizes(n_features, n_nonzero_coefs)
    d = check_n_components(n_components)
    active, inactive = k.astype(np.float64), (n - k).astype(np.float64)
    tau = map_scalars(lambda e: _transition(e, 1 - e, constraint)[0], active / n)
    sides = 2 if constraint == "signed" else 1
    first, second, fourth = _excess_moments(tau)
    mean = active * (1 + tau**2) + sides * inactive * second
    variance = active * (2 + 4 * tau**2) - 2 * mean
    variance += inactive * (sides * fourth - (sides * second) ** 2)
    # Twice the signed excess is an odd function of g: its mean is 0.
    spread = sides * second - (first**2 if sides == 1 else 0.0)
    bias = (active + inactive * spread) / (active + sides * inactive * ndtr(-tau))
    # Where k = N the transition has no width.
    deviation = np.sqrt(np.where(k == n, 1.0, np.maximum(variance, 1e-300)))
    smooth = ndtr((d + 1 + bias - mean) / deviation)
    return np.where(k == n, np.where(d >= n, 1.0, 0.0), smooth)[()]


def _excess_moments(tau):
    """E(g - tau)_+^p for p = 1, 2, 4."""
    density, tail = np.exp(log_normal_pdf(tau)), ndtr(-tau)
    first = density - tau * tail
    second = (1 + tau**2) * tail - tau * density
    fourth = (tau**4 + 6 * tau**2 + 3) * tail - (tau**3 + 5 * tau) * density
    return first, second, fourth
