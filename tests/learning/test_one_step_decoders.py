# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from sksupercode import DictionaryLearner, TopKDecoder
from sksupercode.datasets import make_planted_activations
from sksupercode.metrics import match_dictionaries


@pytest.mark.long
def test_intercepts_do_not_run_away():
    X, _, dictionary = make_planted_activations(3000, 64, 32, n_nonzero_coefs=3, random_state=0)
    decoder = TopKDecoder(None, values="nonnegative")
    settings = {"n_nonzero_coefs": 3, "max_iter": 20, "random_state": 0}
    learner = DictionaryLearner(64, decoder=decoder, **settings).fit(X)
    np.testing.assert_allclose(learner.intercept_, X.mean(axis=0))
    assert learner.loss_curve_[-1] < learner.loss_curve_[0] < 1
    assert match_dictionaries(dictionary, learner).found > 0.8
