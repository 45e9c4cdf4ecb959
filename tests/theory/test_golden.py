"""Every formula against the table of reference values, of 34-digit arithmetic where possible."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
FORMULAS = runpy.run_path(str(HERE / "golden.py"))["FORMULAS"]
TABLE = json.loads((HERE / "data" / "reference_values.json").read_text(encoding="utf-8"))


def test_every_formula_has_a_call():
    assert len(TABLE) == 79
    assert sorted(FORMULAS) == sorted(TABLE)
    assert sum(len(entry["rows"]) for entry in TABLE.values()) == 2169


@pytest.mark.parametrize("name", sorted(TABLE))
def test_reference_values(name):
    entry = TABLE[name]
    for *inputs, expected in entry["rows"]:
        value = FORMULAS[name](**dict(zip(entry["inputs"], inputs, strict=True)))
        assert np.ndim(value) == 0 and isinstance(value, float)
        tolerance = {"rtol": entry["rtol"], "atol": 0.0 if expected else 1e-12}
        np.testing.assert_allclose(value, expected, **tolerance, err_msg=f"{name}{inputs}")
    # All at once, as columns that broadcast to shape (1, rows).
    rows = entry["rows"][:: max(1, len(entry["rows"]) // 8)]
    *inputs, expected = (np.array([column]) for column in zip(*rows, strict=True))
    value = FORMULAS[name](**dict(zip(entry["inputs"], inputs, strict=True)))
    assert value.shape == expected.shape
    np.testing.assert_allclose(value, expected, rtol=entry["rtol"], atol=1e-12)
