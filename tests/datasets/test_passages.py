# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re
import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sksupercode.datasets import _passages, load_passages


@pytest.fixture(scope="module")
def passages():
    return load_passages()


@pytest.mark.long
def test_contents(passages):
    assert set(passages) == {"data", "source", "DESCR"}
    assert len(passages.data) == len(passages.source) > 3000
    assert all(type(passage) is str for passage in passages.data)
    assert len(set(passages.data)) == len(passages.data)
    for passage in passages.data:
        assert passage == " ".join(passage.split())
        assert 8 <= len(re.findall(r"\b\w\w+\b", passage)) <= 128
    assert "scikit-learn" in passages.DESCR


def test_sources(passages):
    sources = set(passages.source)
    assert {"datasets/descr/iris.rst", "argparse.py", "json/__init__.py"} <= sources
    assert not any(re.search(r"(^|/)(test|site-packages|idlelib)/", name) for name in sources)
    iris = [
        passage
        for passage, source in zip(passages.data, passages.source, strict=True)
        if source == "datasets/descr/iris.rst"
    ]
    assert any("Fisher" in passage for passage in iris)


def test_the_words_are_codes_unlike_the_model(passages):
    Y = CountVectorizer(binary=True).fit_transform(passages.data)
    counts = np.diff(Y.indptr)
    frequencies = np.sort(np.bincount(Y.indices))[::-1]
    assert Y.shape[1] > 4000
    assert counts.min() >= 1 and counts.std() > 4
    # Roughly Zipf: falls by about 10 per decade of the rank.
    assert 3 < frequencies[9] / frequencies[99] < 30
    assert 3 < frequencies[99] / frequencies[999] < 30


def test_bounds_order_and_imports(monkeypatch):
    folder = _passages._standard_library() / "email"
    monkeypatch.setattr(_passages, "_standard_library", lambda: folder)
    passages = load_passages()
    before = set(sys.modules)
    narrow = load_passages(min_words=20, max_words=20)
    assert not set(sys.modules) - before
    expected = [
        (passage, source)
        for passage, source in zip(passages.data, passages.source, strict=True)
        if len(re.findall(r"\b\w\w+\b", passage)) == 20
    ]
    assert list(zip(narrow.data, narrow.source, strict=True)) == expected


@pytest.mark.parametrize(
    ("bounds", "name"),
    [
        *(({"min_words": value}, "min_words") for value in (-1, 2.0, "3", None, 129)),
        *(({"max_words": value}, "max_words") for value in (-1, 2.0, "3", None)),
    ],
    ids=str,
)
def test_bad_bounds(bounds, name):
    with pytest.raises(ValueError, match=name):
        load_passages(**bounds)


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_docstrings_of_a_folder(tmp_path):
    write(
        tmp_path,
        {
            "b.py": '"""module b"""\nif 1:\n  def f():\n    """nested f\n\n    more f"""\n',
            "a/late.py": 'class C:\n    """class C"""\n    async def g(self):\n        "async g"\n',
            "a.py": "x = 'not a docstring'\nraise SystemExit  # never executed\n",
            "broken.py": "def (:\n",
            "null.py": "x = 1\0",
            "latin.py": '# -*- coding: latin-1 -*-\n"""caf\xe9"""\n'.encode("latin-1"),
            "undecodable.py": b'"""\xff\xfe"""\n',
            "escape.py": '"""a \\d"""\n',
            "deep.py": '"""deep"""\nx = ' + "-" * 100_000 + "1\n",
            "test/t.py": '"""a test"""\n',
            "site-packages/p.py": '"""installed"""\n',
            "notes.txt": '"""text"""\n',
        },
    )
    assert list(_passages._docstrings(tmp_path)) == [
        ("b.py", "module b"),
        ("b.py", "nested f\n\nmore f"),
        ("escape.py", "a \\d"),
        ("latin.py", "caf\xe9"),
        ("a/late.py", "class C"),
        ("a/late.py", "async g"),
    ]


def test_a_missing_standard_library_leaves_the_descriptions(monkeypatch, tmp_path):
    monkeypatch.setattr(_passages, "_standard_library", lambda: tmp_path / "absent.zip")
    found = load_passages()
    assert len(found.data) > 50
    assert all(source.startswith("datasets/descr/") for source in found.source)
    assert len(load_passages(min_words=0, max_words=10**6).data) > len(found.data)
