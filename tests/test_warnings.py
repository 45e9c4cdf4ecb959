"""Warnings point at the line of the user that called the package."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sksupercode import DictionaryLearner, MatchingPursuitDecoder, RefitDecoder
from sksupercode.sae import _feature_columns, compare_decoders

X = np.random.default_rng(0).standard_normal((20, 8))
DECODER = MatchingPursuitDecoder(np.eye(8)[:5], n_nonzero_coefs=3, tol=1e-9)


@pytest.mark.parametrize(
    "estimator",
    [
        DECODER,
        RefitDecoder(DECODER),
        make_pipeline(MaxAbsScaler(), DECODER),
        DictionaryLearner(30, n_nonzero_coefs=2, max_iter=1, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_line_that_calls_the_package(estimator):
    with pytest.warns((ConvergenceWarning, UserWarning)) as caught:
        estimator.fit(X).transform(X)
    assert {warning.filename for warning in caught} == {__file__}


def test_the_line_that_calls_the_package_through_joblib(monkeypatch):
    monkeypatch.setattr(_feature_columns, "PROBED", (20,))
    monkeypatch.setattr(_feature_columns, "FOLDS", 2)
    labels = np.arange(len(X)) % 2
    with pytest.warns((ConvergenceWarning, UserWarning)) as caught:
        compare_decoders({"MP": DECODER}, X, labels=labels)
    assert any("all 5 are taken" in str(warning.message) for warning in caught)
    assert {warning.filename for warning in caught} == {__file__}
