# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from sksupercode._utils._validation import check_integer, check_option, check_real


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_integers(value):
    checked = check_integer(value, "k", minimum=3, maximum=3)
    assert checked == 3 and type(checked) is int


@pytest.mark.parametrize("value", [2, 4, 3.0, np.float64(3), True, "3", None, [3], np.array([3])])
def test_not_the_integer_wanted(value):
    with pytest.raises(ValueError, match=r"k must be an integer >= 3 and <= 3, got "):
        check_integer(value, "k", minimum=3, maximum=3)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.inf])
def test_reals(value):
    checked = check_real(value, "rate", minimum=0)
    assert checked == value and type(checked) is float


@pytest.mark.parametrize("value", [-0.1, 1.0, np.nan, np.inf, True, "0.5", None, 1j])
def test_not_the_real_wanted(value):
    with pytest.raises(ValueError, match=r"rate must be a real number >= 0 and < 1, got "):
        check_real(value, "rate", minimum=0, maximum=1, max_inclusive=False)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_infinity_can_be_refused(value):
    with pytest.raises(ValueError, match="tol must be a finite real number"):
        check_real(value, "tol", minimum=0, maximum=np.inf, max_inclusive=False)


def test_none_where_it_is_allowed():
    assert check_integer(None, "k", allow_none=True) is None
    assert check_real(None, "tol", allow_none=True) is None


@pytest.mark.parametrize("value", ["c", None, 1, ["a"]])
def test_options(value):
    assert check_option("a", "kind", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="kind must be one of 'a', 'b', got "):
        check_option(value, "kind", ("a", "b"))
