"""Message passing on codewords that are coupled in space: one effective variance per block.

The C blocks of codewords each extend over W of the R = C + W - 1 blocks of dimensions, from its own
on. State evolution follows the effective variance of every block, and the waves of decoding that
start at the ends, where the fewest blocks interfere.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.theory._message_passing import _critical, _log_odds, _mmse
from sksupercode.theory._numerics import map_scalars
from sksupercode.theory._validation import check_integer, check_n_iter, check_sizes, check_state

__all__ = ["coupled_amp_dimension", "coupled_amp_state_evolution"]

_MOST_BLOCKS = 10**4
# Where a step changes the mean squared error by less than this fraction, a wave has stopped.
_STANDSTILL = 1e-8
# Where mmse(t)/t is negligible in every state.
_LEAST_VARIANCE = 1e-5


def coupled_amp_state_evolution(
    density, undersampling, n_blocks, coupling_width, noise_variance=0.0, *, n_iter=50
):
    r"""State evolution of approximate message passing on a spatially coupled dictionary.

    .. math::
        t_r &= \sigma^2 + \frac{R}{C W \delta} \sum_{c \ni r} \mathrm{mmse}(\tau_c) \\
        \frac{1}{\tau_c} &= \frac{1}{W} \sum_{r \in c} \frac{1}{t_r}

    over C = ``n_blocks`` blocks c of codewords and R = C + W - 1 blocks r of dimensions, where c
    extends over r = c, ..., c + W - 1; at first mmse is :math:`\epsilon`.

    Parameters
    ----------
    density : float or array-like of float
        The fraction epsilon = k/N of active codewords, in (0, 1].
    undersampling : float or array-like of float
        The ratio delta = d/N, positive.
    n_blocks : int
        Number C of blocks of codewords, at least 1.
    coupling_width : int
        Number W of blocks of dimensions that a codeword extends over, at least 1.
    noise_variance : float or array-like of float, default=0.0
        Variance of the Gaussian noise per coordinate of the code, at least 0.
    n_iter : int, default=50
        Number of iterations.

    Returns
    -------
    effective_noise_variance : ndarray of float of shape (..., n_iter + 1, n_blocks)
        The effective variance tau of each block before each iteration and after the last.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    amp_state_evolution : The same without coupling, to which this comes down for one block.
    coupled_amp_dimension : The least d at which the variances run to 0 without noise.

    Notes
    -----
    Exact as N, k and d tend to infinity in proportion, with the blocks fixed. Smaller codes need
    more dimensions, since the k active codewords do not divide themselves evenly over the blocks.

    References
    ----------
    .. [1] D. L. Donoho, A. Javanmard and A. Montanari, "Information-Theoretically Optimal
       Compressed Sensing via Spatial Coupling and Approximate Message Passing", IEEE Trans. Inf.
       Theory 59(11), 2013.

    Examples
    --------
    >>> from sksupercode.theory import coupled_amp_state_evolution
    >>> coupled_amp_state_evolution(1 / 64, 0.06, 5, 2, n_iter=100)[[0, 10, 100]].round(4)
    array([[0.2083, 0.3125, 0.3125, 0.3125, 0.2083],
           [0.0697, 0.1851, 0.2301, 0.1851, 0.0697],
           [0.    , 0.    , 0.    , 0.    , 0.    ]])
    """
    n_blocks, width = _check_blocks(n_blocks, coupling_width)
    density, undersampling, noise_variance = check_state(density, undersampling, noise_variance)
    n_iter = check_n_iter(n_iter)
    density, undersampling, noise_variance = (
        number[..., np.newaxis]
        for number in np.broadcast_arrays(density, undersampling, noise_variance)
    )
    log_odds = _log_odds(density, 1 - density)
    errors = np.broadcast_to(density, (*density.shape[:-1], n_blocks))
    states = [_effective_variance(errors / undersampling, width, noise_variance)]
    for _ in range(n_iter):
        errors = _mmse(density, log_odds, states[-1])
        states.append(_effective_variance(errors / undersampling, width, noise_variance))
    return np.stack(states, axis=-2)


def coupled_amp_dimension(n_features, n_nonzero_coefs, n_blocks, coupling_width):
    r"""Dimension at the threshold of approximate message passing on a coupled dictionary.

    .. math:: d = N \inf\{\delta : \tau_c \to 0 \text{ for all } c\}

    in :func:`coupled_amp_state_evolution` without noise.

    Parameters
    ----------
    n_features : int or array-like of int
        Number of codewords N, from 1 to 2**60.
    n_nonzero_coefs : int or array-like of int
        Number of active codewords k, from 1 to N.
    n_blocks : int
        Number C of blocks of codewords, at least 1.
    coupling_width : int
        Number W of blocks of dimensions that a codeword extends over, at least 1.

    Returns
    -------
    n_components : float or ndarray of float
        The critical dimension d, a real number, to a relative accuracy of 1e-3; 0 for k = N.

    Raises
    ------
    ValueError
        If a parameter is not an integer of its range.

    See Also
    --------
    amp_dimension : The threshold without coupling.
    coupled_amp_state_evolution : The iterations, with notes and sources.

    Notes
    -----
    Found by bisection. With many blocks and wide windows it falls without limit, as the values
    0 and 1 take no dimensions in the sense of Renyi. What remains is the number of iterations, the
    finite size of blocks, and :func:`counting_dimension`.

    :class:`~sksupercode.CoupledEncoder` has, in these terms, ``2 * n_blocks - 1`` blocks of the
    width ``2 * coupling_width``.

    Examples
    --------
    >>> from sksupercode.theory import amp_dimension, coupled_amp_dimension
    >>> amp_dimension(2**16, 2**10).round()
    np.float64(4243.0)
    >>> round(coupled_amp_dimension(2**16, 2**10, 32, 3), -1)
    np.float64(2840.0)
    """
    n, k = check_sizes(n_features, n_nonzero_coefs)
    n_blocks, width = _check_blocks(n_blocks, coupling_width)

    def dimension(n, k):
        return n * _coupled_critical(min(k, n - k) / n, n_blocks, width)

    return map_scalars(dimension, n, k)[()]


def _check_blocks(n_blocks, coupling_width):
    return (
        check_integer(n_blocks, "n_blocks", 1, _MOST_BLOCKS, scalar=True),
        check_integer(coupling_width, "coupling_width", 1, _MOST_BLOCKS, scalar=True),
    )


def _effective_variance(errors, width, noise_variance):
    """Return tau of each block from its mean squared error per coefficient, over delta."""
    n_blocks = errors.shape[-1]
    n_rows = n_blocks + width - 1
    interference = _window_sums(errors, width, n_rows, 1 - width) * (n_rows / (n_blocks * width))
    with np.errstate(divide="ignore"):
        precision = 1 / (noise_variance + interference)
    return width / _window_sums(precision, width, n_blocks, 0)


def _window_sums(values, width, count, first):
    """Sum ``width`` entries from ``first + j`` on, as far as there are, for each j < count."""
    # Not differences of cumulative sums, in which the small would drown.
    total = np.zeros((*values.shape[:-1], count))
    for shift in range(first, first + width):
        low, high = max(0, -shift), min(count, values.shape[-1] - shift)
        total[..., low:high] += values[..., low + shift : high + shift]
    return total


def _coupled_critical(density, n_blocks, width):
    """Critical undersampling ratio, by bisection."""
    if density == 0:
        return 0.0
    # This suffices even where all dimensions are in as many windows as any.
    overlap = min(n_blocks, width)
    high = _critical(density, 1 - density)[1]
    high *= (n_blocks + width - 1) * overlap / (n_blocks * width)
    if overlap == 1:
        return high
    log_odds = np.full(1, _log_odds(np.float64(density), 1 - density))
    grid = np.linspace(np.log(_LEAST_VARIANCE), np.log(1e3), 3000)
    with np.errstate(divide="ignore"):
        table = np.log(np.maximum(_mmse(density, log_odds, np.exp(grid)), 1e-300))

    def is_sufficient(delta):
        errors = np.full(n_blocks, density)
        while True:
            variance = _effective_variance(errors / delta, width, 0.0)
            before = errors
            with np.errstate(divide="ignore"):
                errors = np.exp(np.interp(np.log(variance), grid, table))
            if variance.max() < 2 * _LEAST_VARIANCE or errors.sum() < 1e-9 * density:
                return True
            if errors.sum() > (1 - _STANDSTILL) * before.sum():
                return False

    low = 0.0
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_sufficient(middle) else (middle, high)
    return high
