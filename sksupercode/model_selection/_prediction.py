"""How probable it is that a decoder recovers a code, without decoding any."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.frozen import FrozenEstimator

from sksupercode import theory
from sksupercode._utils._validation import check_integer, check_real
from sksupercode.decoders import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.encoders import RademacherEncoder


def recovery_probability(
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    n_components,
    noise_variance=0.0,
    n_samples=200,
    random_state=None,
):
    r"""Predict the exact-recovery rate of a decoder on superpositions of random signs.

    .. math:: P(\hat y = y), \qquad x = F^T y + z, \quad z \sim N(0, \sigma^2 I_d)

    over the draw of the k-sparse y, of the Rademacher codebook F and of the noise z.

    Parameters
    ----------
    decoder : decoder
        What reads the code; fitted or not, it is not changed. Its ``dictionary`` is a
        :class:`~sksupercode.RademacherEncoder`, of which only the kind matters.

    n_features : int
        Number N of codewords, from 1 to 2**60.

    n_nonzero_coefs : int
        Number k of codewords in a superposition, from 1 to N.

    n_components : int or array-like of int
        Dimension d of the code, from 1 to 10**9.

    noise_variance : float, default=0.0
        Variance sigma^2 of the noise per coordinate of the code.

    n_samples : int, default=200
        Draws of the active codewords for each d, where the prediction is a simulation.

    random_state : int, RandomState, Generator or None, default=None
        Used where the prediction is a simulation.

    Returns
    -------
    probability : float or ndarray of float
        The predicted exact-recovery rate, in the shape of ``n_components``.

    standard_error : float or ndarray of float
        Standard error of a simulation; 0 for a closed form.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or if there is no prediction for such a decoder: other
        codebooks and values, a power allocation, sections, a covariance estimator, ``tol`` of a
        pursuit, basis pursuit with noise.

    See Also
    --------
    predicted_dimension : The smallest d for a given probability.

    Notes
    -----
    ==========================  ====================================================================
    decoder                     prediction
    ==========================  ====================================================================
    ``ThresholdDecoder``        closed form for k >= 3 (refined Gaussian), simulation below
    ``TopKDecoder``             closed form for k >= 3 (refined Gaussian), simulation below
    ``MatchingPursuitDecoder``  simulation of the k active codewords alone, at a cost that does not
                                depend on N
    ``BasisPursuitDecoder``     closed form, a normal approximation; without noise only
    ``AMPDecoder``              closed form, a normal approximation, for k >= 4
    ==========================  ====================================================================

    The refined Gaussian forms are within about 0.03 of the truth, from k = 3 on, and that of
    ``AMPDecoder`` within about 0.08, or with noise 0.1; its dimension for a rate of 1/2 is within 3
    percent.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import recovery_probability
    >>> decoder = TopKDecoder(RademacherEncoder())
    >>> probability, standard_error = recovery_probability(
    ...     decoder, n_features=2**20, n_nonzero_coefs=256, n_components=[15000, 18000]
    ... )
    >>> probability.round(2), standard_error
    (array([0.51, 0.92]), array([0., 0.]))
    """
    predict = find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance)
    check_integer(n_samples, "n_samples", minimum=2)
    n_components = np.asarray(n_components)
    pairs = [predict(d, random_state, n_samples) for d in n_components.ravel().tolist()]
    probability, error = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return probability.reshape(n_components.shape)[()], error.reshape(n_components.shape)[()]


def find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance):
    """Return the function ``(d, random_state, n_samples) -> (probability, standard error)``.

    Its attribute ``is_simulation`` tells whether it makes use of the last two.
    """
    n_features = check_integer(n_features, "n_features", minimum=1)
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=n_features)
    noise = check_real(
        noise_variance, "noise_variance", minimum=0, maximum=np.inf, max_inclusive=False
    )
    _require_predictable(decoder, k)
    for cls, choose in _PREDICTORS.items():
        if isinstance(decoder, cls):
            return choose(decoder, n_features, k, noise)
    raise ValueError(f"there is no prediction for decoder={type(decoder).__name__}(...).")


def _refuse(decoder, reason):
    raise ValueError(f"{type(decoder).__name__} cannot be predicted: {reason}.")


def _require_predictable(decoder, k):
    source = getattr(decoder, "dictionary", None)
    source = source.estimator if isinstance(source, FrozenEstimator) else source
    if not isinstance(source, RademacherEncoder):
        _refuse(decoder, "its dictionary is not a RademacherEncoder")
    if source.power_allocation is not None:
        _refuse(decoder, "the theory is of codewords of one length, and power_allocation is given")
    if decoder.values not in ("auto", "binary"):
        _refuse(decoder, f"the theory is of binary values, and values={decoder.values!r}")
    if decoder.n_nonzero_coefs not in (None, k):
        _refuse(decoder, f"its n_nonzero_coefs={decoder.n_nonzero_coefs!r} is not the code's {k}")
    if getattr(decoder, "sections", False):
        _refuse(decoder, "the theory is of arbitrary supports, and sections=True")
    if getattr(decoder, "covariance_estimator", None) is not None:
        _refuse(decoder, "its covariance_estimator is learned from data")
    if getattr(decoder, "tol", None) is not None or getattr(decoder, "noise_std", None) is not None:
        _refuse(decoder, "with tol or noise_std the number of steps is not known")
    if getattr(decoder, "noise_tol", None) is not None:
        _refuse(decoder, "there is no theory for noise_tol")


def _closed_form(function):
    def predict(n_components, random_state=None, n_samples=None):
        return float(function(n_components)), 0.0

    predict.is_simulation = False
    return predict


def _simulation(function):
    def predict(n_components, random_state, n_samples):
        return function(n_components, n_samples=n_samples, random_state=random_state)

    predict.is_simulation = True
    return predict


def _threshold(decoder, n_features, k, noise):
    if k >= 3:
        return _closed_form(
            lambda d: theory.threshold_success_probability(
                n_features, k, d, decoder.threshold, noise, approximation="refined"
            )
        )
    return _simulation(
        lambda d, **options: theory.threshold_active_only(
            n_features, k, d, decoder.threshold, noise, **options
        )
    )


def _top_k(decoder, n_features, k, noise):
    if k >= 3:
        return _closed_form(
            lambda d: theory.topk_success_probability(
                n_features, k, d, noise, approximation="refined"
            )
        )
    # The exact laws for k <= 2 count every tie as a failure; a decoder wins some of them.
    return _simulation(
        lambda d, **options: theory.topk_active_only(n_features, k, d, noise, **options)
    )


def _matching_pursuit(decoder, n_features, k, noise):
    return _simulation(
        lambda d, **options: theory.matching_pursuit_active_only(n_features, k, d, noise, **options)
    )


def _basis_pursuit(decoder, n_features, k, noise):
    if noise > 0:
        _refuse(decoder, "there is no law for it with noise; recovery_curve measures it")
    return _closed_form(lambda d: theory.basis_pursuit_success_probability(n_features, k, d))


def _amp(decoder, n_features, k, noise):
    if k < 4:
        _refuse(decoder, "the normal approximation is for 4 codewords or more")
    return _closed_form(lambda d: theory.amp_success_probability(n_features, k, d, noise))


_PREDICTORS = {
    ThresholdDecoder: _threshold,
    TopKDecoder: _top_k,
    MatchingPursuitDecoder: _matching_pursuit,
    BasisPursuitDecoder: _basis_pursuit,
    AMPDecoder: _amp,
}
