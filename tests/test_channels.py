# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.channels import (
    DropoutChannel,
    GaussianChannel,
    QuantizationChannel,
    _gaussian_step,
)
from sksupercode.datasets import make_sparse_codes
from sksupercode.testing._runner import untouched_random_state

NOISY = [GaussianChannel(0.3), GaussianChannel(0.3, relative=True), DropoutChannel(0.3)]
ALL = [
    *NOISY,
    QuantizationChannel(),
    QuantizationChannel("bfloat16"),
    QuantizationChannel(bits=1),
    QuantizationChannel(bits=3),
]


def vectors(n_samples=400, n_features=50, dtype=np.float64, scale=1.0):
    X = np.random.default_rng(1).standard_normal((n_samples, n_features))
    return (scale * X).astype(dtype)


@pytest.mark.parametrize("channel", ALL, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_shape_and_input_are_preserved(channel, dtype):
    X = vectors(dtype=dtype)
    before = X.copy()
    out = clone(channel).fit(X).transform(X)
    assert out.dtype == dtype and out.shape == X.shape
    assert not np.shares_memory(out, X)
    assert not np.array_equal(out, X)
    assert_array_equal(X, before)


@pytest.mark.parametrize("channel", ALL, ids=str)
def test_tags(channel):
    tags = get_tags(channel)
    assert tags.non_deterministic == (not isinstance(channel, QuantizationChannel))
    assert set(tags.transformer_tags.preserves_dtype) == {"float32", "float64"}


@pytest.mark.parametrize("channel", ALL, ids=str)
def test_pandas_output_keeps_names(channel):
    pd = pytest.importorskip("pandas", reason="needs pandas")
    X = pd.DataFrame(vectors(5, 3), columns=list("abc"), index=[3, 1, 4, 1, 5])
    out = clone(channel).set_output(transform="pandas").fit_transform(X)
    assert list(out.columns) == list("abc")
    assert_array_equal(out.index, X.index)


@pytest.mark.parametrize("channel", NOISY, ids=str)
def test_random_state(channel):
    X = vectors()

    def two_calls(random_state):
        fitted = clone(channel).set_params(random_state=random_state).fit(X)
        return fitted.transform(X), fitted.transform(X)

    first, second = two_calls(0)
    assert_array_equal(first, second)
    assert_array_equal(first, two_calls(np.int64(0))[0])
    assert not np.array_equal(first, two_calls(1)[0])
    for make in (lambda: None, np.random.RandomState, np.random.default_rng):
        first, second = two_calls(make())
        assert not np.array_equal(first, second)
    for make in (np.random.RandomState, np.random.default_rng):
        assert_array_equal(two_calls(make(5)), two_calls(make(5)))


@pytest.mark.parametrize("channel", NOISY, ids=str)
def test_global_random_state_is_neither_read_nor_advanced(channel):
    X = vectors()
    with untouched_random_state():
        first, second = (clone(channel).fit_transform(X) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("channel", NOISY, ids=str)
def test_noise_is_the_same_in_both_precisions_and_for_the_first_rows(channel):
    channel = clone(channel).set_params(random_state=0).fit(vectors())
    X = vectors()
    out = channel.transform(X)
    assert_allclose(channel.transform(X.astype(np.float32)), out, rtol=1e-5, atol=1e-5)
    assert_array_equal(channel.transform(X[:7]), out[:7])


@pytest.mark.parametrize(
    "channel", [GaussianChannel(0), GaussianChannel(0.0, relative=True), DropoutChannel(0)], ids=str
)
def test_no_noise_is_legal(channel):
    X = vectors(dtype=np.float32)
    assert_array_equal(channel.fit_transform(X), X)


@pytest.mark.parametrize("relative", [False, True])
def test_gaussian_moments(relative):
    X = vectors(2000, 100, scale=3.0)
    channel = GaussianChannel(0.5, relative=relative, random_state=0).fit(X)
    expected = 0.5 * np.mean(X**2) if relative else 0.5
    assert_allclose(channel.noise_variance_, expected, rtol=1e-12)
    noise = channel.transform(X) - X
    n = noise.size
    # Standard errors: sd / sqrt(n) of the mean, sqrt(2 / n) relative of the variance, sqrt(24 / n)
    # of the excess kurtosis; 5 of them each.
    assert abs(noise.mean()) < 5 * np.sqrt(expected / n)
    assert abs(noise.var() / expected - 1) < 5 * np.sqrt(2 / n)
    assert abs(np.mean(noise**4) / expected**2 - 3) < 5 * np.sqrt(96 / n)
    # White: all 4950 off-diagonal correlations within 6 standard errors, 1e-5 chance of a failure.
    correlations = np.corrcoef(noise, rowvar=False) - np.eye(100)
    assert np.abs(correlations).max() < 6 / np.sqrt(2000)


def test_relative_noise_is_learned_in_fit():
    channel = GaussianChannel(1.0, relative=True, random_state=0).fit(np.full((3, 4), 2.0))
    assert channel.noise_variance_ == 4.0
    small = channel.transform(np.zeros((1000, 4)))
    # Relative standard error of a variance from 4000 draws: sqrt(2 / 4000) = 0.022.
    assert abs(small.var() / 4.0 - 1) < 5 * np.sqrt(2 / 4000)


def test_relative_power_does_not_overflow_in_float32():
    X = np.full((3, 4), 1e30, dtype=np.float32)
    assert_allclose(GaussianChannel(1.0, relative=True).fit(X).noise_variance_, 1e60, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_moments(rate):
    X = vectors(2000, 100) + 10.0
    out = DropoutChannel(rate, random_state=0).fit_transform(X)
    lost = out == 0
    n = X.size
    assert abs(lost.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / n)
    assert_allclose(out[~lost], X[~lost] / (1 - rate), rtol=1e-14)
    # out / X has mean 1 and variance rate / (1 - rate).
    assert abs(np.mean(out / X) - 1) < 5 * np.sqrt(rate / (1 - rate) / n)
    # Independent: the counts per row and per column are binomial, checked by their variances,
    # whose relative standard errors are close to sqrt(2 / m) for m counts.
    for axis, length in ((0, 2000), (1, 100)):
        counts = lost.sum(axis=axis)
        expected = length * rate * (1 - rate)
        assert abs(counts.var() / expected - 1) < 5 * np.sqrt(2 / counts.size)


@pytest.mark.parametrize(
    ("name", "storage"), [("float16", np.float16), ("bfloat16", ml_dtypes.bfloat16)]
)
def test_quantization_is_a_cast_that_saturates(name, storage):
    info = ml_dtypes.finfo(storage)
    largest, digits = float(info.max), info.nmant + 1
    X = vectors(dtype=np.float32)
    X[0, :4] = [0.0, -0.0, 3e38, -3e38] if name == "float16" else [0.0, -0.0, 3.4e38, -3.4e38]
    out = QuantizationChannel(name).fit_transform(X)
    assert_array_equal(out[0, :4], np.float32([0, 0, largest, -largest]))
    assert np.all(np.isfinite(out))
    assert_array_equal(out[1:], X[1:].astype(storage).astype(np.float32))
    assert_array_equal(QuantizationChannel(name).fit_transform(out), out)
    ordinary = np.abs(X) > 1e-3
    ordinary[0, :4] = False
    error = np.abs(out - X)[ordinary] / np.abs(X)[ordinary]
    assert 0.5 * 2.0**-digits < error.max() <= 2.0**-digits
    assert_array_equal(QuantizationChannel(name).fit_transform([[1e300, 1.0]]), [[largest, 1.0]])


@pytest.mark.parametrize(
    "bits, step, error", [(1, 1.596, 0.3634), (2, 0.9957, 0.1188), (3, 0.586, 0.03744)]
)
def test_steps_are_those_of_max(bits, step, error):
    """Table II of Max (1960), and the integral that it minimises."""
    assert_allclose(_gaussian_step(bits), step, atol=6e-5 if bits > 1 else 6e-4)

    def squared_error(step):
        x = (np.arange(-8000, 8000) + 0.5) / 1000
        top = (2**bits - 1) / 2
        q = np.clip(np.floor(x / step) + 0.5, -top, top) * step
        return np.sum((x - q) ** 2 * np.exp(-(x**2) / 2)) / np.sqrt(2 * np.pi) / 1000

    least = squared_error(_gaussian_step(bits))
    assert_allclose(least, error, atol=5e-5)
    for factor in (0.99, 1.01):
        assert squared_error(factor * _gaussian_step(bits)) > least


@pytest.mark.parametrize("bits, variance", [(1, 0.5708), (2, 0.1348), (4, 0.0117)])
def test_few_bits_add_noise_and_change_no_mean(bits, variance):
    X = vectors()
    channel = QuantizationChannel(bits=bits).fit(X)
    out = channel.transform(X)
    assert_array_equal(np.unique(out), channel.levels_)
    assert len(channel.levels_) == 2**bits
    assert_allclose(np.mean(X * out), np.mean(X**2), rtol=1e-12)
    assert_allclose(np.mean((out - X) ** 2) / np.mean(X**2), variance, rtol=0.05)
    # The same in every unit, and a level of its own sign for what is 0.
    for unit in (2.0**-600, 2.0**500):
        assert_array_equal(clone(channel).fit_transform(unit * X), unit * out)
    smallest = channel.levels_[2 ** (bits - 1)]
    assert_array_equal(channel.transform(np.zeros((1, 50))), np.full((1, 50), smallest))
    assert_array_equal(clone(channel).fit_transform(np.zeros((2, 3))), np.zeros((2, 3)))


def test_binary_codes_survive_one_bit():
    Y = make_sparse_codes(50, 500, n_nonzero_coefs=6, random_state=0)
    encoder = RademacherEncoder(200, random_state=0)
    X = encoder.fit_transform(Y)
    stored = QuantizationChannel(bits=1).fit_transform(X)
    decoder = MatchingPursuitDecoder(encoder).fit(stored, Y)
    assert decoder.score(stored, Y) > 0.9
    scores = TopKDecoder(encoder).fit(stored, Y).decision_function(stored)
    assert_allclose(scores[Y.toarray() == 1].mean(), 1, rtol=0.01)


def test_channels_chain_in_a_pipeline():
    X = vectors()
    chain = make_pipeline(*(clone(channel) for channel in ALL))
    assert chain.fit(X).transform(X).shape == X.shape
    assert list(chain.get_feature_names_out(["x"] * 50)) == ["x"] * 50


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        *((GaussianChannel(value), "noise_variance") for value in (-1, np.nan, np.inf, "1", None)),
        *((GaussianChannel(relative=value), "relative") for value in (1, "yes", None)),
        *((DropoutChannel(value), "rate") for value in (-0.1, 1, 1.0, np.nan, True, "0.5")),
        *((QuantizationChannel(value), "dtype") for value in ("int8", np.float16, None, 16)),
        *((QuantizationChannel(bits=value), "bits") for value in (0, 9, 2.0, "2", True)),
        *((GaussianChannel(random_state=value), "random_state") for value in (-1, 1.5, "0", True)),
    ],
    ids=str,
)
def test_bad_parameters(channel, name):
    with pytest.raises(ValueError, match=name):
        channel.fit_transform(vectors())


@pytest.mark.parametrize("channel", ALL, ids=str)
def test_bad_inputs(channel):
    X = vectors(4, 3)
    with pytest.raises(NotFittedError):
        clone(channel).transform(X)
    fitted = clone(channel).fit(X)
    for bad in (
        X[:, :2],
        X[0],
        X[:0],
        np.where(X == X[0, 0], np.nan, X),
        np.where(X == X[0, 0], np.inf, X),
        [["a"] * 3],
    ):
        with pytest.raises(ValueError, match=r"(?i)features|1D|0 sample|NaN|infinity|convert"):
            fitted.transform(bad)
    with pytest.raises((TypeError, ValueError), match=r"(?i)sparse"):
        fitted.transform(csr_array(X))


def test_codes_survive_the_default_noise():
    """Of unit-norm codewords the matched filter's noise does not depend on the dimension."""
    for n_components in (256, 4096):
        Y = make_sparse_codes(100, 1024, n_nonzero_coefs=1, random_state=0)
        encoder = RademacherEncoder(n_components, random_state=0)
        X = GaussianChannel(random_state=0).fit_transform(encoder.fit_transform(Y))
        decoder = TopKDecoder(encoder).fit(X, Y)
        assert decoder.score(X, Y) == 1.0
        noise = decoder.decision_function(X) - decoder.decision_function(encoder.transform(Y))
        assert_allclose(noise.std(), 0.1, rtol=0.02)
