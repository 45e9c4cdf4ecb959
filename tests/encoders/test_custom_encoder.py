"""Encoders that somebody else has written: one hook is enough, and mistakes are named."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.fft import dct

from sksupercode import SphericalEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.encoders import BaseEncoder
from sksupercode.testing import check_encoder


class GaussianEncoder(BaseEncoder):
    """Returns a plain array."""

    def _draw(self, n_features, n_components, seed):
        rng = np.random.default_rng(seed)
        return rng.standard_normal((n_features, n_components)) / np.sqrt(n_components)


class SparseEncoder(BaseEncoder):
    """Has a parameter of its own, and none of those that it does not need."""

    def __init__(self, n_components=256, density=0.5, random_state=None):
        self.n_components = n_components
        self.density = density
        self.random_state = random_state

    def _draw(self, n_features, n_components, seed):
        rng = np.random.default_rng(seed)
        shape = n_features, n_components
        return rng.standard_normal(shape) * (rng.random(shape) < self.density)


class IdentityEncoder(BaseEncoder):
    """Has nothing to draw, and says which promises that breaks."""

    expected_failed_checks = {
        "check_other_recipes_are_unrelated": "there is one codebook",
        "check_decoders_read_it": "there is one codebook",
        "check_no_integer_no_recipe": "there is one codebook",
    }

    def _draw(self, n_features, n_components, seed):
        return np.eye(n_features, n_components)


@pytest.mark.parametrize("encoder", [GaussianEncoder(), SparseEncoder()])
def test_an_array_is_enough(encoder):
    check_encoder(encoder)


def test_an_encoder_may_declare_what_it_cannot_do():
    check_encoder(IdentityEncoder())
    without_excuse = type("Plain", (IdentityEncoder,), {"expected_failed_checks": {}})
    with pytest.raises(AssertionError) as info:
        check_encoder(without_excuse())
    assert "breaks" in str(info.value) and "check_other_recipes_are_unrelated" in str(info.value)


class FourierEncoder(BaseEncoder):
    """Random rows of a discrete cosine transform, with random signs; needs d <= N."""

    def _draw(self, n_features, n_components, seed):
        if n_components > n_features:
            raise ValueError(f"n_components={n_components} is more than N = {n_features}.")
        rng = np.random.default_rng(seed)
        rows = rng.choice(n_features, n_components, replace=False)
        signs = rng.choice([-1.0, 1.0], (n_features, 1))
        return signs * dct(np.eye(n_features), norm="ortho")[:, rows]


class ExcusedFourierEncoder(FourierEncoder):
    expected_failed_checks = {"check_more_dimensions_than_codewords": "rows of a square matrix"}


def test_an_encoder_of_no_more_dimensions_than_codewords_breaks_one_promise():
    with pytest.raises(AssertionError, match="breaks 1 promise:\n.*check_more_dimensions"):
        check_encoder(FourierEncoder())
    check_encoder(ExcusedFourierEncoder())


def test_codewords_with_a_common_mean_are_named():
    class Uniform(BaseEncoder):
        def _draw(self, n_features, n_components, seed):
            return np.random.default_rng(seed).random((n_features, n_components))

    with pytest.raises(AssertionError, match="codewords must have mean 0") as info:
        check_encoder(Uniform())
    assert "no message" not in str(info.value)


def test_parameters_of_ones_own_tell_codebooks_apart():
    Y = make_sparse_codes(20, 50, n_nonzero_coefs=1, random_state=0)
    for density in (0.1, 0.9):
        encoder = SparseEncoder(64, density, random_state=0)
        X = encoder.fit_transform(Y)
        decoder = TopKDecoder(encoder).fit(X, Y)
        assert decoder.dictionary_ is encoder.dictionary_
        fraction = np.mean(np.asarray(encoder.dictionary_) != 0)
        # Its standard error is below 0.01.
        assert abs(fraction - density) < 0.05
        assert decoder.score(X, Y) > 0.9


@pytest.mark.parametrize("bases", [(BaseEncoder,), (SphericalEncoder,)])
def test_classes_of_one_name_share_no_codebook(bases):
    def make(factor):
        def draw(self, n_features, n_components, seed):
            return np.full((n_features, n_components), factor)

        return type("Twin", bases, {"_draw": draw, "__module__": __name__})(random_state=0)

    first, second = make(1.0), make(2.0)
    codebooks = [encoder.codebook(3, 4) for encoder in (first, second)]
    assert codebooks[0] is not codebooks[1]
    assert_array_equal(np.asarray(codebooks[1]), 2 * np.asarray(codebooks[0]))
    assert first.codebook(3, 4) is codebooks[0]


def test_the_default_kind_is_the_class():
    """Another class draws other numbers from the same seed."""

    class Other(GaussianEncoder):
        pass

    first, other = (kind(random_state=0).codebook(30, 20) for kind in (GaussianEncoder, Other))
    assert not np.any(np.asarray(first) == np.asarray(other))


@pytest.mark.parametrize(
    "returned, message",
    [
        (None, r"_draw must return a codebook of shape \(5, 4\), got None"),
        (np.ones((4, 5)), r"_draw must return .* got one of shape \(4, 5\)"),
        (np.full((5, 4), np.nan), "NaN"),
    ],
)
def test_mistakes_are_named(returned, message):
    class Wrong(BaseEncoder):
        def _draw(self, n_features, n_components, seed):
            return returned

    with pytest.raises(ValueError, match=message):
        Wrong(4, random_state=0).fit(np.ones((2, 5)))
