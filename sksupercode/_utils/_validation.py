"""Checks of parameters and inputs that the whole package shares."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
import re
import sys
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data


def _refuse(name, wanted, value):
    raise ValueError(f"{name} must be {wanted}, got {value!r} ({type(value).__name__}).")


def _describe(noun, minimum, maximum, min_inclusive, max_inclusive, allow_none):
    bounds = []
    if minimum is not None and minimum != -math.inf:
        bounds.append(f"{'>=' if min_inclusive else '>'} {minimum}")
    if maximum is not None and maximum != math.inf:
        bounds.append(f"{'<=' if max_inclusive else '<'} {maximum}")
    wanted = " ".join([noun, " and ".join(bounds)]) if bounds else noun
    return wanted + (" or None" if allow_none else "")


def check_integer(value, name, *, minimum=None, maximum=None, allow_none=False):
    """Return ``value`` as an int; bools and floats are refused.

    Parameters
    ----------
    value : object
        What the user passed.
    name : str
        The parameter's name, for the message.
    minimum, maximum : int or None, default=None
        Inclusive bounds.
    allow_none : bool, default=False
        Whether None is passed through.

    Returns
    -------
    int or None

    Raises
    ------
    ValueError
        If ``value`` is not an integer within the bounds.
    """
    if value is None and allow_none:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or (minimum is not None and value < minimum)
        or (maximum is not None and value > maximum)
    ):
        _refuse(name, _describe("an integer", minimum, maximum, True, True, allow_none), value)
    return int(value)


def check_real(
    value,
    name,
    *,
    minimum=None,
    maximum=None,
    min_inclusive=True,
    max_inclusive=True,
    allow_none=False,
):
    """Return ``value`` as a float; bools and nan are refused, integers are taken.

    Infinity is a real number here: pass ``maximum=np.inf, max_inclusive=False`` to refuse it.

    Parameters
    ----------
    value : object
        What the user passed.
    name : str
        The parameter's name, for the message.
    minimum, maximum : float or None, default=None
        Bounds.
    min_inclusive, max_inclusive : bool, default=True
        Whether the bounds themselves are legal.
    allow_none : bool, default=False
        Whether None is passed through.

    Returns
    -------
    float or None

    Raises
    ------
    ValueError
        If ``value`` is not a real number within the bounds.
    """
    if value is None and allow_none:
        return None
    legal = isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)
    if legal and minimum is not None:
        legal = value >= minimum if min_inclusive else value > minimum
    if legal and maximum is not None:
        legal = value <= maximum if max_inclusive else value < maximum
    if not legal:
        finite = maximum == math.inf and not max_inclusive
        noun = "a finite real number" if finite else "a real number"
        wanted = _describe(noun, minimum, maximum, min_inclusive, max_inclusive, allow_none)
        _refuse(name, wanted, value)
    return float(value)


def check_bool(value, name):
    """Return ``value`` as a bool, if it is one of Python's or NumPy's.

    Parameters
    ----------
    value : object
        What the user passed.
    name : str
        The parameter's name, for the message.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If ``value`` is something else.
    """
    if not isinstance(value, bool | np.bool_):
        _refuse(name, "True or False", value)
    return bool(value)


def check_option(value, name, options):
    """Return ``value`` if it is one of the strings ``options``.

    Parameters
    ----------
    value : object
        What the user passed.
    name : str
        The parameter's name, for the message.
    options : sequence of str
        What is legal.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If ``value`` is something else.
    """
    if not isinstance(value, str) or value not in options:
        _refuse(name, "one of " + ", ".join(repr(option) for option in options), value)
    return value


def check_generator(random_state, name="random_state"):
    """Return a ``numpy.random.Generator``, without touching numpy's global random state.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None
        None gives fresh entropy, an integer the same stream every time, a `Generator` is returned
        as it is, and a `RandomState` is advanced to seed a new generator.
    name : str, default="random_state"
        The parameter's name, for the message.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        If ``random_state`` is something else, or a negative integer.
    """
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint32))
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        return np.random.default_rng(check_integer(random_state, name, minimum=0))
    _refuse(name, "an integer >= 0, a RandomState, a Generator or None", random_state)


def require_known_shape(X, name="X"):
    """Raise a ValueError for a lazy array that does not know how many rows it has."""
    shape = getattr(X, "shape", ())
    if isinstance(shape, tuple) and not all(isinstance(n, Integral) for n in shape):
        raise ValueError(
            f"{name} must be a matrix of known shape, got a {type(X).__name__} of shape {shape}: "
            f"call {name}.compute_chunk_sizes() first, or pass {name}.compute()."
        )


def as_array(X, name="X"):
    """Return what holds the numbers of a tensor of PyTorch or a lazy array as a NumPy array.

    Parameters
    ----------
    X : object
        What the user passed.
    name : str, default="X"
        The parameter's name, for the message.

    Returns
    -------
    object
        Of a dense tensor, or a list of them, its numbers: without a copy if it is on the CPU, and
        in float32 where NumPy lacks the dtype, as bfloat16. Anything else is returned as it is.

    Raises
    ------
    ValueError
        If X is a sparse tensor or one without numbers, or has an unknown number of rows.
    """
    require_known_shape(X, name)
    if isinstance(X, list | tuple) and X and _is_tensor(X[0]):
        X = np.asarray([_tensor_to_numpy(row, name) for row in X])
    if _is_tensor(X):
        X = _tensor_to_numpy(X, name)
    if getattr(getattr(X, "dtype", None), "name", None) == "bfloat16":
        X = np.asarray(X).astype(np.float32)
    return X


def _is_tensor(X):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.Tensor)


def _tensor_to_numpy(X, name):
    if X.is_meta:
        raise ValueError(f"{name} must be a tensor that holds numbers, got one on device='meta'.")
    if X.layout != sys.modules["torch"].strided:
        raise ValueError(f"{name} must be a dense tensor, got {X.layout}: pass {name}.to_dense().")
    X = X.detach().cpu()
    try:
        return X.numpy()
    except (TypeError, RuntimeError):
        # A dtype that NumPy lacks, or a conjugate that is not computed yet.
        return (X.float() if X.is_floating_point() else X.resolve_conj().resolve_neg()).numpy()


def as_float(array, dtype, what):
    """Return numbers in a floating dtype that has to hold them.

    Parameters
    ----------
    array : ndarray
        Numbers that were computed from finite ones.
    dtype : dtype
        float32 or float64.
    what : str
        What they are, for the message.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If one is too large for ``dtype``.
    """
    with np.errstate(over="ignore", under="ignore"):
        array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        remedy = "scale it down" + ("" if array.dtype == np.float64 else ", or pass float64")
        raise ValueError(
            f"{what} must not exceed the largest {array.dtype}, {np.finfo(array.dtype).max:.2g}; X "
            f"is too large for it: {remedy}."
        )
    return array


def check_samples(estimator, X, *, reset, accept_sparse=False, keeps_half=False):
    """Return X as a float matrix through scikit-learn's ``validate_data``.

    Names of columns are compared with those of ``fit``; where that had none, they do not matter.

    Parameters
    ----------
    estimator : estimator
        Whose ``n_features_in_`` is set or checked.
    X : array-like, tensor, or sparse matrix or array of shape (n_samples, n_features)
        What the user passed.
    reset : bool
        True in ``fit``.
    accept_sparse : bool or list of str, default=False
        The sparse formats that are taken.
    keeps_half : bool, default=False
        Whether float16 stays, too, for the caller to widen it block by block.

    Returns
    -------
    ndarray or sparse matrix or array of shape (n_samples, n_features)
        float32 and float64 stay, all else becomes float64, but float32 of bfloat16.

    Raises
    ------
    TypeError, ValueError
        As scikit-learn does, with messages that name X.
    """
    dtypes = (np.float64, np.float32, np.float16)[: 2 + keeps_half]
    if issparse(X) and not accept_sparse:
        raise ValueError(
            f"X must be a dense array, got a sparse {type(X).__name__}: pass X.toarray()."
        )
    checked = {"accept_sparse": accept_sparse, "dtype": dtypes}
    try:
        X = as_array(X)
        shape = getattr(X, "shape", ())
        if len(shape) > 2:
            raise ValueError(
                f"X must be a matrix with one sample a row, got {len(shape)} dimensions, shape "
                f"{tuple(shape)}: pass X.reshape(-1, {shape[-1]})."
            )
        if reset or hasattr(estimator, "feature_names_in_"):
            return validate_data(estimator, X, reset=reset, **checked)
        X = check_array(X, estimator=estimator, input_name="X", **checked)
        return validate_data(estimator, X, reset=False, skip_check_array=True)
    except (TypeError, ValueError) as error:
        if re.search(r"\bX\b", str(error)):
            raise
        raise type(error)(f"X must be a matrix of finite real numbers: {error}") from error


def check_codes(y, name="y", *, n_samples=None, n_features=None):
    """Return sparse codes as a canonical ``csr_array``, leaving the input as it was.

    Parameters
    ----------
    y : array-like or sparse matrix or array of shape (n_samples, n_features)
        Dense or sparse, in any format. Explicit zeros are dropped, duplicate entries summed.
    name : str, default="y"
        The parameter's name, for the messages.
    n_samples, n_features : int or None, default=None
        The shape that is wanted, where it is known.

    Returns
    -------
    csr_array of shape (n_samples, n_features)
        With sorted indices and no explicit zeros. float32 and float64 stay, all else becomes
        float64. May share memory with ``y``: not to be written to.

    Raises
    ------
    ValueError
        If ``y`` is not a finite real matrix of that shape with at least one row and one column.
    """
    y = as_array(y, name)
    try:
        y = y if hasattr(y, "ndim") else np.asarray(y)
    except ValueError as error:
        raise ValueError(f"{name} must be an (n_samples, n_features) matrix: {error}") from error
    if y.ndim != 2:
        raise ValueError(
            f"{name} must be an (n_samples, n_features) matrix, one row per sample and one column "
            f"per codeword; got {y.ndim} dimension(s), shape {y.shape}."
        )
    if isinstance(y, np.ndarray) and y.dtype.kind in "biu":
        # In float64 a dense indicator would have eight times its size.
        y = csr_array(y)
    try:
        y = check_array(y, accept_sparse="csr", dtype=(np.float64, np.float32), input_name=name)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a finite real (n_samples, n_features) matrix: {error}"
        ) from error
    for axis, (found, wanted) in enumerate(zip(y.shape, (n_samples, n_features), strict=True)):
        if wanted is not None and found != wanted:
            noun = ("rows", "columns")[axis]
            raise ValueError(f"{name} must have {wanted} {noun}, got shape {y.shape}.")
    codes = csr_array(y)
    if issparse(y) and not (codes.has_canonical_format and np.all(codes.data)):
        codes = codes.copy()
        codes.sum_duplicates()
        codes.eliminate_zeros()
    return codes
