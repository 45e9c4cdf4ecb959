r"""The arrays and the numbers of the forward pass of a sparse autoencoder, in one form for all.

.. math::
    z = (x' - b_{dec})\, W_{enc} + b_{enc}, \qquad a = \phi(z), \qquad
    \hat x' = a\, W_{dec} + b_{dec}

with x' the normalised input. Loading makes it from every file format, and training returns it.
Transcoders have the same encoder, and an output in another space.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from sklearn.utils import gen_batches

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode._utils._validation import (
    as_array,
    check_bool,
    check_integer,
    check_option,
    check_real,
)

NORMALIZATIONS = ("none", "layer_norm", "constant_norm_rescale", "expected_average")
# The arrays beside the decoder's that each architecture has.
_ENCODER_ARRAYS = {
    "relu": ("W_enc", "b_enc"),
    "topk": ("W_enc", "b_enc"),
    "abstopk": ("W_enc", "b_enc"),
    "groupmax": ("W_enc", "b_enc"),
    "jumprelu": ("W_enc", "b_enc", "threshold"),
    "gated": ("W_enc", "b_gate", "b_mag", "r_mag"),
    "matching_pursuit": (),
}
ARCHITECTURES = tuple(_ENCODER_ARRAYS)
WITH_K = ("topk", "abstopk", "groupmax")
_VECTORS = ("b_dec", "b_enc", "threshold", "b_gate", "b_mag", "r_mag")
_SWITCHES = ("is_transcoder", "applies_b_dec", "rescales_by_norm", "stops_on_duplicate_support")
_NUMBERS = (
    ("normalization_scale", check_real, {"minimum": 0, "closed": "neither"}),
    ("residual_threshold", check_real, {"closed": "neither"}),
    ("max_iterations", check_integer, {"minimum": 1, "allow_none": True}),
)
_ARRAYS = ("W_dec", "W_enc", "W_skip", *_VECTORS)


@dataclass(frozen=True, eq=False, repr=False)
class SAEWeights:
    """Arrays and constants of one sparse autoencoder, or transcoder, with N latents.

    Arrays stay in the precision in which they were stored (float16, bfloat16, float32 or float64),
    perhaps mapped from a file. They are converted to float32 before any arithmetic, or to float64
    where ``W_dec`` is. Tensors of PyTorch become arrays, in float32 for bfloat16.

    Parameters
    ----------
    architecture : {"relu", "topk", "abstopk", "groupmax", "jumprelu", "gated", "matching_pursuit"}
        The activation function. "topk" keeps the k largest positive z of a sample, "abstopk" those
        of the k largest magnitudes, of either sign, and "groupmax" the largest of each of k groups
        of N / k consecutive latents, where it is positive. BatchTopK and Matryoshka autoencoders
        are "jumprelu" with a constant threshold, or "topk" where they have no threshold.

    W_dec : ndarray of shape (N, d)
        The dictionary.

    b_dec : ndarray of shape (d,)
        Added to reconstructions.

    W_enc : ndarray of shape (d_in, N) or None, default=None
        Absent for "matching_pursuit". d_in is d, but perhaps not for a transcoder.

    b_enc : ndarray of shape (N,) or None, default=None
        Absent for "gated" and "matching_pursuit".

    threshold : ndarray of shape (N,) or None, default=None
        Of "jumprelu": a latent is active where ``z > threshold`` and ``z > 0``. Of a threshold that
        is stored as its logarithm this is the exponential.

    b_gate, b_mag, r_mag : ndarray of shape (N,) or None, default=None
        Of "gated".

    W_skip : ndarray of shape (d_in, d) or None, default=None
        Of a transcoder with a skip connection: ``x W_skip`` is added to the output, x as it came.

    k : int or None, default=None
        Of "topk" and "abstopk": the number of active latents, 1 <= k <= N; of "groupmax" the number
        of groups, which divides N.

    is_transcoder : bool, default=False
        Whether outputs are of another space than inputs, as those of an MLP that it replaces.

    applies_b_dec : bool, default=True
        Whether ``b_dec`` is subtracted from the input; for "matching_pursuit", whether it is added
        to the output as well.

    rescales_by_norm : bool, default=False
        Whether z is multiplied by the norms of the rows of ``W_dec``, and latents are divided by
        them before they are decoded.

    normalization : str, default="none"
        Of the input: "none", "layer_norm", "constant_norm_rescale" or "expected_average". It is
        undone on the output, but not on that of a transcoder.

    normalization_scale : float, default=1.0
        Of "expected_average": the factor of the inputs.

    residual_threshold : float, default=0.01
        Of "matching_pursuit": the pursuit stops when the norm of the residual is below this.

    max_iterations : int or None, default=None
        Of "matching_pursuit": the largest number of iterations; None is d.

    stops_on_duplicate_support : bool, default=True
        Of "matching_pursuit": the pursuit stops when an iteration adds no latent to the support.

    name : str, default=""
        Name of the kind of autoencoder, for messages and ``repr``.

    Raises
    ------
    ValueError
        If arrays are missing, are of the wrong shape or dtype or not finite, k or another number is
        no number or out of range, what is True or False is neither, or ``W_skip`` or d_in other
        than d are given for what is no transcoder.
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
    W_skip: np.ndarray | None = None
    k: int | None = None
    is_transcoder: bool = False
    applies_b_dec: bool = True
    rescales_by_norm: bool = False
    normalization: str = "none"
    normalization_scale: float = 1.0
    residual_threshold: float = 1e-2
    max_iterations: int | None = None
    stops_on_duplicate_support: bool = True
    name: str = ""

    def __post_init__(self):
        for name in _ARRAYS:
            array = getattr(self, name)
            if not (array is None or isinstance(array, np.ndarray)):
                object.__setattr__(self, name, np.asarray(as_array(array, name)))
        for name in _SWITCHES:
            object.__setattr__(self, name, check_bool(getattr(self, name), name))
        for name, check, options in _NUMBERS:
            object.__setattr__(self, name, check(getattr(self, name), name, **options))
        check_option(self.architecture, "architecture", ARCHITECTURES)
        check_option(self.normalization, "normalization", NORMALIZATIONS)
        if np.ndim(self.W_dec) != 2 or 0 in self.W_dec.shape:
            raise ValueError(f"W_dec must have shape (N, d), got {np.shape(self.W_dec)}.")
        n_latents, d = self.W_dec.shape
        d_in = self.d_in if self.is_transcoder else d
        if np.shape(self.b_dec) == (n_latents,) != (d,):
            raise ValueError(
                "W_dec must have shape (N, d), as b_dec has shape (d,), got "
                f"{(n_latents, d)} and {(n_latents,)}: pass W_dec.T."
            )
        shapes = {"W_dec": (n_latents, d), "b_dec": (d,)}
        shapes |= {"W_enc": (d_in, n_latents), "W_skip": (d_in, d)}
        # In the precision of the arithmetic.
        dtype = np.float64 if self.W_dec.dtype == np.float64 else np.float32
        for name, array in self.arrays().items():
            _check_array(name, array, shapes.get(name, (n_latents,)), dtype)
        if self.architecture in WITH_K:
            is_integer = isinstance(self.k, Integral) and not isinstance(self.k, bool)
            if not (is_integer and 1 <= self.k <= n_latents):
                raise ValueError(f"k must be an integer from 1 to N = {n_latents}, got {self.k!r}.")
            object.__setattr__(self, "k", int(self.k))
        if self.architecture == "groupmax" and n_latents % self.k:
            raise ValueError(f"k must divide N = {n_latents} for groupmax, got {self.k}.")
        if self.W_skip is not None and not self.is_transcoder:
            raise ValueError("W_skip needs is_transcoder=True, got False.")
        if self.applies_b_dec and d_in != d:
            raise ValueError(
                f"applies_b_dec must be False where d_in = {d_in} is not d = {d}, got True: b_dec "
                "is subtracted from inputs of its own space only."
            )

    def __repr__(self):
        """Return what it is, without the numbers."""
        n_latents, d = self.shape
        sizes = f"N={n_latents}, d={d}" + (f", d_in={self.d_in}" if self.d_in != d else "")
        sizes += "" if self.k is None else f", k={self.k}"
        rest = f"dtype={self.W_dec.dtype.name}, name={self.name!r}"
        return f"SAEWeights({self.architecture!r}, {sizes}, {rest})"

    @property
    def shape(self):
        """Number N of latents and d of dimensions, of the output where there are two."""
        return self.W_dec.shape

    @property
    def d_in(self):
        """Number of dimensions of the input."""
        is_matrix = np.ndim(self.W_enc) == 2
        return self.W_enc.shape[0] if is_matrix else self.W_dec.shape[1]

    def arrays(self):
        """Return the arrays that the architecture has, by name.

        Returns
        -------
        arrays : dict of str to ndarray
            As they are stored.
        """
        names = ("W_dec", "b_dec", *_ENCODER_ARRAYS[self.architecture])
        names += () if self.W_skip is None else ("W_skip",)
        return {name: getattr(self, name) for name in names}

    def keep_latents(self, latents):
        """Return the weights of some of the latents, as without those that are never active.

        Where latents do not compete, as those of "relu", "jumprelu" and "gated" do not, and where
        the others are active on no sample, codes are the same columns of the codes before.

        Parameters
        ----------
        latents : array-like of int or bool
            Indices of latents, in the order that they will have, or a mask of N.

        Returns
        -------
        weights : SAEWeights
            With a k of at most the number of latents that are kept.

        Raises
        ------
        ValueError
            If none is kept, or the architecture is "groupmax", whose groups have equal sizes.
        """
        if self.architecture == "groupmax":
            raise ValueError("keep_latents is not for groupmax, whose groups have equal sizes.")
        arrays = {}
        for name, array in self.arrays().items():
            if name == "W_enc":
                arrays[name] = array[:, latents]
            elif name not in ("b_dec", "W_skip"):
                arrays[name] = array[latents]
        k = None if self.k is None else min(self.k, len(arrays["W_dec"]))
        return replace(self, k=k, **arrays)


def _check_array(name, array, shape, dtype):
    if array is None:
        raise ValueError(f"{name} is missing.")
    if array.shape != shape:
        hint = f": pass {name}.T" if array.ndim == 2 and array.shape == shape[::-1] else ""
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}{hint}.")
    # bfloat16 is not among NumPy's own kinds of floats.
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name} must be an array of floats, got dtype {array.dtype}.")
    for rows in gen_batches(len(array), MOST_ROWS):
        if not np.isfinite(array[rows].astype(dtype)).all():
            raise ValueError(f"{name} contains NaN or infinity.")


def advice(weights, *, is_transcoder=False):
    """Return how to make an estimator of a dict of arrays, for messages; nothing for others."""
    if not isinstance(weights, Mapping):
        return ""
    keys = ", ".join(str(key)[:40] for key in list(weights)[:20]) or "nothing"
    name, options = "SparseAutoencoder", '"topk", k=8'
    if is_transcoder:
        name, options = "Transcoder", '"relu", is_transcoder=True'
    return (
        f" of {keys}. If these are parameters of SAEWeights, say the architecture: "
        f"{name}.from_weights(sksupercode.sae.SAEWeights({options}, **weights))"
    )


def check_is_weights(weights, *, is_transcoder):
    """Raise a ValueError for what is no SAEWeights, or those of the other kind of estimator."""
    if not isinstance(weights, SAEWeights):
        how = advice(weights, is_transcoder=is_transcoder)
        raise ValueError(f"weights must be SAEWeights, got {type(weights).__name__}{how}.")
    if weights.is_transcoder != is_transcoder:
        kind, name = ("a transcoder", "Transcoder")
        if is_transcoder:
            kind, name = ("an autoencoder", "SparseAutoencoder")
        raise ValueError(
            f"weights must have is_transcoder={is_transcoder}, got those of {kind} "
            f"({weights.name or weights.architecture}): use {name}.from_weights."
        )


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
