"""The arrays and the numbers of the forward pass of a sparse autoencoder, in one form for all.

.. math::
    z = (x' - b_{dec})\\, W_{enc} + b_{enc}, \\qquad a = \\phi(z), \\qquad
    \\hat x' = a\\, W_{dec} + b_{dec}

with x' the normalised input. Loading makes it from every file format, and training returns it.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode._utils._validation import as_array, check_integer, check_option

NORMALIZATIONS = ("none", "layer_norm", "constant_norm_rescale", "expected_average")
# The arrays beside the decoder's that each architecture has.
_ENCODER_ARRAYS = {
    "relu": ("W_enc", "b_enc"),
    "topk": ("W_enc", "b_enc"),
    "jumprelu": ("W_enc", "b_enc", "threshold"),
    "gated": ("W_enc", "b_gate", "b_mag", "r_mag"),
    "matching_pursuit": (),
}
ARCHITECTURES = tuple(_ENCODER_ARRAYS)


@dataclass(frozen=True, eq=False)
class SAEWeights:
    """Arrays and constants of one sparse autoencoder with N latents on d dimensions.

    Arrays stay in the precision in which they were stored (float16, bfloat16, float32 or float64),
    perhaps mapped from a file. They are converted to float32 before any arithmetic, or to float64
    where ``W_dec`` is. Tensors of PyTorch become arrays, in float32 for bfloat16.

    Parameters
    ----------
    architecture : {"relu", "topk", "jumprelu", "gated", "matching_pursuit"}
        The activation function. BatchTopK and Matryoshka autoencoders are "jumprelu" with a
        constant threshold, or "topk" where they have no threshold.

    W_dec : ndarray of shape (N, d)
        The dictionary.

    b_dec : ndarray of shape (d,)
        Added to reconstructions.

    W_enc : ndarray of shape (d, N) or None
        Absent for "matching_pursuit".

    b_enc : ndarray of shape (N,) or None
        Absent for "gated" and "matching_pursuit".

    threshold : ndarray of shape (N,) or None
        Of "jumprelu": a latent is active where ``z > threshold`` and ``z > 0``.

    b_gate, b_mag, r_mag : ndarray of shape (N,) or None
        Of "gated".

    k : int or None
        Of "topk": the number of active latents, 1 <= k <= N.

    applies_b_dec : bool
        Whether ``b_dec`` is subtracted from the input; for "matching_pursuit", whether it is added
        to the output as well.

    rescales_by_norm : bool
        Whether z is multiplied by the norms of the rows of ``W_dec``, and latents are divided by
        them before they are decoded.

    normalization : {"none", "layer_norm", "constant_norm_rescale", "expected_average"}
        Of the input, undone on the output.

    normalization_scale : float
        Of "expected_average": the factor of the inputs.

    residual_threshold : float
        Of "matching_pursuit": the pursuit stops when the norm of the residual is below this.

    max_iterations : int or None
        Of "matching_pursuit": the largest number of iterations; None is d.

    stops_on_duplicate_support : bool
        Of "matching_pursuit": the pursuit stops when an iteration adds no latent to the support.

    name : str
        Name of the kind of autoencoder, for messages and ``repr``.

    Raises
    ------
    ValueError
        If arrays are missing, are of the wrong shape or dtype or not finite, or k is out of range.
    """

    architecture: str
    W_dec: np.ndarray
    b_dec: np.ndarray
    W_enc: np.ndarray | None = None
    b_enc: np.ndarray | None = None
    threshold: np.ndarray | None = None
    b_gate: np.ndarray | None = None
    b_mag: np.ndarray | None = None
    r_mag: np.ndarray | None = None
    k: int | None = None
    applies_b_dec: bool = True
    rescales_by_norm: bool = False
    normalization: str = "none"
    normalization_scale: float = 1.0
    residual_threshold: float = 1e-2
    max_iterations: int | None = None
    stops_on_duplicate_support: bool = True
    name: str = ""

    def __post_init__(self):
        for name in ("W_dec", "b_dec", "W_enc", "b_enc", "threshold", "b_gate", "b_mag", "r_mag"):
            array = getattr(self, name)
            if not (array is None or isinstance(array, np.ndarray)):
                object.__setattr__(self, name, np.asarray(as_array(array, name)))
        check_option(self.architecture, "architecture", ARCHITECTURES)
        check_option(self.normalization, "normalization", NORMALIZATIONS)
        if np.ndim(self.W_dec) != 2 or 0 in self.W_dec.shape:
            raise ValueError(f"W_dec must have shape (N, d), got {np.shape(self.W_dec)}.")
        n_latents, d = self.W_dec.shape
        shapes = {"W_dec": (n_latents, d), "b_dec": (d,), "W_enc": (d, n_latents)}
        # In the precision of the arithmetic.
        dtype = np.float64 if self.W_dec.dtype == np.float64 else np.float32
        for name, array in self.arrays().items():
            _check_array(name, array, shapes.get(name, (n_latents,)), dtype)
        if self.architecture == "topk" and not (
            isinstance(self.k, int) and 1 <= self.k <= n_latents
        ):
            raise ValueError(f"k must be an integer from 1 to N = {n_latents}, got {self.k!r}.")

    @property
    def shape(self):
        """Number N of latents and d of dimensions."""
        return self.W_dec.shape

    def arrays(self):
        """Return the arrays that the architecture has, by name.

        Returns
        -------
        arrays : dict of str to ndarray
            As they are stored.
        """
        names = ("W_dec", "b_dec", *_ENCODER_ARRAYS[self.architecture])
        return {name: getattr(self, name) for name in names}


def _check_array(name, array, shape, dtype):
    if array is None:
        raise ValueError(f"{name} is missing.")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}.")
    # bfloat16 is not among NumPy's own kinds of floats.
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name} must be an array of floats, got dtype {array.dtype}.")
    for rows in gen_batches(len(array), MOST_ROWS):
        if not np.isfinite(array[rows].astype(dtype)).all():
            raise ValueError(f"{name} contains NaN or infinity.")


def weights_of_dictionary(codewords, intercept, n_nonzero_coefs):
    """Return weights of k steps of nonnegative matching pursuit on a learned dictionary.

    Latents are those of :class:`~sksupercode.MatchingPursuitDecoder` with ``values="nonnegative"``,
    as far as float32 tells codewords apart: a codeword may be selected again, and no residual is
    small enough to stop. SAELens has no place for other decoders, and these weights have the
    dictionary alone of what was learned with one.

    Parameters
    ----------
    codewords : ndarray of shape (N, d)
        Rows of unit norm, by whose squares the steps of SAELens are not divided.

    intercept : array-like of shape (d,), float or None
        Subtracted from samples and added to reconstructions; None is 0.

    n_nonzero_coefs : int
        Number k of steps, the most latents of a sample.

    Returns
    -------
    weights : SAEWeights
        Of architecture "matching_pursuit", in the precision of ``codewords``.

    Raises
    ------
    ValueError
        If an array is of the wrong shape or dtype or not finite, or k is no positive integer.
    """
    b_dec = np.zeros(codewords.shape[1:], codewords.dtype)
    if intercept is not None:
        b_dec[:] = intercept
    return SAEWeights(
        "matching_pursuit",
        codewords,
        b_dec,
        residual_threshold=0.0,
        max_iterations=check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1),
        stops_on_duplicate_support=False,
        name="learned matching_pursuit",
    )
