"""Small decoding problems that the checks share."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import contextmanager
from inspect import signature

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes


def tolerances(decoder):
    """Return the names of parameters that are in the units of X: those that need not be given."""
    parameters = signature(type(decoder).__init__).parameters
    names = ("tol", "noise_std")
    return [name for name in names if name in parameters and parameters[name].default is None]


def constructed(decoder_class, dictionary, n_nonzero_coefs=None):
    """Return a decoder of a class with its default parameters, also of one around another."""
    if "estimator" in signature(decoder_class.__init__).parameters:
        return decoder_class(TopKDecoder(dictionary, n_nonzero_coefs))
    return decoder_class(dictionary, n_nonzero_coefs)


def configured(decoder, dictionary, n_nonzero_coefs=None, **params):
    """Return an unfitted copy of a decoder that reads with another dictionary.

    Of a decoder around another, the inner one does, and has the same ``values``.
    """
    if hasattr(decoder, "estimator"):
        values = {name: params[name] for name in params if name == "values"}
        inner = configured(decoder.estimator, dictionary, n_nonzero_coefs, **values)
        return clone(decoder).set_params(estimator=inner, **params)
    return clone(decoder).set_params(
        dictionary=dictionary, n_nonzero_coefs=n_nonzero_coefs, **params
    )


def has_parameter(estimator, name):
    """Tell whether an estimator has a parameter of that name."""
    return name in estimator.get_params(deep=False)


def legal_values(decoder):
    """Return what the parameter ``values`` may be; of binary ones there is nothing to refit."""
    refits = hasattr(decoder, "estimator")
    return ("nonnegative", "real") if refits else ("binary", "nonnegative", "real")


def easy_problem(encoder_class=RademacherEncoder, *, n_samples=6, seed=0):
    """Return (encoder, X, Y) that every decoder should solve without one error.

    N = 48, d = 100, k = 2, one codeword in each half: matched filters of present codewords give
    1 +- 0.10, those of absent ones 0 +- 0.14.
    """
    Y = make_sparse_codes(n_samples, 48, n_nonzero_coefs=2, sections=True, random_state=seed)
    encoder = encoder_class(n_components=100, random_state=seed)
    return encoder, encoder.fit_transform(Y), Y


def hard_problem(encoder_class=RademacherEncoder, *, n_samples=6, noise=0.1, seed=0):
    """Return (encoder, X, Y) where decoders err: N = 50, d = 15, noise, one codeword in each third.

    N is more than 2 d, so that any point is a nonnegative combination of codewords.
    """
    Y = make_sparse_codes(n_samples, 50, n_nonzero_coefs=3, sections=True, random_state=seed)
    encoder = encoder_class(n_components=15, random_state=seed)
    X = encoder.fit_transform(Y)
    X += noise * np.random.default_rng(seed).standard_normal(X.shape)
    return encoder, X, Y


def float_dictionary(n_features=50, n_components=15, seed=0):
    """Return codewords of many different norms."""
    return np.random.default_rng(seed).standard_normal((n_features, n_components))


def hard_float_problem(n_samples=6):
    """Return (dictionary, X, Y) where decoders err, for codewords of many different norms."""
    dictionary = float_dictionary()
    Y = hard_problem(n_samples=n_samples)[2]
    noise = np.random.default_rng(1).standard_normal((n_samples, dictionary.shape[1]))
    return dictionary, Y @ dictionary + 0.1 * noise, Y


def fit_quietly(decoder, X, y=None):
    """Fit a decoder where warnings are not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decoder.fit(X, y)


@contextmanager
def only_convergence_warnings():
    """Turn every warning but a ConvergenceWarning, which is ignored, into an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def to_dense(codes):
    """Return codes, sparse or not, as an ndarray."""
    return codes.toarray() if issparse(codes) else np.asarray(codes)


def assert_same_codes(found, wanted, *, exact=True, message=""):
    """Assert that codes are bit-equal or, for float dictionaries, equal up to rounding."""
    found, wanted = to_dense(found), to_dense(wanted)
    if exact:
        np.testing.assert_array_equal(found, wanted, err_msg=message)
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=message)


def assert_legal_codes(codes, shape):
    """Assert that codes are finite and of the given shape."""
    assert codes.shape == shape
    assert np.isfinite(to_dense(codes)).all()
