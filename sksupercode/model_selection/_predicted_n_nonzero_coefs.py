"""The largest number of codewords that a decoder recovers with a given probability."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_generator, check_integer
from sksupercode.model_selection._cells import check_fraction
from sksupercode.model_selection._prediction import find_predictor

# The fewest codewords that a closed form is of; there are simulations of fewer, or nothing.
_STARTS = {"threshold": 3, "top_k": 3, "amp": 4}
# A few draws tell where a simulated rate is far from the wanted one: by so many standard errors,
# which are no smaller than this, whatever they say.
_FAR, _LEAST_ERROR = 4, 0.02
# Draws times k, few ones and many: the more codewords, the steeper is the transition.
_FEW, _MANY = 2000, 20000
# The part of k to which a simulation is looked at.
_RESOLUTION = 0.003


def predicted_n_nonzero_coefs(
    decoder,
    *,
    n_features,
    n_components,
    probability=0.9,
    noise_variance=0.0,
    relative=False,
    n_samples=100,
    random_state=None,
):
    r"""Predict how many codewords d dimensions hold for a given exact-recovery rate.

    .. math:: k(p) = \max \{ k \le (N + 1) / 2 : P_k(\hat y = y) \ge p \}

    with the probability of :func:`recovery_probability` at k of N codewords and d dimensions.

    Parameters
    ----------
    decoder : decoder
        The decoder, without ``n_nonzero_coefs`` of its own; see :func:`recovery_probability`.

    n_features : int
        Number N of codewords, from 1 to 2**60.

    n_components : int or array-like of int
        Dimension d of the code, from 1 to 10**9.

    probability : float, default=0.9
        The exact-recovery rate p, in (0, 1).

    noise_variance : float or array-like of float, default=0.0
        Variance of the noise per coordinate of the code, or its ratio to the code's power.

    relative : bool, default=False
        Whether ``noise_variance`` is in units of the power k/d per coordinate, that is 1/SNR.

    n_samples : int, default=100
        Draws of the active codewords for each k near the wanted one, at most, where the prediction
        is a simulation. Steep transitions take fewer.

    random_state : int, RandomState, Generator or None, default=None
        Used where the prediction is a simulation.

    Returns
    -------
    n_nonzero_coefs : int or ndarray of int
        The number k, 0 if there is none; in the shape that ``n_components`` and ``noise_variance``
        broadcast to.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or if there is no prediction for such a decoder, or
        none for so few codewords as it recovers: the law of ``AMPDecoder`` is of 4 or more.

    See Also
    --------
    predicted_dimension : The smallest d for a given k.
    recovery_probability : The probability at given k and d.

    Notes
    -----
    k is doubled until the rate is less than p, and found by bisection on the integers. Where
    most codewords are active, codes may be recovered again, at k = N because there is only one:
    these are left out. A simulation estimates the rate at each step; k is then good to a percent or
    two. It takes seconds for some ten codewords, and minutes for a thousand.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import predicted_dimension, predicted_n_nonzero_coefs
    >>> decoder = TopKDecoder(RademacherEncoder())
    >>> predicted_n_nonzero_coefs(decoder, n_features=16384, n_components=768)
    18
    >>> [predicted_dimension(decoder, n_features=16384, n_nonzero_coefs=k) for k in (18, 19)]
    [744, 793]
    """
    N = check_integer(n_features, "n_features", minimum=1)
    own = getattr(decoder, "n_nonzero_coefs", None)
    if own is not None:
        raise ValueError(
            f"decoder must have n_nonzero_coefs=None, as k is what is looked for, got {own!r}."
        )
    p = check_fraction(probability, "probability")
    check_integer(n_samples, "n_samples", minimum=2)
    most = (N + 1) // 2
    start = min(_STARTS.get(getattr(decoder, "_recovery_law", None), 1), most)
    predict = find_predictor(decoder, N, start, noise_variance, relative)
    rng = check_generator(random_state)

    def find(d, noise):
        d = check_integer(d, "n_components", minimum=1, maximum=10**9)

        def reaches(k):
            return _reaches(find_predictor(decoder, N, k, noise, relative), d, p, n_samples, rng)

        if reaches(start):
            return _largest(reaches, start, most, _RESOLUTION if predict.is_simulation else 0)
        return next((k for k in range(start - 1, 0, -1) if reaches(k)), 0)

    grid = np.broadcast_arrays(np.asarray(n_components, dtype=object), predict.noise_variance)
    found = [find(*pair) for pair in zip(*(part.ravel().tolist() for part in grid), strict=True)]
    return found[0] if grid[0].ndim == 0 else np.array(found, dtype=int).reshape(grid[0].shape)


def _reaches(predict, d, p, n_samples, rng):
    noise = float(predict.noise_variance)
    if not predict.is_simulation:
        return predict(d, noise)[0] >= p
    k = predict.n_nonzero_coefs
    few, many = np.clip([_FEW // k, _MANY // k], 2, [6, n_samples]).tolist()
    rate, error = predict(d, noise, rng, min(few, many))
    if abs(rate - p) < _FAR * max(error, _LEAST_ERROR):
        rate, _ = predict(d, noise, rng, many)
    return rate >= p


def _largest(reaches, low, most, resolution):
    """Return the largest integer, at most ``most``, for which a monotone predicate holds.

    It holds for ``low``. The result may be less by a part of ``resolution``.
    """
    high = 2 * low
    while high <= most and reaches(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > max(1, resolution * low):
        middle = (low + high) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle)
    return low
