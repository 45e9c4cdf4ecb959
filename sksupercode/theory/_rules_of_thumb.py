"""Rules of thumb for the dimension that each decoder needs."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._entropy import entropy_bound
from sksupercode.theory._validation import check_option, check_sizes

__all__ = ["rule_of_thumb_dimension"]

_RULES = {
    "threshold": lambda n, k: 8.0 * k * np.log(n),
    "topk": lambda n, k: 4.0 * k * (np.log(k) + np.log(n)),
    "matching_pursuit": lambda n, k: 1.3 * entropy_bound(n, k),
    "basis_pursuit": lambda n, k: 0.8 * entropy_bound(n, k),
}


def rule_of_thumb_dimension(n_features, n_nonzero_coefs, decoder):
    r"""Rule of thumb for the dimension that a decoder needs.

    ================== ==================================== ===================================
    decoder            d                                    success that it delivers
    ================== ==================================== ===================================
    "threshold"        :math:`8 k \ln N`                    0.90 to 0.93 for N = 2**10 to 2**20
    "topk"             :math:`4 k \ln(kN)`                  0.96 to 1
    "matching_pursuit" :math:`1.3\, k \log_2(eN/k)`         0.82 to 0.99
    "basis_pursuit"    :math:`0.8\, k \log_2(eN/k)`         about 1/2
    ================== ==================================== ===================================

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    decoder : {"threshold", "topk", "matching_pursuit", "basis_pursuit"}
        The decoder: a threshold of 1/2, the k largest scores, or a pursuit.

    Returns
    -------
    n_components : float or ndarray of float
        The dimension d.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    threshold_dimension, topk_dimension : The dimension for a given probability of success.
    topk_guarantee_dimension : The rule for the k largest scores, with a guarantee.
    matching_pursuit_active_only : The success of matching pursuit, by simulation.
    basis_pursuit_dimension : The phase transition that the rule for basis pursuit approximates.

    Notes
    -----
    For a fixed threshold of 1/2 the constant 8 = 2 / threshold**2 is sharp. The success at the rule
    is about :math:`\exp(-1/\sqrt{4 \pi \ln N})`, and hardly depends on k.

    An active score exceeds an inactive one by 1 on average, with variance near 2k/d, so that the
    expected number of wrong pairs among k(N-k) is about :math:`kN e^{-d/(4k)}`. The rule for the k
    largest scores puts that to 1, before the factor of the Gaussian tail.

    The rules for pursuits are empirical, in dimensions per bit of :func:`entropy_bound`. That for
    matching pursuit delivers 0.95 at (N, k) = (2**20, 2**8), 0.99 at (10**6, 100) and 0.82 at
    (2**16, 2**8). Near (2**20, 2**8) that for basis pursuit is the phase transition with
    nonnegative coefficients.

    Examples
    --------
    >>> from sksupercode.theory import rule_of_thumb_dimension
    >>> for decoder in ("threshold", "topk", "matching_pursuit", "basis_pursuit"):
    ...     print(f"{rule_of_thumb_dimension(2**20, 2**8, decoder):.0f}")
    28391
    19874
    4474
    2753
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    return _RULES[check_option(decoder, "decoder", _RULES)](n, k)[()]
