"""What a learner's ``init`` may be, and the codewords that it names."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from sksupercode import RademacherEncoder
from sksupercode.decoders._initial_codewords import initial_codewords

F = np.random.default_rng(0).standard_normal((9, 4))


class Learner(BaseEstimator):
    def __init__(self, dictionary=F, intercept=None):
        self.dictionary_ = dictionary
        if intercept is not None:
            self.intercept_ = intercept


def assert_unit_rows(codewords, array):
    expected = array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-30)
    assert_allclose(codewords, expected, rtol=4 * np.finfo(codewords.dtype).eps)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2"])
def test_arrays(dtype):
    array = F.astype(dtype)
    array[3] = 0
    before = array.copy()
    codewords, intercept = initial_codewords(array, 9, 4)
    assert codewords.dtype == max(np.dtype("f4"), array.dtype) and intercept is None
    assert_unit_rows(codewords, array.astype(codewords.dtype))
    assert not codewords[3].any()
    codewords[:] = 7
    assert_array_equal(array, before)


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_norms_of_any_size(factor):
    codewords, _ = initial_codewords(F * factor ** (np.arange(9) % 2)[:, None], 9, 4)
    assert_unit_rows(codewords, F)


@pytest.mark.parametrize("freeze", [lambda estimator: estimator, FrozenEstimator])
def test_estimators(freeze):
    codewords, intercept = initial_codewords(freeze(Learner(3 * F, 2.0)), 9, 4)
    assert_unit_rows(codewords, F)
    assert intercept.tolist() == [2.0] * 4
    for encoder in (RademacherEncoder(4, random_state=0), RademacherEncoder(4).fit(np.eye(9))):
        codewords, intercept = initial_codewords(freeze(encoder), 9, 4)
        assert_allclose(abs(codewords), 0.5, rtol=1e-6)
        assert intercept is None
    assert initial_codewords("samples", 9, 4) == (None, None)


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("sample", "'samples', 'random', an array of shape .9, 4.*got 'sample'"),
        (None, "init must be .*None"),
        ([["a", "b"]], "init must be"),
        (F.astype(complex), "init must be"),
        (np.where(F == F.max(), np.nan, F), "init must be .*NaN"),
        (F[0], "init must be"),
        (F[:8], "init must have n_latents=9 codewords of 4 dimensions.*got 8 of 4"),
        (F.T, "got 4 of 9"),
        (FrozenEstimator(Learner(F[:, :3])), "got 9 of 3"),
        (RademacherEncoder(4, n_features=8, random_state=0), "got 8 of 4"),
        (RademacherEncoder(4, n_features="9", random_state=0), "n_features must be an integer"),
        (RademacherEncoder(4), "init=RademacherEncoder.*has no dictionary_"),
        (Learner(intercept=[1.0, 2.0]), "intercept_ must be"),
        (Learner, "init must be"),
    ],
)
def test_refusals(init, message):
    with pytest.raises(ValueError, match=message):
        initial_codewords(init, 9, 4)
