"""scikit-learn's checks of every public estimator, and the package as seen from outside."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect
import json
import subprocess
import sys

import pytest
from sklearn.base import BaseEstimator
from sklearn.covariance import LedoitWolf
from sklearn.utils.estimator_checks import parametrize_with_checks

import sksupercode
from sksupercode import (
    AdaptiveSuccessiveDecoder,
    AMPDecoder,
    BasisPursuitDecoder,
    CoupledEncoder,
    DropoutChannel,
    GaussianChannel,
    GradientPursuitDecoder,
    HadamardEncoder,
    MatchingPursuitDecoder,
    MaximumLikelihoodDecoder,
    OrthogonalMatchingPursuitDecoder,
    QuantizationChannel,
    RademacherEncoder,
    RefitDecoder,
    SparseAutoencoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.decoders import BaseDecoder

RECIPE = RademacherEncoder(n_features=24, random_state=0)

ESTIMATORS = [
    RademacherEncoder(),
    RademacherEncoder(n_components=5, random_state=0),
    RademacherEncoder(storage="dense"),
    RademacherEncoder(storage="packed"),
    SphericalEncoder(),
    CoupledEncoder(),
    CoupledEncoder(n_components=5, n_blocks=2, random_state=0),
    HadamardEncoder(),
    HadamardEncoder(n_components=5, random_state=0),
    GaussianChannel(),
    GaussianChannel(relative=True, random_state=0),
    DropoutChannel(),
    DropoutChannel(random_state=0),
    QuantizationChannel(),
    QuantizationChannel("bfloat16"),
    ThresholdDecoder(RECIPE),
    ThresholdDecoder(RECIPE, threshold="map", n_nonzero_coefs=2, values="real"),
    ThresholdDecoder(RECIPE, covariance_estimator=LedoitWolf()),
    TopKDecoder(RECIPE, n_nonzero_coefs=2),
    TopKDecoder(RECIPE, n_nonzero_coefs=2, values="nonnegative", sparse_output=False),
    TopKDecoder(RECIPE, n_nonzero_coefs=2, covariance_estimator=LedoitWolf()),
    MatchingPursuitDecoder(RECIPE, n_nonzero_coefs=2),
    MatchingPursuitDecoder(RECIPE, n_nonzero_coefs=2, values="real", sparse_output=False),
    MatchingPursuitDecoder(RECIPE, tol=0.1, values="nonnegative"),
    OrthogonalMatchingPursuitDecoder(RECIPE, n_nonzero_coefs=2),
    OrthogonalMatchingPursuitDecoder(RECIPE, n_nonzero_coefs=2, values="real"),
    OrthogonalMatchingPursuitDecoder(RECIPE, tol=0.1, values="nonnegative", sparse_output=False),
    GradientPursuitDecoder(RECIPE, n_nonzero_coefs=2),
    GradientPursuitDecoder(RECIPE, n_nonzero_coefs=2, values="real", sparse_output=False),
    GradientPursuitDecoder(RECIPE, tol=0.1, values="nonnegative"),
    RefitDecoder(TopKDecoder(RECIPE, n_nonzero_coefs=2)),
    RefitDecoder(ThresholdDecoder(RECIPE), values="real", sparse_output=False),
    AMPDecoder(RECIPE, n_nonzero_coefs=2),
    AMPDecoder(RECIPE, n_nonzero_coefs=2, sections=True),
    AdaptiveSuccessiveDecoder(RECIPE, n_nonzero_coefs=2),
    MaximumLikelihoodDecoder(RECIPE, n_nonzero_coefs=2),
    TopKDecoder(RECIPE, n_nonzero_coefs=2, sections=True),
    AMPDecoder(RECIPE, n_nonzero_coefs=2, values="nonnegative", sparse_output=False),
    AMPDecoder(RECIPE, n_nonzero_coefs=2, values="real", damping=0.2),
    BasisPursuitDecoder(RECIPE),
    BasisPursuitDecoder(RECIPE, n_nonzero_coefs=2, values="real"),
    BasisPursuitDecoder(RECIPE, noise_tol=10.0, values="nonnegative"),
]

# Fitting these takes PyTorch.
TRAINED = [
    SparseAutoencoder(),
    SparseAutoencoder(20, architecture="batchtopk", n_nonzero_coefs=4, max_iter=5),
    SparseAutoencoder(20, architecture="relu", max_iter=5, sparse_output=False),
]


def expected_failed_checks(estimator):
    """Name the checks whose premise, that y is a vector of labels, no decoder fulfils."""
    if not isinstance(estimator, BaseDecoder):
        return {}
    return {
        "check_fit_score_takes_y": "score wants the codes, an (n, N) matrix, not a vector y",
        "check_pipeline_consistency": "score wants the codes, an (n, N) matrix, not a vector y",
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_estimators(estimator, check):
    check(estimator)


@parametrize_with_checks(TRAINED)
def test_estimators_that_are_trained(estimator, check):
    pytest.importorskip("torch", reason="needs PyTorch")
    check(estimator)


def test_every_public_estimator_is_checked():
    public = {
        value
        for value in vars(sksupercode).values()
        if inspect.isclass(value) and issubclass(value, BaseEstimator)
    }
    assert public == {type(estimator) for estimator in ESTIMATORS + TRAINED}


def test_estimators_but_decoders_are_default_constructible():
    for estimator in ESTIMATORS + TRAINED:
        if isinstance(estimator, BaseDecoder):
            with pytest.raises(TypeError, match="dictionary|estimator"):
                type(estimator)()
        else:
            assert type(estimator)().get_params(deep=False).keys() == estimator.get_params().keys()


@pytest.mark.parametrize(
    "name",
    [
        "sksupercode",
        "sksupercode.channels",
        "sksupercode.datasets",
        "sksupercode.decoders",
        "sksupercode.dictionaries",
        "sksupercode.encoders",
        "sksupercode.exceptions",
        "sksupercode.inspection",
        "sksupercode.metrics",
        "sksupercode.sae",
        "sksupercode.testing",
        "sksupercode.theory",
    ],
)
def test_public_names(name):
    module = __import__(name, fromlist=["__all__"])
    assert list(module.__all__) == sorted(module.__all__)
    for member in module.__all__:
        assert getattr(module, member) is not None


def test_import_is_light():
    command = "import json, sys, sksupercode; print(json.dumps(sorted(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    modules = set(json.loads(process.stdout))
    assert "sksupercode" in modules
    assert not modules & {"cvxpy", "numba", "torch", "matplotlib", "rich"}
