"""Posterior means of one coefficient in Gaussian noise, the nonlinearity of message passing.

A coefficient y is 0 with probability ``1 - epsilon``; what is seen of it is ``u = y + sqrt(t) z``
with z standard normal. The best estimate is the posterior mean, whose derivative is the posterior
variance over t (Tweedie).
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import erfcx, log_ndtr


def log_evidence(u, t, values, scale):
    r"""Return what coefficients u in noise of variance t tell of their values.

    .. math::
        \log \frac{p(u \mid y \ne 0)}{p(u \mid y = 0)}

    and the mean and variance of y given u and ``y != 0``. The odds that y is not 0 are its prior
    odds times ``exp`` of this. Nonzero coefficients are the number ``scale`` if ``values`` are
    binary, a normal variable of variance ``scale^2`` if real, and its magnitude if nonnegative.
    """
    if values == "binary":
        return scale * (u - scale / 2) / t, np.broadcast_to(scale, u.shape), np.zeros_like(u)
    gain = scale**2 / (scale**2 + t)
    mean, variance = gain * u, np.broadcast_to(gain * t, u.shape)
    evidence = (np.log(t / (scale**2 + t)) + u * mean / t) / 2
    if values == "nonnegative":
        deviation = np.sqrt(variance)
        ratio = mean / deviation
        # The inverse Mills ratio of a normal variable that is cut off at zero.
        mills = np.sqrt(2 / np.pi) / erfcx(-ratio / np.sqrt(2))
        evidence = evidence + np.log(2) + log_ndtr(ratio)
        mean = np.maximum(mean + deviation * mills, 0.0)
        variance = np.maximum(variance * (1 - mills * (mills + ratio)), 0.0)
    return evidence, mean, variance
