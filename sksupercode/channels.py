"""Channels: what happens to a stored vector between its encoder and its decoder.

A channel is a pipeline step that acts in ``transform``, both at training and at test time::

    make_pipeline(encoder, GaussianChannel(0.1), decoder)

`GaussianChannel` stands for interference from everything else stored in the same vector,
`DropoutChannel` for lost coordinates, `QuantizationChannel` for storage in 16 bits, or in 1 to 8.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode._utils._validation import (
    as_float,
    check_bool,
    check_generator,
    check_integer,
    check_option,
    check_real,
    check_samples,
)

__all__ = ["DropoutChannel", "GaussianChannel", "QuantizationChannel"]


class _BaseChannel(OneToOneFeatureMixin, TransformerMixin, BaseEstimator, ABC):
    """A channel is two hooks: check the parameters in `_learn`, change the vectors in `_apply`."""

    random_state = None

    def fit(self, X, y=None):
        """Check the parameters, and learn what the channel needs to know about X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Superpositions, or any dense vectors.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted channel.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or X is not a finite matrix.
        """
        self._learn(check_samples(self, X, reset=True, keeps_half=True))
        return self

    def transform(self, X):
        """Send vectors through the channel.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The input of the channel, which is not changed.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features)
            The output of the channel, float32 if X is float32, otherwise float64.

        Raises
        ------
        ValueError
            If X is not a finite matrix with the number of columns seen in `fit`, or if its dtype
            cannot hold the output.
        """
        check_is_fitted(self)
        X = check_samples(self, X, reset=False, keeps_half=True)
        rng = check_generator(self.random_state)
        X_out = np.empty(X.shape, np.float64 if X.dtype == np.float16 else X.dtype)
        for rows in gen_batches(len(X), MOST_ROWS):
            block = X[rows].astype(X_out.dtype, copy=False)
            with np.errstate(over="ignore", under="ignore"):
                output = self._apply(block, rng)
            X_out[rows] = as_float(output, X_out.dtype, "What X becomes in the channel")
        return X_out

    @abstractmethod
    def _learn(self, X):
        """Check the parameters and set what is learned from X."""

    @abstractmethod
    def _apply(self, X, rng):
        """Return the output as a new array; all that is random comes from the Generator."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = "random_state" in vars(self)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class GaussianChannel(_BaseChannel):
    r"""Additive white Gaussian noise, ``x' = x + z`` with ``z ~ N(0, sigma2 I)``.

    The sum of many unrelated superpositions in one vector is close to such noise, so this is the
    model of interference as well.

    Parameters
    ----------
    noise_variance : float, default=0.01
        Variance of the noise in each coordinate, or with ``relative=True`` its ratio to the mean
        power per coordinate of the X seen in `fit`, that is 1 / SNR. Zero means no noise. In a
        matched filter of a unit-norm codeword, whose output is 1 where it is present, the noise has
        this variance as well, for any d. The default is a standard deviation of 0.1, at which codes
        can still be recovered.
    relative : bool, default=False
        Whether `noise_variance` is in units of the signal's power.
    random_state : int, RandomState, Generator or None, default=None
        None gives fresh noise in every call of `transform`, an integer the same noise in every
        call, a `RandomState` or `Generator` advances from call to call.

    Attributes
    ----------
    noise_variance_ : float
        Variance of the noise in each coordinate: `noise_variance`, or with ``relative=True``
        that times ``mean(X ** 2)``.
    n_features_in_ : int
        Number of coordinates seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the coordinates, where X had names.

    See Also
    --------
    DropoutChannel : Lost coordinates.
    QuantizationChannel : Storage in few bits.

    Notes
    -----
    A superposition of k unit-norm random codewords in d dimensions has mean power k/d per
    coordinate, times the mean square of its coefficients. Where these are 1,
    ``GaussianChannel(P, relative=True)`` adds noise of variance ``P k / d`` to it, and a matched
    filter sees interference of variance ``(1 + P) k / d``.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., Wiley, 2006,
       chapter 9.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.channels import GaussianChannel
    >>> X = np.full((1000, 50), 2.0)
    >>> channel = GaussianChannel(0.25, relative=True, random_state=0).fit(X)
    >>> channel.noise_variance_
    1.0
    >>> bool(abs((channel.transform(X) - X).var() - 1.0) < 0.02)
    True
    """

    def __init__(self, noise_variance=0.01, *, relative=False, random_state=None):
        self.noise_variance = noise_variance
        self.relative = relative
        self.random_state = random_state

    def _learn(self, X):
        variance = check_real(self.noise_variance, "noise_variance", 0, closed="left")
        check_bool(self.relative, "relative")
        self.noise_variance_ = variance * _mean_power(X) if self.relative else variance

    def _apply(self, X, rng):
        noise = rng.standard_normal(X.shape)
        noise *= np.sqrt(self.noise_variance_)
        return X + noise.astype(X.dtype, copy=False)


def _mean_power(X):
    """Return ``mean(X ** 2)``."""
    with np.errstate(over="ignore", under="ignore"):
        blocks = (X[rows].astype(np.float64) for rows in gen_batches(len(X), MOST_ROWS))
        power = float(sum(np.sum(block**2) for block in blocks) / X.size)
    if not (np.finfo(np.float64).tiny <= power < np.inf or (power == 0 and not X.any())):
        raise ValueError(
            "X must have a mean square that float64 can hold, from 2.2e-308 to 1.8e308, where "
            f"relative=True, got one of {power:g}: scale X."
        )
    return power


class DropoutChannel(_BaseChannel):
    r"""Erasures, ``x'_j = b_j x_j / (1 - rate)`` with ``b_j ~ Bernoulli(1 - rate)``.

    Each coordinate of each sample becomes zero, independently, with probability `rate`. As in
    neural networks, the other coordinates are scaled so that ``E[x' | x] = x``: the mean of a
    matched filter does not change, and thresholds stay right.

    Parameters
    ----------
    rate : float, default=0.5
        Probability that a coordinate becomes zero, in [0, 1).
    random_state : int, RandomState, Generator or None, default=None
        None gives fresh erasures in every call of `transform`, an integer the same in every
        call, a `RandomState` or `Generator` advances from call to call.

    Attributes
    ----------
    n_features_in_ : int
        Number of coordinates seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the coordinates, where X had names.

    See Also
    --------
    GaussianChannel : Additive noise.
    QuantizationChannel : Storage in few bits.

    Notes
    -----
    Given x, the channel adds noise of variance ``x_j ** 2 * rate / (1 - rate)`` to coordinate j.

    References
    ----------
    .. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A
       Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.channels import DropoutChannel
    >>> X = np.ones((1000, 50))
    >>> X_out = DropoutChannel(0.5, random_state=0).fit_transform(X)
    >>> np.unique(X_out)
    array([0., 2.])
    >>> bool(abs(X_out.mean() - 1.0) < 0.02)
    True
    """

    def __init__(self, rate=0.5, *, random_state=None):
        self.rate = rate
        self.random_state = random_state

    def _learn(self, X):
        self._check_rate()

    def _check_rate(self):
        return check_real(self.rate, "rate", 0, 1, closed="left")

    def _apply(self, X, rng):
        rate = self._check_rate()
        survives = rng.random(X.shape) >= rate
        return np.where(survives, X / X.dtype.type(1 - rate), X.dtype.type(0))


class QuantizationChannel(_BaseChannel):
    r"""Storage in few bits: of a float format, or 1 to 8 bits of equal steps.

    Without ``bits``, ``x' = float(round_to_dtype(clip(x, -max, max)))``: the nearest number of the
    format, ties to even, in the dtype of the input. Numbers beyond the largest finite number become
    that number instead of infinity.

    With b bits, the uniform mid-rise quantiser of :math:`2^b` levels,

    .. math::
        x' = \frac{q(x)}{\alpha}, \qquad
        q(x) = \Delta \big(\lfloor x / \Delta \rfloor + \tfrac12\big), \qquad
        \alpha = \frac{\mathrm{E}[x\, q(x)]}{\mathrm{E}[x^2]},

    where the first and last level stand for all that is beyond them. The step :math:`\Delta` is
    that of the least squared error for normal coordinates with the root mean square of the X seen
    in `fit` [2]_. The gain :math:`\alpha`, too, is that on this X. By division by it
    :math:`\mathrm{E}[x x'] = \mathrm{E}[x^2]`: matched filters of present codewords keep their
    mean, and decoders of binary codes see a coefficient of 1.

    Parameters
    ----------
    dtype : {"float16", "bfloat16"}, default="float16"
        The format, where there are no ``bits``. float16 has 11 significant bits and ends at 65504;
        bfloat16 has 8, and float32's range.
    bits : int or None, default=None
        Number b of bits for each coordinate, from 1 to 8, in place of a format.

    Attributes
    ----------
    step_ : float or None
        The step :math:`\Delta`; None without ``bits``.
    levels_ : float64 ndarray of shape (2 ** bits,) or None
        What there is in the output, ``q / alpha`` in ascending order; None without ``bits``.
    n_features_in_ : int
        Number of coordinates seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the coordinates, where X had names.

    See Also
    --------
    GaussianChannel : Additive noise.
    DropoutChannel : Lost coordinates.

    Notes
    -----
    With p significant bits, rounding to nearest keeps ``|x' - x| <= 2 ** -p |x|``
    wherever neither overflow nor underflow occurs. float64 is rounded to float32 and then to
    bfloat16, as is usual. The first rounding can move a number by ``2 ** -24 |x|`` onto a tie.

    For b bits Bussgang's decomposition [3]_ of normal coordinates is ``x' = x + z`` with z
    uncorrelated with x. Its variance is :math:`1 / \alpha - 1` times that of x, which is 0.571,
    0.135, 0.039 and 0.012 for 1 to 4 bits, as of ``GaussianChannel(0.571, relative=True)``. The
    quantiser of least squared error, q itself, shrinks all coefficients by :math:`\alpha`, 0.64
    with one bit.

    No level is 0. A coordinate of exactly 0, as sums of an even number of signs have it, is stored
    as the smallest positive level, and one bit says ``x >= 0``. If all of X in `fit` is 0, so are
    the levels.

    References
    ----------
    .. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM, 2002,
       chapter 2.
    .. [2] J. Max, "Quantizing for Minimum Distortion", IRE Transactions on Information Theory 6(1),
       1960.
    .. [3] J. J. Bussgang, "Crosscorrelation Functions of Amplitude-Distorted Gaussian Signals",
       Technical Report 216, Research Laboratory of Electronics, MIT, 1952.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.channels import QuantizationChannel
    >>> QuantizationChannel("float16").fit_transform([[0.1, 1e6]])
    array([[9.99755859e-02, 6.55040000e+04]])
    >>> X = np.random.default_rng(0).standard_normal((1000, 100))
    >>> QuantizationChannel(bits=2).fit(X).levels_.round(1)
    array([-1.7, -0.6,  0.6,  1.7])
    """

    def __init__(self, dtype="float16", *, bits=None):
        self.dtype = dtype
        self.bits = bits

    def _learn(self, X):
        self._storage()
        bits = check_integer(self.bits, "bits", minimum=1, maximum=8, allow_none=True)
        self.step_ = self.levels_ = None
        if bits is None:
            return
        # In a unit in which no square is too large or too small.
        exponent = int(np.frexp(max(float(X.max()), -float(X.min())))[1])
        blocks = list(gen_batches(len(X), MOST_ROWS))

        def total(function):
            units = (np.ldexp(X[rows].astype(np.float64), -exponent) for rows in blocks)
            return float(sum(np.sum(x * function(x)) for x in units))

        square = total(lambda x: x)
        step = _gaussian_step(bits) * np.sqrt(square / X.size)
        levels = (np.arange(2**bits) - (2**bits - 1) / 2) * step
        if step > 0:
            levels *= square / total(lambda x: levels[_cells(x, step, len(levels))])
        with np.errstate(over="ignore", under="ignore"):
            numbers = np.ldexp(np.append(levels, step), exponent)
        *levels, step = as_float(numbers, float, "The levels for X, or their step,")
        self.step_, self.levels_ = float(step), np.array(levels)

    def _storage(self):
        """The storage dtype and its largest finite value."""
        if check_option(self.dtype, "dtype", ("float16", "bfloat16")) == "float16":
            return np.float16, 65504.0
        import ml_dtypes

        return ml_dtypes.bfloat16, float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)

    def _apply(self, X, rng):
        if self.levels_ is not None:
            X = X.astype(np.float64, copy=False)
            return self.levels_[_cells(X, self.step_, len(self.levels_))]
        dtype, largest = self._storage()
        return np.clip(X, -largest, largest).astype(dtype).astype(X.dtype)


def _cells(X, step, n_levels):
    """Return which level stands for each number."""
    half = n_levels // 2
    # Without a step all levels are 0.
    cells = np.floor(np.clip(X / (step or 1.0), -half, half - 1))
    return cells.astype(np.intp) + half


@cache
def _gaussian_step(bits):
    """Return the step of the least squared error for standard normal numbers.

    Thresholds are halfway between levels, so that the derivative of the error by the step is 0
    where ``E[x q] = E[q ** 2]``. The former is the step times the density at each threshold.
    """
    half = 2 ** (bits - 1)

    def excess(step):
        inner = np.arange(1, half) * step
        thresholds = np.concatenate([[0.0], inner, [np.inf]])
        density = np.exp(-(inner**2) / 2) / np.sqrt(2 * np.pi)
        product = step * (2 * density.sum() + 1 / np.sqrt(2 * np.pi))
        levels = (np.arange(half) + 0.5) * step
        return product - 2 * np.sum(levels**2 * np.diff(ndtr(thresholds)))

    return brentq(excess, 0.5 / half, 2.0, xtol=1e-14)
