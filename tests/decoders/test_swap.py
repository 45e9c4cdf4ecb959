"""Exchanges of codewords beside a plain search that tries every one of them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from scipy.optimize import lsq_linear
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning

from sksupercode import (
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SwapDecoder,
    TopKDecoder,
)
from sksupercode import (
    config_context as memory_context,
)
from sksupercode.decoders import _exchanges, _swap
from sksupercode.sae import compare_decoders
from tests.marks import long


class Selects(TransformerMixin, BaseEstimator):
    """Gives the supports that it was given."""

    def __init__(self, dictionary, supports):
        self.dictionary, self.supports = dictionary, supports
        self.dictionary_, self.intercept_ = dictionary, 0.0

    def transform(self, X):
        return csr_array(self.supports[: len(X)])


def draw(kind, n_samples=12, n_features=40, d=12, k=4, seed=0):
    """Return codewords, supports as a 0/1 array, and samples."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n_features, d))
    if kind == "correlated":
        F += 2 * rng.standard_normal(d)
    elif kind == "nearly dependent":
        F = rng.standard_normal(d) + 1e-6 * F
    elif kind == "equal codewords":
        F[n_features // 2 :] = F[: n_features // 2]
    elif kind == "zero codewords":
        F[::3] = 0
    elif kind == "badly scaled":
        F *= 10.0 ** rng.uniform(-12, 12, (n_features, 1))
    supports = np.zeros((n_samples, n_features))
    for row in supports[1:]:
        row[rng.choice(n_features, k, replace=False)] = 1
    X = rng.standard_normal((n_samples, d))
    X[3:5] = F[:2]
    return F, supports, X


KINDS = [
    "random",
    "correlated",
    "nearly dependent",
    "equal codewords",
    "zero codewords",
    "badly scaled",
]


def error_of(F, x, support, values):
    A = F[support].T
    norms = np.linalg.norm(A, axis=0)
    A = A[:, norms > 0] / norms[norms > 0]
    if not A.shape[1]:
        return x @ x
    if values == "real":
        y = np.linalg.lstsq(A, x, rcond=1e-10)[0]
    else:
        y = lsq_linear(A, x, (0, np.inf), method="bvls", tol=1e-14).x
    return np.sum((x - A @ y) ** 2)


def exchanges(support, n_places, n_features):
    """Yield all supports of one exchange."""
    for i in sorted(set(range(n_features)) - set(support)):
        if len(support) < n_places:
            yield [*support, i]
        for a in support:
            yield [b for b in support if b != a] + [i]


@pytest.fixture(params=["rows", "bases"])
def way(request, monkeypatch):
    if request.param == "bases":
        monkeypatch.setattr(_exchanges, "_exchange_by_rows", lambda *_: None)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("kind", KINDS[1::2] + long(*KINDS[::2]))
def test_no_exchange_lowers_the_error(kind, values):
    F, supports, X = draw(kind, n_samples=10)
    decoder = SwapDecoder(Selects(F, supports), values=values).fit(X)
    Z, n_swaps = decoder.swap(X)
    assert n_swaps.dtype == np.int64 and n_swaps[0] == 0 and n_swaps.sum() > 3
    refit = RefitDecoder(Selects(F, supports), values=values).fit(X)
    for x, z, before, support in zip(
        X, Z.toarray(), refit.transform(X).toarray(), supports != 0, strict=True
    ):
        error, floor = np.sum((x - z @ F) ** 2), 1e-11 * (x @ x)
        assert error <= np.sum((x - before @ F) ** 2) * (1 + 1e-9) + 1e-20 * (x @ x)
        found = list(np.flatnonzero(z))
        assert len(found) <= support.sum()
        assert error <= error_of(F, x, found, values) * (1 + 1e-9) + floor
        for other in exchanges(found, support.sum(), len(F)) if support.any() else []:
            assert error_of(F, x, other, values) >= error * (1 - 1e-8) - floor


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("values", ["nonnegative", "real"])
@pytest.mark.parametrize("kind", ["correlated", *long("random")])
def test_each_exchange_is_the_best(kind, values):
    F, supports, X = draw(kind, seed=1)
    found = None
    for most in (0, 1, 2):
        decoder = SwapDecoder(Selects(F, supports), values=values, max_swaps=most).fit(X)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Z, n_swaps = decoder.swap(X)
        errors = np.sum((X - Z @ F) ** 2, axis=1)
        assert n_swaps.max() == most
        for n in range(1, len(X)):
            if most > 0 and n_swaps[n] == most:
                wanted = min(
                    error_of(F, X[n], other, values) for other in exchanges(found[n], 4, len(F))
                )
                np.testing.assert_allclose(errors[n], wanted, rtol=1e-9, atol=1e-20)
        found = [list(np.flatnonzero(z)) for z in Z.toarray()]
    refit = RefitDecoder(Selects(F, supports), values=values).fit(X)
    decoder.set_params(max_swaps=0)
    np.testing.assert_allclose(
        decoder.transform(X).toarray(), refit.transform(X).toarray(), rtol=1e-9, atol=1e-12
    )


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("values", ["nonnegative", "real"])
def test_the_first_of_equal_codewords_comes_in(values):
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], size=(25, 15))
    F, first = np.vstack([signs, signs[::-1]]), np.append(np.arange(25), np.arange(25)[::-1])
    X = signs[rng.integers(25, size=(100, 2))].sum(axis=1) + rng.integers(-1, 2, size=(100, 15))
    Z, n_swaps = SwapDecoder(TopKDecoder(F, 4, values=values), values=values).fit(X).swap(X)
    assert n_swaps.sum() > 50
    selected = Z.toarray() != 0
    assert not (selected & ~selected[:, first]).any()


@pytest.mark.parametrize(
    "values, dtype", [("nonnegative", np.float32), *long(("real", np.float64))]
)
def test_blocks_budgets_and_storages_do_not_matter(values, dtype):
    rng = np.random.default_rng(0)
    encoder = RademacherEncoder(30, n_features=120, random_state=0)
    X = rng.standard_normal((10, 30)).astype(dtype)
    omp = OrthogonalMatchingPursuitDecoder(encoder, 6, values=values)
    Z, n_swaps = SwapDecoder(omp).fit(X).swap(X)
    assert Z.dtype == dtype and n_swaps.sum() > 10
    F = np.asarray(encoder.codebook(120, 30))
    decoder = SwapDecoder(OrthogonalMatchingPursuitDecoder(F, 6, values=values)).fit(X)
    found = [decoder.swap(X)]
    with memory_context(gram_memory=0), config_context(working_memory=1e-2):
        found.append(decoder.swap(X))
    one_by_one = [decoder.swap(x[np.newaxis]) for x in X[:3]]
    for codes, counts in found:
        np.testing.assert_array_equal(counts, n_swaps)
        np.testing.assert_allclose(codes.toarray(), Z.toarray(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(
        np.vstack([codes.toarray() for codes, _ in one_by_one]), found[0][0].toarray()[:3]
    )


def test_a_support_that_is_exact_stays():
    rng = np.random.default_rng(0)
    F, Y = rng.standard_normal((100, 30)), rng.random((20, 100)) < 0.05
    Z, n_swaps = SwapDecoder(Selects(F, Y.astype(float))).fit(Y @ F).swap(Y @ F)
    assert not n_swaps.any()
    np.testing.assert_allclose(Z.toarray(), Y, atol=1e-12)


def test_exchanges_that_are_left_are_reported(monkeypatch):
    F, supports, X = draw("random")
    monkeypatch.setattr(_swap, "_MOST_PER_CODEWORD", 0.25)
    decoder = SwapDecoder(Selects(F, supports)).fit(X)
    with pytest.warns(ConvergenceWarning, match="of 12 samples have exchanges left"):
        Z, n_swaps = decoder.swap(X)
    assert n_swaps.max() == 1
    assert abs(Z - decoder.set_params(max_swaps=1).transform(X)).max() == 0


def test_comparisons_know_the_decoder_inside():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((60, 20)), rng.standard_normal((50, 20))
    top = TopKDecoder(F, 1, values="real")
    decoders = {"refit": RefitDecoder(top), "swap": SwapDecoder(top)}
    table = compare_decoders(decoders, X, n_nonzero_coefs=[2, 4])
    assert list(table["L0"]) == [2, 4, 2, 4]
    fvu = table["FVU"].to_numpy()
    assert fvu[2] < 0.9 * fvu[0] and fvu[3] < 0.9 * fvu[1]


@pytest.mark.parametrize("most", [-1, 0.5, "2", True])
def test_bad_number_of_exchanges(most):
    F, supports, X = draw("random")
    with pytest.raises(ValueError, match="^max_swaps must be an integer"):
        SwapDecoder(Selects(F, supports), max_swaps=most).fit(X)
