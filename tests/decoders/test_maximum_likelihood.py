# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from itertools import combinations

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    GaussianChannel,
    HadamardEncoder,
    MatchingPursuitDecoder,
    MaximumLikelihoodDecoder,
    RademacherEncoder,
    SphericalEncoder,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _maximum_likelihood
from tests.marks import long


def distances(F, x, codes):
    return np.sum((x - F[codes].sum(axis=1)) ** 2, axis=1)


@pytest.mark.parametrize("kind", [RademacherEncoder, HadamardEncoder, SphericalEncoder])
@pytest.mark.parametrize("n_features, k, d", [(16, 3, 6), (20, 2, 4), (12, 5, 5), (9, 1, 2)])
@pytest.mark.parametrize("noise", [0.1, *long(0.0, 1.0)])
def test_nothing_is_nearer(kind, n_features, k, d, noise):
    """Equal to enumeration, and the code itself is where no other is as near."""
    Y = make_sparse_codes(3, n_features, n_nonzero_coefs=k, random_state=0)
    encoder = kind(d, random_state=0)
    X = GaussianChannel(noise, relative=True, random_state=0).fit_transform(
        encoder.fit_transform(Y)
    )
    found = (
        MaximumLikelihoodDecoder(encoder, time_limit=None)
        .fit(X, Y)
        .predict(X)
        .indices.reshape(-1, k)
    )
    codes = np.array(list(combinations(range(n_features), k)))
    F = np.asarray(encoder.dictionary_, dtype=np.float64)
    for x, code in zip(X, found, strict=True):
        every = distances(F, x, codes)
        assert_allclose(distances(F, x, code[np.newaxis])[0], every.min(), rtol=1e-6, atol=1e-9)
        nearest, second = np.sort(every)[:2]
        if second > nearest * (1 + 1e-4) + 1e-6:
            assert_array_equal(code, codes[every.argmin()])


@pytest.mark.parametrize("unit", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize("noise", [1e-6, 1e-3])
def test_neither_units_nor_little_noise_matter(unit, noise):
    """The tolerances of the solver are absolute; those of the decoder are not."""
    rng = np.random.default_rng(1)
    F = unit * rng.standard_normal((16, 4))
    codes = np.array(list(combinations(range(16), 3)))
    X = F[codes[rng.integers(len(codes), size=3)]].sum(axis=1)
    X += noise * unit * rng.standard_normal(X.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        found = (
            MaximumLikelihoodDecoder(F, 3, time_limit=None).fit(X).predict(X).indices.reshape(-1, 3)
        )
    for x, code in zip(X, found, strict=True):
        assert_array_equal(code, codes[distances(F, x, codes).argmin()])


def test_recovers_where_others_do_not():
    """Rates over 40 samples of 0.55 against at most 0.25; their standard errors are 0.08."""
    Y = make_sparse_codes(40, 64, n_nonzero_coefs=4, random_state=0)
    encoder = RademacherEncoder(10, random_state=0)
    X = encoder.fit_transform(Y)
    rates = {}
    for kind in (
        MaximumLikelihoodDecoder,
        BasisPursuitDecoder,
        AMPDecoder,
        MatchingPursuitDecoder,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            params = {"time_limit": None} if kind is MaximumLikelihoodDecoder else {}
            rates[kind.__name__] = kind(encoder, **params).fit(X, Y).score(X, Y)
    best = rates.pop("MaximumLikelihoodDecoder")
    assert best > max(rates.values()) + 0.1


@pytest.mark.parametrize("kind", [RademacherEncoder, SphericalEncoder])
def test_at_the_limit_there_is_a_code(kind):
    Y = make_sparse_codes(3, 80, n_nonzero_coefs=6, random_state=0)
    encoder = kind(12, random_state=0)
    X = encoder.fit_transform(Y) + np.random.default_rng(0).standard_normal((3, 12))
    decoder = MaximumLikelihoodDecoder(encoder, time_limit=None, max_nodes=0).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="3 of 3 samples were not decided within 0 nodes"):
        codes = decoder.predict(X)
    assert_array_equal(np.diff(codes.indptr), [6, 6, 6])


def test_jobs_share_the_samples():
    Y = make_sparse_codes(6, 16, n_nonzero_coefs=3, random_state=0)
    encoder = SphericalEncoder(6, random_state=0)
    X = encoder.fit_transform(Y)
    decoder = MaximumLikelihoodDecoder(encoder, time_limit=None).fit(X, Y)
    wanted = decoder.predict(X).toarray()
    with parallel_config("threading", n_jobs=2):
        assert_array_equal(decoder.predict(X).toarray(), wanted)


def test_what_the_solver_found_is_kept(monkeypatch):
    """A solver that is interrupted after each improvement still improves on the greedy code."""
    Y = make_sparse_codes(20, 40, n_nonzero_coefs=4, random_state=0)
    encoder = RademacherEncoder(8, random_state=0)
    X = encoder.fit_transform(Y)
    original = _maximum_likelihood.milp

    def interrupted(*args, **kwargs):
        result = original(*args, **kwargs)
        result.status = 1
        return result

    monkeypatch.setattr(_maximum_likelihood, "milp", interrupted)
    decoder = MaximumLikelihoodDecoder(encoder, time_limit=None).fit(X, Y)
    with pytest.warns(ConvergenceWarning):
        codes = decoder.predict(X)
    residuals = np.linalg.norm(X - encoder.transform(codes), axis=1)
    assert_allclose(residuals, 0, atol=1e-6)


def test_zero_codewords_are_not_used():
    F = np.eye(5)
    F[[1, 3]] = 0
    codes = MaximumLikelihoodDecoder(F, 4).fit(F).predict(np.ones((2, 5)))
    assert_array_equal(codes.toarray(), np.tile([1, 0, 1, 0, 1], (2, 1)))


@pytest.mark.parametrize(
    "name, value",
    [("time_limit", v) for v in (0, -1, np.nan, "1")]
    + [("max_nodes", v) for v in (-1, 1.0, "1")]
    + [("n_jobs", v) for v in (0, 1.0)],
)
def test_illegal_limits(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        MaximumLikelihoodDecoder(np.eye(3), 1, **{name: value}).fit(np.ones((2, 3)))
