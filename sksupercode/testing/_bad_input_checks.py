"""Checks that wrong input is refused, or warned of, in a message that names the parameter."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from functools import partial

import numpy as np
from numpy.testing import assert_raises
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sksupercode import CodebookMismatchWarning, RademacherEncoder, SphericalEncoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.testing._problems import configured, easy_problem, has_parameter
from sksupercode.testing._runner import assert_refused


def _with_entry(X, value):
    X = X.copy()
    X[1, 2] = value
    return X


_BAD_DICTIONARIES = {
    "no": None,
    "text for a": "F",
    "class for a": RademacherEncoder,
    "one-dimensional": np.ones(100),
    "three-dimensional": np.ones((2, 2, 100)),
    "nan in a": _with_entry(np.ones((5, 100)), np.nan),
    "inf in a": _with_entry(np.ones((5, 100)), np.inf),
    "textual": np.full((5, 100), "a"),
    "complex": np.full((5, 100), 1j),
    "empty": np.ones((0, 100)),
    "narrow": np.ones((5, 99)),
    "sparse": csr_array(np.ones((5, 100))),
}
_BAD_SEEDS = (None, -1, np.random.RandomState(0), np.random.default_rng(0))


def _bad_parameters(decoder, encoder):
    """Yield names of cases, decoders that ``fit`` refuses with y or without, and the parameter."""
    for k in (-1, 2.0, True, "2"):
        yield f"k={k!r}", configured(decoder, encoder, k), "n_nonzero_coefs"
    for values in ("signed", None) if has_parameter(decoder, "values") else ():
        yield f"values={values!r}", configured(decoder, encoder, 2, values=values), "values"
    for kind, source in (_BAD_DICTIONARIES | {"unfitted": clone(decoder)}).items():
        yield f"{kind} dictionary", configured(decoder, source, 2), "dictionary"
    for seed in _BAD_SEEDS:
        recipe = RademacherEncoder(n_features=48, random_state=seed)
        yield f"recipe with seed {seed!r}", configured(decoder, recipe, 2), "random_state"


# What is done to a fitted decoder and its (X, Y), and the name in the message.
BAD_INPUT = {
    "wrong d in transform": (lambda d, X, Y: d.transform(X[:, :-1]), "X"),
    "wrong d in predict": (lambda d, X, Y: d.predict(X[:, :-1]), "X"),
    "wrong d in score": (lambda d, X, Y: d.score(X[:, :-1], Y), "X"),
    "wrong N in score": (lambda d, X, Y: d.score(X, Y[:, :-1]), "y"),
    "wrong n in score": (lambda d, X, Y: d.score(X, Y[:-1]), "y"),
    "no codes in score": (lambda d, X, Y: d.score(X), "y"),
    "labels in score": (lambda d, X, Y: d.score(X, np.arange(len(X))), "y"),
    "nan in y of score": (lambda d, X, Y: d.score(X, _with_entry(Y.toarray(), np.nan)), "y"),
    "nan in y of fit": (lambda d, X, Y: d.fit(X, _with_entry(Y.toarray(), np.nan)), "y"),
    "inf in y of fit": (lambda d, X, Y: d.fit(X, csr_array(Y * np.inf)), "y"),
    "text in y of fit": (lambda d, X, Y: d.fit(X, np.full(Y.shape, "a")), "y"),
    "wrong N in inverse_transform": (lambda d, X, Y: d.inverse_transform(Y[:, :-1]), "X"),
    "1-D inverse_transform": (lambda d, X, Y: d.inverse_transform(Y.toarray()[0]), "X"),
    "nan in inverse_transform": (
        lambda d, X, Y: d.inverse_transform(_with_entry(Y.toarray(), np.nan)),
        "X",
    ),
    "1-D x in fit": (lambda d, X, Y: d.fit(X[0], Y), "X"),
    "1-D x in transform": (lambda d, X, Y: d.transform(X[0]), "X"),
    "3-D x in transform": (lambda d, X, Y: d.transform(X[np.newaxis]), "X"),
    "nan in fit": (lambda d, X, Y: d.fit(_with_entry(X, np.nan), Y), "X"),
    "nan in transform": (lambda d, X, Y: d.transform(_with_entry(X, np.nan)), "X"),
    "inf in transform": (lambda d, X, Y: d.transform(_with_entry(X, np.inf)), "X"),
    "inf in predict": (lambda d, X, Y: d.predict(_with_entry(X, -np.inf)), "X"),
    "text in fit": (lambda d, X, Y: d.fit(np.full(X.shape, "a"), Y), "X"),
    "text in transform": (lambda d, X, Y: d.transform(np.full(X.shape, "a")), "X"),
    "complex x in transform": (lambda d, X, Y: d.transform(X + 1j), "X"),
    "empty batch in fit": (lambda d, X, Y: d.fit(X[:0], Y[:0]), "X"),
    "empty batch in transform": (lambda d, X, Y: d.transform(X[:0]), "X"),
    "empty batch in predict": (lambda d, X, Y: d.predict(X[:0]), "X"),
    "sparse X in fit": (lambda d, X, Y: d.fit(csr_array(X), Y), "X"),
    "sparse X in transform": (lambda d, X, Y: d.transform(csr_array(X)), "X"),
}


def check_bad_parameters(decoder):
    """An illegal value of a parameter is a ValueError in ``fit`` that names the parameter."""
    encoder, X, Y = easy_problem(n_samples=4)
    cases = {
        f"{case}, y={y if y is None else 'codes'}": (partial(bad.fit, X, y), name)
        for case, bad, name in _bad_parameters(decoder, clone(encoder).set_params(n_features=48))
        for y in (None, Y)
    }
    incomplete = configured(decoder, clone(encoder), 2)
    for y in (None, np.arange(len(X))):
        cases[f"incomplete recipe, y={y}"] = partial(incomplete.fit, X, y), "n_features"
    assert_refused(cases)


def check_bad_input(decoder):
    """Input of another shape or type is a ValueError that names it, NaN and inf included."""
    encoder, X, Y = easy_problem(n_samples=4)
    assert_refused(BAD_INPUT, configured(decoder, encoder, 2).fit(X, Y), X, Y)


def check_not_fitted(decoder):
    """Every method of an unfitted decoder raises NotFittedError."""
    encoder, X, Y = easy_problem(n_samples=4)
    for name in ("transform", "predict", "decision_function", "predict_proba"):
        if hasattr(decoder, name):
            with assert_raises(NotFittedError):
                getattr(configured(decoder, encoder, 2), name)(X)
    with assert_raises(NotFittedError):
        configured(decoder, encoder, 2).score(X, Y)
    with assert_raises(NotFittedError):
        configured(decoder, encoder, 2).inverse_transform(Y)


def _mismatches(decoder, dictionary, X, Y):
    """Count the warnings of a mismatch in ``fit``."""
    # Any code is legal where each codeword is a section.
    k = Y.shape[1] if getattr(decoder, "_has_sections", False) else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        configured(decoder, dictionary, k).fit(X, Y)
    return sum(issubclass(warning.category, CodebookMismatchWarning) for warning in caught)


def _written_codes():
    """Yield Y of several kinds."""
    yield make_sparse_codes(100, 512, n_nonzero_coefs=8, random_state=0)
    yield make_sparse_codes(100, 512, n_nonzero_coefs=8, support="zipf", random_state=0)
    yield make_sparse_codes(100, 512, n_nonzero_coefs=100, support="zipf", random_state=0)
    yield make_sparse_codes(100, 512, n_nonzero_coefs=8, values="exponential", random_state=0)
    yield make_sparse_codes(100, 512, n_nonzero_coefs=8, values="gaussian", random_state=0)
    yield make_sparse_codes(20, 512, n_nonzero_coefs=1, random_state=0)


def check_matching_codebook(decoder):
    """The right codebook never warns, also with few rows, much noise, or similar codes."""
    rng = np.random.default_rng(0)
    for encoder_class in (RademacherEncoder, SphericalEncoder):
        encoder = encoder_class(n_components=128, random_state=0)
        for Y in _written_codes():
            X = encoder.fit_transform(Y)
            for n_rows in (1, 2, len(X)):
                assert not _mismatches(decoder, encoder, X[:n_rows], Y[:n_rows])
            if len(X) == 100:
                noise = 3 * np.sqrt(np.mean(X**2)) * rng.standard_normal(X.shape)
                assert not _mismatches(decoder, encoder, X + noise, Y)
                assert not _mismatches(decoder, encoder, noise[:1] * 0, Y[:1])


def check_mismatching_codebook(decoder):
    """Another seed, another kind, or another order of the columns warns."""
    for Y in _written_codes():
        encoder = RademacherEncoder(n_components=128, random_state=0)
        X = encoder.fit_transform(Y)
        order = np.random.default_rng(1).permutation(Y.shape[1])
        others = [RademacherEncoder(random_state=seed) for seed in (1, 2)]
        others += [SphericalEncoder(random_state=0)]
        for other in others:
            assert _mismatches(decoder, other, X, Y) == 1, f"{other}"
        # Where codes are dense, so many words stay in place that X is correlated with them.
        if Y.nnz < 0.1 * Y.shape[0] * Y.shape[1]:
            assert _mismatches(decoder, encoder, X, Y[:, order]) == 1
            assert _mismatches(decoder, np.asarray(encoder.dictionary_)[order], X, Y) == 1
        reseeded = clone(encoder).set_params(random_state=5)
        assert _mismatches(decoder, reseeded, X, Y) == 1
