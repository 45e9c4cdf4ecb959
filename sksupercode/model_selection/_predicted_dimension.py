"""The smallest dimension at which a decoder recovers a code with a given probability."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import ndtr, ndtri

from sksupercode._utils._validation import check_integer, check_real
from sksupercode.model_selection._prediction import find_predictor

_LARGEST = 10**9
# A simulated transition is fitted on this many dimensions, first wide and then close around it.
_N_POINTS = 9
_ROUNDS = (0.35, 0.15)


def predicted_dimension(
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    probability,
    noise_variance=0.0,
    n_samples=100,
    random_state=None,
):
    r"""Predict the dimension that a decoder needs for a given exact-recovery rate.

    .. math:: d(p) = \min \{ d \ge 1 : P_d(\hat y = y) \ge p \}

    with the probability of :func:`recovery_probability`.

    Parameters
    ----------
    decoder : decoder
        What reads the code; see :func:`recovery_probability`.

    n_features : int
        Number N of codewords, from 1 to 2**60.

    n_nonzero_coefs : int
        Number k of codewords in a superposition, from 1 to N.

    probability : float
        The exact-recovery rate p, in (0, 1).

    noise_variance : float, default=0.0
        Variance of the noise per coordinate of the code.

    n_samples : int, default=100
        Draws of the active codewords for each dimension that is tried, where the prediction is a
        simulation.

    random_state : int, RandomState, Generator or None, default=None
        Used where the prediction is a simulation.

    Returns
    -------
    n_components : int or float
        The dimension d; inf if no d up to 10**9 reaches the probability.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or if there is no prediction for such a decoder.

    See Also
    --------
    recovery_probability : The probability at a given d.

    Notes
    -----
    A closed form is inverted exactly, by bisection on the integers. A simulation is inverted
    through the curve ``Phi(a + b ln d)``, fitted by weighted least squares to estimates at
    dimensions around the transition; with the default ``n_samples`` the dimension is good to about
    a percent at probabilities from 0.1 to 0.9.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import predicted_dimension
    >>> decoder = TopKDecoder(RademacherEncoder())
    >>> predicted_dimension(
    ...     decoder, n_features=2**20, n_nonzero_coefs=256, probability=0.9
    ... )
    17619
    """
    predict = find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance)
    p = check_real(
        probability,
        "probability",
        minimum=0,
        maximum=1,
        min_inclusive=False,
        max_inclusive=False,
    )
    check_integer(n_samples, "n_samples", minimum=2)
    if predict.is_simulation:
        return _invert_simulation(predict, p, n_samples, random_state)
    return _smallest(lambda d: predict(d)[0] >= p)


def _smallest(reaches, resolution=0.0):
    """Return the smallest integer from which on a monotone predicate holds, up to a resolution."""
    high = 1
    while not reaches(high):
        if high == _LARGEST:
            return np.inf
        high = min(2 * high, _LARGEST)
    low = high // 2
    while high - low > max(1, resolution * high):
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _invert_simulation(predict, p, n_samples, random_state):
    rng = np.random.default_rng(_entropy(random_state))
    center = _smallest(lambda d: predict(d, rng, 8)[0] >= 0.5, resolution=0.1)
    if center == np.inf:
        return center
    points = []
    for width in _ROUNDS:
        grid = np.rint(center * np.exp(width * np.linspace(-1, 1, _N_POINTS)))
        for d in np.unique(np.maximum(grid, 1).astype(int)).tolist():
            points.append((d, *predict(d, rng, n_samples)))
        center = _fitted_dimension(points, p, center)
    return int(np.ceil(center))


def _fitted_dimension(points, p, center):
    dimensions, estimates, errors = np.array(points).T
    # A rate of 0 or 1 has a standard error of 0, but is not certain.
    errors = np.maximum(errors, 0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        (offset, slope), _ = curve_fit(
            lambda x, offset, slope: ndtr(slope * (x - offset)),
            np.log(dimensions),
            estimates,
            p0=(np.log(center), 5.0),
            sigma=errors,
            bounds=([0.0, 0.1], [np.inf, np.inf]),
        )
    return float(np.exp(offset + ndtri(p) / slope))


def _entropy(random_state):
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**32, size=4, dtype=np.uint32)
    return random_state
