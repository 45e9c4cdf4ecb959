"""How probable it is that a decoder recovers a code, without decoding any."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import clone

from sksupercode import theory
from sksupercode._utils._threads import single_blas_thread
from sksupercode._utils._validation import check_bool, check_integer, check_real, unfrozen
from sksupercode.channels import GaussianChannel
from sksupercode.decoders import AMPDecoder, OrthogonalMatchingPursuitDecoder
from sksupercode.encoders import BaseEncoder, RademacherEncoder
from sksupercode.model_selection._cells import require_estimator


def recovery_probability(
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    n_components,
    noise_variance=0.0,
    relative=False,
    n_samples=200,
    random_state=None,
):
    r"""Predict the exact-recovery rate of a decoder on superpositions of random signs.

    .. math:: P(\hat y = y), \qquad x = F^T y + z, \quad z \sim N(0, \sigma^2 I_d)

    over the draw of the k-sparse y, of the Rademacher codebook F and of the noise z.

    Parameters
    ----------
    decoder : decoder
        The decoder, fitted or not, which is not changed. Its ``dictionary`` is a
        :class:`~sksupercode.RademacherEncoder`, of which only the kind matters.

    n_features : int
        Number N of codewords, from 1 to 2**60.

    n_nonzero_coefs : int
        Number k of codewords in a superposition, from 1 to N.

    n_components : int or array-like of int
        Dimension d of the code, from 1 to 10**9.

    noise_variance : float or array-like of float, default=0.0
        Variance sigma^2 of the noise per coordinate of the code, or its ratio to the code's power:
        parameters of a :class:`~sksupercode.channels.GaussianChannel` are taken as they are.

    relative : bool, default=False
        Whether ``noise_variance`` is in units of the power k/d per coordinate, that is 1/SNR.

    n_samples : int, default=200
        Draws of the active codewords for each d, where the prediction is a simulation.

    random_state : int, RandomState, Generator or None, default=None
        Used where the prediction is a simulation.

    Returns
    -------
    probability : float or ndarray of float
        The predicted exact-recovery rate, in the shape that ``n_components`` and
        ``noise_variance`` broadcast to.

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
    predicted_n_nonzero_coefs : The largest k for a given probability.

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

    From k = 3 on, the error of the refined Gaussian forms is at most about 0.03. The error of the
    prediction for ``AMPDecoder`` is at most about 0.08, or with noise 0.1; its dimension for a rate
    of 1/2 is within 3 percent.

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
    predict = find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance, relative)
    check_integer(n_samples, "n_samples", minimum=2)
    grid = np.broadcast_arrays(np.asarray(n_components), predict.noise_variance)
    pairs = [
        predict(d, noise, random_state, n_samples)
        for d, noise in zip(*(array.ravel().tolist() for array in grid), strict=True)
    ]
    probability, error = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return probability.reshape(grid[0].shape)[()], error.reshape(grid[0].shape)[()]


@dataclass(frozen=True)
class Predictor:
    """The law of a decoder for one N and k.

    ``law`` has the arguments (N, k, d, noise_variance); a simulation takes ``n_samples`` and
    ``random_state`` beside them, and returns the probability with its standard error.
    """

    law: Callable
    is_simulation: bool
    n_features: int
    n_nonzero_coefs: int
    noise_variance: np.ndarray
    relative: bool

    def __call__(self, n_components, noise_variance, random_state=None, n_samples=None):
        if self.relative:
            # The law refuses what is less than 1.
            noise_variance = noise_variance * self.n_nonzero_coefs / max(n_components, 1)
        point = self.n_features, self.n_nonzero_coefs, n_components
        options = {"noise_variance": noise_variance}
        if not self.is_simulation:
            return float(self.law(*point, **options)), 0.0
        with single_blas_thread():
            return self.law(*point, n_samples=n_samples, random_state=random_state, **options)


def find_predictor(decoder, n_features, n_nonzero_coefs, noise_variance=0.0, relative=False):
    """Return the Predictor of a decoder, or raise a ValueError that says why there is none."""
    n_features = check_integer(n_features, "n_features", minimum=1)
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=n_features)
    noise = _check_noise(noise_variance)
    check_bool(relative, "relative")
    if getattr(decoder, "_recovery_law", None) is None:
        raise ValueError(
            f"there is no prediction for decoder={type(decoder).__name__}(...){_measure(decoder)}"
        )
    _require_predictable(decoder, k)
    law, is_simulation = _law_of(decoder, k, noise.max(initial=0.0))
    return Predictor(law, is_simulation, n_features, k, noise, bool(relative))


def noise_of(channel):
    """Return the noise of a channel as parameters of the predictions."""
    channel = unfrozen(channel)
    if channel is None:
        return {"noise_variance": 0.0}
    if not isinstance(channel, GaussianChannel):
        raise ValueError(
            f"predictions need channel=None or a GaussianChannel, got channel={channel!r}."
        )
    return {"noise_variance": channel.noise_variance, "relative": channel.relative}


def with_dictionary(decoder, encoder):
    """Return a clone of a decoder that reads the code of an encoder."""
    require_estimator(encoder, "encoder", {"n_components", "random_state"})
    require_estimator(decoder, "decoder", set())
    if getattr(decoder, "_recovery_law", None) is None:
        raise ValueError(f"there is no prediction for {type(decoder).__name__}{_measure(decoder)}")
    return clone(decoder).set_params(dictionary=clone(encoder))


def _check_noise(noise_variance):
    noise = np.asarray(noise_variance, dtype=object)
    noises = noise.ravel().tolist()
    values = [check_real(value, "noise_variance", 0, closed="left") for value in noises]
    return np.array(values, dtype=np.float64).reshape(noise.shape)


def _refuse(decoder, reason):
    raise ValueError(f"{type(decoder).__name__} cannot be predicted: {reason}{_measure(decoder)}")


def _measure(decoder):
    """Return the end of a refusal: what to do instead."""
    source = unfrozen(getattr(decoder, "dictionary", None))
    if not hasattr(decoder, "score") or not isinstance(source, BaseEncoder | None):
        return "."  # sweeps draw codebooks
    is_omp = isinstance(decoder, OrthogonalMatchingPursuitDecoder)
    law = "; theory.omp_dimension is a law for large N" if is_omp else ""
    return f"{law}; recovery_curve and measured_dimension measure it."


def _require_predictable(decoder, k):
    source = unfrozen(getattr(decoder, "dictionary", None))
    if isinstance(source, BaseEncoder) and not isinstance(source, RademacherEncoder):
        _refuse(
            decoder,
            f"there is no law for the codewords of {type(source).__name__}; the nearest that has "
            "one is dictionary=RademacherEncoder()",
        )
    if not isinstance(source, RademacherEncoder):
        _refuse(
            decoder,
            "the theory is of random codewords, and its dictionary is no encoder; "
            "dictionary=RademacherEncoder() tells what to expect of random ones",
        )
    if source.power_allocation is not None:
        _refuse(decoder, "the theory is of codewords of one length, and power_allocation is given")
    if decoder.values not in ("auto", "binary"):
        _refuse(decoder, f"the theory is of binary values, and values={decoder.values!r}")
    if decoder.n_nonzero_coefs not in (None, k):
        _refuse(decoder, f"its n_nonzero_coefs={decoder.n_nonzero_coefs!r} is not the code's {k}")
    if decoder._has_sections:
        is_amp = isinstance(decoder, AMPDecoder)
        law = "; theory.sparc_state_evolution is a law for many sections" if is_amp else ""
        _refuse(decoder, f"the theory is of arbitrary supports, and sections=True{law}")
    if getattr(decoder, "covariance_estimator", None) is not None:
        _refuse(decoder, "its covariance_estimator is learned from data")
    if any(getattr(decoder, name, None) is not None for name in ("tol", "noise_std")):
        _refuse(decoder, "there is no theory for its tolerance, tol or noise_std")


def _law_of(decoder, k, noise):
    name = decoder._recovery_law
    if name == "matching_pursuit" and k == 1:
        return theory.topk_active_only, True
    if name == "matching_pursuit":
        # More draws of inactive codewords matter less than more draws of active ones.
        return partial(theory.matching_pursuit_active_only, n_draws=48), True
    if name == "basis_pursuit":
        if noise > 0:
            _refuse(decoder, "there is no law for it with noise")
        law = theory.basis_pursuit_success_probability
        return lambda n, k, d, noise_variance: law(n, k, d), False
    if name == "amp":
        if k < 4:
            _refuse(decoder, "the normal approximation is for 4 codewords or more")
        return theory.amp_success_probability, False
    options = {"threshold": decoder.threshold} if name == "threshold" else {}
    if k < 3:
        # The exact laws of top-k count every tie as a failure; a decoder wins some of them.
        law = theory.threshold_active_only if options else theory.topk_active_only
        return partial(law, **options), True
    law = theory.threshold_success_probability if options else theory.topk_success_probability
    return partial(law, approximation="refined", **options), False
