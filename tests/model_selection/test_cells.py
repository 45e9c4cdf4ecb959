"""What every cell of a sweep does by itself."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import FunctionTransformer

from sksupercode import RademacherEncoder, TopKDecoder
from sksupercode.model_selection import recovery_curve

ENCODER = RademacherEncoder()
SWEEP = {"n_features": 64, "n_nonzero_coefs": 4, "n_components": [30], "n_trials": 20}


@pytest.mark.parametrize(
    ("channel", "shape"),
    [
        (PCA(10), r"\(10, 10\)"),
        (FunctionTransformer(lambda X: X[:, :3]), r"\(10, 3\)"),
        (FunctionTransformer(lambda X: X[1:]), r"\(9, 30\)"),
    ],
)
def test_channels_keep_the_shape(channel, shape):
    message = rf"^channel must return .* as it is given, \(10, 30\); .* returned {shape}\.$"
    with pytest.raises(ValueError, match=message):
        recovery_curve(ENCODER, TopKDecoder(ENCODER), channel=channel, random_state=0, **SWEEP)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "two", [2], True])
def test_bad_numbers_of_jobs(n_jobs, tmp_path):
    path = tmp_path / "cells"
    with pytest.raises(ValueError, match="^n_jobs must be "):
        recovery_curve(ENCODER, TopKDecoder(ENCODER), n_jobs=n_jobs, checkpoint=path, **SWEEP)
    assert not path.exists()
