"""Checks of an encoder: its codebook, what it shares with decoders, superposition, refusals."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import pickle
import warnings
from unittest import SkipTest

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal, assert_raises
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from sksupercode import CodebookMismatchWarning, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.testing._runner import assert_refused, untouched_random_state

# At least as many codewords as dimensions: some encoders need that.
_N, _D = 60, 40
_MEAN = (
    "codewords must have mean 0, as what they have in common is in all codebooks, and must be "
    "drawn from the seed"
)


def _recipe(encoder, seed=0, **params):
    """Return an unfitted copy that learns N; an encoder need not have the parameter for it."""
    if "n_features" in encoder.get_params(deep=False):
        params = {"n_features": None, **params}
    return clone(encoder).set_params(random_state=seed, **params)


def _codes(n_samples=7):
    """Return small integers of both signs, mostly 0; the first row is empty."""
    rng = np.random.default_rng(0)
    Y = rng.integers(-2, 4, (n_samples, _N)) * (rng.random((n_samples, _N)) < 0.3)
    Y[0] = 0
    return Y


def _unseeded():
    return None, np.random.RandomState(0), np.random.default_rng(0)


# The codebook


def check_codebook_is_a_function_of_its_recipe(encoder):
    """The codebook follows from (kind, N, d, seed) and the parameters, and from nothing else."""
    expected = np.array(_recipe(encoder).codebook(_N, _D))
    assert expected.shape == (_N, _D) and np.isfinite(expected).all()
    fitted = _recipe(encoder, n_components=_D).fit(_codes())
    assert_array_equal(np.asarray(fitted.dictionary_), expected)
    others = [
        _recipe(encoder, np.int64(0)),
        _recipe(encoder, n_components=_D + 1),
        _recipe(encoder, 3, n_components=5).fit(_codes()).set_params(random_state=0),
    ]
    for other in others:
        assert_array_equal(np.asarray(other.codebook(np.int64(_N), np.int32(_D))), expected)
    del fitted, others, other
    # Nobody keeps it now, so it is drawn again.
    assert_array_equal(np.asarray(_recipe(encoder).codebook(_N, _D)), expected)


def check_other_recipes_are_unrelated(encoder):
    """Another seed, N or d is another codebook, which has nothing in common with the first."""
    first = np.asarray(_recipe(encoder).codebook(_N, _D), dtype=np.float64)
    others = [
        np.asarray(_recipe(encoder, 1).codebook(_N, _D)),
        np.asarray(_recipe(encoder, 2**40).codebook(_N, _D)),
        np.asarray(_recipe(encoder).codebook(_N + 1, _D))[:_N],
        np.asarray(_recipe(encoder).codebook(_N, _D + 1))[:, :_D],
    ]
    for other in others:
        cosine = np.vdot(first, other) / np.linalg.norm(first) / np.linalg.norm(other)
        # Independent codewords give a number of mean 0 and a deviation of 1/sqrt(N d), or so.
        assert abs(cosine) < 0.2, (
            f"the codebooks of two recipes correlate, with a cosine of {cosine:.2f}: {_MEAN}"
        )


def check_codebook_is_shared(encoder):
    """All that have the recipe hold the same copy: clones, fitted encoders, decoders."""
    fitted = _recipe(encoder, n_components=_D).fit(_codes())
    codebook = fitted.dictionary_
    for other in (clone(fitted), copy.deepcopy(_recipe(encoder))):
        assert other.codebook(_N, _D) is codebook
    assert _recipe(encoder, 1).codebook(_N, _D) is not codebook
    Y = make_sparse_codes(6, _N, n_nonzero_coefs=1, random_state=0)
    X = fitted.transform(Y)
    assert TopKDecoder(clone(fitted)).fit(X, Y).dictionary_ is codebook
    if "n_features" in encoder.get_params(deep=False):
        complete = _recipe(encoder, n_features=_N)
        assert TopKDecoder(complete, 1).fit(X).dictionary_ is codebook


def check_decoders_read_it(encoder):
    """A decoder with the recipe finds single codewords; with another seed it warns."""
    encoder = _recipe(encoder, n_components=256)
    Y = make_sparse_codes(200, 300, n_nonzero_coefs=1, random_state=0)
    X = encoder.fit_transform(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = TopKDecoder(encoder).fit(X, Y).score(X, Y)
    assert score == 1.0, f"top-k finds {score:.0%} of single codewords in 256 dimensions"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        TopKDecoder(_recipe(encoder, 1)).fit(X, Y)
    assert any(issubclass(warning.category, CodebookMismatchWarning) for warning in caught), (
        f"there is no CodebookMismatchWarning for another seed: {_MEAN}"
    )


def check_no_integer_no_recipe(encoder):
    """Without an integer seed each fit draws a fresh codebook, which only decoders of it use."""
    for random_state in _unseeded():
        unseeded = _recipe(encoder, random_state, n_components=_D)
        assert not unseeded.has_recipe
        first, second = (np.array(unseeded.fit(_codes()).dictionary_) for _ in range(2))
        assert not np.array_equal(first, second)
        assert_refused({"codebook": (lambda e: e.codebook(_N, _D), "random_state")}, unseeded)
        Y = make_sparse_codes(6, _N, n_nonzero_coefs=1, random_state=0)
        decoder = TopKDecoder(FrozenEstimator(unseeded)).fit(unseeded.transform(Y), Y)
        assert decoder.dictionary_ is unseeded.dictionary_
    first, second = (
        np.asarray(
            _recipe(encoder, np.random.default_rng(5), n_components=_D).fit(_codes()).dictionary_
        )
        for _ in range(2)
    )
    assert_array_equal(first, second)


def check_encoder_leaves_the_global_random_state(encoder):
    """Neither NumPy's nor Python's global random state is touched."""
    with untouched_random_state():
        for random_state in (0, *_unseeded()):
            _recipe(encoder, random_state, n_components=_D).fit_transform(_codes())


# Superposition


def check_transform_is_the_product(encoder):
    """``transform`` is codes @ dictionary, of dense and sparse codes, in float32 for float32."""
    Y = _codes()
    fitted = _recipe(encoder, n_components=_D).fit(csr_array((1, _N)))
    expected = Y @ np.asarray(fitted.dictionary_, dtype=np.float64)
    for dtype in (np.float64, np.float32, np.int64):
        tolerance = 1e-5 if dtype == np.float32 else 1e-6
        for container in (np.array, np.asfortranarray, csr_array, csc_array, csr_matrix, coo_array):
            codes = container(Y.astype(dtype))
            X = fitted.transform(codes)
            assert isinstance(X, np.ndarray)
            assert X.dtype == (np.float32 if dtype == np.float32 else np.float64)
            assert_allclose(X, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))
    assert_allclose(fitted.transform(Y != 0), (Y != 0) @ np.asarray(fitted.dictionary_), atol=1e-5)
    assert_array_equal(fitted.transform(Y)[0], 0)
    one_by_one = np.vstack([fitted.transform(y[np.newaxis]) for y in Y])
    assert_allclose(one_by_one, fitted.transform(Y), rtol=0, atol=1e-12 * np.abs(expected).max())


def check_codes_stay_as_they_are(encoder):
    """Codes are not written to, nor is a parameter."""
    fitted = _recipe(encoder, n_components=_D)
    params = fitted.get_params(deep=False)
    Y = _codes().astype(np.float64)
    sparse = csr_array(Y)
    for array in (Y, sparse.data, sparse.indices, sparse.indptr):
        array.flags.writeable = False
    for codes in (Y, sparse):
        fitted.fit(codes).transform(codes)
    assert_array_equal(Y, _codes())
    assert_array_equal(sparse.toarray(), _codes())
    assert all(fitted.get_params(deep=False)[name] is value for name, value in params.items())


# An estimator


def check_copies_of_an_encoder(encoder):
    """A pickle encodes equally, with a seed or without; a clone is not fitted."""
    for random_state in (0, None):
        fitted = _recipe(encoder, random_state, n_components=_D).fit(_codes())
        for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
            assert_array_equal(copied.transform(_codes()), fitted.transform(_codes()))
        assert not hasattr(clone(fitted), "dictionary_")
        params = fitted.get_params(deep=False)
        assert repr(clone(fitted).get_params(deep=False)) == repr(params)
    fresh = pickle.loads(pickle.dumps(_recipe(encoder)))
    assert fresh.codebook(_N, _D) is _recipe(encoder).codebook(_N, _D)


def check_encoder_output(encoder):
    """Columns are named by the class, also in a data frame; names of codes are remembered."""
    fitted = _recipe(encoder, n_components=3).fit(_codes())
    names = [f"{type(encoder).__name__.lower()}{j}" for j in range(3)]
    assert list(fitted.get_feature_names_out()) == names
    try:
        import pandas
    except ImportError as error:
        raise SkipTest("pandas is not installed") from error
    frame = pandas.DataFrame(_codes(), columns=[f"word{i}" for i in range(_N)])
    framed = _recipe(encoder, n_components=3).set_output(transform="pandas").fit(frame)
    X = framed.transform(frame)
    assert list(X.columns) == names
    assert_array_equal(X, fitted.transform(_codes()))
    assert list(framed.feature_names_in_) == list(frame.columns)
    assert_refused({"columns in another order": (framed.transform, "names")}, frame.iloc[:, ::-1])


def check_refitting_follows_the_parameters(encoder):
    """A second fit forgets the first, and follows the parameters of today."""
    fitted = _recipe(encoder, n_components=_D).fit(_codes())
    fitted.set_params(n_components=12, random_state=9).fit(np.ones((2, 20)))
    assert fitted.dictionary_ is fitted.codebook(20, 12)
    assert fitted.n_features_in_ == 20 and fitted.transform(np.ones((2, 20))).shape == (2, 12)


def check_more_dimensions_than_codewords(encoder):
    """N may be less than d, as in a sweep over d; all other checks have N >= d."""
    fitted = _recipe(encoder, n_components=30).fit(np.ones((2, 12)))
    assert fitted.dictionary_.shape == (12, 30)
    assert np.isfinite(fitted.transform(np.ones((2, 12)))).all()


# Refusals

_BAD = {
    "n_components": (0, -1, 2.5, True, "8", None, [8]),
    "n_features": (0, -1, 2.5, True, "8", [8], _N + 1),
    "random_state": ("a", -1, 1.5, True, [1, 2], np.random),
}
# What is done to a fitted encoder and its codes, and the name in the message.
BAD_CODES = {
    "1-D codes": (lambda e, Y: e.transform(Y[0]), "X"),
    "3-D codes": (lambda e, Y: e.transform(Y[np.newaxis]), "X"),
    "nan": (lambda e, Y: e.transform(np.where(Y, np.nan, 0.0)), "X"),
    "inf": (lambda e, Y: e.transform(np.where(Y, np.inf, 0.0)), "X"),
    "sparse nan": (lambda e, Y: e.transform(csr_array(np.where(Y, np.nan, 0.0))), "X"),
    "nan in fit": (lambda e, Y: clone(e).fit(np.where(Y, np.nan, 0.0)), "X"),
    "no codes": (lambda e, Y: e.transform(Y[:0]), "X"),
    "fewer columns": (lambda e, Y: e.transform(Y[:, 1:]), "X"),
    "more columns, sparse": (lambda e, Y: e.transform(csr_array((2, _N + 1))), "X"),
    "text": (lambda e, Y: e.transform(np.full(Y.shape, "word")), "X"),
    "complex": (lambda e, Y: e.transform(Y * 1j), "X"),
}


def check_refused_parameters(encoder):
    """What a parameter cannot be is a ValueError in ``fit`` that names the parameter."""
    cases = {
        f"{name}={value!r}": (
            clone(encoder).set_params(**{"n_components": _D, name: value}).fit,
            name,
        )
        for name, values in _BAD.items()
        for value in (values if name in encoder.get_params(deep=False) else ())
    }
    assert_refused(cases, _codes())


def check_refused_codes(encoder):
    """Codes of another shape or type are a ValueError that names X, NaN and inf included."""
    assert_refused(BAD_CODES, _recipe(encoder, n_components=_D).fit(_codes()), _codes())
    assert_raises(NotFittedError, _recipe(encoder).transform, _codes())
