"""Checks of how a decoder behaves as an estimator: copies, threads, containers, conversions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from unittest import SkipTest

import numpy as np
from numpy.testing import assert_raises_regex
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator

from sksupercode import RademacherEncoder
from sksupercode.testing._problems import (
    assert_same_codes,
    configured,
    easy_problem,
    fit_quietly,
    float_dictionary,
    hard_problem,
    has_parameter,
    legal_values,
    only_convergence_warnings,
    to_dense,
)
from sksupercode.testing._runner import untouched_random_state


class FittedDictionary(BaseEstimator):
    """A fitted estimator of somebody else, with a dictionary and an intercept."""

    def __init__(self, dictionary=None, intercept=None):
        self.dictionary = dictionary
        self.intercept = intercept

    def fit(self, X, y=None):
        """Take over the parameters."""
        self.dictionary_ = self.dictionary
        self.intercept_ = self.intercept
        return self


def check_pickle_and_clone(decoder):
    """Copies of a fitted decoder predict equally; a clone is fitted to the same codebook."""
    encoder, X, Y = hard_problem()
    fitted = fit_quietly(configured(decoder, encoder, 3), X, Y)
    with only_convergence_warnings():
        wanted, score = fitted.transform(X), fitted.score(X, Y)
        for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
            assert_same_codes(copied.transform(X), wanted)
            assert copied.score(X, Y) == score
    for copied in (clone(fitted), pickle.loads(pickle.dumps(clone(clone(fitted))))):
        assert not hasattr(copied, "dictionary_")
        fit_quietly(copied, X, Y)
        assert copied.dictionary_ is fitted.dictionary_
        with only_convergence_warnings():
            assert_same_codes(copied.transform(X), wanted)


def check_threads(decoder):
    """``transform`` of one fitted decoder may be called in many threads at once."""
    encoder, X, Y = hard_problem(n_samples=8)
    fitted = fit_quietly(configured(decoder, encoder, 3), X, Y)
    parts = [X[start : start + 3] for start in range(6)]
    with only_convergence_warnings():
        wanted = [to_dense(fitted.transform(part)) for part in parts]
        with ThreadPoolExecutor(4) as pool:
            found = [to_dense(codes) for codes in pool.map(fitted.transform, parts)]
    np.testing.assert_equal(found, wanted)


def check_global_random_state(decoder):
    """Neither NumPy's nor Python's global random state is touched."""
    encoder, X, Y = hard_problem()
    with untouched_random_state(), only_convergence_warnings():
        fitted = fit_quietly(configured(decoder, encoder, 3), X, Y)
        fitted.transform(X), fitted.predict(X), fitted.score(X, Y)


def check_sparse_output(decoder):
    """``sparse_output=False`` gives the same codes as an ndarray."""
    encoder, X, Y = hard_problem()
    sparse = fit_quietly(configured(decoder, encoder, 3, sparse_output=True), X, Y)
    dense = fit_quietly(configured(decoder, encoder, 3, sparse_output=False), X, Y)
    with only_convergence_warnings():
        for name in ("transform", "predict"):
            codes, array = getattr(sparse, name)(X), getattr(dense, name)(X)
            assert codes.format == "csr" and isinstance(array, np.ndarray)
            assert codes.dtype == array.dtype
            assert_same_codes(codes, array)
        assert sparse.score(X, Y) == dense.score(X, Y)


def check_inverse_transform(decoder):
    """``inverse_transform`` is Z F + intercept, for sparse and dense Z, in the dtype of Z."""
    dictionary, intercept = float_dictionary(), np.arange(15.0)
    source = FittedDictionary(dictionary, intercept).fit(None)
    fitted = configured(decoder, source, 3).fit(float_dictionary(5))
    _, _, Z = hard_problem()
    Z.data *= np.random.default_rng(0).standard_normal(Z.nnz)
    for dtype in (np.float64, np.float32):
        wanted = Z.toarray() @ dictionary + intercept
        for codes in (Z.astype(dtype), Z.toarray().astype(dtype)):
            X = fitted.inverse_transform(codes)
            assert isinstance(X, np.ndarray) and X.dtype == dtype
            np.testing.assert_allclose(X, wanted, rtol=1e-5, atol=1e-5)


def check_reconstruct(decoder):
    """``reconstruct`` superposes the codes of ``transform``, for every form of the output."""
    encoder, X, Y = easy_problem()
    fitted = configured(decoder, encoder).set_output(transform="pandas").fit(X, Y)
    with only_convergence_warnings():
        for dtype in (np.float64, np.float32):
            X_hat = fitted.reconstruct(X.astype(dtype))
            assert isinstance(X_hat, np.ndarray) and X_hat.dtype == dtype
            if fitted.values_ == "binary":
                np.testing.assert_allclose(X_hat, X, rtol=1e-5, atol=1e-5)
        codes = configured(decoder, encoder).fit(X, Y).transform(X)
        np.testing.assert_array_equal(fitted.reconstruct(X), fitted.inverse_transform(codes))


def check_dictionary_of_an_estimator(decoder):
    """``dictionary_`` and ``intercept_`` of a fitted estimator, frozen or not, are used."""
    encoder, X, Y = easy_problem()
    dictionary, intercept = np.asarray(encoder.dictionary_), np.linspace(-3, 3, 100)
    values = decoder.get_params().get("values", "binary")
    estimator = FittedDictionary(dictionary, intercept).fit(None)
    for source in (estimator, FrozenEstimator(estimator)):
        fitted = configured(decoder, source, 2).fit(X + intercept, Y)
        assert fitted.values_ == "nonnegative" or values != "auto"
        np.testing.assert_array_equal(np.asarray(fitted.dictionary_), dictionary)
        np.testing.assert_array_equal(fitted.intercept_, intercept)
        with only_convergence_warnings():
            assert fitted.score(X + intercept, Y) == 1.0
    bare = configured(decoder, dictionary, 2).fit(X, Y)
    assert bare.values_ == "real" or values != "auto"
    assert configured(decoder, encoder, 2).fit(X, Y).values_ in (legal_values(decoder)[0], values)


def check_encoder_without_seed(decoder):
    """A fitted encoder without a seed is used as it is; frozen, it survives ``clone``."""
    Y = easy_problem()[2]
    encoder = RademacherEncoder(160, random_state=np.random.default_rng(0)).fit(Y)
    X = encoder.transform(Y)
    assert configured(decoder, encoder).fit(X, Y).dictionary_ is encoder.dictionary_
    frozen = clone(configured(decoder, FrozenEstimator(encoder)))
    assert frozen.fit(X, Y).dictionary_ is encoder.dictionary_
    assert frozen.score(X, Y) == 1.0


def check_values(decoder):
    """``values`` means 1, positive, or any nonzero values, and never anything else."""
    encoder, X, Y = hard_problem(noise=0.3)
    signed = Y.copy()
    signed.data *= np.random.default_rng(0).standard_normal(Y.nnz)
    for samples in (X, encoder.transform(signed)):
        for values in legal_values(decoder):
            fitted = fit_quietly(configured(decoder, encoder, 3, values=values), samples, Y)
            assert fitted.values_ == values
            with only_convergence_warnings():
                codes = fitted.transform(samples)
            if values == "binary":
                np.testing.assert_array_equal(codes.data, 1)
            elif values == "nonnegative":
                assert (codes.data > 0).all()
            else:
                assert np.isfinite(codes.data).all() and (codes.data != 0).all()
    encoder, X, Y = easy_problem()
    Y.data[::2] = -1
    X = encoder.transform(Y)
    with only_convergence_warnings():
        codes = configured(decoder, encoder, 2, values="real").fit(X, Y).transform(X)
    np.testing.assert_array_equal(np.sign(to_dense(codes)), Y.toarray())


def check_pandas_output(decoder):
    """Sparse codes cannot come as a data frame, which is said; dense ones can."""
    try:
        import pandas
    except ImportError as error:
        raise SkipTest("pandas is not installed") from error
    encoder, X, Y = easy_problem()
    sparse = configured(decoder, encoder, 2).set_output(transform="pandas").fit(X, Y)
    with assert_raises_regex(ValueError, "sparse_output=False"):
        sparse.transform(X)
    if not has_parameter(decoder, "sparse_output"):
        return
    dense = configured(decoder, encoder, 2, sparse_output=False).set_output(transform="pandas")
    frame = dense.fit(X, Y).transform(X)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(dense.get_feature_names_out())
    assert frame.shape == Y.shape
    assert_same_codes(frame.to_numpy() != 0, Y.toarray() != 0)


def check_global_pandas_output(decoder):
    """A global ``transform_output="pandas"`` does not reach ``predict`` and ``score``."""
    encoder, X, Y = easy_problem()
    choices = (True, False) if has_parameter(decoder, "sparse_output") else ()
    for params in [{"sparse_output": choice} for choice in choices] or [{}]:
        fitted = configured(decoder, encoder, 2, **params).fit(X, Y)
        wanted = fitted.predict(X)
        with config_context(transform_output="pandas"):
            found = fitted.predict(X)
            assert type(found) is type(wanted)
            assert_same_codes(found, wanted)
            assert configured(decoder, encoder, 2).fit(X, Y).score(X, Y) == 1.0
