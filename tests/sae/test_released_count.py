"""The table of the released autoencoders."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import importlib.util
from pathlib import Path

import pytest

from sksupercode import load_sae

ROOT = Path(__file__).parents[2]


def read_table():
    text = ROOT.joinpath("docs", "user_guide", "released_saes.csv").read_text(encoding="utf-8")
    *rows, total = csv.DictReader(text.splitlines())
    return rows, total


def test_the_table_adds_up():
    rows, total = read_table()
    n_ids = sum(int(row["ids"]) for row in rows)
    n_read = sum(int(row["ids"]) for row in rows if row["read"] == "yes")
    assert n_ids == int(total["ids"]) == 13857
    assert total["read"] == f"{n_read / n_ids:.2%}"
    assert n_read / n_ids > 0.999
    assert {row["loader"] for row in rows if row["read"] == "no"} == {"temporal"}


def test_formats_of_the_table_are_known(tmp_path):
    (tmp_path / "nothing.safetensors").touch()
    with pytest.raises(ValueError, match="format") as refusal:
        load_sae(tmp_path / "nothing.safetensors", format="of nobody")
    names = {row["format"] for row in read_table()[0] if row["read"] == "yes"}
    assert all(repr(name) in str(refusal.value) for name in names)


def test_entries_are_decided_one_by_one():
    spec = importlib.util.spec_from_file_location(
        "make_released_saes", ROOT / "examples" / "make_released_saes.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    listed = {
        "gemma": {
            "repo_id": "google/gemma-scope-2-1b-it",
            "conversion_func": "gemma_3",
            "saes": [
                {"id": "a", "path": "transcoder_all/layer_0_width_16k_l0_big_affine"},
                {"id": "b", "path": "resid_post/layer_7_width_262k_l0_medium_seed_1"},
                {"id": "c", "path": "crosscoder/layer_7_13_17_22_width_262k_l0_medium"},
            ],
        },
        "old": {
            "repo_id": "me/old",
            "conversion_func": None,
            "saes": [{"id": "a", "path": "a", "norm_scaling_factor": 2}, {"id": 1, "path": 1}],
        },
    }
    rows = {row[:5]: row[5:] for row in module.count(listed)}
    assert rows == {
        ("gemma_scope_2", "gemma_3", "transcoder with a skip", "yes", ""): (1, 1),
        ("gemma_scope_2", "gemma_3", "autoencoder", "yes", ""): (1, 1),
        ("saelens", "sae_lens", "autoencoder", "yes", "scale="): (1, 1),
        ("saelens", "sae_lens", "autoencoder", "yes", ""): (1, 1),
        ("", "gemma_3", "gemma_3 autoencoder", "no", ""): (1, 1),
        ("", "", "all", "80.00%", ""): (2, 5),
    }
