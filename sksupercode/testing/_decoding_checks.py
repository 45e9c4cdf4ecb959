"""Checks of what a decoder decodes: recovery, independence of rows, equivariance, ties."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix
from sklearn import config_context

from sksupercode import RademacherEncoder, SphericalEncoder
from sksupercode.dictionaries import PackedSignDictionary, SignDictionary
from sksupercode.metrics import exact_recovery_score
from sksupercode.testing._problems import (
    assert_same_codes,
    configured,
    easy_problem,
    fit_quietly,
    hard_float_problem,
    hard_problem,
    only_convergence_warnings,
    to_dense,
    tolerances,
)


def check_exact_recovery(decoder):
    """In an easy regime every support is found exactly, with k given and with k learned from y."""
    for encoder_class in (RademacherEncoder, SphericalEncoder):
        encoder, X, Y = easy_problem(encoder_class)
        for k in (None, 2):
            fitted = configured(decoder, encoder, k).fit(X, Y)
            with only_convergence_warnings():
                assert_same_codes(fitted.predict(X), Y, message=f"{encoder_class.__name__}, k={k}")
                assert fitted.score(X, Y) == 1.0


def check_rows_are_independent(decoder):
    """A row's result does not depend on the batch, on its order or on ``working_memory``.

    For dictionaries of signs, whose sums are exact, it is the same to the last bit.
    """
    for encoder_class, exact in ((RademacherEncoder, True), (SphericalEncoder, False)):
        encoder, X, Y = hard_problem(encoder_class, n_samples=5)
        root = np.sqrt(X.shape[1])
        X[3] = np.rint(encoder.transform(Y)[3] * root) / root
        X[4] = X[1]
        fitted = fit_quietly(configured(decoder, encoder, 3), X, Y)
        others = np.vstack([X[::-1], 100 * X[:2]])
        for name in ("transform", "predict", "decision_function", "predict_proba"):
            if not hasattr(fitted, name):
                continue
            decode = partial(_decode_quietly, getattr(fitted, name))
            wanted = decode(X)
            one_by_one = np.vstack([decode(x[np.newaxis]) for x in X])
            assert_same_codes(one_by_one, wanted, exact=exact, message=f"{name}, one by one")
            assert_same_codes(
                decode(others)[:5], wanted[::-1], exact=exact, message="another order, other rows"
            )
            assert_same_codes(wanted[4], wanted[1], exact=exact, message="equal rows")
            with config_context(working_memory=4e-3):
                assert_same_codes(decode(X), wanted, exact=exact, message="working_memory")


def _decode_quietly(method, X):
    with only_convergence_warnings():
        return to_dense(method(X))


def check_inputs_stay_as_they_are(decoder):
    """Neither X nor y nor a parameter is written to, and a second call gives the same."""
    encoder, X, Y = hard_problem()
    Y = Y.toarray()
    fitted = configured(decoder, encoder, 3)
    params = fitted.get_params(deep=False)
    X_before, Y_before = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    fit_quietly(fitted, X, Y)
    with only_convergence_warnings():
        first, second = fitted.transform(X), fitted.transform(X)
        fitted.predict(X), fitted.score(X, Y), fitted.inverse_transform(Y)
    assert_same_codes(second, first)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(Y, Y_before)
    after = fitted.get_params(deep=False)
    assert all(after[name] is value for name, value in params.items())


def check_codes_of_any_type(decoder):
    """y may be dense or sparse in any format, of any type of number, and with explicit zeros."""
    encoder, X, Y = easy_problem(n_samples=3)
    # One stored zero in each row, in a column that the row does not name.
    indptr = Y.indptr + np.arange(len(Y.indptr))
    zeros = np.array(
        [np.setdiff1d(np.arange(3), row)[0] for row in np.split(Y.indices, Y.indptr[1:-1])]
    )
    indices = np.insert(Y.indices, Y.indptr[:-1], zeros)
    data = np.insert(Y.data, Y.indptr[:-1], 0.0)
    variants = {
        "dense": Y.toarray(),
        "list": Y.toarray().tolist(),
        "csr_matrix": csr_matrix(Y),
        "csr_array": csr_array(Y),
        "csc_array": csc_array(Y),
        "coo_array": coo_array(Y),
        "explicit zeros": csr_array((data, indices, indptr), shape=Y.shape),
        "bool": Y.astype(bool),
        "int64": Y.astype(np.int64),
        "int8, dense": Y.toarray().astype(np.int8),
        "float32": Y.astype(np.float32),
    }
    for name, variant in variants.items():
        fitted = configured(decoder, encoder).fit(X, variant)
        assert fitted.n_nonzero_coefs_ in (2, None), name
        assert fitted.score(X, variant) == 1.0, name
        assert_same_codes(fitted.inverse_transform(variant), X, exact=False, message=name)


def check_float_dtypes(decoder):
    """float32 and float64 samples give the same support, and codes in the samples' dtype."""
    for encoder_class in (RademacherEncoder, SphericalEncoder):
        encoder, X, Y = easy_problem(encoder_class, n_samples=3)
        # Two codewords of equal weight tie, and rounding would say which is found first.
        X = encoder.transform(Y.multiply(np.linspace(1, 0.9, Y.shape[1])).tocsr())
        codes = {}
        for dtype in (np.float32, np.float64):
            fitted = configured(decoder, encoder).fit(X.astype(dtype), Y)
            codes[dtype] = fitted.transform(X.astype(dtype))
            assert codes[dtype].dtype == dtype
            assert_same_codes(fitted.predict(X.astype(dtype)), Y, message=str(dtype))
            assert fitted.inverse_transform(codes[dtype]).dtype == dtype
            for name in ("decision_function", "predict_proba"):
                if hasattr(fitted, name):
                    assert getattr(fitted, name)(X.astype(dtype)).dtype == dtype
        assert_same_codes(codes[np.float32], codes[np.float64], exact=False)


def check_codeword_permutation(decoder):
    """Permuting the codewords permutes the columns of the codes and changes nothing else."""
    dictionary, X, _ = hard_float_problem()
    order = np.random.default_rng(2).permutation(len(dictionary))
    plain = fit_quietly(configured(decoder, dictionary, 3), X)
    permuted = fit_quietly(configured(decoder, dictionary[order], 3), X)
    with only_convergence_warnings():
        assert_same_codes(permuted.predict(X), to_dense(plain.predict(X))[:, order])
        assert_same_codes(
            permuted.transform(X), to_dense(plain.transform(X))[:, order], exact=False
        )


def check_common_scale(decoder):
    """The scale that dictionary, samples and tolerances have in common changes nothing.

    It may be any that float64 can hold.
    """
    dictionary, X, _ = hard_float_problem()
    plain = fit_quietly(configured(decoder, dictionary, 3), X)
    with only_convergence_warnings():
        support, codes = plain.predict(X), plain.transform(X)
    given = {name: getattr(decoder, name) for name in tolerances(decoder)}
    for scale in (1e-200, 1e6, 1e155):
        params = {name: value and scale * value for name, value in given.items()}
        scaled = fit_quietly(configured(decoder, scale * dictionary, 3, **params), scale * X)
        with only_convergence_warnings():
            assert_same_codes(scaled.predict(scale * X), support, message=str(scale))
            assert_same_codes(scaled.transform(scale * X), codes, exact=False, message=str(scale))


def check_ties(decoder):
    """The first of equal codewords is preferred, in every row and every storage.

    A decoder that sees each codeword alone may select all of them.
    """
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], size=(25, 15))
    repeated = np.vstack([signs, signs, signs[::-1]])
    Y = hard_problem(n_samples=3)[2][:, :25]
    X = Y @ signs + rng.integers(-1, 2, size=(3, 15))
    first = np.concatenate([np.arange(25), np.arange(25), np.arange(25)[::-1]])
    tilted = signs + rng.standard_normal(signs.shape) / 4
    for dictionary in (
        repeated,
        np.vstack([tilted, tilted, tilted[::-1]]),
        SignDictionary(repeated, scale=1.0),
        PackedSignDictionary(repeated, scale=1.0),
    ):
        for k in (1, 3):
            fitted = fit_quietly(configured(decoder, dictionary, k), X)
            with only_convergence_warnings():
                for codes in (fitted.predict(X), fitted.transform(X)):
                    selected = to_dense(codes) != 0
                    later_without_first = selected & ~selected[:, first]
                    assert not later_without_first.any(), (
                        f"{type(dictionary).__name__}, k={k}: rows, columns "
                        f"{np.argwhere(later_without_first).tolist()}"
                    )


def check_predict_is_the_support(decoder):
    """``predict`` is a CSR matrix of integers 1, and ``score`` is its exact-recovery rate."""
    encoder, X, Y = hard_problem(n_samples=10, noise=0.05)
    fitted = fit_quietly(configured(decoder, encoder, 3), X, Y)
    with only_convergence_warnings():
        support = fitted.predict(X)
        score = fitted.score(X, Y)
    assert support.format == "csr" and support.shape == Y.shape
    assert support.dtype.kind == "i"
    assert support.has_canonical_format
    np.testing.assert_array_equal(support.data, 1)
    assert score == exact_recovery_score(Y, support)
    scaled = Y.copy()
    scaled.data *= np.random.default_rng(0).standard_normal(Y.nnz)
    with only_convergence_warnings():
        assert fitted.score(X, scaled) == score
        if fitted.values_ == "binary":
            assert_same_codes(fitted.transform(X), support)
