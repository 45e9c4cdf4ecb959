"""scikit-learn's checks of every public estimator, and the package as seen from outside."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect
import json
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.covariance import LedoitWolf
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import sksupercode
from sksupercode import (
    AMPDecoder,
    DictionaryLearner,
    GaussianChannel,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    QuantizationChannel,
    RademacherEncoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
    ThresholdDecoder,
    TopKDecoder,
    Transcoder,
)
from sksupercode._utils._discovery import public_modules
from sksupercode.decoders import BaseDecoder
from sksupercode.testing import all_estimators
from sksupercode.testing._problems import constructed

HEAVY = {"cvxpy", "numba", "torch", "matplotlib", "rich"}
RECIPE = RademacherEncoder(n_features=24, random_state=0)

# All with their default parameters.
ESTIMATORS = [
    constructed(cls, RECIPE, 2) if issubclass(cls, BaseDecoder) else cls()
    for _, cls in all_estimators()
    if cls not in (SparseAutoencoder, Transcoder)
]
for estimator in ESTIMATORS:
    if hasattr(estimator, "time_limit"):
        # No test may depend on how fast the machine is.
        estimator.set_params(time_limit=None, max_nodes=0)
    if isinstance(estimator, DictionaryLearner):
        # What is checked does not depend on how much is learned.
        estimator.set_params(max_iter=3)
# Those that go other ways with other parameters.
OTHERS = [
    RademacherEncoder(n_components=5, storage="packed", random_state=0),
    GaussianChannel(relative=True, random_state=0),
    QuantizationChannel("bfloat16"),
    QuantizationChannel(bits=2),
    ThresholdDecoder(RECIPE, 2, threshold="map", values="real"),
    ThresholdDecoder(RECIPE, covariance_estimator=LedoitWolf()),
    TopKDecoder(RECIPE, n_nonzero_coefs=2, values="nonnegative", sparse_output=False),
    MatchingPursuitDecoder(RECIPE, tol=0.1, values="nonnegative"),
    OrthogonalMatchingPursuitDecoder(RECIPE, tol=0.1, values="real", sparse_output=False),
    RefitDecoder(
        TopKDecoder(RECIPE, 9, values="real"), prune=2, noise_std=0.01, sparse_output=False
    ),
    SwapDecoder(TopKDecoder(RECIPE, 4, values="nonnegative"), prune=0.01, sparse_output=False),
    DictionaryLearner(
        n_latents=9,
        n_nonzero_coefs=None,
        init="random",
        fit_intercept=False,
        random_state=0,
        decoder=RefitDecoder(TopKDecoder(None, 2), values="real", sparse_output=False),
        max_iter=3,
    ),
]

# Fitting these takes PyTorch.
TRAINED = [
    SparseAutoencoder(max_iter=3),
    SparseAutoencoder(20, architecture="relu", l1_coef=0.1, max_iter=3, sparse_output=False),
]


def expected_failed_checks(estimator):
    """Name the checks whose premise decoders do not fulfil: a vector y, iterations in ``fit``."""
    if not isinstance(estimator, BaseDecoder):
        return {}
    iterates = {"check_transformer_n_iter": "max_iter is of transform, for each sample"}
    return (iterates if isinstance(estimator, AMPDecoder) else {}) | {
        "check_fit_score_takes_y": "score wants the codes, an (n, N) matrix, not a vector y",
        "check_pipeline_consistency": "score wants the codes, an (n, N) matrix, not a vector y",
    }


def run(check, estimator):
    reason = expected_failed_checks(estimator).get(check.func.__name__)
    if reason is None:
        check(estimator)
        return
    try:
        check(estimator)
    except Exception:
        pass
    else:
        return  # and fails, as what should fail does not
    # Without the traceback: to print that takes longer than all else.
    pytest.xfail(reason)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:X has .* samples to learn n_latents:UserWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_estimators(estimator, check):
    run(check, estimator)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:X has .* samples to learn n_latents:UserWarning")
@parametrize_with_checks(OTHERS, expected_failed_checks=expected_failed_checks)
def test_estimators_with_other_parameters(estimator, check):
    run(check, estimator)


@parametrize_with_checks(TRAINED)
def test_estimators_that_are_trained(estimator, check):
    pytest.importorskip("torch", reason="needs PyTorch")
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS + OTHERS, ids=repr)
@pytest.mark.filterwarnings("ignore::sksupercode.exceptions.CodebookMismatchWarning")
@pytest.mark.filterwarnings("ignore:X has .* samples to learn n_latents:UserWarning")
def test_fitted_attributes_are_documented(estimator):
    fitted = vars(clone(estimator).fit(np.random.default_rng(0).random((6, 24)), np.eye(24)[:6]))
    names = {"feature_names_in_", *(name for name in fitted if re.fullmatch(r"[^_]\w*_", name))}
    documented = inspect.getdoc(type(estimator)).split("Attributes\n---")[1].split("\n---")[0]
    assert names <= set(re.findall(r"^(\w+) :", documented, re.MULTILINE))


def test_every_public_estimator_is_checked():
    public = {estimator for _, estimator in all_estimators()}
    # A transcoder takes no other samples than those of its weights: tests/sae/test_transcoder.py.
    assert public - {Transcoder} == {type(estimator) for estimator in ESTIMATORS + TRAINED}
    assert len(public) >= 18
    assert {name for name, _ in all_estimators()} <= set(sksupercode.__all__)


def _imported(name):
    """Return a module, or an empty one where it is of PyTorch and that is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        return ModuleType(name)


def test_no_estimator_is_missing_from_the_list():
    """Whatever class of any module is an estimator and could be public is."""
    modules = pkgutil.walk_packages(sksupercode.__path__, "sksupercode.")
    defined = {
        value
        for module in modules
        if not module.name.endswith("__main__")
        for value in vars(_imported(module.name)).values()
        if inspect.isclass(value) and issubclass(value, BaseEstimator)
        if value.__module__.startswith("sksupercode.")
        if not inspect.isabstract(value) and not value.__name__.startswith(("_", "Base"))
    }
    # Of these, Sweep is there where scikit-learn has callbacks.
    inner = {"Codewords", "FittedDictionary", "LearnedCodewords", "Sweep"}
    listed = {estimator for _, estimator in all_estimators()}
    assert listed <= defined and {value.__name__ for value in defined - listed} <= inner


@pytest.mark.parametrize(
    "page, kind",
    [
        ("api/index.rst", None),
        ("user_guide/choosing_a_decoder.rst", "decoder"),
        ("user_guide/channels.rst", "channel"),
        ("user_guide/dictionaries.rst", "encoder"),
        ("user_guide/sparse_autoencoders.rst", "autoencoder"),
        ("user_guide/learning_dictionaries.rst", "learner"),
    ],
)
def test_no_estimator_is_missing_in_the_documentation(page, kind):
    text = Path(__file__).parents[1].joinpath("docs", page).read_text()
    # A table, and then a list that explains, where a page has both.
    for part in text.split("\nWhat they do\n"):
        missing = [name for name, _ in all_estimators(kind) if not re.search(rf"\b{name}\b", part)]
        assert not missing


def test_listed_kinds_are_a_partition():
    kinds = ("autoencoder", "channel", "decoder", "encoder", "learner")
    together = [pair for kind in kinds for pair in all_estimators(kind)]
    assert sorted(together) == all_estimators()
    assert {value for _, value in all_estimators("decoder")} == {
        value for _, value in all_estimators() if issubclass(value, BaseDecoder)
    }
    with pytest.raises(ValueError, match="type_filter"):
        all_estimators("transformer")


def test_targets_of_decoders_are_matrices():
    for estimator in ESTIMATORS:
        if isinstance(estimator, BaseDecoder):
            tags = get_tags(estimator).target_tags
            assert tags.two_d_labels and tags.multi_output
            assert not (tags.single_output or tags.one_d_labels or tags.required)


def test_estimators_but_decoders_are_default_constructible():
    for estimator in ESTIMATORS + TRAINED:
        if isinstance(estimator, BaseDecoder):
            with pytest.raises(TypeError, match="dictionary|estimator"):
                type(estimator)()
        else:
            names = type(estimator)().get_params(deep=False).keys()
            assert names == estimator.get_params(deep=False).keys()


@pytest.mark.parametrize("name", public_modules())
def test_public_names(name):
    module = __import__(name, fromlist=["__all__"])
    assert list(module.__all__) == sorted(module.__all__)
    for member in module.__all__:
        assert getattr(module, member) is not None


def test_import_and_list_are_light():
    command = """if True:
        import json, sys, sksupercode
        print(json.dumps(sorted(sys.modules)))
        from sksupercode.testing import all_estimators
        all_estimators()
        print(json.dumps(sorted(sys.modules)))
    """
    process = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    imported, listed = (set(json.loads(line)) for line in process.stdout.splitlines())
    assert "sksupercode" in imported
    assert not imported & HEAVY
    # scikit-learn itself imports rich for its progress bars.
    assert not listed & {*HEAVY, "pytest"} - {"rich"}
