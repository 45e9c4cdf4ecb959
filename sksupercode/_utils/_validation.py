"""Checks of parameters and inputs that the whole package shares."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re
import sys
from contextlib import suppress
from copy import copy
from math import inf, nan
from numbers import Integral, Real
from os import PathLike

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

# What an estimator has in the place of which array, where it is not codes.
_OF_ESTIMATORS = {"dictionary": "dictionary_", "X_hat": "reconstruct(X)"}
_SEVERAL_FILES = (
    "Files larger than memory are joined by Dask: see Large activations in the user guide"
)


def _refuse(name, wanted, value):
    raise ValueError(f"{name} must be {wanted}, got {value!r} ({type(value).__name__}).")


def _describe(noun, minimum, maximum, closed, allow_none):
    bounds = []
    if minimum != -inf:
        bounds.append(f"{'>=' if closed in ('both', 'left') else '>'} {minimum}")
    if maximum != inf:
        bounds.append(f"{'<=' if closed in ('both', 'right') else '<'} {maximum}")
    wanted = " ".join([noun, " and ".join(bounds)]) if bounds else noun
    return wanted + (" or None" if allow_none else "")


def _number(value):
    """Return the number in a tensor without dimensions, and anything else as it is."""
    return value.item() if _is_tensor(value) and not value.ndim and not value.is_meta else value


def check_integer(value, name, minimum=-inf, maximum=inf, *, allow_none=False):
    """Return a parameter as an int within inclusive bounds; bools and floats are refused."""
    value = _number(value)
    if value is None and allow_none:
        return None
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not (is_integer and minimum <= value <= maximum):
        _refuse(name, _describe("an integer", minimum, maximum, "both", allow_none), value)
    return int(value)


def check_real(value, name, minimum=-inf, maximum=inf, *, closed="both", allow_none=False):
    """Return a parameter as a float within bounds; bools and nan are refused, integers are taken.

    ``closed`` says which bounds are legal: "both", "left", "right" or "neither". Infinity is a real
    number here, and one that "left" refuses.
    """
    value = _number(value)
    if value is None and allow_none:
        return None
    number = nan
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
    if (
        not minimum <= number <= maximum
        or (number == minimum and closed not in ("both", "left"))
        or (number == maximum and closed not in ("both", "right"))
    ):
        finite = maximum == inf and closed not in ("both", "right")
        noun = "a finite real number" if finite else "a real number"
        _refuse(name, _describe(noun, minimum, maximum, closed, allow_none), value)
    return number


def check_bool(value, name):
    """Return a parameter as a bool, if it is one of Python's or NumPy's."""
    if not isinstance(value, bool | np.bool_):
        _refuse(name, "True or False", value)
    return bool(value)


def check_option(value, name, options):
    """Return a parameter if it is one of the strings ``options``."""
    if not isinstance(value, str) or value not in options:
        _refuse(name, "one of " + ", ".join(repr(option) for option in options), value)
    return value


def check_device(device, *, allow_none=False):
    """Return a ``torch.device`` that can be used here."""
    import torch

    if device is None and allow_none:
        return None
    try:
        torch.empty(0, device=torch.device(device))
    except (AssertionError, NotImplementedError, RuntimeError, TypeError) as error:
        wanted = "one that PyTorch can use" + (" or None" if allow_none else "")
        raise ValueError(f"device must be {wanted}, got {device!r}.") from error
    return torch.device(device)


def check_generator(random_state):
    """Return a ``numpy.random.Generator``, without touching NumPy's global random state.

    None gives fresh entropy, an integer >= 0 the same stream every time, a Generator is returned as
    it is, and a RandomState is advanced to seed a new one.
    """
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint32))
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        return np.random.default_rng(check_integer(random_state, "random_state", minimum=0))
    _refuse("random_state", "an integer >= 0, a RandomState, a Generator or None", random_state)


def require_matrix(X, name="X"):
    """Raise a ValueError for an array that cannot be read as a matrix, before anything is read.

    These have more than two dimensions, as activations of several texts, do not know how many rows
    they have, or are tensors that are sparse, nested, complex or without numbers; or they are an
    estimator or several matrices, and no array. What passes may be a vector.
    """
    if isinstance(X, BaseEstimator):
        wanted = _OF_ESTIMATORS.get(name, "transform(X)")
        raise ValueError(
            f"{name} must be an array, got the estimator {type(unfrozen(X)).__name__}: pass its "
            f"{wanted}."
        )
    if name in ("X", "targets"):
        _refuse_paths(X, name)
    if isinstance(X, list | tuple):
        _refuse_matrices(X, name)
    if _is_tensor(X):
        _refuse_tensor(X, name)
    shape = getattr(X, "shape", ())
    if not isinstance(shape, tuple):
        return
    if not all(isinstance(n, Integral) for n in shape):
        raise ValueError(
            f"{name} must be a matrix of known shape, got a {type(X).__name__} of shape {shape}: "
            f"call {name}.compute_chunk_sizes() first, or pass {name}.compute()."
        )
    if len(shape) > 2:
        raise ValueError(
            f"{name} must be a matrix, got {len(shape)} dimensions, shape {tuple(shape)}: pass "
            f"{name}.reshape(-1, {shape[-1]})."
        )


def _refuse_paths(X, name):
    parts = X if isinstance(X, list | tuple) and X else [X]
    if all(isinstance(part, str | PathLike) for part in parts):
        raise ValueError(
            f"{name} must be an array, got the name of a file, {parts[0]!r}: pass np.load(path, "
            f"mmap_mode='r'). {_SEVERAL_FILES}."
        )


def _refuse_matrices(X, name):
    part = next((part for part in X if getattr(part, "ndim", 0) > 1), None)
    if part is None:
        return
    kind, join = "arrays", "np.concatenate"
    if _is_tensor(part):
        kind, join = "tensors", "torch.cat"
    elif issparse(part):
        kind, join = "sparse matrices", "scipy.sparse.vstack"
    remedy = f"pass {join}({name})"
    if name == "X":
        remedy += f", or one after the other to transform or partial_fit. {_SEVERAL_FILES}"
    raise ValueError(
        f"{name} must be a matrix, got a {type(X).__name__} of {len(X)} {kind}, one of shape "
        f"{tuple(part.shape)}: {remedy}."
    )


def _refuse_tensor(X, name):
    if X.is_nested:
        raise ValueError(
            f"{name} must be a matrix, got a nested tensor: pass torch.cat({name}.unbind())."
        )
    if X.layout != sys.modules["torch"].strided:
        raise ValueError(f"{name} must be a dense tensor, got {X.layout}: pass {name}.to_dense().")
    if X.is_complex():
        raise ValueError(f"{name} must be a tensor of real numbers, got {X.dtype}.")
    if X.is_meta:
        raise ValueError(f"{name} must be a tensor that holds numbers, got one on device='meta'.")


def as_array(X, name="X", *, keeps_half=False):
    """Return the numbers of a dense tensor, or of a list of them, and anything else as it is.

    Without a copy if they are on the CPU, and in float32 where NumPy lacks the dtype, as bfloat16;
    with ``keeps_half``, this is that of ml_dtypes where there is that package. Arrays of Dask are
    computed, and objects that give arrays for slices alone are read. What :func:`require_matrix`
    refuses is refused.
    """
    require_matrix(X, name)
    X = _computed(X)
    if not (issparse(X) or _is_tensor(X) or hasattr(X, "__array__")) and hasattr(X, "shape"):
        X = X[:]
    if isinstance(X, list | tuple) and X and _is_tensor(X[0]):
        X = np.asarray([as_array(row, name) for row in X])
    if _is_tensor(X):
        X = _tensor_to_numpy(X, keeps_half)
    if is_bfloat16(X) and not keeps_half:
        X = np.asarray(X).astype(np.float32)
    return X


def is_bfloat16(X):
    """Return whether numbers are in the format of ml_dtypes of this name."""
    return getattr(getattr(X, "dtype", None), "name", None) == "bfloat16"


def _computed(X):
    dask, distributed = sys.modules.get("dask"), sys.modules.get("distributed")
    if (
        dask is None
        or not dask.is_dask_collection(X)
        or not isinstance(getattr(X, "shape", None), tuple)
    ):
        return X
    if distributed is None or distributed.futures_of(X):
        return X.compute()
    # Not by a cluster, which would be sent all of a file that is mapped here.
    return X.compute(scheduler="threads")


def _is_tensor(X):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.Tensor)


def _tensor_to_numpy(X, keeps_half):
    torch = sys.modules["torch"]
    # Views that are conjugate or negated are computed first.
    X = X.detach().cpu().resolve_conj().resolve_neg()
    if keeps_half and X.dtype == torch.bfloat16:
        with suppress(ImportError):
            from ml_dtypes import bfloat16

            return X.view(torch.int16).numpy().view(bfloat16)
    try:
        return X.numpy()
    except (TypeError, RuntimeError):
        # A dtype that NumPy lacks.
        return X.float().numpy()


def check_matrix(X, name="X", *, dtype=(np.float64, np.float32), **options):
    """Return X as scikit-learn's ``check_array`` does; any error becomes one that names it."""
    X = as_array(X, name)
    try:
        return check_array(X, dtype=dtype, input_name=name, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a matrix of finite real numbers: {error}") from error


def as_float(array, dtype, what):
    """Return numbers, computed from finite ones, in a dtype; refuse those too large for it."""
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
    """Return X as a float matrix through scikit-learn's ``validate_data``; errors name X.

    float32 and float64 stay, with ``keeps_half`` float16 too, for the caller to widen it block by
    block; all else becomes float64, but float32 of bfloat16. Names of columns are compared with
    those of ``fit``, in which ``reset`` is true; where that had none, they do not matter.
    """
    dtypes = (np.float64, np.float32, np.float16)[: 2 + keeps_half]
    if issparse(X) and not accept_sparse:
        raise ValueError(
            f"X must be a dense array, got a sparse {type(X).__name__}: pass X.toarray()."
        )
    checked = {"accept_sparse": accept_sparse, "dtype": dtypes}
    try:
        X = as_array(X)
        if reset or hasattr(estimator, "feature_names_in_"):
            return validate_data(estimator, X, reset=reset, **checked)
        X = check_array(X, estimator=estimator, input_name="X", **checked)
        return validate_data(estimator, X, reset=False, skip_check_array=True)
    except (TypeError, ValueError) as error:
        if re.search(r"\bX\b|feature names", str(error)):
            raise
        raise type(error)(f"X must be a matrix of finite real numbers: {error}") from error


def without_names(estimator, X):
    """Return a fitted estimator that takes arrays; names of columns are compared with X's here."""
    estimator = unfrozen(estimator)
    if "feature_names_in_" not in vars(estimator):
        return estimator
    validate_data(estimator, X, reset=False, skip_check_array=True)
    estimator = copy(estimator)
    del estimator.feature_names_in_
    return estimator


def check_codes(y, name="y", *, n_samples=None, n_features=None):
    """Return codes as a canonical ``csr_array``, leaving the input as it was.

    Explicit zeros are dropped, duplicate entries summed. float32 and float64 stay, all else becomes
    float64. It may share memory with ``y``: not to be written to. A ValueError is raised unless it
    is a finite matrix of the shape that is wanted, as far as that is known.
    """
    y = as_array(y, name)
    try:
        y = y if hasattr(y, "ndim") else np.asarray(y)
    except ValueError as error:
        raise ValueError(f"{name} must be an (n_samples, n_features) matrix: {error}") from error
    if y.ndim != 2:
        require_matrix(y, name)
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


def transpose_hint(shape, n_components, name):
    """Return the end of a message about codewords of other than ``n_components`` dimensions."""
    is_transposed = shape[0] == n_components != shape[1]
    return f": codewords are rows; if columns are, pass {name}.T." if is_transposed else "."


def unfrozen(estimator):
    """Return what is inside a FrozenEstimator, and anything else as it is."""
    return estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
