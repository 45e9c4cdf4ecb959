# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import re
from pathlib import Path

import pytest

from benchmarks._learned_table import readme_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippets_run_as_written(snippet):
    exec(compile(snippet, "README.md", "exec"), {})


def test_there_are_snippets():
    assert len(SNIPPETS) >= 2


def test_links_work_without_the_sources():
    links = re.findall(r"(?<!!)\[[^]]+\]\(([^)]+)\)", README)
    assert all(link.startswith("https://") for link in links)


def test_table_of_learned_dictionaries_is_that_of_the_report():
    report = json.loads((ROOT / "docs/user_guide/benchmarks_learned.json").read_text("utf-8"))
    assert "\n".join(["", *readme_table(report), ""]) in README
