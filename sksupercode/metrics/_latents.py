"""How many latents are active, and how often each of them is."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._validation import check_codes, check_real


def mean_l0(Z):
    r"""L0, the mean number of active latents, ``#{(i, j) : z_ij != 0} / n``.

    Parameters
    ----------
    Z : array-like or sparse matrix or array of shape (n_samples, n_latents)
        Codes, of any sign.

    Returns
    -------
    l0 : float
        Between 0 and n_latents.

    Raises
    ------
    ValueError
        If Z is not a finite matrix.

    Examples
    --------
    >>> from sksupercode.metrics import mean_l0
    >>> mean_l0([[0.5, 0.0, 2.0], [0.0, 0.0, 1.0]])
    1.5
    """
    Z = check_codes(Z, "Z")
    return Z.nnz / Z.shape[0]


def _activation_frequencies(Z):
    Z = check_codes(Z, "Z")
    return np.bincount(Z.indices, minlength=Z.shape[1]) / Z.shape[0]


def dead_latent_fraction(Z, *, threshold=0.0):
    r"""Fraction of latents that are active on at most a fraction `threshold` of the samples.

    Parameters
    ----------
    Z : array-like or sparse matrix or array of shape (n_samples, n_latents)
        Codes.
    threshold : float, default=0.0
        Activation frequency up to which a latent counts as dead, from 0 to 1. With 0, dead latents
        are those that are never active.

    Returns
    -------
    fraction : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If Z is not a finite matrix, or `threshold` is out of range.

    Notes
    -----
    With few samples, more latents seem to be dead: a latent with activation frequency f is never
    active on n samples with probability ``(1 - f)^n``. In training [1]_, a latent counts as dead
    after millions of tokens without activation.

    References
    ----------
    .. [1] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093.

    Examples
    --------
    >>> from sksupercode.metrics import dead_latent_fraction
    >>> dead_latent_fraction([[0.5, 0.0, 2.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    0.5
    """
    threshold = check_real(threshold, "threshold", 0, 1)
    return float(np.mean(_activation_frequencies(Z) <= threshold))


def dense_latent_fraction(Z, *, threshold=0.1):
    r"""Fraction of latents that are active on more than a fraction `threshold` of the samples.

    Parameters
    ----------
    Z : array-like or sparse matrix or array of shape (n_samples, n_latents)
        Codes.
    threshold : float, default=0.1
        Activation frequency above which a latent counts as dense, from 0 to 1.

    Returns
    -------
    fraction : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If Z is not a finite matrix, or `threshold` is out of range.

    References
    ----------
    .. [1] S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU
       sparse autoencoders", 2024, arXiv:2407.14435.

    Examples
    --------
    >>> from sksupercode.metrics import dense_latent_fraction
    >>> dense_latent_fraction([[0.5, 0.0, 2.0, 0.0], [0.0, 0.0, 1.0, 0.0]], threshold=0.5)
    0.25
    """
    threshold = check_real(threshold, "threshold", 0, 1)
    return float(np.mean(_activation_frequencies(Z) > threshold))
