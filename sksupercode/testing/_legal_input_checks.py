"""Checks that legal input, however odd, gives a result: a grid search meets all of it."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sksupercode import RademacherEncoder, SphericalEncoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.testing._problems import (
    assert_legal_codes,
    configured,
    easy_problem,
    float_dictionary,
    hard_float_problem,
    hard_problem,
    has_parameter,
    legal_values,
    only_convergence_warnings,
    to_dense,
    tolerances,
)


def _decode_legally(decoder, X, y, n_features):
    """Fit and decode, and let pass nothing but finite results and ConvergenceWarnings."""
    shape = (len(X), n_features)
    with only_convergence_warnings():
        fitted = decoder.fit(X, y)
        codes, support = fitted.transform(X), fitted.predict(X)
        assert_legal_codes(codes, shape)
        assert_legal_codes(support, shape)
        for name in ("decision_function", "predict_proba"):
            if hasattr(fitted, name):
                assert_legal_codes(getattr(fitted, name)(X), shape)
        if y is not None:
            assert 0 <= fitted.score(X, y) <= 1
        assert np.isfinite(fitted.inverse_transform(codes)).all()
    return to_dense(codes), to_dense(support)


def check_any_sparsity(decoder):
    """k = 0, k = N and k > N, given or learned from y, give a result."""
    encoder, X, Y = hard_problem(n_samples=2)
    n_features = Y.shape[1]
    for k in (0, n_features - 1, n_features, n_features + 5):
        _decode_legally(configured(decoder, encoder, k), X, Y, n_features)
    for density in (0, 1):
        Y = np.full((2, n_features), density)
        X = encoder.transform(Y)
        _decode_legally(configured(decoder, encoder), X, Y, n_features)


def check_smallest_shapes(decoder):
    """d = 1 and N = 1, alone and together, give a result."""
    for encoder_class, sparsities in ((RademacherEncoder, (None, 2)), (SphericalEncoder, (2,))):
        for n_features, n_components in ((8, 1), (1, 8), (1, 1)):
            Y = make_sparse_codes(3, n_features, n_nonzero_coefs=1, random_state=0)
            encoder = encoder_class(n_components=n_components, random_state=0)
            X = encoder.fit_transform(Y)
            for k in sparsities:
                _decode_legally(configured(decoder, encoder, k), X, Y, n_features)


def check_zero_samples(decoder):
    """A sample of zeros gives a result, alone and among others, and leaves those as they are."""
    encoder, X, Y = easy_problem()
    fitted = configured(decoder, encoder, 2).fit(X, Y)
    with_zeros = X.copy()
    with_zeros[[0, 5]] = 0
    with only_convergence_warnings():
        wanted = to_dense(fitted.transform(X))
        codes = to_dense(fitted.transform(with_zeros))
    others = np.setdiff1d(np.arange(len(X)), [0, 5])
    np.testing.assert_array_equal(codes[others], wanted[others])
    _decode_legally(configured(decoder, encoder, 2), with_zeros, Y, Y.shape[1])
    _decode_legally(configured(decoder, encoder, 2), np.zeros_like(X[:4]), Y[:4], Y.shape[1])
    _decode_legally(configured(decoder, float_dictionary(), 2), np.zeros((3, 15)), None, 50)


def check_zero_codewords(decoder):
    """A zero codeword is legal and never selected, as are a dictionary and an N of nothing else."""
    dictionary, X, _ = hard_float_problem(n_samples=3)
    zeros = np.array([0, 1, 7, 30, 49])
    dictionary[zeros] = 0
    has_values = has_parameter(decoder, "values")
    choices = (decoder.values, legal_values(decoder)[0]) if has_values else ()
    for params in [{"values": values} for values in choices] or [{}]:
        for k in (3, 50):
            reader = configured(decoder, dictionary, k, **params)
            for codes in _decode_legally(reader, X, None, 50):
                assert not codes[:, zeros].any(), f"k={k}, {params}"
                assert codes.any(), "nothing was decoded, so that the check shows nothing"
        reader = configured(decoder, np.zeros((5, 15)), 2, **params)
        for codes in _decode_legally(reader, X, None, 5):
            assert not codes.any()


def check_unreachable_tolerance(decoder):
    """A tolerance that no code reaches gives a result and a ConvergenceWarning."""
    X = np.random.default_rng(0).standard_normal((4, 15))
    dictionary = float_dictionary(n_features=3)
    # The noise of a decoder around another says what leaves, and is no residual to reach.
    names = [] if hasattr(decoder, "estimator") else tolerances(decoder)
    for name in names:
        for k in (1, 2, 10):
            params = dict.fromkeys(names) | {name: 1e-6}
            fitted = configured(decoder, dictionary, k, **params).fit(X)
            for method in (fitted.transform, fitted.predict):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    assert_legal_codes(method(X), (4, 3))
                assert {warning.category for warning in caught} == {ConvergenceWarning}


def check_fit_ignores_other_y(decoder):
    """A y that is no (n, N) matrix is ignored by ``fit`` where the recipe is complete."""
    encoder, X, Y = easy_problem()
    encoder = type(encoder)(n_components=100, n_features=48, random_state=0)
    for y in (None, np.arange(6), np.linspace(0, 1, 6), np.array(["a", "b"] * 3), [[1], [2]] * 3):
        with only_convergence_warnings():
            fitted = configured(decoder, encoder, 2).fit(X, y)
            assert fitted.score(X, Y) == 1.0
