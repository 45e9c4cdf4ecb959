"""The smallest dimension at which a decoder recovers a code with a given probability."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import contextmanager

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import ndtr, ndtri

from sksupercode import theory
from sksupercode._utils._progress import track
from sksupercode._utils._validation import check_generator, check_integer
from sksupercode._utils._warnings import warn
from sksupercode.model_selection._cells import check_fraction
from sksupercode.model_selection._prediction import find_predictor
from sksupercode.model_selection._transition import guess_transition

_LARGEST = 10**9
# Signs of the active codewords in one draw.
_LARGEST_SIMULATION = 2**29
# A simulated transition is found by so many looks with so many draws each, and fitted so often
# where rates above the wanted dimension are still too low.
_N_LOOKS, _N_DRAWS = 4, 6
_N_FITS = 4
# It is fitted where rates differ by this from the wanted one, in deviations of the normal law,
# with as many draws as give ln d this standard error.
_SPREAD = np.array([-0.75, -0.25, 0.25, 0.75])
_ERROR = 0.003
# Signs of active codewords that take some two seconds, all together.
_LONG = 3e7


def predicted_dimension(
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    probability=0.9,
    noise_variance=0.0,
    relative=False,
    n_samples=100,
    random_state=None,
    verbose=False,
):
    r"""Predict the dimension that a decoder needs for a given exact-recovery rate.

    .. math:: d(p) = \min \{ d \ge 1 : P_d(\hat y = y) \ge p \}

    with the probability of :func:`recovery_probability`.

    Parameters
    ----------
    decoder : decoder
        The decoder; see :func:`recovery_probability`.

    n_features : int
        Number N of codewords, from 1 to 2**60.

    n_nonzero_coefs : int
        Number k of codewords in a superposition, from 1 to N.

    probability : float, default=0.9
        The exact-recovery rate p, in (0, 1).

    noise_variance : float or array-like of float, default=0.0
        Variance of the noise per coordinate of the code, or its ratio to the code's power.

    relative : bool, default=False
        Whether ``noise_variance`` is in units of the power k/d per coordinate, that is 1/SNR.

    n_samples : int, default=100
        Draws of the active codewords for each of four dimensions, at most, where the prediction is
        a simulation. Steep transitions take fewer.

    random_state : int, RandomState, Generator or None, default=None
        Used where the prediction is a simulation.

    verbose : bool, default=False
        Whether to show that a simulation goes on; needs rich. It takes a second or two for some ten
        codewords, and a minute for a thousand. Without it a warning says when it takes long.

    Returns
    -------
    n_components : int, float or ndarray
        The dimension d; inf if no d up to 10**9 reaches the probability. For an array of
        ``noise_variance`` an array of float in its shape.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or if there is no prediction for such a decoder.

    Warns
    -----
    UserWarning
        If no d reaches the probability: codewords have norm 1 in any dimension, and their inner
        products with noise of a given variance per coordinate have that variance. Or if a
        simulation has more to do than some two seconds allow, by the number of its operations.

    See Also
    --------
    recovery_probability : The probability at a given d.
    predicted_n_nonzero_coefs : The largest k for a given d.

    Notes
    -----
    A closed form is inverted exactly, by bisection on the integers. A simulation is inverted
    through the curve ``Phi(a + b ln d)``, fitted by weighted least squares to estimates at
    four dimensions around the wanted rate; with the default ``n_samples`` the dimension is good to
    about a percent.

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
    predict = find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance, relative)
    p = check_fraction(probability, "probability")
    check_integer(n_samples, "n_samples", minimum=2)
    rng = check_generator(random_state) if predict.is_simulation else None
    dimensions, work = [], 0
    for noise in predict.noise_variance.ravel().tolist():
        if not predict.is_simulation:
            dimensions.append(_smallest(lambda d, noise=noise: predict(d, noise)[0] >= p))
            continue
        steps = _invert_simulation(predict, noise, p, n_samples, rng)
        for n_signs, dimension in track(steps, "Prediction", None, verbose):
            earlier, work = work, work + n_signs
            if earlier <= _LONG < work and not verbose:
                warn(
                    f"predicted_dimension simulates {predict.n_nonzero_coefs} codewords, which "
                    "takes long: verbose=True shows progress, and fewer n_samples take less."
                )
            if dimension is not None:
                dimensions.append(dimension)
    _warn_of_none(predict, p, np.isinf(dimensions))
    if np.ndim(predict.noise_variance) == 0:
        return dimensions[0]
    return np.array(dimensions, dtype=float).reshape(predict.noise_variance.shape)


def _warn_of_none(predict, p, is_none):
    """Warn where no dimension is enough, and say why."""
    if not is_none.any():
        return
    noise = predict.noise_variance.ravel()[is_none].min()
    asked = f"No dimension was found that gives an exact-recovery rate of {p:g}"
    if noise > 0 and not predict.relative:
        warn(
            f"{asked} with a noise_variance of {noise:g} or more: n_components is inf. Codewords "
            "have norm 1, and their inner products with the noise have its variance in any "
            "dimension; relative=True takes noise_variance in units of the code's power."
        )
    else:
        warn(f"{asked}: n_components is inf.")


@contextmanager
def without_warning_of_none():
    """Be silent where no dimension is enough: the caller tells it in its own way."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No dimension", UserWarning)
        yield


def _smallest(reaches):
    """Return the smallest integer from which on a monotone predicate holds."""
    high = 1
    while not reaches(high):
        if high == _LARGEST:
            return np.inf
        high = min(2 * high, _LARGEST)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _invert_simulation(predict, noise, p, n_samples, rng):
    """Yield the signs to draw before each step of the simulation, and the dimension at the end."""
    k, points, deviations = predict.n_nonzero_coefs, [], []
    n_looks = int(np.clip(2000 // k, 2, _N_DRAWS))
    bits = max(1, round(float(theory.entropy(predict.n_features, k))))
    largest = _LARGEST_SIMULATION // k
    if noise > 0 and not predict.relative:
        # From there on the noise is nearly all that there is.
        largest = min(largest, max(16 * bits, 100 * k / noise))

    def look(d):
        rate, error = predict(d, noise, rng, n_looks)
        points.append((d, n_looks * float(rate), n_looks))
        deviations.append(float(error) * np.sqrt(n_looks))

    d = bits
    yield n_looks * k * d, None
    look(d)
    step = 2 if points[0][1] < n_looks / 2 else 0.5
    while (points[-1][1] < n_looks / 2) == (step == 2) and d > 1:
        d = int(d * step)
        if d > largest:
            yield 0, np.inf
            return
        yield n_looks * k * d, None
        look(d)
    for _ in range(_N_LOOKS):
        center, _, slope = guess_transition(points, 0.5)
        d = max(1, round(np.exp(center)))
        yield n_looks * k * d, None
        look(d)
    for _ in range(_N_FITS):
        center, _, slope = guess_transition(points, p)
        # The law has the slope b phi(0) or less.
        deviation = max(deviations[-_N_LOOKS:]) / (0.4 * slope * _ERROR)
        n_draws = int(np.clip(deviation**2 / len(_SPREAD), 2, n_samples))
        estimates = []
        dimensions = np.clip(np.rint(np.exp(center + _SPREAD / slope)), 1, largest).astype(int)
        for d in np.unique(dimensions).tolist():
            yield n_draws * k * d, None
            estimates.append((d, *predict(d, noise, rng, n_draws)))
        rates = np.array([rate for _, rate, _ in estimates])
        if rates[len(rates) // 2 :].mean() >= p:
            yield 0, max(1, int(np.ceil(_fitted_dimension(estimates, p, np.exp(center)))))
            return
        # Even those above the guess are too few: the curve is less steep, or ends below p.
        points += [(d, n_draws * rate, n_draws) for d, rate, _ in estimates]
    yield 0, np.inf


def _fitted_dimension(points, p, center):
    dimensions, estimates, errors = np.array(points).T
    # A rate of 0 or 1 has a standard error of 0, but is not certain.
    errors = np.maximum(errors, 0.01)
    with warnings.catch_warnings():
        # Where all rates are 0 or 1 there is no slope to tell.
        warnings.simplefilter("ignore", OptimizeWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        (offset, slope), _ = curve_fit(
            lambda x, offset, slope: ndtr(slope * (x - offset)),
            np.log(dimensions),
            estimates,
            p0=(max(np.log(center), 0.0), 5.0),
            sigma=errors,
            bounds=([0.0, 0.1], [np.inf, np.inf]),
        )
    return float(np.exp(offset + ndtri(p) / slope))
