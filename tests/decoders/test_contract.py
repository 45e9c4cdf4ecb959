"""All decoders keep the promises of the contract."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from sklearn.covariance import ShrunkCovariance

from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    GradientPursuitDecoder,
    MatchingPursuitDecoder,
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SwapDecoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.testing import (
    _estimator_checks,
    all_estimators,
    check_decoder,
    check_encoder,
    decoder_checks,
    parametrize_with_decoder_checks,
)
from sksupercode.testing._problems import constructed

RECIPE = RademacherEncoder(random_state=0)
# All with their default parameters, but for how long they may take.
DECODERS = [
    constructed(cls, RECIPE)
    for _, cls in all_estimators("decoder")
    if cls not in (AMPDecoder, MaximumLikelihoodDecoder)
]
DECODERS += [AMPDecoder(RECIPE, max_iter=25)]
# What solves integer programs, and those that go other ways with other parameters.
OTHERS = [
    MaximumLikelihoodDecoder(RECIPE, time_limit=None, max_nodes=0),
    ThresholdDecoder(RECIPE, threshold="map", values="real"),
    ThresholdDecoder(RECIPE, covariance_estimator=ShrunkCovariance(shrinkage=0.99)),
    TopKDecoder(RECIPE, values="nonnegative"),
    TopKDecoder(RECIPE, sections=True),
    MatchingPursuitDecoder(RECIPE, values="nonnegative"),
    MatchingPursuitDecoder(RECIPE, values="real", tol=1e-3),
    OrthogonalMatchingPursuitDecoder(RECIPE, values="nonnegative"),
    OrthogonalMatchingPursuitDecoder(RECIPE, values="real", tol=1e-3),
    OrthogonalMatchingPursuitDecoder(RECIPE, selection="decrease"),
    OrthogonalMatchingPursuitDecoder(RECIPE, values="nonnegative", selection="decrease"),
    GradientPursuitDecoder(RECIPE, values="nonnegative"),
    GradientPursuitDecoder(RECIPE, values="real", tol=0.5),
    RefitDecoder(TopKDecoder(RECIPE, values="real"), values="real"),
    RefitDecoder(MatchingPursuitDecoder(RECIPE), prune=0.001),
    SwapDecoder(TopKDecoder(RECIPE, values="real"), max_swaps=1, values="real"),
    SwapDecoder(MatchingPursuitDecoder(RECIPE)),
    AMPDecoder(RECIPE, sections=True, max_iter=25),
    AMPDecoder(RECIPE, values="real", damping=0.2, max_iter=25),
    BasisPursuitDecoder(RECIPE, values="real", tol=1e-2),
]


# Some problems of the contract are too hard for some decoders, which say so.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_decoder_checks(DECODERS)
def test_contract(decoder, check):
    check(decoder)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_decoder_checks(OTHERS)
def test_contract_with_other_parameters(decoder, check):
    check(decoder)


def test_every_decoder_is_tested():
    tested = {type(decoder) for decoder in DECODERS + OTHERS}
    assert tested == {cls for _, cls in all_estimators("decoder")}
    assert len(all_estimators("decoder")) >= 10


class WithoutTies(TopKDecoder):
    """Prefers the highest index."""

    def _decode(self, V):
        scores = self._codewords.correlate(V)
        indices = np.argsort(scores, axis=1, kind="stable")[:, -self.n_nonzero_coefs_ :]
        return indices, np.ones(indices.shape)


class WithoutIndependence(TopKDecoder):
    """Lets the batch decide."""

    def _decode(self, V):
        return super()._decode(V - V.mean(axis=0))


class WithoutRestraint(TopKDecoder):
    """Draws from NumPy's global random state."""

    def _decode(self, V):
        return super()._decode(V + 1e-9 * np.random.standard_normal(V.shape))  # noqa: NPY002


class WithoutSilence(ThresholdDecoder):
    """Selects zero codewords."""

    def _levels(self, exponent):
        levels = super()._levels(exponent)
        return np.where(np.isinf(levels), 0.0, levels)


class WithoutScale(ThresholdDecoder):
    """Has a threshold in the units of X."""

    def _levels(self, exponent):
        levels = super()._levels(exponent)
        return levels / levels.max()


class WithoutCare(MatchingPursuitDecoder):
    """Accepts anything for k, and divides by zero."""

    def fit(self, X, y=None):
        super().set_params(n_nonzero_coefs=abs(int(self.n_nonzero_coefs or 1)))
        return super().fit(X, y)


class WithoutAttention(TopKDecoder):
    """Never notices a mismatch."""

    def fit(self, X, y=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().fit(X, y)


@pytest.mark.parametrize(
    "decoder_class, expected",
    [
        (WithoutTies, "check_ties"),
        (WithoutIndependence, "check_rows_are_independent"),
        (WithoutRestraint, "check_global_random_state"),
        (WithoutSilence, "check_zero_codewords"),
        (WithoutScale, "check_common_scale"),
        (WithoutCare, "check_bad_parameters"),
        (WithoutAttention, "check_mismatching_codebook"),
    ],
)
def test_checks_find_what_is_wrong(decoder_class, expected):
    decoder = decoder_class(RECIPE)
    failed = set()
    for check in decoder_checks(decoder):
        if check.__name__ == expected:
            try:
                check(decoder)
            except AssertionError:
                failed.add(expected)
    assert failed == {expected}


class WithoutRespect(WithoutScale, WithoutAttention):
    """Breaks two promises, and says so of one."""

    expected_failed_checks = {"check_common_scale": "its threshold has a unit"}


@pytest.fixture
def three_checks(monkeypatch):
    """Run two that are broken, and between them one that is not."""
    names = ("check_common_scale", "check_inverse_transform", "check_mismatching_codebook")

    def checks(decoder):
        return (check for check in decoder_checks(decoder) if check.__name__ in names)

    monkeypatch.setattr(_estimator_checks, "decoder_checks", checks)


@pytest.mark.usefixtures("three_checks")
def test_all_checks_run_before_failures_are_reported():
    with pytest.raises(AssertionError) as info:
        check_decoder(type("Both", (WithoutRespect,), {"expected_failed_checks": {}})(RECIPE))
    report = str(info.value)
    assert "Both breaks 2 promises" in report
    for check in decoder_checks(WithoutRespect(RECIPE)):
        if check.__name__ in ("check_common_scale", "check_mismatching_codebook"):
            assert f"* {check.__name__}: {check.__doc__.splitlines()[0]}" in report


@pytest.mark.usefixtures("three_checks")
def test_what_an_algorithm_cannot_do_is_declared():
    decoder = WithoutRespect(RECIPE)
    with pytest.raises(AssertionError) as info:
        check_decoder(decoder)
    assert "check_common_scale" not in str(info.value)
    assert "check_mismatching_codebook" in str(info.value)
    # In pytest it is expected to fail, also inside of another decoder.
    for outer in (decoder, RefitDecoder(decoder)):
        mark = parametrize_with_decoder_checks([outer]).mark
        marked = {case.id.split("-")[-1] for case in mark.args[1] if case.marks}
        assert marked == {"check_common_scale"}
    decoder.expected_failed_checks = {"check_tie": "a typing error"}
    with pytest.raises(ValueError, match="names check_tie: there is no such check"):
        check_decoder(decoder)


class FewParameters(TopKDecoder):
    """Leaves out the parameters that a decoder may leave out."""

    def __init__(self, dictionary, n_nonzero_coefs=None):
        self.dictionary = dictionary
        self.n_nonzero_coefs = n_nonzero_coefs

    sections, covariance_estimator = False, None


@pytest.mark.long
def test_values_and_sparse_output_may_be_left_out():
    check_decoder(FewParameters(RECIPE))


@pytest.mark.parametrize(
    "check, estimator, message",
    [
        (check_decoder, TopKDecoder, "instance and not a class, got the class TopKDecoder"),
        (check_decoder, RECIPE, "dictionary, n_nonzero_coefs not found"),
        (check_encoder, RademacherEncoder, "instance and not a class, got the class Rademacher"),
        (check_encoder, TopKDecoder(RECIPE), "n_components, random_state not found"),
    ],
)
def test_what_no_check_can_be_run_on(check, estimator, message):
    with pytest.raises(TypeError, match=message):
        check(estimator)


def test_an_error_says_which_promise_is_broken():
    with pytest.raises(AssertionError) as info:
        for check in decoder_checks(WithoutTies(RECIPE)):
            check(WithoutTies(RECIPE))
    assert "The first of equal codewords is preferred" in "".join(info.value.__notes__)
