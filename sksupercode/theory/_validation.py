"""Checks of the arguments that the formulas share."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

MAX_N_FEATURES = 2**60
MAX_N_COMPONENTS = 10**9
MAX_SIGNS = 2**30


def check_real(value, name, low, high, *, closed="both", scalar=False):
    """Convert to float64 and require every entry to lie between ``low`` and ``high``.

    ``closed`` says which ends belong to the range: "both", "left", "right" or "neither". With
    ``scalar`` one number is wanted, and a Python number returned.
    """
    array = _numeric(value, name).astype(np.float64)
    above = array >= low if closed in ("both", "left") else array > low
    below = array <= high if closed in ("both", "right") else array < high
    _require(array, above & below, name, low, high, closed, "number")
    return _one(array, name) if scalar else array


def check_integer(value, name, low, high, *, scalar=False):
    """Convert to int64 and require whole numbers between ``low`` and ``high``, both included."""
    array = _numeric(value, name)
    whole = np.isfinite(array.astype(np.float64)) & (array == np.floor(array))
    _require(array, whole & (array >= low) & (array <= high), name, low, high, "both", "integer")
    array = array.astype(np.int64)
    return _one(array, name) if scalar else array


def check_n_features(n_features, low=1):
    """Check the number of codewords, N, up to its largest."""
    return check_integer(n_features, "n_features", low, MAX_N_FEATURES)


def check_n_nonzero_coefs(n_nonzero_coefs, low=1):
    """Check the number of active codewords, k, where N is not given."""
    return check_integer(n_nonzero_coefs, "n_nonzero_coefs", low, MAX_N_FEATURES)


def check_sizes(n_features, n_nonzero_coefs, low=1):
    """Check N and k together: k may not exceed N."""
    n_features = check_n_features(n_features, low)
    n_nonzero_coefs = check_n_nonzero_coefs(n_nonzero_coefs)
    smaller = n_nonzero_coefs <= n_features
    if not np.all(smaller):
        k, n = np.broadcast_arrays(n_nonzero_coefs, n_features)
        k, n = k[~smaller].flat[0], n[~smaller].flat[0]
        raise ValueError(
            f"n_nonzero_coefs must be an integer in [1, n_features]; "
            f"got n_nonzero_coefs={k} with n_features={n}."
        )
    return n_features, n_nonzero_coefs


def check_n_components(n_components, *, whole=False):
    """Check the dimension of the code, d; the Gaussian formulas take real values of it."""
    if whole:
        return check_integer(n_components, "n_components", 1, MAX_N_COMPONENTS)
    return check_real(n_components, "n_components", 1, MAX_N_COMPONENTS)


def check_noise_variance(noise_variance, *, positive=False):
    """Check the variance of the noise per coordinate."""
    closed = "neither" if positive else "left"
    return check_real(noise_variance, "noise_variance", 0, np.inf, closed=closed)


def check_probability(probability, name="probability"):
    """Check a probability that is neither 0 nor 1."""
    return check_real(probability, name, 0, 1, closed="neither")


def check_density(density):
    """Check the fraction of active codewords, k/N."""
    return check_real(density, "density", 0, 1, closed="right")


def check_state(density, undersampling, noise_variance):
    """Check the density, the undersampling and the noise of state evolution."""
    undersampling = check_real(undersampling, "undersampling", 0, np.inf, closed="neither")
    return check_density(density), undersampling, check_noise_variance(noise_variance)


def check_n_iter(n_iter):
    """Check the number of iterations, which may be 0."""
    return check_integer(n_iter, "n_iter", 0, 10**6, scalar=True)


def check_simulation(n_features, n_nonzero_coefs, n_components, noise_variance, n_samples):
    """Check the sizes, the noise and the samples of a simulation."""
    n, k = check_sizes(n_features, n_nonzero_coefs)
    d = check_n_components(n_components, whole=True)
    size = np.max(k.astype(np.float64) * d)
    if size > MAX_SIGNS:
        raise ValueError(
            "n_nonzero_coefs * n_components must be at most 2**30 for a simulation; "
            f"got {size:.4g}."
        )
    n_samples = check_integer(n_samples, "n_samples", 2, 10**9, scalar=True)
    return n, k, d, check_noise_variance(noise_variance), n_samples


def check_approximation(approximation, k, options):
    """Check the law of the scores, each of which is for some k alone."""
    check_option(approximation, "approximation", options)
    right, text = {"exact": (k <= 2, "1 or 2"), "refined": (k >= 3, "at least 3")}.get(
        approximation, (True, "")
    )
    if not np.all(right):
        raise ValueError(
            f"n_nonzero_coefs must be {text} if approximation={approximation!r}; "
            f"got {k[~right].flat[0]}."
        )


def as_generator(random_state):
    """A Generator from an integer, a RandomState, a Generator or None."""
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**32, size=4, dtype=np.uint32)
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "random_state must be a nonnegative integer, a RandomState, a Generator or None; "
            f"got {random_state!r}."
        ) from error


def check_bool(value, name):
    """Return the value if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {value!r}.")
    return value


def check_option(value, name, options):
    """Return the value if it is one of a few strings."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {sorted(options)}; got {value!r}.")
    return value


def check_output(output):
    """Check which form of a probability of success is asked for."""
    return check_option(output, "output", ("success", "failure", "log"))


def require_noiseless(noise_variance, option):
    """Refuse noise where an option has no law for it."""
    if np.any(noise_variance > 0):
        raise ValueError(f"noise_variance must be 0 if {option}; got {np.max(noise_variance)}.")


def from_nats(information, unit):
    """Convert information in nats to bits or leave it."""
    check_option(unit, "unit", ("bits", "nats"))
    return information / np.log(2) if unit == "bits" else information


def _numeric(value, name):
    try:
        array = np.asarray(value)
        if array.dtype == object:
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be a number or an array of numbers.") from error
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be a number or an array of numbers; got dtype {array.dtype}."
        )
    return array


def _require(array, inside, name, low, high, closed, kind):
    if np.all(inside):
        return
    bad = array[~inside].flat[0]
    left = "[" if closed in ("both", "left") else "("
    right = "]" if closed in ("both", "right") else ")"
    article = "an" if kind == "integer" else "a"
    raise ValueError(
        f"{name} must be {article} {kind} in {left}{_text(low)}, {_text(high)}{right}; got {bad}."
    )


def _one(array, name):
    if array.ndim:
        raise ValueError(f"{name} must be one number; got an array of shape {array.shape}.")
    return array.item()


def _text(limit):
    return "2**60" if limit == MAX_N_FEATURES else f"{limit}"
