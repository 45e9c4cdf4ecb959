"""Basis pursuit: the Donoho-Tanner phase transitions.

In the proportional limit N, k, d -> infinity with k/N and d/N fixed, basis pursuit recovers the
support with probability tending to 1 above a critical d/N and to 0 below it. The critical ratio is
the statistical dimension, per coordinate, of the descent cone of the objective.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx, ndtr

from sksupercode.theory._numerics import log_normal_pdf, map_scalars
from sksupercode.theory._validation import check_bool, check_density, check_option, check_sizes

__all__ = ["basis_pursuit_dimension", "basis_pursuit_phase_transition"]

_CONSTRAINTS = ("signed", "nonnegative", "box")


def basis_pursuit_phase_transition(density, *, constraint="nonnegative", return_threshold=False):
    r"""Critical undersampling ratio of basis pursuit.

    .. math:: \delta(\epsilon) = \min_\tau \psi(\tau), \quad
              T(\tau) = E(g - \tau)_+^2 = (1 + \tau^2) Q(\tau) - \tau \phi(\tau)

    where, with :math:`\epsilon = k/N`, the function :math:`\psi(\tau)` is

    * :math:`\epsilon (1 + \tau^2) + 2 (1 - \epsilon) T(\tau)` for "signed",
    * :math:`\epsilon (1 + \tau^2) + (1 - \epsilon) T(\tau)` for "nonnegative",
    * :math:`\epsilon [(1 + \tau^2) \Phi(\tau) + \tau \phi(\tau)] + (1 - \epsilon) T(\tau)`
      over :math:`\tau \ge 0` for "box".

    Parameters
    ----------
    density : float or array-like of float
        The fraction k/N of active codewords, in (0, 1].
    constraint : {"signed", "nonnegative", "box"}, default="nonnegative"
        What is minimised: the l1 norm of real coefficients ("signed"), the sum of nonnegative ones
        ("nonnegative"), or the sum of coefficients between 0 and 1 ("box").
    return_threshold : bool, default=False
        Whether to return the minimiser tau as well.

    Returns
    -------
    undersampling : float or ndarray of float
        The critical ratio d/N, between 0 and 1.
    threshold : float or ndarray of float
        The minimiser tau, in standard deviations of the effective noise. Only if
        ``return_threshold``.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    basis_pursuit_dimension : The critical dimension for given N and k.

    Notes
    -----
    Exact for Gaussian dictionaries, and universal over dictionaries of independent entries. For
    "signed" and "nonnegative" it equals the minimax mean squared error of soft thresholding; tau is
    the minimax threshold, and that of approximate message passing with soft thresholds [3]_. The
    box helps only dense codes: by 0.2 % at a density of 0.01, by 4 % at 0.1.

    References
    ----------
    .. [1] D. L. Donoho and J. Tanner, "Counting Faces of Randomly Projected Polytopes When the
       Projection Radically Lowers Dimension", J. Amer. Math. Soc. 22, 2009.
    .. [2] D. Amelunxen, M. Lotz, M. B. McCoy and J. A. Tropp, "Living on the Edge: Phase
       Transitions in Convex Programs With Random Data", Information and Inference 3(3), 2014.
    .. [3] D. L. Donoho, A. Maleki and A. Montanari, "Message-Passing Algorithms for Compressed
       Sensing", PNAS 106(45), 2009.

    Examples
    --------
    >>> from sksupercode.theory import basis_pursuit_phase_transition
    >>> basis_pursuit_phase_transition([0.001, 0.01, 0.1]).round(5)
    array([0.00842, 0.05222, 0.2653 ])
    """
    density = check_density(density)
    check_option(constraint, "constraint", _CONSTRAINTS)

    def at_minimum(i):
        return map_scalars(lambda e: _transition(e, 1 - e, constraint)[i], density)[()]

    if check_bool(return_threshold, "return_threshold"):
        return at_minimum(1), at_minimum(0)
    return at_minimum(1)


def basis_pursuit_dimension(n_features, n_nonzero_coefs, *, constraint="nonnegative"):
    r"""Dimension of the phase transition of basis pursuit.

    .. math:: d = N \delta(k/N)

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    constraint : {"signed", "nonnegative", "box"}, default="nonnegative"
        What is minimised, as in :func:`basis_pursuit_phase_transition`.

    Returns
    -------
    n_components : float or ndarray of float
        The critical dimension d, a real number.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    basis_pursuit_phase_transition : The function delta.
    rule_of_thumb_dimension : A rule of thumb.

    Notes
    -----
    At finite N the probability of success is about 1/2 at the critical dimension, and the
    transition is of the order of sqrt(N) wide at a fixed density. The sparse asymptotics
    :math:`d \approx 2k \ln(N/(2\sqrt{\pi} d))` for "nonnegative" is 9 % low at
    (N, k) = (2**20, 2**8).

    References
    ----------
    .. [1] D. L. Donoho and J. Tanner, "Counting Faces of Randomly Projected Polytopes When the
       Projection Radically Lowers Dimension", J. Amer. Math. Soc. 22, 2009.

    Examples
    --------
    >>> from sksupercode.theory import basis_pursuit_dimension
    >>> basis_pursuit_dimension(2**20, 2**8).round(1)
    np.float64(2705.3)
    >>> basis_pursuit_dimension(2**20, 2**8, constraint="signed").round(1)
    np.float64(2986.2)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    check_option(constraint, "constraint", _CONSTRAINTS)
    return map_scalars(lambda n, k: n * _transition(k / n, (n - k) / n, constraint)[1], n, k)[()]


def _transition(density, complement, constraint):
    """Minimiser and minimum of psi. At the minimiser psi is free of cancelling terms."""
    if complement == 0:
        return 0.0, 0.5 if constraint == "box" else 1.0
    sides = 2 if constraint == "signed" else 1
    log_ratio = np.log(density / (sides * complement))

    def slope(tau):
        # E(g - tau)_+ = phi(tau) (1 - tau Q(tau)/phi(tau)).
        mills = np.sqrt(np.pi / 2) * erfcx(tau / np.sqrt(2))
        excess = log_normal_pdf(tau) + np.log1p(-tau * mills)
        if constraint == "box":
            pull = tau * ndtr(tau) + np.exp(log_normal_pdf(tau))
        else:
            pull = tau
        return log_ratio + np.log(pull) - excess

    if constraint == "box" and density >= complement:
        tau = 0.0
    else:
        tau = brentq(slope, 1e-300, 40.0, xtol=1e-300, rtol=1e-15)
    if constraint == "box":
        return tau, density * ndtr(tau) + complement * ndtr(-tau)
    return tau, density + sides * complement * ndtr(-tau)
