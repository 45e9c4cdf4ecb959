# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from threading import Thread

import numpy as np
import pytest

from sksupercode import config_context, get_config, set_config


def test_a_context_ends_with_what_was_before():
    before = get_config()
    with pytest.raises(ZeroDivisionError), config_context(gram_memory=0.5):
        assert get_config() == {**before, "gram_memory": 0.5}
        with config_context():
            set_config(gram_memory=3)
        assert get_config()["gram_memory"] == 0.5
        raise ZeroDivisionError
    assert get_config() == before


def test_the_configuration_is_that_of_all_threads():
    found = []
    with config_context(gram_memory=9):
        thread = Thread(target=lambda: found.append(get_config()["gram_memory"]))
        thread.start()
        thread.join()
    assert found == [9]


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, "2048", True, [1]])
def test_illegal_budgets(value):
    before = get_config()
    with pytest.raises(ValueError, match="gram_memory must be"):
        set_config(gram_memory=value)
    assert get_config() == before


def test_a_copy_is_returned():
    get_config()["gram_memory"] = -1
    assert get_config()["gram_memory"] >= 0
